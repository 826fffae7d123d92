//! A vault of 100,000 secrets: what its table takes in memory, and how long it takes to open.
//! The time is only judged in a release build.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may, its helpers too

extern crate svault_seal as seal;

mod common;

use common::{create, open, record};
use seal::{Change, Disk, RealDisk};
use std::sync::Arc;
use std::time::{Duration, Instant};

const RECORDS: u64 = 100_000;

#[cfg(target_os = "linux")]
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

#[cfg(not(target_os = "linux"))]
fn resident_mib() -> f64 {
    0.0
}

#[test]
fn a_hundred_thousand_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.svault");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let mut table = create(disk.clone(), &path);
    let (body, value) = ([b'b'; 200], [b'v'; 60]);
    for start in (0..RECORDS).step_by(1000) {
        let changes: Vec<_> = (start..start + 1000)
            .map(|n| Change::Put { kind: 1, record: record(n), body: &body, value: Some(&value) })
            .collect();
        table.commit(&changes).unwrap();
    }
    let head = table.sync().unwrap();
    drop(table);

    // The first of two takes what the allocator still holds from making the file; the second has to grow.
    let opened = |disk: &Arc<dyn Disk>| {
        let start = Instant::now();
        let (table, _) = open(disk.clone(), &path, &head).unwrap();
        (table, start.elapsed())
    };
    let (first, _) = opened(&disk);
    let before = resident_mib();
    let (second, took) = opened(&disk);
    let grown = resident_mib() - before;
    assert_eq!((first.len() as u64, second.len() as u64), (RECORDS, RECORDS));
    assert!(grown <= 60.0, "{grown:.1} MiB for {RECORDS} records");
    if cfg!(not(debug_assertions)) {
        assert!(took <= Duration::from_millis(250), "{took:?} to open {RECORDS} records");
    }
    #[allow(clippy::print_stdout)]
    {
        println!("{grown:.1} MiB, {took:?}");
    }
}
