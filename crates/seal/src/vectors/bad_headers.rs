//! Files whose header breaks one rule each: what a reader must refuse before and after the KDF.

use super::{
    Case, Given, Unlock,
    forge::{body, with_body, with_header},
    good::{KEK, Made, RECOVERY},
};
use crate::{Factor, FileKind, Header, KdfParams, Result, Slot};

/// Collects cases of one base file.
struct Cases<'m> {
    base: &'m Made,
    all: Vec<Case>,
}

impl Cases<'_> {
    fn add(&mut self, name: &str, expected: &'static str, bytes: Vec<u8>) {
        let (name, unlock) = (format!("bad-{name}"), self.base.unlock.clone());
        self.all.push(Case { name, bytes, unlock, head: None, expected: Err(expected) });
    }

    /// The base's bytes, changed.
    fn bytes(&mut self, name: &str, expected: &'static str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.base.bytes.clone();
        change(&mut bytes);
        self.add(name, expected, bytes);
    }

    /// The base's header, changed, with a right MAC.
    fn header(&mut self, name: &str, expected: &'static str, change: impl FnOnce(&mut Header)) {
        let mut header = self.base.header.clone();
        change(&mut header);
        self.add(name, expected, with_header(self.base, &header));
    }

    /// The bytes of the base's header, changed, with a right MAC and a right length.
    fn body(&mut self, name: &str, expected: &'static str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = body(self.base);
        change(&mut bytes);
        self.add(name, expected, with_body(self.base, &bytes));
    }
}

/// Offsets in the file of the fields before the slots.
const KIND: usize = 12;
const FILE_ID: usize = KIND + 1;
const EPOCH: usize = FILE_ID + 16;
const GENERATION: usize = EPOCH + 8;
const CREATED: usize = GENERATION + 8;
const PARENT: usize = CREATED + 8;
const COUNT: usize = PARENT + 32;
const SLOT: usize = COUNT + 1;
/// Of a slot with one factor without parameters.
const SALT: usize = SLOT + 8 + 1 + 1 + 3;
const COMMIT: usize = SALT + 32;
const NONCE: usize = COMMIT + 32;
const WRAPPED: usize = NONCE + 24;

pub(super) fn all(made: &[Made]) -> Result<Vec<Case>> {
    let base = |name| made.iter().find(|m| m.name == name).ok_or(crate::Error::bounds("no such vector"));
    let mut cases = front(base("vault")?);
    cases.extend(keys(base("vault")?));
    cases.extend(slots(base("store-recovery")?));
    cases.extend(factors(base("bundle-recovery")?, base("store-recovery")?));
    cases.extend(kdf(base("store-passphrase")?));
    cases.extend(kinds(made)?);
    Ok(cases)
}

fn front(base: &Made) -> Vec<Case> {
    let mut c = Cases { base, all: Vec::new() };
    let len = (base.cuts[0] - 44) as u32;
    let set_len = |n: u32| move |b: &mut Vec<u8>| b[8..12].copy_from_slice(&n.to_le_bytes());
    c.add("empty", "BadMagic", Vec::new());
    c.bytes("magic", "BadMagic", |b| b[0] = b's');
    c.bytes("magic-short", "BadMagic", |b| b.truncate(6));
    c.bytes("version-0", "Version", |b| b[7] = 0);
    c.bytes("version-2", "Version", |b| b[7] = 2);
    c.bytes("preamble-short", "Bounds", |b| b.truncate(10));
    c.bytes("header-len-0", "Bounds", set_len(0));
    c.bytes("header-len-less", "Bounds", set_len(len - 1));
    c.bytes("header-len-more", "Bounds", set_len(len + 1));
    c.bytes("header-len-huge", "Bounds", set_len(u32::MAX));
    c.body("header-too-long", "Bounds", |b| b.resize(65_537, 0));
    c.bytes("header-cut", "Bounds", |b| b.truncate(100));
    c.bytes("header-mac-cut", "Bounds", |b| b.truncate(base.cuts[0] - 1));
    c.body("header-trailing", "Bounds", |b| b.push(0));
    c.body("kind-0", "Bounds", |b| b[0] = 0);
    c.body("kind-5", "Bounds", |b| b[0] = 5);
    c.body("slots-0", "Bounds", |b| {
        b.truncate(COUNT - 12);
        b.push(0);
    });
    c.body("slots-17", "Bounds", |b| b[COUNT - 12] = 17);
    c.body("slots-missing", "Bounds", |b| b[COUNT - 12] = 2);
    c.body("slot-cut", "Bounds", |b| b.truncate(b.len() - 1));
    c.all
}

