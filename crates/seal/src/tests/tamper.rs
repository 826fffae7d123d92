//! Someone with write access to the files and without the keys: each way to cheat, and that it is noticed.

use super::*;
use crate::open::End;

fn at_least(head: Head) -> HeadRule {
    HeadRule::AtLeast(head)
}

/// Applies a change to the bytes of the vault and opens it under its head.
fn after(records: &[u8], change: impl FnOnce(&mut Vec<u8>, &[usize])) -> Error {
    let (disk, head, cuts) = vault_with(records);
    let mut bytes = disk.bytes(path()).unwrap();
    change(&mut bytes, &cuts);
    disk.put(path(), &bytes);
    let e = fails(&disk, at_least(head));
    // A file that is taken as it is must not show anything but a prefix of the truth either.
    if let Ok((_, _, seen)) = open(&disk, HeadRule::Accept) {
        assert!(records.starts_with(&seen), "{seen:?}");
    }
    e
}

fn damaged_at(e: Error) -> u64 {
    match e {
        Error::Damaged { offset, .. } => offset,
        other => panic!("{other}"),
    }
}

#[test]
fn every_flipped_bit_of_a_file_is_noticed() {
    let (disk, head, cuts) = vault_with(&[1, 2]);
    let good = disk.bytes(path()).unwrap();
    let value = |at: usize| {
        // A value's ciphertext is not looked at before it is asked for.
        cuts.windows(2).any(|w| (w[0] + 16 + 24 + 64 + 16 + 24..w[1] - 32 - 16).contains(&at))
    };
    for at in (0..good.len()).filter(|at| !value(*at)) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        disk.put(path(), &bytes);
        let e = fails(&disk, at_least(head));
        assert!(!matches!(e, Error::Io { .. } | Error::Memory(_)), "byte {at}: {e}");
    }
}

#[test]
fn a_changed_value_is_noticed_when_it_is_read() {
    let (disk, head, cuts) = vault_with(&[1]);
    let mut bytes = disk.bytes(path()).unwrap();
    bytes[cuts[0] + 16 + 24 + 64 + 16 + 24 + 3] ^= 1;
    disk.put(path(), &bytes);
    let mut at = None;
    let visit = |frame: Frame<'_>| {
        at = frame.value_at;
        Ok(())
    };
    let (log, _) = Log::open(arc(&disk), path(), unlock(5), at_least(head), visit).unwrap();
    assert_eq!(damaged_at(log.read_value(&at.unwrap()).unwrap_err()), cuts[0] as u64);
    // Where no head vouches for it, already on opening.
    let (_, opened, seen) = open(&disk, HeadRule::Accept).unwrap();
    assert!(seen.is_empty() && opened.set_aside.is_some());
}

#[test]
fn each_frame_swapped_with_the_next() {
    for n in 0..3 {
        let e = after(&[1, 2, 3, 4], |bytes, cuts| {
            let (a, b, c) = (cuts[n], cuts[n + 1], cuts[n + 2]);
            let swapped = [&bytes[b..c], &bytes[a..b]].concat();
            bytes[a..c].copy_from_slice(&swapped);
        });
        assert!(damaged_at(e) > 0);
    }
}

#[test]
fn each_frame_dropped() {
    for n in 0..4 {
        let e = after(&[1, 2, 3, 4], |bytes, cuts| drop(bytes.drain(cuts[n]..cuts[n + 1])));
        let name = if n == 3 { "RolledBack" } else { "Damaged" };
        assert_eq!(e.name(), name, "{n}: {e}");
    }
}

#[test]
fn each_frame_doubled() {
    for n in 0..3 {
        let e = after(&[1, 2, 3, 4], |bytes, cuts| {
            let copy = bytes[cuts[n]..cuts[n + 1]].to_vec();
            bytes.splice(cuts[n + 1]..cuts[n + 1], copy);
        });
        damaged_at(e);
    }
}

#[test]
fn a_frame_doubled_at_the_end_is_set_aside() {
    let (disk, head, cuts) = vault_with(&[1, 2]);
    let mut bytes = disk.bytes(path()).unwrap();
    let copy = bytes[cuts[1]..cuts[2]].to_vec();
    bytes.extend(&copy);
    disk.put(path(), &bytes);
    let (_, opened, seen) = open(&disk, at_least(head)).unwrap();
    assert_eq!(seen, [1, 2]);
    assert_eq!(disk.bytes(&opened.set_aside.unwrap()).unwrap(), copy);
}

#[test]
fn cut_anywhere() {
    let (disk, head, cuts) = vault_with(&[1, 2, 3]);
    let good = disk.bytes(path()).unwrap();
    for len in 0..good.len() {
        disk.put(path(), &good[..len]);
        let e = fails(&disk, at_least(head));
        let name = match len {
            0..7 => "BadMagic",
            _ if len < cuts[0] => "Bounds",
            _ => "RolledBack",
        };
        assert_eq!(e.name(), name, "{len}: {e}");
    }
}

