//! Factors by themselves: their names, their bytes, and the edges of what is taken.

use crate::codec::Reader;
use crate::factor::{Factors, MAX_PARAMS};
use crate::{Factor, KdfParams};

fn other(number: u8, len: usize) -> Factor {
    Factor::Other { number, params: vec![7; len] }
}

fn read(bytes: &[u8]) -> Result<Vec<Factor>, &'static str> {
    Factors::read(&mut Reader::new(bytes)).map_err(|e| e.name())
}

/// A list of one factor with so many parameter bytes.
fn one(number: u8, len: usize) -> Vec<u8> {
    let length = u16::try_from(len).unwrap().to_le_bytes();
    [&[1, number][..], &length, &vec![7; len]].concat()
}

#[test]
fn each_has_its_name() {
    let known = [Factor::Passphrase(KdfParams::DEFAULT), Factor::Recovery, Factor::Store];
    let names: Vec<&str> = known.iter().map(Factor::name).collect();
    assert_eq!(names, ["passphrase", "recovery code", "store"]);
    let names: Vec<&str> = (3..=7).map(|n| other(n, 0).name()).collect();
    assert_eq!(names, ["YubiKey", "FIDO2 key", "Touch ID", "system keychain", "TPM"]);
}

#[test]
fn what_is_written_is_read() {
    let passphrase = Factor::Passphrase(KdfParams { m_kib: 131_072, t: 4, p: 2 });
    for factors in [
        vec![passphrase.clone(), other(3, 20), other(7, MAX_PARAMS)],
        vec![Factor::Recovery],
        vec![Factor::Store],
    ] {
        let mut bytes = Vec::new();
        Factors::put(&factors, &mut bytes);
        assert_eq!(read(&bytes), Ok(factors));
    }
}

#[test]
fn parameters_have_their_length() {
    for (number, len) in [(1, 11), (1, 13), (1, 0), (2, 1), (2, 12), (8, 1), (8, 12)] {
        assert_eq!(read(&one(number, len)), Err("Slot"), "{number} with {len} bytes");
    }
    assert_eq!(read(&one(1, 12)), Err("Kdf"), "bounds hold when it is read");
    for number in 3..=7 {
        assert_eq!(read(&one(number, MAX_PARAMS)), Ok(vec![other(number, MAX_PARAMS)]));
        assert_eq!(read(&one(number, MAX_PARAMS + 1)), Err("Slot"));
    }
    for number in [0, 9, 255] {
        assert_eq!(read(&one(number, 0)), Err("Slot"), "{number} is no factor");
    }
}

#[test]
fn there_are_one_to_three() {
    let some = |n: u8| {
        let each: Vec<u8> = (0..n).flat_map(|i| [3 + i, 0, 0]).collect();
        read(&[&[n][..], &each].concat()).map(|all| all.len())
    };
    assert_eq!([0, 1, 3, 4].map(some), [Err("Slot"), Ok(1), Ok(3), Err("Slot")]);
}

#[test]
fn a_list_that_breaks_a_rule_is_refused() {
    let passphrase = || Factor::Passphrase(KdfParams::DEFAULT);
    let cheap = Factor::Passphrase(KdfParams { m_kib: 1, t: 1, p: 1 });
    let check = |factors: &[Factor], verified| Factors::check(factors, verified).map_err(|e| e.name());
    for (factors, verified, expected) in [
        (vec![passphrase()], false, Ok(())),
        (vec![Factor::Recovery], false, Ok(())),
        (vec![Factor::Store], false, Ok(())),
        (vec![passphrase(), other(3, MAX_PARAMS)], false, Ok(())),
        (vec![other(4, 9)], true, Ok(())),
        (vec![other(5, 9)], true, Ok(())),
        (vec![passphrase(), other(4, 9)], true, Ok(())),
        (vec![], false, Err("Slot")),
        (vec![passphrase(), other(3, 0), other(4, 0), other(5, 0)], false, Err("Slot")),
        (vec![other(3, 0), passphrase()], false, Err("Slot")),
        (vec![passphrase(), passphrase()], false, Err("Slot")),
        (vec![cheap], false, Err("Kdf")),
        (vec![passphrase(), other(3, MAX_PARAMS + 1)], false, Err("Slot")),
        (vec![passphrase(), other(8, 0)], false, Err("Slot")),
        (vec![other(2, 0)], false, Err("Slot")),
        (vec![passphrase(), Factor::Store], false, Err("Slot")),
        (vec![passphrase()], true, Err("Slot")),
        (vec![passphrase(), other(3, 0)], true, Err("Slot")),
        (vec![other(3, 0)], false, Err("Slot")),
        (vec![other(4, 0)], false, Err("Slot")),
    ] {
        assert_eq!(check(&factors, verified), expected, "{factors:?} {verified}");
    }
}
