//! One install or uninstall of a user at a time: two would write over each other's record, and lose what was there
//! before. The lock ends with the process, however that ends.

use super::disk::{Trouble, make_folders};
use super::record::inode;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "lock";

/// The lock beside the record, held until dropped. Nothing of it is left then, nor of folders made for it alone.
#[derive(Debug)]
pub struct Lock {
    file: Option<File>,
    path: PathBuf,
    made: Vec<PathBuf>,
}

impl Lock {
    /// Takes it, in the folder of the record, which need not exist.
    ///
    /// # Errors
    /// [`Trouble::Busy`] when somebody else holds it; others when it can't be made.
    pub fn take(folder: &Path) -> Result<Self, Trouble> {
        let path = folder.join(FILE);
        // From here on, what was made goes again whatever happens.
        let mut lock = Self { file: None, made: make_folders(folder)?, path };
        let file = match open(&lock.path) {
            Ok(file) => file,
            // Somebody else is done at this moment and takes the folder away.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Trouble::Busy),
            Err(e) => return Err(Trouble::io(&lock.path)(e)),
        };
        match file.try_lock() {
            Ok(()) if same(&file, &lock.path) => lock.file = Some(file),
            // Locked, but the file of somebody who is done and has removed it: a third may hold a new one.
            Ok(()) | Err(TryLockError::WouldBlock) => return Err(Trouble::Busy),
            Err(TryLockError::Error(e)) => return Err(Trouble::io(&lock.path)(e)),
        }
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held: nobody else can take what is under this name.
        if self.file.as_ref().is_some_and(|file| same(file, &self.path)) {
            let _ = std::fs::remove_file(&self.path);
        }
        for folder in self.made.iter().rev() {
            let _ = std::fs::remove_dir(folder); // fails where something is in it
        }
    }
}

/// Whether the file under this name is still the opened one.
fn same(file: &File, path: &Path) -> bool {
    let found = path.symlink_metadata();
    matches!((file.metadata(), found), (Ok(a), Ok(b)) if inode(&a) == inode(&b))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    options.open(path)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn one_at_a_time_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state/agents");
        let lock = Lock::take(&folder).unwrap();
        let file = folder.join(FILE);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(Lock::take(&folder), Err(Trouble::Busy)));
        assert!(file.exists(), "who is refused takes nothing away");
        drop(lock);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

        // The file of a process that was killed is in nobody's way, and what others have there stays.
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&file, "").unwrap();
        std::fs::write(folder.join("installed.json"), "{}").unwrap();
        drop(Lock::take(&folder).unwrap());
        assert!(!file.exists() && folder.join("installed.json").exists());
    }

    #[test]
    fn a_file_that_its_holder_removed_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let old = open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!same(&old, &path));
        let _new = open(&path).unwrap();
        assert!(!same(&old, &path));
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other");
        let folder = dir.path().join("agents");
        std::fs::create_dir(&folder).unwrap();
        symlink(&other, folder.join(FILE)).unwrap();
        assert!(matches!(Lock::take(&folder), Err(Trouble::Io { .. })));
        assert!(!other.exists() && folder.join(FILE).is_symlink());
    }
}
