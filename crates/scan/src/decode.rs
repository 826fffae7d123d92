//! The forms a value is written in, read backwards: text in, bytes of the value out, one unit at a time.
//! Every decoder is tolerant: what a form need not escape may be escaped or not, at each place anew.

use crate::entities;
use crate::lines;

/// Bytes of line breaks in a row inside of hex and base64, about.
pub(crate) const BLANK: usize = 32;

/// How a value may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// As it is.
    Raw,
    /// Two hex digits a byte, either case, lines broken anywhere.
    Hex,
    /// Base64 or base64url; the value begins after this many bits of the first character: 0, 2 or 4.
    Base64(u8),
    /// Percent encoding; whether `+` is a space.
    Url {
        /// `+` is a space, as in forms.
        plus: bool,
    },
    /// Single quotes taken out of single quotes, as in shells; nothing else is special there.
    Quoted,
    /// Backslashes as JSON, C, Python and shells write them.
    Escaped(Numbers),
    /// HTML entities: named, decimal, hexadecimal.
    Html {
        /// `&#233;` is one byte, not a character of two.
        latin1: bool,
    },
}

/// What numbers behind a backslash are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Numbers {
    /// `\u00e9` is a character, in UTF-8 of two bytes; `\xe9` is a byte.
    Mixed,
    /// Both are bytes.
    Bytes,
    /// Both are characters, as in Python's text.
    Points,
}

impl Form {
    /// The forms that differ from the raw one only where one of their marks is.
    pub(crate) const ESCAPES: [Form; 8] = [
        Form::Quoted,
        Form::Url { plus: false },
        Form::Url { plus: true },
        Form::Escaped(Numbers::Mixed),
        Form::Escaped(Numbers::Bytes),
        Form::Escaped(Numbers::Points),
        Form::Html { latin1: false },
        Form::Html { latin1: true },
    ];

    /// Whether this byte can be part of an escape of the form.
    pub(crate) fn marks(self, byte: u8) -> bool {
        match self {
            Form::Raw | Form::Hex | Form::Base64(_) => false,
            Form::Url { plus: false } => byte == b'%',
            Form::Url { plus: true } => byte == b'%' || byte == b'+',
            Form::Quoted => byte == b'\'',
            Form::Escaped(_) => byte == b'\\',
            Form::Html { .. } => byte == b'&',
        }
    }
}

/// What stands at a place of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Up to four bytes of the value, from this many bytes of text. No bytes: a line break to be passed over.
    Bytes([u8; 4], u8, usize),
    /// The text ends within a unit.
    More,
    /// Nothing of this form.
    No,
}

impl Unit {
    fn one(byte: u8, width: usize) -> Self {
        Unit::Bytes([byte, 0, 0, 0], 1, width)
    }

    fn none(width: usize) -> Self {
        Unit::Bytes([0; 4], 0, width)
    }

    /// A code point: as UTF-8, or as one byte where the form says so and it fits.
    fn point(point: u32, latin1: bool, width: usize) -> Self {
        match (u8::try_from(point), char::from_u32(point)) {
            (Ok(byte), _) if latin1 || byte < 0x80 => Self::one(byte, width),
            (_, Some(c)) => {
                let mut bytes = [0; 4];
                let len = c.encode_utf8(&mut bytes).len();
                Unit::Bytes(bytes, u8::try_from(len).unwrap_or(4), width)
            }
            (_, None) => Unit::No,
        }
    }
}

/// What is between two characters of base64 or hex: bits of a byte that has begun.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    held: u16,
    count: u8,
}

impl Bits {
    /// Bits of the last character that belong to no byte of the value yet: 0, 2, 4 or 6 for base64.
    pub(crate) fn count(self) -> u8 {
        self.count
    }

    /// Whether those bits are all 0, as they are before padding.
    pub(crate) fn are_zero(self) -> bool {
        self.held == 0
    }

    /// The lowest and the highest byte that may begin with the bits that are held.
    pub(crate) fn bounds(self) -> (u8, u8) {
        let free = 8 - self.count;
        let low = (self.held << free) as u8;
        (low, low | ((1u16 << free) - 1) as u8)
    }

    fn push(&mut self, value: u8, bits: u8, width: usize) -> Unit {
        self.held = self.held << bits | u16::from(value);
        self.count += bits;
        if self.count < 8 {
            return Unit::none(width);
        }
        self.count -= 8;
        let byte = (self.held >> self.count) as u8;
        self.held &= (1 << self.count) - 1;
        Unit::one(byte, width)
    }
}

