//! What is there only while a command runs is gone with it, however it ends: the policy that is edited, the demo's store.

use rustix::process::Signal;
use std::path::PathBuf;
use svault_tests::command::Running;
use svault_tests::sandbox::Sandbox;
use svault_tests::scratch::own;
use svault_tests::terminal::Terminal;
use svault_tests::{need, processes};

/// An editor that changes the policy, says which file it has, and stays open until it is told to end.
fn editor(sandbox: &Sandbox) -> PathBuf {
    let (opened, close) = (sandbox.path("opened"), sandbox.path("close"));
    let text = format!(
        "#!/bin/sh\necho '# mine' >> \"$1\"\necho \"$1\" > {0}.new\nmv {0}.new {0}\nwhile [ -e \"$1\" ] && [ ! -e {1} ]; do sleep 0.05; done\n",
        opened.display(),
        close.display()
    );
    sandbox.script("editor", &text)
}

/// The folder of the file that the editor has open.
fn opened(sandbox: &Sandbox) -> PathBuf {
    let opened = sandbox.path("opened");
    sandbox.wait_for("the editor", || opened.exists());
    let file = PathBuf::from(std::fs::read_to_string(&opened).expect("read").trim());
    std::fs::remove_file(opened).expect("remove");
    assert!(file.exists(), "the policy is there to be edited");
    file.parent().expect("a folder").to_owned()
}

fn close(sandbox: &Sandbox) {
    std::fs::write(sandbox.path("close"), "").expect("write");
}

fn begins(sandbox: &Sandbox) -> (Running, PathBuf) {
    let running = sandbox.svault(&["policy", "edit"]).env("EDITOR", editor(sandbox)).human().spawn();
    let folder = opened(sandbox);
    (running, folder)
}

#[test]
fn a_signal_while_a_policy_is_edited_leaves_no_policy_behind_and_changes_none() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let before = sandbox.human(&["policy", "show"]).ok().text();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let (running, folder) = begins(&sandbox);
        processes::signal(running.pid(), signal);
        close(&sandbox);
        let _ = running.end().exits(128 + signal.as_raw());
        assert!(!folder.exists(), "{signal:?} leaves {}", folder.display());
        std::fs::remove_file(sandbox.path("close")).expect("remove");
    }
    assert_eq!(sandbox.human(&["policy", "show"]).ok().text(), before);
}

#[test]
fn a_terminal_that_is_closed_leaves_no_policy_behind() {
    need!(Linux, Script);
    let sandbox = Sandbox::ready();
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("EDITOR={} svault policy edit\n", editor(&sandbox).display()));
    shell.types_passphrase();
    let folder = opened(&sandbox);
    drop(shell);
    close(&sandbox);
    sandbox.wait_for("the folder's end", || !folder.exists());
}

#[test]
fn what_a_killed_edit_left_is_named_and_removed_and_one_that_is_edited_stays() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let (killed, left) = begins(&sandbox);
    processes::kill(killed.pid());
    let _ = killed.end();
    let named = |sandbox: &Sandbox| sandbox.run(&["doctor"]).text().contains(&left.display().to_string());
    assert!(left.exists() && named(&sandbox), "{}", sandbox.run(&["doctor"]).all());
    // Whose it is can't be told by its name alone.
    let stranger = left.with_file_name("policy-of-mine");
    std::fs::create_dir(&stranger).expect("a folder");
    own(&stranger, sandbox.uid());
    let _ = sandbox.unlock();
    assert!(!left.exists() && !named(&sandbox));
    std::fs::create_dir(&left).expect("a folder");
    own(&left, sandbox.uid());
    sandbox.lock();
    assert!(!left.exists() && !named(&sandbox));
    let _ = sandbox.unlock();
    let (running, edited) = begins(&sandbox);
    let _ = sandbox.human(&["unlock"]).ok();
    assert!(edited.exists(), "it is being edited");
    assert!(!sandbox.run(&["doctor"]).text().contains(&edited.display().to_string()));
    close(&sandbox);
    let _ = running.end().ok();
    assert!(!edited.exists() && stranger.exists());
}

#[test]
fn a_signal_ends_the_demo_with_all_that_it_made() {
    need!(Linux);
    let sandbox = Sandbox::empty();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let place = sandbox.path("tmp");
        std::fs::create_dir(&place).expect("a folder");
        own(&place, sandbox.uid());
        let running = sandbox.svault(&["demo"]).env("TMPDIR", &place).spawn();
        running.waits_for("2. A caller asks");
        assert_eq!(std::fs::read_dir(&place).expect("read").count(), 1, "it respects TMPDIR");
        processes::signal(running.pid(), signal);
        let _ = running.end().exits(128 + signal.as_raw());
        assert_eq!(std::fs::read_dir(&place).expect("read").count(), 0, "{signal:?}");
        sandbox.wait_for("the end of its processes", || processes::with_argument(&place).is_empty());
        std::fs::remove_dir(&place).expect("remove");
    }
}
