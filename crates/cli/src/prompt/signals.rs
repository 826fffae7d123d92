//! Signals that end a program, held back while it has the terminal in its own way: they are seen beside what is typed,
//! and end it once the terminal is as it was.

#[cfg(target_os = "linux")]
mod held {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    use nix::sys::signalfd::{SfdFlags, SignalFd};
    use rustix::fd::{AsFd, BorrowedFd};
    use std::io;

    /// All that end a program and can be held back, but for what an error of its own brings.
    const ALL: [Signal; 14] = [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGABRT,
        Signal::SIGTERM,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGVTALRM,
        Signal::SIGPROF,
        Signal::SIGIO,
        Signal::SIGXCPU,
        Signal::SIGPWR,
        Signal::SIGSTKFLT,
    ];

    /// Held back until this is dropped.
    pub struct Signals {
        fd: SignalFd,
        set: SigSet,
        before: SigSet,
    }

    impl Signals {
        /// Holds them back, but for those that are ignored (nohup).
        ///
        /// # Errors
        /// When the system refuses.
        pub fn hold() -> io::Result<Self> {
            let ignored = ignored();
            let set: SigSet = ALL.into_iter().filter(|s| ignored & (1 << (*s as u64 - 1)) == 0).collect();
            let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)?;
            // One that stops waits until the terminal is as it was.
            let stops = SigSet::from(Signal::SIGTSTP);
            let before = (set | stops).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
            Ok(Self { fd, set, before })
        }

        /// To be read where one came. It is left there: it still has to end us.
        pub fn came(&self) -> Option<BorrowedFd<'_>> {
            Some(self.fd.as_fd())
        }

        /// What came ends this process.
        pub fn arrive(&self) {
            let _ = self.set.thread_unblock();
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            let _ = self.before.thread_set_mask();
        }
    }

    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}

#[cfg(not(target_os = "linux"))]
mod held {
    use rustix::fd::BorrowedFd;
    use std::io;

    /// Not held back here.
    pub struct Signals;

    impl Signals {
        /// Nothing to do.
        ///
        /// # Errors
        /// None.
        pub fn hold() -> io::Result<Self> {
            Ok(Self)
        }

        /// Nothing comes.
        pub fn came(&self) -> Option<BorrowedFd<'_>> {
            None
        }

        /// Nothing came.
        pub fn arrive(&self) {}
    }
}

pub use held::Signals;
