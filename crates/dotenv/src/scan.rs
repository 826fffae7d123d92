//! Lines into entries, each with the place of its name and its value.

use crate::error::{Error, Fault, What, at};
use crate::pieces::{Piece, read};
use std::ops::Range;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// As it is, to the end of the line or to a comment.
    None,
    /// `'…'`: literal.
    Single,
    /// `"…"`: escapes and expansion.
    Double,
    /// `` `…` ``: literal.
    Backtick,
}

impl Quote {
    /// The character around the value.
    pub(crate) fn mark(self) -> Option<char> {
        match self {
            Quote::None => None,
            Quote::Single => Some('\''),
            Quote::Double => Some('"'),
            Quote::Backtick => Some('`'),
        }
    }
}

/// One assignment. No `Debug`: it has the value.
pub struct Entry<'t> {
    /// The name.
    pub name: &'t str,
    /// The name's bytes in the text.
    pub name_at: Range<usize>,
    /// The value's bytes in the text, with its quotes.
    pub value_at: Range<usize>,
    /// How it is written.
    pub quote: Quote,
    /// The line it begins on, from 1.
    pub line: usize,
    pub(crate) pieces: Vec<Piece<'t>>,
}

impl Entry<'_> {
    /// Whether the value has something to expand.
    #[must_use]
    pub fn has_expansion(&self) -> bool {
        self.pieces.iter().any(|p| matches!(p, Piece::Expand { .. }))
    }

    /// The names that its expansions may read, also those in defaults.
    #[must_use]
    pub fn uses(&self) -> Vec<&str> {
        fn walk<'a>(pieces: &'a [Piece<'_>], names: &mut Vec<&'a str>) {
            for piece in pieces {
                if let Piece::Expand { name, other, .. } = piece {
                    names.push(name);
                    walk(other, names);
                }
            }
        }
        let mut names = Vec::new();
        walk(&self.pieces, &mut names);
        names
    }
}

/// A comment that looks like an assignment: an old value, perhaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note<'t> {
    /// The line, from 1.
    pub line: usize,
    /// The name in it.
    pub name: &'t str,
    /// Whether something stands behind the `=`.
    pub has_value: bool,
}

/// A file, with every byte of it. No `Debug`: it has the values.
pub struct File<'t> {
    pub(crate) text: &'t str,
    pub(crate) entries: Vec<Entry<'t>>,
    notes: Vec<Note<'t>>,
    alone: Vec<usize>,
}

impl<'t> File<'t> {
    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The assignments, in order, duplicates too.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'t>] {
        &self.entries
    }

    /// The comments that look like assignments.
    #[must_use]
    pub fn notes(&self) -> &[Note<'t>] {
        &self.notes
    }

    /// The lines, from 1, that have a name and no sign behind it: a variable from outside, or what is left of a value that
    /// was broken in two.
    #[must_use]
    pub fn alone(&self) -> &[usize] {
        &self.alone
    }
}

/// Reads a whole file.
///
/// # Errors
/// The first thing that is wrong, with its line and column.
pub fn parse(text: &str) -> Result<File<'_>, Error> {
    if let Some(nul) = text.find('\0') {
        return Err(at(text, nul, What::Nul));
    }
    let mut scan = Scan::new(text);
    while scan.at < text.len() {
        scan.line().map_err(|fault| at(text, fault.byte, fault.what))?;
    }
    Ok(scan.file())
}

/// Reads what can be read, and passes over the lines that are wrong: for a search, where nothing is stored or set.
#[must_use]
pub fn parse_readable(text: &str) -> File<'_> {
    let mut scan = Scan::new(text);
    while scan.at < text.len() {
        let (start, line, entries) = (scan.at, scan.line, scan.entries.len());
        if scan.line().is_err() {
            scan.entries.truncate(entries);
            scan.pass_over(start, line);
        }
    }
    scan.file()
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    entries: Vec<Entry<'t>>,
    notes: Vec<Note<'t>>,
    alone: Vec<usize>,
}

