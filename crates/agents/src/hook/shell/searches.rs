//! `grep`, `find`, `ls`, `diff -r`: which files they come upon, and whether they print what is in them or names alone.

use super::expand;
use super::find::Find;
use super::options::Search;
use super::programs::Role;
use super::roles::{self, Call};
use super::walk::Walk;
use super::{Stop, archive, git, glob, lists, shown, wrappers};
use crate::hook::guard::{Secret, normal};
use crate::hook::ignore::Ignored;
use std::path::{Path, PathBuf};

/// `grep`, `rg` and their like.
pub fn search(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let search = Search::of(base(call), call.args);
    let places = search_places(walk, call, &search);
    for place in search.rules.iter().chain(&places) {
        if let Some(secret) = walk.find(place) {
            return Some(Stop::Reads(secret));
        }
        if expand::is_blind(place) {
            walk.is_blind();
        }
        if !search.names_only
            && let Some(secret) = in_folder(walk, &search, place)
        {
            return Some(Stop::Searches(secret));
        }
    }
    walk.upstream = listed(walk, call).or_else(|| walk.upstream.take());
    None
}

fn base<'c>(call: &Call<'c>) -> &'c str {
    call.name.rsplit('/').next().unwrap_or(call.name)
}

/// Where a search looks; `rg` looks at what it is given on stdin, `grep -r` does not.
fn search_places(walk: &Walk, call: &Call, search: &Search) -> Vec<String> {
    let asks = !base(call).ends_with("grep") || base(call) == "ugrep";
    let given = || asks && (walk.upstream.is_some() || walk.text.is_some());
    if search.places.is_empty() && search.deep && !given() {
        return vec![".".to_owned()];
    }
    search.places.clone()
}

/// The protected file in a folder that a search prints a line of; where it prints names, that it finds one in.
fn in_folder(walk: &Walk, search: &Search, place: &str) -> Option<Secret> {
    if !search.deep {
        return None;
    }
    let folder = walk.place.folder(walk.cwd.as_deref(), place).filter(|f| f.is_dir())?;
    let quiet = search.ignores.then(|| Ignored::of(&folder));
    let reads = |path: &Path| {
        let ignored = quiet.as_ref().is_some_and(|q| q.leaves_out(path) && !search.names(path));
        !ignored && if search.names_only { search.finds(path) } else { search.reads(path) }
    };
    walk.place.in_tree(&folder, search.links, reads)
}

/// Options of `diff` that print nothing of what is in the files.
pub const BRIEF: &[&str] =
    &["--brief", "--stat", "--name-only", "--name-status", "--shortstat", "--quiet", "--numstat"];

/// Two folders that are held against each other. `both`: a file counts where both have it.
pub fn compared(walk: &Walk, call: &Call, both: bool) -> Option<Stop> {
    if call.has(BRIEF) {
        return None;
    }
    let left_out = archive::left_out(call);
    let (out, places): (Vec<usize>, Vec<usize>) = (0..call.args.len()).partition(|at| left_out[*at]);
    let excludes = out.iter().map(|at| glob::unescaped(call.word(*at)));
    let excludes: Vec<String> =
        excludes.map(|w| w.rsplit('=').next().unwrap_or_default().to_owned()).collect();
    let places = places.into_iter().filter(|at| !call.word(*at).starts_with('-'));
    let folders = places.filter_map(|at| walk.place.folder(walk.cwd.as_deref(), call.word(at)));
    let folders: Vec<PathBuf> = folders.filter(|f| f.is_dir()).collect();
    folders.iter().find_map(|folder| {
        let reads = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let out = excludes.iter().any(|e| glob::fits(e, &name));
            let other =
                |f: &PathBuf| f != folder && path.strip_prefix(folder).is_ok_and(|p| f.join(p).exists());
            !out && (!both || folders.iter().any(other))
        };
        walk.place.in_tree(folder, true, reads).map(Stop::Searches)
    })
}

