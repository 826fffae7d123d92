//! `svault run` on a terminal: the command has one of its own, looks like itself, and what it writes is masked there,
//! too; a file of references that changed is asked for again, whatever window is open.

use svault_tests::need;
use svault_tests::sandbox::Sandbox;
use svault_tests::terminal::{MARK, Terminal};

pub const VALUE: &str = "sk-test-terminal-3f9c77d1e0aa";
/// Behind a command, so that its end is seen.
pub fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("KEY", VALUE, &["--tier", "medium", "--scope", "db"]);
    sandbox.add("STRIPE_LIVE", "sk-test-stripe-9d0c1b2a3f4e", &["--tier", "medium", "--scope", "db"]);
    std::fs::write(sandbox.home().join(".env"), "KEY=svault://main/KEY\n").expect("write");
    sandbox
}

/// How the terminal is set up.
fn settings(shell: &mut Terminal) -> String {
    let (seen, _) = shell.runs("stty -g");
    seen.lines().last().unwrap_or_default().to_owned()
}

/// Types a command that wants a yes; the card.
pub fn says_yes(shell: &mut Terminal, line: &str) -> String {
    shell.types(&format!("{line}{MARK}"));
    shell.types_passphrase();
    let card = shell.waits_for("Run it?");
    std::thread::sleep(std::time::Duration::from_millis(300));
    shell.types("y\n");
    card
}

#[test]
fn a_command_on_a_terminal_has_its_size_its_keys_and_a_masked_output() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    shell.runs("stty rows 33 cols 101");
    let before = settings(&mut shell);
    let line = "svault run -- sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size; echo $KEY; printf %s \"$KEY\" | \
                base64; read x; echo \"typed <$x>\"; exit 7'";
    let card = says_yes(&mut shell, line);
    assert!(card.contains("main/KEY") && card.contains("in folder"), "{card}");
    let seen = shell.waits_for("[svault:KEY]");
    assert!(seen.contains("33 101"), "{seen}");
    shell.types("one\n");
    let (seen, code) = shell.ends();
    assert!(seen.contains("typed <one>") && code == 7, "{code} {seen}");
    assert_eq!(settings(&mut shell), before, "the terminal is as it was");
    assert!(!shell.seen().contains(VALUE), "{}", shell.seen());
    assert!(!shell.seen().contains("c2stdGVzdC10ZXJtaW5hbC"), "{}", shell.seen());
}

/// A terminal writes CRLF where a program writes LF.
#[test]
fn a_value_of_several_lines_is_masked_on_a_terminal() {
    need!(Linux, Script);
    let sandbox = house();
    let key = |end: &str| {
        [
            "-----BEGIN TEST KEY-----",
            "c2stdGVzdC1saW5lLW9uZQ",
            "c2stdGVzdC1saW5lLXR3bw",
            "-----END TEST KEY-----",
        ]
        .join(end)
    };
    sandbox.add("PEM", &key("\n"), &["--tier", "medium", "--scope", "db"]);
    sandbox.add("DOS", &key("\r\n").replace("TEST", "OTHER"), &["--tier", "medium", "--scope", "db"]);
    std::fs::write(sandbox.home().join(".env"), "PEM=svault://main/PEM\nDOS=svault://main/DOS\n")
        .expect("write");
    let mut shell = Terminal::shell(&sandbox);
    let line = "svault run -- sh -c 'echo \"$PEM\"; echo \"$DOS\"; echo \"$DOS\" | tr -d \"\\r\"; echo \"$PEM\" | sed \"s/$/\\r/\"'";
    let _ = says_yes(&mut shell, line);
    let (seen, code) = shell.ends();
    assert_eq!(code, 0, "{seen}");
    let masks = |name: &str| seen.matches(&format!("[svault:{name}]")).count();
    assert_eq!((masks("PEM"), masks("DOS")), (2, 2), "{seen}");
    assert!(!shell.seen().contains("c2stdGVzdC1saW5l"), "{}", shell.seen());
}

#[test]
fn ctrl_c_reaches_the_command_once_and_the_terminal_is_put_back_even_after_a_kill() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let before = settings(&mut shell);
    let line = "svault run -- sh -c 'trap \"echo got-it\" INT; echo rea\"\"dy; read x; read y; exit 3'";
    let _ = says_yes(&mut shell, line);
    shell.waits_for("ready");
    shell.types("\u{3}");
    shell.waits_for("got-it");
    shell.types("a\nb\n");
    let (seen, code) = shell.ends();
    assert!(!seen.contains("got-it") && code == 3, "{code} {seen}");
    assert_eq!(settings(&mut shell), before);
    // The same command again: the window repeats it, and svault is killed in the middle.
    shell.types(&format!("{line}{MARK}"));
    shell.waits_for("ready");
    let svault = svault_tests::processes::children(shell.shell_pid())[0];
    svault_tests::processes::kill(svault);
    let (seen, code) = shell.ends();
    assert_eq!(code, 137, "{seen}");
    sandbox
        .wait_for("the guard's last act", || svault_tests::processes::children(shell.shell_pid()).is_empty());
}

