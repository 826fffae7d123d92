//! Git's index: which protected files a repository keeps, and whether they have changed since they were put there.

use super::names;
use std::path::{Path, PathBuf};

/// The longest index that is read.
const LONGEST: u64 = 64 * 1024 * 1024;
/// How many folders up a repository is looked for.
const UP: usize = 32;
/// An entry's length before its name.
const FIXED: usize = 62;

/// A file in the index with a protected name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Where it is.
    pub path: PathBuf,
    time: u32,
    size: u32,
}

impl Tracked {
    /// Whether the file is there and not as it was put into the index, by its time and size.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        use std::time::UNIX_EPOCH;
        let Ok(meta) = std::fs::symlink_metadata(&self.path) else { return false };
        let time = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map(|t| t.as_secs());
        // Both are kept by their last 32 bits; a size of none stands for one that git is not sure of.
        time.map(|t| t & u64::from(u32::MAX)) != Some(self.time.into())
            || (self.size != 0 && meta.len() & u64::from(u32::MAX) != u64::from(self.size))
    }
}

/// The folder of the repository that a folder belongs to.
#[must_use]
pub fn root(folder: &Path) -> Option<&Path> {
    folder.ancestors().take(UP).find(|f| f.join(".git").exists())
}

/// The files with a protected name that the repository of a folder keeps.
#[must_use]
pub fn tracked(folder: &Path) -> Vec<Tracked> {
    let Some(root) = root(folder) else { return Vec::new() };
    let Some(bytes) = read(&root.join(".git")) else { return Vec::new() };
    let mut all = Vec::new();
    let _ = entries(&bytes, |name, time, size| {
        let name = String::from_utf8_lossy(name);
        if names::class(&name).is_some() {
            all.push(Tracked { path: root.join(&*name), time, size });
        }
    });
    all
}

/// The bytes of the index. In a worktree `.git` is a file that says where it lies.
fn read(git: &Path) -> Option<Vec<u8>> {
    let folder = if git.is_dir() {
        git.to_owned()
    } else {
        let text = std::fs::read_to_string(git).ok()?;
        git.parent()?.join(text.strip_prefix("gitdir:")?.trim())
    };
    let index = folder.join("index");
    let short = std::fs::metadata(&index).is_ok_and(|m| m.is_file() && m.len() <= LONGEST);
    short.then(|| std::fs::read(index).ok()).flatten()
}

/// Goes through the entries: name, time, size. None where the bytes end too early or are of another form.
fn entries(bytes: &[u8], mut each: impl FnMut(&[u8], u32, u32)) -> Option<()> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let version = number(4).filter(|v| bytes.starts_with(b"DIRC") && (2..=4).contains(v))?;
    let mut name = Vec::new();
    let mut at = 12;
    for _ in 0..number(8)? {
        let (time, size) = (number(at + 8)?, number(at + 36)?);
        let extended = version > 2 && bytes.get(at + 60)? & 0x40 != 0;
        let mut start = at + FIXED + if extended { 2 } else { 0 };
        if version == 4 {
            let (cut, length) = offset(bytes.get(start..)?)?;
            start += length;
            name.truncate(name.len().checked_sub(cut)?);
        } else {
            name.clear();
        }
        let rest = bytes.get(start..)?;
        let end = rest.iter().position(|b| *b == 0)?;
        name.extend_from_slice(&rest[..end]);
        each(&name, time, size);
        let length = start + end - at;
        // Up to the next multiple of eight, with one byte at least.
        at += if version == 4 { length + 1 } else { (length / 8 + 1) * 8 };
    }
    Some(())
}

/// How much of the name before is cut off, in the form of version 4, and how long that number is.
fn offset(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (at, byte) in bytes.iter().enumerate().take(8) {
        value = (value << 7) | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
        value += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(folder: &Path, words: &[&str]) {
        let done = Command::new("git").args(words).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn an_index_that_git_wrote_is_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        for name in [".env", "a/.env.local", "a/b/main.rs", "a/b/x.key", "long-long-name.txt", "z.env"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        git(dir.path(), &["init", "-q"]);
        assert_eq!(tracked(dir.path()), []);
        git(dir.path(), &["add", "-A"]);
        for version in ["2", "3", "4"] {
            git(dir.path(), &["update-index", "--index-version", version]);
            let all = tracked(&dir.path().join("a/b"));
            let names: Vec<&Path> = all.iter().map(|t| t.path.strip_prefix(dir.path()).unwrap()).collect();
            assert_eq!(names, [".env", "a/.env.local", "a/b/x.key", "z.env"].map(Path::new), "{version}");
            assert!(all.iter().all(|t| !t.is_changed()));
            git(dir.path(), &["add", "-N", "."]);
        }
        std::fs::write(dir.path().join(".env"), "another").unwrap();
        assert!(tracked(dir.path())[0].is_changed());
    }

    #[test]
    fn what_is_no_index_has_no_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        let mut whole = b"DIRC\0\0\0\x04\0\0\0\x02".to_vec();
        whole.extend([0xff; 90]);
        for length in 0..whole.len() {
            std::fs::write(dir.path().join(".git/index"), &whole[..length]).unwrap();
            assert_eq!(tracked(dir.path()), []);
        }
    }
}
