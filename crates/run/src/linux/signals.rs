//! Signals by descriptor (signalfd(2)), because it says where each came from: one that the terminal made has reached a
//! command in our process group too; one that somebody sent is passed on.

use crate::Result;
use crate::error::kernel;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::getpgrp;
use rustix::fd::{AsFd, BorrowedFd};

/// Signals that are the command's, not ours.
const PASSED_ON: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
];

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) number: i32,
    /// The kernel made it, as for Ctrl-C: all of the terminal's foreground has it. Not so where the terminal hung up:
    /// that is told to the leader of its session alone.
    pub(super) by_terminal: bool,
}

impl Came {
    /// Whether it asks a command to end.
    pub(super) fn ends(self) -> bool {
        [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM]
            .iter()
            .any(|s| *s as i32 == self.number)
    }

    pub(super) fn is(self, signal: Signal) -> bool {
        self.number == signal as i32
    }
}

/// Our signals, as long as this lives.
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Between the start of the guard, which would inherit the mask, and that of the command: until here a signal ends us
    /// as it would any program, and nothing was started.
    pub(super) fn take(terminal: bool) -> Result<Self> {
        let doing =
            |e: nix::Error| kernel("listen to signals")(rustix::io::Errno::from_raw_os_error(e as i32));
        let more: &[Signal] =
            if terminal { &[Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT] } else { &[] };
        // A guard that was stopped shows as SIGCHLD.
        let set: SigSet = PASSED_ON.iter().chain(more).copied().chain([Signal::SIGCHLD]).collect();
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(doing)?;
        let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(doing)?;
        Ok(Self { fd, before })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The next one that came.
    pub(super) fn next(&self) -> Option<Came> {
        /// Sent by the kernel itself (sigaction(2)).
        const SI_KERNEL: i32 = 0x80;
        let info: siginfo = self.fd.read_signal().ok().flatten()?;
        let number = i32::try_from(info.ssi_signo).ok()?;
        let by_terminal = info.ssi_code == SI_KERNEL && number != Signal::SIGHUP as i32;
        Some(Came { number, by_terminal })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}

/// Stops our whole job, as the terminal would at Ctrl-Z; comes back when it is continued. A job that nobody could
/// continue, because no shell is above it, is not stopped: that is for the kernel to say, and it knows where it is the
/// usual stop of a job (SIGTSTP) that arrives.
pub(super) fn stop_job() -> Result<()> {
    let doing = |e: nix::Error| kernel("stop")(rustix::io::Errno::from_raw_os_error(e as i32));
    let stop = SigSet::from(Signal::SIGTSTP);
    killpg(getpgrp(), Signal::SIGTSTP).map_err(doing)?;
    // It was blocked so far: here it arrives.
    let before = stop.thread_swap_mask(SigmaskHow::SIG_UNBLOCK).map_err(doing)?;
    before.thread_set_mask().map_err(doing)
}
