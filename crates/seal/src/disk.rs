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
    /// Whether it is the file that this path names now: nobody has moved it away or put another in its place.
    fn is_at(&self, path: &Path) -> bool;
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
        let file = real::open(path, how)?;
        let identity = Identity::of(&file)?;
        Ok(Arc::new(RealFile { file, identity }))
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

struct RealFile {
    file: fs::File,
    identity: Identity,
}

impl File for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        real::read_at(&self.file, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buf.get(done..).filter(|rest| !rest.is_empty()) {
            match real::write_at(&self.file, rest, offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|found| found.len())
    }

    fn is_at(&self, path: &Path) -> bool {
        self.identity.is_at(path)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

pub(crate) use real::Identity;

fn refuse(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

#[cfg(unix)]
#[path = "disk/unix.rs"]
mod real;

#[cfg(windows)]
#[path = "disk/windows.rs"]
mod real;

#[cfg(test)]
#[cfg(unix)]
mod tests;
