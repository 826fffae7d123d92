//! Promise 2: nothing is released before its record is durable. If it can't be recorded, the answer is no.

use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, OPEN_POLICY, Sandbox};
use svault_tests::socket::{RAW, Raw, ask};
use svault_tests::tmpfs::Tmpfs;

const VALUE: &str = "sk-test-recorded-first-81d2";

/// One request over the raw socket: whether a value came.
fn released(sandbox: &Sandbox) -> bool {
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    let name = serde_json::json!({"vault": "main", "name": "LOW"});
    raw.send(&ask(name, Some("db"), Some(GOOD_REASON), "value"));
    match raw.control()["type"].as_str() {
        Some("released") => {
            assert_eq!(raw.frame_in(), Some((RAW, VALUE.as_bytes().to_vec())));
            true
        }
        Some("denied") => {
            assert!(raw.rest().is_empty(), "bytes after a denial");
            false
        }
        other => panic!("{other:?}"),
    }
}

fn allowed(sandbox: &Sandbox) -> usize {
    let listed = sandbox.human(&["audit", "list", "--json", "--last", "100000"]).ok().json();
    let entries = listed["entries"].as_array().expect("entries").clone();
    entries.iter().filter(|e| e["event"] == "allow" && e["secret"] == "main/LOW").count()
}

/// A store of 2 MiB.
fn on_a_small_disk() -> (Sandbox, Tmpfs) {
    let sandbox = Sandbox::empty();
    let disk = Tmpfs::mount(&sandbox.store(), 2048, sandbox.uid());
    let _ = sandbox.init();
    sandbox.set_policy(OPEN_POLICY);
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    (sandbox, disk)
}

#[test]
fn with_a_full_disk_every_request_is_denied() {
    need!(Linux, Root);
    let (sandbox, disk) = on_a_small_disk();
    assert!(released(&sandbox));

    // A reserve may carry releases for a while after the disk is full; each of them must be in the trail all the same.
    let filler = disk.fill();
    let mut released_here = 1;
    while released(&sandbox) {
        released_here += 1;
        assert!(released_here < 20_000, "the disk is full and nothing is refused");
    }
    for _ in 0..10 {
        assert!(!released(&sandbox), "a request was answered that could not be recorded");
    }
    assert_eq!(sandbox.get("LOW").exits(4).out, b"");
    assert!(sandbox.run(&["status"]).ok().text().contains("takes no records"));
    let doctor = sandbox.run(&["doctor"]);
    assert!(doctor.text().contains("make room on the disk"), "{}", doctor.all());
    // With a little room a human can see to it, although it isn't enough for the reserve.
    let file = std::fs::OpenOptions::new().write(true).open(&filler).expect("open");
    file.set_len(file.metadata().expect("length").len() - (64 << 10)).expect("cut");
    for command in ["list", "pending", "seals"] {
        let _ = sandbox.human(&[command]).ok();
    }
    let _ = sandbox.human(&["policy", "show"]).ok();

    // What was released is in the trail, now and after a power cut.
    std::fs::remove_file(filler).expect("remove");
    sandbox.kill_daemon();
    let _ = sandbox.unlock();
    assert_eq!(allowed(&sandbox), released_here);
    assert!(released(&sandbox), "with room again, requests are answered again");
    sandbox.lock();
}

#[test]
fn after_a_full_disk_a_human_reads_and_decides_again() {
    need!(Linux, Root);
    let (sandbox, disk) = on_a_small_disk();
    let filler = disk.fill();
    // The reserve is a human's as well as a release's, and no denial's.
    for command in ["list", "pending", "seals", "list"] {
        let _ = sandbox.human(&[command]).ok();
    }
    assert!(released(&sandbox));
    std::fs::remove_file(filler).expect("remove");
    let _ = sandbox.human(&["list"]).ok();
    sandbox.set_policy(&OPEN_POLICY.replace("tester", "nobody"));
    let _ = sandbox.get("LOW").exits(4);
    let reserve = sandbox.store().join("state/reserve");
    sandbox.wait_for("the reserve", || reserve.metadata().is_ok_and(|found| found.len() == 256 << 10));
}

