//! The attacker who has the user's account: each file of `tests/attacks/` is run against a live store, as the same
//! ordinary user, and judged from outside. It knows everything but the passphrase, and it never judges itself.

mod header;
mod house;
mod human;
mod judge;

use header::{Ends, Header};
use house::House;
use std::path::{Path, PathBuf};

/// Where the attacks are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks")
}

/// Runs one attack to its end and judges it.
#[track_caller]
fn attack(file: &str) {
    let header = Header::read(&folder().join(file));
    if !header.can_run() {
        return;
    }
    let house = House::build(&header);
    let seen = human::watch(&house, file);
    judge::judge(&house, &header, &seen);
}

/// A test for each file.
macro_rules! attacks {
    ($($name:ident . $kind:ident)*) => {
        $(#[test]
        fn $name() {
            attack(concat!(stringify!($name), ".", stringify!($kind)));
        })*
        /// Every file with a test.
        const ALL: &[&str] = &[$(concat!(stringify!($name), ".", stringify!($kind))),*];
    };
}

// In the order of the alphabet.
attacks! {
    accept_rollback.py
    ancestry.py
    approve_self.py
    caller_names.py
    change_after_yes.py
    clock.py
    copied_exe.py
    core_dump.py
    doors.py
    everything_back.py
    exec_in_window.py
    fake_daemon.py
    fresh_client.py
    fresh_daemon.py
    frozen_daemon.py
    full_disk.py
    huge_input.py
    inherited.py
    injected_text.py
    kill_at_gate.py
    kill_resets.py
    limits_of_client.py
    limits_of_daemon.py
    links.py
    lock_file.py
    loud_proposals.py
    moved_store.py
    namespaces.py
    no_reason.py
    odd_environment.py
    odd_files.py
    old_vault.py
    other_requests.py
    other_store_file.py
    own_policy.py
    own_store.py
    own_terminal.py
    pass_connection.py
    preload_cli.py
    preload_profile.py
    preload_unlock.py
    probe_names.py
    proc_reads.py
    ptrace_daemon.py
    race_approve.py
    read_terminal.py
    recover.py
    registered_exe.py
    relay.py
    render_template.py
    replaced_exe.py
    replay.py
    ring_helper.py
    runtime_dir.py
    said_name.py
    seal_dodge.py
    seccomp_client.py
    start_itself.py
    state_folder.py
    swap_command.py
    swapped_vault.py
    traced_daemon.py
    trail_reset.py
    typed_into_window.py
    use_what_it_has.py
    while_edited.py
    path_swap.sh
}

/// Every attack in the folder; a name that begins with `_` is a part of others.
fn files() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the attacks");
    let mut names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|n| !n.starts_with('_') && (n.ends_with(".py") || n.ends_with(".sh")));
    names.sort();
    names
}

#[test]
fn every_attack_is_run_and_there_are_many() {
    let mut run: Vec<&str> = ALL.to_vec();
    run.sort_unstable();
    assert_eq!(files(), run, "the list above is not the folder");
    assert!(run.len() >= 40, "{}", run.len());
}

#[test]
fn the_threat_model_names_every_attack_and_every_paragraph_is_there() {
    let path = folder().join("../../docs/threat-model.md");
    let text = std::fs::read_to_string(path).expect("the threat model");
    let (stopped, rest) =
        text.split_once("### Noticed, not stopped").expect("the part on what is not stopped");
    for file in files() {
        let name = format!("`attacks/{file}`");
        match Header::read(&folder().join(&file)).ends {
            Ends::Stopped => {
                assert!(stopped.contains(&name), "{file} is stopped, and the threat model is silent")
            }
            Ends::Documented { paragraph, .. } => {
                let mark = format!("| {paragraph} |");
                let line = rest.lines().find(|l| l.starts_with(&mark));
                let line = line.unwrap_or_else(|| panic!("{file}: no paragraph {paragraph}"));
                assert!(line.contains(&name), "{paragraph} does not name {file}");
            }
        }
    }
    for name in text.split("`attacks/").skip(1).filter_map(|rest| rest.split('`').next()) {
        assert!(folder().join(name).exists(), "the threat model names {name}, which is not there");
    }
}
