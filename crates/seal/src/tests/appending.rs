//! Appending, syncing, failing: what is acknowledged stays, what failed is gone.

use super::*;
use crate::MAX_FRAME;

#[test]
fn values_come_back_and_lie_nowhere_in_clear() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let long = vec![b'x'; 900_000];
    let values: [&[u8]; 5] = [b"", b"a", b"sk-test-value", &[b'y'; 1020], &long];
    let mut places = Vec::new();
    for (n, value) in values.iter().enumerate() {
        let new = New { meta: put(n as u8, 1), value: Some(value) };
        places.extend(log.append(&[new]).unwrap().values);
    }
    log.append(&[New { meta: put(9, 1), value: None }]).unwrap();
    let head = log.sync().unwrap();
    for (value, at) in values.iter().zip(&places) {
        assert!(log.read_value(&at.unwrap()).unwrap().ct_eq(value));
    }
    let bytes = disk.bytes(path()).unwrap();
    for needle in [&b"sk-test-value"[..], b"yyyyyyyy", b"xxxxxxxx", b"name"] {
        assert!(!bytes.windows(needle.len()).any(|w| w == needle));
    }
    let mut seen = Vec::new();
    let visit = |frame: Frame<'_>| {
        assert_eq!((frame.meta.body, frame.tx_end), (&b"name"[..], true));
        seen.push(frame.value_at);
        Ok(())
    };
    let (log, opened) = Log::open(arc(&disk), path(), unlock(5), HeadRule::AtLeast(head), visit).unwrap();
    assert_eq!(opened, Opened::default());
    assert_eq!(seen[..5], places);
    assert_eq!(seen[5], None);
    assert!(log.read_value(&seen[4].unwrap()).unwrap().ct_eq(&long));
}

#[test]
fn the_same_value_twice_looks_different() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let start = log.end().bytes() as usize;
    add(&mut log, 1);
    add(&mut log, 1);
    let bytes = disk.bytes(path()).unwrap();
    let len = (bytes.len() - start) / 2;
    let (a, b) = bytes[start..].split_at(len);
    let equal = a.iter().zip(b).filter(|(a, b)| a == b).count();
    assert!(equal < 16 + 20, "{equal} of {len} bytes are equal");
}

#[test]
fn what_is_too_big_is_refused_and_nothing_is_written() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let end = log.end();
    let long = vec![0; MAX_FRAME];
    let body = Meta { body: &long, ..put(1, 1) };
    for new in [New { meta: put(1, 1), value: Some(&long) }, New { meta: body, value: None }] {
        assert_eq!(log.append(&[new]).unwrap_err().name(), "TooBig");
    }
    assert_eq!(log.append(&[]).unwrap_err().name(), "Bounds");
    let remove = Meta { op: Op::Remove, ..put(1, 1) };
    assert_eq!(log.append(&[New { meta: remove, value: Some(b"x") }]).unwrap_err().name(), "Record");
    assert_eq!(log.end(), end);
    assert_eq!(disk.bytes(path()).unwrap().len() as u64, end.bytes());
}

#[test]
fn no_frame_is_longer_than_a_frame_may_be() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let long = vec![0; MAX_FRAME];
    for len in (MAX_FRAME - 300_000..MAX_FRAME).step_by(4_000) {
        let before = log.end().bytes();
        match log.append(&[New { meta: put(1, 1), value: Some(&long[..len]) }]) {
            Ok(appended) => assert!(appended.upto.bytes() - before <= MAX_FRAME as u64, "{len}"),
            Err(e) => assert_eq!((e.name(), log.end().bytes()), ("TooBig", before), "{len}"),
        }
    }
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let head = log.sync().unwrap();
    let tx: Vec<_> = (2..6).map(|n| New { meta: put(n, 1), value: Some(b"sk-test") }).collect();
    log.append(&tx).unwrap();
    let full = disk.bytes(path()).unwrap();
    for len in head.bytes as usize..=full.len() {
        let cut = disk.killed();
        cut.put(path(), &full[..len]);
        let (_, opened, seen) = open(&cut, HeadRule::AtLeast(head)).unwrap();
        let all = len == full.len();
        assert_eq!(seen, if all { vec![1, 2, 3, 4, 5] } else { vec![1] }, "{len}");
        assert_eq!(opened.rolled_forward, if all { 4 } else { 0 });
        let on_a_frame = (len - head.bytes as usize).is_multiple_of((full.len() - head.bytes as usize) / 4);
        assert_eq!(opened.set_aside.is_some(), !on_a_frame, "{len}");
        assert_eq!(cut.bytes(path()).unwrap().len(), if all { len } else { head.bytes as usize });
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_left_behind() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let end = log.end();
    disk.set_capacity(Some(disk.used() + 100));
    let new = New { meta: put(2, 1), value: Some(b"sk-test") };
    assert_eq!(log.append(&[new]).unwrap_err().name(), "Full");
    assert_eq!(disk.bytes(path()).unwrap().len() as u64, end.bytes());
    disk.set_capacity(None);
    add(&mut log, 3);
    let head = log.close().unwrap();
    assert_eq!(open(&disk, HeadRule::AtLeast(head)).unwrap().2, [1, 3]);
}