#[test]
fn an_older_copy_put_back() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    log.sync().unwrap();
    let old = disk.bytes(path()).unwrap();
    add(&mut log, 2);
    let head = log.close().unwrap();
    disk.put(path(), &old);
    let e = fails(&disk, at_least(head));
    let Error::RolledBack { found, expected, .. } = e else { panic!("{e}") };
    assert_eq!((found.frames, expected.frames), (1, 2));
}

#[test]
fn frames_replayed_from_an_older_generation() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    log.sync().unwrap();
    let start = log.header_end.bytes as usize;
    let old = disk.bytes(path()).unwrap();
    let slots = log.header().slots.clone();
    let next = crate::Next { root: None, created: 0, slots };
    let live = [crate::Live { meta: put(2, 1), value: crate::Source::New(b"sk-test-2") }];
    log.rewrite(next, live, &mut |_| Ok(())).unwrap();
    let head = log.close().unwrap();
    let mut bytes = disk.bytes(path()).unwrap();
    bytes.truncate(start);
    bytes.extend(&old[start..]);
    disk.put(path(), &bytes);
    assert_eq!(damaged_at(fails(&disk, at_least(head))), start as u64);
}

#[test]
fn a_frame_or_a_whole_file_from_another_vault() {
    let (disk, head, cuts) = vault_with(&[1, 2]);
    let other = Path::new("/other.svault");
    let mut log = new_vault(&disk, other, 2, 6);
    add(&mut log, 1);
    add(&mut log, 2);
    log.sync().unwrap();
    let (good, foreign) = (disk.bytes(path()).unwrap(), disk.bytes(other).unwrap());
    let mut bytes = good.clone();
    bytes[cuts[1]..cuts[2]].copy_from_slice(&foreign[cuts[1]..cuts[2]]);
    disk.put(path(), &bytes);
    assert_eq!(damaged_at(fails(&disk, at_least(head))), cuts[1] as u64);
    disk.put(path(), &foreign);
    assert_eq!(fails(&disk, at_least(head)).name(), "WrongKey");
    // Even by someone who has the other vault's key: a head is of one file.
    let Err(e) = open_at(&disk, other, 6, at_least(head)) else { panic!("it opened") };
    assert_eq!(e.name(), "Beside");
}

#[test]
fn two_histories_of_one_file() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    log.sync().unwrap();
    let fork = disk.killed();
    add(&mut log, 2);
    let head = log.close().unwrap();
    let (mut other, ..) = open(&fork, HeadRule::Accept).unwrap();
    add(&mut other, 3);
    add(&mut other, 4);
    other.sync().unwrap();
    disk.put(path(), &fork.bytes(path()).unwrap());
    assert_eq!(fails(&disk, at_least(head)).name(), "Beside");
    // Also where the head was not known while reading.
    let opening = Log::begin(arc(&disk), path(), unlock(5)).unwrap();
    let Err(e) = opening.finish(at_least(head)) else { panic!("it opened") };
    assert_eq!(e.name(), "Beside");
}

#[test]
fn junk_at_the_end_is_set_aside_and_at_most_four_times() {
    let (disk, head, cuts) = vault_with(&[1]);
    for n in 1..=6_u8 {
        let mut bytes = disk.bytes(path()).unwrap();
        assert_eq!(bytes.len(), cuts[1]);
        bytes.extend(vec![n; 300]);
        disk.put(path(), &bytes);
        let (_, opened, seen) = open(&disk, at_least(head)).unwrap();
        assert_eq!((seen, opened.rolled_forward), (vec![1], 0));
        assert_eq!(disk.bytes(&opened.set_aside.unwrap()).unwrap(), vec![n; 300]);
    }
    let kept: Vec<u8> = crate::aside_paths(path()).iter().map(|p| disk.bytes(p).unwrap()[0]).collect();
    assert_eq!(kept, [3, 4, 5, 6]);
    assert_eq!(disk.list(Path::new("/")).unwrap().len(), 5);
}

#[test]
fn of_a_long_tail_the_beginning_is_set_aside_and_nothing_where_there_is_no_room() {
    let (disk, head, _) = vault_with(&[1]);
    let good = disk.bytes(path()).unwrap();
    let long = |first: u8| [&good[..], &[first], &vec![7; 100_000]].concat();
    disk.put(path(), &long(1));
    let (_, opened, _) = open(&disk, at_least(head)).unwrap();
    let kept = disk.bytes(&opened.set_aside.unwrap()).unwrap();
    assert_eq!(kept, long(1)[good.len()..][..4096]);
    let files = disk.list(Path::new("/")).unwrap();
    for n in 2..8 {
        disk.put(path(), &long(n));
        disk.set_capacity(Some(disk.used() + 2000));
        assert_eq!(fails(&disk, at_least(head)).name(), "Full");
        assert_eq!(disk.list(Path::new("/")).unwrap(), files, "what was kept before stays");
    }
    disk.set_capacity(None);
    let (_, opened, _) = open(&disk, at_least(head)).unwrap();
    assert_eq!(disk.bytes(&opened.set_aside.unwrap()).unwrap()[0], 7);
}

