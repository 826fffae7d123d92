//! A value of several lines is found whatever its line ends are and whatever the text's are, at each line anew.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{base64, contains, form, needles, redact, sightings, split};
use proptest::prelude::*;
use secret::Bytes;
use svault_scan::Hidden;

const KEY: &str =
    "-----BEGIN TEST KEY-----\nc2stdGVzdC1saW5lLW9uZQ\nc2stdGVzdC1saW5lLXR3bw\n-----END TEST KEY-----\n";

/// A text with these line ends, over and over.
fn with_ends(text: &str, ends: &[&str]) -> Vec<u8> {
    let mut ends = ends.iter().cycle();
    let mut out = String::new();
    for c in text.chars() {
        if c == '\n' { out.push_str(ends.next().map_or("", |e| e)) } else { out.push(c) }
    }
    out.into_bytes()
}

fn is_masked(value: &[u8], text: &[u8], lengths: &[usize]) {
    let around = [b"before: ", text, b" :after"].concat();
    let out = redact(&[value], split(&around, lengths));
    let shown = out.escape_ascii().to_string();
    assert!(shown.contains("[svault:V0]"), "{shown}");
    assert!(out.starts_with(b"before: ") && !contains(&out, b"LXR3bw"), "{shown}");
    let hits = svault_scan::find(&around, None, Some(&needles(&[value])));
    assert_eq!(hits.len(), 1, "{shown}");
    let mut hidden = Hidden::new(1).unwrap();
    assert!(hidden.add(0, value));
    let found = sightings(&hidden, &around, |_| Bytes::copy_from(value).ok());
    assert_eq!(found.iter().map(|s| s.range.clone()).collect::<Vec<_>>(), [hits[0].range.clone()], "{shown}");
}

#[test]
fn a_key_is_masked_with_every_line_end_in_every_form() {
    for value in [with_ends(KEY, &["\n"]), with_ends(KEY, &["\r\n"]), with_ends(KEY, &["\n", "\r\n"])] {
        for ends in [&["\n"][..], &["\r\n"], &["\r\r\n"], &["\r\n", "\n", "\r\r\n"]] {
            let text = with_ends(KEY, ends);
            for lengths in [&[usize::MAX][..], &[1], &[7, 3]] {
                is_masked(&value, &text, lengths);
                for name in
                    ["json", "hex", "url minimal", "html decimal", "dollar quotes", "repr", "repr of text"]
                {
                    is_masked(&value, &form(name)(&text), lengths);
                }
                is_masked(&value, &base64(&text, false, false), lengths);
            }
        }
    }
}

#[test]
fn a_carriage_return_that_ends_no_line_is_a_byte_like_any_other() {
    let value = b"sk-test-\rover\r\rwritten";
    assert_eq!(redact(&[value], [&value[..]]), b"[svault:V0]");
    let other = b"sk-test-\nover\n\nwritten";
    assert_eq!(redact(&[value], [&other[..]]), other);
    // Nothing waits that can't go on.
    let mut redactor = svault_scan::Redactor::new(None, Some(needles(&[value])));
    let mut out = Vec::new();
    redactor.feed(b"progress\rsk-\r", &mut out);
    assert_eq!(out, b"progress\rsk-\r");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn lines_are_masked_whatever_ends_them(
        lines in prop::collection::vec("[a-z0-9]{4,12}", 3..8),
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r\r\n"]), 1..6),
        own in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n"]), 1..6),
        lengths in prop_oneof![Just(vec![1]), Just(vec![usize::MAX]), prop::collection::vec(1..30usize, 1..6)],
        escape in any::<bool>(),
    ) {
        let text = lines.join("\n");
        let value = with_ends(&text, &own);
        let mut shown = with_ends(&text, &ends);
        if escape {
            shown = form("json")(&shown);
        }
        let around = [b"before: ", &shown[..], b" :after"].concat();
        let out = redact(&[&value], split(&around, &lengths));
        prop_assert_eq!(out.escape_ascii().to_string(), "before: [svault:V0] :after");
        let mut hidden = Hidden::new(1).unwrap();
        prop_assume!(hidden.add(0, &value));
        let found = sightings(&hidden, &around, |_| Bytes::copy_from(&value).ok());
        prop_assert_eq!(found.len(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Far from the ends of a text, where nothing waits.
    #[test]
    fn hex_and_base64_are_found_with_line_ends_anywhere_in_their_first_characters(
        value in prop::collection::vec(any::<u8>(), 8..40),
        name in prop::sample::select(vec!["hex", "HEX", "base64", "base64url unpadded", "base64 of more"]),
        ends in prop::collection::vec((1..24usize, "(\r{0,2}\n){1,3}"), 1..4),
    ) {
        prop_assume!(!value.contains(&b'\r'));
        let mut shown = match name {
            "base64 of more" => base64(&[b"x", &value[..], b"y"].concat(), false, false),
            name => form(name)(&value),
        };
        for (at, end) in &ends {
            let at = (at % shown.len()).max(1);
            // More than two carriage returns before a line feed are no line end.
            if !shown[at..].starts_with(b"\n") && !shown[at..].starts_with(b"\r") {
                shown.splice(at..at, end.bytes());
            }
        }
        let text = [&b".".repeat(300), &shown[..], &b".".repeat(300)].concat();
        let out = redact(&[&value], [&text[..]]);
        prop_assert!(contains(&out, b"[svault:V0]") && out.len() < 640, "{}", out.escape_ascii());
    }
}

#[test]
fn base64_is_found_with_a_line_end_behind_its_first_bits() {
    let value = b"sk-test-0123456789abcdef";
    for (before, at) in [(&b"x"[..], 2), (b"xy", 3)] {
        for end in ["\n", "\r\n", "\r\r\n", "\n\n", "\r\n\n\r\r\n", &"\n".repeat(30)] {
            let mut shown = base64(&[before, value].concat(), false, true);
            shown.splice(at..at, end.bytes());
            let text = [&b".".repeat(300), &shown[..], &b".".repeat(300)].concat();
            for lengths in [&[usize::MAX][..], &[1]] {
                let out = redact(&[value], split(&text, lengths));
                assert!(contains(&out, b"[svault:V0]"), "{}", out.escape_ascii());
            }
        }
    }
}

/// What waits for a value must not grow with each blank line.
#[test]
fn a_beginning_before_endless_blank_lines_is_let_go() {
    let value = b"sk-test-0123456789abcdef";
    for begin in ["736b2d746573", "c2stdGVzd", "7", "c"] {
        for line in ["\n", "\r\n", "\r\r\n", "\r"] {
            let mut redactor = svault_scan::Redactor::new(None, Some(needles(&[value])));
            let mut out = Vec::new();
            redactor.feed(begin.as_bytes(), &mut out);
            for _ in 0..100 {
                redactor.feed(line.repeat(50).as_bytes(), &mut out);
            }
            let all = begin.len() + line.len() * 5000;
            assert!(all - out.len() <= 64, "{} of {all} wait: {begin}", all - out.len());
            // Some blank lines are no way to hide it.
            let mut hex = common::form("hex")(value);
            hex.splice(7..7, line.repeat(10).into_bytes());
            let out = redact(&[value], [&hex[..]]);
            assert_eq!(contains(&out, b"[svault:V0]"), line != "\r", "{}", out.escape_ascii());
        }
    }
}
