//! What `.gitignore` and its like leave out of a search, as far as names say it.

use super::guard::normal;
use super::shell::fits;
use std::path::{Path, PathBuf};

/// How many folders up are looked at.
const UP: usize = 16;
/// The longest file of rules that is read.
const LONGEST: u64 = 64 * 1024;

/// Files of rules; the first counts in a repository alone.
const FILES: [&str; 3] = [".gitignore", ".ignore", ".rgignore"];

/// The rules that hold in a folder.
#[derive(Debug, Default)]
pub struct Ignored {
    folder: PathBuf,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    folder: PathBuf,
    /// A name; a path from that folder on.
    name: String,
    /// Only in that folder, not below it.
    only_here: bool,
    /// It leaves out folders alone.
    only_folders: bool,
    /// It takes back what another leaves out.
    back: bool,
}

impl Rule {
    /// Whether it is about a file, or about a folder that the file is in.
    fn is_about(&self, path: &Path, name: &str) -> bool {
        if self.back {
            return fits(&self.name, name);
        }
        let Ok(below) = path.strip_prefix(&self.folder) else { return false };
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let parts = &parts[..parts.len().saturating_sub(usize::from(self.only_folders))];
        if !self.only_here {
            return parts.iter().any(|part| fits(&self.name, part));
        }
        let names = self.name.split('/');
        names.clone().count() <= parts.len() && names.zip(parts).all(|(name, part)| fits(name, part))
    }
}

impl Ignored {
    /// The rules of a folder and the ones above it up to the repository's. Outside of a repository `.gitignore` counts
    /// for nothing, as for `rg`.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let folder = &normal(folder);
        let mut git = Vec::new();
        let mut own = Vec::new();
        let mut in_repository = false;
        for folder in folder.ancestors().take(UP) {
            git.extend(rules(folder, FILES[0]));
            own.extend(FILES[1..].iter().flat_map(|file| rules(folder, file)));
            if folder.join(".git").exists() {
                in_repository = true;
                break;
            }
        }
        if in_repository {
            own.extend(git);
        }
        Self { folder: folder.to_owned(), rules: own }
    }

    /// The rules by which git leaves a folder's files out; of its own files, too, and of those in the user's home.
    #[must_use]
    pub fn by_git(folder: &Path, home: Option<&Path>) -> Self {
        let folder = &normal(folder);
        let mut all = Vec::new();
        for folder in folder.ancestors().take(UP) {
            all.extend(rules(folder, FILES[0]));
            if folder.join(".git").exists() {
                all.extend(rules(folder, ".git/info/exclude"));
                break;
            }
        }
        all.extend(home.into_iter().flat_map(|home| rules(home, ".config/git/ignore")));
        Self { folder: folder.to_owned(), rules: all }
    }

    /// Whether a file is left out. One rule that takes it back is enough for a no.
    #[must_use]
    pub fn leaves_out(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut hits = self.rules.iter().filter(|r| r.is_about(path, &name));
        let first = hits.next();
        first.is_some_and(|r| !r.back) && !hits.any(|r| r.back) && !self.is_taken_back(path, &name)
    }

    /// Whether a folder below the first takes a file back.
    fn is_taken_back(&self, path: &Path, name: &str) -> bool {
        let folders = path.ancestors().skip(1).take(UP).take_while(|f| *f != self.folder);
        let mut rules = folders.flat_map(|f| FILES.iter().flat_map(move |file| rules(f, file)));
        rules.any(|r| r.back && fits(&r.name, name))
    }
}

/// The rules of a file. One with `**` within a path leaves out nothing here, one that takes a path back takes back all of
/// its last name.
fn rules<'a>(folder: &'a Path, file: &str) -> impl Iterator<Item = Rule> + 'a {
    use std::io::Read;
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open(folder.join(file)) {
        let _ = file.take(LONGEST).read_to_string(&mut text);
    }
    let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).collect();
    lines.into_iter().filter_map(move |line| {
        let (back, line) = line.strip_prefix('!').map_or((false, line.as_str()), |rest| (true, rest));
        let anywhere = line.trim_start_matches("**/");
        let (name, only_folders) = anywhere.strip_suffix('/').map_or((anywhere, false), |name| (name, true));
        let only_here = name.contains('/');
        let name = name.trim_start_matches('/');
        let last = if only_folders { "*" } else { name.rsplit('/').next().unwrap_or(name) };
        let name = if back { last } else { name };
        // A path that may begin anywhere is more than these rules say.
        let unclear = name.contains("**") || (anywhere != line && only_here);
        if name.is_empty() || name.starts_with('#') || unclear {
            return None;
        }
        Some(Rule { folder: folder.to_owned(), name: name.to_owned(), only_here, only_folders, back })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_taken_back_takes_back_all() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        std::fs::write(dir.path().join(".gitignore"), "keys/*\n!keys/open/\na/**/x.pem\n**/b/y.pem\n")
            .unwrap();
        let out = |path: &str| Ignored::of(dir.path()).leaves_out(&dir.path().join(path));
        for path in ["keys/open/x.pem", "keys/x.pem", "a/c/x.pem", "c/b/y.pem"] {
            assert!(!out(path), "{path}");
        }
    }

    #[test]
    fn only_what_is_surely_left_out_is() {
        let dir = tempfile::tempdir().unwrap();
        let rules = "# x\n*.key\n!kept.key\n/top.pem\nold/\nsub/x.p12\n.env*\n!sub/.env.shared\n";
        std::fs::write(dir.path().join(".gitignore"), rules).unwrap();
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        let out = |path: &str| Ignored::of(&below).leaves_out(&dir.path().join(path));
        assert!(!out("a/b/server.key"), "no repository");
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        let below_folders = ["old/x.pem", "a/old/x.pem", "sub/x.p12", "a/old/b/x.pem"];
        for path in
            ["a/b/server.key", "server.key", "top.pem", ".env", "a/.env.local"].iter().chain(&below_folders)
        {
            assert!(out(path), "{path}");
        }
        std::fs::create_dir_all(below.join("deep")).unwrap();
        std::fs::write(below.join("deep/.gitignore"), "!own.key\n").unwrap();
        assert!(out("a/b/deep/server.key"));
        for path in
            ["a/b/deep/own.key", "kept.key", "a/top.pem", "old", "a/sub/x.p12", "x.txt", ".env.shared"]
        {
            assert!(!out(path), "{path}");
        }
    }
}