#[test]
fn a_failed_sync_poisons_until_opened_again() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let head = log.sync().unwrap();
    let at = log.append(&[New { meta: put(2, 1), value: Some(b"sk-test") }]).unwrap().values[0].unwrap();
    disk.fail_sync(0);
    assert_eq!(log.sync().unwrap_err().name(), "Io");
    assert_eq!(log.head(), head);
    assert!(log.is_poisoned());
    let new = New { meta: put(3, 1), value: None };
    let e = log.append(&[new]).unwrap_err();
    assert!(e.name() == "Poisoned" && e.to_string().starts_with(PATH), "{e}");
    assert_eq!(log.sync().unwrap_err().name(), "Poisoned");
    assert_eq!(log.read_value(&at).unwrap_err().name(), "Poisoned");
    drop(log);
    let (log, opened, seen) = open(&disk, HeadRule::AtLeast(head)).unwrap();
    assert_eq!((seen, opened.rolled_forward), (vec![1, 2], 1));
    // What was rolled forward is on the disk now, although the kernel took those pages for clean.
    let head = log.head();
    let after = disk.crash(0);
    assert_eq!(open(&after, HeadRule::AtLeast(head)).unwrap().2, [1, 2]);
}

#[test]
fn a_failed_sync_cannot_hide_behind_a_later_one() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let first = log.sync_job().unwrap();
    disk.fail_sync(0);
    let first = first.run();
    assert!(first.upto().is_none());
    // Its failure is not yet known to the log.
    assert_eq!(log.sync().unwrap_err().name(), "Io");
    assert!(log.note_synced(first).is_err());
    assert_eq!(log.head().frames, 0);
}

#[test]
fn a_head_names_only_what_was_synced_before() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    assert!(log.sync_job().is_none());
    add(&mut log, 1);
    assert_eq!(log.head().frames, 0);
    let job = log.sync_job().unwrap();
    add(&mut log, 2);
    let done = job.run();
    assert_eq!(done.upto().map(|upto| upto.frames()), Some(1));
    log.note_synced(done).unwrap();
    assert_eq!(log.head().frames, 1);
    for seed in 0..20 {
        let after = disk.crash(seed);
        let (.., seen) = open(&after, HeadRule::AtLeast(log.head())).unwrap();
        assert!(seen == [1] || seen == [1, 2], "{seen:?}");
    }
    assert_eq!(log.end().frames(), 2);
    assert_eq!(log.close().unwrap().frames, 2);
}

#[test]
fn a_value_that_is_cut_off_is_damaged_and_one_that_can_t_be_read_is_not() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let at =
        log.append(&[New { meta: put(1, 1), value: Some(b"sk-test-value") }]).unwrap().values[0].unwrap();
    disk.fail_reads_of(log.end.bytes - 40);
    assert_eq!(log.read_value(&at).unwrap_err().name(), "Io");
    disk.fail_reads_of(u64::MAX);
    assert!(log.read_value(&at).unwrap().ct_eq(b"sk-test-value"));
    log.file.file.set_len(log.end.bytes - 40).unwrap();
    assert_eq!(log.read_value(&at).unwrap_err().name(), "Damaged");
}

