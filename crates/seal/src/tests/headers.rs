//! Headers that someone edited: each field, and the rules of which slot may be where.

use super::*;
use crate::{KdfParams, MAX_HEAD, MAX_HEADER, Slot};

fn header(kind: FileKind, specs: Vec<Vec<Factor>>) -> Header {
    let slots = specs.into_iter().map(fake_slot).collect();
    Header {
        kind,
        file_id: FileId([1; 16]),
        epoch: 1,
        generation: 1,
        created: 0,
        parent_chain: [0; 32],
        slots,
    }
}

/// A slot that nothing opens, for rules that must hold before anything is opened.
fn fake_slot(factors: Vec<Factor>) -> Slot {
    let mut id = [0; 8];
    OsRandom.fill(&mut id).unwrap();
    let spec = SlotSpec { id: crate::SlotId(id), flags: 0, factors, salt: [0; 32] };
    Slot { spec, commit: [0; 32], nonce: [0; 24], wrapped: [0; 48] }
}

/// The bytes of a header without regard for any rule.
fn raw(header: &Header) -> Vec<u8> {
    use crate::codec::Write;
    let mut body = Vec::new();
    body.put_u8(header.kind as u8).put(&header.file_id.0).put_u64(header.epoch).put_u64(header.generation);
    body.put_u64(header.created).put(&header.parent_chain).put_u8(header.slots.len() as u8);
    header.slots.iter().for_each(|slot| slot.put(&mut body));
    let mut out = b"SVAULT\0\x01".to_vec();
    out.put_u32(body.len() as u32).put(&body).put(&[0; 32]);
    out
}

fn verdict(header: &Header) -> &'static str {
    Header::parse(&raw(header)).err().map_or("ok", |e| e.name())
}

fn pass() -> Factor {
    Factor::Passphrase(KdfParams::DEFAULT)
}

fn other(number: u8) -> Factor {
    Factor::Other { number, params: vec![1; 20] }
}

#[test]
fn which_slot_where() {
    use FileKind::{Bundle, Store, Trail, Vault};
    let cases = [
        (Store, vec![vec![pass()]], "ok"),
        (Store, vec![vec![pass()], vec![Factor::Recovery], vec![pass(), other(3)]], "ok"),
        (Store, vec![vec![Factor::Store]], "Slot"),
        (Store, vec![vec![pass()], vec![Factor::Store]], "Slot"),
        (Store, vec![], "Bounds"),
        (Store, vec![vec![pass()]; 16], "ok"),
        (Store, vec![vec![pass()]; 17], "Bounds"),
        (Vault, vec![vec![Factor::Store]], "ok"),
        (Vault, vec![vec![Factor::Store], vec![Factor::Store]], "Slot"),
        (Vault, vec![vec![pass()]], "Slot"),
        (Trail, vec![vec![Factor::Store]], "ok"),
        (Trail, vec![vec![Factor::Recovery]], "Slot"),
        (Bundle, vec![vec![pass()]], "ok"),
        (Bundle, vec![vec![Factor::Recovery]], "ok"),
        (Bundle, vec![vec![pass(), Factor::Recovery]], "Slot"),
        (Bundle, vec![vec![pass()], vec![Factor::Recovery]], "Slot"),
        (Bundle, vec![vec![Factor::Store]], "Slot"),
        (Bundle, vec![vec![pass(), other(3)]], "Slot"),
    ];
    for (kind, specs, expected) in cases {
        let header = header(kind, specs);
        assert_eq!(verdict(&header), expected, "{header:?}");
    }
}

