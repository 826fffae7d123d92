//! Names that come out of a file or of a program that lists them: `xargs -a FILE`, `$(<FILE)`, `du -a`, `compgen -f`.

use super::expand;
use super::glob;
use super::lex::{Command, Part, Script, Way};
use super::programs::Role;
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::Secret;
use crate::hook::names;
use std::io::Read;

/// The longest file that is looked through for names.
const LONGEST: u64 = 64 * 1024;
/// How many of its lines that may be the name of a secret are looked up.
const NAMES: usize = 32;
/// How many files of a command are looked through.
const FILES: usize = 32;
/// Programs that print the lines of a file, one by one.
const PASS: &[&str] = &["cat", "head", "tail", "tac", "sort", "uniq", "grep", "egrep", "sed", "awk"];

/// The protected file that a file has a line with the name of. Text that mentions one is no list of names.
#[must_use]
pub fn in_file(walk: &Walk, form: &str, are_patterns: bool) -> Option<Secret> {
    let path = walk.place.folder(walk.cwd.as_deref(), form).filter(|path| path.is_file())?;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    // Most files are no lists at all: their lines cost nothing of the allowance.
    let is_pattern = |line: &str| are_patterns && line.contains(['*', '?', '[']);
    let may = |line: &&str| match is_pattern(line) {
        true => names::USUAL.iter().any(|name| glob::fits(line.rsplit('/').next().unwrap_or(line), name)),
        false => names::class(line).is_some(),
    };
    let lines = text.lines().map(str::trim).filter(may).take(NAMES);
    let mut names = lines.map(|line| if is_pattern(line) { line.to_owned() } else { glob::escaped(line) });
    names.find_map(|name| walk.find(&name).filter(|secret| secret.path.exists()))
}

/// The protected file whose name is in what a program is given for a list: `xargs -a FILE`.
#[must_use]
pub fn given(walk: &Walk, options: &[Vec<String>]) -> Option<Secret> {
    let word = |at: usize| options.get(at).and_then(|forms| forms.first()).map_or("", String::as_str);
    let file = |at: usize| match word(at) {
        "-a" | "--arg-file" => Some(word(at + 1)),
        word => word.strip_prefix("--arg-file=").or_else(|| word.strip_prefix("-a")),
    };
    (0..options.len()).filter_map(file).find_map(|file| in_file(walk, file, false))
}

/// What `xargs < FILE`, `read NAME < FILE` and `done < FILE` are given.
pub fn redirected(walk: &mut Walk, command: &Command, form: &str) {
    let is = |names: &[&str]| {
        let text = |part: &Part| matches!(part, Part::Text(text, _) if names.contains(&text.as_str()));
        command.words.iter().any(|word| matches!(word.as_slice(), [part] if text(part)))
    };
    if is(&["xargs", "gxargs", "parallel"]) {
        walk.names = walk.names.take().or_else(|| in_file(walk, form, false));
    } else if is(&["read", "mapfile", "readarray"])
        || (command.words.is_empty() && command.before.contains(&"done"))
    {
        walk.named = walk.named.take().or_else(|| in_file(walk, form, false));
    }
}

/// What goes on down a pipe from a program that prints the lines of a file.
pub fn passed(walk: &Walk, call: &Call) -> Option<Secret> {
    let passes = PASS.contains(&call.name.rsplit('/').next().unwrap_or(call.name));
    call.args.iter().flatten().filter(|_| passes).take(FILES).find_map(|form| in_file(walk, form, false))
}

/// The protected file that a command is given by a substitution that prints a file's lines: `cat $(<FILE)`.
#[must_use]
pub fn substituted(walk: &Walk, command: &Command, role: Role) -> Option<Secret> {
    let takes = matches!(role, Role::Reader | Role::Search | Role::Filter | Role::Copy | Role::For);
    let scripts = command.words.iter().flatten().filter_map(|part| match part {
        Part::Sub(script) if takes => Some(script),
        _ => None,
    });
    scripts.flat_map(Script::commands).find_map(|inner| lines_of(walk, inner))
}

fn lines_of(walk: &Walk, command: &Command) -> Option<Secret> {
    let found = |form: &String| in_file(walk, form, true);
    let read = command.redirects.iter().filter(|(way, _)| *way == Way::In);
    if command.words.is_empty() {
        return read.flat_map(|(_, word)| walk.forms(word)).find_map(|form| found(&form));
    }
    let (words, _) = expand::words(walk.place, &walk.vars, &command.words);
    let (at, name, _) = expand::program(&words)?;
    let passes = PASS.contains(&name.as_str());
    words[at + 1..].iter().flatten().filter(|_| passes).take(FILES).find_map(found)
}

/// The protected file whose name `compgen` or `du` prints.
#[must_use]
pub fn printed(walk: &Walk, call: &Call) -> Option<Secret> {
    let named = || call.args.iter().flatten().find_map(|form| walk.find(form));
    match call.name {
        // It takes them as patterns, quoted or not.
        "compgen" if call.short(&['G']) => {
            call.args.iter().flatten().find_map(|form| walk.find(&glob::unescaped(form)))
        }
        "compgen" if call.short(&['f']) || call.has(&["file"]) => {
            let start = call.plain().last().map_or("", |at| call.word(*at));
            let start = if start.starts_with('.') || start.contains('/') { start } else { "." };
            walk.find(&format!("{start}*"))
        }
        "du" if call.short(&['a']) || call.has(&["--all"]) => {
            let mut places: Vec<&str> = call.plain().into_iter().map(|at| call.word(at)).collect();
            if places.is_empty() {
                places.push(".");
            }
            let folders = places.iter().filter_map(|place| walk.place.folder(walk.cwd.as_deref(), place));
            folders.filter(|f| f.is_dir()).find_map(|f| walk.place.in_tree(&f, true, |_| true)).or_else(named)
        }
        _ => None,
    }
}
