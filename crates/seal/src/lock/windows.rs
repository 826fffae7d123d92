//! Windows.

use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::{io, path::Path};

/// Others may read and write it, not delete or rename it, while it is open.
const SHARE_READ_WRITE: u32 = 3;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

pub(super) fn open(path: &Path) -> io::Result<File> {
    open_with(path, true)
}

pub(super) fn open_existing(path: &Path) -> io::Result<File> {
    open_with(path, false)
}

fn open_with(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    options.share_mode(SHARE_READ_WRITE).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is no regular file"))
}

pub(super) fn holder(_: &File) -> Option<u32> {
    None
}
