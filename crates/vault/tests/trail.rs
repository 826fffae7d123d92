//! The trail over several segments: reading it from the newest entry back, counters that go on, segments that fill up.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use audit::{DENIAL_BYTES, Durable, Event, Filter, Reader, SEGMENT_BYTES};
use common::{House, How, at, dir, entry};
use daemon::state::segments::Lent;
use seal::Disk;
use seal::sim::SimDisk;
use svault_vault::{Rollback, Store};
use words::{Door, Id};

fn reader(house: &mut House) -> Reader {
    house.trail.reader(&mut Lent(&mut house.store)).unwrap()
}

fn seqs(reader: &Reader, filter: &Filter) -> Vec<u64> {
    reader.query(filter).unwrap().iter().map(|e| e.seq).collect()
}

/// Nine entries in three segments.
fn three_segments() -> House {
    let mut house = House::new(&SimDisk::new());
    for n in 1..=9 {
        house.release(n);
        if n % 3 == 0 && n < 9 {
            house.begin(format!("counters {n}").as_bytes(), None);
        }
    }
    house
}

#[test]
fn queries_read_backwards_over_segments() {
    let mut house = three_segments();
    let reader = reader(&mut house);
    let all = Filter::default();
    assert_eq!(seqs(&reader, &all), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(seqs(&reader, &Filter { last: Some(4), ..all.clone() }), [9, 8, 7, 6]);
    assert_eq!(seqs(&reader, &Filter { last: Some(0), ..all.clone() }), [0_u64; 0]);
    let named = Filter { secret: Some("S2".into()), ..all.clone() };
    assert_eq!(seqs(&reader, &named), [9, 2]);
    let qualified = Filter { secret: Some("main/S2".into()), last: Some(1), ..all.clone() };
    assert_eq!(seqs(&reader, &qualified), [9]);
    let between = Filter { since: Some(at(4)), until: Some(at(6)), ..all.clone() };
    assert_eq!(seqs(&reader, &between), [5, 4]);
    assert_eq!(seqs(&reader, &Filter { events: vec![Event::Deny], ..all.clone() }), [0_u64; 0]);
    assert_eq!(seqs(&reader, &Filter { caller: Some("cursor".into()), ..all.clone() }), [0_u64; 0]);
    assert_eq!(seqs(&reader, &Filter { door: Some(Door::Cli), ..all }), [0_u64; 0]);
    let of_five = reader.show(Id::from_bits(5)).unwrap();
    assert_eq!(of_five.iter().map(|e| e.seq).collect::<Vec<_>>(), [5]);
    assert!(reader.show(Id::from_bits(55)).unwrap().is_empty());
    let verified = reader.verify().unwrap();
    assert_eq!((verified.entries, verified.segments, verified.lost.len()), (9, 3, 0));
}

/// A reader sees what was there when it was made, on any thread, while the trail goes on and changes segments.
#[test]
fn a_reader_stays_as_it_was() {
    let mut house = three_segments();
    let reader = reader(&mut house);
    for n in 10..=12 {
        house.release(n);
    }
    house.begin(b"counters", None);
    house.release(13);
    let read =
        std::thread::spawn(move || (seqs(&reader, &Filter::default()), reader.verify().unwrap().entries));
    assert_eq!(read.join().unwrap(), ((1..=9).rev().collect(), 9));
}

#[test]
fn unlock_gets_the_snapshot_and_what_came_after_it() {
    let house = three_segments();
    let (disk, opener, _) = house.lock(100);
    let opened = House::open(&disk, opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap();
    assert_eq!(opened.restored.snapshot.as_deref(), Some(b"counters 6".as_slice()));
    assert_eq!(opened.restored.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!((opened.restored.total, opened.restored.must_begin), (9, false));
}

/// The open segment is gone: counters go on from the one before, not from zero.
#[test]
fn counters_survive_the_loss_of_the_open_segment() {
    let house = three_segments();
    let (disk, opener, _) = house.lock(100);
    disk.remove(&dir().join("trail/000003.svault")).unwrap();
    let opened = House::open(&disk, opener, &How::AcceptAll).map_err(|(e, _)| e.name()).unwrap();
    assert_eq!(opened.restored.snapshot.as_deref(), Some(b"counters 3".as_slice()));
    assert_eq!(opened.restored.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [4, 5, 6]);
    let mut house = opened.house;
    let verified = reader(&mut house).verify().unwrap();
    assert_eq!((verified.entries, verified.segments, verified.lost.len()), (7, 3, 1));
    // It is found again: it may be read, and counts for nothing.
    let (disk, opener, _) = house.lock(200);
    let house = House::open(&disk, opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap().house;
    assert_eq!(house.trail.total(), 7);
}

/// The open segment is cut: what is left of it is read and counted, nothing is written to it any more, and that it was
/// cut is told for as long as it is.
#[test]
fn a_segment_that_was_cut_is_never_taken_for_a_whole_one() {
    let mut house = three_segments();
    let path = dir().join("trail/000003.svault");
    let early = house.disk.bytes(&path).unwrap();
    house.release(10);
    let (disk, mut opener, _) = house.lock(100);
    let whole = disk.bytes(&path).unwrap();
    for rest in [&whole[..early.len()], &whole[..early.len() - 1], &whole[..early.len() + 5]] {
        let disk = disk.killed();
        disk.put(&path, rest);
        let (refused, back) = House::open(&disk, opener, &How::Refuse).map(|_| ()).unwrap_err();
        assert_eq!(refused.files(), [("trail/000003.svault".to_owned(), "older")]);
        let opened = House::open(&disk, back, &How::AcceptAll).map_err(|(e, _)| e.name()).unwrap();
        assert!(opened.restored.given_up && opened.restored.set_aside.is_none());
        assert_eq!(opened.restored.snapshot.as_deref(), Some(b"counters 6".as_slice()));
        let left = opened.restored.total;
        assert!((8..=9).contains(&left), "{left}");
        assert_eq!(disk.bytes(&path).unwrap(), rest, "evidence stays as it is");
        let mut house = opened.house;
        assert_eq!(reader(&mut house).verify().unwrap().lost, ["trail/000003.svault"]);
        let read = seqs(&reader(&mut house), &Filter::default());
        assert_eq!(read, (1..=left + 1).rev().collect::<Vec<_>>(), "with the record of the acceptance");
        let (disk, back, _) = house.lock(200);
        let opened = House::open(&disk, back, &How::Refuse).map_err(|(e, _)| e.name()).unwrap();
        let mut house = opened.house;
        assert_eq!(reader(&mut house).verify().unwrap().lost, ["trail/000003.svault"]);
        // Found again, it is whole.
        house.disk.put(&path, &whole);
        assert!(reader(&mut house).verify().unwrap().lost.is_empty());
        opener = house.lock(300).1;
    }
}

/// Nothing is left of it but its header, or a part of that: counters go on from the segment before.
#[test]
fn a_segment_that_was_cut_to_its_header_has_no_counters() {
    let (disk, mut opener, _) = three_segments().lock(100);
    let path = dir().join("trail/000003.svault");
    let whole = disk.bytes(&path).unwrap();
    let mut without = 0;
    // An entry takes more than a kilobyte, header and snapshot together less than that.
    for len in (0..1_000).step_by(50) {
        let disk = disk.killed();
        disk.put(&path, &whole[..len]);
        let opened = House::open(&disk, opener, &How::AcceptAll).map_err(|(e, _)| e.name()).unwrap();
        let of_this = opened.restored.snapshot.as_deref() == Some(b"counters 6".as_slice());
        assert!(of_this || opened.restored.snapshot.as_deref() == Some(b"counters 3".as_slice()), "{len}");
        assert_eq!(opened.restored.total, 6, "{len}");
        without += usize::from(!of_this);
        opener = opened.house.opener;
    }
    assert!((3..20).contains(&without), "{without}");
}

/// Before a new segment is begun, what is there can be read already, even when the open one is gone.
#[test]
fn a_lost_segment_does_not_keep_the_rest_from_being_read() {
    let house = three_segments();
    let (disk, opener, _) = house.lock(100);
    disk.remove(&dir().join("trail/000003.svault")).unwrap();
    let keys = opener.keys(1);
    let arc: std::sync::Arc<dyn Disk> = std::sync::Arc::new(disk);
    let open = |how: &Rollback| Store::open(arc.clone(), &dir(), &opener.id(), &keys, how, at(1)).unwrap();
    let seen = open(&Rollback::Refuse).1.seen;
    let (mut store, _) = open(&Rollback::AcceptAll(seen));
    let (_, seen) = audit::Trail::survey(&arc, &dir(), &Lent(&mut store)).unwrap();
    let start = audit::Start::AcceptRollback(seen);
    let (mut trail, restored) = audit::Trail::open(arc, &dir(), &Lent(&mut store), start).unwrap();
    assert!(restored.must_begin && !trail.is_ok());
    let refused = trail.append(entry(1, Event::Allow), &Lent(&mut store), Durable::Now);
    assert_eq!(refused.unwrap_err().name(), "NotBegun");
    let reader = trail.reader(&mut Lent(&mut store)).unwrap();
    assert_eq!(seqs(&reader, &Filter { last: Some(2), ..Filter::default() }), [6, 5]);
}

#[test]
fn a_snapshot_may_be_long() {
    let mut house = House::new(&SimDisk::new());
    let snapshot: Vec<u8> = (0..1_500_000_u32).map(|n| n as u8).collect();
    house.begin(&snapshot, Some(entry(1, Event::Act)));
    house.release(2);
    let (disk, opener, _) = house.lock(100);
    let opened = House::open(&disk, opener, &How::Refuse).map_err(|(e, _)| e.name()).unwrap();
    assert_eq!(opened.restored.snapshot, Some(snapshot));
    assert_eq!(opened.restored.entries.len(), 2);
}

/// A segment is full at 4 MiB; one that can't be closed takes entries up to twice that, and then none.
#[test]
fn a_segment_fills_up() {
    let mut house = House::new(&SimDisk::new());
    let mut n = 0;
    let mut append = |house: &mut House| {
        n += 1;
        house.trail.append(entry(n, Event::Deny), &Lent(&mut house.store), Durable::Later).map(|_| ())
    };
    while !house.trail.is_full() {
        append(&mut house).unwrap();
    }
    let entries = house.trail.total();
    assert!((3_300..3_800).contains(&entries), "{entries}");
    while let Ok(()) = append(&mut house) {}
    assert_eq!(append(&mut house).unwrap_err().name(), "Overfull");
    assert!(house.trail.total() < 2 * 3_800);
    house.begin(b"counters", None);
    append(&mut house).unwrap();
    let verified = reader(&mut house).verify().unwrap();
    assert_eq!(verified.entries, house.trail.total());
    let len = house.disk.stat(&dir().join("trail/000001.svault")).unwrap().unwrap().len;
    assert!(len >= 2 * SEGMENT_BYTES);
}

/// What a caller can see from outside, the length of the file, doesn't tell one denial from another.
#[test]
fn every_denial_makes_the_trail_longer_by_the_same() {
    let mut house = House::new(&SimDisk::new());
    let path = dir().join("trail/000001.svault");
    let len = |house: &House| house.disk.stat(&path).unwrap().unwrap().len;
    let mut steps = Vec::new();
    for n in 0..20_u64 {
        let before = len(&house);
        let mut denial = entry(n, Event::Deny);
        denial.cause = ["unknown_name", "rate", "sealed", "expired"][n as usize % 4].into();
        denial.reason = "x".repeat(n as usize * 25);
        denial.argv = vec!["/usr/bin/psql".into(); n as usize * 3];
        let _ = house.trail.append(denial, &Lent(&mut house.store), Durable::Later).unwrap();
        steps.push(len(&house) - before);
    }
    assert!(steps.iter().all(|step| *step == steps[0] && *step > DENIAL_BYTES as u64), "{steps:?}");
}

/// A release costs one append and one sync, however long the trail and however many secrets.
#[test]
fn a_release_is_one_write_one_sync_and_the_heads() {
    let mut house = three_segments();
    for n in 0..200 {
        house.add(&format!("N{n}"), "sk-test-x");
    }
    let before = house.disk.ops();
    house.release(100);
    // Entry, fdatasync, heads: nothing else touches the disk.
    assert_eq!(house.disk.ops() - before, 3);
}
