//! A folder for one test, gone at its end. Its path is short: a socket's path has 108 bytes at most.

use std::path::{Path, PathBuf};

/// The ordinary user that the product runs as when the tests run as root. No real account has this number.
pub const ORDINARY: u32 = 64_321;

/// A temporary folder.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new one, 0700, of the user that the product will run as.
    ///
    /// # Panics
    /// When it can't be made.
    #[must_use]
    pub fn new(uid: u32) -> Self {
        use std::os::unix::fs::DirBuilderExt;
        for _ in 0..100 {
            let path = PathBuf::from(format!("/tmp/sv-{:06x}", random() & 0xff_ffff));
            if std::fs::DirBuilder::new().mode(0o700).create(&path).is_ok() {
                own(&path, uid);
                return Self { path };
            }
        }
        panic!("no folder under /tmp");
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Gives a file to a user, where we may.
pub fn own(path: &Path, uid: u32) {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(path, Some(uid), Some(uid)).expect("chown");
    }
}

/// The user that the product runs as: an ordinary one, always.
#[must_use]
pub fn ordinary() -> u32 {
    let me = rustix::process::geteuid();
    if me.is_root() { ORDINARY } else { me.as_raw() }
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
