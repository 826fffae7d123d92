//! The arguments of `fd`.

use super::file_tests::Test;
use super::find::{Find, command_end};
use super::glob;

/// Letters with a value.
const LETTERS: &str = "dEteSojcC";
/// Long options with a value.
const LONG: &[&str] = &[
    "max-depth",
    "min-depth",
    "exact-depth",
    "exclude",
    "type",
    "extension",
    "size",
    "changed-within",
    "changed-before",
    "newer",
    "older",
    "owner",
    "format",
    "color",
    "hyperlink",
    "threads",
    "max-results",
    "base-directory",
    "search-path",
    "path-separator",
    "and",
    "ignore-file",
    "batch-size",
];

/// How the pattern is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Regex,
    Glob,
    Fixed,
}

/// What is read of the options.
struct Options {
    find: Find,
    syntax: Syntax,
    /// The pattern is for the whole path.
    whole_path: bool,
    ends: Vec<String>,
    types: Vec<String>,
    /// What is left out.
    out: Vec<Test>,
}

/// Reads the arguments.
#[must_use]
pub fn read(args: &[Vec<String>]) -> Find {
    let words: Vec<&str> = args.iter().map(|f| f.first().map_or("", String::as_str)).collect();
    let find = Find { visible_only: true, ignores: true, ..Find::default() };
    let (ends, types, out) = (Vec::new(), Vec::new(), Vec::new());
    let mut options = Options { find, syntax: Syntax::Regex, whole_path: false, ends, types, out };
    let mut plain = Vec::new();
    let (mut at, mut only_plain) = (0, false);
    while let Some(word) = words.get(at) {
        at += 1;
        if only_plain || !word.starts_with('-') || *word == "-" {
            plain.push(at - 1);
        } else if *word == "--" {
            only_plain = true;
        } else if matches!(*word, "--exec" | "--exec-batch") || options.letters(word, &words, &mut at) {
            let end = command_end(&words, at);
            options.find.commands.push(at..end);
            at = end + 1;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, joined) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let takes = joined.is_none() && LONG.contains(&name);
            let value = joined.or_else(|| words.get(at).copied().filter(|_| takes)).unwrap_or_default();
            at += usize::from(takes);
            options.set(name, value);
        }
    }
    let mut plain = plain.into_iter();
    let pattern = plain.next().map(|at| args[at].as_slice());
    let places = plain.flat_map(|at| args[at].iter().cloned());
    options.find.places.extend(places);
    options.done(pattern)
}

impl Options {
    /// Short options in one word. Whether the last of them has a command behind it.
    fn letters(&mut self, word: &str, words: &[&str], at: &mut usize) -> bool {
        if word.starts_with("--") {
            return false;
        }
        for (from, letter) in word.char_indices().skip(1) {
            let name = letter.to_string();
            if !LETTERS.contains(letter) {
                if matches!(letter, 'x' | 'X') {
                    return true;
                }
                self.set(&name, "");
                continue;
            }
            let glued = &word[from + letter.len_utf8()..];
            let value = if glued.is_empty() { words.get(*at).copied().unwrap_or_default() } else { glued };
            *at += usize::from(glued.is_empty());
            self.set(&name, value.trim_start_matches('='));
            return false;
        }
        false
    }

    fn set(&mut self, option: &str, value: &str) {
        let value = glob::unescaped(value);
        match option {
            "H" | "hidden" => self.find.visible_only = false,
            "u" | "unrestricted" => (self.find.visible_only, self.find.ignores) = (false, false),
            option if option == "I" || option.starts_with("no-ignore") => self.find.ignores = false,
            "g" | "glob" => self.syntax = Syntax::Glob,
            "F" | "fixed-strings" => self.syntax = Syntax::Fixed,
            "p" | "full-path" => self.whole_path = true,
            "e" | "extension" => {
                self.ends.push(format!("?*.{}", glob::escaped(value.trim_start_matches('.'))))
            }
            "t" | "type" => self.types.push(value),
            "d" | "max-depth" => {
                let most = value.parse::<usize>().unwrap_or(usize::MAX);
                self.find.depth.end = most.saturating_add(1);
            }
            "search-path" | "base-directory" | "C" => self.find.places.push(glob::escaped(&value)),
            "E" | "exclude" => {
                let name = value.trim_end_matches('/').to_owned();
                let test = if name.contains('/') { Test::Unknown } else { Test::Name(vec![name]) };
                self.out.push(Test::Not(Box::new(Test::All(vec![test, Test::Prune]))));
            }
            _ => {}
        }
    }

    fn done(mut self, pattern: Option<&[String]>) -> Find {
        let mut tests = self.out;
        if let Some(forms) = pattern {
            let text = match forms {
                [one] if !self.whole_path => glob::literal(one),
                _ => None,
            };
            tests.push(match (&text, self.syntax) {
                (None, _) => Test::Unknown,
                (Some(text), Syntax::Regex) => Test::has(text),
                (Some(text), Syntax::Fixed) => Test::has(&regex::escape(text)),
                (Some(text), Syntax::Glob) => Test::Name(vec![text.clone()]),
            });
            let name = text.unwrap_or_default();
            let name = name.trim_start_matches('^').trim_end_matches('$').replace('\\', "");
            let looks = !self.find.visible_only && name.len() > 1;
            self.find.names.extend(looks.then(|| (glob::escaped(&name), false)));
        }
        if !self.ends.is_empty() {
            tests.push(Test::Name(self.ends));
        }
        if !self.types.is_empty()
            && self.types.iter().all(|t| matches!(t.as_str(), "d" | "dir" | "directory"))
        {
            tests.push(Test::Folder);
        }
        Find { test: Test::All(tests), ..self.find }
    }
}
