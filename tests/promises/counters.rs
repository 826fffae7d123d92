//! Promise 3 of the ground floor: counters, seals and suspensions survive whatever is done to the daemon and its files.

use serde_json::json;
use std::path::Path;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{Raw, ask};
use svault_tests::{Output, need};

const VALUE: &str = "sk-test-counters-2b9f";

/// Who may ask how often, and what is added to the limits.
fn house(rate: &str, limits: &str) -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.set_policy(&format!(
        "[callers.tester]\nscopes = [\"db\"]\nrate = \"{rate}\"\n[limits]\n{limits}\n[reason]\nmin_chars = 10\n[medium]\nask = true\n"
    ));
    for name in ["ONE", "TWO", "THREE"] {
        sandbox.add(name, VALUE, &["--tier", "low", "--scope", "db"]);
    }
    sandbox
}

const WIDE: &str =
    "burst_per_session = \"1000/10s\"\nburst_per_secret = \"1000/10s\"\nseal_after = \"20 denials/1s\"";
const SEAL: &str =
    "burst_per_session = \"1000/10s\"\nburst_per_secret = \"1000/10s\"\nseal_after = \"5 denials/5min\"";

fn power_cut(sandbox: &Sandbox) {
    sandbox.kill_daemon();
    let _ = sandbox.unlock();
}

/// A request that the policy denies: no scope. At a pace at which denials are not folded into one record.
fn bad_request(sandbox: &Sandbox, name: &str) {
    std::thread::sleep(std::time::Duration::from_millis(220));
    let _ =
        sandbox.asks(&["get", name, "--scope", "wrong", "--reason", "a reason that is long enough"]).denied();
}

fn cause(sandbox: &Sandbox, denied: &Output) -> String {
    let entry = sandbox.entry(&denied.denied());
    entry["entry"]["cause"].as_str().unwrap_or("").to_owned()
}

#[test]
fn a_rate_is_the_same_after_a_power_cut() {
    let sandbox = house("3/hour", WIDE);
    let _ = sandbox.get("ONE").ok();
    let _ = sandbox.get("TWO").ok();
    power_cut(&sandbox);
    let _ = sandbox.get("ONE").ok();
    let over = sandbox.get("ONE");
    assert_eq!(cause(&sandbox, &over), "rate");
    power_cut(&sandbox);
    assert_eq!(cause(&sandbox, &sandbox.get("TWO")), "rate");
    sandbox.lock();
    let _ = sandbox.unlock();
    assert_eq!(cause(&sandbox, &sandbox.get("THREE")), "rate");
}

#[test]
fn a_burst_is_the_same_after_a_power_cut() {
    let limits =
        "burst_per_session = \"2/10min\"\nburst_per_secret = \"1000/10s\"\nseal_after = \"20 denials/1s\"";
    let sandbox = house("1000/hour", limits);
    let _ = sandbox.get("ONE").ok();
    power_cut(&sandbox);
    let _ = sandbox.get("TWO").ok();
    assert_eq!(cause(&sandbox, &sandbox.get("THREE")), "burst");
    power_cut(&sandbox);
    assert_eq!(cause(&sandbox, &sandbox.get("THREE")), "burst");
}

#[test]
fn denials_count_towards_a_seal_across_a_power_cut() {
    let sandbox = house("1000/hour", SEAL);
    for _ in 0..3 {
        bad_request(&sandbox, "ONE");
    }
    // Denials are written without a sync of their own; a lock syncs them, a kill finds them in the page cache.
    power_cut(&sandbox);
    assert_eq!(sandbox.get("ONE").ok().text(), VALUE, "four denials and not one more make no seal");
    bad_request(&sandbox, "ONE");
    bad_request(&sandbox, "ONE");
    assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed");
    let _ = sandbox.get("TWO").ok();
}

