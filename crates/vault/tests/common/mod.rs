//! A store with its trail on a simulated disk, as the daemon has them.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::result_large_err)]

use audit::{Durable, Entry, Event, Start, Trail};
use daemon::state::segments::Lent;
use jiff::Timestamp;
use seal::sim::SimDisk;
use seal::{
    Disk, Factor, FactorOutput, FileId, FileKind, KdfParams, OsRandom, SlotId, SlotKeys, SlotSpec, derive,
};
use secret::{Bytes, Key};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use svault_vault as vault;
use svault_vault::{Error, NewSecret, OpenReport, Rollback, Secret, Settings, Store};
use words::{Class, Id, Tier};

/// What opens a store again: a slot whose key derivation is given, not run.
pub struct Opener {
    pub spec: SlotSpec,
    pub output: [u8; 32],
    pub file_id: FileId,
}

impl Opener {
    pub fn new(file_id: FileId) -> Self {
        let floor = KdfParams { m_kib: 65536, t: 3, p: 1 };
        let spec = SlotSpec::new(vec![Factor::Passphrase(floor)], &mut OsRandom).unwrap();
        let mut output = [0; 32];
        output[..8].copy_from_slice(&spec.id.0);
        Self { spec, output, file_id }
    }

    pub fn keys(&self, epoch: u64) -> SlotKeys {
        let output = [FactorOutput::Passphrase(Key::copy_from(&self.output).unwrap())];
        derive(FileKind::Store, &self.file_id, epoch, &self.spec, &output).unwrap()
    }

    pub fn slot(&self, epoch: u64) -> (SlotSpec, SlotKeys) {
        (self.spec.clone(), self.keys(epoch))
    }

    pub fn id(&self) -> SlotId {
        self.spec.id
    }
}

/// What is done about files that are not as they were: as a human does, who accepts just what is shown.
pub enum How {
    Refuse,
    Accept(Vec<words::VaultName>),
    AcceptAll,
}

/// What a human would be shown, as a digest.
fn seen(looked: &Result<(Store, OpenReport), Error>) -> [u8; 32] {
    match looked {
        Ok((_, report)) => report.seen,
        Err(Error::Refused { seen, .. }) => *seen,
        Err(_) => [0; 32],
    }
}

/// Where the store of all tests is.
pub const DIR: &str = "/store";

pub fn dir() -> PathBuf {
    PathBuf::from(DIR)
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

pub fn bytes(text: &str) -> Bytes {
    Bytes::copy_from(text.as_bytes()).unwrap()
}

pub fn settings() -> Settings {
    Settings { zone: "Europe/Berlin".into(), notify: None, other: serde_json::Map::new() }
}

pub fn class() -> Class {
    Class::new("database".parse().unwrap(), Tier::Medium)
}

pub fn new(vault: &str, name: &str) -> NewSecret {
    let (vault, name) = (vault.parse().unwrap(), name.parse().unwrap());
    NewSecret { vault, name, class: class(), created_by: None }
}

pub fn entry(n: u64, event: Event) -> Entry {
    let mut entry = Entry::new(Id::from_bits(n), at(n as i64), event);
    entry.caller = "claude-code".into();
    entry.secret = format!("main/S{}", n % 7);
    entry.reason = format!("reason {n}");
    entry
}

/// A store and its trail.
pub struct House {
    pub disk: SimDisk,
    pub opener: Opener,
    pub store: Store,
    pub trail: Trail,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("House")
    }
}

/// Why a house stays shut.
#[derive(Debug)]
pub enum Shut {
    Store(Error),
    Trail(audit::Error),
}

impl Shut {
    pub fn name(&self) -> String {
        match self {
            Shut::Store(e) => format!("store:{}", e.name()),
            Shut::Trail(e) => format!("trail:{}", e.name()),
        }
    }

    pub fn files(&self) -> Vec<(String, &'static str)> {
        match self {
            Shut::Store(Error::Refused { files, .. }) => {
                files.iter().map(|f| (f.path.clone(), f.state.as_str())).collect()
            }
            Shut::Trail(audit::Error::Refused { files, .. }) => {
                files.iter().map(|f| (f.path.clone(), f.state.as_str())).collect()
            }
            _ => Vec::new(),
        }
    }
}

pub struct Opened {
    pub house: House,
    pub report: OpenReport,
    pub restored: audit::Restored,
}

impl House {
    /// A store just made, with the first segment of its trail.
    pub fn new(disk: &SimDisk) -> Self {
        let file_id = FileId::random(&mut OsRandom).unwrap();
        let opener = Opener::new(file_id);
        let arc: Arc<dyn Disk> = Arc::new(disk.clone());
        let slots = [opener.slot(1)];
        let mut store =
            Store::create(arc.clone(), &dir(), file_id, &slots, &settings(), "[reason]\n", at(0)).unwrap();
        let (trail, restored) = Trail::open(arc, &dir(), &Lent(&mut store), Start::Verify).unwrap();
        assert!(restored.must_begin && restored.snapshot.is_none());
        let mut house = Self { disk: disk.clone(), opener, store, trail };
        house.begin(b"counters 0", None);
        house
    }

