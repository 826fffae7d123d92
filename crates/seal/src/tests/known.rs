//! Known answers for what the file is built from: C2SP XAES-256-GCM, RFC 5869 HKDF, RFC 9106 Argon2id, and Project
//! Wycheproof on the AES-256-GCM inside of XAES.

use crate::cipher::{Cipher, NONCE, TAG};
use crate::hash::{expand, extract};
use secret::Key;
use sha3::Shake128;
use sha3::digest::{ExtendableOutput, Update, XofReader};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn key(bytes: &[u8; 32]) -> Key {
    let mut key = Key::zeroed().unwrap();
    key.expose_mut().copy_from_slice(bytes);
    key
}

/// Seals, checks that it opens again, and gives ciphertext and tag.
fn sealed(bytes: &[u8; 32], nonce: &[u8; NONCE], ad: &[u8], plain: &[u8]) -> Vec<u8> {
    let cipher = Cipher::new(&key(bytes));
    let mut out = vec![0; plain.len()];
    let tag: [u8; TAG] = cipher.seal(nonce, ad, plain, &mut out).unwrap();
    let mut back = vec![0; plain.len()];
    assert!(cipher.open(nonce, ad, &out, &tag, &mut back));
    assert_eq!(back, plain);
    let mut bad = tag;
    bad[0] ^= 1;
    assert!(!cipher.open(nonce, ad, &out, &bad, &mut back));
    out.extend_from_slice(&tag);
    out
}

#[test]
fn xaes_256_gcm_gives_the_answers_of_c2sp() {
    let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
    let first = sealed(&[1; 32], nonce, b"", b"XAES-256-GCM");
    assert_eq!(hex(&first), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
    let second = sealed(&[3; 32], nonce, b"c2sp.org/XAES-256-GCM", b"XAES-256-GCM");
    assert_eq!(hex(&second), "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

#[test]
fn xaes_256_gcm_gives_the_accumulated_answer_of_c2sp() {
    let mut source = Shake128::default().finalize_xof();
    let mut all = Shake128::default();
    for _ in 0..10_000 {
        let (mut key, mut nonce, mut len) = ([0; 32], [0; NONCE], [0; 1]);
        source.read(&mut key);
        source.read(&mut nonce);
        source.read(&mut len);
        let mut plain = vec![0; usize::from(len[0])];
        source.read(&mut plain);
        source.read(&mut len);
        let mut ad = vec![0; usize::from(len[0])];
        source.read(&mut ad);
        all.update(&sealed(&key, &nonce, &ad, &plain));
    }
    let mut sum = [0; 32];
    all.finalize_xof().read(&mut sum);
    assert_eq!(hex(&sum), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

#[test]
fn hkdf_gives_the_answers_of_rfc_5869() {
    let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let cases = [
        (
            vec![0x0b; 22],
            range(0, 0x0c),
            range(0xf0, 0xf9),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            range(0, 0x4f),
            range(0x60, 0xaf),
            range(0xb0, 0xff),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da32756\
             00c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            Vec::new(),
            Vec::new(),
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (ikm, salt, info, prk, okm) in cases {
        let found = extract(&salt, &ikm).unwrap();
        assert_eq!(hex(found.expose()), prk);
        let mut out = vec![0; okm.len() / 2];
        // In two parts, as the file's own labels are.
        let (front, back) = info.split_at(info.len() / 2);
        expand(&found, &[front, back], &mut out).unwrap();
        assert_eq!(hex(&out), okm);
    }
}

#[test]
fn argon2id_gives_the_answer_of_rfc_9106() {
    // Section 5.3, with a secret and associated data, which the file itself doesn't use.
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .output_len(32)
        .build()
        .unwrap();
    let secret = [3; 8];
    let argon2 =
        argon2::Argon2::new_with_secret(&secret, argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut out = [0; 32];
    argon2.unwrap().hash_password_into(&[1; 32], &[2; 16], &mut out).unwrap();
    assert_eq!(hex(&out), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

#[test]
fn aes_256_gcm_holds_against_wycheproof() {
    use aes_gcm::aead::{Aead, KeyInit, Payload};
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let mut tried = 0;
    for group in set.test_groups {
        // What the file and the channel use: 256-bit keys, 96-bit nonces, whole tags.
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let cipher = aes_gcm::Aes256Gcm::new_from_slice(&test.key).unwrap();
            let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
            let ours = cipher.encrypt(&nonce.into(), Payload { msg: &test.pt, aad: &test.aad }).unwrap();
            let theirs = [&test.ct[..], &test.tag[..]].concat();
            let opened = cipher.decrypt(&nonce.into(), Payload { msg: &theirs, aad: &test.aad });
            let must_fail = test.result.must_fail();
            assert_eq!(opened.is_err(), must_fail, "{}: {}", test.tc_id, test.comment);
            assert_eq!(ours == theirs, !must_fail, "{}: {}", test.tc_id, test.comment);
            tried += 1;
        }
    }
    assert!(tried > 50, "only {tried} were tried");
}
