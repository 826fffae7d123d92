//! Signals by descriptor (signalfd(2)), because it says where each came from: one that the terminal made has reached
//! the command too, as it is in the same process group; one that somebody sent is passed on.

use super::{Orphans, cannot_start, code_of};
use crate::report::Error;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, set_child_subreaper, waitpid};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

const PASSED_ON: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
];

pub fn run(mut command: Command, orphans: Orphans) -> Result<u8, Error> {
    let no_signals = |e| Error::failed("can't listen to signals", e);
    if orphans == Orphans::Adopt {
        set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|e| Error::failed("can't adopt processes", e))?;
    }
    let set: SigSet = PASSED_ON.into_iter().chain([Signal::SIGCHLD]).collect();
    let signals =
        SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(no_signals)?;
    let child = command.spawn().map_err(|e| cannot_start(&command, &e))?;
    // Not before the start: the command would inherit the mask. Until here a signal ends us as it would any program.
    let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(no_signals)?;
    // The values lie in it.
    drop(command);
    let code = stand_in(Pid::from_child(&child), &signals, orphans);
    before.thread_set_mask().map_err(no_signals)?;
    code
}

/// Passes signals on until the command has ended.
fn stand_in(pid: Pid, signals: &SignalFd, orphans: Orphans) -> Result<u8, Error> {
    let ended =
        pidfd_open(pid, PidfdFlags::empty()).map_err(|e| Error::failed("can't wait for the command", e))?;
    loop {
        let mut fds = [PollFd::new(&ended, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Error::failed("can't wait for the command", e)),
        }
        while let Ok(Some(info)) = signals.read_signal() {
            if info.ssi_signo != Signal::SIGCHLD as u32 {
                pass_on(pid, &info);
            }
        }
        if let Some(status) = reap(pid, orphans)? {
            return Ok(code_of(status));
        }
    }
}

fn pass_on(pid: Pid, info: &siginfo) {
    /// The kernel itself, such as the terminal's Ctrl-C (sigaction(2)).
    const SI_KERNEL: i32 = 0x80;
    if info.ssi_code == SI_KERNEL {
        return;
    }
    let signal = i32::try_from(info.ssi_signo).ok().and_then(rustix::process::Signal::from_named_raw);
    if let Some(signal) = signal {
        // It is our child and not reaped yet, so the number is still its own.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// The command's status, when it has ended. Adopted processes that have ended are taken off the table on the way.
fn reap(command: Pid, orphans: Orphans) -> Result<Option<ExitStatus>, Error> {
    let whose = if orphans == Orphans::Adopt { None } else { Some(command) };
    loop {
        match waitpid(whose, WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => {
                return Ok(Some(ExitStatus::from_raw(status.as_raw())));
            }
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return Ok(None),
            Err(e) => return Err(Error::failed("can't wait for the command", e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_commands() {
        let sh = |line: &str| {
            let mut c = Command::new("/bin/sh");
            c.args(["-c", line]);
            c
        };
        // On a thread of its own, as it changes the signal mask.
        std::thread::spawn(move || {
            for (line, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)] {
                assert_eq!(run(sh(line), Orphans::Leave).unwrap(), code, "{line}");
            }
            assert!(run(Command::new("/no/such"), Orphans::Leave).is_err());
        })
        .join()
        .unwrap();
    }
}
