//! New generations: cut at every operation, and forged ones.

use super::*;
use crate::{Live, Next, Source};
use std::cell::RefCell;

fn live(n: u8) -> Live<'static> {
    Live { meta: put(n, 1), value: Source::New(b"sk-test-new") }
}

fn same_slots(log: &Log) -> Next {
    Next { root: None, created: 7, slots: log.header().slots.clone() }
}

/// A new root key, epoch 2, KEK `n`.
fn next_epoch(log: &Log, n: u8) -> Next {
    let root = Root::random(&mut OsRandom).unwrap();
    let slots = vec![store_slot(&root, log.header().kind, &log.header().file_id, 2, n)];
    Next { root: Some((root, 2)), created: 7, slots }
}

#[test]
fn values_are_kept_dropped_and_replaced() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let at = log.append(&[New { meta: put(2, 5), value: Some(b"sk-test-two") }]).unwrap().values[0].unwrap();
    let records = [
        Live { meta: put(2, 9), value: Source::Kept(at) },
        Live { meta: put(3, 1), value: Source::None },
        Live { meta: put(4, 1), value: Source::New(b"sk-test-four") },
    ];
    let next = next_epoch(&log, 6);
    let heads = RefCell::new(Vec::new());
    let places = log
        .rewrite(next, records, &mut |head| {
            heads.borrow_mut().push((head.place(), head.epoch()));
            Ok(())
        })
        .unwrap();
    let heads = heads.into_inner();
    assert_eq!(
        heads.iter().map(|(p, e)| (p.generation, p.frames, *e)).collect::<Vec<_>>(),
        [(1, 2, 1), (2, 3, 2)]
    );
    assert!(log.read_value(&places[0].unwrap()).unwrap().ct_eq(b"sk-test-two"));
    assert_eq!(places[1], None);
    add(&mut log, 5);
    let head = log.close().unwrap();
    let Err(e) = open_at(&disk, path(), 5, HeadRule::AtLeast(head)) else { panic!("the old key opens it") };
    assert_eq!(e.name(), "WrongKey");
    let (log, opened, seen) = open_at(&disk, path(), 6, HeadRule::AtLeast(head)).unwrap();
    assert_eq!((seen, opened), (vec![2, 3, 4, 5], Opened::default()));
    assert!(log.read_value(&places[2].unwrap()).unwrap().ct_eq(b"sk-test-four"));
    assert_eq!((log.header().generation, log.header().epoch, log.header().created), (2, 2, 7));
    assert_eq!(disk.list(Path::new("/")).unwrap(), ["v.svault"]);
}

#[test]
fn a_slot_is_added_in_the_same_epoch() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let spec = SlotSpec::new(vec![Factor::Store], &mut OsRandom).unwrap();
    let keys = store_keys(FileKind::Vault, &FileId([1; 16]), 1, &spec, 8);
    let slot = log.seal_slot(&spec, &keys).unwrap();
    let next = Next { root: None, created: 0, slots: vec![slot] };
    log.rewrite(next, [live(1)], &mut |_| Ok(())).unwrap();
    let head = log.close().unwrap();
    assert_eq!(open_at(&disk, path(), 8, HeadRule::AtLeast(head)).unwrap().2, [1]);
}

#[test]
fn cut_at_every_operation_it_is_the_old_file_or_the_new_one() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    add(&mut log, 2);
    // The head as it would be found: what was saved last before the cut.
    let saved = RefCell::new(vec![(0, log.sync().unwrap())]);
    add(&mut log, 3);
    disk.record();
    let base = disk.ops();
    let next = same_slots(&log);
    log.rewrite(next, [live(7), live(8)], &mut |head| {
        saved.borrow_mut().push((disk.ops() - base, *head));
        Ok(())
    })
    .unwrap();
    let saved = saved.into_inner();
    let (mut old, mut new) = (0, 0);
    for (op, cut) in disk.cuts().iter().enumerate() {
        let (_, head) = saved.iter().rfind(|(at, _)| *at <= op as u64).unwrap();
        for seed in 0..16 {
            let after = cut.crash(seed);
            let (_, opened, seen) = open(&after, HeadRule::AtLeast(*head)).unwrap();
            match seen.as_slice() {
                [1, 2] | [1, 2, 3] => old += 1,
                [7, 8] => new += 1,
                other => panic!("{op} {seed} {other:?} {opened:?}"),
            }
            assert!(opened.set_aside.is_none() || seen != [7, 8]);
            assert!(
                after.list(Path::new("/")).unwrap().iter().all(|n| n == "v.svault" || n.contains("aside"))
            );
        }
    }
    assert!(old > 0 && new > 0);
}

