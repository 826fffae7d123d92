//! What a machine allows too little of, and files of another kind than they should be: told, before anything is done.

use std::os::unix::fs::symlink;
use svault_tests::need;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::socket::Raw;

#[test]
fn limits_of_the_system_are_told_before_they_are_met() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let unlock = |limit: &str| {
        let svault = sandbox.binary().display();
        let line = format!("{limit}; exec {svault} unlock --passphrase-fd 0");
        sandbox.shell(&line).stdin(format!("{PASSPHRASE}\n")).run()
    };
    for (limit, told) in [("ulimit -n 24", "ulimit -n"), ("ulimit -f 100", "ulimit -f")] {
        let said = unlock(limit).exits(1);
        assert!(said.err.contains(told), "{}", said.all());
        assert!(sandbox.daemon().is_none(), "{limit}");
    }
    // One that may be raised is raised.
    let _ = unlock("ulimit -S -f 100; ulimit -S -n 24").ok();
    sandbox.lock();
    // With the fewest files that will do, more than have room at once can't keep others out.
    let _ = unlock("ulimit -n 256").ok();
    let idle: Vec<_> = (0..300).filter_map(|_| Raw::try_connect(&sandbox.socket())).collect();
    assert!(idle.len() > 100, "{}", idle.len());
    let _ = sandbox.run(&["status"]).ok();
    let _ = sandbox.human(&["list"]).ok();
    sandbox.lock();
    drop(idle);
}

#[test]
fn signals_that_end_other_programs_lock_the_store() {
    need!(Linux);
    use rustix::process::{Pid, Signal, kill_process};
    let sandbox = Sandbox::ready();
    for signal in [Signal::USR1, Signal::USR2, Signal::ALARM] {
        let pid = Pid::from_raw(sandbox.daemon().expect("a daemon")).expect("a number");
        kill_process(pid, signal).expect("kill");
        sandbox.wait_for("the daemon's end", || sandbox.daemon().is_none());
        let said = sandbox.unlock();
        assert!(said.all().contains("last lock"), "{}", said.all());
        let left = sandbox.trail().into_iter().rev().find(|e| e["event"] == "lock");
        assert_eq!(left.expect("its last words")["note"], "signal", "{signal:?}");
    }
}

#[test]
fn no_link_and_no_second_name_is_followed_to_the_stores_files() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    let store = sandbox.store();
    let aside = sandbox.path("aside");
    for (file, links) in [("store.svault", 2), ("vaults", 1), ("trail", 1), ("state", 1)] {
        let there = store.join(file);
        std::fs::rename(&there, &aside).expect("rename");
        symlink(&aside, &there).expect("symlink");
        let said = sandbox.human(&["unlock"]);
        assert!(said.code != 0 && sandbox.daemon().is_none(), "{file}: a link was followed\n{}", said.all());
        assert!(said.err.contains("follows no links"), "{file}\n{}", said.all());
        std::fs::remove_file(&there).expect("remove");
        if links == 2 {
            std::fs::hard_link(&aside, &there).expect("link");
            let said = sandbox.human(&["unlock"]).exits(1);
            assert!(said.err.contains("no file with a second name"), "{}", said.all());
            std::fs::remove_file(&there).expect("remove");
        }
        std::fs::rename(&aside, &there).expect("rename");
    }
    let _ = sandbox.unlock();
}

#[test]
fn a_path_moves_no_cursor_and_is_itself_for_scripts() {
    let sandbox = Sandbox::empty();
    let store = sandbox.path("odd\u{1b}[31m\nstate unlocked");
    let svault = |args: &[&str]| sandbox.svault(args).env("SVAULT_HOME", &store);
    let init = svault(&["init", "--json"]).human().writes_to("--recovery-out-fd", &sandbox.path("code"));
    let path = store.to_str().expect("UTF-8");
    assert_eq!(init.run().ok().json()["store"], path);
    for command in ["status", "doctor", "lock", "status"] {
        let said = svault(&[command]).run();
        assert!(
            !said.all().contains('\u{1b}') && !said.all().contains("\nstate unlocked\n"),
            "{}",
            said.all()
        );
    }
    assert_eq!(svault(&["status", "--json"]).run().exits(3).json()["store"], path);
}
