//! Signals that end a program, held back while it has something to put back or to take away first: the terminal in its own
//! way, a folder with what nobody else shall read. They end it once that is done.

#[cfg(target_os = "linux")]
mod held {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    use nix::sys::signalfd::{SfdFlags, SignalFd};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fd::{AsFd, BorrowedFd};
    use secret::SignalMask;
    use std::io;
    use std::process::Command;

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
        before: SigSet,
        for_children: SignalMask,
    }

    impl Signals {
        /// Holds them back, but for those that are ignored (nohup).
        ///
        /// # Errors
        /// When the system refuses.
        pub fn hold() -> io::Result<Self> {
            Self::with(SigSet::empty())
        }

        /// The same for the terminal: one that stops waits until it is as it was.
        ///
        /// # Errors
        /// When the system refuses.
        pub fn hold_at_terminal() -> io::Result<Self> {
            Self::with(SigSet::from(Signal::SIGTSTP))
        }

        fn with(more: SigSet) -> io::Result<Self> {
            let ignored = ignored();
            let set: SigSet = ALL.into_iter().filter(|s| ignored & (1 << (*s as u64 - 1)) == 0).collect();
            let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)?;
            let for_children = SignalMask::now();
            let before = (set | more).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
            Ok(Self { fd, before, for_children })
        }

        /// A program that is started meanwhile has them as they were.
        pub fn not_for(&self, command: &mut Command) {
            self.for_children.give_to(command);
        }

        /// Whether one comes within so long.
        pub fn come_within(&self, time: std::time::Duration) -> bool {
            let end = std::time::Instant::now() + time;
            loop {
                let left = end.saturating_duration_since(std::time::Instant::now());
                let within = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() };
                match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&within)) {
                    Err(rustix::io::Errno::INTR) => {}
                    other => return other.is_ok_and(|n| n > 0),
                }
            }
        }

        /// To be read where one came. It is left there: it still has to end us.
        pub fn came(&self) -> Option<BorrowedFd<'_>> {
            Some(self.fd.as_fd())
        }

        /// What came ends this process, unless it is held back for something else, too.
        pub fn arrive(&self) {
            let _ = self.before.thread_set_mask();
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
    use std::io;
    use std::process::Command;

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

        /// Nothing to do.
        ///
        /// # Errors
        /// None.
        #[cfg(unix)]
        pub fn hold_at_terminal() -> io::Result<Self> {
            Ok(Self)
        }

        /// It has them anyway.
        pub fn not_for(&self, _: &mut Command) {}

        /// Waits so long; nothing comes.
        pub fn come_within(&self, time: std::time::Duration) -> bool {
            std::thread::sleep(time);
            false
        }

        /// Nothing comes.
        #[cfg(unix)]
        pub fn came(&self) -> Option<rustix::fd::BorrowedFd<'_>> {
            None
        }

        /// Nothing came.
        #[cfg(unix)]
        pub fn arrive(&self) {}
    }
}

pub use held::Signals;
