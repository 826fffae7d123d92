//! What a human types is taken whole or not at all, what a yes is for is shown whole, and nobody locks themselves out.

use std::time::Duration;
use svault_tests::need;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::terminal::{MARK, Terminal};

#[test]
fn a_tab_is_a_character_and_a_control_character_is_an_error() {
    need!(Linux, Script);
    let sandbox = Sandbox::ready();
    let mut shell = Terminal::shell(&sandbox);
    // Ctrl-U begins anew, whatever came before it.
    for (name, keys, value) in [
        ("T", "sk-test-typed\tby-hand-4412\n", "sk-test-typed\tby-hand-4412"),
        ("U", "wrong\x17\x15sk-test-typed-again\n", "sk-test-typed-again"),
    ] {
        shell.types(&format!("svault add {name} --scope db{MARK}"));
        for prompt in [&format!("Value of {name}"), "Again"] {
            shell.waits_for(prompt);
            shell.types(keys);
        }
        shell.types_passphrase();
        let (seen, code) = shell.ends();
        assert_eq!(code, 0, "{seen}");
        assert_eq!(sandbox.human(&["show", name]).ok().text(), value);
    }
    shell.types(&format!("svault add W --scope db{MARK}"));
    shell.waits_for("Value of W");
    shell.types("sk-test-typed \x17by-hand\n");
    let (seen, code) = shell.ends();
    assert!(code == 1 && seen.contains("Ctrl-W can't be typed here"), "{code} {seen}");
}

#[test]
fn whatever_can_be_set_as_a_passphrase_can_be_typed_again() {
    need!(Linux, Script);
    let sandbox = Sandbox::empty();
    let long: String = (0..400).map(|n| format!("{n} lamps ")).collect();
    assert!((3000..=4096).contains(&long.len()), "{}", long.len());
    let init = sandbox.svault(&["init"]).secret("--passphrase-fd", &long);
    let _ = init.writes_to("--recovery-out-fd", &sandbox.path("code")).run().ok();
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("svault list{MARK}"));
    shell.waits_for("assphrase:");
    shell.types(&format!("{long}\n"));
    let (seen, code) = shell.ends();
    assert_eq!(code, 0, "{seen}");
}

#[test]
fn a_policy_from_a_file_is_shown_whole_before_the_yes() {
    need!(Linux, Script);
    let sandbox = Sandbox::ready();
    let file = sandbox.path("home/new.toml");
    let scopes: Vec<String> = (0..90).map(|n| format!("\"scope-{n}\"")).collect();
    let text = format!("[callers.x]\nverified = true\nscopes = [{}, \"pay-with-this\"]\n", scopes.join(", "));
    std::fs::write(&file, text).expect("write");
    svault_tests::scratch::own(&file, sandbox.uid());
    let in_force = || sandbox.human(&["policy", "show"]).ok().text().contains("pay-with-this");
    let mut shell = Terminal::shell(&sandbox);
    for (answer, exit) in [("n\n", 1), ("y\n", 0)] {
        shell.types(&format!("svault policy edit --file new.toml{MARK}"));
        shell.types_passphrase();
        let shown = shell.waits_for("Put this policy in force?");
        assert!(shown.contains("pay-with-this"), "{shown}");
        assert!(!in_force());
        // What is typed at once is no answer.
        std::thread::sleep(Duration::from_millis(1200));
        shell.types(answer);
        let (seen, code) = shell.ends();
        assert_eq!(code, exit, "{seen}");
    }
    assert!(in_force());
    // What was changed while the question stood is not undone by the yes.
    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, format!("# more\n{text}")).expect("write");
    shell.types(&format!("svault policy edit --file new.toml{MARK}"));
    shell.types_passphrase();
    shell.waits_for("Put this policy in force?");
    let _ = sandbox.human(&["caller", "remove", "x"]).ok();
    std::thread::sleep(Duration::from_millis(1200));
    shell.types("y\n");
    let (seen, code) = shell.ends();
    assert!(code == 1 && seen.contains("was changed meanwhile; nothing was done"), "{code} {seen}");
    assert!(!in_force());
}

