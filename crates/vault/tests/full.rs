//! A disk that fills up: what was begun is done or undone, nothing acknowledged is lost, releases go on being recorded as
//! long as the reserve lasts, and nothing is released that could not be.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use audit::{Durable, Event};
use common::{House, How, Opener, at, bytes, entry, new};
use daemon::state::segments::Lent;
use seal::sim::SimDisk;
use svault_vault::{Found, SealRecord};
use words::Id;

fn house() -> House {
    let mut house = House::new(&SimDisk::new());
    house.add("DB_URL", "sk-test-one");
    house.release(1);
    house
}

fn open(disk: &SimDisk, opener: Opener, epochs: &[u64]) -> House {
    let mut opener = Some(opener);
    for epoch in epochs {
        match House::open_in(disk, opener.take().unwrap(), &How::Refuse, *epoch) {
            Ok(opened) => {
                assert!(opened.report.files.is_empty(), "{:?}", opened.report.files);
                return opened.house;
            }
            Err((e, back)) if e.name() == "store:WrongKey" => opener = Some(back),
            Err((e, _)) => panic!("{e:?}"),
        }
    }
    panic!("no epoch of {epochs:?} opens it")
}

fn same(opener: &Opener) -> Opener {
    Opener { spec: opener.spec.clone(), output: opener.output, file_id: opener.file_id }
}

/// Does `act` with every amount of room from none to enough, then `then` with room again; at the end, and at every cut
/// of `then`, everything is there.
fn at_every_room(act: impl Fn(&mut House) -> bool, then: impl Fn(&mut House)) {
    let mut step = 0;
    loop {
        let mut house = house();
        let disk = house.disk.clone();
        disk.set_capacity(Some(disk.used() + step * 111));
        let done = act(&mut house);
        disk.set_capacity(None);
        assert_eq!(house.value("DB_URL"), "sk-test-one");
        disk.record();
        house.release(2);
        then(&mut house);
        house.add("AFTER", "sk-test-after");
        let epochs: Vec<u64> = (1..=house.store.epoch()).rev().collect();
        for (n, cut) in disk.cuts().iter().enumerate() {
            let crashed = if n % 3 == 0 { cut.killed() } else { cut.crash(n as u64) };
            let mut again = open(&crashed, same(&house.opener), &epochs);
            assert_eq!(again.value("DB_URL"), "sk-test-one", "room {step}, cut {n}");
            again.release(3);
            // What was tidied up meanwhile is not missing either.
            let again = open(&again.disk.killed(), again.opener, &epochs);
            assert_eq!(again.value("DB_URL"), "sk-test-one", "room {step}, cut {n}");
        }
        if done {
            return;
        }
        step += 1;
        assert!(step < 400, "it never succeeds");
    }
}

#[test]
fn a_new_segment_at_every_room() {
    let begin = |house: &mut House| {
        let first = Some(entry(7, Event::Act));
        house.trail.new_segment(&mut Lent(&mut house.store), b"counters", first, at(3)).is_ok()
    };
    at_every_room(begin, |house| {
        // A file of the next segment may lie there: also after the keys were changed.
        let epoch = house.store.epoch() + 1;
        let slot = house.opener.slot(epoch);
        house.store.change_slots(&[slot], at(4)).unwrap();
        assert!(begin(house));
    });
}

#[test]
fn a_change_of_slots_at_every_room() {
    let change = |house: &mut House| {
        let slot = house.opener.slot(house.store.epoch() + 1);
        house.store.change_slots(&[slot], at(3)).is_ok_and(|change| change.not_rotated.is_empty())
    };
    at_every_room(change, |house| assert!(change(house)));
}

#[test]
fn a_vault_and_a_secret_at_every_room() {
    let make = |house: &mut House| {
        let made = house.store.vault_create(&"work".parse().unwrap(), at(3));
        made.is_ok() && house.store.add(new("work", "X"), &bytes("sk-test-x"), at(3)).is_ok()
    };
    at_every_room(make, |house| {
        if house.store.vaults().len() == 1 {
            house.store.vault_create(&"work".parse().unwrap(), at(4)).unwrap();
        }
    });
}

#[test]
fn a_seal_at_every_room() {
    let seal = SealRecord { id: Id::from_bits(4), session: "unknown".into(), secret: None, since: at(4) };
    let put = |house: &mut House| house.store.put_seal(&seal).is_ok();
    at_every_room(put, |house| house.store.checkpoint().unwrap());
}

/// Denials fill the disk to the last byte: they are no longer recorded, but counted; a release still is, from the
/// reserve; when that is gone too, nothing can be released.
#[test]
fn releases_outlast_denials() {
    let mut house = house();
    house.disk.set_capacity(Some(house.disk.used() + 20_000));
    let mut denied = 0;
    loop {
        let denial = house.trail.append(entry(denied, Event::Deny), &Lent(&mut house.store), Durable::Later);
        match denial {
            Ok(_) => denied += 1,
            Err(e) => {
                assert_eq!(e.name(), "Full");
                break;
            }
        }
    }
    assert!(denied > 10 && house.trail.is_ok());
    assert_eq!(house.trail.unrecorded(), 1);
    for n in 0..100 {
        house.release(1000 + n);
    }
    assert!(house.trail.is_ok());
    // What the reserve gave back is not for denials.
    for n in 0..100 {
        let denial = house.trail.append(entry(n, Event::Deny), &Lent(&mut house.store), Durable::Later);
        assert_eq!(denial.unwrap_err().name(), "Full");
    }
    let mut released = 100;
    let refused = loop {
        match house.trail.append(entry(released, Event::Allow), &Lent(&mut house.store), Durable::Now) {
            Ok(_) => released += 1,
            Err(e) => break e,
        }
        assert!(released < 1000, "the disk is never full");
    };
    assert_eq!(refused.name(), "Full");
    house.trail.commit(&mut Lent(&mut house.store)).unwrap();
    // With room again it works on, and the reserve is filled again.
    house.disk.set_capacity(None);
    house.trail.refill_reserve();
    house.release(5);
    let denial = house.trail.append(entry(6, Event::Deny), &Lent(&mut house.store), Durable::Later);
    assert!(denial.is_ok());
    let before = house.trail.total();
    let again = open(&house.disk.killed(), house.opener, &[1]);
    assert_eq!(again.trail.total(), before);
}

