//! Slots: what opens them, what they are bound to, and what happens when someone moves them about.

use super::*;
use crate::{
    FLAG_USER_VERIFIED, KdfParams, RecoveryCode, SlotId,
    hash::{hkdf_key, mac},
};
use secret::Bytes;

const ID: FileId = FileId([3; 16]);

fn place(epoch: u64) -> SlotPlace<'static> {
    SlotPlace { kind: FileKind::Store, file_id: &ID, epoch }
}

fn recovery(n: u8) -> FactorOutput {
    FactorOutput::Recovery(Bytes::copy_from(&[n; 20]).unwrap())
}

fn pass_output(n: u8) -> FactorOutput {
    FactorOutput::Passphrase(Key::copy_from(&[n; 32]).unwrap())
}

fn keys(spec: &SlotSpec, epoch: u64, outputs: &[FactorOutput]) -> SlotKeys {
    derive(FileKind::Store, &ID, epoch, spec, outputs).unwrap()
}

fn spec(factors: Vec<Factor>) -> SlotSpec {
    SlotSpec::new(factors, &mut OsRandom).unwrap()
}

#[test]
fn hkdf_and_hmac_give_the_known_answers() {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    // RFC 5869, test case 1 (the first 32 bytes).
    let salt: Vec<u8> = (0..=0x0c).collect();
    let info: Vec<u8> = (0xf0..=0xf9).collect();
    let okm = hkdf_key(&salt, &[0x0b; 22], &[&info[..4], &info[4..]]).unwrap();
    assert_eq!(hex(okm.expose()), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    // RFC 4231, test case 1, whose key of 20 bytes is the same as one of 32 with zeros at its end.
    let mut key = [0; 32];
    key[..20].fill(0x0b);
    let tag = mac(&Key::copy_from(&key).unwrap(), &[b"Hi ", b"There"]);
    assert_eq!(hex(&tag), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

#[test]
fn xaes_gives_the_known_answer() {
    // C2SP XAES-256-GCM, the two test vectors of the specification.
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let nonce: [u8; 24] = *b"ABCDEFGHIJKLMNOPQRSTUVWX";
    for (key, ad, expected) in [
        (1, &b""[..], "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (3, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ] {
        let cipher = crate::cipher::Cipher::new(&Key::copy_from(&[key; 32]).unwrap());
        let plain = b"XAES-256-GCM";
        let mut out = [0; 12];
        let tag = cipher.seal(&nonce, ad, plain, &mut out).unwrap();
        assert_eq!(format!("{}{}", hex(&out), hex(&tag)), expected);
        let mut back = [0; 12];
        assert!(cipher.open(&nonce, ad, &out, &tag, &mut back));
        assert_eq!(&back, plain);
        assert!(!cipher.open(&nonce, b"other", &out, &tag, &mut back));
    }
}

#[test]
fn a_passphrase_opens_its_slot_and_no_other_does() {
    let params = KdfParams { m_kib: 64 * 1024, t: 3, p: 1 };
    let spec = spec(vec![Factor::Passphrase(params)]);
    let root = Root::random(&mut OsRandom).unwrap();
    let typed = |text: &[u8]| crate::passphrase_output(&spec, &Bytes::copy_from(text).unwrap()).unwrap();
    let right = keys(&spec, 1, &[typed(b"correct horse")]);
    let slot = Slot::seal(&spec, &right, &root, place(1), &mut OsRandom).unwrap();
    let again = keys(&spec, 1, &[typed(b"correct horse")]);
    assert!(slot.unwrap(&again, place(1)).unwrap().0.ct_eq(root.0.expose()));
    let wrong = keys(&spec, 1, &[typed(b"correct horsf")]);
    assert!(!slot.check_commit(&wrong));
    assert_eq!(slot.unwrap(&wrong, place(1)).unwrap_err().name(), "WrongKey");
    for text in [&b""[..], &[b'x'; 4097]] {
        let typed = Bytes::copy_from(text).unwrap();
        assert_eq!(crate::passphrase_output(&spec, &typed).unwrap_err().name(), "Bounds");
    }
}

#[test]
fn a_recovery_code_opens_its_slot() {
    let spec = spec(vec![Factor::Recovery]);
    let code = RecoveryCode::generate(&mut OsRandom).unwrap();
    let text = code.to_text().unwrap();
    let root = Root::random(&mut OsRandom).unwrap();
    let right = keys(&spec, 1, &[FactorOutput::recovery(code)]);
    let slot = Slot::seal(&spec, &right, &root, place(1), &mut OsRandom).unwrap();
    let typed = FactorOutput::recovery(RecoveryCode::parse(&text).unwrap());
    assert!(slot.unwrap(&keys(&spec, 1, &[typed]), place(1)).is_ok());
    assert!(slot.unwrap(&keys(&spec, 1, &[recovery(0)]), place(1)).is_err());
}

#[test]
fn all_factors_are_needed_in_their_order() {
    let both = spec(vec![Factor::Passphrase(KdfParams::DEFAULT), Factor::Recovery]);
    let try_with = |outputs: &[FactorOutput]| derive(FileKind::Store, &ID, 1, &both, outputs).map(|_| ());
    try_with(&[pass_output(1), recovery(2)]).unwrap();
    for outputs in [vec![], vec![pass_output(1)], vec![recovery(2)], vec![recovery(2), pass_output(1)]] {
        assert_eq!(try_with(&outputs).unwrap_err().name(), "Slot");
    }
    let short = FactorOutput::Recovery(Bytes::copy_from(&[1; 19]).unwrap());
    assert_eq!(try_with(&[pass_output(1), short]).unwrap_err().name(), "Slot");
    assert!(both.usable());
    let with_yubikey = SlotSpec {
        factors: vec![Factor::Passphrase(KdfParams::DEFAULT), Factor::Other { number: 3, params: vec![] }],
        ..both
    };
    assert!(!with_yubikey.usable());
    let e = derive(FileKind::Store, &ID, 1, &with_yubikey, &[pass_output(1), recovery(2)]).unwrap_err();
    assert_eq!(e.name(), "Slot");
}

#[test]
fn keys_differ_with_everything_they_are_bound_to() {
    let base = SlotSpec {
        id: SlotId([1; 8]),
        flags: 0,
        factors: vec![Factor::Passphrase(KdfParams::DEFAULT)],
        salt: [0; 32],
    };
    let all = |kind, id: &FileId, epoch, spec: &SlotSpec| {
        let keys = derive(kind, id, epoch, spec, &[pass_output(1)]).unwrap();
        [*keys.wrap.expose(), *keys.commit.expose(), *keys.presence.expose()]
    };
    let cheaper = Factor::Passphrase(KdfParams { t: 4, ..KdfParams::DEFAULT });
    let made = [
        all(FileKind::Store, &ID, 1, &base),
        all(FileKind::Bundle, &ID, 1, &base),
        all(FileKind::Store, &FileId([9; 16]), 1, &base),
        all(FileKind::Store, &ID, 2, &base),
        all(FileKind::Store, &ID, 1, &SlotSpec { id: SlotId([2; 8]), ..base.clone() }),
        all(FileKind::Store, &ID, 1, &SlotSpec { factors: vec![cheaper], ..base.clone() }),
        all(FileKind::Store, &ID, 1, &SlotSpec { salt: [1; 32], ..base.clone() }),
    ];
    for (i, a) in made.iter().enumerate() {
        assert!(a[0] != a[1] && a[1] != a[2] && a[0] != a[2]);
        for b in &made[..i] {
            assert!(a[0] != b[0] && a[1] != b[1]);
        }
    }
}

#[test]
fn a_slot_from_another_file_epoch_or_id_does_not_open() {
    let spec = spec(vec![Factor::Recovery]);
    let root = Root::random(&mut OsRandom).unwrap();
    let right = keys(&spec, 1, &[recovery(7)]);
    let slot = Slot::seal(&spec, &right, &root, place(1), &mut OsRandom).unwrap();
    let other_id = FileId([9; 16]);
    for place in [
        place(2),
        SlotPlace { kind: FileKind::Bundle, ..place(1) },
        SlotPlace { file_id: &other_id, ..place(1) },
    ] {
        // The right keys for the place it was moved to.
        let moved = derive(place.kind, place.file_id, place.epoch, &spec, &[recovery(7)]).unwrap();
        assert_eq!(slot.unwrap(&moved, place).unwrap_err().name(), "WrongKey");
        // And its own keys, which say that it is the place that is wrong.
        assert_eq!(slot.unwrap(&right, place).unwrap_err().name(), "HeaderMac");
    }
    let edited = SlotSpec { flags: FLAG_USER_VERIFIED, ..slot.spec.clone() };
    assert_eq!(
        Slot { spec: edited, ..slot.clone() }.unwrap(&right, place(1)).unwrap_err().name(),
        "HeaderMac"
    );
}

#[test]
fn spec_bytes_come_back_and_nothing_else_is_taken() {
    for factors in [
        vec![Factor::Passphrase(KdfParams::DEFAULT)],
        vec![Factor::Passphrase(KdfParams::DEFAULT), Factor::Other { number: 3, params: vec![7; 63] }],
        vec![Factor::Store],
    ] {
        let spec = spec(factors);
        let bytes = spec.encode();
        assert_eq!(SlotSpec::decode(&bytes).unwrap(), spec);
        assert!(SlotSpec::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(SlotSpec::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
    assert!(SlotSpec::new(vec![Factor::Other { number: 7, params: vec![] }], &mut OsRandom).is_err());
}

/// A store with a passphrase-like and a recovery slot, for edits of slots by someone without keys.
fn store() -> (SimDisk, Head) {
    let disk = disk();
    let root = Root::random(&mut OsRandom).unwrap();
    let slots = [7, 8]
        .map(|n| {
            let spec = spec(vec![Factor::Recovery]);
            Slot::seal(&spec, &keys(&spec, 1, &[recovery(n)]), &root, place(1), &mut OsRandom).unwrap()
        })
        .to_vec();
    let kind = FileKind::Store;
    let new = NewFile { kind, file_id: ID, epoch: 1, generation: 1, created: 0, parent_chain: [0; 32] };
    let mut log = Log::create(arc(&disk), path(), new, root, slots).unwrap();
    add(&mut log, 1);
    (disk.clone(), log.close().unwrap())
}

fn open_store(disk: &SimDisk, head: Head, slot: usize, n: u8) -> Result<()> {
    let unlock = move |header: &Header| {
        let slot = header.slots.get(slot).ok_or(Error::bounds("slot"))?;
        slot.unwrap(&keys(&slot.spec, header.epoch, &[recovery(n)]), header.place())
    };
    Log::open(arc(disk), path(), unlock, HeadRule::AtLeast(head), |_| Ok(())).map(|_| ())
}

#[test]
fn slots_edited_removed_added_and_swapped() {
    let (disk, head) = store();
    open_store(&disk, head, 0, 7).unwrap();
    open_store(&disk, head, 1, 8).unwrap();
    assert_eq!(open_store(&disk, head, 1, 7).unwrap_err().name(), "WrongKey");
    let good = disk.bytes(path()).unwrap();
    let len = 8 + 1 + 1 + 3 + 32 + 32 + 24 + 48;
    let count = 12 + 1 + 16 + 24 + 32;
    let (first, second, end) = (count + 1, count + 1 + len, count + 1 + 2 * len);
    let with = |body: &[&[u8]], slots: u8| {
        let mut bytes = good[..first].to_vec();
        bytes[count] = slots;
        body.iter().for_each(|part| bytes.extend_from_slice(part));
        let header = (bytes.len() - 12) as u32;
        bytes[8..12].copy_from_slice(&header.to_le_bytes());
        bytes.extend_from_slice(&good[end..]);
        disk.put(path(), &bytes);
    };
    let (a, b) = (&good[first..second], &good[second..end]);
    with(&[b, a], 2);
    assert_eq!(open_store(&disk, head, 0, 8).unwrap_err().name(), "HeaderMac", "swapped");
    with(&[a], 1);
    assert_eq!(open_store(&disk, head, 0, 7).unwrap_err().name(), "HeaderMac", "removed");
    with(&[a, a], 2);
    assert_eq!(open_store(&disk, head, 0, 7).unwrap_err().name(), "Slot", "doubled");
    // A slot of the attacker's own: the right shape, his own key.
    let (theirs, _) = store();
    let theirs = theirs.bytes(path()).unwrap();
    with(&[a, b, &theirs[first..second]], 3);
    assert_eq!(open_store(&disk, head, 2, 7).unwrap_err().name(), "HeaderMac", "added");
    assert_eq!(open_store(&disk, head, 0, 7).unwrap_err().name(), "HeaderMac", "added");
    for (at, name) in [(8, "Slot"), (14, "WrongKey"), (46, "WrongKey"), (80, "HeaderMac"), (110, "HeaderMac")]
    {
        let mut edited = a.to_vec();
        edited[at] ^= 4;
        with(&[&edited, b], 2);
        assert_eq!(open_store(&disk, head, 0, 7).unwrap_err().name(), name, "byte {at}");
        // Whoever edits one slot locks out the others too: the header is one.
        let expected = if name == "Slot" { "Slot" } else { "HeaderMac" };
        assert_eq!(open_store(&disk, head, 1, 8).unwrap_err().name(), expected);
    }
}
