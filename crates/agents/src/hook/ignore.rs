//! What `.gitignore` and its like leave out of a search, as far as names say it.

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
    name: String,
    /// Only in that folder, not below it.
    only_here: bool,
    /// It takes back what another leaves out.
    back: bool,
}

impl Ignored {
    /// The rules of a folder and the ones above it up to the repository's. Outside of a repository `.gitignore` counts
    /// for nothing, as for `rg`.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
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
        let mut hits = self.rules.iter().filter(|r| {
            fits(&r.name, &name) && (r.back || !r.only_here || path.parent() == Some(r.folder.as_path()))
        });
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

/// The rules of a file that are about names; others leave out less here than they do in truth.
fn rules<'a>(folder: &'a Path, file: &str) -> impl Iterator<Item = Rule> + 'a {
    use std::io::Read;
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open(folder.join(file)) {
        let _ = file.take(LONGEST).read_to_string(&mut text);
    }
    let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).collect();
    lines.into_iter().filter_map(move |line| {
        let (back, line) = line.strip_prefix('!').map_or((false, line.as_str()), |rest| (true, rest));
        let only_here = line.starts_with('/');
        let name = line.trim_start_matches("**/").trim_start_matches('/');
        let last = name.rsplit('/').next().unwrap_or(name);
        let name = if back { last } else { name };
        if name.is_empty() || name.starts_with('#') || name.contains('/') {
            return None;
        }
        Some(Rule { folder: folder.to_owned(), name: name.to_owned(), only_here, back })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for path in ["a/b/server.key", "server.key", "top.pem", ".env", "a/.env.local"] {
            assert!(out(path), "{path}");
        }
        std::fs::create_dir_all(below.join("deep")).unwrap();
        std::fs::write(below.join("deep/.gitignore"), "!own.key\n").unwrap();
        assert!(out("a/b/deep/server.key"));
        for path in ["a/b/deep/own.key", "kept.key", "a/top.pem", "old", "sub/x.p12", "x.txt", ".env.shared"]
        {
            assert!(!out(path), "{path}");
        }
    }
}