/// `find`: what it comes upon is given to a command, or printed by its name.
pub fn find(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let find = Find::of(base(call), call.args);
    let met = come_upon(walk, &find);
    for command in &find.commands {
        let rest = call.args.get(command.clone()).unwrap_or_default();
        let Some((at, name, role)) = expand::program(rest) else { continue };
        let from = command.start + at + 1;
        let raw = call.raw.get(from..command.end).unwrap_or_default();
        let inner = Call { name: &name, role, args: &rest[at + 1..], raw };
        if let Some(secret) = met.clone().filter(|_| !prints_names(&inner)) {
            return Some(Stop::Reads(secret));
        }
        if let Some(stop) = wrappers::within(walk, &rest[..at], |walk| roles::run(walk, &inner)) {
            return Some(stop);
        }
    }
    if !find.names.is_empty() {
        walk.named = walk.named.take().or_else(|| met.clone());
    }
    walk.upstream = met;
    None
}

/// Whether a program says nothing of what is in the files that it is given but their names.
#[must_use]
pub fn prints_names(call: &Call) -> bool {
    match call.role {
        Role::Mention | Role::List => !shown::shows(call.name, call.args),
        Role::Search => Search::of(base(call), call.args).names_only,
        Role::Git => matches!(call.word(0), "check-ignore" | "rm" | "reset" | "restore" | "ls-files"),
        _ => false,
    }
}

/// The protected file that a call of `find` comes upon.
fn come_upon(walk: &Walk, find: &Find) -> Option<Secret> {
    let named = find.names.iter().find_map(|(pattern, is_path)| {
        let secret = walk.find(pattern)?;
        let name = Path::new(secret.path.file_name()?);
        let meets = *is_path || find.places.iter().any(|place| find.meets(&glob::unescaped(place), name));
        meets.then_some(secret)
    });
    named.or_else(|| find.places.iter().find_map(|place| below(walk, find, place)))
}

/// The one that it comes upon from one of its places on.
fn below(walk: &Walk, find: &Find, place: &str) -> Option<Secret> {
    let shown = glob::literal(&walk.place.at_home(place))?;
    let itself = walk.find(place).filter(|s| !s.path.is_dir() && find.meets(&shown, Path::new("")));
    itself.or_else(|| {
        let folder = normal(&walk.place.folder(walk.cwd.as_deref(), place)?);
        let quiet = find.ignores.then(|| Ignored::of(&folder));
        let meets = |path: &Path| {
            let ignored = quiet.as_ref().is_some_and(|q| q.leaves_out(path));
            !ignored && path.strip_prefix(&folder).is_ok_and(|below| find.meets(&shown, below))
        };
        walk.place.in_tree(&folder, true, meets)
    })
}

/// The protected file whose name a call prints.
pub fn listed(walk: &Walk, call: &Call) -> Option<Secret> {
    match call.role {
        Role::Find => come_upon(walk, &Find::of(base(call), call.args)),
        Role::List => {
            let named = call.args.iter().flatten().find_map(|f| walk.find(f));
            named.or_else(|| {
                if !call.short(&['a', 'A']) && !call.has(&["--all", "--almost-all"]) {
                    return None;
                }
                let mut places: Vec<&str> = call.plain().into_iter().map(|at| call.word(at)).collect();
                if places.is_empty() {
                    places.push(".");
                }
                places.iter().find_map(|p| walk.find(&format!("{p}/.*")))
            })
        }
        Role::Mention if matches!(call.name, "compgen" | "du") => lists::printed(walk, call),
        Role::Mention if matches!(call.name, "echo" | "printf") => {
            call.args.iter().flatten().find_map(|f| walk.find(f))
        }
        Role::Search => {
            let search = Search::of(base(call), call.args);
            let places = search_places(walk, call, &search);
            places.iter().filter(|_| search.names_only).find_map(|p| in_folder(walk, &search, p))
        }
        Role::Git => git::listed(walk, call),
        _ => None,
    }
}
