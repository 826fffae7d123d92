//! Nothing acknowledged is lost: random sequences of everything that a store, its vaults and its trail can do, the power
//! cut (or the process killed) before every single operation on the disk, and opened again.
//!
//! `SVAULT_SEQUENCES` sets how many sequences (default 300), `SVAULT_SEED` where they begin.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use audit::{Durable, Event, Filter, Ticket};
use common::{DIR, House, How, Opener, at, bytes, class, dir, entry, settings};
use daemon::state::segments::Lent;
use seal::sim::SimDisk;
use seal::{Disk, FileId, OsRandom};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use svault_vault as vault;
use vault::{NewSecret, SealRecord, Secret, Store};
use words::{Id, VaultName};

/// A small generator, so that a failing sequence can be repeated by its number.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len() as u64) as usize) }
    }
}

/// What must be found after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    /// vault/name → value, description, whether it is marked (when known).
    secrets: BTreeMap<String, (String, String)>,
    vaults: BTreeSet<String>,
    seals: BTreeSet<u64>,
    policy: String,
    epoch: u64,
}

fn content(house: &House) -> Content {
    let mut secrets = BTreeMap::new();
    for Secret { key, name, class, version, .. } in house.store.list().unwrap() {
        let value = house.store.open_value(&key, version).unwrap();
        let value = String::from_utf8(value.expose().to_vec()).unwrap();
        secrets.insert(format!("{}/{name}", key.vault), (value, class.description));
    }
    let vaults = house.store.vaults();
    assert!(vaults.iter().all(|v| v.shut.is_none()), "{vaults:?}");
    Content {
        secrets,
        vaults: vaults.into_iter().map(|v| v.name.to_string()).collect(),
        seals: house.store.seals().unwrap().iter().map(|s| s.since.as_second() as u64).collect(),
        policy: house.store.policy().unwrap().toml,
        epoch: house.store.epoch(),
    }
}

/// The entries' own numbers, oldest first.
fn entries(house: &mut House) -> Vec<u64> {
    let reader = house.trail.reader(&mut Lent(&mut house.store)).unwrap();
    let read = reader.query(&Filter::default()).unwrap();
    let number = |e: &audit::Entry| e.reason.strip_prefix("reason ").and_then(|n| n.parse().ok()).unwrap();
    read.iter().rev().map(number).collect()
}

/// How things stood when an operation had returned.
#[derive(Clone)]
struct Point {
    ops: u64,
    content: Content,
    written: Vec<u64>,
    durable: usize,
}

/// A store that things are done to.
struct World {
    house: Option<House>,
    now: Content,
    written: Vec<u64>,
    tickets: Vec<(usize, Ticket)>,
    durable: usize,
    points: Vec<Point>,
    n: u64,
    full: bool,
    failed: bool,
}

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn is_full(e: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(e);
    while let Some(e) = next {
        if e.to_string().contains("the disk is full") {
            return true;
        }
        next = e.source();
    }
    false
}

impl World {
    fn new(disk: &SimDisk) -> Self {
        let house = House::new(disk);
        let now = content(&house);
        let mut world = Self {
            house: Some(house),
            now,
            written: Vec::new(),
            tickets: Vec::new(),
            durable: 0,
            points: Vec::new(),
            n: 0,
            full: false,
            failed: false,
        };
        world.point();
        world
    }

    fn house(&mut self) -> &mut House {
        self.house.as_mut().unwrap()
    }

    fn point(&mut self) {
        let durable = self.tickets.iter().filter(|(_, t)| self.house.as_ref().unwrap().trail.is_durable(t));
        self.durable = durable.map(|(at, _)| at + 1).max().unwrap_or(0).max(self.durable);
        let ops = self.house().disk.ops();
        let (content, written, durable) = (self.now.clone(), self.written.clone(), self.durable);
        self.points.push(Point { ops, content, written, durable });
    }

    fn number(&mut self) -> u64 {
        self.n += 1;
        self.n
    }

    fn append(&mut self, durable: Durable) -> Done {
        let n = self.number();
        let house = self.house.as_mut().unwrap();
        let event = if durable == Durable::Later { Event::Deny } else { Event::Allow };
        let ticket = house.trail.append(entry(n, event), &Lent(&mut house.store), durable)?;
        self.tickets.push((self.written.len(), ticket));
        self.written.push(n);
        Ok(())
    }

