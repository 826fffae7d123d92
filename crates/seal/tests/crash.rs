//! Promise 5 on a simulated disk: at every cut point of random sequences of operations, the file opens with every
//! acknowledged write and no half transaction, again and again, whatever part of the unsynced bytes was lost.
//!
//! SVAULT_SEQUENCES says how many sequences (default 300), SVAULT_SEED where to begin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may, its helpers too

extern crate svault_seal as seal;

mod common;

use common::{Content, House, Record, content, next_epoch, record, same_epoch};
use seal::sim::SimDisk;
use seal::{Change, Disk, RecordId};
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "/s";

/// A small generator of random numbers (splitmix64), so that a seed tells everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let len = self.roll(most + 1);
        (0..len).map(|_| self.roll(256) as u8).collect()
    }
}

/// A change whose bytes are owned.
enum Step {
    Put(RecordId, u8, Vec<u8>, Option<Vec<u8>>),
    Meta(RecordId, Vec<u8>),
    Remove(RecordId),
}

impl Step {
    fn change(&self) -> Change<'_> {
        match self {
            Self::Put(record, kind, body, value) => {
                Change::Put { record: *record, kind: *kind, body, value: value.as_deref() }
            }
            Self::Meta(record, body) => Change::Meta { record: *record, body },
            Self::Remove(record) => Change::Remove { record: *record },
        }
    }

    /// What it does, in the plainest words. `gone` are removed records with their last version.
    fn apply(&self, to: &mut Content, gone: &mut Vec<(RecordId, u64)>) {
        match self {
            Self::Put(id, kind, body, value) => {
                let tomb = gone.iter().rev().find(|(old, _)| old == id).map(|(_, version)| *version);
                let version = to.get(id).map(|r| r.version).or(tomb).unwrap_or(0) + 1;
                let new = Record { kind: *kind, version, body: body.clone(), value: value.clone() };
                to.insert(*id, new);
            }
            Self::Meta(id, body) => {
                let record = to.get_mut(id).unwrap();
                (record.version, record.body) = (record.version + 1, body.clone());
            }
            Self::Remove(id) => {
                let old = to.remove(id).unwrap();
                gone.push((*id, old.version + 1));
            }
        }
    }
}

/// A content that the file had, from when on it may be found, and from when on nothing older may be.
struct Moment {
    content: Content,
    begun: u64,
    acknowledged: Option<u64>,
}

