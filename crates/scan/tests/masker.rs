//! A masker gives out what a redactor does, at the same moments, whatever comes in and however long it waits.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FORMS, contains, needles, split};
use proptest::prelude::*;
use svault_scan::{Masker, Piece, Redactor};

const VALUES: [&[u8]; 3] =
    [b"sk-test-4f9a8b7c6d5e", b"b7c6d5e & more than that, it's 'quoted'", b"one\ntwo\nthree"];

/// What comes in: a piece, or nothing for 50 ms.
#[derive(Debug, Clone)]
enum Came {
    Piece(Vec<u8>),
    Silence,
}

/// Parts of values in their forms, whole values, and text without any, cut anywhere.
fn comings() -> impl Strategy<Value = Vec<Came>> {
    let part = (0..VALUES.len(), 0..FORMS.len(), any::<prop::sample::Index>(), any::<bool>());
    let text = prop_oneof![
        part.prop_map(|(value, form, cut, whole)| {
            let form = (FORMS[form].1)(VALUES[value]);
            form[..if whole { form.len() } else { cut.index(form.len()) + 1 }].to_vec()
        }),
        "[a-z %&'\\\\\r\n+0-9]{0,40}".prop_map(String::into_bytes),
        Just(vec![b'.'; 100]),
    ];
    let silence = prop::collection::vec(0..60usize, 0..4);
    (prop::collection::vec(text, 1..12), prop::collection::vec(1..90usize, 1..5), silence).prop_map(
        |(texts, lengths, silences)| {
            let text = texts.concat();
            let mut all: Vec<Came> =
                split(&text, &lengths).map(|piece| Came::Piece(piece.to_vec())).collect();
            silences.into_iter().for_each(|at| all.insert(at.min(all.len()), Came::Silence));
            all
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_gives_out_what_a_redactor_does(comings in comings()) {
        let mut redactor = Redactor::new(None, Some(needles(&VALUES)));
        let (mut masker, mut piece, mut out) = (Masker::new(needles(&VALUES)), Piece::default(), Vec::new());
        for came in &comings {
            out.clear();
            match came {
                Came::Piece(text) => {
                    redactor.feed(text, &mut out);
                    masker.room()[..text.len()].copy_from_slice(text);
                    masker.filled(text.len(), &mut piece);
                }
                Came::Silence => {
                    redactor.idle(&mut out);
                    masker.idle(&mut piece);
                    prop_assert!(!masker.holds());
                }
            }
            prop_assert_eq!(out.escape_ascii().to_string(), piece.escape_ascii().to_string());
            prop_assert_eq!(redactor.holds(), masker.holds());
        }
        out.clear();
        redactor.finish(&mut out);
        masker.finish(&mut piece);
        prop_assert_eq!(out.escape_ascii().to_string(), piece.escape_ascii().to_string());
    }
}

/// A beginning that waits is not lost and not copied for each piece, and the room behind it is never short.
#[test]
fn a_long_beginning_waits_behind_what_goes_out() {
    let value: Vec<u8> =
        (0..60_000u32).map(|n| b'!' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 90).collect();
    for step in [99, 999, 128 * 1024] {
        let text = [&b"before "[..], &value[..50_000], b" ", &value, b" after\n"].concat();
        let (mut masker, mut piece, mut out) =
            (Masker::new(needles(&[&value])), Piece::default(), Vec::new());
        for part in text.chunks(step) {
            assert!(masker.room().len() >= 128 * 1024);
            masker.room()[..part.len()].copy_from_slice(part);
            masker.filled(part.len(), &mut piece);
            out.extend_from_slice(&piece);
        }
        masker.finish(&mut piece);
        out.extend_from_slice(&piece);
        assert_eq!(out, [&b"before "[..], &value[..50_000], b" [svault:V0] after\n"].concat());
        assert!(!contains(&out, &value));
    }
}