    fn sync(&mut self) -> Done {
        let house = self.house();
        if let Some(job) = house.trail.pending_sync() {
            house.trail.synced(job.run(), &mut Lent(&mut house.store))?;
        }
        Ok(())
    }

    fn some_secret(&mut self, dice: &mut Dice) -> Option<Secret> {
        dice.pick(&self.house().store.list().unwrap()).cloned()
    }

    /// One operation. What it does to the content is known before it is done.
    fn act(&mut self, dice: &mut Dice) -> (Content, Done) {
        let mut next = self.now.clone();
        let done = match dice.below(26) {
            0..=3 => self.add(dice, &mut next),
            4 | 5 => self.replace(dice, &mut next),
            6 => self.edit(dice, &mut next),
            7 => self.remove(dice, &mut next),
            8 => match self.some_secret(dice) {
                Some(secret) => self.house().store.mark_seen(&secret.key).map_err(Into::into),
                None => Ok(()),
            },
            9..=12 => self.append(Durable::Now).and_then(|()| self.sync()).and_then(|()| {
                let counted = self.house().store.count_release();
                counted.or_else(|e| if is_full(&e) { Ok(()) } else { Err(e.into()) })
            }),
            13 => self.append(Durable::Later),
            14 => self.group(dice),
            15 | 16 => {
                let ms = self.n * 200_000;
                self.house().store.tick(ms, at(9)).map_err(Into::into)
            }
            17 => self.vault_create(dice, &mut next),
            18 => self.seal(dice, &mut next),
            19 => {
                next.policy = format!("# {}\n", self.number());
                self.house().store.set_policy(&next.policy, at(3)).map_err(Into::into)
            }
            20 => self.segment(),
            21 => self.slots(&mut next),
            22 => self.house().store.checkpoint().map_err(Into::into),
            23 | 24 => self.import(dice, &mut next),
            _ => self.garbage(dice, &mut next),
        };
        (next, done)
    }

    fn add(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let vaults: Vec<String> = next.vaults.iter().cloned().collect();
        let vault = dice.pick(&vaults).unwrap().clone();
        let (n, size) = (self.number(), dice.below(3) * 400);
        let (name, value) = (format!("S{n}"), format!("sk-test-{n}-{}", "v".repeat(size as usize)));
        next.secrets.insert(format!("{vault}/{name}"), (value.clone(), String::new()));
        let (vault, name) = (vault.parse().unwrap(), name.parse().unwrap());
        let new = NewSecret { vault, name, class: class(), created_by: None };
        self.house().store.add(new, &bytes(&value), at(1))?;
        Ok(())
    }

    /// Several new secrets and a new value of the same vault: all of them or none.
    fn import(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let vaults: Vec<String> = next.vaults.iter().cloned().collect();
        let vault: VaultName = dice.pick(&vaults).unwrap().parse().unwrap();
        let old = self.some_secret(dice).filter(|secret| secret.key.vault == vault);
        let news: Vec<u64> = (0..=dice.below(4)).map(|_| self.number()).collect();
        let values: Vec<_> = news.iter().map(|n| format!("sk-test-{n}")).collect();
        for (n, value) in news.iter().zip(&values) {
            next.secrets.insert(format!("{vault}/I{n}"), (value.clone(), String::new()));
        }
        let held: Vec<_> = values.iter().map(|v| bytes(v)).collect();
        let name = |n: &u64| format!("I{n}").parse().unwrap();
        let new = |n| NewSecret { vault: vault.clone(), name: name(n), class: class(), created_by: None };
        let mut all: Vec<_> = news.iter().zip(&held).map(|(n, v)| vault::Import::New(new(n), v)).collect();
        if let Some(old) = &old {
            next.secrets.get_mut(&format!("{vault}/{}", old.name)).unwrap().0.clone_from(&values[0]);
            all.push(vault::Import::Value(&old.key, &held[0]));
        }
        let store = &mut self.house.as_mut().unwrap().store;
        let importing = store.import(&vault, all, at(4))?;
        Ok(store.imported(importing.run())?)
    }

