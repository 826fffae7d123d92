//! Every sample of the table, and the table itself.

use super::*;
use crate::find;

/// Fills `{a36}` and its like with characters that look random and are the same each time.
fn expand(sample: &str) -> String {
    let mut out = String::new();
    let mut rest = sample;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while let Some(at) = rest.find('{') {
        let kind = rest[at + 1..].chars().next();
        let alphabet: &[u8] = match kind {
            Some('a') => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            Some('b') => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            Some('x') => b"0123456789abcdef",
            Some('d') => b"0123456789",
            Some('u') => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
            Some('U') => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            _ => b"",
        };
        let end = rest[at..].find('}').map(|end| at + end);
        let len = end.and_then(|end| rest[at + 2..end].parse::<usize>().ok());
        match (len, end) {
            (Some(len), Some(end)) if !alphabet.is_empty() => {
                out.push_str(&rest[..at]);
                for _ in 0..len {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    out.push(char::from(alphabet[(state >> 33) as usize % alphabet.len()]));
                }
                rest = &rest[end + 1..];
            }
            _ => {
                out.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

fn masked(text: &str, hits: &[crate::Hit]) -> String {
    let mut out = text.to_owned();
    for hit in hits.iter().rev() {
        out.replace_range(hit.range.clone(), "#");
    }
    out
}

#[test]
fn the_table_is_read_and_every_pattern_compiles() {
    let rules = Rules::parse(include_str!("../../rules.toml")).unwrap();
    assert!(rules.rules.len() >= 25);
    for rule in &rules.rules {
        RegexBuilder::new(&rule.source.pattern).unicode(false).build().unwrap();
        assert!(!rule.source.yes.is_empty() && !rule.source.no.is_empty(), "{}", rule.id);
        assert!(rule.source.keywords.iter().all(|k| !k.is_empty() && k.len() <= KEYWORD), "{}", rule.id);
    }
    let mut ids: Vec<_> = rules.ids().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), rules.rules.len(), "two rules of one name");
}

#[test]
fn every_sample_is_found_by_its_own_rule_and_its_counter_samples_are_not() {
    let rules = Rules::built_in();
    for rule in &rules.rules {
        for sample in &rule.source.yes {
            let marked = expand(sample);
            let text = marked.replace(['«', '»'], "");
            let expected = match marked.split_once('«') {
                Some((before, rest)) => format!("{before}#{}", rest.split_once('»').unwrap().1),
                None => "#".to_owned(),
            };
            let hits = find(text.as_bytes(), Some(rules), None);
            assert_eq!(masked(&text, &hits), expected, "{}: {text}", rule.id);
            assert!(hits.iter().any(|hit| hit.what == crate::What::Rule(rule.id)), "{}: {hits:?}", rule.id);
        }
        for sample in &rule.source.no {
            let text = expand(sample);
            let hits = find(text.as_bytes(), Some(rules), None);
            let own = hits.iter().find(|hit| hit.what == crate::What::Rule(rule.id));
            assert!(own.is_none(), "{}: {text}: {own:?}", rule.id);
        }
    }
}

#[test]
fn plain_text_is_left_alone() {
    let text = include_str!("../rules.rs");
    assert_eq!(find(text.as_bytes(), Some(Rules::built_in()), None), []);
}

#[test]
fn wherever_a_sample_is_cut_the_same_is_masked() {
    let rules = Rules::built_in();
    let run = |pieces: [&[u8]; 2]| {
        let (mut redactor, mut out) = (crate::Redactor::new(Some(rules), None), Vec::new());
        pieces.iter().for_each(|piece| redactor.feed(piece, &mut out));
        redactor.finish(&mut out);
        out.escape_ascii().to_string()
    };
    for rule in &rules.rules {
        for sample in rule.source.yes.iter().chain(&rule.source.no) {
            let text = expand(sample).replace(['«', '»'], "") + "\nand more\n";
            let whole = run([text.as_bytes(), b""]);
            for at in 0..text.len() {
                let (first, rest) = text.as_bytes().split_at(at);
                assert_eq!(run([first, rest]), whole, "{} cut at {at}", rule.id);
            }
        }
    }
}
