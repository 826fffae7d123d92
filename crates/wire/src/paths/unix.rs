//! Folders and sockets on Linux and macOS: owners and modes.

use super::Error;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The longest path of a socket's address, with room for the final zero byte on every system.
const ADDRESS_MAX: usize = 100;

pub(super) fn data_dir(env: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    let set = env("XDG_DATA_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    set.or_else(|| home.filter(|h| h.is_absolute()).map(|h| h.join(".local/share")))
}

pub(super) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// `/run/user/UID`, where the system keeps one for us.
pub(super) fn runtime_dir() -> Option<PathBuf> {
    let dir = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    check_folder(&dir).is_ok().then_some(dir)
}

/// What is there itself, no link followed.
fn stat(path: &Path) -> Result<Metadata, Error> {
    std::fs::symlink_metadata(path).map_err(super::io_at(path))
}

pub(super) fn exists(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

fn ours(path: &Path, stat: &Metadata) -> Result<(), Error> {
    if stat.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(Error::NotOurs(path.to_owned()))
    }
}

/// A folder itself (no link), ours.
pub(super) fn check_owner(path: &Path) -> Result<(), Error> {
    our_folder(path).map(drop)
}

fn our_folder(path: &Path) -> Result<Metadata, Error> {
    let stat = stat(path)?;
    if !stat.is_dir() {
        return Err(Error::Not { path: path.to_owned(), what: "folder" });
    }
    ours(path, &stat)?;
    Ok(stat)
}

/// The same, 0700.
pub(super) fn check_folder(path: &Path) -> Result<(), Error> {
    let stat = our_folder(path)?;
    let mode = stat.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::Open { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Whether there is a socket; something else, or another user's, is refused.
pub(super) fn check_socket(path: &Path) -> Result<bool, Error> {
    let stat = match stat(path) {
        Ok(stat) => stat,
        Err(Error::Missing(_)) => return Ok(false),
        Err(e) => return Err(e),
    };
    if !stat.file_type().is_socket() {
        return Err(Error::Not { path: path.to_owned(), what: "socket" });
    }
    ours(path, &stat)?;
    Ok(true)
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

pub(super) fn with_address<R>(
    folder: &Path,
    name: &str,
    use_it: impl FnOnce(&Path) -> io::Result<R>,
) -> io::Result<R> {
    let whole = folder.join(name);
    if whole.as_os_str().len() <= ADDRESS_MAX {
        return use_it(&whole);
    }
    if cfg!(not(target_os = "linux")) {
        let text =
            format!("{} is too long for a socket's address: use a shorter store folder", whole.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let held = rustix::fs::open(folder, flags, Mode::empty())?;
    use_it(&PathBuf::from(format!("/proc/self/fd/{}/{name}", held.as_raw_fd())))
}
