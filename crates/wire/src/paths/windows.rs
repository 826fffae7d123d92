//! Folders on Windows. The daemon's pipe is not here yet, so there is no socket to find.

use super::Error;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn data_dir(env: impl Fn(&str) -> Option<OsString>, _home: Option<PathBuf>) -> Option<PathBuf> {
    env("LOCALAPPDATA").map(PathBuf::from).filter(|p| p.is_absolute())
}

pub(super) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

pub(super) fn runtime_dir() -> Option<PathBuf> {
    None
}

pub(super) fn exists(path: &Path) -> io::Result<bool> {
    path.try_exists()
}

pub(super) fn check_folder(path: &Path) -> Result<(), Error> {
    let meta = std::fs::symlink_metadata(path).map_err(super::io_at(path))?;
    if meta.is_dir() { Ok(()) } else { Err(Error::Not { path: path.to_owned(), what: "folder" }) }
}

pub(super) fn check_owner(path: &Path) -> Result<(), Error> {
    check_folder(path)
}

pub(super) fn check_socket(_path: &Path) -> Result<bool, Error> {
    Ok(false)
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

pub(super) fn with_address<R>(
    folder: &Path,
    name: &str,
    use_it: impl FnOnce(&Path) -> io::Result<R>,
) -> io::Result<R> {
    use_it(&folder.join(name))
}