    pub fn begin(&mut self, snapshot: &[u8], first: Option<Entry>) {
        self.trail.new_segment(&mut Lent(&mut self.store), snapshot, first, at(0)).unwrap();
    }

    /// Opens what is on a disk, as unlock does.
    pub fn open(disk: &SimDisk, opener: Opener, how: &How) -> Result<Opened, (Shut, Opener)> {
        Self::open_in(disk, opener, how, 1)
    }

    pub fn open_in(disk: &SimDisk, opener: Opener, how: &How, epoch: u64) -> Result<Opened, (Shut, Opener)> {
        let arc: Arc<dyn Disk> = Arc::new(disk.clone());
        let keys = opener.keys(epoch);
        let open = |how: &Rollback| Store::open(arc.clone(), &dir(), &opener.id(), &keys, how, at(500));
        let how = match how {
            How::Refuse => Rollback::Refuse,
            How::Accept(names) => Rollback::Accept(names.clone(), seen(&open(&Rollback::Refuse))),
            How::AcceptAll => Rollback::AcceptAll(seen(&open(&Rollback::Refuse))),
        };
        let (mut store, report) = match open(&how) {
            Ok(opened) => opened,
            Err(e) => return Err((Shut::Store(e), opener)),
        };
        let start = match &how {
            Rollback::Refuse => Start::Verify,
            Rollback::Accept(..) => Start::NewSegment,
            Rollback::AcceptAll(_) => {
                let there = Trail::survey(&arc, &dir(), &Lent(&mut store));
                Start::AcceptRollback(there.map(|(_, seen)| seen).unwrap_or_default())
            }
        };
        let (trail, restored) = match Trail::open(arc, &dir(), &Lent(&mut store), start) {
            Ok(opened) => opened,
            Err(e) => return Err((Shut::Trail(e), opener)),
        };
        let mut house = Self { disk: disk.clone(), opener, store, trail };
        if restored.must_begin {
            let snapshot = restored.snapshot.clone().unwrap_or_default();
            house.begin(&snapshot, Some(entry(restored.total + 1, Event::AcceptRollback)));
        }
        Ok(Opened { house, report, restored })
    }

    /// A release as the gate makes it: recorded, durable, counted.
    pub fn release(&mut self, n: u64) {
        assert!(self.records(n));
        self.store.count_release().unwrap();
    }

    /// Whether a release can be recorded, durable.
    pub fn records(&mut self, n: u64) -> bool {
        let entry = entry(n, Event::Allow);
        let Ok(ticket) = self.trail.append(entry, &Lent(&mut self.store), Durable::Now) else { return false };
        let Some(job) = self.trail.pending_sync() else { return false };
        let synced = self.trail.synced(job.run(), &mut Lent(&mut self.store));
        synced.is_ok() && self.trail.is_durable(&ticket)
    }

    pub fn add(&mut self, name: &str, value: &str) -> Secret {
        self.store.add(new("main", name), &bytes(value), at(1)).unwrap()
    }

    pub fn value(&self, reference: &str) -> String {
        let vault::Found::One(secret) = self.store.find(&reference.parse().unwrap()).unwrap() else {
            panic!("{reference} is not there");
        };
        let value = self.store.open_value(&secret.key, secret.version).unwrap();
        String::from_utf8(value.expose().to_vec()).unwrap()
    }

    /// Locks, as the daemon does at the end.
    pub fn lock(mut self, second: i64) -> (SimDisk, Opener, vault::LastLock) {
        self.trail.commit(&mut Lent(&mut self.store)).unwrap();
        let line = self.store.lock(self.trail.total(), at(second)).unwrap();
        (self.disk, self.opener, line)
    }
}

/// Everything on a disk, to be put back later.
pub struct Copy(Vec<(PathBuf, Vec<u8>)>);

pub fn all_files(disk: &SimDisk) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in ["", "vaults", "trail", "state"] {
        let folder = dir().join(folder);
        for name in disk.list(&folder).unwrap() {
            let path = folder.join(name);
            if disk.bytes(&path).is_ok() {
                out.push(path);
            }
        }
    }
    out
}

impl Copy {
    pub fn of(disk: &SimDisk) -> Self {
        Self(all_files(disk).into_iter().map(|path| (path.clone(), disk.bytes(&path).unwrap())).collect())
    }

    /// Puts back what is under one of these paths; files that are newer than the copy go.
    pub fn restore(&self, disk: &SimDisk, under: &[&str]) {
        let chosen = |path: &Path| under.iter().any(|part| path.starts_with(dir().join(part)));
        for path in all_files(disk) {
            if chosen(&path) {
                disk.remove(&path).unwrap();
            }
        }
        for (path, bytes) in self.0.iter().filter(|(path, _)| chosen(path)) {
            disk.put(path, bytes);
        }
        disk.sync_dir(&dir()).unwrap();
    }
}
