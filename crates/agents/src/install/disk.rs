//! One file of somebody else: read without being led elsewhere, replaced in one step or not at all.

use crate::config::MAX_FILE;
use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Why a file was left alone.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Its text is broken, or says something that can't be changed.
    #[error("{}: {error}", .path.display())]
    Config {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        error: crate::config::Error,
    },
    /// A link leads out of the folders that are the client's.
    #[error("{} leads to {}, which is out of its folder; it is left alone", .path.display(), .real.display())]
    Link {
        /// Which.
        path: PathBuf,
        /// Where it leads.
        real: PathBuf,
    },
    /// A folder, a pipe, a device, a link to nowhere.
    #[error("{} is no file", .0.display())]
    NotFile(PathBuf),
    /// It is another user's.
    #[error("{} belongs to another user", .0.display())]
    NotOurs(PathBuf),
    /// No settings file is that large.
    #[error("{} is larger than {} MiB", .0.display(), MAX_FILE / 1024 / 1024)]
    TooLarge(PathBuf),
    /// It is no text.
    #[error("{} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// A file where a file of ours belongs.
    #[error("{} is there already and not svault's; move it away first", .0.display())]
    Foreign(PathBuf),
    /// Somebody wrote to it since it was read.
    #[error("{} was changed by somebody else at this moment; run it again", .0.display())]
    Changed(PathBuf),
    /// Another install or uninstall holds the lock.
    #[error("another svault install is at work")]
    Busy,
    /// The disk.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        error: io::Error,
    },
}

impl Trouble {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::Io { path, error }
    }
}

/// A file as it was found, or the lack of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As the client names it.
    pub path: PathBuf,
    /// Where it really is.
    pub real: PathBuf,
    /// What is in it; nothing where there is none.
    pub bytes: Option<Vec<u8>>,
}

impl Found {
    /// Reads it. `roots`: where it may really lie; links that lead elsewhere are not followed.
    ///
    /// # Errors
    /// When it is not an ordinary file of ours, lies elsewhere, or can't be read.
    pub fn read(path: &Path, roots: &[&Path]) -> Result<Self, Trouble> {
        let real = resolve(path)?;
        let inside = |root: &&Path| resolve(root).is_ok_and(|r| real.starts_with(&r));
        if !roots.iter().any(inside) {
            return Err(Trouble::Link { path: path.to_owned(), real });
        }
        let bytes = content(path, &real)?;
        Ok(Self { path: path.to_owned(), real, bytes })
    }

    /// The text in it; none where there is no file.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<Option<&str>, Trouble> {
        let text = self.bytes.as_deref().map(std::str::from_utf8).transpose();
        text.map_err(|_| Trouble::NotUtf8(self.path.clone()))
    }

    /// Fails when it is not as it was any more.
    fn still(&self) -> Result<(), Trouble> {
        let same = resolve(&self.path)? == self.real && content(&self.path, &self.real)? == self.bytes;
        if same { Ok(()) } else { Err(Trouble::Changed(self.path.clone())) }
    }

    /// Puts a new text in its place, in one step. A file that was there keeps its mode, a new one gets `mode`. The
    /// folders that had to be made, outermost first.
    ///
    /// # Errors
    /// When somebody else changed it meanwhile, or the disk fails; then nothing has changed.
    pub fn replace(&self, new: &[u8], mode: u32) -> Result<Vec<PathBuf>, Trouble> {
        let folder = self.real.parent().ok_or_else(|| Trouble::NotFile(self.path.clone()))?;
        let made = make_folders(folder)?;
        let failed = || Trouble::io(&self.path);
        clear_leftovers(folder);
        let mut temp = builder().tempfile_in(folder).map_err(failed())?;
        temp.write_all(new).map_err(failed())?;
        set_mode(temp.as_file(), self.real.metadata().ok().as_ref(), mode).map_err(failed())?;
        temp.as_file().sync_all().map_err(failed())?;
        self.still()?;
        self.put(temp)?;
        sync_folder(folder);
        Ok(made)
    }

    /// Where there was no file, one that was made since the last look is somebody else's.
    fn put(&self, temp: tempfile::NamedTempFile) -> Result<(), Trouble> {
        let done = match &self.bytes {
            Some(_) => temp.persist(&self.real),
            None => temp.persist_noclobber(&self.real),
        };
        done.map(drop).map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => Trouble::Changed(self.path.clone()),
            _ => Trouble::io(&self.path)(e.error),
        })
    }

    /// Removes it.
    ///
    /// # Errors
    /// When somebody else changed it meanwhile, or the disk fails.
    pub fn remove(&self) -> Result<(), Trouble> {
        self.still()?;
        std::fs::remove_file(&self.real).map_err(Trouble::io(&self.path))
    }
}

