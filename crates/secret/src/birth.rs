//! What a program that is started here has from its first instruction on: a parent whose end is its own, the signal
//! mask that we had, and, on a terminal, the foreground.

#![allow(unsafe_code)]

use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Has the command end with the *thread* that starts it: it is killed when that thread or its process ends, however
/// that happens. (The kernel forgets this where the program is setuid.) It gets the signal mask that this thread has
/// now, and not the one that it has when it starts the command.
///
/// With `terminal` the command's process group is put in the foreground of that terminal, which must be the
/// controlling terminal; the descriptor must stay open until the command was started.
pub fn dies_with_us(command: &mut Command, terminal: Option<BorrowedFd<'_>>) {
    let parent = getpid();
    let terminal = terminal.map(|fd| fd.as_raw_fd());
    let before_exec = move || -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended between the fork and the line above.
        if getppid() != Some(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        if let Some(terminal) = terminal {
            // SAFETY: open in the parent at the fork, so open here; the borrow is for the next call only.
            let terminal = unsafe { BorrowedFd::borrow_raw(terminal) };
            rustix::termios::tcsetpgrp(terminal, getpid())?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec it makes plain system calls only: it allocates nothing, takes no lock, and opens and
    // closes no descriptor.
    unsafe { command.pre_exec(before_exec) };
    SignalMask::now().give_to(command);
}

/// A thread's signal mask, for programs that it starts when it has another one: a program has that of who starts it.
#[derive(Clone, Copy)]
pub struct SignalMask(libc::sigset_t);

impl SignalMask {
    /// That of this thread.
    #[must_use]
    pub fn now() -> Self {
        let mut mask = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: with no new set it only writes the current one to where there is room for it, and all zero is a set, too.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
            Self(mask.assume_init())
        }
    }

    /// The command has it from its first instruction on.
    pub fn give_to(self, command: &mut Command) {
        let before_exec = move || -> io::Result<()> {
            // SAFETY: sets this thread's mask from a whole set; allowed between fork and exec (signal-safety(7)).
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
            Ok(())
        };
        // SAFETY: one plain system call between fork and exec.
        unsafe { command.pre_exec(before_exec) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn it_ends_with_the_thread_that_started_it() {
        let started = std::thread::spawn(|| {
            let mut command = Command::new("/bin/sleep");
            command.arg("600").stdout(Stdio::null());
            dies_with_us(&mut command, None);
            command.spawn().unwrap()
        });
        let mut child = started.join().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
    }

    #[test]
    fn it_has_the_mask_that_was_there() {
        std::thread::spawn(|| {
            let blocked =
                |line: &str| u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
            let mut command = Command::new("/bin/grep");
            command.args(["SigBlk", "/proc/self/status"]);
            dies_with_us(&mut command, None);
            let mut all = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
            // SAFETY: fills the set it is given, then blocks all of it for this thread.
            unsafe {
                libc::sigfillset(all.as_mut_ptr());
                libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut());
            }
            let here = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert_ne!(blocked(here.lines().find(|l| l.starts_with("SigBlk")).unwrap()), 0);
            let said = command.output().unwrap().stdout;
            assert_eq!(blocked(std::str::from_utf8(&said).unwrap()), 0);
        })
        .join()
        .unwrap();
    }
}
