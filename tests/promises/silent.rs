//! A daemon that says nothing: the human is told soon, and `lock` ends it without losing anything.

use rustix::process::Signal;
use svault_tests::{Sandbox, need, processes};

const VALUE: &str = "sk-test-silent-4b90";

#[test]
fn a_stopped_daemon_is_named_and_lock_ends_it() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    assert_eq!(sandbox.get("LOW").text(), VALUE);
    let pid = sandbox.daemon().expect("a daemon");
    processes::signal(pid, Signal::STOP);
    let said = sandbox.run(&["lock", "--json"]).ok();
    assert_eq!(said.json()["killed"], pid, "{}", said.all());
    sandbox.wait_for("its end", || !processes::lives(pid));
    // Nothing acknowledged is lost: neither the secret nor the record of its release.
    let _ = sandbox.unlock();
    assert_eq!(sandbox.get("LOW").text(), VALUE);
    assert_eq!(sandbox.trail().iter().filter(|e| e["event"] == "allow").count(), 2);
    // The human hears about it before that, and what helps.
    let pid = sandbox.daemon().expect("a daemon");
    processes::signal(pid, Signal::STOP);
    let said = sandbox.run(&["lock"]).ok();
    let note = format!("note: the daemon (process {pid}) does not answer; it is stopped");
    assert!(said.err.contains(&note) && said.err.contains(&format!("kill -CONT {pid}")), "{}", said.all());
    assert!(said.text().contains("nothing acknowledged is lost"), "{}", said.all());
}
