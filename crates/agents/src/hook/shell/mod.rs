//! Whether a shell command line would read a protected file, as far as its text shows.
//!
//! A guard rail: a program that makes up a file's name while it runs is not seen here.

mod absent;
mod archive;
mod expand;
mod fd;
mod file_tests;
mod find;
mod folders;
mod git;
mod glob;
pub mod lex;
mod lists;
mod loaders;
mod opened;
mod openssl;
mod options;
mod param;
mod paths;
mod processes;
mod programs;
mod roles;
mod said;
mod scripts;
mod searches;
mod setters;
mod settings;
mod shown;
mod staging;
mod subscripts;
mod texts;
mod walk;
mod word;
mod wrappers;

pub use options::is_language;
pub use roles::patched;
pub use walk::writes;

use super::guard::{Guard, Secret};
use paths::Place;
use std::path::Path;

/// The longest command line that is read.
const LONGEST: usize = 256 * 1024;

/// Why a command line is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It would read this.
    Reads(Secret),
    /// It searches a folder with this in it.
    Searches(Secret),
    /// It would write over this.
    Writes(Secret),
    /// It loads this into an environment.
    Loads(Secret),
    /// It packs this into an archive that it prints.
    Packs(Secret),
    /// It puts this into git's index by force, or prints it from there.
    Stages(Secret),
    /// It is too long or too deep to be looked through.
    TooMuch,
}

impl Stop {
    /// The file that it is about.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Reads(s) | Self::Searches(s) | Self::Writes(s) => Some(s),
            Self::Loads(s) | Self::Packs(s) | Self::Stages(s) => Some(s),
            Self::TooMuch => None,
        }
    }
}

/// What a line is looked at with.
pub struct Look<'a> {
    /// What is protected.
    pub guard: &'a Guard,
    /// The folder it runs in.
    pub cwd: &'a Path,
    /// A variable of the environment that it starts in.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// Looks a command line through.
#[must_use]
pub fn judge(look: &Look, line: &str) -> Option<Stop> {
    if line.len() > LONGEST {
        return Some(Stop::TooMuch);
    }
    let place = Place::new(look.guard, look.env);
    let script = lex::read(line);
    let found = walk::line(&place, look.cwd, &script);
    let unread = script.broken || place.exhausted();
    found
        .or_else(|| {
            // What could not be read to its end is looked at as plain text.
            unread.then(|| place_of(look).find_in_code(Some(look.cwd), line).map(Stop::Reads)).flatten()
        })
        .or_else(|| place.exhausted().then_some(Stop::TooMuch))
}

/// As [`judge`], for text that may be code of another language: a name that could be a field has to be there.
#[must_use]
pub fn line_or_code(look: &Look, text: &str) -> Option<Stop> {
    judge(look, text).filter(counts_in_code)
}

/// Whether what stops is a file in code, too: no field, or there.
#[must_use]
pub fn counts_in_code(stop: &Stop) -> bool {
    stop.secret().is_none_or(|secret| !paths::is_absent_field(secret))
}

/// A fresh allowance.
fn place_of<'a>(look: &Look<'a>) -> Place<'a> {
    Place::new(look.guard, look.env)
}

/// The protected file that a path, which may be a pattern, names.
#[must_use]
pub fn path(look: &Look, path: &str, is_pattern: bool) -> Option<Secret> {
    let pattern = if is_pattern { path.to_owned() } else { glob::escaped(path) };
    let forms = if is_pattern { glob::braces(&pattern, 32) } else { vec![pattern] };
    let place = place_of(look);
    forms.iter().find_map(|form| place.find(Some(look.cwd), form))
}

/// The protected file that code of any language names, as far as its text shows.
#[must_use]
pub fn code(look: &Look, text: &str) -> Option<Secret> {
    place_of(look).find_in_code(Some(look.cwd), text)
}

/// Whether a pattern of file names fits the name of a file.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    fits_any(&patterns(pattern), name)
}

/// A pattern of file names without its braces.
#[must_use]
pub fn patterns(pattern: &str) -> Vec<String> {
    glob::braces(pattern, 32)
}

/// Whether one of some patterns without braces fits the name of a file.
#[must_use]
pub fn fits_any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|p| glob::fits(p, name))
}

/// Whether every command of a line prints names and words alone, nothing out of a file or another program.
#[must_use]
pub fn says_nothing(script: &lex::Script) -> bool {
    use lex::Part;
    use programs::{Role, role};
    // Others run hooks, or print addresses with logins in them.
    const GIT: &[&str] = &["status", "add", "ls-files", "check-ignore", "rev-parse", "branch"];
    // They print variables and the text of functions.
    const VALUES: &[&str] = &["set", "type", "alias", "which", "function", "compgen"];
    script.commands().all(|command| {
        // Builtins expand some quoted text again, and a shell says in its error what a name became.
        let plain = |p: &Part| matches!(p, Part::Text(text, _) if !text.contains(['$', '`']));
        let mut written =
            command.words.iter().chain(command.redirects.iter().map(|(_, word)| word)).flatten();
        let text = |i: usize| match command.words.get(i).map(Vec::as_slice) {
            Some([Part::Text(text, _)]) => text.as_str(),
            _ => "",
        };
        let shows = || {
            let part = |p: &Part| if let Part::Text(text, _) = p { text.clone() } else { String::new() };
            let word = |w: &lex::Word| vec![w.iter().map(part).collect::<String>()];
            let args: Vec<Vec<String>> = command.words.iter().skip(1).map(word).collect();
            !shown::files(text(0), &args).is_empty()
        };
        let quiet = match role(text(0)) {
            Role::Mention => !VALUES.contains(&text(0)) && !shows(),
            Role::List => !shows(),
            Role::Cd => true,
            Role::Git => GIT.contains(&text(1)) && !(2..command.words.len()).any(|at| shows_text(text(at))),
            _ => false,
        };
        quiet && written.all(plain)
    })
}

/// Whether an option makes git print what is in files: `status -v`, `add -p`. Long ones may be cut short.
fn shows_text(word: &str) -> bool {
    const LONG: &[&str] = &["--verbose", "--patch", "--interactive", "--edit"];
    match word.strip_prefix('-') {
        Some(long) if long.starts_with('-') => long.len() > 1 && LONG.iter().any(|l| l.starts_with(word)),
        Some(letters) => letters.contains(['v', 'p', 'i', 'e']),
        None => false,
    }
}
