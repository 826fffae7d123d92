//! Linux and macOS.

use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::{io, path::Path};

pub(super) fn open(path: &Path) -> io::Result<File> {
    open_with(path, true)
}

pub(super) fn open_existing(path: &Path) -> io::Result<File> {
    open_with(path, false)
}

fn open_with(path: &Path, create: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).mode(0o600).custom_flags(flags.bits() as i32);
    let file = options.open(path)?;
    let found = file.metadata()?;
    let bad = if !found.is_file() {
        "it is no regular file"
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if found.nlink() > 1 {
        "it has a second name (hard link)"
    } else {
        return Ok(file);
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, bad))
}

#[cfg(target_os = "linux")]
pub(super) fn holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino();
    super::holder_in(&std::fs::read_to_string("/proc/locks").ok()?, inode)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_: &File) -> Option<u32> {
    None
}