struct Run {
    sim: SimDisk,
    disk: Arc<dyn Disk>,
    house: House,
    dice: Dice,
    now: Content,
    gone: Vec<(RecordId, u64)>,
    history: Vec<Moment>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let sim = SimDisk::new();
        sim.mkdir(Path::new(DIR)).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(sim.clone());
        let house = House::create(disk.clone(), Path::new(DIR));
        let begun = sim.ops();
        let start = Moment { content: Content::new(), begun, acknowledged: Some(begun) };
        sim.record();
        let now = Content::new();
        Self { sim, disk, house, dice: Dice(seed), now, gone: Vec::new(), history: vec![start] }
    }

    fn some_record(&mut self, content: &Content) -> Option<RecordId> {
        let n = content.len() as u64;
        (n > 0).then(|| *content.keys().nth(self.dice.roll(n) as usize).unwrap())
    }

    fn put(&mut self, content: &Content) -> Step {
        let body = self.dice.bytes(150);
        let value = match self.dice.roll(8) {
            0 => None,
            1 => Some(self.dice.bytes(3000)),
            _ => Some(self.dice.bytes(60)),
        };
        let kind = self.dice.roll(3) as u8;
        match (self.dice.roll(6), self.some_record(content), self.gone.last()) {
            (0..3, Some(id), _) => Step::Put(id, content[&id].kind, body, value),
            (3, _, Some((id, _))) if !content.contains_key(id) => Step::Put(*id, kind, body, value),
            _ => Step::Put(record(self.dice.roll(1 << 40)), kind, body, value),
        }
    }

    /// A transaction of up to `most` changes, and what is there after it.
    fn transaction(&mut self, most: u64, once_each: bool) -> (Vec<Step>, Content) {
        let mut after = self.now.clone();
        let mut steps: Vec<Step> = Vec::new();
        for _ in 0..1 + self.dice.roll(most) {
            let step = match (self.dice.roll(6), self.some_record(&after)) {
                (0, Some(id)) => Step::Remove(id),
                (1 | 2, Some(id)) => Step::Meta(id, self.dice.bytes(150)),
                _ => self.put(&after),
            };
            if once_each && steps.iter().any(|s| s.change().record() == step.change().record()) {
                continue;
            }
            step.apply(&mut after, &mut self.gone);
            steps.push(step);
        }
        (steps, after)
    }

    fn begin(&mut self, after: Content) {
        self.history.push(Moment { content: after.clone(), begun: self.sim.ops(), acknowledged: None });
        self.now = after;
    }

    fn acknowledged(&mut self) {
        let ops = self.sim.ops();
        let last = self.history.last_mut().unwrap();
        last.acknowledged.get_or_insert(ops);
        assert_eq!(content(&self.house.table).unwrap(), self.now);
    }

    fn commit(&mut self, most: u64, acknowledge: bool) {
        let (steps, after) = self.transaction(most, false);
        let changes: Vec<Change<'_>> = steps.iter().map(Step::change).collect();
        self.begin(after);
        self.house.table.commit(&changes).unwrap();
        if acknowledge {
            self.house.acknowledge().unwrap();
            self.acknowledged();
        }
    }

    /// A second commit is written while the first one's sync runs: the sync answers for the first one only.
    fn group_commit(&mut self) {
        self.commit(2, false);
        let job = self.house.table.sync_job().unwrap();
        self.commit(2, false);
        self.house.table.note_synced(job.run()).unwrap();
        self.house.heads.set(self.house.table.log().head()).unwrap();
        self.house.heads.write().unwrap();
        let (ops, first) = (self.sim.ops(), self.history.len() - 2);
        self.history[first].acknowledged = Some(ops);
    }

    fn rewrite(&mut self) {
        let (steps, after) = self.transaction(2, true);
        let changes: Vec<Change<'_>> = steps.iter().map(Step::change).collect();
        // A new generation knows nothing of what was removed before it.
        self.gone.clear();
        self.begin(after);
        let next = if self.dice.roll(2) == 0 {
            same_epoch(&self.house.table)
        } else {
            next_epoch(&self.house.table)
        };
        self.house.rewrite(next, &changes).unwrap();
        self.acknowledged();
        assert_eq!(self.house.table.garbage(), 0);
    }

    /// The process ends without a word and another one opens the store.
    fn reopen(&mut self) {
        let (house, opened) = House::open(self.disk.clone(), Path::new(DIR)).unwrap();
        assert_eq!(opened.set_aside, None, "nothing is bad when no power was cut");
        self.house = house;
        // Also what was not acknowledged is there, and from now on it is durable.
        self.acknowledged();
    }

    /// A sync fails: everything stops until the file is opened again.
    fn failed_sync(&mut self) {
        let (steps, after) = self.transaction(2, false);
        let changes: Vec<Change<'_>> = steps.iter().map(Step::change).collect();
        self.begin(after);
        self.sim.fail_sync(0);
        self.house.table.commit(&changes).unwrap();
        self.house.table.sync().unwrap_err();
        let more = [Change::Put { kind: 1, record: record(7), body: b"", value: None }];
        for refused in [self.house.table.commit(&more).map(|_| ()), self.house.acknowledge()] {
            assert_eq!(refused.unwrap_err().name(), "Poisoned");
        }
        if let Some(with_value) = self.now.iter().find(|(_, r)| r.value.is_some()) {
            assert_eq!(self.house.table.value(with_value.0).unwrap_err().name(), "Poisoned");
        }
        self.reopen();
    }

    /// The disk fills up in the middle of a write; when there is room again everything goes on.
    fn full_disk(&mut self) {
        let gone = self.gone.len();
        let (steps, _) = self.transaction(3, false);
        self.gone.truncate(gone);
        let changes: Vec<Change<'_>> = steps.iter().map(Step::change).collect();
        self.sim.set_capacity(Some(self.sim.used() + self.dice.roll(150)));
        let before = content(&self.house.table).unwrap();
        assert_eq!(self.house.table.commit(&changes).unwrap_err().name(), "Full");
        self.sim.set_capacity(None);
        assert_eq!(content(&self.house.table).unwrap(), before);
    }

    fn step(&mut self) {
        match self.dice.roll(20) {
            0..=8 => self.commit(1, true),
            9..=11 => self.commit(4, true),
            12 => self.commit(2, false),
            13 => self.group_commit(),
            14 => self.house.heads.sync().unwrap(),
            15 | 16 => self.rewrite(),
            17 => self.reopen(),
            18 => self.failed_sync(),
            _ => self.full_disk(),
        }
    }

    /// Whether `found` is a content that may be there when the power went at operation `cut`.
    fn check(&self, found: &Content, cut: u64, what: &str) {
        let least = self.history.iter().rposition(|m| m.acknowledged.is_some_and(|ops| ops <= cut));
        let allowed = self.history[least.unwrap_or(0)..].iter().filter(|m| m.begun <= cut);
        let fits = allowed.clone().any(|m| m.content == *found);
        assert!(
            fits,
            "{what}: found {found:#?}\nallowed {:#?}",
            allowed.map(|m| &m.content).collect::<Vec<_>>()
        );
    }
}

