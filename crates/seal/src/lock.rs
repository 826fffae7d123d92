//! One writer for a store: an exclusive lock on `store.lock`, a file that is never renamed and never removed.
//! The kernel drops the lock with the process, so nothing stale is left after a crash.

use crate::disk::Identity;
use crate::error::{At, Error, Result};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock of a store, held until dropped.
#[derive(Debug)]
pub struct StoreLock {
    /// Locked for as long as it is open.
    _file: File,
    identity: Identity,
    path: PathBuf,
}

impl StoreLock {
    /// Takes the lock, making the file (0600) where there is none.
    ///
    /// # Errors
    /// `InUse` with the holder where the kernel tells; `Missing` without the folder; `Io` for a link, a file of
    /// somebody else, or one that was exchanged while the lock was taken.
    pub fn take(path: &Path) -> Result<Self> {
        let file = system::open(path).map_err(|e| Error::io(path, "open the lock", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse { at: At(path.to_path_buf()), pid: system::holder(&file) });
            }
            Err(TryLockError::Error(e)) => return Err(Error::io(path, "lock", e)),
        }
        let identity = Identity::of(&file).map_err(|e| Error::io(path, "look at the lock", e))?;
        let lock = Self { _file: file, identity, path: path.to_path_buf() };
        if lock.still_ours() {
            return Ok(lock);
        }
        // Whoever exchanged it may hold a lock on the new file: two writers. Not silently tried again.
        let source = io::Error::other("the lock file was exchanged while it was being locked");
        Err(Error::io(path, "lock", source))
    }

    /// Whether the file under the lock's name is still the locked one. If not, somebody removed or exchanged it, and
    /// a second process may believe that it is the only one.
    #[must_use]
    pub fn still_ours(&self) -> bool {
        self.identity.is_at(&self.path)
    }

    /// Who holds the lock at `path` now, where the kernel tells. Takes nothing.
    #[must_use]
    pub fn holder(path: &Path) -> Option<u32> {
        system::holder(&system::open_existing(path).ok()?)
    }
}

#[cfg(unix)]
#[path = "lock/unix.rs"]
mod system;

#[cfg(windows)]
#[path = "lock/windows.rs"]
mod system;

/// The process that holds a `flock` on the inode, from the lines of `/proc/locks`:
/// `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`. Device numbers are left out: those of btrfs differ from
/// what `stat` says. `None` when two lines fit.
#[cfg(any(target_os = "linux", test))]
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    let mut pids = locks.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let fits = words.next() == Some("FLOCK");
        let pid = words.nth(2)?.parse::<u32>().ok()?;
        let found = words.next()?.rsplit(':').next()?.parse::<u64>().ok()?;
        (fits && found == inode && pid > 0).then_some(pid)
    });
    let first = pids.next()?;
    pids.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_second_is_told_who_is_first() {
        let dir = folder();
        let path = dir.path().join("store.lock");
        let first = StoreLock::take(&path).unwrap();
        let refused = StoreLock::take(&path).unwrap_err();
        assert!(matches!(refused, Error::InUse { pid, .. } if !cfg!(target_os = "linux")
            || pid == Some(std::process::id())));
        assert!(first.still_ours());
        drop(first);
        StoreLock::take(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_or_a_second_name_is_no_lock() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder();
        let (path, other) = (dir.path().join("store.lock"), dir.path().join("other"));
        std::fs::write(&other, "").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert_eq!(StoreLock::take(&path).unwrap_err().name(), "Io");
        std::fs::remove_file(&path).unwrap();
        std::fs::hard_link(&other, &path).unwrap();
        assert_eq!(StoreLock::take(&path).unwrap_err().name(), "Io");
        std::fs::remove_file(&path).unwrap();
        StoreLock::take(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn an_exchanged_file_is_noticed() {
        let dir = folder();
        let path = dir.path().join("store.lock");
        let first = StoreLock::take(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!first.still_ours());
        // This is how two writers come about; the first one can see it.
        let _second = StoreLock::take(&path).unwrap();
        assert!(!first.still_ours());
    }

    #[test]
    fn lines_of_the_kernel() {
        let text = "1: FLOCK  ADVISORY  WRITE 1234 08:01:77 0 EOF\n2: POSIX  ADVISORY  READ 9 08:01:77 0 5\n\
            3: FLOCK  ADVISORY  WRITE 4321 08:01:78 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 5 08:01:78 0 EOF\n";
        assert_eq!(holder_in(text, 77), Some(1234));
        assert_eq!(holder_in(text, 78), Some(4321));
        assert_eq!(holder_in(text, 79), None);
        assert_eq!(holder_in("1: FLOCK ADVISORY WRITE -1 00:2a:77 0 EOF", 77), None);
    }
}