#[test]
fn a_program_that_the_human_works_under_is_no_caller() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let svault = sandbox.binary().display();
    let add = |exe: &str| {
        let line = format!("{svault} caller add x --exe {exe} --scope db --passphrase-fd 0; exit $?");
        sandbox.program("/bin/bash", &["--norc", "-c", &line]).stdin(format!("{PASSPHRASE}\n")).run()
    };
    let said = add("/bin/bash").exits(1);
    assert!(said.err.contains("a program that this command runs under"), "{}", said.all());
    // It would have shut everything below bash out: nothing was done.
    let callers = || sandbox.human(&["caller", "list", "--json"]).ok().json()["callers"].clone();
    assert_eq!(callers(), serde_json::json!([]), "it was registered all the same");
    for (exe, told) in [("/etc/passwd", "is no program"), ("/proc/self/exe", "is no program")] {
        let said = add(exe).exits(2);
        assert!(said.err.contains(told), "{}", said.all());
    }
    let _ = add("/bin/true").ok();
}

#[test]
fn windows_of_time_are_tested_in_the_stores_zone() {
    let sandbox = Sandbox::empty();
    let init = sandbox.svault(&["init", "--zone", "Asia/Tokyo"]).human();
    let _ = init.writes_to("--recovery-out-fd", &sandbox.path("code")).run().ok();
    sandbox.set_policy("[callers.tester]\nscopes = [\"db\"]\n");
    sandbox.add("A", "sk-test-zone", &["--tier", "low", "--scope", "db", "--window", "daily 10:00-12:00"]);
    let case = |at: &str, expect: &str| {
        format!(
            "[[case]]\ncaller = \"tester\"\nsecret = \"A\"\nscope = \"db\"\nreason = \"a good reason for it\"\nat = \"{at}\"\n\
             expect = \"{expect}\"\n"
        )
    };
    let cases = sandbox.path("cases.toml");
    let text = case("2026-06-01T11:00:00+09:00", "allow") + &case("2026-06-01T11:00:00Z", "outside_window");
    std::fs::write(&cases, text).expect("write");
    svault_tests::scratch::own(&cases, sandbox.uid());
    for zone in ["UTC", "Asia/Tokyo", "America/New_York"] {
        let test = sandbox.svault(&["policy", "test", cases.to_str().expect("path")]).env("TZ", zone);
        let _ = test.human().run().ok();
    }
}

/// What `policy test` says is what the gate would say: a proposal hides nothing, a pinned command is asked with it, and
/// there is no proxy.
#[test]
fn cases_come_out_as_the_gate_decides() {
    let sandbox = Sandbox::ready();
    sandbox
        .set_policy("[callers.tester]\nscopes = [\"db\"]\n[[forbid]]\ndoor = \"mcp\"\nsecret = \"PINNED\"\n");
    sandbox.add("PLAIN", "sk-test-plain", &["--tier", "low", "--scope", "db", "--expose", "env"]);
    sandbox.add("PINNED", "sk-test-pinned", &["--tier", "low", "--scope", "db", "--command", "/usr/bin/env"]);
    sandbox.add(
        "SENT",
        "sk-test-sent",
        &["--tier", "medium", "--scope", "db", "--destination", "api.example.com"],
    );
    let _ = sandbox.human(&["vault", "create", "work"]).ok();
    let propose = sandbox.svault(&["add", "PLAIN", "--vault", "work"]);
    let _ = propose.stdin("sk-test-theirs").run().ok();
    let case = |secret: &str, more: &str, expect: &str| {
        format!(
            "[[case]]\ncaller = \"tester\"\nsecret = \"{secret}\"\nscope = \"db\"\nreason = \"a good reason for it\"\n\
             {more}expect = \"{expect}\"\n"
        )
    };
    let cases = sandbox.path("cases.toml");
    let text = case("PLAIN", "", "allow")
        + &case("work/PLAIN", "", "unconfirmed")
        + &case("PINNED", "", "allow")
        + &case("PINNED", "door = \"mcp\"\n", "forbidden")
        + &case("SENT", "", "no_proxy");
    std::fs::write(&cases, text).expect("write");
    svault_tests::scratch::own(&cases, sandbox.uid());
    let _ = sandbox.human(&["policy", "test", cases.to_str().expect("path")]).ok();
    // Nor is the proposal edited by who means the secret.
    let _ = sandbox.human(&["edit", "PLAIN", "--tier", "medium"]).ok();
    assert_eq!(sandbox.human(&["edit", "PLAIN", "--vault", "work", "--tier", "high"]).ok().code, 0);
}
