//! Files whose frames break one rule each, and files that are not what their head says.

use super::{
    Case,
    forge::{Forged, foreign, padded, with_frame},
    good::{Made, head_at, meta},
};
use crate::{Head, Meta, Op, Result};

struct Cases<'m> {
    base: &'m Made,
    all: Vec<Case>,
}

impl Cases<'_> {
    fn add(&mut self, name: &str, expected: &'static str, head: Option<Head>, bytes: Vec<u8>) {
        let (name, unlock) = (format!("bad-{name}"), self.base.unlock.clone());
        self.all.push(Case { name, bytes, unlock, head, expected: Err(expected) });
    }

    fn damaged(&mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.base.bytes.clone();
        change(&mut bytes);
        self.add(name, "Damaged", None, bytes);
    }

    fn forged(&mut self, name: &str, forged: &Forged<'_>) -> Result<()> {
        let bytes = with_frame(self.base, forged)?;
        self.add(name, "Damaged", None, bytes);
        Ok(())
    }

    /// A frame without a value that is well formed and does not follow from those before it.
    fn record(&mut self, name: &str, meta: &Meta<'_>) -> Result<()> {
        let mut padded = Vec::new();
        meta.encode_padded(&mut padded);
        let bytes = with_frame(self.base, &Forged { meta: &padded, ..Forged::default() })?;
        self.add(name, "Record", None, bytes);
        Ok(())
    }
}

pub(super) fn all(made: &[Made]) -> Result<Vec<Case>> {
    let base = |name| made.iter().find(|m| m.name == name).ok_or(crate::Error::bounds("no such vector"));
    let (vault, other, second) = (base("vault")?, base("vault-other")?, base("vault-generation-2")?);
    let mut cases = edited(vault);
    cases.extend(moved(vault, other, second));
    cases.extend(sealed(vault)?);
    cases.extend(records(vault)?);
    cases.extend(heads(vault, second)?);
    Ok(cases)
}

/// Bytes changed by someone without the keys. The first frame has 64 bytes of meta and 32 of value.
fn edited(base: &Made) -> Vec<Case> {
    let mut c = Cases { base, all: Vec::new() };
    let first = base.cuts[0];
    let set = |at: usize, n: u32| {
        move |b: &mut Vec<u8>| b[first + at..first + at + 4].copy_from_slice(&n.to_le_bytes())
    };
    c.damaged("frame-meta-len-0", set(0, 0));
    c.damaged("frame-meta-len-65", set(0, 65));
    c.damaged("frame-meta-len-128", set(0, 128));
    c.damaged("frame-meta-len-huge", set(0, u32::MAX - 63));
    c.damaged("frame-value-len-0", set(4, 0));
    c.damaged("frame-value-len-huge", set(4, u32::MAX));
    c.damaged("frame-value-len-1-mib", set(4, 1 << 20));
    c.damaged("frame-tx-count-0", set(12, 0));
    c.damaged("frame-tx-count-2", set(12, 2));
    for (name, at) in [
        ("flags", 8),
        ("zero", 11),
        ("meta-nonce", 16),
        ("meta", 40),
        ("meta-tag", 104),
        ("value-nonce", 120),
        ("value", 144),
        ("value-tag", 176),
        ("chain", 192),
    ] {
        c.damaged(&format!("frame-{name}"), |b| b[first + at] ^= 1);
    }
    c.all
}

