//! Every error that a user can meet says what to do.

use crate::snapshot::shown;
use std::os::unix::fs::{PermissionsExt, symlink};
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::terminal::Terminal;
use svault_tests::tmpfs::Tmpfs;
use svault_tests::{Cmd, Output, need};

/// The error has a line of its own, a hint, and this exit code; kept as a snapshot.
#[track_caller]
fn error(sandbox: &Sandbox, name: &str, code: i32, said: &Output) {
    assert_eq!(said.code, code, "{}", said.all());
    assert!(said.out.is_empty(), "an error is not an answer\n{}", said.all());
    let lines: Vec<&str> = said.err.lines().collect();
    assert!(lines[0].starts_with("error: ") || lines[0].starts_with("locked: "), "{}", said.all());
    if lines[0].starts_with("error: ") && code != 2 {
        assert!(said.err.contains("\nhint: "), "no hint\n{}", said.all());
    }
    insta::assert_snapshot!(format!("error_{name}"), shown(sandbox, said));
}

#[test]
fn no_store() {
    let sandbox = Sandbox::empty();
    for args in [
        &["unlock"] as &[&str],
        &["get", "A", "--scope", "db", "--reason", "a fair reason"],
        &["list"],
        &["add", "A"],
        &["policy", "show"],
        &["audit", "list"],
        &["recover"],
        &["passphrase", "change"],
    ] {
        let said = sandbox.run(args);
        assert_eq!(said.code, 3, "{args:?}\n{}", said.all());
        assert!(said.err.contains("svault init"), "{args:?}\n{}", said.all());
    }
    error(&sandbox, "no_store", 3, &sandbox.run(&["unlock"]));
}

#[test]
fn locked() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    for args in [
        &["get", "A", "--scope", "db", "--reason", "a fair reason"] as &[&str],
        &["run", "--env", "A", "--scope", "db", "--reason", "a fair reason", "--", "true"],
        &["list"],
        &["show", "A"],
        &["add", "A"],
        &["policy", "show"],
        &["audit", "list"],
        &["pending"],
        &["seals"],
        &["vault", "list"],
        &["caller", "list"],
        &["approve", "7K2MQ9XA"],
        &["cancel", "7K2MQ9XA"],
    ] {
        let said = sandbox.svault(args).stdin("x").run();
        assert_eq!(said.err, "locked: a human must run 'svault unlock'\n", "{args:?}\n{}", said.all());
        assert_eq!(said.code, 3, "{args:?}");
    }
    let json = sandbox.run(&["list", "--json"]).exits(3).json();
    assert_eq!(json["error"]["code"], "locked");
}

#[test]
fn wrong_passphrase() {
    let sandbox = Sandbox::ready();
    let wrong =
        |args: &[&str]| sandbox.svault(args).secret("--passphrase-fd", "not the right one at all").run();
    error(&sandbox, "wrong_passphrase_show", 1, &wrong(&["show", "A"]));
    sandbox.lock();
    error(&sandbox, "wrong_passphrase_unlock", 1, &wrong(&["unlock"]));
}

#[test]
fn a_store_that_is_there_already() {
    let sandbox = Sandbox::ready();
    error(&sandbox, "init_again", 1, &sandbox.human(&["init"]));
}

#[test]
fn a_weak_passphrase() {
    let sandbox = Sandbox::empty();
    let init = |p: &str| {
        let cmd = sandbox.svault(&["init"]).secret("--passphrase-fd", p);
        cmd.writes_to("--recovery-out-fd", &sandbox.path("code")).run()
    };
    for weak in ["hunter2", "password1234", "aaaaaaaaaaaaaaaaaaaaaaaa", "qwertyuiop"] {
        let said = init(weak);
        assert_eq!(said.code, 1, "'{weak}' was taken\n{}", said.all());
        assert!(!said.all().contains(weak), "the passphrase is repeated\n{}", said.all());
    }
    error(&sandbox, "weak_passphrase", 1, &init("hunter2"));
    assert!(!sandbox.store().join("store.svault").exists(), "no store is left behind");
}

#[test]
fn a_recovery_code_that_is_none() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let recover = |code: &str| {
        let cmd = sandbox.svault(&["recover"]).secret("--code-fd", code);
        cmd.secret("--new-passphrase-fd", PASSPHRASE)
            .writes_to("--recovery-out-fd", &sandbox.path("code"))
            .run()
    };
    error(&sandbox, "recovery_malformed", 1, &recover("not a code"));
    let valid_but_wrong = Sandbox::empty().init();
    error(&sandbox, "recovery_wrong", 1, &recover(&valid_but_wrong));
}