#[test]
fn a_new_generation_that_was_cut_is_damaged_not_shortened() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let head = log.sync().unwrap();
    let next = same_slots(&log);
    log.rewrite(next, [live(7), live(8)], &mut |_| Ok(())).unwrap();
    let good = disk.bytes(path()).unwrap();
    let start = log.header_end.bytes as usize;
    for len in start + 1..good.len() {
        disk.put(path(), &good[..len]);
        assert_eq!(fails(&disk, HeadRule::AtLeast(head)).name(), "Damaged", "{len}");
    }
    disk.put(path(), &good);
    let (_, opened, seen) = open(&disk, HeadRule::AtLeast(head)).unwrap();
    assert!(opened.new_generation && opened.rolled_forward == 2 && seen == [7, 8]);
}

#[test]
fn an_old_generation_put_back_is_rolled_back() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    log.sync().unwrap();
    let old = disk.bytes(path()).unwrap();
    let next = same_slots(&log);
    log.rewrite(next, [live(7)], &mut |_| Ok(())).unwrap();
    let head = log.close().unwrap();
    disk.put(path(), &old);
    assert_eq!(fails(&disk, HeadRule::AtLeast(head)).name(), "RolledBack");
}

#[test]
fn a_generation_of_something_else_or_too_far_ahead_is_beside() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let head = log.sync().unwrap();
    // Someone with the key makes another history and compacts it: the parent differs.
    let fork = disk.killed();
    let (mut other, ..) = open(&fork, HeadRule::AtLeast(head)).unwrap();
    add(&mut other, 2);
    let next = same_slots(&other);
    other.rewrite(next, [live(2)], &mut |_| Ok(())).unwrap();
    assert_eq!(fails(&fork, HeadRule::AtLeast(head)).name(), "Beside");
    for _ in 0..2 {
        let next = same_slots(&log);
        log.rewrite(next, [live(7)], &mut |_| Ok(())).unwrap();
    }
    assert_eq!(fails(&disk, HeadRule::AtLeast(head)).name(), "Beside");
}

#[test]
fn trouble_before_the_rename_leaves_the_old_file_working() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let next = next_epoch(&log, 6);
    let mut lower = next_epoch(&log, 6);
    lower.root = lower.root.map(|(root, _)| (root, 1));
    assert_eq!(log.rewrite(lower, [live(7)], &mut |_| Ok(())).unwrap_err().name(), "Bounds");
    let refuse = &mut |_: &Head| Err(Error::bounds("heads"));
    assert_eq!(log.rewrite(next, [live(7)], refuse).unwrap_err().name(), "Bounds");
    disk.set_capacity(Some(disk.used() + 50));
    let next = next_epoch(&log, 6);
    assert_eq!(log.rewrite(next, [live(7)], &mut |_| Ok(())).unwrap_err().name(), "Full");
    disk.set_capacity(None);
    add(&mut log, 2);
    assert_eq!(disk.list(Path::new("/")).unwrap(), ["v.svault"]);
    let head = log.close().unwrap();
    assert_eq!(open(&disk, HeadRule::AtLeast(head)).unwrap().2, [1, 2]);
}

#[test]
fn trouble_after_the_rename_poisons() {
    for (nth, poisoned) in [(0, false), (1, true)] {
        let disk = disk();
        let mut log = new_vault(&disk, path(), 1, 5);
        add(&mut log, 1);
        log.sync().unwrap();
        let next = same_slots(&log);
        // Of the temporary file, then of the folder.
        disk.fail_sync(nth);
        log.rewrite(next, [live(7)], &mut |_| Ok(())).unwrap_err();
        assert_eq!(log.is_poisoned(), poisoned);
    }
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let (next, mut calls) = (same_slots(&log), 0);
    let heads = &mut |_: &Head| {
        calls += 1;
        if calls == 2 { Err(Error::bounds("heads")) } else { Ok(()) }
    };
    log.rewrite(next, [live(7)], heads).unwrap_err();
    assert!(log.is_poisoned());
}

#[test]
fn a_generation_may_be_empty() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let next = same_slots(&log);
    assert!(log.rewrite(next, [], &mut |_| Ok(())).unwrap().is_empty());
    add(&mut log, 2);
    let head = log.close().unwrap();
    assert_eq!(open(&disk, HeadRule::AtLeast(head)).unwrap().2, [2]);
}

#[test]
fn of_a_new_generation_each_value_is_looked_at_though_the_old_head_was_longer() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    for n in 1..6 {
        add(&mut log, n);
    }
    let head = log.sync().unwrap();
    let next = same_slots(&log);
    log.rewrite(next, [live(7)], &mut |_| Ok(())).unwrap();
    let mut bytes = disk.bytes(path()).unwrap();
    assert!((bytes.len() as u64) < head.bytes, "else the head vouches for nothing");
    assert_eq!(open(&disk.killed(), HeadRule::AtLeast(head)).unwrap().2, [7]);
    // The last byte of the value's ciphertext: after it come its tag and the chain.
    let at = bytes.len() - 32 - 16 - 1;
    bytes[at] ^= 1;
    disk.put(path(), &bytes);
    assert_eq!(fails(&disk, HeadRule::AtLeast(head)).name(), "Damaged");
}
