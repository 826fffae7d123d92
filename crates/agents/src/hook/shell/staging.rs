//! What a line has put where git prints it from: its index, a stash, and the rules that kept it out.

use super::git::Git;
use super::glob;
use super::lex::{Command, Way};
use super::programs::Role;
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::Secret;
use crate::hook::ignore::Ignored;
use crate::hook::index;
use std::path::PathBuf;

/// What was put there.
#[derive(Debug, Clone, Default)]
pub struct Staging {
    /// A protected file that was added to the index.
    pub named: Option<Secret>,
    /// Folders that were.
    pub folders: Vec<PathBuf>,
    /// A protected file that is in a stash, among those that git does not know.
    stashed: Option<Secret>,
    /// Rules by which git left files out may be gone.
    pub unruled: bool,
}

/// Remembers where a command takes rules away by which git leaves files out: `rm .gitignore`, `echo '!.env' >> .gitignore`.
pub fn takes_rules(walk: &mut Walk, call: &Call, command: &Command) {
    let is_rules = |form: &String| form.ends_with(".gitignore") || form.ends_with(".git/info/exclude");
    let written = command.redirects.iter().filter(|(way, _)| *way == Way::Out);
    let is_written = written.flat_map(|(_, word)| walk.forms(word)).any(|form| is_rules(&form));
    let takes_back = || {
        let texts = command.heres.iter().map(|here| here.body.as_str()).chain(walk.text.as_deref());
        texts.flat_map(str::lines).any(|line| line.trim_start().starts_with('!'))
    };
    let plain = call.plain();
    let named = |places: &[usize]| places.iter().flat_map(|at| &call.args[*at]).any(is_rules);
    walk.staging.unruled |= match call.name.rsplit('/').next().unwrap_or_default() {
        "" | ":" | "true" => is_written,
        "rm" | "unlink" | "truncate" => named(&plain),
        "mv" => named(plain.split_last().map_or(&[], |(_, from)| from)),
        "git" => call.word(0) == "rm" && !call.has(&["--cached"]) && named(&plain),
        "sed" => call.short(&['i']) && named(&plain) && plain.iter().any(|at| call.word(*at).contains("env")),
        _ => is_written && takes_back(),
    };
}

/// As [`takes_rules`] for a redirection without a command: `> .gitignore`.
pub fn empties(walk: &mut Walk, command: &Command) {
    takes_rules(walk, &Call { name: "", role: Role::Other, args: &[], raw: &[] }, command);
}

/// `git stash -u`, `git stash --all`: what git does not know is in the stash, too.
pub fn stash(walk: &mut Walk, git: &Git, call: &Call) {
    const OTHERS: &[&str] = &["show", "pop", "apply", "list", "drop", "branch", "clear"];
    let all = call.short(&['a']) || call.has(&["--all"]);
    let Some(folder) = git.folder.as_deref().filter(|_| !call.has(OTHERS)) else { return };
    if all || call.short(&['u']) || call.has(&["--include-untracked"]) {
        let top = index::root(folder).unwrap_or(folder);
        let quiet = Ignored::by_git(top, walk.place.guard.home.as_deref());
        walk.staging.stashed = walk.place.in_tree(top, false, |path| all || !quiet.leaves_out(path));
    }
}

/// What a call shows of a stash: `git show stash^3`, `git stash show -u`.
#[must_use]
pub fn unstashed(walk: &Walk, git: &Git, call: &Call) -> Option<Secret> {
    let parent = |form: &String| form.contains("stash") && glob::unescaped(form).contains('^');
    let shows = match git.name.as_str() {
        "stash" => {
            let others = call.short(&['u']) || call.has(&["--include-untracked", "--only-untracked"]);
            call.has(&["show"]) && others
        }
        "show" | "log" | "diff" | "cat-file" | "archive" => call.args.iter().flatten().any(parent),
        _ => false,
    };
    walk.staging.stashed.clone().filter(|_| shows)
}
