//! A file with secrets, opened once and carefully, and put back in one step. The folder stays open in between, so that
//! nobody can put another one in its place.

use crate::report::Error;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, fstat, openat, renameat, unlinkat};
use secret::Bytes;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The longest file that is imported, in bytes.
pub const FILE_MAX: usize = 2 << 20;

/// The longest file that is looked at again: with references in the place of values it can be longer than before.
const AGAIN_MAX: usize = 3 * FILE_MAX;

/// A file's folder and name.
pub struct Place {
    folder: OwnedFd,
    name: OsString,
    /// The folder without links, and the name.
    pub path: PathBuf,
}

/// A file as it was read.
pub struct Source {
    /// Its bytes.
    pub bytes: Bytes,
    stat: Stat,
}

/// A step of putting a file in place; see [`Place::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The new text is to be written beside the old file.
    Write,
    /// It is to be synced.
    Sync,
    /// The old file is to be looked at once more.
    Look,
    /// The new one is to take its name.
    Rename,
    /// The folder is to be synced.
    SyncFolder,
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
            Error::io("open", &self.path, &std::io::ErrorKind::NotFound.into())
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
        Ok(Some(Source { bytes, stat }))
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

    fn changed(&self) -> Error {
        let text = format!("{} was changed in the meantime; it was left as it is", self.path.display());
        Error::new("file_changed", wire::exit::FAILED, text)
            .hint("look at it, then run the same command again")
    }

    /// Puts a text in place of the file that was read (none: of no file) in one step: whoever looks sees the old file
    /// or the new one. `before` is asked before each step; the file in the making is gone when a step fails.
    ///
    /// # Errors
    /// Where the file is no longer the one that was read, or can't be written. It is as it was then.
    pub fn put(
        &self,
        text: &str,
        old: Option<&Source>,
        before: &mut dyn FnMut(Step) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let temp = self.temp_name()?;
        let placed = self.put_as(&temp, text, old, before);
        if placed.is_err() {
            let _ = unlinkat(&self.folder, &temp, AtFlags::empty());
        }
        placed
    }

    fn put_as(
        &self,
        temp: &OsString,
        text: &str,
        old: Option<&Source>,
        before: &mut dyn FnMut(Step) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let io = |e: std::io::Error| Error::io("write", &self.path, &e);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        before(Step::Write).map_err(io)?;
        let file = openat(&self.folder, temp, flags, Mode::RUSR | Mode::WUSR).map_err(|e| io(e.into()))?;
        let mut file = File::from(file);
        file.write_all(text.as_bytes()).map_err(io)?;
        if let Some(old) = old {
            like(&file, &old.stat).map_err(io)?;
        }
        before(Step::Sync).map_err(io)?;
        file.sync_all().map_err(io)?;
        before(Step::Look).map_err(io)?;
        match (old, self.read_if_there()?) {
            (None, None) => {}
            (Some(old), Some(now)) if same(&old.stat, &now.stat) && now.bytes.ct_eq(old.bytes.expose()) => {}
            _ => return Err(self.changed()),
        }
        before(Step::Rename).map_err(io)?;
        renameat(&self.folder, temp, &self.folder, &self.name).map_err(|e| io(e.into()))?;
        // The file is the new one from here on; what follows is about a power cut only.
        before(Step::SyncFolder).and_then(|()| Ok(rustix::fs::fsync(&self.folder)?)).map_err(|e| {
            let text = format!("{} is in place, but its folder could not be synced", self.path.display());
            Error::failed(text, e).hint("run 'sync'")
        })
    }

    fn temp_name(&self) -> Result<OsString, Error> {
        let mut random = [0; 6];
        getrandom(&mut random)?;
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(format!(".svault-{}", wire::hex::encode(&random)));
        Ok(name)
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

fn getrandom(to: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(to).map_err(|e| Error::failed("no random number", e))
}

/// Group and permissions of the old file. Where the group can't be given, it gets no rights.
fn like(file: &File, old: &Stat) -> std::io::Result<()> {
    let mut mode = Mode::from_raw_mode(old.st_mode);
    let now = fstat(file)?;
    if now.st_gid != old.st_gid && rustix::fs::fchown(file, None, Some(Gid::from_raw(old.st_gid))).is_err() {
        mode &= !Mode::RWXG;
    }
    Ok(rustix::fs::fchmod(file, mode)?)
}

fn same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino, a.st_size, a.st_mtime, a.st_mtime_nsec)
        == (b.st_dev, b.st_ino, b.st_size, b.st_mtime, b.st_mtime_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const STEPS: [Step; 5] = [Step::Write, Step::Sync, Step::Look, Step::Rename, Step::SyncFolder];

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_failure_at_any_step_leaves_the_old_file_or_the_new_one_and_nothing_else() {
        for fails in STEPS {
            let (dir, path) = file("old");
            let place = Place::of(&path).unwrap();
            let source = place.read().unwrap();
            let mut seen = Vec::new();
            let put = place.put("new", Some(&source), &mut |step| {
                seen.push(std::fs::read_to_string(&path).unwrap());
                if step == fails { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            });
            assert!(put.is_err());
            assert!(seen.iter().all(|text| text == "old" || text == "new"), "{seen:?}");
            let left = std::fs::read_to_string(&path).unwrap();
            assert_eq!(left, if fails == Step::SyncFolder { "new" } else { "old" });
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "{fails:?}");
        }
    }

    #[test]
    fn the_mode_is_kept_and_the_steps_come_in_order() {
        let (_dir, path) = file("old");
        let place = Place::of(&path).unwrap();
        let source = place.read().unwrap();
        let mut steps = Vec::new();
        place
            .put("new", Some(&source), &mut |step| {
                steps.push(step);
                Ok(())
            })
            .unwrap();
        assert_eq!(steps, STEPS);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[test]
    fn a_file_that_was_changed_or_swapped_is_left_alone() {
        let other = |path: &Path| {
            std::fs::remove_file(path).unwrap();
            std::fs::write(path, "old").unwrap();
        };
        let changes: [&dyn Fn(&Path); 3] = [&|path| std::fs::write(path, "mine").unwrap(), &other, &|path| {
            std::fs::remove_file(path).unwrap()
        }];
        for change in changes {
            let (_dir, path) = file("old");
            let place = Place::of(&path).unwrap();
            let source = place.read().unwrap();
            change(&path);
            let now = std::fs::read_to_string(&path).ok();
            let e = place.put("new", Some(&source), &mut |_| Ok(())).unwrap_err();
            assert_eq!(e.code, "file_changed");
            assert_eq!(std::fs::read_to_string(&path).ok(), now);
        }
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
