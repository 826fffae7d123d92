//! What a search for hidden values takes, counted: no text and no value makes it long, and what an ordinary value has in
//! common with a text never uses up what is allowed.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FORMS, sightings, split};
use proptest::prelude::*;
use secret::Bytes;
use svault_scan::{Hidden, Sighting, Stream, TooMuchWork, work_allowed};

const FRAME: usize = 64 << 10;

fn set(value: &[u8]) -> Hidden {
    let mut hidden = Hidden::new(1).unwrap();
    assert!(hidden.add(0, value));
    hidden
}

/// Searches a text in pieces; every piece stays within what its length allows, and one step more.
fn search<'a>(
    value: &[u8],
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Sighting>, TooMuchWork> {
    let (hidden, mut stream, mut all) = (set(value), Stream::default(), Vec::new());
    for piece in pieces {
        let found = hidden.search(&mut stream, piece, |_| Bytes::copy_from(value).ok());
        assert!(stream.work() <= work_allowed(piece.len()) + 8192, "{} of {}", stream.work(), piece.len());
        all.extend(found?);
    }
    Ok(all)
}

fn random(len: usize) -> Vec<u8> {
    let mut state = 7u64;
    let step = |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab"[(state >> 58) as usize]
    };
    (0..len).map(step).collect()
}

#[test]
fn a_value_that_repeats_itself_can_not_be_made_to_take_its_length_for_each_byte() {
    let value = [&b"ab".repeat(32_766)[..], b"cd"].concat();
    let text = b"ab".repeat(FRAME / 2);
    let whole = set(&value).search(&mut Stream::default(), &text, |_| panic!("it is not there"));
    assert_eq!(whole, Err(TooMuchWork));
    assert_eq!(search(&value, text.chunks(FRAME)), Err(TooMuchWork));
    assert_eq!(search(&value, text.chunks(1000)), Err(TooMuchWork));
    // The stream goes on behind it.
    let (hidden, mut stream) = (set(&random(40)), Stream::default());
    stream.skip(1000);
    let found = hidden.search(&mut stream, &random(40), |_| Bytes::copy_from(&random(40)).ok()).unwrap();
    assert_eq!(found.iter().map(|s| s.range.clone()).collect::<Vec<_>>(), vec![1000..1040]);
}

#[test]
fn a_text_of_known_beginnings_is_searched_to_its_end() {
    let value = random(4000);
    for known in [8, 11, 12, 13, 23, 24, 25, 47, 48, 63, 64, 100, 384, 1000, 3999] {
        for between in ["", " ", "\n", "'", "'%+\\&", "%41\\x41&#65;'\\''+", "=="] {
            let one = [&value[..known], between.as_bytes()].concat();
            let text: Vec<u8> = one.iter().copied().cycle().take(FRAME - 4000).collect();
            let text = [&text[..], b" ", &value].concat();
            for lengths in [FRAME, 5000, 997] {
                let found = search(&value, text.chunks(lengths));
                let found = found.unwrap_or_else(|e| panic!("{e:?}: {known} {between} {lengths}"));
                let ends: Vec<usize> = found.iter().map(|s| s.range.end).collect();
                assert_eq!(ends, [text.len()], "{known} {between} {lengths}");
            }
        }
    }
}

#[test]
fn what_has_begun_makes_no_work_for_each_piece() {
    let value = random(40_000);
    let (hidden, mut stream) = (set(&value), Stream::default());
    let found = hidden.search(&mut stream, &value[..39_000], |_| None).unwrap();
    assert_eq!(found, []);
    for byte in &value[39_000..39_999] {
        hidden.search(&mut stream, &[*byte], |_| None).unwrap();
        assert!(stream.work() < 200, "{}", stream.work());
    }
    let found = hidden.search(&mut stream, &value[39_999..], |_| Bytes::copy_from(&value).ok()).unwrap();
    assert_eq!(found, [Sighting { range: 0..40_000, id: 0 }]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn however_a_text_is_split_a_hidden_value_is_found(
        value in prop_oneof![
            prop::collection::vec(any::<u8>(), 12..300),
            "[ -~]{12,80}".prop_map(String::into_bytes),
            prop::collection::vec(prop::sample::select(b"ab'\"\\/&%+<n0 ".to_vec()), 40..80),
        ],
        form in 0..FORMS.len(),
        lengths in prop_oneof![Just(vec![1]), prop::collection::vec(1..60usize, 1..6)],
    ) {
        let mut hidden = Hidden::new(1).unwrap();
        prop_assume!(hidden.add(0, &value));
        let (name, encode) = FORMS[form];
        let text = [b"before: ", &encode(&value)[..], b" :after"].concat();
        let open = |_| Bytes::copy_from(&value).ok();
        let whole = sightings(&hidden, &text, open);
        let mut stream = Stream::default();
        let mut all = Vec::new();
        for piece in split(&text, &lengths) {
            all.extend(hidden.search(&mut stream, piece, open).unwrap());
        }
        let covered = |s: &Sighting| all.iter().any(|o| o.range.start <= s.range.start && o.range.end >= s.range.end);
        prop_assert!(!whole.is_empty() && whole.iter().all(covered), "{name} {whole:?} {all:?}");
    }
}