    fn replace(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let Some(secret) = self.some_secret(dice) else { return Ok(()) };
        let value = format!("sk-test-again-{}", self.number());
        let key = format!("{}/{}", secret.key.vault, secret.name);
        next.secrets.get_mut(&key).unwrap().0.clone_from(&value);
        self.house().store.replace(&secret.key, &bytes(&value), at(2))?;
        Ok(())
    }

    fn edit(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let Some(secret) = self.some_secret(dice) else { return Ok(()) };
        let mut class = class();
        class.description = format!("edited {}", self.number());
        let key = format!("{}/{}", secret.key.vault, secret.name);
        next.secrets.get_mut(&key).unwrap().1.clone_from(&class.description);
        self.house().store.edit(&secret.key, class, at(2))?;
        Ok(())
    }

    fn remove(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let Some(secret) = self.some_secret(dice) else { return Ok(()) };
        next.secrets.remove(&format!("{}/{}", secret.key.vault, secret.name));
        self.house().store.remove(&secret.key, at(2))?;
        Ok(())
    }

    /// Several entries that share a sync; one of them comes while the sync is under way.
    fn group(&mut self, dice: &mut Dice) -> Done {
        for _ in 0..dice.below(3) {
            self.append(if dice.below(2) == 0 { Durable::Now } else { Durable::Later })?;
        }
        let job = self.house().trail.pending_sync();
        self.append(Durable::Now)?;
        if let Some(job) = job {
            let house = self.house();
            house.trail.synced(job.run(), &mut Lent(&mut house.store))?;
        }
        if dice.below(2) == 0 { self.sync() } else { Ok(()) }
    }

    fn vault_create(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let names = ["one", "two", "three"];
        let Some(name) = dice.pick(&names).filter(|name| !next.vaults.contains(**name)) else {
            return Ok(());
        };
        next.vaults.insert((*name).into());
        let name: VaultName = name.parse().unwrap();
        Ok(self.house().store.vault_create(&name, at(1))?)
    }

    fn seal(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let seals = self.house().store.seals().unwrap();
        if let Some(open) = dice.pick(&seals).filter(|_| dice.0.is_multiple_of(2)) {
            next.seals.remove(&(open.since.as_second() as u64));
            self.house().store.remove_seal(&open.id)?;
            return Ok(());
        }
        let n = self.number();
        let seal = SealRecord {
            id: Id::from_bits(n),
            session: "unknown".into(),
            secret: None,
            since: jiff::Timestamp::from_second(n as i64).unwrap(),
        };
        next.seals.insert(n);
        Ok(self.house().store.put_seal(&seal)?)
    }

    fn segment(&mut self) -> Done {
        let n = self.number();
        let house = self.house.as_mut().unwrap();
        let first = Some(entry(n, Event::Act));
        self.written.push(n);
        let done = house.trail.new_segment(&mut Lent(&mut house.store), b"counters", first, at(4));
        if done.is_err() {
            self.written.pop();
        } else {
            self.durable = self.written.len();
        }
        Ok(done?)
    }

    fn slots(&mut self, next: &mut Content) -> Done {
        next.epoch += 1;
        let house = self.house.as_mut().unwrap();
        let slot = house.opener.slot(next.epoch);
        house.store.change_slots(&[slot], at(5))?;
        Ok(())
    }

    /// So much of it that a file is rewritten.
    fn garbage(&mut self, dice: &mut Dice, next: &mut Content) -> Done {
        let Some(secret) = self.some_secret(dice).filter(|_| dice.below(4) == 0) else { return Ok(()) };
        let key = format!("{}/{}", secret.key.vault, secret.name);
        for n in 0..18 {
            let value = format!("{n}{}", "g".repeat(60_000));
            next.secrets.get_mut(&key).unwrap().0.clone_from(&value);
            let done = self.house().store.replace(&secret.key, &bytes(&value), at(2));
            if done.is_err() {
                // One of the last two is there; which one is asked of the store.
                return Ok(done.map(|_| ())?);
            }
            self.now = next.clone();
            self.point();
        }
        let ms = u64::MAX / 2 + self.n;
        Ok(self.house().store.tick(ms, at(9))?)
    }