fn blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Where the line ends that `text` begins in.
fn line_end(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn new(text: &'t str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, line: 1, entries: Vec::new(), notes: Vec::new(), alone: Vec::new() }
    }

    fn file(self) -> File<'t> {
        File { text: self.text, entries: self.entries, notes: self.notes, alone: self.alone }
    }

    /// Goes on behind an assignment that is wrong: behind its value, where that ended with a line, else on its next line.
    fn pass_over(&mut self, start: usize, line: usize) {
        let first_end = start + line_end(&self.text[start..]);
        self.skip_blank();
        let whole = self.at > first_end && self.end_or_comment();
        if !whole {
            self.at = first_end;
            self.eat_end();
        }
        self.line = line + line_breaks(&self.text[start..self.at]);
    }

    fn fail<T>(&self, byte: usize, what: What) -> Result<T, Fault> {
        Err(Fault { byte, what })
    }

    fn skip_blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(blank).len();
    }

    /// The end of a line, counted; at the end of the text nothing.
    fn eat_end(&mut self) -> bool {
        let n = match self.rest().as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            [] => return true,
            _ => return false,
        };
        self.at += n;
        self.line += 1;
        true
    }

    fn line(&mut self) -> Result<(), Fault> {
        self.skip_blank();
        if self.eat_end() {
            return Ok(());
        }
        let end = line_end(self.rest());
        if let Some(comment) = self.rest()[..end].strip_prefix('#') {
            self.note(comment);
            self.at += end;
            self.eat_end();
            return Ok(());
        }
        let exported = self.export();
        let start = self.at;
        let len = name_len(self.rest());
        if len == 0 || len > crate::NAME_MAX {
            let what = if len == 0 && !self.rest().starts_with('=') { What::NotALine } else { What::Name };
            return self.fail(start, what);
        }
        let name = &self.rest()[..len];
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return self.fail(start, What::Name);
        }
        self.at += len;
        self.skip_blank();
        let line = self.line;
        if self.end_or_comment() {
            self.alone.push(line);
            // The rest of a value that was broken in two looks like this, too.
            return if exported || is_capital(name) { Ok(()) } else { self.fail(start, What::Alone) };
        }
        if !self.assign() {
            return self.fail(self.at, What::NotALine);
        }
        self.value(name, start..start + len)
    }

    /// `export ` before a name: whether it was there.
    fn export(&mut self) -> bool {
        if let Some(after) = self.rest().strip_prefix("export").filter(|a| a.starts_with(blank)) {
            let after = after.trim_start_matches(blank);
            if name_len(after) > 0 {
                self.at = self.text.len() - after.len();
                return true;
            }
        }
        false
    }

    /// `=`, or `:` and white space, with the white space behind it, which stays in front of the value.
    fn assign(&mut self) -> bool {
        let rest = self.rest();
        let colon = rest.strip_prefix(':').is_some_and(|a| a.starts_with(blank));
        if colon || rest.starts_with('=') {
            self.at += 1;
            return true;
        }
        false
    }

    /// Takes a comment and the end of the line, where nothing else is left.
    fn end_or_comment(&mut self) -> bool {
        if self.rest().starts_with('#') {
            self.at += line_end(self.rest());
        }
        self.eat_end()
    }

    fn value(&mut self, name: &'t str, name_at: Range<usize>) -> Result<(), Fault> {
        let line = self.line;
        let after_sign = self.at;
        self.skip_blank();
        let start = self.at;
        let quote = match self.rest().chars().next() {
            Some('\'') => Quote::Single,
            Some('"') => Quote::Double,
            Some('`') => Quote::Backtick,
            _ => Quote::None,
        };
        let inside = match quote.mark() {
            None => self.unquoted(after_sign)?,
            Some(mark) => self.quoted(mark, quote == Quote::Double)?,
        };
        let pieces = read(self.text, inside, quote)?;
        let value_at = if quote == Quote::None && start == self.at {
            // Nothing there: the place is right behind the sign, before any white space of a comment.
            after_sign..after_sign
        } else {
            start..self.at
        };
        self.entries.push(Entry { name, name_at, value_at, quote, line, pieces });
        self.line += line_breaks(&self.text[start..self.at]);
        self.skip_blank();
        if self.end_or_comment() { Ok(()) } else { self.fail(self.at, What::AfterQuote) }
    }

    /// To the end of the line, or to a comment with white space before it.
    fn unquoted(&mut self, after_sign: usize) -> Result<Range<usize>, Fault> {
        let start = self.at;
        let raw = &self.rest()[..line_end(self.rest())];
        let comment = raw.char_indices().find(|&(i, c)| {
            let before = if i == 0 { start > after_sign } else { raw[..i].ends_with(blank) };
            c == '#' && before
        });
        let slashes = raw.len() - raw.trim_end_matches('\\').len();
        if comment.is_none() && slashes % 2 == 1 && start + raw.len() < self.text.len() {
            return self.fail(start + raw.len() - 1, What::Continued);
        }
        let value = comment.map_or(raw, |(i, _)| &raw[..i]).trim_end_matches(blank);
        self.at += value.len();
        Ok(start..self.at)
    }

    /// To the closing quote, over as many lines as it takes.
    fn quoted(&mut self, mark: char, escapes: bool) -> Result<Range<usize>, Fault> {
        let open = self.at;
        let mut escaped = false;
        for (i, c) in self.text[open + 1..].char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' && escapes {
                escaped = true;
            } else if c == mark {
                self.at = open + 1 + i + 1;
                return Ok(open + 1..open + 1 + i);
            }
        }
        self.fail(open, What::Unclosed)
    }

    fn note(&mut self, comment: &'t str) {
        let text = comment.trim_start_matches('#').trim_matches(blank);
        let text = text.strip_prefix("export").filter(|a| a.starts_with(blank)).map_or(text, |a| a.trim());
        if let Some((name, value)) = text.split_once('=') {
            let name = name.trim_end_matches(blank);
            if (1..=crate::NAME_MAX).contains(&name.len()) && name_len(name) == name.len() {
                let has_value = !value.trim_matches(blank).is_empty();
                self.notes.push(Note { line: self.line, name, has_value });
            }
        }
    }
}

/// Whether a name is written as those of variables mostly are.
fn is_capital(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// How long the name is that `text` begins with.
fn name_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-'))
        .unwrap_or(text.len())
}

fn line_breaks(text: &str) -> usize {
    let b = text.as_bytes();
    (0..b.len()).filter(|&i| b[i] == b'\n' || (b[i] == b'\r' && b.get(i + 1) != Some(&b'\n'))).count()
}
