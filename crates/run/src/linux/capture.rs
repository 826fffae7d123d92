//! A command whose output is kept in memory.

use super::link::{FromGuard, ToGuard};
use super::outputs::Outputs;
use super::start::{Running, Stdio3, code};
use crate::capture::{Keeper, Kept};
use crate::error::{kernel, system};
use crate::{Captured, Code, End, Error, Inputs, Job, Limits, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use std::fs::File;
use std::io::pipe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between the wish that a command ends (SIGTERM) and its end.
const GRACE: Duration = Duration::from_secs(1);
/// The code of what was ended by us: as a shell gives it for the signal that does.
const KILLED: Code = Code(128 + 9);

/// Ends a captured command from elsewhere, at any time, also before it was started.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<OwnedFd>);

impl Cancel {
    /// One that has not been used.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new() -> Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC).map_err(kernel("make a descriptor"))?;
        Ok(Self(Arc::new(fd)))
    }

    /// Ends the command, and everything that it has started.
    pub fn cancel(&self) {
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    fn is_used(&self) -> bool {
        let mut fds = [PollFd::new(&*self.0, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|n| n > 0)
    }
}

/// See [`crate::capture()`].
pub(crate) fn capture(job: &Job, inputs: Inputs, limits: &Limits, cancel: &Cancel) -> Result<Captured> {
    let (vars, needles) = inputs.split();
    let mut outputs = Outputs::new()?;
    let (out, stdout) = pipe().map_err(system("make a pipe"))?;
    let (err, stderr) = pipe().map_err(system("make a pipe"))?;
    let out = outputs.read(out.into(), &needles, Keeper::new(limits.bytes))?;
    let err = outputs.read(err.into(), &needles, Keeper::new(limits.bytes))?;
    let null = File::open("/dev/null").map_err(system("open /dev/null"))?;
    let stdio = Stdio3 { stdin: null.into(), stdout: stdout.into(), stderr: stderr.into(), terminal: None };
    let mut running = Running::guard_beside_others()?;
    if cancel.is_used() {
        return Ok(Captured {
            code: KILLED,
            end: End::Cancelled,
            stdout: Kept::default(),
            stderr: Kept::default(),
        });
    }
    running.start(job, vars, stdio)?;
    let (ended, end) = wait(&mut running, limits.time, cancel)?;
    running.end(end != End::Itself || ended.is_none());
    outputs.command_ended();
    let kept = |thread: super::outputs::Reading<Keeper>| thread.join().map(Keeper::kept).unwrap_or_default();
    Ok(Captured { code: ended.unwrap_or(KILLED), end, stdout: kept(out), stderr: kept(err) })
}

/// Until the command has ended, or was told to and did not, or its guard has gone.
fn wait(running: &mut Running, time: Option<Duration>, cancel: &Cancel) -> Result<(Option<Code>, End)> {
    let mut until = time.map(|t| Instant::now() + t);
    let mut end = End::Itself;
    loop {
        let left = until.map(|u| u.saturating_duration_since(Instant::now()));
        let mut fds = vec![PollFd::from_borrowed_fd(running.link(), PollFlags::IN)];
        if end == End::Itself {
            fds.push(PollFd::from_borrowed_fd(cancel.0.as_fd(), PollFlags::IN));
        }
        let polled = poll(&mut fds, left.and_then(|d| Timespec::try_from(d).ok()).as_ref());
        let told = !fds[0].revents().is_empty();
        let cancelled = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        match polled {
            Err(Errno::INTR) => continue,
            Err(e) => return Err(kernel("wait for the command")(e)),
            Ok(_) if told => {
                match running.next() {
                    Ok(FromGuard::Ended { exit, signal }) => return Ok((Some(code(exit, signal)), end)),
                    // It had all that it takes to start the command, and a command may kill it before it says so.
                    Err(Error::GuardGone) => return Ok((None, End::Cut)),
                    // It says first that the command runs.
                    said => said.map(drop)?,
                }
            }
            Ok(0) if end != End::Itself => return Ok((None, end)),
            Ok(n) => {
                end = if n == 0 { End::Late } else { End::Cancelled };
                debug_assert!(n == 0 || cancelled, "nothing else wakes it");
                until = Some(Instant::now() + GRACE);
                running.tell(&ToGuard::Signal(rustix::process::Signal::TERM.as_raw()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cancelled_before_its_start_is_not_started() {
        let job = Job::new(&["/bin/true".into()], std::path::Path::new("/"), Vec::new()).unwrap();
        let (inputs, limits) = (Inputs::of(Vec::new()).unwrap(), Limits { bytes: 1000, time: None });
        let cancel = Cancel::new().unwrap();
        assert!(!cancel.is_used());
        cancel.cancel();
        // The test's own program is no guard: what is told to it to start is an error.
        let came = capture(&job, inputs, &limits, &cancel).unwrap();
        assert_eq!((came.end, came.code), (End::Cancelled, KILLED));
    }
}