#[test]
fn store_in_use() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let lock = std::fs::File::options()
        .read(true)
        .write(true)
        .open(sandbox.store().join("store.lock"))
        .expect("open");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("flock");
    let said = sandbox.human(&["unlock"]);
    assert!(said.err.contains(&std::process::id().to_string()), "the holder is not named\n{}", said.all());
    error(&sandbox, "store_in_use", 1, &said);
}

#[test]
fn no_permission() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let mode = |mode| {
        std::fs::set_permissions(sandbox.store(), std::fs::Permissions::from_mode(mode)).expect("chmod");
    };
    mode(0o000);
    let said = sandbox.human(&["unlock"]);
    mode(0o700);
    error(&sandbox, "no_permission", 1, &said);
    let file = sandbox.store().join("store.svault");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).expect("chmod");
    error(&sandbox, "no_permission_file", 1, &sandbox.human(&["unlock"]));
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let (file, aside) = (sandbox.store().join("store.svault"), sandbox.path("aside"));
    std::fs::rename(&file, &aside).expect("rename");
    symlink(&aside, &file).expect("symlink");
    let said = sandbox.human(&["unlock"]);
    assert!(said.code == 1 || said.code == 5, "a link was followed\n{}", said.all());
    insta::assert_snapshot!("error_link", shown(&sandbox, &said));
    std::fs::remove_file(&file).expect("remove");
    std::fs::write(&file, b"").expect("write");
    svault_tests::scratch::own(&file, sandbox.uid());
    error(&sandbox, "empty_file", 5, &sandbox.human(&["unlock"]));
    std::fs::write(&file, b"not a vault at all, but long enough to be one of them ...........")
        .expect("write");
    error(&sandbox, "not_a_vault", 5, &sandbox.human(&["unlock"]));
    let mut newer = std::fs::read(&aside).expect("read");
    newer[7] = 2;
    std::fs::write(&file, newer).expect("write");
    error(&sandbox, "unknown_version", 5, &sandbox.human(&["unlock"]));
    let mut altered = std::fs::read(&aside).expect("read");
    let last = altered.len() - 1;
    altered[last] ^= 1;
    std::fs::write(&file, altered).expect("write");
    let said = sandbox.human(&["unlock"]);
    error(&sandbox, "damaged", 5, &said);
}

#[test]
fn a_full_disk() {
    need!(Linux, Root);
    let sandbox = Sandbox::empty();
    let disk = Tmpfs::mount(&sandbox.store(), 2048, sandbox.uid());
    let _ = sandbox.init();
    let _filler = disk.fill();
    let value = vec![b'x'; 60_000];
    let said = sandbox.svault(&["add", "BIG"]).human().stdin(value).run();
    error(&sandbox, "disk_full", 1, &said);
    // What is only read is recorded too, from the reserve where there is one. The last page may have room for a few more.
    let reserve = std::fs::OpenOptions::new().write(true).open(sandbox.store().join("state/reserve"));
    reserve.expect("the reserve").set_len(0).expect("cut");
    let _filler = disk.fill();
    let refused = (0..50).map(|_| sandbox.human(&["list"])).find(|said| said.code != 0);
    error(&sandbox, "disk_full_list", 1, &refused.expect("a list that can't be recorded"));
    let none = Sandbox::empty();
    let full = Tmpfs::mount(&none.store(), 16, none.uid());
    let _filler = full.fill();
    let cmd = none.svault(&["init"]).human().writes_to("--recovery-out-fd", &none.path("code"));
    error(&none, "disk_full_init", 1, &cmd.run());
    assert!(!none.store().join("store.svault").exists());
}

#[test]
fn a_policy_that_is_none() {
    let sandbox = Sandbox::ready();
    let before = sandbox.human(&["policy", "show"]).ok().text();
    for (name, toml) in [
        ("policy_syntax", "[reason]\nmin_chars = \n"),
        ("policy_unknown_key", "[reason]\nmin_chars = 10\nmax_char = 5\n"),
        ("policy_unknown_table", "[reasons]\nmin_chars = 10\n"),
        ("policy_bad_rate", "[limits]\n\nburst_per_session = \"five a day\"\n"),
        ("policy_bad_scope", "[callers.robot]\nscopes = [\"Data Base\"]\n"),
    ] {
        let said = sandbox.try_policy(toml);
        assert!(said.err.contains("line ") && said.err.contains("column "), "{name}\n{}", said.all());
        error(&sandbox, name, 1, &said);
    }
    assert_eq!(sandbox.human(&["policy", "show"]).ok().text(), before);
}

