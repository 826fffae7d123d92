//! `git`: which of its commands print what is in files.

use super::Stop;
use super::glob;
use super::options::Search;
use super::programs::GIT_MENTIONS;
use super::roles::{self, Call};
use super::walk::Walk;
use crate::hook::guard::{Class, Secret};
use crate::hook::ignore::Ignored;
use std::path::PathBuf;

/// Why a call is stopped, if it is.
pub fn run(walk: &mut Walk, call: &Call) -> Option<Stop> {
    // What is left out by `:!NAME` is not read.
    let kept: Vec<usize> = (0..call.args.len()).filter(|at| !leaves_out(call.word(*at))).collect();
    let args: Vec<Vec<String>> = kept.iter().map(|at| call.args[*at].clone()).collect();
    let raw: Vec<_> = kept.iter().map(|at| call.raw[*at]).collect();
    let call = &Call { name: call.name, role: call.role, args: &args, raw: &raw };
    let (at, folder) = command(walk, call);
    let name = at.map_or("", |at| call.word(at));
    let rest = at.map_or(0, |at| at + 1);
    let patch = call.short(&['p', 'u']) || call.has(&["--patch", "-L"]);
    if let Some(secret) = walk.staged.clone().filter(|_| shows_staged(name, call)) {
        return Some(Stop::Stages(secret));
    }
    if name == "add" {
        let forced = call.short(&['f']) || call.has(&["--force"]);
        let secret = adds(walk, &args[rest..], folder.as_deref(), forced);
        if let Some(secret) = secret {
            if forced {
                return Some(Stop::Stages(secret));
            }
            walk.staged = Some(secret);
        }
    }
    if GIT_MENTIONS.contains(&name) || (name == "log" && !patch) {
        walk.mention(&args);
        return roles::own(walk, call);
    }
    if name == "grep" || name == "diff" || name == "log" {
        let found = args.iter().flatten().find_map(|f| walk.find(f));
        let searched = || if name == "grep" { grep(walk, &call.args[rest..], folder) } else { None };
        return found.map(Stop::Reads).or_else(searched);
    }
    roles::other(walk, call)
}

/// The place of git's command among the words, and the folder that `-C` names.
fn command(walk: &Walk, call: &Call) -> (Option<usize>, Option<PathBuf>) {
    let skipped = |at: usize| at > 0 && matches!(call.word(at - 1), "-C" | "-c");
    let at = call.plain().into_iter().find(|at| !skipped(*at));
    let end = at.unwrap_or(call.args.len());
    let named = (1..end).find(|at| call.word(at - 1) == "-C").map(|at| call.word(at));
    let folder = walk.place.folder(walk.cwd.as_deref(), named.unwrap_or("."));
    (at, folder)
}

/// `:!NAME`, `:^NAME`, `:(exclude)NAME`
fn leaves_out(word: &str) -> bool {
    let magic = || word.strip_prefix(":(").and_then(|rest| rest.split_once(')')).map(|(magic, _)| magic);
    let plain = word.starts_with(":!") || word.starts_with(":\\!") || word.starts_with(":^");
    plain || magic().is_some_and(|all| all.split(',').any(|m| m == "exclude"))
}

/// The protected file that `git add` takes.
fn adds(walk: &Walk, args: &[Vec<String>], folder: Option<&std::path::Path>, forced: bool) -> Option<Secret> {
    let named = args.iter().flatten().find_map(|f| walk.place.find(folder, f));
    let named = named.filter(|s| s.path.exists() && s.class != Class::Own);
    // Without force `.gitignore` keeps it out of the rest.
    named.or_else(|| {
        let base = folder.filter(|_| forced)?;
        let all = |f: &String| matches!(f.as_str(), "-A" | "--all" | ":/");
        let mut folders = args
            .iter()
            .flatten()
            .filter_map(|f| if all(f) { Some(base.to_owned()) } else { Some(base.join(glob::literal(f)?)) });
        folders.find_map(|f| walk.place.in_tree(&f, false, |_| true))
    })
}

/// Whether a command prints what was added just now.
fn shows_staged(name: &str, call: &Call) -> bool {
    match name {
        "stash" if !call.has(&["show"]) => false,
        "diff" | "show" | "stash" | "diff-index" | "cat-file" => {
            !call.has(&["--stat", "--name-only", "--name-status", "--shortstat", "--quiet", "--numstat"])
        }
        "commit" | "status" => call.short(&['v']) || call.has(&["--verbose"]),
        "log" => call.short(&['p']) || call.has(&["--patch"]),
        "grep" => true,
        _ => false,
    }
}

/// `git grep` goes through files that git does not know where it is told to.
fn grep(walk: &Walk, args: &[Vec<String>], folder: Option<PathBuf>) -> Option<Stop> {
    let has = |word: &str| args.iter().flatten().any(|f| f == word);
    let (any, untracked) = (has("--no-index"), has("--untracked"));
    if !(any || untracked) {
        return None;
    }
    let search = Search::of("git-grep", args);
    if search.names_only {
        return None;
    }
    let base = folder?;
    // `--untracked` leaves out what git ignores, `--no-index` does so when it is told.
    let quiet =
        (has("--exclude-standard") || !any && !has("--no-exclude-standard")).then(|| Ignored::of(&base));
    let mut places = search.places.clone();
    if places.is_empty() {
        places.push(".".to_owned());
    }
    let folders = places.iter().filter_map(|p| Some(base.join(glob::literal(p)?)));
    let mut folders = folders.filter(|f| f.is_dir()).collect::<Vec<_>>().into_iter();
    let reads =
        |path: &std::path::Path| search.reads(path) && !quiet.as_ref().is_some_and(|q| q.leaves_out(path));
    folders.find_map(|f| walk.place.in_tree(&f, false, reads)).map(Stop::Searches)
}
