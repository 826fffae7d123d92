//! Any value, in any form, split anywhere: it never comes out whole. Text without values comes out as it went in.

mod common;

use common::{FORMS, base64, contains, needles, redact, sightings, split};
use proptest::prelude::*;

/// Text that has nothing of what is around it: no base64, no hex, no escapes, and it doesn't pad.
const BEFORE: &[u8] = b"before: ";
const AFTER: &[u8] = b" :after";

/// Bytes of all kinds, texts, and texts that are full of what escapes are made of.
fn value(most: usize) -> impl Strategy<Value = Vec<u8>> {
    whole(any_value(most))
}

fn whole(values: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    values.prop_filter("carriage returns of a line end are no part of it", |v| {
        let start = v.iter().position(|&byte| byte != b'\r').unwrap_or(0);
        let ends = v.ends_with(b"\r") || v[start] == b'\n' || contains(v, b"\r\r\n");
        !ends && (v.len() >= 16 || !contains(v, b"\r\n"))
    })
}

fn any_value(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(b"ab '\"\\/&%+<;=$`!n0u\n\t\x01\xe9".to_vec());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 8..most),
        prop::collection::vec(odd, 8..most),
        // Lines, with any line ends.
        prop::collection::vec(
            ("[a-z \u{e9}]{3,9}", prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n"])),
            3..20
        )
        .prop_map(|parts| parts
            .into_iter()
            .map(|(line, end)| line + end)
            .collect::<String>()
            .into_bytes()),
        "[ -~]{8,64}".prop_map(String::into_bytes),
        "\\PC{8,40}".prop_map(String::into_bytes),
        "[A-Za-z0-9]{8,64}".prop_map(String::into_bytes),
        prop::collection::vec(prop::sample::select(b"ab".to_vec()), 8..64),
    ]
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        Just(vec![usize::MAX]),
        prop::collection::vec(1..40usize, 1..6),
        prop::collection::vec(1..2000usize, 1..3)
    ]
}

/// The characters of a base64 text that are the value's alone.
fn core<'a>(name: &str, form: &'a [u8]) -> &'a [u8] {
    if name.starts_with("base64") { &form[..0] } else { form }
}

