//! Good files: one for each kind, slot and shape of frames, written by the real writer.

use super::{Case, Fixed, Given, Unlock};
use crate::{
    Factor, FileId, FileKeys, FileKind, Head, Header, KdfParams, Live, Log, Meta, New, NewFile, Next, Op,
    RecordId, Result, Root, Slot, SlotKeys, SlotSpec, Source, derive, random::Random, sim::SimDisk,
    slot::Place,
};
use secret::Key;
use std::{path::Path, sync::Arc};

pub(super) const PASSPHRASE: &str = "correct horse battery staple";
pub(super) const RECOVERY: [u8; 20] = *b"01234567890123456789";
pub(super) const KEK: [u8; 32] = [0x4b; 32];
const OTHER_KEK: [u8; 32] = [0x4c; 32];
/// The least that is allowed.
const COST: KdfParams = KdfParams { m_kib: 64 * 1024, t: 3, p: 1 };
const PATH: &str = "/made.svault";

/// A file that was made, and its keys.
pub(super) struct Made {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) header: Header,
    pub(super) root: Key,
    pub(super) keys: FileKeys,
    pub(super) unlock: Unlock,
    pub(super) head: Head,
    /// Where each frame begins, and the end.
    pub(super) cuts: Vec<usize>,
    /// Whether a reader needs the head, because something lies beyond it.
    pub(super) needs_head: bool,
}

impl Made {
    pub(super) fn case(&self) -> Case {
        Case {
            name: self.name.to_owned(),
            bytes: self.bytes.clone(),
            unlock: self.unlock.clone(),
            head: self.needs_head.then_some(self.head),
            expected: Ok(self.cuts.len() as u64 - 1),
        }
    }
}

/// A file being made.
struct Making {
    log: Log,
    disk: SimDisk,
    cuts: Vec<usize>,
}

impl Making {
    fn add(&mut self, tx: &[New<'_>]) -> Result<()> {
        let at = self.log.end().bytes() as usize;
        self.log.append(tx)?;
        let bytes =
            self.disk.bytes(Path::new(PATH)).map_err(|e| crate::Error::io(Path::new(PATH), "read", e))?;
        self.cuts = starts(&bytes, self.cuts.first().copied().unwrap_or(at));
        Ok(())
    }
}

/// Where frames begin, from the first on, and the end.
pub(super) fn starts(bytes: &[u8], first: usize) -> Vec<usize> {
    let mut cuts = vec![first];
    let mut at = first;
    while let Some(front) = bytes.get(at..at + 16).and_then(|b| b.try_into().ok()) {
        let Ok(front) = crate::frame::Front::parse(front) else { break };
        at += front.len();
        cuts.push(at);
    }
    cuts
}

struct Shape<'a> {
    name: &'static str,
    kind: FileKind,
    parent: [u8; 32],
    /// Flags, factors that can be presented, factors that can't.
    slots: &'a [(u8, &'a [Given], &'a [Factor])],
    opens: usize,
}

fn make(shape: &Shape<'_>, fill: impl FnOnce(&mut Making) -> Result<()>) -> Result<Made> {
    let mut random = Fixed::new(shape.name);
    let file_id = FileId::random(&mut random)?;
    let root = Root::random(&mut random)?;
    let mut slots = Vec::new();
    for (flags, given, others) in shape.slots {
        slots.push(seal(shape.kind, &file_id, 1, &root, *flags, given, others, &mut random)?);
    }
    let disk = SimDisk::new();
    let (kind, parent_chain) = (shape.kind, shape.parent);
    let new = NewFile { kind, file_id, epoch: 1, generation: 1, created: 1_767_225_600, parent_chain };
    let mut log = Log::create(Arc::new(disk.clone()), Path::new(PATH), new, root, slots)?;
    log.set_random(Box::new(random));
    let cuts = vec![log.end().bytes() as usize];
    let mut making = Making { log, disk, cuts };
    fill(&mut making)?;
    let given = shape.slots.get(shape.opens).map(|(_, given, _)| given.to_vec()).unwrap_or_default();
    finish(shape.name, making, Unlock { slot: shape.opens, given })
}

fn finish(name: &'static str, mut making: Making, unlock: Unlock) -> Result<Made> {
    let head = making.log.sync()?;
    let bytes =
        making.disk.bytes(Path::new(PATH)).map_err(|e| crate::Error::io(Path::new(PATH), "read", e))?;
    let Log { header, root, keys, .. } = making.log;
    Ok(Made { name, bytes, header, root: root.0, keys, unlock, head, cuts: making.cuts, needs_head: false })
}

