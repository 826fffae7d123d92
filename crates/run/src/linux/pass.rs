//! Being a command's stand-in at a terminal or in a pipe: its input, output, signals, window size and end are ours.

use super::family;
use super::keys::Keys;
use super::link::{FromGuard, ToGuard};
use super::outputs::{Outputs, own};
use super::signals::{Came, Signals, stop_job};
use super::start::{Running, Stdio3, code};
use super::terminal::{self, Raw};
use super::typed::Typed;
use crate::error::{kernel, system};
use crate::{Code, Error, Inputs, Job, Passed, Result};
use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{getpid, set_child_subreaper};
use rustix::termios::isatty;
use scan::Needles;
use secret::direct::Direct;
use std::io::{pipe, stderr, stdin, stdout};
use std::sync::Arc;
use std::time::Duration;

/// So often is looked whether what is typed has become ours.
const LOOK: Duration = Duration::from_millis(250);

/// Runs a command in our place: its stdin is ours, its stdout and stderr come out of ours, masked. Where our stdout is a
/// terminal it has one of its own.
///
/// Ends everything that it has left running where it was interrupted, or where a signal ended it; otherwise that may
/// run on, with its output closed.
///
/// # Errors
/// When it can't be started, or its guard is killed.
pub fn pass(job: &Job, inputs: Inputs) -> Result<Passed> {
    let (vars, needles) = inputs.split();
    adopt()?;
    let mut running = Running::guard()?;
    let terminal = isatty(stdout());
    // Before there are threads: one that does not block a signal would be ended by it, and all of us with it.
    let signals = Signals::take(terminal)?;
    let (stdio, stand_in) = if terminal { on_terminal(&needles)? } else { on_pipes(&needles)? };
    running.start(job, vars, stdio)?;
    stand_in.watch(running, &signals)
}

/// Runs a command that got no values: all three descriptors are its own business.
///
/// # Errors
/// As [`pass`].
pub fn inherit(job: &Job) -> Result<Code> {
    let stdio =
        Stdio3 { stdin: own(stdin())?, stdout: own(stdout())?, stderr: own(stderr())?, terminal: None };
    adopt()?;
    let mut running = Running::guard()?;
    let signals = Signals::take(false)?;
    running.start(job, Vec::new(), stdio)?;
    Ok(StandIn { outputs: Outputs::new()?, own: None }.watch(running, &signals)?.code)
}

/// Whatever loses its parent among our descendants becomes our child: also what a killed guard leaves.
fn adopt() -> Result<()> {
    set_child_subreaper(Some(getpid())).map_err(kernel("adopt processes"))
}

/// Our side of a terminal of the command's own.
struct Own {
    /// The end of its terminal that we hold.
    pty: OwnedFd,
    /// Ours, where its size is.
    ours: OwnedFd,
    /// Ours, where it is typed: raw, when what is typed is ours.
    typed: Option<Typed>,
    raw: Option<Raw>,
    keys: Option<Keys>,
    /// The command runs.
    begun: bool,
    /// The command's end of it, until it has ended: where it closes all of its own and opens the terminal again, as for
    /// a question on /dev/tty, its output goes on.
    theirs: Option<OwnedFd>,
}

struct StandIn {
    outputs: Outputs,
    own: Option<Own>,
}

fn on_terminal(needles: &Arc<Needles>) -> Result<(Stdio3, StandIn)> {
    let ours = own(stdout())?;
    let pty = terminal::like(&ours)?;
    let outputs = Outputs::new()?;
    outputs.read(own(&pty.ours)?, needles, Direct::from(own(stdout())?))?;
    let typed = Typed::find()?;
    let stdin = if isatty(stdin()) { own(&pty.theirs)? } else { own(stdin())? };
    let stderr = if isatty(stderr()) { own(&pty.theirs)? } else { piped(&outputs, needles, stderr())? };
    let (stdout, theirs) = (own(&pty.theirs)?, Some(own(&pty.theirs)?));
    let stdio = Stdio3 {
        stdin,
        stdout,
        stderr,
        terminal: Some((pty.theirs, own(typed.as_ref().map_or(&ours, Typed::at))?)),
    };
    Ok((
        stdio,
        StandIn {
            outputs,
            own: Some(Own { pty: pty.ours, ours, typed, raw: None, keys: None, begun: false, theirs }),
        },
    ))
}

fn on_pipes(needles: &Arc<Needles>) -> Result<(Stdio3, StandIn)> {
    let outputs = Outputs::new()?;
    let stdout = piped(&outputs, needles, stdout())?;
    let stderr = piped(&outputs, needles, stderr())?;
    Ok((Stdio3 { stdin: own(stdin())?, stdout, stderr, terminal: None }, StandIn { outputs, own: None }))
}

/// The write end of a pipe whose other end is read, masked, and written to `to`.
fn piped(outputs: &Outputs, needles: &Arc<Needles>, to: impl AsFd) -> Result<OwnedFd> {
    let (read, write) = pipe().map_err(system("make a pipe"))?;
    room(&write, 1 << 20);
    room(&to, 1 << 18);
    outputs.read(read.into(), needles, Direct::from(own(to)?))?;
    Ok(write.into())
}

