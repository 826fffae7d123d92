//! Promise 11 of the ground floor: the store locks itself, for real with short settings. (The injected clock is in the
//! daemon's tests; windows across midnight and DST changes are in those of `policy`.)

use std::time::{Duration, Instant};
use svault_tests::need;
use svault_tests::processes::lives;
use svault_tests::sandbox::{OPEN_POLICY, Sandbox};

fn with_lock(idle: &str, hard: &str) -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.set_policy(&format!("{OPEN_POLICY}\n[lock]\nidle = \"{idle}\"\nhard = \"{hard}\"\n"));
    sandbox.add("LOW", "sk-test-time", &["--tier", "low", "--scope", "db"]);
    sandbox
}

#[test]
fn it_locks_when_no_human_has_done_anything_however_busy_agents_are() {
    need!(Linux);
    let sandbox = with_lock("10s", "1h");
    let pid = sandbox.daemon().expect("a daemon");
    let since = Instant::now();
    while lives(pid) {
        // Requests of agents don't move the clock.
        let _ = sandbox.get("LOW");
        assert!(since.elapsed() < Duration::from_secs(20), "still unlocked");
    }
    let _ = sandbox.get("LOW").exits(3).says("locked: a human must run 'svault unlock'");
}

#[test]
fn a_human_keeps_it_open_until_the_hard_limit() {
    need!(Linux);
    let sandbox = with_lock("10s", "14s");
    let pid = sandbox.daemon().expect("a daemon");
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(11) {
        assert_eq!(sandbox.human(&["list"]).code, 0, "locked although a human was there all the time");
        std::thread::sleep(Duration::from_millis(200));
    }
    while lives(pid) {
        let _ = sandbox.human(&["list"]);
        assert!(since.elapsed() < Duration::from_secs(30), "the hard limit does not hold");
        std::thread::sleep(Duration::from_millis(200));
    }
}
