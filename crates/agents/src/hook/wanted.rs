//! What a search looks for, and whether a private key has a line of it.
//!
//! A key is armour and letters by chance: a search for a word of the code finds nothing in it, and is no reason to
//! stop. Only where that is certain: a pattern that is not understood counts as one that finds something.

use super::names::{self, Class, When};
use regex::bytes::{Regex, RegexBuilder};
use std::path::Path;

/// The longest key that is looked through.
const LONGEST: u64 = 64 * 1024;
/// How much memory a pattern may take.
const SIZE: usize = 1 << 20;

/// How a searcher reads its patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// As `rg` and `grep -E` do.
    #[default]
    Extended,
    /// As `grep` does: `\|` for either.
    Basic,
    /// As text.
    Fixed,
}

/// What a search looks for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The patterns; none where they can't be known.
    patterns: Option<Vec<Regex>>,
    /// What is no text is printed like text.
    binary: bool,
}

impl Wanted {
    /// A search for patterns, each a line's worth. `binary`: it takes all files for text.
    #[must_use]
    pub fn new(patterns: &[String], syntax: Syntax, binary: bool) -> Self {
        let lines = patterns.iter().flat_map(|p| p.split('\n'));
        let all: Option<Vec<Regex>> = lines.map(|line| compiled(line, syntax)).collect();
        Self { patterns: all.filter(|all| !all.is_empty()), binary }
    }

    /// Whether it would print something of a protected file. `false` only where that is certain.
    #[must_use]
    pub fn prints(&self, path: &Path) -> bool {
        let key = |found: (Class, When)| found.0 == Class::Key;
        !names::class(&path.to_string_lossy()).is_some_and(key) || self.finds(path)
    }

    /// Whether a line of a file is found. `false` only where that is certain.
    #[must_use]
    pub fn finds(&self, path: &Path) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        let small = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= LONGEST);
        let Some(mut text) = small.then(|| std::fs::read(path).ok()).flatten() else { return true };
        if text.contains(&0) && !self.binary {
            return false;
        }
        text.retain(|b| *b != b'\r');
        patterns.iter().any(|p| p.is_match(&text))
    }
}

/// A pattern that fits at least all that the searcher's own would. None where that can't be said.
fn compiled(pattern: &str, syntax: Syntax) -> Option<Regex> {
    let source = match syntax {
        Syntax::Fixed => regex::escape(pattern),
        Syntax::Extended => pattern.to_owned(),
        Syntax::Basic => extended(pattern),
    };
    if syntax != Syntax::Fixed && unclear(pattern) {
        return None;
    }
    let mut builder = RegexBuilder::new(&source);
    builder.case_insensitive(true).multi_line(true).unicode(false).size_limit(SIZE).dfa_size_limit(SIZE);
    builder.build().ok()
}

/// What other languages of patterns read in another way.
fn unclear(pattern: &str) -> bool {
    let in_class = pattern.contains('[') && ["\\", "&&", "--", "~~"].iter().any(|s| pattern.contains(s));
    in_class || ["(?", "{,", "\\Q", "\\E"].iter().any(|s| pattern.contains(s))
}

/// A basic pattern in the extended syntax: what has a backslash there has none here.
fn extended(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if !in_class => match chars.next() {
                Some(c @ ('|' | '(' | ')' | '{' | '}' | '+' | '?')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '|' | '(' | ')' | '{' | '}' | '+' | '?' if !in_class => out.extend(['\\', c]),
            c => {
                in_class = (in_class || c == '[') && c != ']';
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(pattern: &str, syntax: Syntax) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("x.key");
        std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\r\nabc+/x9\r\n-----END PRIVATE KEY-----\r\n")
            .unwrap();
        Wanted::new(&[pattern.to_owned()], syntax, false).prints(&key)
    }

    #[test]
    fn only_what_surely_finds_nothing_prints_nothing() {
        use Syntax::{Basic, Extended, Fixed};
        for (pattern, syntax) in [
            ("foo", Extended),
            ("fn \\w+\\(", Extended),
            ("foo|bar", Extended),
            ("key|foo", Basic),
            ("foo(", Basic),
            ("foo\\|bar", Basic),
            ("\\(foo\\)\\+", Basic),
            ("key.*", Fixed),
            ("(", Fixed),
            ("[xyz]{9}", Extended),
        ] {
            assert!(!prints(pattern, syntax), "{pattern}");
        }
        for (pattern, syntax) in [
            ("", Extended),
            ("key", Extended),
            ("KEY-----$", Extended),
            ("ABC", Fixed),
            ("foo\nabc", Fixed),
            ("foo\\|key", Basic),
            ("foo(", Extended),
            ("(?x) k e y", Extended),
            ("\\(k\\)ey\\1", Basic),
            ("[\\k]ey", Basic),
            ("k\\{1,2\\}ey", Basic),
            ("k{,2}ey", Extended),
            ("(?i:foo)", Extended),
            ("[[:alpha:]]", Extended),
        ] {
            assert!(prints(pattern, syntax), "{pattern}");
        }
    }

    #[test]
    fn a_file_that_is_no_key_or_no_text_is_not_decided_by_a_pattern() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at(".env"), "A=1").unwrap();
        std::fs::write(at("x.p12"), b"\0KEY").unwrap();
        let wanted = |binary| Wanted::new(&["foo".to_owned(), "KEY".to_owned()], Syntax::Fixed, binary);
        assert!(wanted(false).prints(&at(".env")));
        assert!(!wanted(false).finds(&at(".env")));
        assert!(!wanted(false).prints(&at("x.p12")));
        assert!(wanted(true).prints(&at("x.p12")));
        assert!(Wanted::default().prints(&at("x.p12")));
    }
}
