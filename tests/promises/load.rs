//! Many connections and bad ones: others are served, denials fold, nothing leaks.

use serde_json::json;
use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{CONTROL, RAW, Raw, SEALED, ask};

const VALUE: &str = "sk-test-load-19ce";

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    sandbox
}

#[track_caller]
fn is_served(sandbox: &Sandbox) {
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    raw.send(&ask(json!({"vault": "main", "name": "LOW"}), Some("db"), Some(GOOD_REASON), "value"));
    assert_eq!(raw.control()["type"], "released");
    assert_eq!(raw.frame_in(), Some((RAW, VALUE.as_bytes().to_vec())));
}

/// Open descriptors of the daemon; only root may count them.
fn descriptors(sandbox: &Sandbox) -> usize {
    let pid = sandbox.daemon().expect("a daemon");
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count()
}

#[test]
fn a_thousand_idle_connections_stand_in_nobodys_way_and_leave_nothing_behind() {
    need!(Linux, Root);
    let sandbox = house();
    is_served(&sandbox);
    let before = descriptors(&sandbox);
    let mut idle: Vec<Raw> = (0..500).map(|_| Raw::connect(&sandbox.socket())).collect();
    idle.extend((0..500).map(|_| Raw::hello(&sandbox.socket(), None)));
    for _ in 0..5 {
        is_served(&sandbox);
    }
    assert!(descriptors(&sandbox) >= before + 500, "they are there");
    drop(idle);
    sandbox.wait_for("their descriptors", || descriptors(&sandbox) <= before + 8);
    is_served(&sandbox);
}

#[test]
fn bad_peers_are_dropped_and_others_served() {
    need!(Linux);
    let sandbox = house();
    let socket = sandbox.socket();
    let connect = || Raw::hello(&socket, Some("tester"));
    // A length of 4 GiB, for each kind and for none; no length at all; noise.
    for bytes in [
        &[0xff, 0xff, 0xff, 0xff, CONTROL] as &[u8],
        &[0xff, 0xff, 0xff, 0xff, RAW],
        &[0xff, 0xff, 0xff, 0xff, SEALED],
        &[0xff, 0xff, 0xff, 0xff, 9],
        &[0, 0, 0, 0, 0],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        for mut raw in [Raw::connect(&socket), connect()] {
            raw.bytes(bytes);
            let answers = raw.rest();
            assert!(answers.iter().all(|(kind, _)| *kind == CONTROL), "{bytes:?}: {answers:?}");
            assert!(!format!("{answers:?}").contains("released"));
        }
        is_served(&sandbox);
    }
    // Slow writers: a byte, then nothing. Nobody waits for them.
    let slow: Vec<Raw> = (0..50)
        .map(|_| {
            let mut raw = connect();
            raw.bytes(&[40]);
            raw
        })
        .collect();
    is_served(&sandbox);
    drop(slow);
    // Half-closed: what was asked before the end of the sending side is answered, or the connection ends.
    let mut half = connect();
    half.send(&json!({"type": "status"}));
    half.finish();
    let answers = half.rest();
    assert!(answers.len() <= 1, "{answers:?}");
    is_served(&sandbox);
    // Clients that never read what they asked for.
    let deaf: Vec<Raw> = (0..20)
        .map(|_| {
            let mut raw = connect();
            raw.stream().set_nonblocking(true).expect("nonblocking");
            (0..200).for_each(|_| raw.send(&json!({"type": "status"})));
            raw
        })
        .collect();
    is_served(&sandbox);
    drop(deaf);
}

#[test]
fn a_flood_of_denials_folds_and_does_not_fill_the_disk() {
    need!(Linux);
    const CLIENTS: usize = 40;
    const EACH: usize = 50;
    let sandbox = house();
    let size = || -> u64 {
        let folder = std::fs::read_dir(sandbox.store().join("trail")).expect("trail");
        folder.flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
    };
    let before = size();
    let socket = sandbox.socket();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                // Nobody: what it asks for is always denied.
                let mut raw = Raw::hello(&socket, None);
                for _ in 0..EACH {
                    raw.send(&ask(json!({"name": "LOW"}), Some("db"), Some(GOOD_REASON), "value"));
                    assert_eq!(raw.control()["type"], "denied");
                }
            });
        }
    });
    // Who floods is suspended, with everybody who can't be told from it; the daemon itself goes on.
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    raw.send(&json!({"type": "status"}));
    assert_eq!(raw.control()["type"], "status");
    let grown = size() - before;
    assert!(grown < (CLIENTS * EACH) as u64 * 512, "{grown} bytes for {} denials", CLIENTS * EACH);
    sandbox.lock();
    let _ = sandbox.unlock();
    // Each of them is counted all the same.
    let told = sandbox.human(&["audit", "list", "--json", "--last", "100000"]).ok().json();
    let entries = told["entries"].as_array().expect("entries");
    let denied = |e: &serde_json::Value| match e["event"].as_str() {
        Some("deny") => 1,
        Some("folded") => e["count"].as_u64().unwrap_or(0),
        _ => 0,
    };
    assert_eq!(entries.iter().map(denied).sum::<u64>(), (CLIENTS * EACH) as u64);
}