#[allow(clippy::too_many_arguments)]
fn seal(
    kind: FileKind,
    file_id: &FileId,
    epoch: u64,
    root: &Root,
    flags: u8,
    given: &[Given],
    others: &[Factor],
    random: &mut dyn Random,
) -> Result<Slot> {
    let mut factors: Vec<Factor> = given.iter().map(|g| g.factor(COST)).collect();
    factors.extend_from_slice(others);
    let mut spec = SlotSpec { id: crate::SlotId::random(random)?, flags, factors, salt: [0; 32] };
    random.fill(&mut spec.salt)?;
    let keys = if others.is_empty() {
        let outputs = given.iter().map(|g| g.output(&spec)).collect::<Result<Vec<_>>>()?;
        derive(kind, file_id, epoch, &spec, &outputs)?
    } else {
        // Nobody can present these; any keys do.
        let mut any = || Root::random(random).map(|root| root.0);
        SlotKeys { wrap: any()?, commit: any()?, presence: any()? }
    };
    Slot::seal(&spec, &keys, root, Place { kind, file_id, epoch }, random)
}

pub(super) fn meta(op: Op, record: u8, version: u64, body: &[u8]) -> Meta<'_> {
    Meta { op, kind: 7, record: RecordId([record; 16]), version, body }
}

