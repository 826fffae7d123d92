//! Promise 5 of the ground floor: presence is a mutual proof for one act. Over the real binary: fake daemons, relays, a
//! stranger with the lock, other shells. (Altered, replayed and late proofs are in the tests of `client` and `daemon`,
//! which hold the keys for it.)

use std::path::{Path, PathBuf};
use svault_tests::command::Running;
use svault_tests::need;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::socket::connect_exec;
use svault_tests::terminal::{MARK, Terminal};

const VALUE: &str = "sk-test-presence-31aa";

/// A stranger's program at work; ended with the test.
struct Stranger {
    running: Option<Running>,
    log: PathBuf,
}

impl Stranger {
    fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        let binary = sandbox.path("stranger");
        if !binary.exists() {
            std::fs::copy(env!("CARGO_BIN_EXE_stranger"), &binary).expect("copy");
        }
        let log = sandbox.path("home/log");
        let log_arg = log.to_str().expect("path").to_owned();
        let args: Vec<&str> = args.iter().map(|a| if *a == "LOG" { log_arg.as_str() } else { a }).collect();
        let running = sandbox.program(binary.to_str().expect("path"), &args).spawn();
        running.waits_for("ready");
        Self { running: Some(running), log }
    }

    fn pid(&self) -> i32 {
        self.running.as_ref().expect("running").pid()
    }

    /// Everything it was sent.
    fn heard(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            svault_tests::processes::kill(running.pid());
            let _ = running.end();
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.add("LOW", VALUE, &["--tier", "low"]);
    sandbox
}

/// What a listener that has proved nothing may hear: a greeting, and the public first step.
#[track_caller]
fn only_harmless(heard: &str) {
    assert!(!heard.contains(PASSPHRASE), "{heard}");
    assert!(!heard.contains(VALUE), "{heard}");
    for word in ["prove_end", "\"yes\"", "\"want\""] {
        assert!(!heard.contains(word), "a listener that proved nothing was sent {word}:\n{heard}");
    }
}

#[test]
fn a_fake_daemon_is_given_nothing() {
    need!(Linux);
    let sandbox = house();
    let socket = sandbox.socket();
    // Beside the real one: it took the socket's place.
    let fake = Stranger::start(&sandbox, &["fake", text(&socket), "LOG"]);
    for args in
        [&["show", "LOW"] as &[&str], &["list"], &["policy", "show"], &["remove", "LOW"], &["audit", "list"]]
    {
        let said = sandbox.human(args);
        assert_ne!(said.code, 0, "{args:?} believed a fake daemon\n{}", said.all());
    }
    let added = sandbox.svault(&["add", "NEW"]).human().stdin(VALUE).run();
    assert_ne!(added.code, 0, "{}", added.all());
    let replaced = sandbox.svault(&["replace", "LOW"]).human().stdin(VALUE).run();
    assert_ne!(replaced.code, 0, "{}", replaced.all());
    assert!(fake.heard().contains("prove_begin"), "the fake heard nothing at all: {}", fake.heard());
    only_harmless(&fake.heard());
}

#[test]
fn unlock_next_to_a_fake_daemon_starts_the_real_one() {
    need!(Linux);
    let sandbox = house();
    let socket = sandbox.socket();
    sandbox.lock();
    let fake = Stranger::start(&sandbox, &["fake", text(&socket), "LOG"]);
    let _ = sandbox.unlock();
    assert_eq!(sandbox.human(&["show", "LOW"]).ok().text(), VALUE);
    only_harmless(&fake.heard());
    assert!(
        !fake.heard().contains("prove_begin"),
        "not even a question: the lock was free, so no daemon exists"
    );
}