/// A request for several secrets has a record for each: with any room that is left, all of them or none.
#[test]
fn entries_that_belong_together_are_all_there_or_none() {
    for room in (0..4_000).step_by(97) {
        let mut house = house();
        let before = house.trail.total();
        // The reserve would make room.
        while house.trail.append(entry(1, Event::Allow), &Lent(&mut house.store), Durable::Now).is_ok() {
            let used = house.disk.used();
            house.disk.set_capacity(Some(used));
            assert!(house.trail.total() < before + 2_000, "the disk is never full");
        }
        house.trail.commit(&mut Lent(&mut house.store)).unwrap();
        let before = house.trail.total();
        house.disk.set_capacity(Some(house.disk.used() + room));
        let three = vec![entry(2, Event::Allow), entry(3, Event::Allow), entry(4, Event::Allow)];
        let all = house.trail.append_all(three, &Lent(&mut house.store), Durable::Now);
        let expected = before + if all.is_ok() { 3 } else { 0 };
        assert_eq!(house.trail.total(), expected, "room {room}");
        house.disk.set_capacity(None);
        house.trail.commit(&mut Lent(&mut house.store)).unwrap();
        let again = open(&house.disk.killed(), house.opener, &[1]);
        assert_eq!(again.trail.total(), expected, "room {room}");
        if room > 3_500 {
            assert!(all.is_ok(), "three entries have room in {room} bytes");
        }
    }
}

#[test]
fn a_full_disk_can_be_unlocked_and_read() {
    let house = house();
    let disk = house.disk.killed();
    disk.set_capacity(Some(disk.used()));
    let mut house = open(&disk, house.opener, &[1]);
    assert!(matches!(house.store.find(&"DB_URL".parse().unwrap()), Ok(Found::One(_))));
    assert_eq!(house.value("DB_URL"), "sk-test-one");
    assert_eq!(house.store.add(new("main", "X"), &bytes("x"), at(3)).unwrap_err().name(), "Full");
    house.store.tick(1_000_000, at(3)).unwrap();
    // The unlock is recorded from the reserve.
    house.release(9);
}

/// A failed sync: the trail takes nothing more, whoever asks.
#[test]
fn a_failed_sync_ends_all_recording() {
    let mut house = house();
    let ticket = house.trail.append(entry(2, Event::Allow), &Lent(&mut house.store), Durable::Now).unwrap();
    let job = house.trail.pending_sync().unwrap();
    assert!(house.trail.pending_sync().is_none(), "one at a time");
    house.disk.fail_sync(0);
    let done = std::thread::spawn(move || job.run()).join().unwrap();
    assert!(house.trail.synced(done, &mut Lent(&mut house.store)).is_err());
    assert!(!house.trail.is_durable(&ticket) && !house.trail.is_ok());
    for durable in [Durable::Now, Durable::Later] {
        let refused = house.trail.append(entry(3, Event::Allow), &Lent(&mut house.store), durable);
        assert_eq!(refused.unwrap_err().name(), "Poisoned");
    }
    assert!(house.trail.commit(&mut Lent(&mut house.store)).is_err());
    let begun = house.trail.new_segment(&mut Lent(&mut house.store), b"", None, at(1));
    assert!(begun.is_err());
}

/// The store's own sync fails: nothing is recorded either, as it isn't known what the store will say after a restart.
#[test]
fn a_poisoned_store_stops_the_trail() {
    let mut house = house();
    house.disk.fail_sync(0);
    assert!(house.store.set_policy("# other", at(3)).is_err());
    let refused = house.trail.append(entry(3, Event::Allow), &Lent(&mut house.store), Durable::Now);
    assert_eq!(refused.unwrap_err().name(), "Store");
}

/// An fdatasync that began before an entry was written says nothing about it.
#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let mut house = house();
    let first = house.trail.append(entry(2, Event::Allow), &Lent(&mut house.store), Durable::Now).unwrap();
    let job = house.trail.pending_sync().unwrap();
    let second = house.trail.append(entry(3, Event::Allow), &Lent(&mut house.store), Durable::Now).unwrap();
    house.trail.synced(job.run(), &mut Lent(&mut house.store)).unwrap();
    assert!(house.trail.is_durable(&first) && !house.trail.is_durable(&second));
    let job = house.trail.pending_sync().unwrap();
    // Meanwhile the segment is closed: everything before is durable, and the late sync does no harm.
    house.begin(b"counters", None);
    assert!(house.trail.is_durable(&second));
    house.trail.synced(job.run(), &mut Lent(&mut house.store)).unwrap();
    house.release(4);
    let killed = house.disk.crash(0);
    assert_eq!(open(&killed, house.opener, &[1]).trail.total(), 4);
}
