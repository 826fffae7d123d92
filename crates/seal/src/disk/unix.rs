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

/// Which file an open one is: its device and inode, which no other one gets while it is open.
#[derive(Debug)]
pub(crate) struct Identity {
    dev: u64,
    ino: u64,
}

impl Identity {
    pub(crate) fn of(file: &fs::File) -> io::Result<Self> {
        file.metadata().map(|found| Self { dev: found.dev(), ino: found.ino() })
    }

    /// Whether a path names this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|named| (self.dev, self.ino) == (named.dev(), named.ino()))
    }
}