/// Reads the unit at `at`; `first` says that nothing of the value has been read before.
pub(crate) fn unit(form: Form, text: &[u8], at: usize, first: bool, bits: &mut Bits) -> Unit {
    let Some(&byte) = text.get(at) else { return Unit::More };
    match form {
        Form::Raw => Unit::one(byte, 1),
        Form::Hex => match hex(byte) {
            Some(value) => bits.push(value, 4, 1),
            None => line_break(text, at, first),
        },
        Form::Base64(skip) => match base64(byte) {
            Some(value) if first => bits.push(value & (0x3f >> skip), 6 - skip, 1),
            Some(value) => bits.push(value, 6, 1),
            None => line_break(text, at, first),
        },
        Form::Url { plus } => url(text, at, plus),
        Form::Quoted if byte == b'\'' => quote(text, at),
        Form::Escaped(numbers) if byte == b'\\' => backslash(text, at, numbers),
        Form::Html { latin1 } if byte == b'&' => entity(text, at, latin1),
        Form::Quoted | Form::Escaped(_) | Form::Html { .. } => Unit::one(byte, 1),
    }
}

pub(crate) fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

pub(crate) const fn base64(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// A line break inside of a wrapped form. Behind many blank lines nothing goes on: a text that waits for what follows
/// it must not grow with each of them.
fn line_break(text: &[u8], at: usize, first: bool) -> Unit {
    let returns = text[at..].iter().take(lines::MOST + 1).take_while(|b| **b == b'\r').count();
    let is_break = |b: &&u8| matches!(**b, b'\r' | b'\n');
    match text.get(at + returns) {
        _ if first || returns > lines::MOST => Unit::No,
        Some(b'\n') if text[..at].iter().rev().take(BLANK).take_while(is_break).count() == BLANK => Unit::No,
        Some(b'\n') => Unit::none(returns + 1),
        None => Unit::More,
        Some(_) => Unit::No,
    }
}

fn url(text: &[u8], at: usize, plus: bool) -> Unit {
    match text[at] {
        b'+' if plus => Unit::one(b' ', 1),
        b'%' => match number(&text[at + 1..], 2, 2, 16) {
            Number::Is(n, _) => Unit::one(n as u8, 3),
            Number::More => Unit::More,
            Number::No => Unit::one(b'%', 1),
        },
        byte => Unit::one(byte, 1),
    }
}

enum Number {
    /// The number, and how many digits it has.
    Is(u32, usize),
    More,
    No,
}

/// A number of `least` to `most` digits at the start of the text.
fn number(text: &[u8], least: usize, most: usize, base: u32) -> Number {
    let digits = text.iter().take(most).map_while(|&b| char::from(b).to_digit(base));
    let (mut value, mut len) = (0u32, 0);
    for digit in digits {
        value = value.wrapping_mul(base).wrapping_add(digit);
        len += 1;
    }
    if len < most && len == text.len() {
        Number::More
    } else if len < least {
        Number::No
    } else {
        Number::Is(value, len)
    }
}

fn backslash(text: &[u8], at: usize, numbers: Numbers) -> Unit {
    let Some(&kind) = text.get(at + 1) else { return Unit::More };
    let rest = &text[at + 2..];
    let latin1 = numbers == Numbers::Bytes;
    let numbered = |found: Number, latin1: bool| match found {
        Number::Is(n, len) => Unit::point(n, latin1, 2 + len),
        Number::More => Unit::More,
        // Nothing that anybody writes: the backslash is itself.
        Number::No => Unit::one(b'\\', 1),
    };
    match kind {
        b'n' => Unit::one(b'\n', 2),
        b't' => Unit::one(b'\t', 2),
        b'r' => Unit::one(b'\r', 2),
        b'b' => Unit::one(8, 2),
        b'f' => Unit::one(12, 2),
        b'a' => Unit::one(7, 2),
        b'v' => Unit::one(11, 2),
        b'e' | b'E' => Unit::one(27, 2),
        b'x' => numbered(number(rest, 1, 2, 16), numbers != Numbers::Points),
        b'U' => numbered(number(rest, 8, 8, 16), latin1),
        b'u' => match number(rest, 4, 4, 16) {
            Number::Is(high @ 0xd800..0xdc00, _) => surrogates(high, &rest[4..]),
            found => numbered(found, latin1),
        },
        b'0'..=b'7' => match number(&text[at + 1..], 1, 3, 8) {
            Number::Is(n, len) => Unit::one(n as u8, 1 + len),
            _ => Unit::More,
        },
        // No letter needs a backslash to be itself.
        other if other.is_ascii_alphanumeric() => Unit::one(b'\\', 1),
        other => Unit::one(other, 2),
    }
}

/// A character that JSON writes as two: the second half is at the start of the text.
fn surrogates(high: u32, text: &[u8]) -> Unit {
    match text {
        [b'\\', b'u', low @ ..] => match number(low, 4, 4, 16) {
            Number::Is(low @ 0xdc00..0xe000, _) => {
                Unit::point(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), false, 12)
            }
            Number::More => Unit::More,
            _ => Unit::No,
        },
        [] | [b'\\'] => Unit::More,
        _ => Unit::No,
    }
}

