//! Large stores: the same requests with many secrets and entries, unlocking them, their memory, reading their trail.

use crate::fixture::{Fill, fill};
use crate::floor::read_all;
use crate::requests::{get, hello, on_one_connection, pause, store};
use crate::table::{Bar, Run, against, median, numbers, row, time, timed};
use std::time::Duration;
use svault_tests::Sandbox;

/// A small store and a large one, asked in turns.
pub fn sizes(run: &Run) {
    let many = run.of(100_000, 10_000);
    let (small, large) = (store(), store());
    fill(&small, &Fill { secrets: 10, entries: 100, ..Fill::default() });
    fill(&large, &Fill { secrets: many, entries: many, ..Fill::default() });
    let (mut a, mut b) = (hello(&small), hello(&large));
    let (mut few, mut lots) = (Vec::new(), Vec::new());
    for _ in 0..run.of(1000, 250) {
        few.push(timed(|| get(&mut a)));
        pause();
        lots.push(timed(|| get(&mut b)));
        pause();
    }
    let what = format!("request with {many} secrets and entries, against 10");
    row(&what, &mut lots, &mut few, Bar::AtMost(1.2));
}

/// Unlocking, without the KDF, which is cheap in the binary that is measured, and without the start of two processes, the
/// command's and the daemon's, which the same machine takes for two runs of `svault --version`.
pub fn unlock(run: &Run) {
    let many = run.of(100_000, 10_000);
    let sandbox = store();
    fill(&sandbox, &Fill { secrets: many, bytes: 1024, entries: 0 });
    let (mut took, mut floor, mut start) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.of(9, 3) {
        sandbox.lock();
        floor.push(timed(|| assert!(read_all(&sandbox.store()) > 0)));
        start.push(timed(|| drop((sandbox.run(&["--version"]), sandbox.run(&["--version"])))));
        took.push(timed(|| drop(sandbox.unlock())));
    }
    let processes = median(&mut start);
    let mut opening: Vec<Duration> = took.iter().map(|t| t.saturating_sub(processes)).collect();
    row(
        &format!("unlock less 2 starts, {many} secrets (floor: reading)"),
        &mut opening,
        &mut floor,
        Bar::Open,
    );
    against("  the same in seconds", median(&mut opening).as_secs_f64(), 0.25, "s", true);
}

/// What the daemon holds, after some requests.
pub fn memory(run: &Run) {
    for (secrets, bar) in [(1_000, 12.0), (run.of(100_000, 20_000), 80.0)] {
        let sandbox = store();
        fill(&sandbox, &Fill { secrets, ..Fill::default() });
        let _ = on_one_connection(&sandbox, 200);
        against(&format!("daemon memory (RSS), {secrets} secrets"), rss(&sandbox), bar, "MiB", true);
    }
}

fn rss(sandbox: &Sandbox) -> f64 {
    let pid = sandbox.daemon().expect("a daemon");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
    kib / 1024.0
}

/// Reading a long trail.
pub fn audit(run: &Run) {
    let entries = run.of(1_000_000, 100_000);
    let sandbox = store();
    fill(&sandbox, &Fill { entries, ..Fill::default() });
    let mut listed = Vec::new();
    let mut start = Vec::new();
    for _ in 0..run.of(9, 3) {
        start.push(timed(|| drop(sandbox.human(&["audit", "list", "--last", "1"]).ok())));
        listed.push(timed(|| drop(sandbox.human(&["audit", "list", "--last", "100"]).ok())));
    }
    let (list, one) = (median(&mut listed), median(&mut start));
    let what = format!("audit list --last 100 of {entries} (floor: --last 1)");
    numbers(&what, &time(list), &time(one), list.as_secs_f64() / one.as_secs_f64(), Bar::Open);
    against("  the same, whole process", list.as_secs_f64() * 1000.0, 50.0, "ms", true);
    let trail = sandbox.store().join("trail");
    let (mut took, mut bytes) = (Vec::new(), 0);
    let mut floor = Vec::new();
    for _ in 0..run.of(3, 2) {
        floor.push(timed(|| bytes = read_all(&trail)));
        took.push(timed(|| drop(sandbox.run(&["audit", "verify"]).ok())));
    }
    row(&format!("audit verify of {entries} (floor: reading)"), &mut took, &mut floor, Bar::Open);
    against("  the same", bytes as f64 / 1e6 / median(&mut took).as_secs_f64(), 300.0, "MB/s", false);
}