#[test]
fn a_stranger_who_holds_the_lock_is_named_and_told_nothing() {
    need!(Linux);
    let sandbox = house();
    let socket = sandbox.socket();
    sandbox.lock();
    let holder = Stranger::start(&sandbox, &["lock", text(&sandbox.store().join("store.lock"))]);
    let said = sandbox.human(&["unlock"]).exits(1);
    assert!(said.err.contains(&holder.pid().to_string()), "the holder is not named\n{}", said.all());
    // The same with a fake daemon that goes with it.
    let fake = Stranger::start(&sandbox, &["fake", text(&socket), "LOG"]);
    let said = sandbox.human(&["unlock"]).exits(1);
    assert!(said.err.contains(&holder.pid().to_string()), "{}", said.all());
    only_harmless(&fake.heard());
    // With no way to ask, nothing is proved and nothing said that was not.
    let said = sandbox.run(&["unlock"]);
    assert!(!said.text().contains("unlocked") || said.all().contains("not proven"), "{}", said.all());
    drop((holder, fake));
    let _ = sandbox.unlock();
}

#[test]
fn unlock_on_an_unlocked_store_proves_it() {
    need!(Linux);
    let sandbox = house();
    let pid = sandbox.daemon();
    let _ = sandbox.human(&["unlock"]).ok();
    assert_eq!(sandbox.daemon(), pid, "no second daemon");
    assert!(sandbox.run(&["unlock"]).ok().all().contains("not proven"));
    let wrong = sandbox.svault(&["unlock"]).secret("--passphrase-fd", "a wrong passphrase").run();
    assert_ne!(wrong.code, 0, "{}", wrong.all());
}

#[test]
fn a_relay_gets_nowhere() {
    need!(Linux);
    let sandbox = house();
    let socket = sandbox.socket();
    let hidden = sandbox.path("home/real.sock");
    std::fs::rename(&socket, &hidden).expect("rename");
    let relay = Stranger::start(&sandbox, &["relay", text(&socket), text(&hidden), "LOG"]);
    for args in [&["show", "LOW"] as &[&str], &["list"], &["policy", "show"], &["remove", "LOW"], &["unlock"]]
    {
        let said = sandbox.human(args);
        assert_ne!(said.code, 0, "{args:?} went through a relay\n{}", said.all());
        assert!(!said.all().contains(VALUE), "{}", said.all());
    }
    assert!(relay.heard().contains("prove_challenge"), "the relay passed nothing on: {}", relay.heard());
    only_harmless(&relay.heard());
    // And no window was opened for it.
    let _ = sandbox.run(&["list"]).exits(4);
    drop(relay);
    std::fs::rename(&hidden, &socket).expect("rename");
    assert_eq!(sandbox.human(&["show", "LOW"]).ok().text(), VALUE);
}

#[test]
fn another_process_namespace_gives_no_presence() {
    need!(Linux, UserNamespaces);
    let sandbox = house();
    let flags = ["--user", "--map-current-user", "--pid", "--fork", "--mount-proc"];
    let args = [&flags[..], &[text(sandbox.binary()), "show", "LOW"]].concat();
    let said = sandbox.program("/usr/bin/unshare", &args).human().run();
    assert_ne!(said.code, 0, "{}", said.all());
    assert!(!said.all().contains(VALUE), "{}", said.all());
}

#[test]
fn a_wrong_passphrase_proves_nothing() {
    need!(Linux);
    let sandbox = house();
    for wrong in ["", "x", "seven dull ferrets juggle 41 lantern", &format!("{PASSPHRASE} ")] {
        let said = sandbox.svault(&["show", "LOW"]).secret("--passphrase-fd", wrong).run();
        assert_ne!(said.code, 0, "{}", said.all());
        assert!(!said.all().contains(VALUE), "{}", said.all());
    }
}

#[test]
fn under_an_agent_a_passphrase_is_refused() {
    need!(Linux);
    let sandbox = house();
    let agent = sandbox.path("claude");
    std::fs::copy("/bin/bash", &agent).expect("copy");
    let line = format!("'{}' show LOW --passphrase-fd 0\n:", sandbox.binary().display());
    let said = sandbox.program(text(&agent), &["--norc", "-c", &line]).stdin(format!("{PASSPHRASE}\n")).run();
    assert!(!said.all().contains(VALUE), "{}", said.all());
    assert!(said.err.contains("agent"), "it must say why\n{}", said.all());
    // The same line under an ordinary shell works.
    let said = sandbox.program("/bin/bash", &["--norc", "-c", &line]).stdin(format!("{PASSPHRASE}\n")).run();
    assert_eq!(said.text(), VALUE, "{}", said.all());
}

