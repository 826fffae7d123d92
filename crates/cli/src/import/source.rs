//! A file with secrets, opened once and carefully. The folder stays open until it is put back (`put.rs`), so that nobody
//! can put another one in its place.

use super::rights::Rights;
use crate::report::Error;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat};
use secret::Bytes;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The longest file that is imported, in bytes.
pub const FILE_MAX: usize = 2 << 20;

/// The longest file that is looked at again: with references in the place of values it can be longer than before.
const AGAIN_MAX: usize = 3 * FILE_MAX;

/// A file's folder and name.
pub struct Place {
    pub(super) folder: OwnedFd,
    pub(super) name: OsString,
    /// The folder without links, and the name.
    pub path: PathBuf,
}

/// A file as it was read.
pub struct Source {
    /// Its bytes.
    pub bytes: Bytes,
    pub(super) stat: Stat,
    pub(super) rights: Rights,
}

impl Place {
    /// Opens the folder of a file.
    ///
    /// # Errors
    /// When it is not there.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().ok_or_else(|| Error::usage(format!("{} is no file", path.display())))?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let real = parent.canonicalize().map_err(|e| Error::io("open", parent, &e))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder =
            rustix::fs::open(&real, flags, Mode::empty()).map_err(|e| Error::io("open", &real, &e.into()))?;
        Ok(Self { folder, name: name.to_owned(), path: real.join(name) })
    }

    /// Reads the file, where it is an ordinary one of this user, and not too long. No link is followed, and nothing
    /// that blocks is opened.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self) -> Result<Source, Error> {
        let source = self.read_if_there()?;
        if source.as_ref().is_some_and(|s| s.stat.st_size > FILE_MAX as i64) {
            return Err(self.too_long());
        }
        source.ok_or_else(|| {
            Error::new("io", wire::exit::FAILED, format!("can't open {}", self.path.display()))
                .cause("no such file")
                .hint("give the path of a .env file")
        })
    }

    /// The same; none: there is no such file.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub fn read_if_there(&self) -> Result<Option<Source>, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&self.folder, &self.name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK) => {
                return Err(self.refused("is a symbolic link").hint("name the file that it points to"));
            }
            Err(e) => return Err(Error::io("open", &self.path, &e.into())),
        };
        let io = |e: rustix::io::Errno| Error::io("read", &self.path, &e.into());
        let stat = fstat(&file).map_err(io)?;
        self.check(&stat)?;
        let len = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        let mut bytes = Bytes::zeroed(len + 1)?;
        let mut got = 0;
        let mut file = File::from(file);
        loop {
            match file.read(&mut bytes.expose_mut()[got..]) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("read", &self.path, &e)),
            }
        }
        if got != len || !same(&fstat(&file).map_err(io)?, &stat) {
            return Err(self.changed());
        }
        bytes.truncate(got);
        let rights = Rights::of(&file, &stat).map_err(|e| Error::io("read", &self.path, &e))?;
        Ok(Some(Source { bytes, stat, rights }))
    }

    fn check(&self, stat: &Stat) -> Result<(), Error> {
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.refused("is no ordinary file"));
        }
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(self.refused("belongs to another user").hint("copy it to a file of your own first"));
        }
        if usize::try_from(stat.st_size).is_ok_and(|n| n <= AGAIN_MAX) {
            return Ok(());
        }
        Err(self.too_long())
    }

    fn too_long(&self) -> Error {
        Error::new(
            "too_long",
            wire::exit::FAILED,
            format!("{} has more than {} MiB", self.path.display(), FILE_MAX >> 20),
        )
        .hint("a .env file has values; keep data elsewhere")
    }

    fn refused(&self, what: &str) -> Error {
        Error::new("refused", wire::exit::FAILED, format!("{} {what}", self.path.display()))
            .hint("give an ordinary file of your own")
    }

    pub(super) fn changed(&self) -> Error {
        let text = format!("{} was changed in the meantime; it was left as it is", self.path.display());
        Error::new("file_changed", wire::exit::FAILED, text)
            .hint("look at it, then run the same command again")
    }

    /// Whether there is something of that name in the same folder.
    #[must_use]
    pub fn has_beside(&self, name: &str) -> bool {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// The folder, without links.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// The file's own name.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

impl Source {
    /// Whether the same file has other names, which keep the old text.
    #[must_use]
    pub fn has_other_names(&self) -> bool {
        self.stat.st_nlink > 1
    }
}

/// Whether two looks saw the same file, unchanged.
pub(super) fn same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino, a.st_size, a.st_mtime, a.st_mtime_nsec)
        == (b.st_dev, b.st_ino, b.st_size, b.st_mtime, b.st_mtime_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn links_pipes_folders_and_long_files_are_refused() {
        let (dir, path) = file("old");
        let at = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink(&path, at("link")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        File::create(at("long")).unwrap().set_len(1 << 30).unwrap();
        for (name, code) in
            [("link", "refused"), ("folder", "refused"), ("pipe", "refused"), ("long", "too_long")]
        {
            let refused = Place::of(&at(name)).unwrap().read().err().unwrap();
            assert_eq!(refused.code, code, "{name}");
        }
        assert!(Place::of(&at("none")).unwrap().read_if_there().unwrap().is_none());
    }
}