fn put(record: u8, version: u64, value: Option<&'static [u8]>) -> New<'static> {
    New { meta: meta(Op::Put, record, version, b"body"), value }
}

/// Every operation: put with and without a value, a new body for an old value, removal, and a transaction of three.
fn every_operation(making: &mut Making) -> Result<()> {
    making.add(&[put(1, 1, Some(b"sk-test-one"))])?;
    making.add(&[put(2, 1, None)])?;
    making.add(&[New { meta: meta(Op::Meta { names_version: 1 }, 1, 2, b"changed"), value: None }])?;
    making.add(&[
        put(3, 1, Some(b"sk-test-three")),
        put(4, 1, Some(b"")),
        put(1, 3, Some(b"sk-test-one-again")),
    ])?;
    making.add(&[New { meta: meta(Op::Remove, 3, 2, b""), value: None }])
}

/// Values and bodies around every step of the padding.
fn every_length(making: &mut Making) -> Result<()> {
    static ZEROS: [u8; 5000] = [b'v'; 5000];
    let steps =
        [0, 1, 28, 29, 60, 61, 124, 125, 252, 253, 508, 509, 1020, 1021, 1084, 1085, 2044, 2045, 4100, 5000];
    for (n, len) in (1..).zip(steps) {
        let body = &ZEROS[..len % 130];
        making.add(&[New { meta: meta(Op::Put, n, 1, body), value: Some(&ZEROS[..len]) }])?;
    }
    Ok(())
}

fn stores() -> Result<Vec<Made>> {
    let kind = FileKind::Store;
    let passphrase = [Given::Passphrase(PASSPHRASE)];
    let recovery = [Given::Recovery(RECOVERY)];
    let both = [Given::Passphrase(PASSPHRASE), Given::Recovery(RECOVERY)];
    let yubikey = [Factor::Other { number: 3, params: b"challenge".to_vec() }];
    let fido2 = [Factor::Other { number: 4, params: vec![0xf1; 64] }];
    let shape = |name, slots, opens| Shape { name, kind, parent: [0; 32], slots, opens };
    Ok(vec![
        make(&shape("store-passphrase", &[(0, &passphrase, &[])], 0), every_operation)?,
        make(&shape("store-recovery", &[(0, &passphrase, &[]), (0, &recovery, &[])], 1), every_operation)?,
        make(&shape("store-two-factors", &[(0, &both, &[])], 0), every_operation)?,
        make(
            &shape(
                "store-other-slots",
                &[(0, &passphrase, &yubikey), (1, &[], &fido2), (0, &recovery, &[])],
                2,
            ),
            every_operation,
        )?,
        store_rewritten()?,
    ])
}

/// Another root key, another epoch.
fn store_rewritten() -> Result<Made> {
    let recovery = [Given::Recovery(RECOVERY)];
    let shape = Shape {
        name: "store-epoch-2",
        kind: FileKind::Store,
        parent: [0; 32],
        slots: &[(0, &recovery, &[])],
        opens: 0,
    };
    make(&shape, |making| {
        every_operation(making)?;
        let (kind, file_id) = (FileKind::Store, making.log.header().file_id);
        let mut random = Fixed::new("the second root key");
        let root = Root::random(&mut random)?;
        let slots = vec![seal(kind, &file_id, 2, &root, 0, &recovery, &[], &mut random)?];
        rewrite(making, Next { root: Some((root, 2)), created: 1_767_229_200, slots })
    })
}

fn rewrite(making: &mut Making, next: Next) -> Result<()> {
    let live = [
        Live { meta: meta(Op::Put, 1, 3, b"body"), value: Source::New(b"sk-test-one-again") },
        Live { meta: meta(Op::Put, 2, 1, b"body"), value: Source::None },
        Live { meta: meta(Op::Put, 4, 1, b"body"), value: Source::New(b"") },
    ];
    making.log.rewrite(next, live, &mut |_| Ok(()))?;
    making.cuts = vec![making.log.header_end.bytes as usize];
    making.add(&[put(5, 1, Some(b"sk-test-five"))])
}

/// A vault with every operation, under a key that is given.
pub(super) fn vault() -> Result<Made> {
    let slots: &[(u8, &[Given], &[Factor])] = &[(0, &[Given::Kek(KEK)], &[])];
    make(&Shape { name: "vault", kind: FileKind::Vault, parent: [0; 32], slots, opens: 0 }, every_operation)
}

fn vaults() -> Result<Vec<Made>> {
    let kek = [Given::Kek(KEK)];
    let other = [Given::Kek(OTHER_KEK)];
    let slots: &[(u8, &[Given], &[Factor])] = &[(0, &kek, &[])];
    let shape = |name| Shape { name, kind: FileKind::Vault, parent: [0; 32], slots, opens: 0 };
    let mut unfinished = make(&shape("vault-unfinished"), every_operation)?;
    // Two of a transaction's three frames: no head was ever beyond the frame before them.
    unfinished.bytes.truncate(unfinished.cuts[5]);
    unfinished.cuts.truncate(4);
    unfinished.needs_head = true;
    unfinished.head = head_at(&unfinished, 3)?;
    let mut torn = make(&shape("vault-torn"), every_operation)?;
    torn.head = head_at(&torn, 3)?;
    torn.bytes.truncate(torn.cuts[6] + 100);
    torn.cuts.truncate(7);
    torn.needs_head = true;
    Ok(vec![
        vault()?,
        make(&shape("vault-empty"), |_| Ok(()))?,
        make(&shape("vault-lengths"), every_length)?,
        make(&Shape { slots: &[(0, &other, &[])], ..shape("vault-other") }, every_operation)?,
        make(&shape("vault-generation-2"), |making| {
            every_operation(making)?;
            let slots = making.log.header().slots.clone();
            rewrite(making, Next { root: None, created: 1_767_229_200, slots })
        })?,
        unfinished,
        torn,
    ])
}

/// The head after `frames` frames.
pub(super) fn head_at(made: &Made, frames: usize) -> Result<Head> {
    let bytes = made.cuts[frames];
    let chain = made.bytes[bytes - 32..bytes].try_into().map_err(|_| crate::Error::bounds("a chain"))?;
    Ok(Head { frames: frames as u64, bytes: bytes as u64, chain, ..made.head })
}

fn others() -> Result<Vec<Made>> {
    let kek = [Given::Kek(KEK)];
    let passphrase = [Given::Passphrase(PASSPHRASE)];
    let recovery = [Given::Recovery(RECOVERY)];
    let (trail, bundle) = (FileKind::Trail, FileKind::Bundle);
    let no = [0; 32];
    Ok(vec![
        make(
            &Shape { name: "trail", kind: trail, parent: [0x70; 32], slots: &[(0, &kek, &[])], opens: 0 },
            |making| (1..=5).try_for_each(|n| making.add(&[put(n, 1, None)])),
        )?,
        make(
            &Shape {
                name: "bundle-passphrase",
                kind: bundle,
                parent: no,
                slots: &[(0, &passphrase, &[])],
                opens: 0,
            },
            every_operation,
        )?,
        make(
            &Shape {
                name: "bundle-recovery",
                kind: bundle,
                parent: no,
                slots: &[(0, &recovery, &[])],
                opens: 0,
            },
            every_operation,
        )?,
    ])
}

pub(super) fn all() -> Result<Vec<Made>> {
    let mut all = stores()?;
    all.extend(vaults()?);
    all.extend(others()?);
    Ok(all)
}