fn keys(base: &Made) -> Vec<Case> {
    let mut c = Cases { base, all: Vec::new() };
    c.bytes("wrong-key", "WrongKey", |_| ());
    if let Some(case) = c.all.last_mut() {
        case.unlock = Unlock { slot: 0, given: vec![Given::Kek([0; 32])] };
    }
    for (name, at) in
        [("file-id", FILE_ID), ("epoch", EPOCH), ("slot-id", SLOT), ("salt", SALT), ("commit", COMMIT)]
    {
        c.bytes(&format!("edited-{name}"), "WrongKey", |b| b[at] ^= 1);
    }
    // Behind a commitment that holds.
    for (name, at) in [("wrap-nonce", NONCE), ("wrapped-root", WRAPPED), ("wrapped-tag", WRAPPED + 47)] {
        c.bytes(&format!("edited-{name}"), "HeaderMac", |b| b[at] ^= 1);
    }
    // From one kind to the other with the same slot rule.
    c.bytes("edited-kind", "WrongKey", |b| b[KIND] = 3);
    for (name, at) in [("generation", GENERATION), ("created", CREATED), ("parent", PARENT)] {
        c.bytes(&format!("edited-{name}"), "HeaderMac", |b| b[at] ^= 1);
    }
    c.bytes("edited-header-mac", "HeaderMac", |b| b[base.cuts[0] - 1] ^= 1);
    c.all
}

/// Slots moved about by someone without the MAC key.
fn slots(base: &Made) -> Vec<Case> {
    let mut c = Cases { base, all: Vec::new() };
    let mac = base.bytes[base.cuts[0] - 32..base.cuts[0]].to_vec();
    let mut moved = |name: &str, slot: usize, change: &dyn Fn(&mut Vec<Slot>)| {
        let mut header = base.header.clone();
        change(&mut header.slots);
        let mut bytes = with_header(base, &header);
        let end = 12 + u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize;
        bytes[end..end + 32].copy_from_slice(&mac);
        c.add(name, "HeaderMac", bytes);
        if let Some(case) = c.all.last_mut() {
            case.unlock = Unlock { slot, given: vec![Given::Recovery(RECOVERY)] };
        }
    };
    moved("slot-removed", 0, &|slots| drop(slots.remove(0)));
    moved("slots-swapped", 0, &|slots| slots.swap(0, 1));
    moved("slot-replaced", 1, &|slots| slots[0].spec.salt = [0; 32]);
    moved("slot-added", 1, &|slots| {
        let mut new = slots[1].clone();
        new.spec.id.0[0] ^= 1;
        slots.push(new);
    });
    c.header("slot-doubled", "Slot", |h| h.slots[0].spec.id = h.slots[1].spec.id);
    c.all
}

