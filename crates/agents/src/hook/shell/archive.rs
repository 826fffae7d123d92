//! `tar`, `zip`, `rsync`: what they leave out is not read, and a whole folder that goes to stdout is.

use super::glob;
use super::lists;
use super::roles::Call;
use super::walk::Walk;
use crate::hook::guard::{Secret, normal};
use crate::hook::ignore::Ignored;
use std::path::{Path, PathBuf};

/// Letters of `tar` that take a value.
const VALUED: &[char] = &['f', 'C', 'X', 'T', 'b', 'g', 'I', 'K', 'L', 'N', 'V', 'F', 'H'];
/// Options whose value, the next word, is left out.
const EXCLUDES: &[&str] = &["--exclude", "--exclude-tag", "--filter", "--ignore", "-x"];
/// Long options that begin so.
const JOINED: &[&str] =
    &["--exclude=", "--exclude-tag=", "--filter=-", "--filter=exclude", "--ignore=", "--ignore-pattern="];

/// Where an archive goes on that holds a protected file.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The file in it.
    pub secret: Secret,
    /// What reads it is the next command, whatever joins them: `| (cd X && …`.
    pub feeds: bool,
}

/// Whether a word of `rsync` is the command line that it starts to get to another machine: `-e "ssh -i KEY"`.
#[must_use]
pub fn is_remote_shell(call: &Call, at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |at| call.word(at));
    let short = before.starts_with('-') && !before.starts_with("--") && before.ends_with('e');
    short || before == "--rsh" || call.word(at).starts_with("--rsh=")
}

/// Which words name what is left out.
#[must_use]
pub fn left_out(call: &Call) -> Vec<bool> {
    let zip = call.name.ends_with("zip");
    let mut all = vec![false; call.args.len()];
    let mut list = false;
    for (at, out) in all.iter_mut().enumerate() {
        let word = call.word(at);
        let before = at.checked_sub(1).map_or("", |at| call.word(at));
        // `zip`'s list goes on to the next option.
        list &= zip && !word.starts_with('-') && word != "@";
        let behind = match before {
            // An option of its own in some, a list in `zip`.
            "-x" => matches!(call.name, "zip" | "diff"),
            // What a filter takes in is no exclusion.
            "--filter" | "-f" => call.name == "rsync" && word.starts_with('-'),
            before => EXCLUDES.contains(&before),
        };
        list |= zip && matches!(before, "-x" | "--exclude");
        *out = behind || list || JOINED.iter().any(|j| word.starts_with(j));
    }
    all
}

/// The archive that a call makes.
#[must_use]
pub fn made(walk: &Walk, call: &Call) -> Option<Pack> {
    match call.name.rsplit('/').next()? {
        "tar" | "gtar" | "bsdtar" => {
            Pack::tar(walk, call).map(|pack| Pack { listed: listed(walk, call), ..pack })
        }
        "zip" => Pack::zip(walk, call),
        _ => None,
    }
}

/// The protected file in the list that `tar -T LIST` takes.
fn listed(walk: &Walk, call: &Call) -> Option<Secret> {
    let file = |at: usize| {
        let word = call.word(at);
        let bundle = (at == 0 || word.starts_with('-')) && !word.starts_with("--") && word.ends_with('T');
        let next = bundle || word == "--files-from";
        if next { Some(call.word(at + 1)) } else { word.strip_prefix("--files-from=") }
    };
    (0..call.args.len()).filter_map(file).find_map(|file| match file {
        "-" => walk.upstream.clone(),
        file => lists::in_file(walk, file, false),
    })
}

/// What an archive is made of.
#[derive(Debug, Clone, Default)]
pub struct Pack {
    /// The file that it is written to; none where it goes to stdout.
    pub file: Option<PathBuf>,
    places: Vec<(PathBuf, String)>,
    excludes: Vec<String>,
    ignores: bool,
    /// One that a list of files names.
    listed: Option<Secret>,
}

impl Pack {
    /// The first protected file in it.
    #[must_use]
    pub fn secret(&self, walk: &Walk) -> Option<Secret> {
        let held = || self.places.iter().find_map(|(folder, pattern)| self.holds(walk, folder, pattern));
        self.listed.clone().or_else(held)
    }

    /// `tar` that makes an archive.
    fn tar(walk: &Walk, call: &Call) -> Option<Self> {
        let mut pack = Self::default();
        let mut folder = walk.cwd.clone()?;
        let (mut makes, mut file) = (false, None);
        let mut words =
            (0..call.args.len()).map(|at| glob::unescaped(call.word(at))).zip(call.args).enumerate();
        while let Some((at, (word, forms))) = words.next() {
            let letters = match word.strip_prefix('-') {
                Some(long) if long.starts_with('-') => {
                    let (flag, joined) =
                        word.split_once('=').map_or((word.as_str(), None), |(f, v)| (f, Some(v)));
                    let mut value = || {
                        joined
                            .map(str::to_owned)
                            .or_else(|| words.next().map(|(_, (w, _))| w))
                            .unwrap_or_default()
                    };
                    match flag {
                        "--create" => makes = true,
                        "--file" => file = Some(value()),
                        "--exclude" => pack.excludes.push(value()),
                        "--directory" => folder = folder.join(value()),
                        "--exclude-vcs-ignores" => pack.ignores = true,
                        _ => {}
                    }
                    continue;
                }
                Some(letters) if !letters.is_empty() => letters.to_owned(),
                None if at == 0 => word,
                _ => {
                    pack.places.extend(forms.iter().map(|f| (folder.clone(), f.clone())));
                    continue;
                }
            };
            makes |= letters.split(VALUED).next().is_some_and(|l| l.contains('c'))
                || (at == 0 && letters.contains('c'));
            for (place, letter) in letters.char_indices().filter(|(_, c)| VALUED.contains(c)) {
                let glued = &letters[place + 1..];
                let dashed = call.word(at).starts_with('-');
                let value = if dashed && !glued.is_empty() {
                    glued.to_owned()
                } else {
                    words.next().map(|(_, (w, _))| w).unwrap_or_default()
                };
                match letter {
                    'f' => file = Some(value),
                    'C' => folder = folder.join(value),
                    _ => {}
                }
                if dashed {
                    break;
                }
            }
        }
        let stdout = |f: &str| matches!(f, "-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1");
        let cwd = walk.cwd.as_deref()?;
        pack.file = file.filter(|f| !stdout(f)).map(|f| normal(&cwd.join(f)));
        makes.then_some(pack)
    }