fn check(value: &[u8], form: usize, lengths: &[usize]) -> Result<(), TestCaseError> {
    let (name, encode) = FORMS[form];
    let encoded = encode(value);
    let text = [BEFORE, &encoded, AFTER].concat();
    let out = redact(&[value], split(&text, lengths));
    let core = core(name, &encoded);
    if core.is_empty() {
        let whole = [base64(value, false, false), base64(value, true, false)];
        prop_assert!(whole.iter().all(|w| !contains(&out, w)), "{name}");
    } else if name == "xxd -p" {
        prop_assert!(contains(&out, b"[svault:V0]"), "{name} {:?}", String::from_utf8_lossy(&out));
    } else {
        prop_assert_eq!(
            out.escape_ascii().to_string(),
            "before: [svault:V0] :after",
            "{} {:?}",
            name,
            lengths
        );
    }
    prop_assert!(contains(&out, b"[svault:V0]"), "{name}: {:?}", String::from_utf8_lossy(&out));
    prop_assert!(
        out.starts_with(BEFORE) && out.ends_with(AFTER),
        "{name}: {:?}",
        String::from_utf8_lossy(&out)
    );
    prop_assert!(!contains(&out, value), "{name}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_form_of_a_value_comes_out(value in value(200), form in 0..FORMS.len(), lengths in pieces()) {
        // A value that is in the text around is another test.
        prop_assume!(!contains(BEFORE, &value) && !contains(AFTER, &value));
        check(&value, form, &lengths)?;
    }

    #[test]
    fn text_without_values_comes_out_as_it_went_in(
        value in prop::collection::vec(prop::sample::select(b"QZ#\x00".to_vec()), 16..64),
        text in prop::collection::vec(value(80), 0..20),
        lengths in pieces(),
    ) {
        let text = text.concat();
        prop_assume!(!contains(&text, &value));
        prop_assert_eq!(redact(&[&value], split(&text, &lengths)), text);
    }

    #[test]
    fn however_it_is_split_the_same_comes_out(
        values in prop::collection::vec(value(40), 1..4),
        parts in prop::collection::vec((0..5usize, 0..FORMS.len(), value(20)), 0..8),
        lengths in pieces(),
    ) {
        let values: Vec<&[u8]> = values.iter().map(|v| &v[..]).collect();
        let part = |(v, form, other): &(usize, usize, Vec<u8>)| match values.get(*v) {
            Some(value) => (FORMS[*form].1)(value),
            None => other.clone(),
        };
        let text: Vec<u8> = parts.iter().flat_map(part).collect();
        let show = |out: Vec<u8>| out.escape_ascii().to_string();
        let (split, whole) = (redact(&values, split(&text, &lengths)), redact(&values, [&text[..]]));
        prop_assert_eq!(show(split), show(whole), "{}", text.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_form_of_a_long_value_comes_out(
        value in whole(prop::collection::vec(any::<u8>(), 1000..4096)),
        form in 0..FORMS.len(),
        lengths in pieces(),
    ) {
        check(&value, form, &lengths)?;
    }
}

#[test]
fn of_a_value_that_ends_with_carriage_returns_nothing_else_comes_out() {
    let value = b"sk-test-0123456789abcdef\r\r";
    for (name, end) in [("raw", "\r\r"), ("html decimal", "&#13;&#13;")] {
        let text = [BEFORE, &common::form(name)(value), AFTER].concat();
        let masked = [BEFORE, b"[svault:V0]", end.as_bytes(), AFTER].concat();
        assert_eq!(redact(&[value], [&text[..]]), masked, "{name}");
        assert_eq!(redact(&[value], split(&text, &[1])), masked, "{name}, byte by byte");
    }
}

#[test]
fn what_a_whole_text_has_is_what_a_stream_masks() {
    let value = b"sk-test-It's \"here\" & <there>";
    let needles = needles(&[value]);
    for (name, encode) in FORMS {
        let encoded = encode(value);
        let hits = svault_scan::find(&encoded, None, Some(&needles));
        assert!(!hits.is_empty(), "{name}: {}", String::from_utf8_lossy(&encoded));
        let mut out = encoded.clone();
        for hit in hits.iter().rev() {
            assert_eq!(hit.what, svault_scan::What::Value(0));
            out.splice(hit.range.clone(), *b"[svault:V0]");
        }
        assert_eq!(out, redact(&[value], [&encoded[..]]), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_hidden_value_is_found_in_every_form_and_opened_for_nothing_else(
        value in value(300), form in 0..FORMS.len(), cut in any::<prop::sample::Index>(),
    ) {
        let mut hidden = svault_scan::Hidden::new(1).unwrap();
        prop_assume!(hidden.add(7, &value));
        let (name, encode) = FORMS[form];
        let text = [BEFORE, &encode(&value), AFTER].concat();
        let open = |id| (id == 7).then(|| secret::Bytes::copy_from(&value).unwrap());
        let found = sightings(&hidden, &text, open);
        prop_assert!(found.iter().any(|s| s.id == 7), "{name} {}", text.escape_ascii());
        // A value that is not whole is not even opened. What some forms have after it may make it whole.
        let cut = cut.index(value.len());
        if b" \n".contains(&value[cut]) {
            return Ok(());
        }
        let piece = &value[..cut];
        let text = [BEFORE, &encode(piece), AFTER].concat();
        prop_assume!(!contains(&text, &value));
        let found = sightings(&hidden, &text, |_| panic!("opened for a piece: {name}"));
        prop_assert_eq!(found, vec![]);
    }
}

#[test]
fn what_is_easily_guessed_is_not_looked_for() {
    let mut hidden = svault_scan::Hidden::new(1).unwrap();
    for value in ["", "hunter2", "password", "k3y-of-11ch", "aaaaaaaaaaaaaaaaaaaaaaaa", "passwordpassword"] {
        assert!(!hidden.add(1, value.as_bytes()), "{value}");
    }
    assert!(hidden.add(1, b"sk-test-LEAKED333444555"));
    assert_eq!(hidden.len(), 1);
    hidden.remove(1);
    assert!(hidden.is_empty());
}
