//! Requests and additions over the socket, one after the other and eight at once.

use crate::floor::{Echo, Log};
use crate::table::{Bar, Run, note, numbers, row, time, timed};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use svault_tests::Sandbox;
use svault_tests::sandbox::GOOD_REASON;
use svault_tests::socket::{RAW, Raw, ask};

/// The widest rate that a policy can give: more in one second are denied.
const RATE: usize = 1000;

/// A store with one secret that whoever calls himself `tester` may read.
pub fn store() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", "sk-test-bench-value-of-forty-bytes-0123456", &["--tier", "low", "--scope", "db"]);
    sandbox
}

/// One request on an open connection, to the value.
pub fn get(raw: &mut Raw) {
    raw.send(&ask(json!({"vault": "main", "name": "LOW"}), Some("db"), Some(GOOD_REASON), "value"));
    let answer = raw.control();
    assert_eq!(answer["type"], "released", "{answer}");
    assert!(matches!(raw.frame_in(), Some((RAW, _))));
}

/// A proposal: the same path to the disk as a human's addition, without the KDF of a proof.
pub fn propose(raw: &mut Raw, name: &str) {
    raw.send(&json!({"type": "propose", "name": name, "vault": "main",
                     "class": {"scope": "default", "tier": "medium"}}));
    raw.frame(RAW, &[b'x'; 40]);
    let answer = raw.control();
    assert_eq!(answer["type"], "done", "{answer}");
}

pub fn hello(sandbox: &Sandbox) -> Raw {
    Raw::hello(&sandbox.socket(), Some("tester"))
}

/// So that no second has more than the policy allows.
pub fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

/// Requests on one connection, beside an echo on one and an append.
pub fn request(run: &Run) {
    let sandbox = store();
    let (mut took, mut floor) = on_one_connection(&sandbox, run.of(1000, 250));
    row("request, recorded durably (open connection)", &mut took, &mut floor, Bar::AtMost(1.5));
}

/// Times of requests and of their floor, in turns.
pub fn on_one_connection(sandbox: &Sandbox, rounds: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (mut echo, mut log, mut raw) = (Echo::start(sandbox), Log::create(sandbox), hello(sandbox));
    let (mut took, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        floor.push(timed(|| {
            echo.ask();
            log.append();
        }));
        took.push(timed(|| get(&mut raw)));
        pause();
    }
    (took, floor)
}

/// The same with a new connection for each.
pub fn connect(run: &Run) {
    let sandbox = store();
    let (echo, mut log) = (Echo::start(&sandbox), Log::create(&sandbox));
    let (mut took, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..run.of(1000, 250) {
        floor.push(timed(|| {
            echo.connect_and_ask();
            log.append();
        }));
        took.push(timed(|| get(&mut hello(&sandbox))));
        pause();
    }
    row("request with connection and hello", &mut took, &mut floor, Bar::AtMost(1.5));
}

/// Additions, with few and with many secrets stored.
pub fn add(run: &Run) {
    for there in [10, run.of(100_000, 10_000)] {
        let sandbox = store();
        crate::fixture::fill(&sandbox, &crate::fixture::Fill { secrets: there, ..Default::default() });
        let (mut echo, mut log) = (Echo::start(&sandbox), Log::create(&sandbox));
        let mut raw = hello(&sandbox);
        let (mut took, mut floor) = (Vec::new(), Vec::new());
        for n in 0..run.of(500, 200) {
            floor.push(timed(|| {
                echo.ask();
                log.append();
            }));
            took.push(timed(|| propose(&mut raw, &format!("ADDED_{n}"))));
            pause();
        }
        row(&format!("durable add, {there} secrets stored"), &mut took, &mut floor, Bar::AtMost(1.5));
    }
}

/// Eight clients at once: they share the waiting for the disk.
pub fn crowd(run: &Run) {
    let sandbox = store();
    let each = RATE / 10;
    let (mut alone, mut together, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.of(9, 3) {
        let begun = Instant::now();
        let mut raw = hello(&sandbox);
        (0..each).for_each(|_| get(&mut raw));
        alone.push(begun.elapsed() / u32::try_from(each).unwrap_or(1));
        drop(raw);
        std::thread::sleep(Duration::from_millis(1100));
        let before = heads_written(&sandbox.store());
        let took = eight(&sandbox, each);
        together.push(took / u32::try_from(8 * each).unwrap_or(1));
        syncs.push((heads_written(&sandbox.store()) - before) as f64 / (8 * each) as f64);
        std::thread::sleep(Duration::from_millis(1100));
    }
    let (one, all) = (crate::table::median(&mut alone), crate::table::median(&mut together));
    let ratio = one.as_secs_f64() / all.as_secs_f64();
    numbers(
        "8 clients at once: throughput against 1 client",
        &time(all),
        &time(one),
        ratio,
        Bar::AtLeast(2.0),
    );
    syncs.sort_by(f64::total_cmp);
    let middle = syncs[syncs.len() / 2];
    numbers(
        "8 clients at once: fdatasyncs of the trail a request",
        &format!("{middle:.2}"),
        "1",
        middle,
        Bar::AtMost(0.35),
    );
    note("counted by the number of state/heads, which grows with each sync of a sealed file");
}

fn eight(sandbox: &Sandbox, each: usize) -> Duration {
    let mut clients: Vec<Raw> = (0..8).map(|_| hello(sandbox)).collect();
    timed(|| {
        std::thread::scope(|scope| {
            for raw in &mut clients {
                scope.spawn(move || (0..each).for_each(|_| get(raw)));
            }
        });
    })
}

/// The sequence number of the heads (spec: `state/heads`): one more after each sync of the trail, and after each
/// checkpoint of the store.
fn heads_written(store: &Path) -> u64 {
    let bytes = std::fs::read(store.join("state").join("heads")).expect("heads");
    let number = |at: usize| {
        let field = bytes.get(at + 16..at + 24).and_then(|b| b.try_into().ok());
        field.map_or(0, u64::from_le_bytes)
    };
    number(0).max(number(81_920))
}