#[test]
fn a_seal_stays_until_a_human_opens_it() {
    let sandbox = house("1000/hour", SEAL);
    for _ in 0..5 {
        bad_request(&sandbox, "ONE");
    }
    assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed");
    power_cut(&sandbox);
    assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed");
    sandbox.lock();
    let _ = sandbox.unlock();
    assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed");
    let seals = sandbox.human(&["seals", "--json"]).ok().json();
    // One for the unknown session, one for the name that was claimed.
    let seals = seals["seals"].as_array().expect("seals");
    assert_eq!(seals.len(), 2);
    for seal in seals {
        assert_eq!(seal["secret"], "ONE");
        let id = seal["id"].as_str().expect("a seal").to_owned();
        let _ = sandbox.run(&["unseal", &id]).exits(4);
        assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed");
        let _ = sandbox.human(&["unseal", &id]).ok();
    }
    assert_eq!(sandbox.get("ONE").ok().text(), VALUE);
}

#[test]
fn two_seals_suspend_the_session() {
    let sandbox = house("1000/hour", SEAL);
    for name in ["ONE", "TWO"] {
        for _ in 0..5 {
            bad_request(&sandbox, name);
        }
    }
    assert_eq!(cause(&sandbox, &sandbox.get("THREE")), "suspended");
    power_cut(&sandbox);
    assert_eq!(cause(&sandbox, &sandbox.get("THREE")), "suspended");
    // A human is in no session.
    assert_eq!(sandbox.human(&["show", "THREE"]).ok().text(), VALUE);
}

#[test]
fn a_burst_of_denials_counts_in_full_across_a_kill() {
    need!(Linux);
    let sandbox = house("1000/hour", SEAL);
    // Noise under other names first; then one denial less than seals. As fast as the socket takes them.
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    let mut denied = |name: &str, scope: &str| {
        raw.send(&ask(json!({"name": name}), Some(scope), Some(GOOD_REASON), "value"));
        assert_eq!(raw.control()["type"], "denied");
    };
    (0..20).for_each(|n| denied(&format!("NOISE{n}"), "db"));
    (0..4).for_each(|_| denied("ONE", "payments"));
    sandbox.kill_daemon();
    let _ = sandbox.unlock();
    assert_eq!(sandbox.human(&["seals", "--json"]).ok().json()["seals"], json!([]));
    let _ =
        sandbox.asks(&["get", "ONE", "--scope", "payments", "--reason", GOOD_REASON, "--wait", "0"]).denied();
    let seals = sandbox.human(&["seals", "--json"]).ok().json();
    let seals = seals["seals"].as_array().expect("seals").clone();
    assert!(seals.iter().any(|s| s["secret"] == "ONE"), "{seals:?}");
    let _ = sandbox.get("ONE").denied();
}

/// The segments of the trail, oldest first.
fn segments(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(sandbox.store().join("trail"))
        .expect("trail")
        .flatten()
        .map(|e| e.path())
        .collect();
    all.sort();
    all
}

fn cut(path: &Path, by: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).expect("open");
    let len = file.metadata().expect("stat").len();
    file.set_len(len - by).expect("cut");
}

/// Unlock must be refused with exit code 5, say what to do, and leave nothing open.
#[track_caller]
fn refused(sandbox: &Sandbox) {
    let said = sandbox.human(&["unlock"]).exits(5);
    assert!(said.err.contains("hint: ") && said.err.contains("--accept-rollback"), "{}", said.all());
    sandbox.wait_for("the end of the process that could not open it", || sandbox.daemon().is_none());
    let _ = sandbox.get("ONE").exits(3);
}