/// A single quote inside of single quotes: `'\''`, or as Python's shlex writes it, `'"'"'`. Else a quote is a quote.
fn quote(text: &[u8], at: usize) -> Unit {
    let rest = &text[at..];
    for way in [&b"'\\''"[..], b"'\"'\"'"] {
        if rest.starts_with(way) {
            return Unit::one(b'\'', way.len());
        }
        if way.starts_with(rest) {
            return Unit::More;
        }
    }
    Unit::one(b'\'', 1)
}

fn entity(text: &[u8], at: usize, latin1: bool) -> Unit {
    const LONGEST: usize = 12;
    let rest = &text[at + 1..];
    let name = &rest[..rest.len().min(LONGEST)];
    let len = name.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
    match name.get(len) {
        Some(b';') => match entities::point(&name[..len]) {
            Some(point) => Unit::point(point, latin1, len + 2),
            None => Unit::one(b'&', 1),
        },
        None if rest.len() < LONGEST && entities::begins(name) => Unit::More,
        _ => Unit::one(b'&', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(form: Form, text: &[u8]) -> Vec<u8> {
        let (mut at, mut bits, mut out, mut first) = (0, Bits::default(), Vec::new(), true);
        while let Unit::Bytes(bytes, len, width) = unit(form, text, at, first, &mut bits) {
            out.extend_from_slice(&bytes[..usize::from(len)]);
            at += width;
            first = false;
        }
        out
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(all(Form::Hex, b"6a6B\r\n6\nc"), b"jkl");
        assert_eq!(all(Form::Base64(0), b"c2stdG\nVzdA=="), b"sk-test");
        assert_eq!(all(Form::Base64(0), b"-_-_"), all(Form::Base64(0), b"+/+/"));
        assert_eq!(all(Form::Url { plus: false }, b"a%2fb%2F+%zz"), b"a/b/+%zz");
        assert_eq!(all(Form::Url { plus: true }, b"a+b%20c"), b"a b c");
        let json = Form::Escaped(Numbers::Mixed);
        assert_eq!(all(json, br#"a\"\\\/\n\u0001\u00e9\ud83d\ude00!"#), "a\"\\/\n\u{1}é😀!".as_bytes());
        assert_eq!(all(Form::Escaped(Numbers::Bytes), br"\u00e9\u20ac."), b"\xe9\xe2\x82\xac.");
        assert_eq!(all(Form::Escaped(Numbers::Points), br"\xe9\u20ac\x41."), "\u{e9}\u{20ac}A.".as_bytes());
        assert_eq!(all(json, br"\xe9\u00e9."), b"\xe9\xc3\xa9.");
        assert_eq!(all(json, br"it\'s\ \$a\001\x7fz\E."), b"it's $a\x01\x7fz\x1b.");
        assert_eq!(all(Form::Quoted, br#"it'"'"'s 'x' '\''\n....."#), br"it's 'x' '\n.....");
        let html = Form::Html { latin1: false };
        assert_eq!(
            all(html, b"&lt;&amp;&#39;&#x27;&eacute;&nope; & b &#0233; ....."),
            "<&''é&nope; & b é .....".as_bytes()
        );
    }

    #[test]
    fn a_unit_that_is_not_there_yet_waits() {
        let mut bits = Bits::default();
        for (form, text) in [
            (Form::Url { plus: false }, &b"%4"[..]),
            (Form::Escaped(Numbers::Mixed), b"\\"),
            (Form::Escaped(Numbers::Mixed), br"\u00"),
            (Form::Escaped(Numbers::Mixed), br"\ud83d\u"),
            (Form::Quoted, br"'\"),
            (Form::Html { latin1: false }, b"&am"),
            (Form::Html { latin1: false }, b"&#x"),
        ] {
            assert_eq!(unit(form, text, 0, true, &mut bits), Unit::More, "{form:?}");
        }
    }
}
