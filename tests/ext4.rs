//! A disk of its own that breaks while files on it are open for writing: ext4 in a file. Wants root, and loop devices.

use crate::scratch::own;
use rustix::mount::{MountFlags, UnmountFlags};
use std::io::{Error, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A mounted ext4, unmounted at the end.
pub struct Ext4 {
    at: PathBuf,
    image: PathBuf,
}

impl Ext4 {
    /// Makes one of so many MiB beside a folder, which is made, and mounts it there.
    #[must_use]
    pub fn mount(at: &Path, mib: u64, uid: u32) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let disk = Self { at: at.to_owned(), image: at.with_extension("ext4") };
        let file = std::fs::File::create(&disk.image).expect("an image");
        file.set_len(mib << 20).expect("an image");
        well(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&disk.image));
        std::fs::create_dir_all(at).expect("a folder to mount on");
        disk.up();
        std::fs::remove_dir(at.join("lost+found")).expect("an empty folder");
        std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o700)).expect("chmod");
        own(at, uid);
        disk
    }

    fn up(&self) {
        // Whatever the image or the system say about errors: no other answer would do the machine good.
        let options = "loop,nosuid,errors=remount-ro";
        well(Command::new("mount").args(["-t", "ext4", "-o", options]).arg(&self.image).arg(&self.at));
    }

    /// An error of the disk, as the kernel's own tests bring one about: from now on it is read-only, also for files that are
    /// open for writing, and forgets what was not synced. Gives what somebody is told who had one open.
    #[must_use]
    pub fn breaks(&self) -> Error {
        let path = self.at.join("opened-before");
        let mut before = std::fs::File::create(&path).expect("create");
        before.write_all(b"a byte or two").expect("it is writable");
        let trigger = format!("/sys/fs/ext4/{}/trigger_fs_error", self.device());
        std::fs::write(trigger, "an error that a test wants").expect("the kernel's trigger");
        let told = before.write_all(b"more").and_then(|()| before.sync_data());
        told.expect_err("a write after the error")
    }

    /// Such as `loop0`.
    fn device(&self) -> String {
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
        let mut lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let at = self.at.to_str().expect("UTF-8");
        let line = lines.find(|words| words.get(1) == Some(&at)).expect("it is mounted");
        line[0].trim_start_matches("/dev/").to_owned()
    }

    /// Unmounts it and mounts it again, as a machine does that was started anew. Nobody may have a file of it open.
    pub fn anew(&self) {
        let since = Instant::now();
        while let Err(e) = rustix::mount::unmount(&self.at, UnmountFlags::empty()) {
            assert!(since.elapsed() < Duration::from_secs(20), "{}: {e}", self.at.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.up();
        let _ = std::fs::remove_file(self.at.join("opened-before"));
    }

    /// Lets it be read only, or written again. Nobody may have a file of it open for writing.
    pub fn only_read(&self, on: bool) {
        let flags = if on { MountFlags::NOSUID | MountFlags::RDONLY } else { MountFlags::NOSUID };
        rustix::mount::mount_remount(&self.at, flags, c"errors=remount-ro").expect("remount");
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.at, UnmountFlags::DETACH);
        let _ = std::fs::remove_file(&self.image);
    }
}

fn well(command: &mut Command) {
    let said = command.output().expect("a program to make and mount disks with");
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
}
