//! Archives that a line writes to a file and shows again.

use super::Stop;
use super::archive::{Pack, Takes, takes};
use super::lex::{Command, Way};
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::{Secret, normal};
use std::path::PathBuf;

/// How many archives of a line are remembered.
const MOST: usize = 16;

/// An archive in a file.
#[derive(Debug, Clone)]
pub struct Archive {
    file: PathBuf,
    /// What is known to be in it.
    secret: Option<Secret>,
    pack: Pack,
}

impl Archive {
    /// One that is made by a call; what is in it is looked at when it is shown.
    #[must_use]
    pub fn made(pack: Pack) -> Self {
        Self { file: pack.file.clone().unwrap_or_default(), secret: None, pack }
    }
}

/// Remembers the file that a command's output goes to.
pub fn keep(walk: &mut Walk, command: &Command, secret: &Secret) {
    for (_, word) in command.redirects.iter().filter(|(way, _)| *way == Way::Out) {
        let files = walk.forms(word).into_iter().filter_map(|f| walk.place.folder(walk.cwd.as_deref(), &f));
        let archives = files.map(|file| Archive {
            file: normal(&file),
            secret: Some(secret.clone()),
            pack: Pack::default(),
        });
        let archives: Vec<Archive> = archives.collect();
        walk.archives.extend(archives);
    }
}

/// Stops what shows an archive with a protected file in it; one that goes on is left in the walk.
pub fn judge(walk: &mut Walk, call: &Call, command: &Command) -> Option<Stop> {
    let shown = shows(call).filter(|_| !walk.archives.is_empty())?;
    let redirects = command.redirects.iter().filter(|(way, _)| *way == Way::In);
    let read = redirects.flat_map(|(_, word)| walk.forms(word));
    let named = call.args.iter().flatten().cloned().chain(read);
    let named = named.filter_map(|f| {
        let glued = || f.strip_prefix('-').and_then(|f| f.split_once('f')).map(|(_, name)| name);
        let name = f.strip_prefix("--file=").or_else(glued).unwrap_or(&f);
        Some(normal(&walk.place.folder(walk.cwd.as_deref(), name)?))
    });
    let named: Vec<PathBuf> = named.collect();
    let mut met = walk.archives.iter().take(MOST).filter(|archive| named.contains(&archive.file));
    let secret = met.find_map(|archive| archive.secret.clone().or_else(|| archive.pack.secret(walk)))?;
    if shown == Takes::Shown {
        return Some(Stop::Packs(secret));
    }
    walk.packs = Some(secret);
    None
}

/// Whether a program prints a file as it is, or what is packed in it.
fn shows(call: &Call) -> Option<Takes> {
    const SHOW: &[&str] = &[
        "strings", "base64", "base32", "xxd", "od", "hexdump", "hd", "head", "tail", "less", "more", "grep",
    ];
    const PASS: &[&str] = &["cat", "zcat", "gzcat", "bzcat", "xzcat", "zstdcat"];
    let to_stdout = || call.short(&['c', 'p']);
    match call.name.rsplit('/').next().unwrap_or(call.name) {
        name @ ("tar" | "gtar" | "bsdtar") => Some(takes(name, call.args)).filter(|t| *t == Takes::Shown),
        "unzip" | "funzip" if to_stdout() => Some(Takes::Shown),
        "gzip" | "gunzip" | "xz" | "zstd" | "bzip2" if to_stdout() => Some(Takes::On),
        name if PASS.contains(&name) => Some(Takes::On),
        name if SHOW.contains(&name) => Some(Takes::Shown),
        _ => None,
    }
}
