//! What stands in the way of a value: another value that it begins in, and text before it that looks like half an escape.

mod common;

use common::{contains, form, needles, redact, sightings, split};
use proptest::prelude::*;
use secret::Bytes;
use svault_scan::Hidden;

const BEFORE: &[u8] = b"before: ";
const AFTER: &[u8] = b" :after";

fn value() -> impl Strategy<Value = Vec<u8>> {
    "[A-Za-z0-9:@/\"' ]{20,60}".prop_map(String::into_bytes)
}

/// Two values, the second of which begins with the last bytes of the first; and both in one text.
fn chained() -> impl Strategy<Value = ([Vec<u8>; 2], Vec<u8>)> {
    (value(), value(), any::<prop::sample::Index>()).prop_map(|(first, rest, at)| {
        let shared = &first[at.index(first.len() - 1) + 1..];
        let second = [shared, &rest].concat();
        let text = [&first[..], &rest].concat();
        ([first, second], text)
    })
}

/// Forms whose characters are each of one byte of the value, so that two values can overlap in them.
const FORMS: &[&str] = &["raw", "hex", "HEX", "url full", "url minimal", "json", "single quotes", "html"];

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), Just(vec![usize::MAX]), prop::collection::vec(1..40usize, 1..6)]
}

fn show(text: &[u8]) -> String {
    text.escape_ascii().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn a_value_that_begins_in_another_is_masked_to_its_end(
        (values, both) in chained(), form_at in 0..FORMS.len(), lengths in pieces(),
    ) {
        let values = [&values[0][..], &values[1]];
        let encoded = form(FORMS[form_at])(&both);
        let text = [BEFORE, &encoded, AFTER].concat();
        prop_assert_eq!(show(&redact(&values, split(&text, &lengths))), "before: [svault:V0] :after");

        let whole = BEFORE.len()..BEFORE.len() + encoded.len();
        let hits = svault_scan::find(&text, None, Some(&needles(&values)));
        prop_assert_eq!(hits.iter().map(|hit| hit.range.clone()).collect::<Vec<_>>(), vec![whole.clone()]);

        let mut hidden = Hidden::new(2).unwrap();
        for (id, value) in (0..).zip(values) {
            prop_assume!(hidden.add(id, value));
        }
        let found = sightings(&hidden, &text, |id| Bytes::copy_from(values[id as usize]).ok());
        prop_assert_eq!(found.iter().map(|s| s.id).collect::<Vec<_>>(), vec![0, 1]);
        prop_assert_eq!(found[0].range.start..found[1].range.end, whole);
        prop_assert_eq!(found[0].range.end, found[1].range.start);
    }

    #[test]
    fn half_an_escape_before_a_value_does_not_hide_it(
        value in value(),
        lead in prop::collection::vec(prop::sample::select(vec![
            "\\ud800", "\\ud83d\\u", "\\u00", "\\x", "\\x4", "\\", "\\\\", "%", "%2", "&", "&#", "&#x", "&am", "'", "'\\", "'\"", "a", "+",
        ]), 1..4),
        form_at in 0..FORMS.len(), lengths in pieces(),
    ) {
        let name = FORMS[form_at];
        prop_assume!(name != "hex" && name != "HEX");
        let encoded = form(name)(&value);
        let lead = lead.concat();
        let text = [BEFORE, lead.as_bytes(), &encoded, AFTER].concat();
        let out = redact(&[&value], split(&text, &lengths));
        prop_assert!(contains(&out, b"[svault:V0]") && out.ends_with(b"] :after"), "{} -> {}", show(&text), show(&out));
        let mut hidden = Hidden::new(1).unwrap();
        prop_assume!(hidden.add(0, &value));
        let found = sightings(&hidden, &text, |_| Bytes::copy_from(&value).ok());
        prop_assert!(found.iter().any(|s| s.range.end == text.len() - AFTER.len()), "{}", show(&text));
    }
}

#[test]
fn every_value_in_a_place_is_told_also_of_those_that_are_in_others() {
    let values: [&[u8]; 5] = [
        b"sk-test-0Zq7Xw3Kd9Lm-rest-Ab7",
        b"sk-test-0Zq7Xw3Kd9Lm-rest-Ab7",
        b"sk-test-0Zq7Xw3Kd9Lm",
        b"Zq7Xw3Kd9Lm-rest-Ab7",
        b"sk-test-0Zq7Xw3Kd9Lm-other-9",
    ];
    let mut hidden = Hidden::new(5).unwrap();
    for (id, value) in (0..).zip(values) {
        assert!(hidden.add(id, value));
    }
    let text = [BEFORE, values[0], AFTER].concat();
    for lengths in [&[usize::MAX][..], &[1], &[13]] {
        let mut stream = svault_scan::Stream::default();
        let mut found = Vec::new();
        for piece in split(&text, lengths) {
            let open = |id: u32| Bytes::copy_from(values[id as usize]).ok();
            found.extend(hidden.search(&mut stream, piece, open).unwrap());
        }
        found.sort_by_key(|s| s.id);
        let found: Vec<_> = found.into_iter().map(|s| (s.id, s.range)).collect();
        assert_eq!(found, [(0, 8..37), (1, 8..37), (2, 8..28), (3, 17..37)]);
    }
    let found = sightings(&hidden, &text, |id| Bytes::copy_from(values[id as usize]).ok());
    assert_eq!(found.iter().map(|s| (s.range.start, s.range.end)).collect::<Vec<_>>(), [(8, 37)]);
}

#[test]
fn a_long_value_that_repeats_itself_takes_its_time_once() {
    let value: Vec<u8> = b"sk-test-period/".iter().copied().cycle().take(64 * 1024).collect();
    let text = [BEFORE, &value, AFTER].concat();
    assert_eq!(show(&redact(&[&value], [&text[..]])), "before: [svault:V0] :after");
    let mut hidden = Hidden::new(1).unwrap();
    assert!(hidden.add(0, &value));
    let opened = std::cell::Cell::new(0);
    let found = sightings(&hidden, &text, |_| {
        opened.set(opened.get() + 1);
        Bytes::copy_from(&value).ok()
    });
    assert_eq!((found.len(), opened.get()), (1, 1));
}