    /// `zip -r FILE FOLDER`
    fn zip(walk: &Walk, call: &Call) -> Option<Self> {
        let out = left_out(call);
        let plain: Vec<usize> = (0..call.args.len())
            .filter(|at| call.word(*at) == "-" || !call.word(*at).starts_with('-'))
            .collect();
        let deep = call.short(&['r', 'R']) || call.has(&["--recurse-paths"]);
        let target = plain.first().filter(|_| deep).map(|at| glob::unescaped(call.word(*at)))?;
        let folder = walk.cwd.clone()?;
        // A name without an ending is given one.
        let named = if target.contains('.') { target.clone() } else { format!("{target}.zip") };
        let file = (target != "-").then(|| normal(&folder.join(named)));
        let (excludes, places): (Vec<usize>, Vec<usize>) = plain[1..].iter().partition(|at| out[**at]);
        Some(Self {
            file,
            places: places
                .iter()
                .flat_map(|at| &call.args[*at])
                .map(|f| (folder.clone(), f.clone()))
                .collect(),
            excludes: excludes.iter().map(|at| glob::unescaped(call.word(*at))).collect(),
            ..Self::default()
        })
    }

    fn holds(&self, walk: &Walk, folder: &Path, pattern: &str) -> Option<Secret> {
        let named = glob::literal(&walk.place.at_home(pattern));
        // What a wildcard stands for: all that is not hidden, here.
        let shown = named.is_none();
        let top = folder.join(named.unwrap_or_default());
        if !top.is_dir() {
            return None;
        }
        let quiet = self.ignores.then(|| Ignored::of(&top));
        walk.place.in_tree(&top, false, |path| {
            let below = path.strip_prefix(&top).unwrap_or(path);
            let hidden =
                below.components().next().is_some_and(|c| c.as_os_str().to_string_lossy().starts_with('.'));
            let out = (shown && hidden) || self.leaves_out(below);
            !(out || quiet.as_ref().is_some_and(|q| q.leaves_out(path)))
        })
    }

    /// A pattern fits a part of the path, or the end or the start of it.
    fn leaves_out(&self, below: &Path) -> bool {
        let parts: Vec<String> = below.iter().map(|p| p.to_string_lossy().into_owned()).collect();
        self.excludes.iter().map(|p| p.trim_start_matches("./")).any(|pattern| {
            let mut runs = (0..parts.len()).flat_map(|a| (a..parts.len()).map(move |b| (a, b)));
            runs.any(|(a, b)| glob::fits(pattern, &parts[a..=b].join("/")))
        })
    }
}

/// What a command does with an archive that it reads: the archive goes on, is used up, or is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// It comes out again.
    On,
    /// The next command has it.
    Next,
    /// Nothing of what is in it is shown.
    Up,
    /// It is shown.
    Shown,
}

/// What becomes of an archive in a command.
#[must_use]
pub fn takes(name: &str, args: &[Vec<String>]) -> Takes {
    const PACKERS: &[&str] = &["gzip", "pigz", "zstd", "xz", "bzip2", "lz4", "cat", "pv", "tee", "buffer"];
    const USERS: &[&str] = &[
        "wc",
        "sha1sum",
        "sha224sum",
        "sha256sum",
        "sha384sum",
        "sha512sum",
        "shasum",
        "md5sum",
        "md5",
        "b2sum",
        "cksum",
        "sum",
        "docker",
        "podman",
        "nerdctl",
        "kubectl",
        "gpg",
        "age",
    ];
    let word = |at: usize| args.get(at).and_then(|f| f.first()).map_or("", String::as_str);
    let words = || args.iter().flatten();
    match name.rsplit('/').next().unwrap_or(name) {
        "cd" | "mkdir" | "umask" | "set" | "export" => Takes::Next,
        "tar" | "gtar" | "bsdtar" => {
            let bundle = |at: usize, w: &str| {
                (at == 0 || w.starts_with('-')) && !w.starts_with("--") && w.contains('O')
            };
            let prints = (0..args.len()).any(|at| bundle(at, word(at)))
                || words().any(|w| w.starts_with("--to-stdout") || w.starts_with("--to-command"));
            if prints { Takes::Shown } else { Takes::Up }
        }
        "ssh" if words().any(|w| w.contains("tar") || w.contains('>')) => Takes::Up,
        name if PACKERS.contains(&name) => Takes::On,
        name if USERS.contains(&name) => Takes::Up,
        _ => Takes::Shown,
    }
}