#[test]
fn trail_and_heads_that_are_gone_or_old_are_refused() {
    type Harm = fn(&Sandbox, &Path);
    let harms: [(&str, Harm); 6] = [
        ("the open segment deleted", |s, _| {
            std::fs::remove_file(segments(s).pop().expect("one")).expect("rm")
        }),
        ("the trail deleted", |s, _| std::fs::remove_dir_all(s.store().join("trail")).expect("rm")),
        ("the trail cut by one byte", |s, _| cut(&segments(s).pop().expect("one"), 1)),
        ("the trail cut by a record", |s, _| cut(&segments(s).pop().expect("one"), 1500)),
        ("the trail rolled back", |s, old| {
            std::fs::remove_dir_all(s.store().join("trail")).expect("rm");
            copy(&old.join("trail"), &s.store().join("trail"));
        }),
        ("the heads deleted", |s, _| std::fs::remove_file(s.store().join("state/heads")).expect("rm")),
    ];
    for (what, harm) in harms {
        for locked in [true, false] {
            println!("{what}, {}", if locked { "locked" } else { "killed" });
            let sandbox = house("3/hour", WIDE);
            sandbox.lock();
            let old = sandbox.copy_store("old");
            let _ = sandbox.unlock();
            for _ in 0..3 {
                let _ = sandbox.get("ONE").ok();
            }
            // The heads are synced by a timer of a second; they name what is durable.
            std::thread::sleep(std::time::Duration::from_millis(1500));
            if locked {
                sandbox.lock()
            } else {
                sandbox.kill_daemon()
            }
            harm(&sandbox, &old);
            refused(&sandbox);
            // The honest way back, with presence, recorded.
            let _ = sandbox.run(&["unlock", "--accept-rollback"]).exits(4);
            let _ = sandbox.human(&["unlock", "--accept-rollback"]).ok();
            assert!(sandbox.trail().iter().any(|e| e["event"] == "accept_rollback"), "{what}");
        }
    }
}

#[test]
fn everything_but_the_trail_taken_back_is_refused() {
    for running in [true, false] {
        let sandbox = house("3/hour", WIDE);
        if !running {
            sandbox.lock();
        }
        let old = sandbox.copy_store("old");
        if !running {
            let _ = sandbox.unlock();
        }
        // Changes of a vault alone: the store itself stays as it is.
        let _ = sandbox.human(&["edit", "ONE", "--tier", "high"]).ok();
        sandbox.lock();
        for file in ["store.svault", "state", "vaults"] {
            let _ = std::process::Command::new("rm").arg("-rf").arg(sandbox.store().join(file)).status();
            copy(&old.join(file), &sandbox.store().join(file));
        }
        println!("copied while {}", if running { "unlocked" } else { "locked" });
        refused(&sandbox);
        let _ = sandbox.human(&["unlock", "--accept-rollback"]).ok();
    }
}

fn copy(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.expect("cp").success());
}

#[test]
fn together_with_the_heads_nothing_goes_behind_the_checkpoint_and_seals_stay() {
    let sandbox = house("1000/hour", SEAL);
    sandbox.lock();
    let old = sandbox.copy_store("old");
    let _ = sandbox.unlock();
    for _ in 0..5 {
        bad_request(&sandbox, "ONE");
    }
    assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed");
    sandbox.kill_daemon();
    for folder in ["trail", "state"] {
        std::fs::remove_dir_all(sandbox.store().join(folder)).expect("rm");
        copy(&old.join(folder), &sandbox.store().join(folder));
    }
    refused(&sandbox);
    let _ = sandbox.human(&["unlock", "--accept-rollback"]).ok();
    assert_eq!(cause(&sandbox, &sandbox.get("ONE")), "sealed", "an accepted rollback opens no seal");
}

#[test]
fn the_lock_line_changes_when_everything_was_rolled_back() {
    let sandbox = house("1000/hour", WIDE);
    sandbox.lock();
    let old = sandbox.copy_store("old");
    let of = |said: &serde_json::Value| {
        (said["word_pair"].clone(), said["entries"].clone(), said["last_lock"].clone())
    };
    let line = |s: &Sandbox| of(&s.human(&["unlock", "--json"]).ok().json());
    let first = line(&sandbox);
    let _ = sandbox.get("ONE").ok();
    let locked = of(&sandbox.run(&["lock", "--json"]).ok().json());
    let second = line(&sandbox);
    assert_eq!(locked, second, "what the lock says is what the next unlock says");
    assert_ne!(first.0, second.0, "the word pair names the state");
    assert_ne!(first.1, second.1);
    sandbox.lock();
    sandbox.restore_store(&old);
    let third = line(&sandbox);
    assert_eq!(first, third, "the old state prints the old line: this is what a human can notice");
    assert_ne!(second.0, third.0);
}
