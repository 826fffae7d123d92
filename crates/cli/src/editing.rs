//! The folder in which a policy is edited. The policy lies there in the clear, so the folder goes with the edit; what a
//! `kill -9` left goes with the next `policy edit`, `unlock` or `lock`.

use crate::report::Error;
use client::paths::StoreDir;
use std::path::{Path, PathBuf};

/// Every such folder's name begins with this; six characters by chance follow.
const PREFIX: &str = "policy-";

/// A folder of its own: editors leave copies beside the file. Gone when dropped.
pub struct Folder {
    folder: tempfile::TempDir,
    /// Held as long as it is used.
    _used: Option<std::fs::File>,
}

impl Folder {
    /// An empty one for this user alone, beside the store's socket: in memory where the system has a place there.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn make(store: &StoreDir) -> Result<Self, Error> {
        let place = store.listen_at().map_err(client::Error::from)?.path();
        let place = place.parent().unwrap_or(store.real());
        let cannot = |e| Error::io("make a folder in", place, &e);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        loop {
            let folder = builder.tempdir_in(place).map_err(cannot)?;
            // Another svault may have seen it before it was held, and taken it for left behind.
            if let Some(_used) = used::hold(folder.path()).map_err(cannot)? {
                return Ok(Self { folder, _used });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Those that are there and that nobody uses.
pub fn left(store: &StoreDir) -> Vec<PathBuf> {
    used::unused(store).into_iter().map(|(path, _)| path).collect()
}

/// Removes them. One that can't be removed is named by `doctor`.
pub fn sweep(store: &StoreDir) {
    for (path, _held) in used::unused(store) {
        let _ = std::fs::remove_dir_all(path);
    }
}

#[cfg(unix)]
mod used {
    use super::PREFIX;
    use client::paths::StoreDir;
    use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
    use rustix::io::Errno;
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    /// None: it is another's, or gone. Where folders can't be locked nobody takes them for left behind.
    pub fn hold(folder: &Path) -> std::io::Result<Option<Option<File>>> {
        let held = match locked(folder) {
            Ok(file) => Some(file),
            Err(Errno::WOULDBLOCK | Errno::NOENT) => return Ok(None),
            Err(_) => None,
        };
        Ok(folder.try_exists()?.then_some(held))
    }

    fn locked(folder: &Path) -> Result<File, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(folder, flags, Mode::empty())?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file.into())
    }

    /// Each is held as long as its file is open.
    pub fn unused(store: &StoreDir) -> Vec<(PathBuf, File)> {
        let user = rustix::process::geteuid().as_raw();
        let ours = |path: &Path| {
            path.symlink_metadata().is_ok_and(|m| m.is_dir() && m.uid() == user && m.mode() & 0o022 == 0)
        };
        let places = store.sockets().into_iter().filter_map(|s| s.path().parent().map(Path::to_owned));
        let mut found = Vec::new();
        for place in places.filter(|place| ours(place)) {
            let Ok(entries) = std::fs::read_dir(place) else { continue };
            let paths = entries.flatten().filter(|e| is_of_an_edit(&e.file_name())).map(|e| e.path());
            found.extend(paths.filter(|p| ours(p)).filter_map(|p| locked(&p).ok().map(|file| (p, file))));
        }
        found
    }

    fn is_of_an_edit(name: &std::ffi::OsStr) -> bool {
        let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        random.is_some_and(|r| r.len() == 6 && r.bytes().all(|b| b.is_ascii_alphanumeric()))
    }
}

#[cfg(not(unix))]
mod used {
    use client::paths::StoreDir;
    use std::fs::File;
    use std::path::{Path, PathBuf};

    /// Nothing is held here.
    pub fn hold(_: &Path) -> std::io::Result<Option<Option<File>>> {
        Ok(Some(None))
    }

    /// So nothing is known to be unused.
    pub fn unused(_: &StoreDir) -> Vec<(PathBuf, File)> {
        Vec::new()
    }
}
