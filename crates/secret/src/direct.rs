//! Descriptors that are read and written without a buffer in between: what the standard library's own buffers for stdin
//! and stdout have held stays in them.

#[cfg(unix)]
mod unix {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io::{self, ErrorKind, IoSlice, Read, Write};

    /// A descriptor. Where it would block it is waited for: whoever has it, too, may have set it so (`O_NONBLOCK`), as
    /// some do with what they hand on.
    #[derive(Debug)]
    pub struct Direct(File);

    impl Direct {
        /// A copy of a descriptor.
        ///
        /// # Errors
        /// When the system has none left.
        pub fn copy_of(fd: impl AsFd) -> io::Result<Self> {
            fd.as_fd().try_clone_to_owned().map(Self::from)
        }

        fn patient<T>(&self, on: PollFlags, mut does: impl FnMut(&File) -> io::Result<T>) -> io::Result<T> {
            loop {
                match does(&self.0) {
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        match poll(&mut [PollFd::new(&self.0, on)], None) {
                            Ok(_) | Err(Errno::INTR) => {}
                            Err(e) => return Err(e.into()),
                        }
                    }
                    done => return done,
                }
            }
        }
    }

    impl From<OwnedFd> for Direct {
        fn from(fd: OwnedFd) -> Self {
            Self(fd.into())
        }
    }

    impl AsFd for Direct {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    impl Read for Direct {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.patient(PollFlags::IN, |mut file| file.read(to))
        }
    }

    impl Write for Direct {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.patient(PollFlags::OUT, |mut file| file.write(bytes))
        }

        fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            self.patient(PollFlags::OUT, |mut file| file.write_vectored(parts))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Our stdin.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn stdin() -> io::Result<Direct> {
        Direct::copy_of(io::stdin())
    }

    /// Our stdout.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn stdout() -> io::Result<Direct> {
        Direct::copy_of(io::stdout())
    }
}

#[cfg(unix)]
pub use unix::{Direct, stdin, stdout};

/// Our stdin, as the standard library has it.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn stdin() -> std::io::Result<std::io::Stdin> {
    Ok(std::io::stdin())
}

/// Our stdout, as the standard library has it.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn stdout() -> std::io::Result<std::io::Stdout> {
    Ok(std::io::stdout())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::Direct;
    use rustix::fs::{OFlags, fcntl_setfl};
    use std::io::{Read, Write, pipe};

    #[test]
    fn what_would_block_is_waited_for_and_nothing_is_lost() {
        let (read, write) = pipe().unwrap();
        fcntl_setfl(&read, OFlags::NONBLOCK).unwrap();
        fcntl_setfl(&write, OFlags::NONBLOCK).unwrap();
        let (mut from, mut to) = (Direct::copy_of(read).unwrap(), Direct::copy_of(write).unwrap());
        let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let all = sent.clone();
        let writer = std::thread::spawn(move || to.write_all(&all).unwrap());
        let mut came = Vec::new();
        from.read_to_end(&mut came).unwrap();
        writer.join().unwrap();
        assert!(came == sent);
    }
}