#[test]
fn an_answered_request_is_in_the_trail_after_a_power_cut() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    for round in 1..=5 {
        assert!(released(&sandbox));
        sandbox.kill_daemon();
        let _ = sandbox.unlock();
        assert_eq!(allowed(&sandbox), round);
    }
}

#[test]
fn a_trail_that_can_not_be_written_closes_the_gate() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    // The open segment cut short below the daemon: what it writes next would leave a hole.
    let mut segments: Vec<_> = std::fs::read_dir(sandbox.store().join("trail"))
        .expect("trail")
        .flatten()
        .map(|e| e.path())
        .collect();
    segments.sort();
    let open =
        std::fs::OpenOptions::new().write(true).open(segments.last().expect("a segment")).expect("open");
    let len = open.metadata().expect("stat").len();
    open.set_len(len / 2).expect("cut");
    let says = |part: &str| assert!(sandbox.run(&["status"]).ok().text().contains(part), "{part}");
    says("takes no records");
    let _ = sandbox.get("LOW").denied();
    sandbox.kill_daemon();
    let refused = sandbox.human(&["unlock"]).exits(5);
    assert!(!refused.all().contains(VALUE));
}

#[test]
fn a_trail_that_was_moved_away_or_exchanged_closes_the_gate() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    let trail = std::fs::read_dir(sandbox.store().join("trail")).expect("trail").flatten();
    let segment = trail.map(|e| e.path()).max().expect("a segment");
    let aside = sandbox.path("aside");
    std::fs::rename(&segment, &aside).expect("move");
    let closed = || {
        assert!(sandbox.run(&["status"]).ok().text().contains("takes no records"));
        assert_eq!(sandbox.run(&["status", "--json"]).ok().json()["trail_ok"], false);
        let _ = sandbox.get("LOW").denied();
        let said = sandbox.human(&["show", "LOW"]);
        assert!(said.code != 0 && !said.all().contains(VALUE), "{}", said.all());
    };
    closed();
    std::fs::copy(&aside, &segment).expect("copy");
    svault_tests::scratch::own(&segment, sandbox.uid());
    closed();
    // Put back, it goes on: nothing was lost, and nothing was released meanwhile.
    std::fs::rename(&aside, &segment).expect("move back");
    assert_eq!(sandbox.get("LOW").text(), VALUE);
    let _ = sandbox.run(&["audit", "verify"]).ok();
    assert_eq!(sandbox.trail().iter().filter(|e| e["event"] == "allow").count(), 1);
}

#[test]
fn what_a_vault_that_was_moved_away_would_have_is_not_acknowledged() {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    let file = sandbox.store().join("vaults/main.svault");
    std::fs::rename(&file, sandbox.path("aside")).expect("move");
    let said = sandbox.svault(&["add", "NEW", "--scope", "db"]).human().stdin(VALUE).run().exits(5);
    assert!(said.err.contains("moved away"), "{}", said.all());
    std::fs::rename(sandbox.path("aside"), &file).expect("move back");
    // Another vault's bytes, in the very same file.
    let whole = std::fs::read(&file).expect("read");
    let mut bytes = std::fs::read(sandbox.store().join("store.svault")).expect("read");
    bytes.resize(whole.len(), 7);
    std::fs::write(&file, bytes).expect("write");
    let said = sandbox.svault(&["add", "NEW", "--scope", "db"]).human().stdin(VALUE).run().exits(5);
    assert!(said.err.contains("written over it"), "{}", said.all());
    std::fs::write(&file, whole).expect("write");
    sandbox.add("NEW", VALUE, &["--scope", "db"]);
    sandbox.lock();
    let _ = sandbox.unlock();
    assert_eq!(sandbox.human(&["show", "NEW"]).ok().text(), VALUE);
}
