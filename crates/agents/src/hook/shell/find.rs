//! The arguments of `find` and `fd`: where they look, what they come upon, and the commands that they run.

use super::fd;
use super::file_tests::{Met, Seen, Test};
use super::glob;
use std::ops::Range;
use std::path::Path;

/// How deep groups of tests are followed.
const DEPTH: usize = 32;

/// Options that stand before the places.
const EARLY: &[&str] = &["-H", "-L", "-P", "-E", "-X", "-s", "-x", "--"];

/// Tests and options of `find` with one word behind them.
const VALUED: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-lname",
    "-ilname",
    "-regex",
    "-iregex",
    "-regextype",
    "-type",
    "-xtype",
    "-size",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-user",
    "-group",
    "-uid",
    "-gid",
    "-perm",
    "-links",
    "-inum",
    "-samefile",
    "-fstype",
    "-anewer",
    "-cnewer",
    "-used",
    "-context",
    "-maxdepth",
    "-mindepth",
    "-printf",
    "-fprint",
    "-fprint0",
    "-fls",
    "-fprintf",
];
/// Actions, which are always true.
const ACTIONS: &[&str] = &["-print", "-print0", "-ls", "-printf", "-fprint", "-fprint0", "-fls", "-delete"];

/// What `find` or `fd` comes upon.
#[derive(Debug)]
pub struct Find {
    /// Where it starts.
    pub places: Vec<String>,
    /// Names that it looks for, and whether each is a path.
    pub names: Vec<(String, bool)>,
    /// Commands for what it comes upon: their places among the arguments.
    pub commands: Vec<Range<usize>>,
    /// Hidden files are left out.
    pub visible_only: bool,
    /// What git ignores is left out.
    pub ignores: bool,
    /// What it asks of each file.
    pub test: Test,
    /// It says itself what is done with a file. Where it does not, what passes is printed.
    pub acts: bool,
    /// How many folders deep a file may lie.
    pub depth: Range<usize>,
}

impl Default for Find {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            names: Vec::new(),
            commands: Vec::new(),
            visible_only: false,
            ignores: false,
            test: Test::Always(true),
            acts: false,
            depth: 0..usize::MAX,
        }
    }
}

impl Find {
    /// Reads the arguments.
    #[must_use]
    pub fn of(name: &str, args: &[Vec<String>]) -> Self {
        let mut find = if name.starts_with("fd") { fd::read(args) } else { Reader::read(args) };
        if find.places.is_empty() {
            find.places.push(".".to_owned());
        }
        find
    }

    /// Whether it comes upon a file that lies `below` a place of its own.
    #[must_use]
    pub fn meets(&self, place: &str, below: &Path) -> bool {
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let mut path = place.to_owned();
        if parts.is_empty() {
            let name = place.rsplit('/').next().unwrap_or(place);
            return self.takes(&Met { path: &path, name, is_folder: false }).0;
        }
        let hidden = || parts.iter().any(|part| part.starts_with('.'));
        if !self.depth.contains(&parts.len()) || (self.visible_only && hidden()) {
            return false;
        }
        for (at, name) in parts.iter().enumerate() {
            if !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(name);
            let is_folder = at + 1 < parts.len();
            let (takes, is_pruned) = self.takes(&Met { path: &path, name, is_folder });
            if !is_folder {
                return takes;
            }
            if is_pruned && at + 1 >= self.depth.start {
                return false;
            }
        }
        true
    }

    /// Whether something is done with what it comes upon, and whether it surely goes no deeper there.
    fn takes(&self, met: &Met) -> (bool, bool) {
        let mut seen = Seen::default();
        let passes = self.test.passes(met, true, &mut seen) != Some(false);
        (if self.acts { seen.acts } else { passes }, seen.is_pruned)
    }
}

/// The end of a command that begins at `from`: at `;`, or at the `+` behind `{}`.
#[must_use]
pub fn command_end(words: &[&str], from: usize) -> usize {
    let ends = |at: &usize| {
        let word = glob::unescaped(words[*at]);
        word == ";" || (word == "+" && *at > from && glob::unescaped(words[*at - 1]) == "{}")
    };
    (from..words.len()).find(ends).unwrap_or(words.len())
}

/// Reads the expression of `find`.
struct Reader<'a> {
    args: &'a [Vec<String>],
    words: Vec<&'a str>,
    at: usize,
    level: usize,
    /// What is read is turned round by an odd number of `!`.
    turned: bool,
    find: Find,
}

