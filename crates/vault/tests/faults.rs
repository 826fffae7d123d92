//! A disk of which one operation fails, or two, or that turns read-only: whatever was being done, what was acknowledged before and after it is there when
//! the store is opened again, twice, and nothing is taken for tampering.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use audit::Event;
use common::{House, How, Opener, at, bytes, entry, new};
use daemon::state::segments::Lent;
use seal::sim::SimDisk;
use svault_vault::SealRecord;
use words::Id;

/// What a human or a caller was told is done.
#[derive(Default)]
struct Told {
    secrets: Vec<&'static str>,
    policy: Option<&'static str>,
    entries: u64,
}

impl Told {
    fn release(&mut self, house: &mut House, n: u64) {
        if house.records(n) {
            self.entries = house.trail.total();
        }
    }

    fn add(&mut self, house: &mut House, vault: &str, name: &'static str) {
        let made = house.store.add(new(vault, name), &bytes("sk-test-added"), at(3));
        if made.is_ok() {
            self.secrets.push(name);
        }
    }

    fn policy(&mut self, house: &mut House, toml: &'static str) {
        if house.store.set_policy(toml, at(3)).is_ok() {
            self.policy = Some(toml);
        }
    }

    /// That all of it is there.
    fn check(&self, house: &House, place: &str) {
        assert_eq!(house.value("DB_URL"), "sk-test-one", "{place}");
        for name in &self.secrets {
            assert_eq!(house.value(name), "sk-test-added", "{place}: {name}");
        }
        if let Some(toml) = self.policy {
            assert_eq!(house.store.policy().unwrap().toml, toml, "{place}");
        }
        assert!(house.trail.total() >= self.entries, "{place}: {} entries", house.trail.total());
    }
}

fn house() -> House {
    let mut house = House::new(&SimDisk::new());
    house.add("DB_URL", "sk-test-one");
    house.release(1);
    house
}

fn same(opener: &Opener) -> Opener {
    Opener { spec: opener.spec.clone(), output: opener.output, file_id: opener.file_id }
}

fn open(disk: &SimDisk, opener: &Opener, newest: u64, place: &str) -> House {
    let mut shut = Vec::new();
    for epoch in (1..=newest).rev() {
        match House::open_in(disk, same(opener), &How::Refuse, epoch) {
            Ok(opened) => return opened.house,
            Err((e, _)) => shut.push(format!("{e:?}")),
        }
    }
    panic!("{place}: {shut:#?}");
}

/// Does `act` with each of its operations failing, then again, without a fault and with each of its first ones failing,
/// then what everybody does; and opens what is left, as it is after a kill and after a power cut.
fn at_every_fault(act: impl Fn(&mut House, &mut Told)) {
    at_every_fault_of(house, 25, act);
}

fn at_every_fault_of(made: impl Fn() -> House, seconds: u64, act: impl Fn(&mut House, &mut Told)) {
    for first in 0.. {
        let mut all_done = false;
        for second in (0..seconds).chain([u64::MAX]) {
            let (mut house, mut told) = (made(), Told::default());
            house.disk.fail_op(first);
            act(&mut house, &mut told);
            all_done = house.disk.is_to_fail();
            house.disk.fail_op(second);
            told.release(&mut house, 2);
            act(&mut house, &mut told);
            house.disk.fail_op(u64::MAX);
            told.release(&mut house, 3);
            told.add(&mut house, "main", "AFTER");
            let _ = house.store.tick(1_000_000, at(4));
            opens(&house, &told, &format!("operations {first} and {second}"));
        }
        if all_done {
            assert!(first > 1, "it does nothing");
            return;
        }
    }
}