#[test]
fn a_file_of_references_that_an_agent_has_changed_is_asked_for_again() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let line = "svault run -- printenv KEY";
    let first = says_yes(&mut shell, line);
    assert!(!first.contains("new here"), "{first}");
    assert_eq!(shell.ends().1, 0);
    // The window repeats it.
    let (seen, code) = shell.runs(line);
    assert!(code == 0 && seen.contains("[svault:KEY]"), "{code} {seen}");
    // An agent adds a reference, and the human types the same command in the open window.
    let env = sandbox.home().join(".env");
    let changed = "KEY=svault://main/KEY\nSTRIPE=svault://main/STRIPE_LIVE\n";
    std::fs::write(&env, changed).expect("write");
    let card = says_yes(&mut shell, line);
    let new: Vec<&str> = card.lines().filter(|l| l.trim_start().starts_with("new here")).collect();
    assert!(new.len() == 2 && new.iter().any(|l| l.contains("main/STRIPE_LIVE")), "{card}");
    assert!(new.iter().any(|l| l.contains("what its files set")), "{card}");
    assert_eq!(shell.ends().1, 0);
    // Taken out again, and put back: each time it differs from the last yes.
    std::fs::write(&env, "KEY=svault://main/KEY\n").expect("write");
    let _ = says_yes(&mut shell, line);
    assert_eq!(shell.ends().1, 0);
    std::fs::write(&env, changed).expect("write");
    let card = says_yes(&mut shell, line);
    assert!(card.contains("new here") && card.contains("main/STRIPE_LIVE"), "{card}");
    assert_eq!(shell.ends().1, 0);
    assert!(!shell.seen().contains(VALUE));
}

/// A human's own run is no agent's, and may be what an agent has changed.
#[test]
fn a_card_names_a_secret_that_is_pinned_to_other_commands() {
    need!(Linux, Script);
    let sandbox = house();
    let pin = ["--tier", "medium", "--scope", "db", "--command", "/usr/bin/printenv PINNED"];
    sandbox.add("PINNED", "sk-test-pinned-5d0e7f", &pin);
    std::fs::write(sandbox.home().join(".env"), "PINNED=svault://main/PINNED\n").expect("write");
    let mut shell = Terminal::shell(&sandbox);
    for (line, told) in [("/usr/bin/printenv PINNED", false), ("/usr/bin/printenv", true)] {
        let card = says_yes(&mut shell, &format!("svault run -- {line}"));
        assert_eq!(card.contains("PINNED is pinned to other commands than this"), told, "{card}");
        assert_eq!(shell.ends().1, 0);
    }
}

/// Where a command sends a secret may stand beside it.
#[test]
fn whatever_else_a_file_of_references_sets_is_asked_for_again() {
    need!(Linux, Script);
    let sandbox = house();
    let env = sandbox.home().join(".env");
    let mut shell = Terminal::shell(&sandbox);
    let line = "svault run -- sh -c 'echo to $TARGET with $KEY'";
    let texts = [
        "KEY=svault://main/KEY\nTARGET=https://good.example/\n",
        "KEY=svault://main/KEY\nTARGET=https://evil.example/\n",
        "KEY=svault://main/KEY\nTARGET=https://evil.example/${KEY}\n",
        "KEY=svault://main/KEY\nTARGET=svault://main/KEY\n",
        "KEY=svault://main/KEY\nPGHOST=evil.example\nTARGET=svault://main/KEY\n",
    ];
    for (n, text) in texts.iter().enumerate() {
        std::fs::write(&env, text).expect("write");
        let card = says_yes(&mut shell, line);
        assert_eq!(card.contains("what its files set"), n > 0, "{card}");
        assert_eq!(shell.ends().1, 0);
        // A comment is no difference, nor is the order of what is no secret.
        let turned: String = text.lines().rev().map(|l| format!("{l}\n")).collect();
        let same = if n < 2 { turned } else { text.to_string() };
        std::fs::write(&env, format!("# a comment\n{same}")).expect("write");
        let (seen, code) = shell.runs(line);
        assert!(code == 0 && seen.contains("with [svault:KEY]"), "{code} {seen}");
    }
    assert!(!shell.seen().contains(VALUE));
}

#[test]
fn an_agents_changed_references_are_named_on_the_card_of_its_request() {
    need!(Linux);
    let sandbox = house();
    let exe = svault_tests::Robot::executable(&sandbox);
    sandbox.set_policy(&format!("[callers.robot]\nexe = [\"{}\"]\nscopes = [\"db\"]\n", exe.display()));
    let mut robot = svault_tests::Robot::start(&sandbox);
    let why =
        ["run", "--scope", "db", "--reason", svault_tests::sandbox::GOOD_REASON, "--wait", "0", "--json"];
    let asks = |robot: &mut svault_tests::Robot<'_>| {
        let said = robot.runs(&[&why[..], &["--", "/usr/bin/printenv", "KEY"]].concat()).exits(6).json();
        said["id"].as_str().expect("an id").to_owned()
    };
    let first = asks(&mut robot);
    let _ = sandbox.human(&["approve", &first, "--for", "session"]).ok();
    assert_eq!(
        robot.runs(&[&why[..], &["--", "/usr/bin/printenv", "KEY"]].concat()).ok().text(),
        "[svault:KEY]\n"
    );
    std::fs::write(sandbox.home().join(".env"), "KEY=svault://main/KEY\nS=svault://main/STRIPE_LIVE\n")
        .expect("write");
    let second = asks(&mut robot);
    let pending = sandbox.human(&["pending", "--json"]).ok().json();
    assert_eq!(pending["pending"][0]["new_here"], serde_json::json!(["main/STRIPE_LIVE"]));
    let card = sandbox.human(&["approve", &second]).ok();
    assert!(
        card.err.lines().any(|l| l.contains("new here") && l.contains("main/STRIPE_LIVE")),
        "{}",
        card.all()
    );
}