/// How the name of a file begins and ends that is to take another's place, and how much chance is between.
const TEMP: (&str, usize, &str) = (".svault-", 12, ".tmp");

fn builder() -> tempfile::Builder<'static, 'static> {
    let (begin, chance, end) = TEMP;
    let mut builder = tempfile::Builder::new();
    builder.prefix(begin).rand_bytes(chance).suffix(end);
    builder
}

/// Removes what an install that was killed left behind. There is one at a time ([`super::lock`]), so none is in use.
fn clear_leftovers(folder: &Path) {
    let (begin, chance, end) = TEMP;
    let ours = |name: &str| {
        let between = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
        between.is_some_and(|b| b.len() == chance && b.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(ours) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Where a path really is, also where the end of it does not exist yet.
fn resolve(path: &Path) -> Result<PathBuf, Trouble> {
    match path.canonicalize() {
        Ok(real) => Ok(real),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if path.symlink_metadata().is_ok() {
                return Err(Trouble::NotFile(path.to_owned())); // a link to nowhere
            }
            match (path.parent(), path.file_name()) {
                (Some(parent), Some(name)) => Ok(resolve(parent)?.join(name)),
                _ => Err(Trouble::NotFile(path.to_owned())),
            }
        }
        Err(e) => Err(Trouble::io(path)(e)),
    }
}

fn content(path: &Path, real: &Path) -> Result<Option<Vec<u8>>, Trouble> {
    let meta = match real.symlink_metadata() {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Trouble::io(path)(e)),
    };
    if !meta.is_file() {
        return Err(Trouble::NotFile(path.to_owned()));
    }
    ours(path, &meta)?;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(real).map_err(Trouble::io(path))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(Trouble::io(path))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Trouble::TooLarge(path.to_owned()));
    }
    Ok(Some(bytes))
}

#[cfg(unix)]
fn ours(path: &Path, meta: &Metadata) -> Result<(), Trouble> {
    use std::os::unix::fs::MetadataExt;
    if meta.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(Trouble::NotOurs(path.to_owned()))
    }
}

#[cfg(not(unix))]
fn ours(_: &Path, _: &Metadata) -> Result<(), Trouble> {
    Ok(())
}

#[cfg(unix)]
fn set_mode(file: &std::fs::File, old: Option<&Metadata>, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = old.map_or(mode, |m| m.permissions().mode() & 0o7777);
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &std::fs::File, _: Option<&Metadata>, _: u32) -> io::Result<()> {
    Ok(())
}

pub(super) fn make_folders(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|f| !f.exists()).collect();
    let mut made = Vec::new();
    for folder in missing.into_iter().rev() {
        #[cfg_attr(not(unix), allow(unused_mut, reason = "there is no mode to set"))]
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(folder) {
            Ok(()) => made.push(folder.to_owned()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {} // made meanwhile
            Err(e) => return Err(Trouble::io(folder)(e)),
        }
    }
    Ok(made)
}