impl<'a> Reader<'a> {
    fn read(args: &'a [Vec<String>]) -> Find {
        let words: Vec<&str> = args.iter().map(|f| f.first().map_or("", String::as_str)).collect();
        // With these the folders come last.
        let keeps_on = words.iter().any(|w| matches!(*w, "-depth" | "-delete" | "-d"));
        let mut reader = Self { args, words, at: 0, level: 0, turned: false, find: Find::default() };
        reader.places();
        let test = reader.group(keeps_on);
        Find { test, ..reader.find }
    }

    fn places(&mut self) {
        while let Some(word) = self.words.get(self.at) {
            let early = self.find.places.is_empty() && (EARLY.contains(word) || word.starts_with("-O"));
            if !early {
                let plain = glob::unescaped(word);
                if word.starts_with('-') || matches!(plain.as_str(), "(" | "!") {
                    return;
                }
                self.find.places.extend(self.args[self.at].iter().cloned());
            }
            self.at += 1;
        }
    }

    /// Tests up to the end, or to the `)` that closes them.
    fn group(&mut self, keeps_on: bool) -> Test {
        let (mut any, mut all, mut not) = (Vec::new(), Vec::new(), false);
        while let Some(word) = self.words.get(self.at) {
            let word = glob::unescaped(word);
            self.at += 1;
            match word.as_str() {
                ")" if self.level > 0 => break,
                // Behind a comma all is asked anew, whatever came of it before.
                "-o" | "-or" | "," => any.push(Test::All(std::mem::take(&mut all))),
                "-a" | "-and" | ")" => {}
                "!" | "-not" => not = !not,
                word => {
                    self.turned ^= not;
                    let test = self.test(word, keeps_on);
                    self.turned ^= not;
                    all.push(if std::mem::take(&mut not) { Test::Not(Box::new(test)) } else { test });
                }
            }
        }
        any.push(Test::All(all));
        Test::Any(any)
    }

    fn test(&mut self, word: &str, keeps_on: bool) -> Test {
        let value = self.args.get(self.at).map_or(&[][..], Vec::as_slice);
        let patterns = || value.iter().map(|form| glob::unescaped(form)).collect::<Vec<_>>();
        let from = self.at;
        if VALUED.contains(&word) || word.starts_with("-newer") {
            self.at += 1 + usize::from(word == "-fprintf");
        }
        match word {
            "(" if self.level < DEPTH => {
                self.level += 1;
                let group = self.group(keeps_on);
                self.level -= 1;
                group
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                self.at = command_end(&self.words, from);
                self.find.commands.push(from..self.at);
                self.at += 1;
                // One of these has a test's answer where it is run for each file.
                let is_batch = self.words.get(self.at - 1).is_some_and(|w| *w == "+");
                self.action(is_batch.then_some(true))
            }
            "-name" | "-iname" => {
                self.looks_for(&patterns(), false);
                Test::Name(patterns())
            }
            "-path" | "-ipath" | "-wholename" | "-iwholename" => {
                self.looks_for(&patterns(), true);
                Test::Path(patterns())
            }
            // A link to a file is none of type `f`.
            "-type" if value.iter().all(|form| form == "d") => Test::Folder,
            "-prune" => {
                if keeps_on {
                    Test::Always(true)
                } else {
                    Test::Prune
                }
            }
            "-maxdepth" => self.bound(value, |depth, most| depth.end = most.saturating_add(1)),
            "-mindepth" => self.bound(value, |depth, least| depth.start = least),
            word if ACTIONS.contains(&word) => self.action(Some(true)),
            "-true" => Test::Always(true),
            "-false" => Test::Always(false),
            _ => Test::Unknown,
        }
    }

    fn action(&mut self, answer: Option<bool>) -> Test {
        self.find.acts = true;
        Test::Action(answer)
    }

    fn looks_for(&mut self, patterns: &[String], is_path: bool) {
        if !self.turned {
            self.find.names.extend(patterns.iter().map(|pattern| (pattern.clone(), is_path)));
        }
    }

    fn bound(&mut self, value: &[String], set: impl Fn(&mut Range<usize>, usize)) -> Test {
        if let [number] = value
            && let Ok(number) = number.parse()
        {
            set(&mut self.find.depth, number);
        }
        Test::Always(true)
    }
}
