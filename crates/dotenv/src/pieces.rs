//! The inside of a value: literal text with its escapes undone, and what is to be expanded.

use crate::error::{Fault, What};
use crate::scan::Quote;
use std::ops::Range;
use zeroize::Zeroizing;

/// How deep defaults may be nested.
const DEPTH: usize = 8;

/// A part of a value.
pub(crate) enum Piece<'t> {
    /// As it is.
    Text(Zeroizing<String>),
    /// `$NAME`, `${NAME}` and what may follow the name.
    Expand {
        name: &'t str,
        test: Test,
        other: Vec<Piece<'t>>,
        /// Where it stands, for errors.
        at: usize,
    },
}

/// What `${NAME…}` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// The value.
    Value,
    /// `-`: the other text where it is unset; with `:`, also where it is empty.
    Default { empty_too: bool },
    /// `+`: the other text where it is set; with `:`, only where it is not empty.
    Alternative { empty_too: bool },
}

/// Reads the inside of a value.
pub(crate) fn read(text: &str, inside: Range<usize>, quote: Quote) -> Result<Vec<Piece<'_>>, Fault> {
    // A value never outgrows its source, so this is never moved and leaves no copy behind.
    let plain = Zeroizing::new(String::with_capacity(inside.len()));
    let mut reader = Reader { text, at: inside.start, end: inside.end, quote, plain };
    let pieces = match quote {
        Quote::Single | Quote::Backtick => vec![Piece::Text(unix_ends(&text[inside]))],
        Quote::None | Quote::Double => reader.pieces(0)?,
    };
    Ok(pieces)
}

/// With `\n` for every end of a line.
fn unix_ends(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' {
            chars.next_if_eq(&'\n');
            out.push('\n');
        } else {
            out.push(c);
        }
    }
    out
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    end: usize,
    quote: Quote,
    /// Literal text that is in no piece yet: that of all depths, one behind the other.
    plain: Zeroizing<String>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..self.end]
    }

    fn fail<T>(&self, what: What) -> Result<T, Fault> {
        Err(Fault { byte: self.at, what })
    }

    /// Up to the end, or inside of braces up to the `}` that closes them.
    fn pieces(&mut self, depth: usize) -> Result<Vec<Piece<'t>>, Fault> {
        if depth > DEPTH {
            return self.fail(What::Deep);
        }
        let (mut pieces, from) = (Vec::new(), self.plain.len());
        while let Some(c) = self.rest().chars().next() {
            match c {
                '}' if depth > 0 => break,
                '\\' => self.escape(),
                '`' => return self.fail(What::Backtick),
                '$' => {
                    if let Some(expand) = self.expand(depth)? {
                        pieces.extend(self.said(from));
                        pieces.push(expand);
                    } else {
                        self.plain.push('$');
                        self.at += 1;
                    }
                }
                '\r' => {
                    self.at += if self.rest().starts_with("\r\n") { 2 } else { 1 };
                    self.plain.push('\n');
                }
                c => {
                    self.plain.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        pieces.extend(self.said(from));
        Ok(pieces)
    }

    /// The literal text since `from`, as a piece of just its size; none where there is no such text.
    fn said(&mut self, from: usize) -> Option<Piece<'t>> {
        let text = Zeroizing::new(self.plain[from..].to_owned());
        self.plain.truncate(from);
        (!text.is_empty()).then_some(Piece::Text(text))
    }

    fn escape(&mut self) {
        let after = self.rest()[1..].chars().next();
        let meant = match (self.quote, after) {
            (Quote::Double, Some('n')) => Some('\n'),
            (Quote::Double, Some('r')) => Some('\r'),
            (Quote::Double, Some('t')) => Some('\t'),
            (Quote::Double, Some(c @ ('"' | '\\' | '`'))) => Some(c),
            (_, Some('$')) => Some('$'),
            _ => None,
        };
        self.at += if meant.is_some() { 2 } else { 1 };
        self.plain.push(meant.unwrap_or('\\'));
    }

    /// What stands at a `$`; none where it is only a dollar sign.
    fn expand(&mut self, depth: usize) -> Result<Option<Piece<'t>>, Fault> {
        let start = self.at;
        let after = &self.rest()[1..];
        if after.starts_with('(') {
            return self.fail(What::Command);
        }
        if !after.starts_with('{') {
            let name = &after[..variable_len(after)];
            if name.is_empty() {
                return Ok(None);
            }
            self.at += 1 + name.len();
            return Ok(Some(Piece::Expand { name, test: Test::Value, other: Vec::new(), at: start }));
        }
        let inner = &after[1..];
        let name = &inner[..variable_len(inner)];
        if name.is_empty() {
            return self.fail(What::Expansion);
        }
        let behind = &inner[name.len()..];
        let (test, len) = operator(behind);
        self.at += 2 + name.len() + len;
        let other = if test == Test::Value { Vec::new() } else { self.pieces(depth + 1)? };
        if !self.rest().starts_with('}') {
            self.at = start;
            return self.fail(What::Expansion);
        }
        self.at += 1;
        Ok(Some(Piece::Expand { name, test, other, at: start }))
    }
}

fn operator(behind: &str) -> (Test, usize) {
    let empty_too = behind.starts_with(':');
    let len = 1 + usize::from(empty_too);
    match behind.as_bytes().get(len - 1) {
        Some(b'-') => (Test::Default { empty_too }, len),
        Some(b'+') => (Test::Alternative { empty_too }, len),
        _ => (Test::Value, 0),
    }
}

/// How long the variable's name is that `text` begins with.
fn variable_len(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(pieces: &[Piece<'_>]) -> usize {
        let each = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => text.capacity(),
            Piece::Expand { other, .. } => room(other),
        };
        pieces.iter().map(each).sum()
    }

    #[test]
    fn pieces_take_no_more_room_than_the_text_they_come_from() {
        for part in ["a$B", "a${B:-c}d", "${B:-c${D:-e}f}"] {
            let text = part.repeat(1000);
            let pieces = read(&text, 0..text.len(), Quote::Double).unwrap();
            assert!(pieces.len() >= 1000, "{part}");
            assert!(room(&pieces) <= text.len(), "{part}: {}", room(&pieces));
        }
    }
}