/// Best effort: a rename that a power cut undoes leaves the old file, whole.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(dir) = std::fs::File::open(folder) {
        let _ = dir.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn home() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        (dir, path)
    }

    #[test]
    fn a_link_is_written_through_and_a_link_out_is_refused() {
        let ((_a, home), (_b, out)) = (home(), home());
        std::fs::create_dir(home.join("dot")).unwrap();
        std::fs::write(home.join("dot/real"), "old").unwrap();
        std::fs::set_permissions(home.join("dot/real"), std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink("dot/real", home.join("config")).unwrap();
        let found = Found::read(&home.join("config"), &[&home]).unwrap();
        found.replace(b"new", 0o600).unwrap();
        assert!(home.join("config").symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(home.join("dot/real")).unwrap(), "new");
        assert_eq!(home.join("dot/real").metadata().unwrap().permissions().mode() & 0o777, 0o640);

        std::fs::write(out.join("other"), "theirs").unwrap();
        symlink(out.join("other"), home.join("file")).unwrap();
        symlink(&out, home.join("folder")).unwrap();
        symlink(home.join("nowhere"), home.join("dangling")).unwrap();
        for name in ["file", "folder/other", "folder/new"] {
            let refused = Found::read(&home.join(name), &[&home]);
            assert!(matches!(refused, Err(Trouble::Link { .. })), "{name}: {refused:?}");
        }
        assert!(matches!(Found::read(&home.join("dangling"), &[&home]), Err(Trouble::NotFile(_))));
    }

    #[test]
    fn what_a_killed_install_left_is_removed_and_nothing_else() {
        let (_a, home) = home();
        let left = builder().tempfile_in(&home).unwrap().keep().unwrap().1;
        let kept =
            [".svault-config", ".svault-folder000000.tmp", ".svault-linked000000.tmp", ".svault-notes.tmp"];
        std::fs::write(home.join(kept[0]), "").unwrap();
        std::fs::create_dir(home.join(kept[1])).unwrap();
        symlink(home.join(kept[0]), home.join(kept[2])).unwrap();
        std::fs::write(home.join(kept[3]), "").unwrap();
        Found::read(&home.join("config"), &[&home]).unwrap().replace(b"new", 0o600).unwrap();
        assert!(!left.exists());
        for name in kept {
            assert!(home.join(name).symlink_metadata().is_ok(), "{name}");
        }
        assert_eq!(std::fs::read_dir(&home).unwrap().count(), kept.len() + 1, "and the new one");
    }

    #[test]
    fn what_somebody_else_writes_meanwhile_is_not_lost() {
        let (_a, home) = home();
        let path = home.join("config");
        for (before, meanwhile) in [(Some("one"), Some("two")), (None, Some("two")), (Some("one"), None)] {
            let _ = std::fs::remove_file(&path);
            if let Some(text) = before {
                std::fs::write(&path, text).unwrap();
            }
            let found = Found::read(&path, &[&home]).unwrap();
            match meanwhile {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            assert!(matches!(found.replace(b"new", 0o600), Err(Trouble::Changed(_))));
            assert!(matches!(found.remove(), Err(Trouble::Changed(_))));
            assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), meanwhile);
            assert_eq!(std::fs::read_dir(&home).unwrap().count(), usize::from(meanwhile.is_some()));
        }
    }

    #[test]
    fn a_file_that_is_made_at_the_last_moment_stays() {
        let (_a, home) = home();
        let path = home.join("config");
        let found = Found::read(&path, &[&home]).unwrap();
        let temp = builder().tempfile_in(&home).unwrap();
        std::fs::write(&path, "theirs").unwrap();
        assert!(matches!(found.put(temp), Err(Trouble::Changed(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(&home).unwrap().count(), 1);
    }

    #[test]
    fn pipes_folders_and_huge_files_are_left_alone() {
        let (_a, home) = home();
        let pipe = home.join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert!(matches!(Found::read(&pipe, &[&home]), Err(Trouble::NotFile(_))));
        assert!(matches!(Found::read(&home, &[&home]), Err(Trouble::NotFile(_))));
        let huge = home.join("huge");
        std::fs::File::create(&huge).unwrap().set_len(100 * 1024 * 1024).unwrap();
        assert!(matches!(Found::read(&huge, &[&home]), Err(Trouble::TooLarge(_))));
    }
}