/// Opens what is on the disk, and sees that it works on and survives another cut.
fn survives(run: &Run, disk: &SimDisk, cut: u64, what: &str, also_after: bool) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut house, _) =
        House::open(shared, Path::new(DIR)).unwrap_or_else(|e| panic!("{what}: can't be opened: {e}"));
    let found = content(&house.table).unwrap_or_else(|e| panic!("{what}: a value is lost: {e}"));
    run.check(&found, cut, what);
    if !also_after {
        return;
    }
    let id = record(u64::MAX);
    house
        .table
        .commit(&[Change::Put { kind: 1, record: id, body: b"after", value: Some(b"sk-test-after") }])
        .unwrap();
    house.acknowledge().unwrap();
    let after: Arc<dyn Disk> = Arc::new(disk.crash(0));
    let (house, _) = House::open(after, Path::new(DIR)).unwrap_or_else(|e| panic!("{what}: second cut: {e}"));
    let mut again = content(&house.table).unwrap();
    assert_eq!(again.remove(&id).unwrap().value.unwrap(), b"sk-test-after", "{what}");
    assert_eq!(again, found, "{what}: second cut");
}

/// The power goes while the store is being opened after a cut.
fn survives_a_cut_while_opening(run: &Run, disk: &SimDisk, cut: u64, dice: &mut Dice, what: &str) {
    disk.record();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    House::open(shared, Path::new(DIR)).unwrap();
    for second in disk.cuts() {
        let seed = dice.roll(1000);
        survives(run, &second.crash(seed), cut, &format!("{what}, cut at opening, seed {seed}"), false);
    }
}

fn sequence(seed: u64) -> u64 {
    let mut run = Run::new(seed);
    for _ in 0..8 + run.dice.roll(10) {
        run.step();
    }
    let mut dice = Dice(!seed);
    let mut cuts = 0;
    for disk in run.sim.cuts() {
        let cut = disk.ops();
        cuts += 1;
        for power in [0, 1, 2 + dice.roll(1 << 30)] {
            if power == 1 && dice.roll(4) > 0 {
                continue;
            }
            let what = format!("sequence {seed}, operation {cut}, power seed {power}");
            survives(&run, &disk.crash(power), cut, &what, power > 1);
            if dice.roll(40) == 0 {
                survives_a_cut_while_opening(&run, &disk.crash(power), cut, &mut dice, &what);
            }
        }
        if dice.roll(4) == 0 {
            survives(&run, &disk.killed(), cut, &format!("sequence {seed}, operation {cut}, killed"), true);
        }
    }
    cuts
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect(name))
}

#[test]
fn every_cut_of_random_sequences_keeps_what_was_acknowledged() {
    let (first, count) = (number("SVAULT_SEED", 1), number("SVAULT_SEQUENCES", 300));
    let cuts: u64 = (first..first + count).map(sequence).sum();
    assert!(cuts > count * 20, "{cuts} cuts are too few to mean anything");
}
