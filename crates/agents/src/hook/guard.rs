//! Whether a path leads to a secret: by its name, by what it links to, by what is in it.

pub use super::names::Class;
use super::names::{self, When};
use super::references;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

/// How much of a file is looked at for words.
const LOOK: u64 = 64 * 1024;
/// How many entries of a tree are looked at: by their names alone, at more than a million a second.
pub const TREE: usize = 200_000;
/// How long a tree is looked at.
const LONG: Duration = Duration::from_secs(2);
/// Folders of other people's code and of tools, which are not walked.
const SKIP: &[&str] = &["node_modules", ".git", "target", ".venv", "venv", "__pycache__", "vendor"];
/// Names of which a tree that is too large to be walked may have one.
const LIKELY: &[&str] = &[".env", ".env.local", ".envrc", "prod.env", "id_rsa", "server.key", "server.pem"];

/// What the hook protects.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// The user's home, for `~`.
    pub home: Option<PathBuf>,
    /// Folders that are svault's own: the store, as named and as it really is, and the sockets.
    pub own: Vec<PathBuf>,
}

/// A file that is kept from the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub class: Class,
}

impl Guard {
    /// Whether an absolute path leads to something protected.
    #[must_use]
    pub fn check(&self, path: &Path) -> Option<Secret> {
        let plain = normal(path);
        let real = real(&plain);
        let found = self.class(&plain).or_else(|| self.class(&real)).or_else(|| same_file(&real));
        let (class, when) = found?;
        let counts = match when {
            When::Always => true,
            When::Has(words) => text(&real).is_some_and(|t| has(&t, words)),
            When::Sets(words) => text(&real).is_some_and(|t| sets(&t, words)),
            When::Logs(words) => text(&real).is_some_and(|t| has(&t, words) || has_login(&t)),
            When::Unless(words) => !text(&real).is_some_and(|t| has(&t, words) && !t.contains("PRIVATE KEY")),
        };
        if !counts || (class == Class::Env && references::only(&real)) {
            return None;
        }
        Some(Secret { path: plain, class })
    }

    fn class(&self, path: &Path) -> Option<(Class, When)> {
        if self.own.iter().any(|own| path.starts_with(own)) {
            return Some((Class::Own, When::Always));
        }
        names::class(&path.to_string_lossy())
    }

    /// The first protected file in a folder and what is below it, for which `reads` says yes. `links`: links are read,
    /// too. `left`: how many entries may be looked at, less those that were. Where it is used up, the folder stands for
    /// the file that it may have.
    #[must_use]
    pub fn in_tree(
        &self,
        folder: &Path,
        links: bool,
        left: &mut usize,
        mut reads: impl FnMut(&Path) -> bool,
    ) -> Option<Secret> {
        let top = normal(folder);
        let since = Instant::now();
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            // On a slow disk or a network's.
            if since.elapsed() > LONG {
                *left = 0;
            }
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                if *left == 0 {
                    let may = LIKELY.iter().any(|name| reads(&top.join(name)));
                    return may.then_some(Secret { path: top, class: Class::Large });
                }
                *left -= 1;
                let path = entry.path();
                let kind = entry.file_type().ok();
                if kind.is_some_and(|k| k.is_dir()) {
                    if !SKIP.iter().any(|s| entry.file_name() == *s) {
                        folders.push(path);
                    }
                    continue;
                }
                // A name is enough for all that are no links: a tree has many files.
                let link = kind.is_some_and(|k| k.is_symlink());
                let may = if link { links } else { names::class(&path.to_string_lossy()).is_some() };
                // What is svault's own is sealed: nothing to be found by searching.
                if may
                    && reads(&path)
                    && let Some(secret) = self.check(&path).filter(|s| s.class != Class::Own)
                {
                    return Some(secret);
                }
            }
        }
        None
    }
}

/// A path without `.` and `..`, as text alone says.
#[must_use]
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// Where a path really leads; the parts that are not there stay as they are.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => {
            std::fs::canonicalize(parent).map_or_else(|_| path.to_owned(), |p| p.join(name))
        }
        _ => path.to_owned(),
    }
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether one of these words has a value behind it, other than `${NAME}`.
fn sets(text: &str, words: &[&str]) -> bool {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_reference = |value: &str| {
        let inner = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        // A default that is empty is no value either.
        inner.is_some_and(|name| is_name(name.trim_end_matches(['-', ':', '?'])))
    };
    let refers = |rest: &str| {
        let at = rest.find(['=', ':']).map_or(0, |at| at + 1);
        is_reference(rest[at..].trim().trim_matches(['"', '\'']))
    };
    let mut lines = text.lines();
    lines.any(|line| words.iter().any(|word| line.split_once(word).is_some_and(|(_, rest)| !refers(rest))))
}

/// Whether an address has a login in it: `https://name:password@host`.
fn has_login(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
        rest[..end].contains('@')
    })
}

fn text(path: &Path) -> Option<String> {
    use std::io::Read;
    let file = std::fs::File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LOOK).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A second name (hard link) of a protected file in the same folder.