    /// The process ends, with or without a word, and another one opens what is on the disk.
    fn again(&mut self, lock: bool) {
        let mut house = self.house.take().unwrap();
        let disk = house.disk.clone();
        disk.set_capacity(None);
        if lock {
            house.trail.commit(&mut Lent(&mut house.store)).unwrap();
            house.store.lock(house.trail.total(), at(6)).unwrap();
        }
        let House { opener, store, trail, .. } = house;
        drop((store, trail));
        // No entry of its own when a new segment must begin: the sequence counts its entries.
        self.n += 1;
        let opened = House::open_in(&disk, opener, &How::Refuse, self.now.epoch);
        let mut opened = opened.map_err(|(e, _)| format!("{e:?}")).unwrap();
        assert!(opened.report.files.is_empty(), "{:?}", opened.report.files);
        let read = entries(&mut opened.house);
        // Opening begins a new segment after a change of slots, with an entry.
        let begun = usize::from(opened.restored.must_begin);
        assert_eq!(read.len(), self.written.len() + begun, "nothing is lost without a power cut");
        self.written = read;
        (self.durable, self.full) = (self.written.len(), false);
        self.tickets.clear();
        self.house = Some(opened.house);
    }
}

/// Does a random sequence and returns how things stood, the copies of the disk, and what could be opened with what.
fn run(seed: u64) -> (Vec<Point>, Point, Vec<SimDisk>, Opener) {
    let mut dice = Dice(seed);
    let disk = SimDisk::new();
    let mut world = World::new(&disk);
    disk.record();
    let fault = dice.below(6);
    let steps = 4 + dice.below(9);
    let fault_at = dice.below(steps);
    let mut last = None;
    for step in 0..steps {
        if step == fault_at && fault == 0 {
            disk.fail_sync(dice.below(4));
        }
        if fault == 1 && step >= fault_at && dice.below(2) == 0 {
            world.full = !world.full;
            disk.set_capacity(world.full.then(|| disk.used() + dice.below(6000)));
        }
        if dice.below(12) == 0 && fault != 0 {
            // What happens in here is no change of content: both points are the same.
            world.again(dice.below(2) == 0);
            world.point();
            continue;
        }
        let before = world.now.clone();
        let (next, done) = world.act(&mut dice);
        if let Err(e) = done {
            if fault == 1 && is_full(&*e) {
                let found = content(world.house());
                let before = world.now.clone();
                assert!(found == next || found == before, "{seed}: neither before nor after: {e}");
                world.now = found;
                world.point();
                continue;
            }
            assert_eq!(fault, 0, "{seed}: {e}");
            world.failed = true;
            let mut written = world.written.clone();
            written.push(world.n);
            let _ = before;
            last = Some(Point { ops: u64::MAX, content: next, written, durable: 0 });
            break;
        }
        world.now = next;
        world.point();
    }
    let last = last.unwrap_or_else(|| world.points.last().unwrap().clone());
    let house = world.house.take().unwrap();
    (world.points, last, disk.cuts(), house.opener)
}

fn same(opener: &Opener) -> Opener {
    Opener { spec: opener.spec.clone(), output: opener.output, file_id: opener.file_id }
}