#[test]
fn a_power_cut_never_shows_a_torn_value() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let head = log.sync().unwrap();
    let value = vec![b'v'; 5000];
    log.append(&[New { meta: put(2, 1), value: Some(&value) }]).unwrap();
    log.append(&[New { meta: put(3, 1), value: Some(&value) }]).unwrap();
    for seed in 0..200 {
        let after = disk.crash(seed);
        let mut at = Vec::new();
        let visit = |frame: Frame<'_>| {
            at.extend(frame.value_at);
            Ok(())
        };
        let (log, _) = Log::open(arc(&after), path(), unlock(5), HeadRule::AtLeast(head), visit).unwrap();
        at[1..].iter().for_each(|at| assert!(log.read_value(at).unwrap().ct_eq(&value)));
    }
}

#[test]
fn creating_is_all_or_nothing_and_never_replaces() {
    let base = disk();
    base.record();
    drop(new_vault(&base, path(), 1, 5));
    for cut in base.cuts() {
        for seed in 0..8 {
            let after = cut.crash(seed);
            if after.bytes(path()).is_ok() {
                open(&after, HeadRule::Accept).unwrap();
            }
            // A stray temporary file is no obstacle.
            let root = Root::random(&mut OsRandom).unwrap();
            let (kind, file_id) = (FileKind::Vault, FileId([1; 16]));
            let slots = vec![store_slot(&root, kind, &file_id, 1, 5)];
            let new = NewFile { kind, file_id, epoch: 1, generation: 1, created: 0, parent_chain: [0; 32] };
            let exists = after.bytes(path()).is_ok();
            let made = Log::create(arc(&after), path(), new, root, slots);
            assert_eq!(made.is_err(), exists);
        }
    }
}

#[test]
fn a_store_is_put_into_place_last() {
    let disk = disk();
    let mut log = new_vault(&disk, Path::new("/making"), 1, 5);
    add(&mut log, 1);
    log.move_to(path()).unwrap();
    add(&mut log, 2);
    let head = log.close().unwrap();
    assert_eq!(open(&disk.crash(0), HeadRule::AtLeast(head)).unwrap().2, [1, 2]);
    let mut other = new_vault(&disk, Path::new("/other"), 1, 5);
    assert_eq!(other.move_to(path()).unwrap_err().name(), "Io");
}

#[test]
fn nothing_is_written_beyond_4_gib() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let before = disk.ops();
    log.end.bytes = crate::MAX_FILE - 100;
    assert_eq!(log.append(&[New { meta: put(1, 1), value: None }]).unwrap_err().name(), "TooBig");
    assert_eq!(disk.ops(), before);
}

#[test]
fn a_sync_that_ends_late_takes_nothing_back() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let first = log.sync_job().unwrap();
    add(&mut log, 2);
    let second = log.sync_job().unwrap();
    log.note_synced(second.run()).unwrap();
    log.note_synced(first.run()).unwrap();
    assert_eq!(log.head().frames, 2);
    assert!(log.sync_job().is_none());
}

#[test]
fn a_frame_has_these_bounds() {
    use crate::frame::Front;
    let parse = |meta: u32, value: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&meta.to_le_bytes());
        bytes[4..8].copy_from_slice(&value.to_le_bytes());
        Front::parse(&bytes).map(Front::len)
    };
    let most = crate::MAX_FRAME;
    let fixed = parse(64, 1).unwrap() - 65;
    let fits = (most - fixed - 64) as u32;
    assert_eq!(parse(64, fits), Ok(most));
    for value in [fits + 1, most as u32, most as u32 + 1, u32::MAX] {
        assert_eq!(parse(64, value), Err("a frame's value length"), "{value}");
    }
    for meta in [0, 1, 63, 65, most as u32 + 64, u32::MAX, u32::MAX - 63] {
        assert_eq!(parse(meta, 0), Err("a frame's meta length"), "{meta}");
    }
    // One of the longest length that may be leaves no room for the rest.
    assert_eq!(parse(most as u32, 0), Err("a frame's value length"));
}
