//! Starting the guard, and through it the command.

use super::link::{FromGuard, ToGuard, send_fds, send_value};
use super::{adopted, family};
use crate::error::{kernel, system};
use crate::inputs::Var;
use crate::{Code, Error, Job, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wire::frame::{self, read_control, write_control};

/// So long the guard may take to end everything and itself: it tries for less than that.
const PATIENCE: Duration = Duration::from_secs(7);
/// A guard that does not end is woken again after this.
const AGAIN: Duration = Duration::from_millis(20);
/// So long each part of what to start may take: the guard starts meanwhile.
const START: Duration = Duration::from_secs(30);
/// So long a message to or from a guard may take.
const MESSAGE: Duration = Duration::from_secs(2);

/// What the command's own descriptors are.
pub(super) struct Stdio3 {
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// Its controlling terminal, and the one that svault itself is on.
    pub(super) terminal: Option<(OwnedFd, OwnedFd)>,
}

/// A command that runs under its guard. Dropped before its end was told, everything is ended.
///
/// The command can stop its guard (SIGSTOP): so whoever tells the guard something wakes it, and nobody waits for it
/// without an end.
pub(super) struct Running {
    link: UnixStream,
    guard: Child,
    program: String,
    /// It is one of several in this process.
    beside: bool,
}

impl Running {
    /// Starts the guard, which waits for what to start.
    pub(super) fn guard() -> Result<Self> {
        Self::by(false, Command::spawn)
    }

    /// The same in a process that has several at a time. What its command has left is ended with it where it is killed.
    pub(super) fn guard_beside_others() -> Result<Self> {
        Self::by(true, adopted::spawn)
    }

    fn by(beside: bool, spawn: impl FnOnce(&mut Command) -> io::Result<Child>) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair().map_err(system("make a socket pair"))?;
        let mut command = Command::new("/proc/self/exe");
        let weak = secret::is_weak().then_some("--weak-memory");
        command.arg("guard").args(weak);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = spawn(&mut command).map_err(system("start the command's guard"))?;
        Ok(Self { link: ours, guard, program: String::new(), beside })
    }

    /// Has the guard start the command: whether it runs is the first thing that [`Running::next`] says. Our copies of
    /// its descriptors are closed then, and the values are wiped.
    pub(super) fn start(&mut self, job: &Job, vars: Vec<Var>, stdio: Stdio3) -> Result<()> {
        let doing = system("set up a socket");
        self.program = job.argv.first().cloned().unwrap_or_default();
        self.link.set_write_timeout(Some(START)).map_err(&doing)?;
        self.tell_start(job, &vars, &stdio)?;
        self.link.set_write_timeout(Some(MESSAGE)).map_err(&doing)?;
        self.link.set_read_timeout(Some(MESSAGE)).map_err(&doing)
    }

    fn tell_start(&mut self, job: &Job, vars: &[Var], stdio: &Stdio3) -> Result<()> {
        let mut fds: Vec<BorrowedFd<'_>> =
            vec![stdio.stdin.as_fd(), stdio.stdout.as_fd(), stdio.stderr.as_fd()];
        if let Some((inner, outer)) = &stdio.terminal {
            fds.extend([inner.as_fd(), outer.as_fd()]);
        }
        send_fds(&self.link, &fds).map_err(kernel("hand over descriptors"))?;
        let start = ToGuard::Start {
            argv: job.argv.clone(),
            cwd: job.cwd.clone(),
            vars: vars.len(),
            terminal: stdio.terminal.is_some(),
        };
        write_control(&mut self.link, &start).map_err(untold)?;
        for Var { name, kind, value } in vars {
            let var = ToGuard::Var { name: name.clone(), kind: *kind, bytes: value.len() };
            write_control(&mut self.link, &var).map_err(untold)?;
            send_value(&mut self.link, value.expose()).map_err(untold)?;
        }
        Ok(())
    }

    /// Where the guard's messages come; to be waited for before [`Running::next`].
    pub(super) fn link(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }

    /// The guard's next message.
    pub(super) fn next(&mut self) -> Result<FromGuard> {
        match read_control(&mut self.link).ok().flatten().ok_or(Error::GuardGone)? {
            FromGuard::CantStart(cause) => Err(Error::Start { program: self.program.clone(), cause }),
            said => Ok(said),
        }
    }

    /// Tells the guard something. It may have gone: that shows at the next read.
    pub(super) fn tell(&mut self, message: &ToGuard) {
        self.wake();
        let _ = write_control(&mut self.link, message);
    }

    /// The end, after the command's: with `everything` what it has left running ends, too.
    pub(super) fn end(mut self, everything: bool) {
        let leaves = self.beside && !everything;
        let mut end = || {
            self.tell(if everything { &ToGuard::Kill } else { &ToGuard::Leave });
            self.finish();
        };
        if leaves { adopted::leave(end) } else { end() }
    }

    /// Lets a guard that was stopped go on. Its number is its own as long as it was not waited for.
    pub(super) fn wake(&mut self) {
        if matches!(self.guard.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.guard), Signal::CONT);
        }
    }

    /// Waits for the guard's end. Where it does not come, what is below it and the guard are killed from here.
    fn finish(&mut self) {
        if !matches!(self.guard.try_wait(), Ok(None)) {
            return;
        }
        let since = Instant::now();
        let guard = Pid::from_child(&self.guard);
        let ended = pidfd_open(guard, PidfdFlags::empty());
        while matches!(self.guard.try_wait(), Ok(None)) {
            if since.elapsed() > PATIENCE {
                family::end_below(guard);
                let _ = self.guard.kill();
                let _ = self.guard.wait();
                return;
            }
            let _ = kill_process(guard, Signal::CONT);
            match &ended {
                Ok(ended) => {
                    let within = Timespec::try_from(AGAIN).ok();
                    let _ = poll(&mut [PollFd::new(ended, PollFlags::IN)], within.as_ref());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.link.shutdown(std::net::Shutdown::Both);
        self.finish();
        if self.beside {
            let killed = matches!(self.guard.try_wait(), Ok(Some(status)) if status.signal().is_some());
            adopted::ended(Pid::from_child(&self.guard), killed);
        }
    }
}

/// Why the guard was not told what to start: nothing was started.
fn untold(e: frame::Error) -> Error {
    if e.is_end() {
        Error::GuardGone
    } else {
        system("tell the command's guard what to start")(io::Error::other(e))
    }
}

/// The code of an end.
pub(super) fn code(exit: Option<i32>, signal: Option<i32>) -> Code {
    Code::of(exit, signal)
}