/// Opens a crashed disk and compares. `all`: the process was only killed, so what was written is there.
fn check(disk: &SimDisk, opener: &Opener, base: &Point, next: &Point, all: bool, on: bool) {
    let mut opened = None;
    let mut epochs = vec![base.content.epoch, next.content.epoch];
    epochs.dedup();
    let mut errors = Vec::new();
    for epoch in epochs {
        match House::open_in(disk, same(opener), &How::Refuse, epoch) {
            Ok(found) => {
                opened = Some(found);
                break;
            }
            Err((e, _)) => errors.push(format!("{e:?}")),
        }
    }
    let Some(mut opened) = opened else { panic!("does not open: {errors:#?}") };
    assert!(opened.report.refused.is_empty(), "{:?}", opened.report.refused);
    assert!(opened.report.files.is_empty() && opened.restored.files.is_empty());
    let found = content(&opened.house);
    assert!(
        found == base.content || found == next.content,
        "{found:#?}\n{:#?}\n{:#?}",
        base.content,
        next.content
    );
    let mut read = entries(&mut opened.house);
    if opened.restored.must_begin {
        read.pop();
    }
    let longest = if next.written.len() > base.written.len() { &next.written } else { &base.written };
    assert!(longest.starts_with(&read), "{read:?} is not the beginning of {longest:?}");
    let least = if all { base.written.len().min(longest.len()) } else { base.durable };
    assert!(read.len() >= least, "{} entries, {least} were acknowledged", read.len());
    if on {
        let mut house = opened.house;
        house.add("AFTER", "sk-test-after");
        house.release(9_999);
        let before = content(&house);
        let (epoch, entries_before) = (house.store.epoch(), entries(&mut house));
        let reader = house.trail.reader(&mut Lent(&mut house.store)).unwrap();
        assert_eq!(reader.verify().unwrap().entries, entries_before.len() as u64);
        let (disk, opener, _) = house.lock(700);
        let opened = House::open_in(&disk, opener, &How::Refuse, epoch).map_err(|(e, _)| e.name());
        let mut house = opened.unwrap().house;
        assert_eq!((content(&house), entries(&mut house)), (before, entries_before));
    }
}

fn sequence(seed: u64) -> usize {
    let (points, last, cuts, opener) = run(seed);
    let mut dice = Dice(seed ^ 0xC0FFEE);
    for (i, cut) in cuts.iter().enumerate() {
        let done = points.iter().rposition(|p| p.ops <= cut.ops()).unwrap_or(0);
        let base = &points[done];
        let next = if base.ops == cut.ops() && done + 1 < points.len() {
            base
        } else {
            points.get(done + 1).unwrap_or(&last)
        };
        let (how, on) = (dice.below(6), dice.below(16) == 0);
        let (disk, all) = match how {
            0 => (cut.killed(), true),
            1 => (cut.crash(0), false),
            2 => (cut.crash(1), false),
            _ => (cut.crash(dice.next() | 2), false),
        };
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            check(&disk, &opener, base, next, all, on);
        }));
        if checked.is_err() {
            panic!("sequence {seed}, cut {i} of {} (after step {done}), way {how}", cuts.len());
        }
    }
    cuts.len()
}

fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_acknowledged_is_lost_at_any_cut() {
    let (first, count) = (env("SVAULT_SEED", 1), env("SVAULT_SEQUENCES", 300));
    let cuts: usize = (first..first + count).map(sequence).sum();
    assert!(cuts as u64 > count * 10, "only {cuts} cuts");
}

/// Making a store: at every cut there is a store, or none and another one can be made.
#[test]
fn init_leaves_a_store_or_none() {
    let disk = SimDisk::new();
    disk.record();
    let file_id = FileId::random(&mut OsRandom).unwrap();
    let opener = Opener::new(file_id);
    let arc: Arc<dyn Disk> = Arc::new(disk.clone());
    Store::create(arc, &dir(), file_id, &[opener.slot(1)], &settings(), "", at(0)).unwrap();
    let (mut made, mut none) = (0, 0);
    for (i, cut) in disk.cuts().iter().enumerate() {
        for seed in 0..6 {
            let disk = if seed == 5 { cut.killed() } else { cut.crash(seed) };
            let arc: Arc<dyn Disk> = Arc::new(disk.clone());
            if Store::exists(&*arc, &dir()).unwrap_or(false) {
                made += 1;
                let opened = House::open(&disk, same(&opener), &How::Refuse).map_err(|(e, _)| e.name());
                assert_eq!(opened.unwrap().house.store.vaults().len(), 1, "cut {i}, {seed}");
            } else {
                none += 1;
                let (file_id, now) = (FileId::random(&mut OsRandom).unwrap(), at(1));
                let slots = [Opener::new(file_id).slot(1)];
                let again = Store::create(arc, &dir(), file_id, &slots, &settings(), "", now);
                again.unwrap_or_else(|e| panic!("cut {i}, {seed} in {DIR}: {e}"));
            }
        }
    }
    assert!(made > 0 && none > 0);
}
