//! File descriptors that were inherited by number. The one place that makes an owner out of a number.

#[cfg(unix)]
mod unix {
    #![allow(unsafe_code)]
    use rustix::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
    use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};
    use std::{fs::File, io, sync::Mutex};

    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// Takes the inherited descriptor `n`, from now on closed on exec. 0, 1 and 2 are moved away and `/dev/null` takes
    /// their place, as the standard library goes on using those numbers.
    ///
    /// # Errors
    /// When `n` is not open, or was opened by this process itself (it is closed on exec already): then it has an owner.
    pub fn take(n: i32) -> io::Result<OwnedFd> {
        let _guard = ONE_AT_A_TIME.lock();
        if n < 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if n <= 2 {
            return take_standard(n);
        }
        // SAFETY: the borrow is for the next call only, which fails with EBADF if nothing is open there.
        let borrowed = unsafe { BorrowedFd::borrow_raw(n) };
        if fcntl_getfd(borrowed)?.contains(FdFlags::CLOEXEC) {
            // What came through exec cannot have this flag; everything that Rust's library opens has it.
            return Err(io::Error::other("this file descriptor was not inherited"));
        }
        fcntl_setfd(borrowed, FdFlags::CLOEXEC)?;
        // SAFETY: open, and inherited: nothing in this process owns it, and the flag just set keeps a second call away.
        Ok(unsafe { OwnedFd::from_raw_fd(n) })
    }

    fn take_standard(n: i32) -> io::Result<OwnedFd> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        match n {
            0 => {
                let taken = fcntl_dupfd_cloexec(io::stdin().as_fd(), 3)?;
                rustix::stdio::dup2_stdin(&null)?;
                Ok(taken)
            }
            1 => {
                let taken = fcntl_dupfd_cloexec(io::stdout().as_fd(), 3)?;
                rustix::stdio::dup2_stdout(&null)?;
                Ok(taken)
            }
            _ => {
                let taken = fcntl_dupfd_cloexec(io::stderr().as_fd(), 3)?;
                rustix::stdio::dup2_stderr(&null)?;
                Ok(taken)
            }
        }
    }
}

#[cfg(unix)]
pub use unix::take;

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::take;
    use rustix::fd::{AsRawFd, IntoRawFd, OwnedFd};
    use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
    use std::fs::File;

    /// A descriptor as exec leaves it: open, without the flag, owned by nobody.
    fn inherited() -> i32 {
        let fd = OwnedFd::from(File::open("/dev/null").unwrap());
        fcntl_setfd(&fd, FdFlags::empty()).unwrap();
        fd.into_raw_fd()
    }

    #[test]
    fn an_inherited_one_is_taken_once() {
        let n = inherited();
        let fd = take(n).unwrap();
        assert_eq!(fd.as_raw_fd(), n);
        assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
        assert!(take(n).is_err(), "a second owner");
    }

    #[test]
    fn one_of_our_own_is_not_taken_away_from_its_owner() {
        let own = File::open("/dev/null").unwrap();
        assert!(take(own.as_raw_fd()).is_err());
    }

    #[test]
    fn what_is_not_open_is_an_error() {
        assert_eq!(take(999_999).unwrap_err().raw_os_error(), Some(Errno::BADF.raw_os_error()));
        assert!(take(-1).is_err());
    }
}
