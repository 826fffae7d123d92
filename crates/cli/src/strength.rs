//! How strong a passphrase is: an honest lower guess in bits, and the plain reason where it is too little.
//! Not a promise: it knows common words, keyboard rows, repeats and dates, not its owner's dog.

use std::collections::HashMap;
use zeroize::Zeroizing;

/// Below this many bits a passphrase is refused: with Argon2id at our cost, years on many machines.
pub const FLOOR: f32 = 50.0;

/// What the estimate found.
#[derive(Debug, Clone, PartialEq)]
pub struct Strength {
    /// Bits of guessing work.
    pub bits: f32,
    /// What makes it weak, most costly first; for people.
    pub reason: &'static str,
}

/// Each common word with its place in the list.
type Words = HashMap<&'static [u8], usize>;

const WORDS: &str = include_str!("strength_words.txt");

/// Sayings that every guesser tries whole, without spaces and in lower case.
const SAYINGS: &[&str] = &[
    "correcthorsebatterystaple",
    "thequickbrownfoxjumpsoverthelazydog",
    "tobeornottobe",
    "tobeornottobethatisthequestion",
    "maytheforcebewithyou",
    "itwasabrightcolddayinapril",
    "callmeishmael",
    "openthepodbaydoorshal",
    "allyourbasearebelongtous",
    "loremipsumdolorsitamet",
    "inthebeginningwastheword",
    "weakpasswordsarebad",
    "winteriscoming",
    "nevergonnagiveyouup",
];

/// Rows that fingers walk along.
const ROWS: &[&[u8]] = &[
    b"abcdefghijklmnopqrstuvwxyz",
    b"01234567890",
    b"qwertyuiop",
    b"qwertzuiop",
    b"azertyuiop",
    b"asdfghjkl",
    b"zxcvbnm",
    b"yxcvbnm",
    b"1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    b"!@#$%^&*()",
];

/// Whether a passphrase is enough, and why not.
///
/// # Errors
/// The estimate, where it is below [`FLOOR`].
pub fn check(passphrase: &[u8]) -> Result<Strength, Strength> {
    let s = estimate(passphrase);
    if s.bits < FLOOR { Err(s) } else { Ok(s) }
}

/// The cheapest way to put the passphrase together out of the parts that a guesser tries.
#[must_use]
pub fn estimate(passphrase: &[u8]) -> Strength {
    let plain = Zeroizing::new(passphrase.iter().map(u8::to_ascii_lowercase).collect::<Vec<u8>>());
    let letters = Zeroizing::new(plain.iter().copied().filter(u8::is_ascii_alphabetic).collect::<Vec<u8>>());
    if SAYINGS.iter().any(|s| s.as_bytes().eq_ignore_ascii_case(&letters)) {
        return Strength { bits: 12.0, reason: "it is a well-known saying" };
    }
    if is_repeated(&plain) {
        return Strength { bits: 14.0, reason: "it repeats itself" };
    }
    let words: Words =
        WORDS.split_ascii_whitespace().enumerate().map(|(rank, w)| (w.as_bytes(), rank)).collect();
    let n = plain.len();
    // best[i]: bits and main reason of the first i bytes.
    let mut best = vec![(0.0_f32, Kind::Random); n + 1];
    let mut kinds = vec![Kind::Random; n + 1];
    for end in 1..=n {
        best[end] = (f32::INFINITY, Kind::Random);
        for start in end.saturating_sub(45)..end {
            for (bits, kind) in parts(&words, passphrase, &plain, start, end).into_iter().flatten() {
                let sum = best[start].0 + bits;
                if sum < best[end].0 {
                    best[end] = (sum, kind);
                    kinds[end] = kinds[start].or(kind);
                }
            }
        }
    }
    Strength { bits: best[n].0, reason: reason(n, kinds[n]) }
}

/// What a part of a passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Random,
    Word,
    Row,
    Repeat,
    Date,
}

impl Kind {
    /// The kind that a person should hear about: the first that is not random.
    fn or(self, other: Kind) -> Kind {
        if self == Kind::Random { other } else { self }
    }
}

fn reason(len: usize, kind: Kind) -> &'static str {
    match kind {
        _ if len < 8 => "it is very short",
        Kind::Word => "it is made of few or common words",
        Kind::Row => "it follows the keyboard or the alphabet",
        Kind::Repeat => "it repeats one character",
        Kind::Date => "it is mostly a date or a number",
        Kind::Random => "it is too short",
    }
}

/// The ways in which the bytes from `start` to `end` could be one part, with their cost.
fn parts(words: &Words, raw: &[u8], plain: &[u8], start: usize, end: usize) -> [Option<(f32, Kind)>; 5] {
    let part = &plain[start..end];
    [
        (part.len() == 1).then(|| (byte_bits(raw[start]), Kind::Random)),
        word_bits(words, part).map(|b| (b + shift_bits(&raw[start..end]), Kind::Word)),
        wordlike_bits(part).map(|b| (b + shift_bits(&raw[start..end]), Kind::Word)),
        run_bits(part),
        date_bits(part).map(|b| (b, Kind::Date)),
    ]
}

/// One byte that stands alone: what a guesser needs who knows its class.
fn byte_bits(b: u8) -> f32 {
    match b {
        b' ' | b'-' | b'_' | b'.' => 1.5,
        b'0'..=b'9' => 3.32,
        b'a'..=b'z' => 4.7,
        b'A'..=b'Z' => 5.2,
        _ => 5.5,
    }
}