#[test]
fn no_editor() {
    let sandbox = Sandbox::ready();
    let edit = |editor: &str| sandbox.svault(&["policy", "edit"]).env("EDITOR", editor).human().run();
    error(&sandbox, "no_editor", 1, &edit("/no/such/editor"));
    error(&sandbox, "editor_failed", 1, &edit("/bin/false"));
}

#[test]
fn presence_that_can_not_be_asked_for() {
    let sandbox = Sandbox::ready();
    error(&sandbox, "no_terminal", 4, &sandbox.run(&["show", "A"]));
    let json = sandbox.run(&["show", "A", "--json"]).exits(4).json();
    assert_eq!(json["error"]["code"], "presence_needed");
    error(&sandbox, "no_such_fd", 2, &sandbox.run(&["show", "A", "--passphrase-fd", "77"]));
    error(&sandbox, "empty_fd", 2, &sandbox.run(&["show", "A", "--passphrase-fd", "0"]));
}

#[test]
fn names_and_values_that_are_not_allowed() {
    let sandbox = Sandbox::ready();
    sandbox.add("THERE", "sk-test-there", &[]);
    let add = |args: &[&str], value: &[u8]| {
        let cmd: Cmd = sandbox.svault(&[&["add"], args].concat()).human().stdin(value);
        cmd.run()
    };
    error(&sandbox, "exists", 1, &add(&["THERE"], b"another"));
    error(&sandbox, "empty_value", 2, &add(&["NEW"], b""));
    error(&sandbox, "long_value", 1, &add(&["NEW"], &vec![b'x'; 65_537]));
    error(&sandbox, "no_such_vault", 1, &add(&["NEW", "--vault", "nowhere"], b"x"));
    assert_eq!(add(&["bad name"], b"x").code, 2);
    assert_eq!(add(&["NEW", "--tier", "huge"], b"x").code, 2);
    assert_eq!(add(&["NEW", "--scope", "Upper"], b"x").code, 2);
    assert_eq!(sandbox.run(&["no-such-command"]).code, 2);
    assert_eq!(sandbox.run(&["get"]).code, 2);
    let _ = add(&["LONGEST"], &vec![b'x'; 65_536]).ok();
    error(&sandbox, "no_such_secret", 1, &sandbox.human(&["show", "NOWHERE"]));
    error(&sandbox, "no_such_secret_remove", 1, &sandbox.human(&["remove", "NOWHERE"]));
    error(&sandbox, "no_such_request", 1, &sandbox.human(&["approve", "7K2MQ9XA"]));
    error(&sandbox, "no_such_seal", 1, &sandbox.human(&["unseal", "7K2MQ9XA"]));
    error(&sandbox, "no_such_entry", 1, &sandbox.human(&["audit", "show", "7K2MQ9XA"]));
    error(&sandbox, "no_such_explanation", 1, &sandbox.human(&["policy", "explain", "7K2MQ9XA"]));
    error(&sandbox, "no_such_caller", 1, &sandbox.human(&["caller", "remove", "nobody"]));
    let _ = sandbox.human(&["vault", "create", "second"]).ok();
    sandbox.add("THERE", "sk-test-second", &["--vault", "second"]);
    error(&sandbox, "ambiguous", 1, &sandbox.human(&["show", "THERE"]));
    error(&sandbox, "vault_exists", 1, &sandbox.human(&["vault", "create", "second"]));
    let not_found = ["run", "--env", "THERE", "--", "no-such-program-at-all"];
    error(&sandbox, "no_such_command", 1, &sandbox.run(&not_found));
    let loader = ["run", "--env", "LD_PRELOAD=THERE", "--", "/bin/true"];
    let said = sandbox.run(&loader);
    assert!(said.code == 2 || said.code == 4, "{}", said.all());
}

#[test]
fn a_proposal_that_asks_for_too_much() {
    let sandbox = Sandbox::ready();
    for option in
        [["--tier", "low"], ["--caller", "robot"], ["--expose", "value"], ["--require-reason", "no"]]
    {
        let said = sandbox.svault(&[&["add", "NEW"], &option[..]].concat()).stdin("x").run();
        assert_eq!(said.code, 2, "{option:?}\n{}", said.all());
    }
}

