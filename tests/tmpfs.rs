//! A small file system of its own, to run out of space for real. Wants root.

use crate::scratch::own;
use rustix::mount::{MountFlags, UnmountFlags};
use std::path::{Path, PathBuf};

/// A mounted tmpfs, unmounted at the end.
pub struct Tmpfs {
    at: PathBuf,
}

impl Tmpfs {
    /// Mounts one of so many KiB on a folder, which is made.
    #[must_use]
    pub fn mount(at: &Path, kib: usize, uid: u32) -> Self {
        std::fs::create_dir_all(at).expect("a folder to mount on");
        let options = std::ffi::CString::new(format!("size={kib}k,mode=0700")).expect("options");
        rustix::mount::mount("tmpfs", at, "tmpfs", MountFlags::NOSUID, options.as_c_str()).expect("mount");
        own(at, uid);
        Self { at: at.to_owned() }
    }

    /// Lets it be read only, or written again; whether the kernel did: it refuses while a file is open for writing.
    pub fn only_read(&self, on: bool) -> bool {
        let flags = if on { MountFlags::NOSUID | MountFlags::RDONLY } else { MountFlags::NOSUID };
        rustix::mount::mount_remount(&self.at, flags, c"").is_ok()
    }

    /// Fills it to the last byte; removing the file makes room again.
    #[must_use]
    pub fn fill(&self) -> PathBuf {
        let path = self.at.join("filler");
        let mut file = std::fs::File::create(&path).expect("create");
        let block = [0; 1024];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.at, UnmountFlags::DETACH);
    }
}

/// A file mounted on itself, unmounted at the end.
pub struct Bound(PathBuf);

impl Bound {
    /// Mounts it.
    #[must_use]
    pub fn mount(at: &Path) -> Self {
        rustix::mount::mount_bind(at, at).expect("mount");
        Self(at.to_owned())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, UnmountFlags::DETACH);
    }
}