/// Frames moved about.
fn moved(base: &Made, other: &Made, second: &Made) -> Vec<Case> {
    let mut c = Cases { base, all: Vec::new() };
    let cut = &base.cuts;
    let frame = |n: usize| base.bytes[cut[n]..cut[n + 1]].to_vec();
    c.damaged("cut-in-front", |b| b.truncate(cut[6] + 10));
    c.damaged("cut-in-meta", |b| b.truncate(cut[6] + 60));
    c.damaged("cut-in-chain", |b| b.truncate(cut[7] - 1));
    c.damaged("cut-in-transaction", |b| b.truncate(cut[5]));
    c.damaged("trailing", |b| b.push(0));
    c.damaged("trailing-zeros", |b| b.extend([0; 4096]));
    c.damaged("frames-swapped", |b| drop(b.splice(cut[0]..cut[2], [frame(1), frame(0)].concat())));
    c.damaged("frame-dropped", |b| drop(b.drain(cut[1]..cut[2])));
    c.damaged("frame-doubled", |b| drop(b.splice(cut[1]..cut[1], frame(0))));
    c.damaged("frame-doubled-at-end", |b| b.extend(frame(6)));
    c.damaged("frame-of-other-file", |b| {
        let foreign = other.bytes[other.cuts[0]..other.cuts[1]].to_vec();
        b.splice(cut[0]..cut[1], foreign);
    });
    c.damaged("transaction-begins-late", |b| drop(b.drain(cut[3]..cut[4])));
    let mut c = Cases { base: second, all: c.all };
    c.damaged("frames-of-older-generation", |b| {
        b.truncate(second.cuts[0]);
        b.extend(&base.bytes[cut[0]..]);
    });
    c.all
}

/// Frames that only someone with the keys could write, and no writer may.
fn sealed(base: &Made) -> Result<Vec<Case>> {
    let mut c = Cases { base, all: Vec::new() };
    let encoded = |op, body: &'static [u8]| {
        let mut out = Vec::new();
        meta(op, 1, 4, body).encode_padded(&mut out);
        out
    };
    let plain = |op, body| {
        let padded = encoded(op, body);
        let len = u32::from_le_bytes([padded[0], padded[1], padded[2], padded[3]]) as usize;
        padded[4..4 + len].to_vec()
    };
    let put = encoded(Op::Put, b"body");
    let inner = plain(Op::Put, b"body");
    let changed = |at: usize, byte: u8| {
        let mut out = put.clone();
        out[at] = byte;
        out
    };
    let bound = Forged { version: 4, ..Forged::default() };
    for (name, meta) in [
        ("meta-padding-not-zero", changed(63, 1)),
        ("meta-length-too-long", changed(0, 61)),
        ("meta-length-huge", changed(3, 0xff)),
        ("meta-padded-too-far", padded(&inner, 128)),
        ("meta-too-short", padded(&inner[..25], 64)),
        ("op-0", changed(4, 0)),
        ("op-4", changed(4, 4)),
        ("meta-op-without-version", padded(&[&[2], &inner[1..26]].concat(), 64)),
    ] {
        c.forged(name, &Forged { meta: &meta, ..bound })?;
    }
    let good_value = padded(b"sk-test", 32);
    let (remove, renamed) = (encoded(Op::Remove, b""), encoded(Op::Meta { names_version: 1 }, b""));
    c.forged("remove-with-value", &Forged { meta: &remove, value: Some(&good_value), ..bound })?;
    c.forged("meta-op-with-value", &Forged { meta: &renamed, value: Some(&good_value), ..bound })?;
    let mut not_zero = good_value.clone();
    not_zero[31] = 1;
    for (name, value) in [
        ("value-padding-not-zero", not_zero),
        ("value-padded-too-far", padded(b"sk-test", 64)),
        ("value-length-too-long", padded(&[1; 30], 32)),
        ("value-of-no-step", padded(&[1; 33], 48)),
    ] {
        c.forged(name, &Forged { meta: &put, value: Some(&value), ..bound })?;
    }
    c.forged(
        "value-of-other-version",
        &Forged { meta: &put, value: Some(&good_value), version: 3, ..bound },
    )?;
    let record = crate::RecordId([9; 16]);
    c.forged("value-of-other-record", &Forged { meta: &put, value: Some(&good_value), record, ..bound })?;
    c.forged("frame-flags-linked", &Forged { meta: &put, flags: [1, 0, 0, 0], ..bound })?;
    c.forged("frame-zero-linked", &Forged { meta: &put, flags: [0, 0, 0, 1], ..bound })?;
    c.forged("tx-count-2-linked", &Forged { meta: &put, tx_count: 2, ..bound })?;
    c.forged("tx-unfinished-linked", &Forged { meta: &put, tx_count: 0, ..bound })?;
    Ok(c.all)
}

