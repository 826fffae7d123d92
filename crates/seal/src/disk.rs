//! Disks and files as this crate uses them, and the real ones: private, never through a link.
//! `sim.rs` has a disk that loses what was not synced.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// An existing file, to be read.
    Read,
    /// An existing file, to be read and written.
    Write,
    /// A file that must not exist yet, to be read and written; 0600.
    CreateNew,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its length in bytes.
    pub len: u64,
}

/// A file system. Names that contain a link as their last part are refused everywhere.
pub trait Disk: Send + Sync {
    /// Opens a regular file.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists` (for [`Open::CreateNew`]), and whatever else the system says.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// Renames a file, replacing what has the new name. Durable after [`Disk::sync_dir`] of the folder.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound`, and what the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in a folder, sorted; what is not UTF-8 is left out.
    ///
    /// # Errors
    /// `NotFound`, and what the system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a folder, 0700; an existing one must be a folder of ours (it is made 0700).
    ///
    /// # Errors
    /// When it belongs to somebody else or is no folder, and what the system says.
    fn mkdir(&self, dir: &Path) -> io::Result<()>;
    /// What is known of a file; `None` if there is none.
    ///
    /// # Errors
    /// What the system says.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;
}

/// An open file. Reads and writes name their place; there is no cursor.
pub trait File: Send + Sync {
    /// Reads at `offset`; fewer bytes than wanted (0 at the end) are no error.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf` at `offset`. After an error any part of it may have been written.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// The length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    ///
    /// # Errors
    /// What the system says.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
    /// Cuts or extends (with zeros) to `len`.
    ///
    /// # Errors
    /// What the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes the bytes, and the length as far as they need it, durable.
    ///
    /// # Errors
    /// What the system says. After an error nothing is known of what was written since the last success.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes the bytes and all else about the file durable.
    ///
    /// # Errors
    /// As for [`File::sync_data`].
    fn sync_all(&self) -> io::Result<()>;

    /// Reads exactly `buf.len()` bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` when there are fewer, and what the system says.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// The machine's file system. Files are 0600 and folders 0700 from the start; links, files with a second name,
/// files of another user and what is no regular file are refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        real::open(path, how).map(|file| Arc::new(RealFile(file)) as Arc<dyn File>)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        real::sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn mkdir(&self, dir: &Path) -> io::Result<()> {
        real::mkdir(dir)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => Ok(Some(Stat { len: found.len() })),
            Ok(_) => Err(refuse(path, "is no regular file")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

struct RealFile(fs::File);

impl File for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        real::read_at(&self.0, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buf.get(done..).filter(|rest| !rest.is_empty()) {
            match real::write_at(&self.0, rest, offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|found| found.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn refuse(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

#[cfg(unix)]
mod real {
    //! Unix: flags at opening, then a look at what was opened.
    use super::{Open, refuse};
    use rustix::fs::{Mode, OFlags};
    use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::{fs, io, path::Path};

    pub(super) fn open(path: &Path, how: Open) -> io::Result<fs::File> {
        // NONBLOCK: a fifo with our file's name must not hang us; regular files don't care.
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(flags.bits() as i32);
        match how {
            Open::Read => {}
            Open::Write => {
                options.write(true);
            }
            Open::CreateNew => {
                options.write(true).create_new(true).mode(0o600);
            }
        }
        let file = options.open(path).map_err(|e| name_links(path, e))?;
        check(path, &file.metadata()?)?;
        Ok(file)
    }

    fn name_links(path: &Path, e: io::Error) -> io::Error {
        if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return refuse(path, "is a symbolic link");
        }
        e
    }

    fn check(path: &Path, found: &fs::Metadata) -> io::Result<()> {
        if !found.is_file() {
            return Err(refuse(path, "is no regular file"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(refuse(path, "belongs to another user"));
        }
        if found.nlink() > 1 {
            return Err(refuse(path, "has a second name (hard link)"));
        }
        Ok(())
    }

    pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::open(dir, flags, Mode::empty())?;
        Ok(rustix::fs::fsync(dir)?)
    }

    pub(super) fn mkdir(dir: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
        let found = fs::symlink_metadata(dir)?;
        if !found.is_dir() {
            return Err(refuse(dir, "is no folder"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(refuse(dir, "belongs to another user"));
        }
        if found.mode() & 0o777 != 0o700 {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    pub(super) fn read_at(file: &fs::File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buf, offset)
    }

    pub(super) fn write_at(file: &fs::File, buf: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(buf, offset)
    }
}

#[cfg(windows)]
mod real {
    //! Windows: the folder's access list keeps others out; links are opened as themselves and then refused.
    use super::{Open, refuse};
    use std::os::windows::fs::{FileExt, OpenOptionsExt};
    use std::{fs, io, path::Path};

    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

    pub(super) fn open(path: &Path, how: Open) -> io::Result<fs::File> {
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
        match how {
            Open::Read => {}
            Open::Write => {
                options.write(true);
            }
            Open::CreateNew => {
                options.write(true).create_new(true);
            }
        }
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(refuse(path, "is no regular file"));
        }
        Ok(file)
    }

    /// NTFS keeps names in its own journal; there is no call for one folder.
    pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
        fs::metadata(dir).map(|_| ())
    }

    pub(super) fn mkdir(dir: &Path) -> io::Result<()> {
        match fs::create_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done,
        }
        if fs::symlink_metadata(dir)?.is_dir() { Ok(()) } else { Err(refuse(dir, "is no folder")) }
    }

    pub(super) fn read_at(file: &fs::File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buf, offset)
    }

    pub(super) fn write_at(file: &fs::File, buf: &[u8], offset: u64) -> io::Result<usize> {
        file.seek_write(buf, offset)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