/// One slot of a store, or of a bundle, with factors that may not be.
fn factors(bundle: &Made, store: &Made) -> Vec<Case> {
    let mut c = Cases { base: store, all: Vec::new() };
    let pass = || Factor::Passphrase(KdfParams::DEFAULT);
    let other = |number, len| Factor::Other { number, params: vec![0; len] };
    let list: Vec<(&str, u8, Vec<Factor>)> = vec![
        ("factors-0", 0, vec![]),
        ("factors-4", 0, vec![pass(), Factor::Recovery, other(3, 9), other(6, 9)]),
        ("factors-descending", 0, vec![Factor::Recovery, pass()]),
        ("factors-doubled", 0, vec![pass(), pass()]),
        ("factor-0", 0, vec![other(0, 0), pass()]),
        ("factor-9", 0, vec![pass(), other(9, 0)]),
        ("factor-params-long", 0, vec![pass(), other(4, 2049)]),
        ("yubikey-alone", 0, vec![other(3, 9)]),
        ("fido2-unverified-alone", 0, vec![other(4, 64)]),
        ("touch-id-unverified-alone", 0, vec![other(5, 9)]),
        ("keychain-alone", 0, vec![other(6, 9)]),
        ("tpm-alone", 0, vec![other(7, 9)]),
        ("keychain-and-tpm", 0, vec![other(6, 9), other(7, 9)]),
        ("tpm-verified", 1, vec![other(7, 9)]),
        ("flags-unknown", 2, vec![pass()]),
        ("flags-verified-passphrase", 1, vec![pass()]),
        ("store-key-and-passphrase", 0, vec![pass(), Factor::Store]),
        ("store-with-store-key", 0, vec![Factor::Store]),
    ];
    for (name, flags, factors) in list {
        c.header(name, "Slot", |h| {
            h.slots.truncate(1);
            (h.slots[0].spec.flags, h.slots[0].spec.factors) = (flags, factors);
        });
    }
    let mut c = Cases { base: bundle, all: c.all };
    // The factor's number, and the length of its parameters.
    c.body("recovery-with-params", "Slot", |b| {
        b[SLOT - 12 + 11] = 1;
        b.insert(SLOT - 12 + 13, 0);
    });
    c.body("passphrase-params-short", "Slot", |b| {
        (b[SLOT - 12 + 10], b[SLOT - 12 + 11]) = (1, 11);
        b.splice(SLOT - 12 + 13..SLOT - 12 + 13, [0; 11]);
    });
    c.all
}

fn kdf(base: &Made) -> Vec<Case> {
    let mut c = Cases { base, all: Vec::new() };
    let ok = KdfParams { m_kib: 65_536, t: 3, p: 1 };
    for (name, params) in [
        ("kdf-memory-low", KdfParams { m_kib: 65_535, ..ok }),
        ("kdf-memory-high", KdfParams { m_kib: 2_097_153, ..ok }),
        ("kdf-memory-huge", KdfParams { m_kib: u32::MAX, ..ok }),
        ("kdf-passes-low", KdfParams { t: 2, ..ok }),
        ("kdf-passes-high", KdfParams { t: 17, ..ok }),
        ("kdf-lanes-0", KdfParams { p: 0, ..ok }),
        ("kdf-lanes-high", KdfParams { p: 17, ..ok }),
    ] {
        c.header(name, "Kdf", |h| h.slots[0].spec.factors = vec![Factor::Passphrase(params)]);
    }
    c.all
}

/// Slots in files of the wrong kind.
fn kinds(made: &[Made]) -> Result<Vec<Case>> {
    let base = |name| made.iter().find(|m| m.name == name).ok_or(crate::Error::bounds("no such vector"));
    let (vault, recovery) = (base("vault")?, base("bundle-recovery")?);
    let mut c = Cases { base: vault, all: Vec::new() };
    c.header("store-as-vault", "Slot", |h| h.kind = FileKind::Store);
    c.header("bundle-with-store-key", "Slot", |h| h.kind = FileKind::Bundle);
    c.header("vault-two-slots", "Slot", |h| {
        let mut second = h.slots[0].clone();
        second.spec.id.0[0] ^= 1;
        h.slots.push(second);
    });
    let mut c = Cases { base: recovery, all: c.all };
    c.header("vault-with-recovery", "Slot", |h| h.kind = FileKind::Vault);
    c.header("trail-with-recovery", "Slot", |h| h.kind = FileKind::Trail);
    c.header("bundle-two-slots", "Slot", |h| {
        let mut second = h.slots[0].clone();
        second.spec.id.0[0] ^= 1;
        h.slots.push(second);
    });
    c.header("bundle-two-factors", "Slot", |h| {
        h.slots[0].spec.factors.insert(0, Factor::Passphrase(KdfParams::DEFAULT));
    });
    c.all.iter_mut().filter(|case| case.name.ends_with("vault-two-slots")).for_each(|case| {
        case.unlock = Unlock { slot: 0, given: vec![Given::Kek(KEK)] };
    });
    Ok(c.all)
}
