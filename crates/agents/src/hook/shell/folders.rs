//! The folder that a shell is in, and the ones that it goes back to: `cd`, `pushd`, `popd`.

use super::glob;
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::normal;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How many folders of `pushd` are remembered.
const KEPT: usize = 16;
/// The longest path of a folder, in bytes, as of systems.
const LONGEST: usize = 4096;

/// Folders that a shell goes back to; none where nobody knows which.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// `cd -`
    before: Option<Rc<Path>>,
    /// `popd`
    kept: Vec<Option<Rc<Path>>>,
}

/// `cd`, `pushd`, `popd`
pub fn change(walk: &mut Walk, call: &Call) {
    let counted = |word: &str| word.strip_prefix(['+', '-']).is_some_and(|n| n.parse::<usize>().is_ok());
    let to = call.plain().first().map(|at| call.word(*at));
    let was: Option<Rc<Path>> = walk.cwd.as_deref().map(Rc::from);
    let there = match to {
        Some("-") => walk.folders.before.clone(),
        Some(to) => walk.place.folder(was.as_deref(), to).and_then(short),
        None => walk.place.guard.home.as_deref().map(Rc::from),
    };
    let kept = &mut walk.folders.kept;
    let mut now = match call.name {
        _ if (0..call.args.len()).any(|at| counted(call.word(at))) => {
            kept.clear();
            None
        }
        // It fails where nothing is kept, and stays.
        "popd" => kept.pop().unwrap_or_else(|| was.clone()),
        // Two change places.
        "pushd" if to.is_none() => kept.last_mut().and_then(|top| std::mem::replace(top, was.clone())),
        "pushd" => {
            kept.push(was.clone());
            there
        }
        _ => there,
    };
    if kept.len() > KEPT {
        kept.remove(0);
    }
    // It changes what is kept alone.
    if matches!(call.name, "pushd" | "popd") && call.has(&["-n"]) {
        let there = std::mem::replace(&mut now, was.clone());
        if let Some(top) = kept.last_mut().filter(|_| call.name == "pushd") {
            *top = there;
        }
    }
    for (name, folder) in [("PWD", &now), ("OLDPWD", &was)] {
        match folder {
            Some(folder) => walk.vars.insert(name.to_owned(), vec![glob::escaped(&folder.to_string_lossy())]),
            None => walk.vars.remove(name),
        };
    }
    walk.cwd = now.map(|folder| folder.to_path_buf());
    walk.folders.before = was;
}

/// A folder by a path that is none too long; none where there can't be one.
fn short(folder: PathBuf) -> Option<Rc<Path>> {
    let folder = if folder.as_os_str().len() > LONGEST { normal(&folder) } else { folder };
    (folder.as_os_str().len() <= LONGEST).then(|| folder.into())
}
