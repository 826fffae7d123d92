//! A value as a file that is nowhere: memory under a descriptor, sealed, which a command opens as
//! `/proc/self/fd/N`.

use crate::Result;
use crate::error::{kernel, system};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};
use std::fs::File;
use std::io::Write;

/// Makes it. It is closed on exec until [`hand_on`].
pub(super) fn make(value: &[u8]) -> Result<OwnedFd> {
    let doing = "make a file in memory";
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 don't know that it shall never be run.
    let fd = memfd_create("secret", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create("secret", flags))
        .map_err(kernel(doing))?;
    let mut file = File::from(fd);
    file.write_all(value).map_err(system(doing))?;
    // ssh and psql take no key that others could read.
    fchmod(&file, Mode::RUSR).map_err(kernel(doing))?;
    let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&file, all).map_err(kernel(doing))?;
    Ok(file.into())
}

/// Lets the next program that is started have it; the path that it has there. For a process with one thread only: any
/// program that is started at the same time would have it, too.
pub(super) fn hand_on(fd: &OwnedFd) -> Result<String> {
    fcntl_setfd(fd, FdFlags::empty()).map_err(kernel("hand on a file in memory"))?;
    Ok(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_read_again_and_never_written() {
        let fd = make(b"sk-test-pem").unwrap();
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        for _ in 0..2 {
            assert_eq!(std::fs::read(&path).unwrap(), b"sk-test-pem");
        }
        let opened = File::options().write(true).open(&path);
        assert!(opened.and_then(|mut f| f.write_all(b"x")).is_err());
        assert!(rustix::fs::ftruncate(&fd, 3).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"sk-test-pem");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o400);
    }

    #[test]
    fn a_program_has_it_only_when_it_was_handed_on() {
        let fd = make(b"sk-test-pem").unwrap();
        let cat = |path: &str| std::process::Command::new("/bin/cat").arg(path).output().unwrap();
        assert!(!cat(&format!("/proc/self/fd/{}", fd.as_raw_fd())).status.success());
        let path = hand_on(&fd).unwrap();
        assert_eq!(cat(&path).stdout, b"sk-test-pem");
    }
}