#[cfg(unix)]
fn same_file(path: &Path) -> Option<(Class, When)> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::symlink_metadata(path).ok().filter(|m| m.is_file() && m.nlink() > 1)?;
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    entries.flatten().take(TREE).find_map(|entry| {
        let found = names::class(&entry.path().to_string_lossy())?;
        let other = entry.metadata().ok()?;
        ((other.dev(), other.ino()) == (meta.dev(), meta.ino())).then_some(found)
    })
}

#[cfg(not(unix))]
fn same_file(_: &Path) -> Option<(Class, When)> {
    None
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_to_what_they_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |n: &str| dir.path().join(n);
        std::fs::write(at(".env"), "A=sk-test-1").unwrap();
        std::fs::write(at("other.txt"), "x").unwrap();
        symlink(at(".env"), at("notes.txt")).unwrap();
        symlink(dir.path(), at("here")).unwrap();
        std::fs::hard_link(at(".env"), at("hard.txt")).unwrap();
        let guard = Guard::default();
        for name in [".env", "notes.txt", "here/notes.txt", "hard.txt", "x/../.env", "./.env", "gone/.env"] {
            assert!(guard.check(&at(name)).is_some(), "{name}");
        }
        assert_eq!(guard.check(&at("other.txt")), None);
    }

    #[test]
    fn what_is_in_a_file_can_clear_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |n: &str| dir.path().join(n);
        std::fs::write(at(".env"), "A=svault://main/A\n").unwrap();
        std::fs::write(at(".npmrc"), "save-exact=true\n").unwrap();
        std::fs::write(at("ca.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
        let guard = Guard::default();
        for name in [".env", ".npmrc", "ca.pem"] {
            assert_eq!(guard.check(&at(name)), None, "{name}");
        }
        std::fs::write(at(".npmrc"), "//r/:_authToken=x\n").unwrap();
        std::fs::write(at("both.pem"), "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n").unwrap();
        for name in [".npmrc", "both.pem", "none.pem"] {
            assert!(guard.check(&at(name)).is_some(), "{name}");
        }
    }

    #[test]
    fn settings_are_a_login_where_they_have_one() {
        let dir = tempfile::tempdir().unwrap();
        let guard = Guard::default();
        let kept = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            guard.check(&dir.path().join(name)).is_some()
        };
        for (name, text) in [
            (".npmrc", "//r.example.com:8080/:_authToken=${NPM_TOKEN}\nsave-exact=true\n"),
            (".yarnrc.yml", "npmAuthToken: \"${NPM_TOKEN}\"\n"),
            (".yarnrc.yml", "npmAuthToken: ${NPM_TOKEN:-}\n"),
            ("pip.conf", "[global]\nindex-url = https://pypi.example.com/simple@1\n"),
            ("a.pem", "-----BEGIN RSA PUBLIC KEY-----\n"),
            ("Release.key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"),
        ] {
            assert!(!kept(name, text), "{name}: {text}");
        }
        for (name, text) in [
            (".npmrc", "//r/:_authToken=sk-test-1\n"),
            (".npmrc", "//r/:_authToken=${NPM_TOKEN}\n//s/:_authToken=sk-test-1\n"),
            (".npmrc", "_auth = c2stdGVzdA==\n"),
            (".npmrc", "//r/:_authToken=${NPM_TOKEN:-sk-test-1}\n"),
            (".yarnrc.yml", "npmAuthToken: sk-test-1\n"),
            (".yarnrc.yml", "npmAuthToken: >-\n  sk-test-1\n"),
            ("pip.conf", "index-url = https://me:sk-test-1@pypi.example.com/simple\n"),
            ("pip.conf", "index-url = https://x/y\nextra-index-url = https://sk-test-1@z/\n"),
            ("b.key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n-----BEGIN PGP PRIVATE KEY BLOCK-----\n"),
        ] {
            assert!(kept(name, text), "{name}: {text}");
        }
    }

    #[test]
    fn a_folder_too_large_to_be_walked_is_no_folder_without_secrets() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..20 {
            std::fs::write(dir.path().join(format!("{n}.txt")), "x").unwrap();
        }
        let guard = Guard::default();
        let class = |most: usize, reads: &dyn Fn(&Path) -> bool| {
            guard.in_tree(dir.path(), false, &mut { most }, reads).map(|s| s.class)
        };
        assert_eq!(class(10, &|_| true), Some(Class::Large));
        assert_eq!(class(20, &|_| true), None);
        assert_eq!(class(10, &|path| path.ends_with("notes.md")), None);
        std::fs::create_dir(dir.path().join("dist")).unwrap();
        std::fs::write(dir.path().join("dist/.env"), "A=sk-test-1").unwrap();
        assert_eq!(class(TREE, &|_| true), Some(Class::Env));
    }

    #[test]
    fn svaults_own_folders_are_closed() {
        let guard = Guard { own: vec!["/s/store".into()], ..Guard::default() };
        let class = |p: &str| guard.check(Path::new(p)).map(|s| s.class);
        assert_eq!(class("/s/store/state/x.sock"), Some(Class::Own));
        assert_eq!(class("/s/x/../store"), Some(Class::Own));
        assert_eq!(class("/s/storehouse"), None);
    }
}
