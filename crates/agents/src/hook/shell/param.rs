//! `${…}`: elements of arrays, other words for what is not set, values that are cut or changed.

use super::glob::{self, ANY, GAP};
use super::lex::{Lexer, Part, Word, too_deep};

/// A value longer than this is not cut.
const LONGEST: usize = 256;

/// What follows the name; the first that fits.
const CHANGES: &[(&str, Change)] = &[
    (":-", Change::Or),
    (":=", Change::Or),
    (":+", Change::Or),
    ("-", Change::Or),
    ("=", Change::Or),
    ("+", Change::Or),
    ("##", Change::Start { longest: true }),
    ("#", Change::Start { longest: false }),
    ("%%", Change::End { longest: true }),
    ("%", Change::End { longest: false }),
    ("//", Change::Replace { all: true }),
    ("/", Change::Replace { all: false }),
    (":", Change::Slice),
    // Other letters for the same name.
    ("^", Change::None),
    (",", Change::None),
    ("@P", Change::Prompt),
    ("@", Change::None),
];

/// What is done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing that matters for a name.
    None,
    /// Another word stands in for it.
    Or,
    /// What fits at its start is taken off.
    Start {
        /// As much as fits.
        longest: bool,
    },
    /// What fits at its end is taken off.
    End {
        /// As much as fits.
        longest: bool,
    },
    /// One text is put in another's place.
    Replace {
        /// Everywhere.
        all: bool,
    },
    /// A part of it, by places.
    Slice,
    /// It is gone through once more, like a prompt.
    Prompt,
}

/// `${…}` with more than a name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The variable.
    pub name: String,
    /// Its value is the name of the one that is meant.
    pub indirect: bool,
    /// The element of the array; all of them where there is none.
    item: Option<usize>,
    /// What is done with the value.
    pub change: Change,
    /// What it is done with.
    pub by: Word,
    /// It stands in quotes.
    pub quoted: bool,
}

/// What stands between the braces.
#[must_use]
pub fn read(inner: &str, quoted: bool, depth: usize) -> Part {
    let (indirect, text) = inner.strip_prefix('!').map_or((false, inner), |rest| (true, rest));
    let special = text.starts_with(['@', '*']);
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(if special { 1 } else { end });
    let (item, rest) = rest.strip_prefix('[').and_then(|r| r.split_once(']')).unwrap_or(("", rest));
    if name.is_empty() || too_deep(depth) {
        return run_inside(inner, depth);
    }
    if rest.is_empty() && item.is_empty() && !indirect {
        return Part::Var(name.to_owned(), quoted);
    }
    let known = CHANGES.iter().find_map(|(sign, change)| Some((*change, rest.strip_prefix(sign)?)));
    let (change, by) = match known {
        Some(known) => known,
        None if rest.is_empty() => (Change::None, rest),
        None => return run_inside(inner, depth),
    };
    let by = Lexer::quoted_text(by.trim_matches(['"', '\'']), depth + 1);
    let item = item.parse().ok();
    Part::Param(Param { name: name.to_owned(), indirect, item, change, by, quoted })
}

/// What is not understood: its value is unknown, what is substituted in it runs all the same.
fn run_inside(inner: &str, depth: usize) -> Part {
    if too_deep(depth) || !inner.contains(['`', '$']) {
        return Part::Unknown;
    }
    let by = Lexer::quoted_text(inner, depth + 1);
    let (name, change) = (String::new(), Change::Or);
    Part::Param(Param { name, indirect: false, item: None, change, by, quoted: true })
}

impl Param {
    /// What becomes of the values; `by` in its first form.
    #[must_use]
    pub fn applied(&self, values: Vec<String>, by: &[String]) -> Vec<String> {
        let chosen = values.into_iter().map(|value| match self.item {
            Some(item) => self::item(&value, item),
            None => value,
        });
        let first = by.first().map_or("", String::as_str);
        let each = |value: String| {
            let words = value.split(GAP).map(|word| self.change(word, first));
            words.collect::<Vec<_>>().join(GAP.encode_utf8(&mut [0; 4]))
        };
        match self.change {
            Change::None | Change::Prompt => chosen.collect(),
            // Of an array it takes words.
            Change::Slice => chosen.map(|v| if v.contains(GAP) { v } else { each(v) }).collect(),
            Change::Or => chosen.chain(by.iter().cloned()).collect(),
            _ => chosen.map(each).collect(),
        }
    }