/// At least so many bytes of room, where it is a pipe: fewer switches between who writes much and who reads it.
fn room(pipe: impl AsFd, bytes: usize) {
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
    if fcntl_getpipe_size(&pipe).is_ok_and(|has| has < bytes) {
        // A user may have used up what all of its pipes may have together: then it stays as it is.
        let _ = fcntl_setpipe_size(&pipe, bytes);
    }
}

impl StandIn {
    /// The command runs: what is typed is its own from now on.
    fn begin(&mut self) -> Result<()> {
        let Some(own_terminal) = &mut self.own else { return Ok(()) };
        own_terminal.begun = true;
        let Some(typed) = own_terminal.typed.as_ref().filter(|typed| typed.is_ours()) else { return Ok(()) };
        own_terminal.raw = Raw::enter(typed.at());
        if own_terminal.raw.is_some() {
            own_terminal.keys = Some(Keys::pass(own(typed.at())?, own(&own_terminal.pty)?)?);
        }
        Ok(())
    }

    fn watch(mut self, mut running: Running, signals: &Signals) -> Result<Passed> {
        let mut interrupted = false;
        let ended = loop {
            let mut fds = [
                PollFd::from_borrowed_fd(running.link(), PollFlags::IN),
                PollFd::from_borrowed_fd(signals.fd(), PollFlags::IN),
            ];
            match poll(&mut fds, self.within().as_ref()) {
                Ok(0) => self.foreground()?,
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(kernel("wait for the command")(e)),
            }
            let told = !fds[0].revents().is_empty();
            while let Some(came) = signals.next() {
                interrupted |= came.ends();
                self.signal(&mut running, came)?;
            }
            if !told {
                continue;
            }
            match running.next() {
                Ok(FromGuard::Ended { exit, signal }) => break (exit, signal),
                Ok(FromGuard::Started) => self.begin()?,
                Ok(FromGuard::Stopped) => self.suspend(&mut running)?,
                Ok(FromGuard::CantStart(_)) => {}
                Err(e) => {
                    family::end_all();
                    return Err(e);
                }
            }
        };
        if let Some(own) = &mut self.own {
            own.theirs = None;
        }
        running.end(interrupted || ended.1.is_some());
        self.drain(signals);
        Ok(Passed { code: code(ended.0, ended.1), lost: self.outputs.lost() })
    }

    fn signal(&mut self, running: &mut Running, came: Came) -> Result<()> {
        match &self.own {
            _ if came.is(Signal::SIGCHLD) => running.wake(),
            Some(own) if came.is(Signal::SIGWINCH) => terminal::resize(&own.ours, &own.pty),
            Some(_) if came.is(Signal::SIGCONT) => self.foreground()?,
            // In our process group the terminal's own have reached the command already.
            None if came.by_terminal => {}
            _ => running.tell(&ToGuard::Signal(came.number)),
        }
        Ok(())
    }

    /// Where what is typed is not ours we look from time to time whether it has become so: not every shell says to a job
    /// that runs that it has come to the foreground (SIGCONT), and nobody says that the rest of a pipeline has ended.
    fn within(&self) -> Option<Timespec> {
        let own = self.own.as_ref().filter(|own| own.typed.is_some() && own.raw.is_none())?;
        (own.begun).then(|| Timespec::try_from(LOOK).ok()).flatten()
    }

    /// Where we have come to the foreground, what is typed is the command's.
    fn foreground(&mut self) -> Result<()> {
        match &self.own {
            Some(own) if own.begun && own.raw.is_none() => {
                terminal::resize(&own.ours, &own.pty);
                self.begin()
            }
            _ => Ok(()),
        }
    }

    /// The command has stopped, and so do we: our terminal is the shell's again until we are continued.
    fn suspend(&mut self, running: &mut Running) -> Result<()> {
        if let Some(own) = &mut self.own {
            own.keys = None;
            own.raw = None;
            stop_job()?;
            terminal::resize(&own.ours, &own.pty);
        }
        self.begin()?;
        running.tell(&ToGuard::Continue);
        Ok(())
    }

    /// Waits for what is on its way. A signal to end ends the wait.
    fn drain(&mut self, signals: &Signals) {
        self.outputs.command_ended();
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(self.outputs.done(), PollFlags::IN),
                PollFd::from_borrowed_fd(signals.fd(), PollFlags::IN),
            ];
            let polled = poll(&mut fds, None);
            let done = !fds[0].revents().is_empty();
            while let Some(came) = signals.next() {
                if came.ends() {
                    return;
                }
            }
            if done || polled.is_err_and(|e| e != Errno::INTR) {
                return;
            }
        }
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(e: rustix::io::Errno) -> Self {
        Error::System { doing: "talk to the command's guard", cause: e.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
    use std::fs::File;

    #[test]
    fn a_pipe_gets_more_room_and_never_less() {
        let (_read, write) = pipe().unwrap();
        let is = || fcntl_getpipe_size(&write).unwrap();
        fcntl_setpipe_size(&write, 1 << 16).unwrap();
        room(&write, 1 << 18);
        assert_eq!(is(), 1 << 18);
        room(&write, 1 << 16);
        assert_eq!(is(), 1 << 18);
        // What is no pipe stays as it is, without an error.
        room(File::open("/dev/null").unwrap(), 1 << 18);
    }
}