#[test]
fn no_locked_memory() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let binary = sandbox.binary().display().to_string();
    let unlock = |more: &str| {
        let line = format!("ulimit -l 0; exec '{binary}' unlock {more}");
        sandbox.program("/bin/bash", &["-c", &format!("{line} \"$@\""), "bash"]).human().run()
    };
    error(&sandbox, "no_locked_memory", 1, &unlock(""));
    sandbox.wait_for("the end of the process that could not open it", || sandbox.daemon().is_none());
    let said = unlock("--weak-memory").ok();
    assert!(said.all().contains("memory"), "it must be said\n{}", said.all());
    assert!(
        sandbox
            .trail()
            .iter()
            .any(|e| e["event"] == "unlock" && e["note"].as_str().is_some_and(|n| n.contains("memory")))
    );
}

#[test]
fn a_weak_passphrase_is_told_before_it_is_typed_again_and_a_folder_before_any() {
    need!(Linux);
    let sandbox = Sandbox::empty();
    let line =
        |home: &str| format!("SVAULT_HOME='{home}' '{}' init; echo \"$> =$?=\"", sandbox.binary().display());
    let mut terminal = Terminal::open(&sandbox, &line("/proc/svault"));
    let seen = terminal.waits_for("=1=");
    assert!(seen.contains("/proc/svault") && !seen.contains("assphrase: "), "{seen}");
    assert!(seen.contains("hint: "), "{seen}");
    let store = sandbox.path("other");
    let mut terminal = Terminal::open(&sandbox, &line(store.to_str().expect("path")));
    for _ in 0..3 {
        terminal.waits_for("New passphrase: ");
        terminal.types("hunter2\n");
        let seen = terminal.waits_for("too weak");
        assert!(!seen.contains("Again"), "{seen}");
    }
    terminal.waits_for("=1=");
    assert!(!store.exists(), "an empty folder was left behind");
}

#[test]
fn a_list_that_is_empty_says_why() {
    let sandbox = Sandbox::ready();
    error(&sandbox, "list_of_no_vault", 1, &sandbox.human(&["list", "--vault", "nope"]));
    let _ = sandbox.human(&["vault", "create", "work"]).ok();
    let said = sandbox.human(&["list", "--vault", "work"]).ok();
    assert!(said.text().contains("no secrets yet"), "{}", said.all());
    sandbox.lock();
    let file = sandbox.store().join("vaults/main.svault");
    let mut bytes = std::fs::read(&file).expect("read");
    bytes[3] ^= 1;
    std::fs::write(&file, bytes).expect("write");
    let _ = sandbox.unlock();
    let said = sandbox.human(&["list"]).ok();
    assert!(said.err.contains("vault main is shut"), "{}", said.all());
    assert!(!said.text().contains("no secrets yet"), "{}", said.all());
}