#[test]
fn junk_never_makes_it_allocate_or_hang() {
    let (disk, head, cuts) = vault_with(&[1]);
    let good = disk.bytes(path()).unwrap();
    let mut dice = Dice(1);
    for front in [[0xff; 16], [0; 16], [64, 0, 0, 0, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0, 1, 0, 0, 0]] {
        let mut junk = vec![0; 2000];
        dice.fill(&mut junk).unwrap();
        junk[..16].copy_from_slice(&front);
        disk.put(path(), &[&good[..cuts[1]], &junk].concat());
        let (.., seen) = open(&disk, at_least(head)).unwrap();
        assert_eq!(seen, [1]);
    }
}

#[test]
fn a_closed_file_is_all_or_nothing() {
    let (disk, head, cuts) = vault_with(&[1, 2]);
    let end = End { file_id: FileId([1; 16]), bytes: head.bytes, chain: head.chain };
    let whole = |end| HeadRule::Whole(Some(end));
    let (mut log, _, seen) = open(&disk, whole(end)).unwrap();
    assert_eq!(seen, [1, 2]);
    assert_eq!(log.append(&[New { meta: put(3, 1), value: None }]).unwrap_err().name(), "Io");
    assert_eq!(fails(&disk, whole(End { file_id: FileId([2; 16]), ..end })).name(), "Beside");
    assert_eq!(fails(&disk, whole(End { chain: [0; 32], ..end })).name(), "Beside");
    let good = disk.bytes(path()).unwrap();
    disk.put(path(), &good[..cuts[1]]);
    assert_eq!(fails(&disk, whole(end)).name(), "RolledBack");
    assert!(open(&disk, HeadRule::Whole(None)).is_ok());
    disk.put(path(), &[&good[..], b"x"].concat());
    assert_eq!(fails(&disk, whole(end)).name(), "Damaged");
    assert_eq!(fails(&disk, HeadRule::Whole(None)).name(), "Damaged");
    // Also a value's bytes.
    let mut bytes = good.clone();
    bytes[cuts[0] + 150] ^= 1;
    disk.put(path(), &bytes);
    assert_eq!(fails(&disk, whole(end)).name(), "Damaged");
}

#[test]
fn cut_or_lengthened_while_it_is_open() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let other = disk.open(path(), crate::Open::Write).unwrap();
    let len = other.len().unwrap();
    other.write_at(&[7; 3000], len).unwrap();
    add(&mut log, 2);
    let end = log.end().bytes();
    assert_eq!(other.len().unwrap(), end);
    let head = log.sync().unwrap();
    assert_eq!(open(&disk, at_least(head)).unwrap().2, [1, 2]);
    other.set_len(end - 1).unwrap();
    let new = New { meta: put(3, 1), value: None };
    assert_eq!(damaged_at(log.append(&[new]).unwrap_err()), end - 1);
    assert_eq!(log.end().bytes(), end);
}

#[test]
fn written_over_while_it_is_open() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let header = log.end().bytes();
    let new = || New { meta: put(3, 1), value: None };
    let over = |at: u64| {
        let file = disk.open(path(), crate::Open::Write).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_at(&[byte[0] ^ 1], at).unwrap();
    };
    // The header's MAC, or the last frame's chain: the ends of what is there.
    over(header - 32);
    assert_eq!(damaged_at(log.append(&[new()]).unwrap_err()), header - 32);
    over(header - 32);
    add(&mut log, 1);
    let end = log.end().bytes();
    over(end - 1);
    assert_eq!(damaged_at(log.append(&[new()]).unwrap_err()), end - 32);
    assert_eq!(log.end().bytes(), end);
    over(end - 1);
    log.append(&[new()]).unwrap();
}

#[test]
fn a_closed_file_that_was_cut_says_where_it_ended() {
    let (disk, head, cuts) = vault_with(&[1, 2]);
    let end = End { file_id: FileId([1; 16]), bytes: head.bytes, chain: head.chain };
    disk.put(path(), &disk.bytes(path()).unwrap()[..cuts[1]]);
    match fails(&disk, HeadRule::Whole(Some(end))) {
        Error::RolledBack { found, expected, .. } => {
            assert_eq!((found.bytes, expected.bytes), (cuts[1] as u64, head.bytes));
        }
        other => panic!("{other}"),
    }
}

#[cfg(unix)]
#[test]
fn a_folder_in_the_way_of_a_stray_file_is_told_as_what_could_not_be_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (at, (sim, head, _)) = (dir.path().join("v.svault"), vault_with(&[1]));
    std::fs::write(&at, [sim.bytes(path()).unwrap(), vec![7; 10]].concat()).unwrap();
    for name in ["v.svault.new", "v.svault.aside-new"] {
        let stray = dir.path().join(name);
        std::fs::create_dir(&stray).unwrap();
        match Log::open(Arc::new(crate::RealDisk), &at, unlock(5), at_least(head), |_| Ok(())) {
            Err(Error::Io { at, doing, .. }) => assert_eq!((at.0, doing), (stray.clone(), "remove")),
            other => panic!("{name}: {:?}", other.map(|(_, opened)| opened)),
        }
        std::fs::remove_dir(&stray).unwrap();
    }
    assert!(std::fs::read(&at).unwrap().ends_with(&[7; 10]), "what could not be kept is not cut off");
}
