//! Credentials that are longer than a rule looks: masked to their end, wherever the text is cut.

use svault_scan::{Redactor, Rules, find};

/// So many characters that look random, of an alphabet.
fn random(len: usize, alphabet: &[u8]) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ len as u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(alphabet[(state >> 33) as usize % alphabet.len()])
    };
    (0..len).map(|_| next()).collect()
}

const WORD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const OPAQUE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/-";

/// What stands before a credential and behind it, the credential, and the rule that it is found by.
fn samples() -> Vec<(String, String, &'static str, &'static str)> {
    let jwt = |head: usize, body: usize, end: usize| {
        format!("eyJ{}.eyJ{}.{}", random(head, WORD), random(body, WORD), random(end, WORD))
    };
    let mut all = Vec::new();
    for len in [900, 1500, 3000, 20_000] {
        all.push(("Authorization: Bearer ".into(), random(len, OPAQUE), "", "http-authorization"));
        all.push(("DB_PASSWORD=".into(), random(len, WORD), "", "assigned-secret"));
        all.push(("\"clientSecret\": \"".into(), random(len, WORD), "\", \"more\": 1", "assigned-secret"));
        all.push(("".into(), format!("sk-{}", random(len, WORD)), " and", "openai-key"));
    }
    for (head, body, end) in [(30, 5000, 43), (30, 4040, 43), (30, 200, 9000), (3000, 3000, 600)] {
        all.push(("id=".into(), jwt(head, body, end), " x", "jwt"));
    }
    all.push(("postgres://app:".into(), random(600, WORD), "@db.example/app", "url-password"));
    all
}

/// What comes out of a text in pieces of a length.
fn redacted(text: &str, piece: usize) -> String {
    let (mut redactor, mut out) = (Redactor::new(Some(Rules::built_in()), None), Vec::new());
    text.as_bytes().chunks(piece).for_each(|piece| redactor.feed(piece, &mut out));
    redactor.finish(&mut out);
    out.escape_ascii().to_string()
}

#[test]
fn what_is_longer_than_a_rule_looks_is_masked_to_its_end() {
    for (before, secret, after, rule) in samples() {
        for end in ["\nand more text\n", ""] {
            let text = format!("first {before}{secret}{after}{end}");
            let expected = format!("first {before}[svault:{rule}]{after}{end}");
            let expected = expected.as_bytes().escape_ascii().to_string();
            for piece in [usize::MAX, 7, 300, 1000, 4096] {
                let out = redacted(&text, piece);
                assert!(out == expected, "{rule}, {} bytes, in pieces of {piece}: {out:.300}", secret.len());
            }
            let hits = find(text.as_bytes(), Some(Rules::built_in()), None);
            let start = 6 + before.len();
            assert!(hits.len() == 1 && hits[0].range == (start..start + secret.len()), "{rule}: {hits:?}");
        }
    }
}

#[test]
fn what_ends_where_it_looks_like_it_is_masked_to_there() {
    let jwt = format!("eyJ{}.eyJ{}.{}", random(60, WORD), random(300, WORD), random(43, WORD));
    for after in [". Next", ", x", "\\nNext", "...", ")", "\"}", ": x"] {
        let text = format!("it is {jwt}{after}\n");
        let expected = format!("it is [svault:jwt]{after}\n").as_bytes().escape_ascii().to_string();
        assert_eq!(redacted(&text, usize::MAX), expected);
    }
    for text in ["a eyJabcdefghijk.properties b\n", "\"token\": \"words that have blanks and 1 digit\"\n"] {
        assert_eq!(redacted(text, 3), text.as_bytes().escape_ascii().to_string());
    }
}

/// A keyword in every few bytes, without an end.
#[test]
fn an_endless_word_is_neither_held_back_nor_looked_at_again_and_again() {
    for word in ["token=a1B2c3D4-", "sk-a1B2c3D4-secret:", "Authorization:Bearer"] {
        let text = word.repeat(100_000);
        let (mut redactor, mut out) = (Redactor::new(Some(Rules::built_in()), None), Vec::new());
        for piece in text.as_bytes().chunks(4096) {
            redactor.feed(piece, &mut out);
        }
        redactor.finish(&mut out);
        let is_masked = out.len() < 200;
        assert!(is_masked || !word.contains('1'), "{word}: {}", out.len());
    }
}
