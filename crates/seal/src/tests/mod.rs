//! Tests of whole files on the simulated disk, and what they share.

mod appending;
mod factors;
mod generations;
mod headers;
mod known;
mod live;
mod opening;
mod slots;
mod tamper;
mod vectors;

use crate::{
    Disk, Error, Factor, FactorOutput, FileId, FileKind, Frame, Head, HeadRule, Header, Log, Meta, New,
    NewFile, Op, Opened, OsRandom, Random, RecordId, Result, Root, Slot, SlotKeys, SlotPlace, SlotSpec,
    derive, sim::SimDisk,
};
use secret::Key;
use std::{path::Path, sync::Arc};

pub(crate) const PATH: &str = "/v.svault";

pub(crate) fn path() -> &'static Path {
    Path::new(PATH)
}

pub(crate) fn disk() -> SimDisk {
    SimDisk::new()
}

pub(crate) fn arc(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

/// Keys of a vault's slot under a KEK of `n`s.
pub(crate) fn store_keys(kind: FileKind, file_id: &FileId, epoch: u64, spec: &SlotSpec, n: u8) -> SlotKeys {
    let kek = FactorOutput::Store(Key::copy_from(&[n; 32]).unwrap());
    derive(kind, file_id, epoch, spec, &[kek]).unwrap()
}

/// A slot with the KEK `n`.
pub(crate) fn store_slot(root: &Root, kind: FileKind, file_id: &FileId, epoch: u64, n: u8) -> Slot {
    let spec = SlotSpec::new(vec![Factor::Store], &mut OsRandom).unwrap();
    let keys = store_keys(kind, file_id, epoch, &spec, n);
    Slot::seal(&spec, &keys, root, SlotPlace { kind, file_id, epoch }, &mut OsRandom).unwrap()
}

pub(crate) fn unlock(n: u8) -> impl FnOnce(&Header) -> Result<Root> {
    move |header| {
        let slot = &header.slots[0];
        let keys = store_keys(header.kind, &header.file_id, header.epoch, &slot.spec, n);
        slot.unwrap(&keys, header.place())
    }
}

pub(crate) fn new_vault(disk: &SimDisk, at: &Path, id: u8, kek: u8) -> Log {
    let (kind, file_id, epoch) = (FileKind::Vault, FileId([id; 16]), 1);
    let root = Root::random(&mut OsRandom).unwrap();
    let slots = vec![store_slot(&root, kind, &file_id, epoch, kek)];
    let new = NewFile { kind, file_id, epoch, generation: 1, created: 0, parent_chain: [0; 32] };
    Log::create(arc(disk), at, new, root, slots).unwrap()
}

pub(crate) fn put(n: u8, version: u64) -> Meta<'static> {
    Meta { op: Op::Put, kind: 1, record: RecordId([n; 16]), version, body: b"name" }
}

pub(crate) fn add(log: &mut Log, n: u8) {
    log.append(&[New { meta: put(n, 1), value: Some(b"sk-test-value") }]).unwrap();
}

/// What a visitor saw, in order: the first byte of each record.
pub(crate) fn open(disk: &SimDisk, rule: HeadRule) -> Result<(Log, Opened, Vec<u8>)> {
    open_at(disk, path(), 5, rule)
}

pub(crate) fn open_at(disk: &SimDisk, at: &Path, kek: u8, rule: HeadRule) -> Result<(Log, Opened, Vec<u8>)> {
    let mut seen = Vec::new();
    let visit = |frame: Frame<'_>| {
        seen.push(frame.meta.record.0[0]);
        Ok(())
    };
    let (log, opened) = Log::open(arc(disk), at, unlock(kek), rule, visit)?;
    Ok((log, opened, seen))
}

pub(crate) fn fails(disk: &SimDisk, rule: HeadRule) -> Error {
    match open(disk, rule) {
        Ok((_, opened, seen)) => panic!("it opened: {opened:?} {seen:?}"),
        Err(e) => e,
    }
}

/// A vault at [`PATH`] with one frame for each of `records`, synced; its head, and where each frame begins and ends.
pub(crate) fn vault_with(records: &[u8]) -> (SimDisk, Head, Vec<usize>) {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let mut cuts = vec![log.end().bytes() as usize];
    for n in records {
        add(&mut log, *n);
        cuts.push(log.end().bytes() as usize);
    }
    let head = log.close().unwrap();
    (disk, head, cuts)
}

/// Deterministic bytes.
pub(crate) struct Dice(pub(crate) u64);

impl Random for Dice {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}
