//! Commands that run only where a file is missing: `[ -f FILE ] || …`, `if [ ! -f FILE ]; then …`.

use super::expand;
use super::glob;
use super::lex::{Command, Joint, Part};
use super::walk::Walk;
use crate::hook::guard::normal;
use std::path::{Path, PathBuf};

/// When the files are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum While {
    /// As long as `||` follows on `||`.
    Or,
    /// As long as `&&` follows on `&&`.
    And,
    /// Behind the `then` that comes next.
    Next,
    /// Up to the end of this branch.
    Branch,
}

/// The files that are missing where a command runs.
#[derive(Debug, Default)]
pub struct Absent {
    files: Vec<PathBuf>,
    during: Option<While>,
    /// The condition of an `if` is being read.
    condition: bool,
}

impl Absent {
    /// Before a command: the words of the grammar that stand before it.
    pub fn enter(&mut self, before: &[&str]) {
        let has = |words: &[&str]| before.iter().any(|b| words.contains(b));
        if self.during == Some(While::Next) {
            self.during = has(&["then"]).then_some(While::Branch);
        } else if has(&["fi", "else", "elif", "then", "done", "esac"]) {
            self.during = None;
        }
        if has(&["if", "elif"]) {
            (self.condition, self.during) = (true, None);
        }
        if self.during.is_none() {
            self.files.clear();
        }
    }

    /// Whether a file is missing where the command runs.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        matches!(self.during, Some(While::Or | While::And | While::Branch))
            && self.files.iter().any(|f| f == path)
    }

    /// After a command: what ends it, and the file that it tested (with whether it is true where that is missing).
    pub fn leave(&mut self, joint: Joint, tested: Option<(PathBuf, bool)>) {
        if self.during == Some(While::Branch) {
            return;
        }
        let during = match joint {
            Joint::Or => Some(While::Or),
            Joint::And => Some(While::And),
            Joint::Next if self.condition => Some(While::Next),
            _ => None,
        };
        let goes_on = match (self.during, during) {
            (Some(While::And), Some(While::Next)) => true,
            (was, is) => was.is_some() && was == is,
        };
        if !goes_on {
            self.files.clear();
        }
        if let Some((file, when_missing)) = tested
            && during.is_some_and(|d| when_missing == (d != While::Or))
        {
            self.files.push(file);
        }
        // Either side of an `||` may have led to the branch.
        self.condition &= joint == Joint::And;
        self.during = during.filter(|_| !self.files.is_empty());
    }
}

/// The file that a command looks for, and whether it is true where that is missing.
#[must_use]
pub fn looked_for(walk: &Walk, command: &Command) -> Option<(PathBuf, bool)> {
    let Some([Part::Text(name, _)]) = command.words.first().map(Vec::as_slice) else { return None };
    if !matches!(name.as_str(), "test" | "[" | "[[") {
        return None;
    }
    let (words, _) = expand::words(walk.place, &walk.vars, &command.words);
    let only = |forms: &Vec<String>| match forms.as_slice() {
        [one] => glob::literal(one).unwrap_or_default(),
        _ => String::new(),
    };
    let words: Vec<String> = words.iter().map(only).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (file, when_missing) = tested(name, words.get(1..)?, command.before.contains(&"!"))?;
    let path = walk.place.folder(walk.cwd.as_deref(), &glob::escaped(file))?;
    Some((normal(&path), when_missing))
}

/// The file that `test` and its like look for, and whether it is true where the file is missing.
fn tested<'a>(name: &str, words: &[&'a str], negated: bool) -> Option<(&'a str, bool)> {
    let words = match (name, words) {
        ("test", words) | ("[", [words @ .., "]"]) | ("[[", [words @ .., "]]"]) => words,
        // The rest of it is behind `&&` or `||`.
        ("[[", words) => words,
        _ => return None,
    };
    let (not, words) = match words {
        ["!", rest @ ..] => (true, rest),
        words => (false, words),
    };
    match words {
        ["-f" | "-e" | "-s" | "-a", file] => Some((file, not != negated)),
        _ => None,
    }
}