#[test]
fn which_factors_may_stand_alone() {
    let of = |flags, factors: Vec<Factor>| {
        let mut header = header(FileKind::Store, vec![factors]);
        header.slots[0].spec.flags = flags;
        verdict(&header)
    };
    for number in [3, 4, 5, 6, 7] {
        assert_eq!(of(0, vec![other(number)]), "Slot", "{number} alone");
        assert_eq!(of(0, vec![pass(), other(number)]), "ok", "{number} with a passphrase");
        let verified = if matches!(number, 4 | 5) { "ok" } else { "Slot" };
        assert_eq!(of(1, vec![other(number)]), verified, "{number} verified");
    }
    assert_eq!(of(0, vec![other(6), other(7)]), "Slot");
    assert_eq!(of(1, vec![pass()]), "Slot");
    assert_eq!(of(2, vec![pass()]), "Slot");
    assert_eq!(of(0x80, vec![pass()]), "Slot");
    assert_eq!(of(0, vec![pass(), pass()]), "Slot");
    assert_eq!(of(0, vec![Factor::Recovery, pass()]), "Slot");
    assert_eq!(of(0, vec![pass(), Factor::Recovery, other(3), other(4)]), "Slot");
    assert_eq!(of(0, vec![pass(), Factor::Store]), "Slot");
    assert_eq!(of(0, vec![]), "Slot");
    assert_eq!(of(0, vec![pass(), other(9)]), "Slot");
    assert_eq!(of(0, vec![other(0), pass()]), "Slot");
}

#[test]
fn two_slots_with_one_id() {
    let mut header = header(FileKind::Store, vec![vec![pass()], vec![Factor::Recovery]]);
    header.slots[1].spec.id = header.slots[0].spec.id;
    assert_eq!(verdict(&header), "Slot");
}

#[test]
fn kdf_parameters_out_of_bounds() {
    for params in [
        KdfParams { m_kib: 4, ..KdfParams::DEFAULT },
        KdfParams { m_kib: u32::MAX, ..KdfParams::DEFAULT },
        KdfParams { t: 0, ..KdfParams::DEFAULT },
        KdfParams { t: 17, ..KdfParams::DEFAULT },
        KdfParams { p: 0, ..KdfParams::DEFAULT },
        KdfParams { p: 1 << 30, ..KdfParams::DEFAULT },
    ] {
        let header = header(FileKind::Store, vec![vec![Factor::Passphrase(params)]]);
        assert_eq!(verdict(&header), "Kdf");
    }
}