/// Capitals: the first letter or all of them are free guesses, others cost one bit each.
fn shift_bits(raw: &[u8]) -> f32 {
    let capitals = raw.iter().filter(|b| b.is_ascii_uppercase()).count();
    match capitals {
        0 => 0.0,
        1 if raw[0].is_ascii_uppercase() => 1.0,
        c if c == raw.len() => 1.0,
        c => 1.0 + c.min(raw.len() - c) as f32,
    }
}

/// A word of the list, also with digits for letters: its rank, in bits.
fn word_bits(words: &Words, part: &[u8]) -> Option<f32> {
    if part.len() < 3 || part.len() > 13 {
        return None;
    }
    let mut changed = false;
    let undone = Zeroizing::new(
        part.iter()
            .map(|&b| {
                let letter = match b {
                    b'0' => b'o',
                    b'1' | b'!' => b'i',
                    b'3' => b'e',
                    b'4' | b'@' => b'a',
                    b'5' | b'$' => b's',
                    b'7' => b't',
                    other => other,
                };
                changed |= letter != b;
                letter
            })
            .collect::<Vec<u8>>(),
    );
    let (rank, extra) = match words.get(part) {
        Some(r) => (*r, 0.0),
        None if changed => (*words.get(undone.as_slice())?, 1.5),
        None => return None,
    };
    // The list is not sorted by use beyond its first hundred; nothing in it is worth less than a list of its size.
    Some(if rank < 128 { 7.0 } else { 10.5 } + extra)
}

/// Letters that could be words of a language: far less than 26 choices each, and a whole word never more than a
/// big dictionary has.
fn wordlike_bits(part: &[u8]) -> Option<f32> {
    if part.len() < 3 || !part.iter().all(u8::is_ascii_alphabetic) || !pronounceable(part) {
        return None;
    }
    let n = part.len() as f32;
    Some(if part.len() <= 15 { (1.9 * n + 3.0).min(18.0) } else { 18.0 + 1.9 * (n - 15.0) })
}

/// Vowels and consonants alternate as in words: a quarter to two thirds vowels, never five consonants in a row.
fn pronounceable(part: &[u8]) -> bool {
    let vowel = |b: &u8| b"aeiouy".contains(b);
    let vowels = part.iter().filter(|b| vowel(b)).count();
    let longest = part.split(vowel).map(<[u8]>::len).max().unwrap_or(0);
    vowels * 4 >= part.len() && vowels * 3 <= part.len() * 2 && longest < 5
}

/// The same byte again and again, or a walk along a row in either direction.
fn run_bits(part: &[u8]) -> Option<(f32, Kind)> {
    if part.len() < 3 {
        return None;
    }
    let length = (part.len() as f32).log2();
    if part.iter().all(|b| *b == part[0]) {
        return Some((byte_bits(part[0]) + length, Kind::Repeat));
    }
    let walks = |row: &[u8]| row.windows(part.len()).any(|w| w == part || w.iter().rev().eq(part.iter()));
    ROWS.iter().any(|row| walks(row)).then_some((5.0 + length, Kind::Row))
}

/// A year, or eight digits that are a day.
fn date_bits(part: &[u8]) -> Option<f32> {
    let number = |p: &[u8]| std::str::from_utf8(p).ok().and_then(|s| s.parse::<u32>().ok());
    if !part.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let year = |y: Option<u32>| y.is_some_and(|y| (1900..2060).contains(&y));
    match part.len() {
        4 if year(number(part)) => Some(7.0),
        8 if year(number(&part[..4])) || year(number(&part[4..])) => Some(15.0),
        _ => None,
    }
}

/// Whether the whole is one piece written two times or more.
fn is_repeated(plain: &[u8]) -> bool {
    let n = plain.len();
    n >= 4 && (1..=n / 2).any(|p| n.is_multiple_of(p) && p <= 8 && plain.chunks(p).all(|c| c == &plain[..p]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(s: &str) -> f32 {
        estimate(s.as_bytes()).bits
    }

    #[test]
    fn weak_ones_are_refused_with_a_reason() {
        for (weak, reason) in [
            ("", "short"),
            ("hunter2", "short"),
            ("password123", "words"),
            ("P@ssw0rd2024!", "words"),
            ("correct horse battery staple", "saying"),
            ("qwertyuiopasdfghjkl", "keyboard"),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", "repeats"),
            ("abcabcabcabcabcabcabc", "repeats"),
            ("19840523198405", "date"),
            ("iloveyouiloveyou", "repeats"),
            ("photosynthesis", "words"),
            ("Michael Summer 2023", "words"),
            ("to be or not to be", "saying"),
            ("abcdefghijklmnopqrstuvwxyz", "keyboard"),
            ("K7$vQ", "short"),
        ] {
            let s = check(weak.as_bytes()).expect_err(weak);
            assert!(s.reason.contains(reason), "{weak}: {s:?}");
        }
    }

    #[test]
    fn strong_ones_pass() {
        for strong in [
            "crab lamp violin dust meadow",
            "photosynthesis chlorophyll mitochondria",
            "xkwqpzmvbtrl",
            "V7#kp!2mQz&9",
            "4821-9931-2205-7718-3306",
            "umbrella-Kestrel-94-fjord-plinth",
            "zwölf Boxkämpfer jagen Viktor über den Sylter Deich",
        ] {
            assert!(check(strong.as_bytes()).is_ok(), "{strong}: {:?}", estimate(strong.as_bytes()));
        }
    }

    #[test]
    fn more_is_never_less() {
        let s = "crab lamp violin dust meadow".as_bytes();
        let mut last = 0.0;
        for n in 9..s.len() {
            let now = estimate(&s[..n]).bits;
            assert!(now + 8.0 > last, "{n}: {now} after {last}");
            last = now;
        }
        assert!(bits("a") < bits("ab"));
    }
}
