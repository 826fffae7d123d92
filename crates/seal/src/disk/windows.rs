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

/// Which file an open one is. While it is open nobody can delete or rename it.
#[derive(Debug)]
pub(crate) struct Identity;

impl Identity {
    pub(crate) fn of(_: &fs::File) -> io::Result<Self> {
        Ok(Self)
    }

    /// Whether a path names this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        path.exists()
    }
}