#[test]
fn lengths_that_lie() {
    let good = raw(&header(FileKind::Store, vec![vec![pass()], vec![Factor::Recovery]]));
    assert_eq!(Header::parse(&good).unwrap().1, good.len());
    let name = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        Header::parse(&bytes).err().map_or("ok", |e| e.name())
    };
    let len = u32::from_le_bytes(good[8..12].try_into().unwrap());
    let set_len = |n: u32| move |b: &mut Vec<u8>| b[8..12].copy_from_slice(&n.to_le_bytes());
    assert_eq!(name(&set_len(len - 1)), "Bounds");
    assert_eq!(name(&set_len(len + 1)), "Bounds");
    assert_eq!(name(&set_len(0)), "Bounds");
    assert_eq!(name(&set_len(u32::MAX)), "Bounds");
    assert_eq!(name(&set_len(MAX_HEADER as u32 + 1)), "Bounds");
    assert_eq!(name(&|b| b[0] = b's'), "BadMagic");
    assert_eq!(name(&|b| b[7] = 0), "Version");
    assert_eq!(name(&|b| b[7] = 2), "Version");
    assert_eq!(name(&|b| b[12] = 0), "Bounds");
    assert_eq!(name(&|b| b[12] = 5), "Bounds");
    // The number of slots, and in the first slot: factors, a factor's number, its length.
    let slots = 12 + 1 + 16 + 24 + 32;
    assert_eq!(name(&|b| b[slots] = 3), "Bounds");
    assert_eq!(name(&|b| b[slots] = 1), "Bounds");
    assert_eq!(name(&|b| b[slots + 10] = 0), "Slot");
    assert_eq!(name(&|b| b[slots + 10] = 4), "Slot");
    assert_eq!(name(&|b| b[slots + 11] = 99), "Slot");
    assert_eq!(name(&|b| b[slots + 12] = 13), "Slot");
    assert_eq!(name(&|b| b[slots + 13] = 0xff), "Slot");
    for cut in 0..good.len() {
        assert!(Header::parse(&good[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn any_bytes_at_all_are_refused_or_parsed_and_nothing_else() {
    let good = raw(&header(FileKind::Store, vec![vec![pass()], vec![pass(), other(3)]]));
    let mut dice = Dice(7);
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        let mut at = [0; 6];
        dice.fill(&mut at).unwrap();
        for two in at.chunks(2) {
            let place = 7 + (usize::from(two[0]) * 3) % (bytes.len() - 7);
            bytes[place] ^= two[1];
        }
        if let Ok((header, end)) = Header::parse(&bytes) {
            assert_eq!(raw(&header)[..end - 32], bytes[..end - 32]);
        }
    }
}

#[test]
fn every_edited_field_of_a_real_header_fails() {
    let (disk, head, cuts) = vault_with(&[1]);
    let good = disk.bytes(path()).unwrap();
    for at in 12..cuts[0] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        disk.put(path(), &bytes);
        let e = fails(&disk, HeadRule::AtLeast(head));
        assert!(
            matches!(
                e,
                Error::Bounds { .. } | Error::Slot { .. } | Error::WrongKey { .. } | Error::HeaderMac { .. }
            ),
            "{at}: {e}"
        );
    }
    // Counters that no slot is bound to are under the MAC.
    for at in [12 + 1 + 16 + 8, 12 + 1 + 16 + 16, 12 + 1 + 16 + 24] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        disk.put(path(), &bytes);
        assert_eq!(fails(&disk, HeadRule::AtLeast(head)).name(), "HeaderMac");
    }
}

#[test]
fn a_header_that_could_not_be_read_back_is_not_written() {
    let root = Root::random(&mut OsRandom).unwrap();
    let full = |len| vec![pass(), Factor::Other { number: 3, params: vec![1; len] }, other(7)];
    let mut longest = None;
    for len in [2000, 2048] {
        for slots in 1..=16 {
            let header = header(FileKind::Store, vec![full(len); slots]);
            let keys = root.file_keys(&header.file_id, header.epoch).unwrap();
            match header.encode(&keys) {
                Ok(sealed) => {
                    assert!(
                        Header::parse(&[&sealed.bytes[..], &sealed.mac].concat()).is_ok(),
                        "{slots} slots"
                    );
                    longest = longest.max(Some(sealed.bytes.len()));
                }
                Err(e) => assert_eq!(e.name(), "Bounds", "{slots} slots of {len}"),
            }
        }
    }
    assert!(longest.is_some_and(|len| len <= MAX_HEADER + 12), "{longest:?}");
    assert_eq!(crate::MAX_HEAD, 12 + 65_536 + 32);
}

#[test]
fn a_header_may_be_as_long_as_it_may_be_read_and_no_longer() {
    let long = |number| Factor::Other { number, params: vec![1; 2048] };
    let mut longest = header(FileKind::Store, vec![vec![pass(), long(3)]; 16]);
    let keys = Root::random(&mut OsRandom).unwrap().file_keys(&longest.file_id, 1).unwrap();
    let mut left = MAX_HEAD - raw(&longest).len();
    for slot in &mut longest.slots {
        // A third factor: its number, its length, and as many bytes as there is room for.
        let params = vec![1; left.saturating_sub(3).min(2048)];
        left -= if left < 3 { break } else { 3 + params.len() };
        slot.spec.factors.push(Factor::Other { number: 4, params });
    }
    assert_eq!((raw(&longest).len(), verdict(&longest)), (MAX_HEAD, "ok"));
    assert_eq!(longest.encode(&keys).unwrap().bytes.len() + crate::header::HEADER_MAC, MAX_HEAD);
    let Factor::Other { params, .. } = &mut longest.slots[15].spec.factors[1] else { panic!() };
    params.pop();
    longest.encode(&keys).unwrap();
    longest.slots[0].spec.factors[1] = long(3);
    longest.slots[15].spec.factors.push(Factor::Other { number: 4, params: vec![1; 8] });
    let Err(e) = longest.encode(&keys) else { panic!("it was made") };
    assert_eq!((e.name(), verdict(&longest)), ("Bounds", "Bounds"));
}