    fn change(&self, value: &str, by: &str) -> String {
        let Some(text) = glob::literal(value).filter(|t| t.len() <= LONGEST) else { return ANY.to_string() };
        let changed = match self.change {
            Change::Start { longest } => Some(without_start(&text, by, longest)),
            Change::End { longest } => Some(without_end(&text, by, longest)),
            Change::Replace { all } => replaced(&text, by, all),
            Change::Slice => slice(&text, by),
            Change::None | Change::Prompt | Change::Or => Some(text),
        };
        changed.map_or_else(|| ANY.to_string(), |text| glob::escaped(&text))
    }
}

/// An element of an array, or of what has one word alone; all of it where there is no such element.
#[must_use]
pub fn item(value: &str, item: usize) -> String {
    let mut words = value.split(GAP).filter(|w| !w.is_empty());
    words.nth(item).filter(|word| !word.contains(ANY)).unwrap_or(value).to_owned()
}

fn cuts(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()])
}

fn without_start(text: &str, pattern: &str, longest: bool) -> String {
    let fits = |at: &usize| glob::fits(pattern, &text[..*at]);
    let cut = if longest { cuts(text).rev().find(fits) } else { cuts(text).find(fits) };
    text[cut.unwrap_or(0)..].to_owned()
}

fn without_end(text: &str, pattern: &str, longest: bool) -> String {
    let fits = |at: &usize| glob::fits(pattern, &text[*at..]);
    let cut = if longest { cuts(text).find(fits) } else { cuts(text).rev().find(fits) };
    text[..cut.unwrap_or(text.len())].to_owned()
}

/// `PATTERN/TEXT`, where the pattern is plain text.
fn replaced(text: &str, by: &str, all: bool) -> Option<String> {
    let (old, new) = by.split_once('/').unwrap_or((by, ""));
    let (old, new) = (glob::literal(old)?, glob::literal(new)?);
    Some(if old.is_empty() {
        text.to_owned()
    } else {
        text.replacen(&old, &new, if all { usize::MAX } else { 1 })
    })
}

/// `START` or `START:LENGTH`.
fn slice(text: &str, by: &str) -> Option<String> {
    let (start, length) = by.split_once(':').map_or((by, None), |(s, l)| (s, Some(l)));
    let start = start.trim().parse::<isize>().ok()?;
    let count = text.chars().count();
    let from = if start < 0 { count.saturating_sub(start.unsigned_abs()) } else { start.unsigned_abs() };
    let most = match length {
        None => count,
        Some(length) => match length.trim().parse::<isize>().ok()? {
            less if less < 0 => count.saturating_sub(from).saturating_sub(less.unsigned_abs()),
            most => most.unsigned_abs(),
        },
    };
    Some(text.chars().skip(from).take(most).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(text: &str, value: &str) -> Vec<String> {
        let Part::Param(param) = read(text, true, 0) else { return vec!["-".to_owned()] };
        let by: String =
            param.by.iter().map(|p| if let Part::Text(t, _) = p { t.as_str() } else { "" }).collect();
        param.applied(vec![value.to_owned()], &[by])
    }

    #[test]
    fn values_are_cut_as_a_shell_does() {
        for (text, value, now) in [
            ("x##*/", "./a/.env", ".env"),
            ("x#*/", "./a/.env", "a/.env"),
            ("x#foo", "foo.env", ".env"),
            ("x%.bak", ".env.bak", ".env"),
            ("x%%.*", "a.b.c", "a"),
            ("x%.*", "a.b.c", "a.b"),
            ("x/X/v", ".enX", ".env"),
            ("x//-", "-.e-nv", ".env"),
            ("x:1", "x.env", ".env"),
            ("x:1:2", "x.env", ".e"),
            ("x: -4", "x.env", ".env"),
            ("x:0:-1", ".envx", ".env"),
            ("x^^", ".env", ".env"),
            ("x[1]", "\u{f8fe}a\u{f8fe}b", "b"),
            ("x[@]##*/", "\u{f8fe}d/a\u{f8fe}d/b", "\u{f8fe}a\u{f8fe}b"),
            ("x#é", "éa", "a"),
        ] {
            assert_eq!(becomes(text, value), [now], "{text} {value}");
        }
        for odd in ["", "#x", "!", "x:", "x:a", "x[", "@", "x:9:-9", "x/", "x[9]", "é", "x$(", "#x$(a"] {
            let _ = becomes(odd, "é");
        }
    }
}
