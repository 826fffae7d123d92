//! Starting the guard, and through it the command.

use super::link::{FromGuard, ToGuard, send_fds};
use crate::error::{kernel, system};
use crate::inputs::Var;
use crate::{Code, Error, Job, Result};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use wire::frame::{Kind, read_control, write, write_control};

/// What the command's own descriptors are.
pub(super) struct Stdio3 {
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// Its controlling terminal, and the one that svault itself is on.
    pub(super) terminal: Option<(OwnedFd, OwnedFd)>,
}

/// A command that runs under its guard. Dropped before its end was told, everything is ended.
pub(super) struct Running {
    link: UnixStream,
    guard: Child,
}

impl Running {
    /// Starts the guard, which waits for what to start.
    pub(super) fn guard() -> Result<Self> {
        let (ours, theirs) = UnixStream::pair().map_err(system("make a socket pair"))?;
        let mut command = Command::new("/proc/self/exe");
        command.arg("guard").stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = command.spawn().map_err(system("start the command's guard"))?;
        Ok(Self { link: ours, guard })
    }

    /// Starts the command. Our copies of its descriptors are closed then, and the values are wiped.
    pub(super) fn start(&mut self, job: &Job, vars: Vec<Var>, stdio: Stdio3) -> Result<()> {
        self.tell_start(job, &vars, &stdio)?;
        drop((vars, stdio));
        match self.next()? {
            FromGuard::Started => Ok(()),
            FromGuard::CantStart(cause) => {
                let program = job.argv.first().cloned().unwrap_or_default();
                Err(Error::Start { program, cause })
            }
            FromGuard::Stopped | FromGuard::Ended { .. } => Err(Error::GuardGone),
        }
    }

    fn tell_start(&mut self, job: &Job, vars: &[Var], stdio: &Stdio3) -> Result<()> {
        let mut fds: Vec<BorrowedFd<'_>> =
            vec![stdio.stdin.as_fd(), stdio.stdout.as_fd(), stdio.stderr.as_fd()];
        if let Some((inner, outer)) = &stdio.terminal {
            fds.extend([inner.as_fd(), outer.as_fd()]);
        }
        let gone = |_| Error::GuardGone;
        send_fds(&self.link, &fds).map_err(kernel("hand over descriptors"))?;
        let start = ToGuard::Start {
            argv: job.argv.clone(),
            cwd: job.cwd.clone(),
            vars: vars.iter().map(|v| (v.name.clone(), v.kind)).collect(),
            terminal: stdio.terminal.is_some(),
        };
        write_control(&mut self.link, &start).map_err(gone)?;
        for var in vars {
            write(&mut self.link, Kind::Raw, var.value.expose()).map_err(gone)?;
        }
        Ok(())
    }

    /// Where the guard's messages come; to be waited for before [`Running::next`].
    pub(super) fn link(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }

    /// The guard's next message.
    pub(super) fn next(&mut self) -> Result<FromGuard> {
        read_control(&mut self.link).ok().flatten().ok_or(Error::GuardGone)
    }

    /// Tells the guard something. It may have gone: that shows at the next read.
    pub(super) fn tell(&mut self, message: &ToGuard) {
        let _ = write_control(&mut self.link, message);
    }

    /// The end, after the command's: with `everything` what it has left running ends, too.
    pub(super) fn end(mut self, everything: bool) {
        self.tell(if everything { &ToGuard::Kill } else { &ToGuard::Leave });
        let _ = self.guard.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.link.shutdown(std::net::Shutdown::Both);
        let _ = self.guard.wait();
    }
}

/// The code of an end.
pub(super) fn code(exit: Option<i32>, signal: Option<i32>) -> Code {
    Code::of(exit, signal)
}
