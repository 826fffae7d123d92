//! Options of programs that run the rest of the line: which have a word behind them, and which say a folder.

use super::glob;
use super::programs::{Role, role};
use super::walk::Walk;
use std::path::PathBuf;

/// Options with a value, of a program: those of the folder (empty: it has none), then the others.
struct Options {
    program: &'static str,
    folder: (&'static str, &'static str),
    letters: &'static str,
    long: &'static [&'static str],
}

const OPTIONS: &[Options] = &[
    Options { program: "env", folder: ("C", "chdir"), letters: "uP", long: &["unset"] },
    Options {
        program: "sudo",
        folder: ("D", "chdir"),
        letters: "ugpCRrtTU",
        long: &[
            "user",
            "group",
            "prompt",
            "close-from",
            "chroot",
            "role",
            "type",
            "command-timeout",
            "other-user",
        ],
    },
    others("doas", "uC", &[]),
    others("exec", "a", &[]),
    others("timeout", "sk", &["signal", "kill-after"]),
    others("gtimeout", "sk", &["signal", "kill-after"]),
    others("nice", "n", &["adjustment"]),
    others("ionice", "cnpPu", &["class", "classdata", "pid", "pgid", "uid"]),
    others("stdbuf", "ioe", &["input", "output", "error"]),
    others("time", "fo", &["format", "output"]),
];

/// Options of a program that runs the rest in the folder it is in.
const fn others(program: &'static str, letters: &'static str, long: &'static [&'static str]) -> Options {
    Options { program, folder: ("", ""), letters, long }
}

/// An option with a value.
struct Given<'w> {
    is_folder: bool,
    /// The value; none where it is the next word.
    value: Option<&'w str>,
}

/// The option with a value that a word is.
fn given<'w>(program: &str, word: &'w str) -> Option<Given<'w>> {
    let base = program.rsplit('/').next().unwrap_or(program);
    let options = OPTIONS.iter().find(|options| options.program == base)?;
    let (letter, folder) = options.folder;
    if let Some(option) = word.strip_prefix("--") {
        let (name, value) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        // It may be cut short.
        let is_folder = !name.is_empty() && folder.starts_with(name);
        let known = is_folder || options.long.contains(&name);
        return known.then_some(Given { is_folder, value });
    }
    let letters = word.strip_prefix('-')?;
    let at = letters.find(|c| letter.contains(c) || options.letters.contains(c))?;
    let (option, value) = (&letters[at..=at], &letters[at + 1..]);
    Some(Given { is_folder: option == letter, value: (!value.is_empty()).then_some(value) })
}

/// Whether the word behind an option of a program belongs to it.
#[must_use]
pub fn takes_next(program: &str, word: &str) -> bool {
    given(program, word).is_some_and(|given| given.value.is_none())
}

/// The line in a word that `env` makes words of: `-S'cat -n'`, `--split-string=cat`.
#[must_use]
pub fn split<'w>(program: &str, word: &'w str) -> Option<&'w str> {
    let is_env = program.rsplit('/').next() == Some("env");
    let long = || word.strip_prefix("--split-string=");
    let short =
        || word.strip_prefix('-').filter(|w| !w.starts_with('-'))?.split_once('S').map(|(_, text)| text);
    long().or_else(short).map(str::trim).filter(|line| is_env && !line.is_empty())
}

/// Does something in the folder that the words before a program say: `env -C FOLDER`, `sudo -D FOLDER`.
pub fn within<T>(walk: &mut Walk, words: &[Vec<String>], run: impl FnOnce(&mut Walk) -> T) -> T {
    let Some(folder) = folder(walk, words) else { return run(walk) };
    let was = std::mem::replace(&mut walk.cwd, folder);
    let done = run(walk);
    walk.cwd = was;
    done
}

/// The folder that wrappers say, where one does (`Some(None)`: nobody knows which).
fn folder(walk: &Walk, words: &[Vec<String>]) -> Option<Option<PathBuf>> {
    let mut found = None;
    let mut program = String::new();
    let mut all = words.iter().filter_map(|forms| forms.first());
    while let Some(word) = all.next() {
        match given(&program, word) {
            Some(option) => {
                let value = option.value.or_else(|| all.next().map(String::as_str));
                if let Some(to) = value.filter(|_| option.is_folder) {
                    let from = found.unwrap_or_else(|| walk.cwd.clone());
                    found = Some(walk.place.folder(from.as_deref(), to));
                }
            }
            None if role(&glob::unescaped(word)) == Role::Wrapper => program = glob::unescaped(word),
            None => {}
        }
    }
    found
}
