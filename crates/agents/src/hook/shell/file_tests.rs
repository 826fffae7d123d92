//! What `find` and `fd` ask of a file, as far as its name and place can answer.

use super::glob::{self, ANY};
use regex::bytes::{Regex, RegexBuilder};

/// How much memory a pattern of `fd` may take.
const SIZE: usize = 1 << 20;

/// A file, as `find` comes upon it.
pub struct Met<'a> {
    /// Its path, beginning with the place that it was found from.
    pub path: &'a str,
    /// The last part of it.
    pub name: &'a str,
    /// It is a folder.
    pub is_folder: bool,
}

/// What tests come to, beside their answer.
#[derive(Debug, Default)]
pub struct Seen {
    /// The search surely goes no deeper.
    pub is_pruned: bool,
    /// An action may have been come to.
    pub acts: bool,
}

/// A test, or several.
#[derive(Debug)]
pub enum Test {
    /// The name fits one of these patterns.
    Name(Vec<String>),
    /// The path does.
    Path(Vec<String>),
    /// The name has this in it.
    Has(Regex),
    /// It is a folder.
    Folder,
    /// The answer is always the same.
    Always(bool),
    /// Nobody knows here.
    Unknown,
    /// What is below is not looked at.
    Prune,
    /// Something is done with it: it is printed, or given to a command. With what that answers.
    Action(Option<bool>),
    /// The other way round.
    Not(Box<Test>),
    /// All of them, in their order.
    All(Vec<Test>),
    /// One of them, in their order.
    Any(Vec<Test>),
}

impl Test {
    /// The pattern of `fd`: a regular expression for the name.
    #[must_use]
    pub fn has(pattern: &str) -> Self {
        let mut builder = RegexBuilder::new(pattern);
        builder.case_insensitive(true).unicode(false).size_limit(SIZE).dfa_size_limit(SIZE);
        builder.build().map_or(Self::Unknown, Self::Has)
    }

    /// Whether a file passes; none where nobody knows. `sure`: this test is surely come to.
    #[must_use]
    pub fn passes(&self, file: &Met, sure: bool, seen: &mut Seen) -> Option<bool> {
        match self {
            Self::Name(patterns) => fits(patterns, file.name),
            Self::Path(patterns) => fits(patterns, file.path),
            Self::Has(pattern) => Some(pattern.is_match(file.name.as_bytes())),
            Self::Folder => Some(file.is_folder),
            Self::Always(is) => Some(*is),
            Self::Unknown => None,
            Self::Prune => {
                seen.is_pruned |= sure && file.is_folder;
                Some(true)
            }
            Self::Action(answer) => {
                seen.acts = true;
                *answer
            }
            Self::Not(test) => test.passes(file, sure, seen).map(|is| !is),
            Self::All(tests) => joined(tests, true, file, sure, seen),
            Self::Any(tests) => joined(tests, false, file, sure, seen),
        }
    }
}

/// Tests one after the other, up to the first whose answer is another one than `goes_on`.
fn joined(tests: &[Test], goes_on: bool, file: &Met, sure: bool, seen: &mut Seen) -> Option<bool> {
    let mut known = Some(goes_on);
    for test in tests {
        match test.passes(file, sure && known.is_some(), seen) {
            Some(is) if is != goes_on => return Some(is),
            Some(_) => {}
            None => known = None,
        }
    }
    known
}

/// Whether one of some patterns fits; none where it depends on what is unknown, or on small and large letters.
fn fits(patterns: &[String], text: &str) -> Option<bool> {
    if !patterns.iter().any(|p| glob::fits(p, text)) {
        return Some(false);
    }
    let large = |text: &str| text.contains(|c: char| c.is_uppercase());
    let sure = patterns.len() == 1 && !patterns[0].contains(ANY) && !large(&patterns[0]) && !large(text);
    sure.then_some(true)
}