#[test]
fn a_vault_that_is_shut_is_told_wherever_one_looks() {
    let sandbox = Sandbox::ready();
    let _ = sandbox.human(&["vault", "create", "work"]).ok();
    sandbox.add("HERE", "sk-test-here", &["--scope", "db", "--vault", "work"]);
    sandbox.add("GONE", "sk-test-gone", &["--scope", "db"]);
    assert!(!sandbox.run(&["status"]).ok().text().contains("shut"));
    sandbox.lock();
    let file = sandbox.store().join("vaults/main.svault");
    let mut bytes = std::fs::read(&file).expect("read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).expect("write");
    let _ = sandbox.unlock();
    let said = sandbox.human(&["list"]).ok();
    assert!(said.text().contains("HERE") && said.err.contains("vault main is shut"), "{}", said.all());
    assert!(sandbox.run(&["status"]).ok().text().contains("one is shut: svault vault list"));
    assert_eq!(sandbox.run(&["status", "--json"]).ok().json()["vaults_shut"], 1);
    let doctor = sandbox.run(&["doctor"]).exits(1);
    assert!(doctor.text().contains("of the vaults one is shut"), "{}", doctor.all());
    let said = sandbox.human(&["show", "GONE"]).exits(1);
    assert!(said.err.contains("a vault that is shut: main"), "{}", said.all());
}

#[test]
fn a_case_that_expects_what_can_not_be() {
    let sandbox = Sandbox::ready();
    let cases = sandbox.path("cases.toml");
    std::fs::write(&cases, "[[case]]\nsecret = \"A\"\nexpect = \"sausage\"\n").expect("write");
    svault_tests::scratch::own(&cases, sandbox.uid());
    let said = sandbox.human(&["policy", "test", cases.to_str().expect("path")]).exits(1);
    assert!(
        said.err.contains("line 3, column 10: ") && said.err.contains("allow, ask, deny"),
        "{}",
        said.all()
    );
}

#[test]
fn a_value_that_is_damaged() {
    let sandbox = Sandbox::ready();
    sandbox.add("A", "sk-test-damaged-4412", &["--scope", "db"]);
    sandbox.lock();
    let file = sandbox.store().join("vaults/main.svault");
    let sealed = svault_tests::sealed::Sealed::read(&file);
    let value =
        sealed.frames.iter().flat_map(|f| &f.fields).rfind(|(name, r)| name == "value_ct" && !r.is_empty());
    let (_, range) = value.expect("a value");
    std::fs::write(&file, sealed.flipped(range.start, 0)).expect("write");
    let _ = sandbox.unlock();
    error(&sandbox, "damaged_value", 5, &sandbox.human(&["show", "A"]));
}

#[test]
fn a_policy_that_is_too_long() {
    let sandbox = Sandbox::ready();
    let file = sandbox.path("long.toml");
    let edit = |text: String| {
        std::fs::write(&file, text).expect("write");
        svault_tests::scratch::own(&file, sandbox.uid());
        sandbox.human(&["policy", "edit", "--file", file.to_str().expect("path")])
    };
    // The longest one can still be shown and said yes to.
    let _ = edit("# long\n".repeat(114_688 / 7) + &"#".repeat(114_688 % 7)).ok();
    let said = edit("# long\n".repeat(150_000));
    error(&sandbox, "policy_too_long", 1, &said);
    assert!(said.err.contains("114688") && said.err.contains("1050000"), "{}", said.all());
}

#[test]
fn the_file_of_another_vault() {
    let sandbox = Sandbox::ready();
    let _ = sandbox.human(&["vault", "create", "work"]).ok();
    sandbox.lock();
    let file = |name: &str| sandbox.store().join("vaults").join(name);
    for (from, to) in [("main.svault", "x"), ("work.svault", "main.svault"), ("x", "work.svault")] {
        std::fs::rename(file(from), file(to)).expect("rename");
    }
    let said = sandbox.human(&["unlock", "--json"]).ok();
    assert!(!said.all().contains("wrong passphrase"), "{}", said.all());
    let json = said.json();
    let refused = json["refused"].as_array().expect("the vaults that are shut");
    assert_eq!(refused.len(), 2, "{json}");
    for (shut, name) in refused.iter().zip(["main", "work"]) {
        assert_eq!((&shut["vault"], &shut["code"]), (&name.into(), &"beside".into()), "{json}");
        assert!(shut["message"].as_str().expect("a message").contains("the file of another vault"), "{json}");
    }
    error(&sandbox, "vault_swapped", 5, &sandbox.human(&["show", "A", "--vault", "main"]));
}

#[test]
fn several_stores_at_once() {
    let sandbox = Sandbox::empty();
    let init = |n: usize| {
        let code = sandbox.path(&format!("code{n}"));
        sandbox.svault(&["init"]).human().writes_to("--recovery-out-fd", &code).run()
    };
    let init = &init;
    let all = std::thread::scope(|scope| {
        let threads = [0, 1, 2].map(|n| scope.spawn(move || init(n)));
        threads.map(|thread| thread.join().expect("it ends"))
    });
    assert_eq!(all.iter().filter(|said| said.code == 0).count(), 1, "one makes the store");
    for said in all.iter().filter(|said| said.code != 0) {
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.err.contains("there is a store"), "{}", said.all());
        assert!(said.err.contains("\nhint: "), "{}", said.all());
    }
    sandbox.lock();
    let _ = sandbox.unlock();
    let _ = sandbox.human(&["list"]).ok();
}

#[test]
fn a_folder_that_is_open_to_others_has_its_fix() {
    let sandbox = Sandbox::ready();
    let mode = |mode| {
        std::fs::set_permissions(sandbox.store(), std::fs::Permissions::from_mode(mode)).expect("chmod");
    };
    mode(0o755);
    let said = sandbox.run(&["doctor"]).exits(1);
    mode(0o700);
    let fix = format!("fix: chmod 700 {}\n", sandbox.store().display());
    assert!(said.all().contains(&fix), "{}", said.all());
    assert!(!said.all().contains("fix: svault lock, then svault unlock"), "{}", said.all());
}