#[test]
fn a_window_serves_the_shell_it_was_opened_in() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("svault list{MARK}"));
    shell.types_passphrase();
    let (seen, code) = shell.ends();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("LOW"), "{seen}");
    assert!(!shell.seen().contains(PASSPHRASE), "the passphrase was shown");
    // Open now, for this shell's own children.
    let (seen, code) = shell.runs("svault list");
    assert!(code == 0 && seen.contains("LOW"), "{code} {seen}");
    let (seen, code) = shell.runs("svault policy show");
    assert!(code == 0 && seen.contains("[limits]"), "{code} {seen}");
    // A value is asked for each time.
    shell.types(&format!("svault show LOW{MARK}"));
    shell.types_passphrase();
    let (seen, code) = shell.ends();
    assert!(code == 0 && seen.contains(VALUE), "{code} {seen}");
    // Not for another shell of the same user, nor for a program without a terminal.
    let _ = sandbox.run(&["list"]).exits(4);
    let mut other = Terminal::shell(&sandbox);
    other.types("svault list\n");
    other.waits_for("assphrase");
}

#[test]
fn a_window_serves_no_scripts_and_no_substitutions() {
    need!(Linux, Script);
    let sandbox = house();
    let svault = sandbox.binary().display().to_string();
    let script = sandbox.script("home/script", &format!("#!/bin/sh\n'{svault}' list\n:\n"));
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("svault list{MARK}"));
    shell.types_passphrase();
    assert_eq!(shell.ends().1, 0);
    for line in [
        format!("{}", script.display()),
        format!("sh -c \"'{svault}' list; :\""),
        format!("x=$('{svault}' list </dev/null); echo \"<$x>\""),
        format!("setsid '{svault}' list </dev/null"),
    ] {
        shell.types(&format!("{line}{MARK}"));
        shell.waits_for("echo \"=$?=\"");
        // Either it asks again, or it can't ask and says so; the names are not given.
        std::thread::sleep(std::time::Duration::from_millis(800));
        shell.types("\u{3}");
        shell.types("\n");
        std::thread::sleep(std::time::Duration::from_millis(200));
        shell.types("echo dead''line\n");
        let seen = shell.waits_for("deadline");
        assert!(!seen.contains("LOW"), "{line}\n{seen}");
        shell.waits_for("$> ");
    }
}

#[test]
fn unlock_opens_a_window_and_an_agent_in_it_has_none() {
    need!(Linux, Script);
    let sandbox = house();
    sandbox.lock();
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("svault unlock{MARK}"));
    shell.types_passphrase();
    assert_eq!(shell.ends().1, 0);
    let (seen, code) = shell.runs("svault list");
    assert!(code == 0 && seen.contains("LOW"), "{code} {seen}");
    let agent = sandbox.path("claude");
    std::fs::copy("/bin/bash", &agent).expect("copy");
    let line =
        format!("{} --norc -c \"'{}' list </dev/null; :\"", agent.display(), sandbox.binary().display());
    let (seen, _) = shell.runs(&line);
    assert!(!seen.contains("LOW"), "{seen}");
    // Nor has the agent itself, as the shell's own job: it greets, and asks for what the window serves.
    let list = r#"{"type":"want","want":"list"}"#;
    let stranger = sandbox.path("stranger");
    std::fs::copy(env!("CARGO_BIN_EXE_stranger"), &stranger).expect("copy");
    let text = |path: &Path| path.display().to_string();
    let asks = |program: &Path| {
        connect_exec(&text(&stranger), &text(&sandbox.socket()), &text(program), list) + "; echo"
    };
    let (seen, _) = shell.runs(&asks("/bin/bash".as_ref()));
    assert!(seen.contains("LOW"), "it is served to others: {seen}");
    let linked = sandbox.path("svault");
    std::fs::hard_link(&agent, &linked).expect("link");
    for program in [&agent, &linked] {
        sandbox.set_policy(&format!("[callers.robot]\nexe = [\"{}\"]\nscopes = [\"db\"]\n", agent.display()));
        let (seen, _) = shell.runs(&asks(program));
        assert!(seen.contains("presence_needed") && !seen.contains("LOW"), "{seen}");
    }
}