/// The base leaves record 1 with version 3 and its value, 2 and 4 with version 1, 3 removed at version 2.
fn records(base: &Made) -> Result<Vec<Case>> {
    let mut c = Cases { base, all: Vec::new() };
    let renamed = |names_version| Op::Meta { names_version };
    c.record("record-version-repeated", &meta(Op::Put, 1, 3, b""))?;
    c.record("record-version-skipped", &meta(Op::Put, 1, 5, b""))?;
    c.record("record-version-back", &meta(Op::Put, 1, 1, b""))?;
    c.record("record-version-after-remove", &meta(Op::Put, 3, 1, b""))?;
    c.record("record-kind-changed", &Meta { kind: 8, ..meta(Op::Put, 1, 4, b"") })?;
    c.record("record-names-other-version", &meta(renamed(1), 1, 4, b""))?;
    c.record("record-names-later-version", &meta(renamed(4), 1, 4, b""))?;
    c.record("record-meta-of-nothing", &meta(renamed(1), 9, 1, b""))?;
    c.record("record-meta-of-removed", &meta(renamed(1), 3, 3, b""))?;
    c.record("record-remove-of-nothing", &meta(Op::Remove, 9, 1, b""))?;
    c.record("record-removed-twice", &meta(Op::Remove, 3, 3, b""))?;
    Ok(c.all)
}

/// Files that are whole, and not the ones that were left.
fn heads(base: &Made, second: &Made) -> Result<Vec<Case>> {
    let mut c = Cases { base, all: Vec::new() };
    let (head, cut) = (base.head, &base.cuts);
    let bytes = |n: usize| base.bytes[..cut[n]].to_vec();
    c.add("head-one-frame-back", "RolledBack", Some(head), bytes(6));
    c.add("head-empty", "RolledBack", Some(head), bytes(0));
    c.add("head-in-transaction", "RolledBack", Some(head), bytes(5));
    c.add("head-cut-in-frame", "RolledBack", Some(head), base.bytes[..cut[7] - 5].to_vec());
    c.add("head-generation-back", "RolledBack", Some(Head { generation: 2, ..head }), bytes(7));
    c.add("head-other-file", "Beside", Some(foreign(head)), bytes(7));
    c.add("head-other-chain", "Beside", Some(Head { chain: [1; 32], ..head_at(base, 1)? }), bytes(7));
    c.add("head-other-count", "Beside", Some(Head { frames: 6, ..head }), bytes(7));
    c.add("head-other-epoch", "Beside", Some(Head { epoch: 2, ..head }), bytes(7));
    let below = |at: usize| {
        let mut out = base.bytes.clone();
        out[at] ^= 1;
        out
    };
    c.add("head-damaged-below", "Damaged", Some(head), below(cut[2] + 50));
    c.add("head-damaged-first", "Damaged", Some(head_at(base, 3)?), below(cut[0] + 192));
    let mut c = Cases { base: second, all: c.all };
    let before =
        Head { generation: 1, frames: 1, bytes: 500, chain: second.header.parent_chain, ..second.head };
    c.add("head-new-generation-cut", "Damaged", Some(before), second.bytes[..second.cuts[2]].to_vec());
    let parent = Head { chain: [7; 32], ..before };
    c.add("head-new-generation-of-other", "Beside", Some(parent), second.bytes.clone());
    let skipped = Head { generation: 0, ..before };
    c.add("head-generation-skipped", "Beside", Some(skipped), second.bytes.clone());
    let later = Head { epoch: 2, ..before };
    c.add("head-epoch-back", "Beside", Some(later), second.bytes.clone());
    Ok(c.all)
}