/// However it ends, it opens again and again, with all that was told.
fn opens(house: &House, told: &Told, faults: &str) {
    let newest = house.store.epoch() + 1;
    for (end, mut disk) in
        [house.disk.killed(), house.disk.crash(0), house.disk.crash(1)].into_iter().enumerate()
    {
        for time in 1..=2 {
            let place = format!("{faults}, end {end}, opened for the {time}. time");
            let mut again = open(&disk, &house.opener, newest, &place);
            told.check(&again, &place);
            again.release(9);
            let added = again.store.add(new("main", &format!("TIME_{time}")), &bytes("x"), at(5));
            assert!(added.is_ok(), "{place}: {added:?}");
            disk = again.disk.killed();
        }
    }
}

#[test]
fn a_secret_and_its_policy() {
    at_every_fault(|house, told| {
        let name = if told.secrets.is_empty() { "FIRST" } else { "SECOND" };
        told.add(house, "main", name);
        told.policy(house, "# other\n");
    });
}

#[test]
fn a_vault() {
    at_every_fault(|house, told| {
        if house.store.vault_create(&"work".parse().unwrap(), at(3)).is_ok()
            || house.store.vaults().len() == 2
        {
            let name = if told.secrets.is_empty() { "IN_WORK" } else { "IN_WORK_TOO" };
            told.add(house, "work", name);
        }
    });
}

#[test]
fn a_new_segment() {
    at_every_fault(|house, told| {
        let first = Some(entry(7, Event::Act));
        if house.trail.new_segment(&mut Lent(&mut house.store), b"counters", first, at(3)).is_ok() {
            told.entries = house.trail.total();
        }
        told.release(house, 8);
    });
}

#[test]
fn a_change_of_slots() {
    at_every_fault(|house, told| {
        let slot = house.opener.slot(house.store.epoch() + 1);
        let _ = house.store.change_slots(&[slot], at(3));
        // Done or not: what proves presence are the keys of the slots that are there.
        let (now, id) = (house.opener.keys(house.store.epoch()), house.opener.id());
        let proves = house.store.presence_key(&id).unwrap();
        assert_eq!(proves.expose(), now.presence.expose());
        told.add(house, "main", "DURING");
    });
}

#[test]
fn a_seal_a_checkpoint_and_a_tick() {
    let seal = SealRecord { id: Id::from_bits(4), session: "unknown".into(), secret: None, since: at(4) };
    at_every_fault(move |house, told| {
        let _ = house.store.put_seal(&seal);
        told.release(house, 5);
        let _ = house.store.checkpoint();
        let _ = house.store.tick(1, at(4));
        told.release(house, 6);
    });
}

#[test]
fn files_that_are_mostly_garbage() {
    let made = || {
        let mut house = house();
        let big = "x".repeat(64 << 10);
        let secret = house.add("BIG", &big);
        for _ in 0..18 {
            house.store.replace(&secret.key, &bytes(&big), at(2)).unwrap();
        }
        house
    };
    at_every_fault_of(made, 0, |house, told| {
        let boot_ms = if told.secrets.is_empty() { 2_000_000 } else { 9_000_000 };
        let _ = house.store.tick(boot_ms, at(3));
        told.add(house, "main", if told.secrets.is_empty() { "FIRST" } else { "SECOND" });
    });
}

#[test]
fn a_disk_that_turns_read_only() {
    for place in 0.. {
        let (mut house, mut told) = (house(), Told::default());
        house.disk.only_read_after(place);
        told.release(&mut house, 2);
        told.add(&mut house, "main", "FIRST");
        told.policy(&mut house, "# other\n");
        let refused = house.disk.has_refused();
        if refused {
            // Nothing more is acknowledged, by files that were open for writing before.
            let (secrets, entries) = (told.secrets.len(), told.entries);
            told.release(&mut house, 3);
            told.add(&mut house, "main", "AFTER");
            assert_eq!((told.secrets.len(), told.entries), (secrets, entries), "operation {place}");
        }
        opens(&house, &told, &format!("read-only after {place} operations"));
        if !refused {
            assert!(place > 1 && told.policy.is_some(), "it does nothing");
            return;
        }
    }
}
