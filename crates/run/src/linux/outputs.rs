//! The threads that read a command's outputs, and how they learn that nobody waits for more.

use crate::Result;
use crate::error::system;
use crate::pump::{self, Ready, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use scan::Needles;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After the command's end its outputs are read on until they are silent for so long: something that it started may
/// still write, or may hold them open for ever.
const QUIET: Duration = Duration::from_millis(250);
/// In all at most so long, where somebody writes on and on.
const REST: Duration = Duration::from_secs(2);

/// All outputs of one command.
pub(super) struct Outputs {
    /// Closed when the command has ended.
    over: Option<PipeWriter>,
    is_over: Arc<PipeReader>,
    /// At its end when every thread has ended.
    done: PipeReader,
    held: Option<PipeWriter>,
    /// Why one of them could not be written, which is no fault of the command's.
    lost: Arc<OnceLock<io::Error>>,
}

/// One that is read.
pub(super) type Reading<W> = JoinHandle<W>;

impl Outputs {
    pub(super) fn new() -> Result<Self> {
        let doing = system("make a pipe");
        let (is_over, over) = io::pipe().map_err(&doing)?;
        let (done, held) = io::pipe().map_err(&doing)?;
        Ok(Self {
            over: Some(over),
            is_over: Arc::new(is_over),
            done,
            held: Some(held),
            lost: Arc::default(),
        })
    }

    /// Reads one on a thread of its own, masks it, and writes it to `to`, which comes back at the end.
    pub(super) fn read<W: Write + Send + 'static>(
        &self,
        from: OwnedFd,
        needles: &Arc<Needles>,
        mut to: W,
    ) -> Result<Reading<W>> {
        let held =
            self.held.as_ref().map(PipeWriter::try_clone).transpose().map_err(system("make a pipe"))?;
        let mut output = Output { from: from.into(), over: Arc::clone(&self.is_over), since: None };
        let (needles, lost) = (Arc::clone(needles), Arc::clone(&self.lost));
        let work = move || {
            let written = pump::run(&mut output, needles, &mut to);
            if let Some(e) = pump::lost(written) {
                let _ = lost.set(e);
            }
            // Whoever sees the end by the last of them finds the reason by itself.
            drop((output, lost, held));
            to
        };
        std::thread::Builder::new().name("output".into()).spawn(work).map_err(system("start a thread"))
    }

    /// Nobody waits for more than what is on its way.
    pub(super) fn command_ended(&mut self) {
        self.over = None;
        self.held = None;
    }

    /// Why some of what was read could not be written.
    pub(super) fn lost(self) -> Option<io::Error> {
        Arc::into_inner(self.lost)?.into_inner()
    }

    /// At its end when all is read.
    pub(super) fn done(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }
}

/// One output, as its thread reads it.
struct Output {
    from: File,
    over: Arc<PipeReader>,
    /// When the command was seen to have ended.
    since: Option<Instant>,
}

impl Read for Output {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.from.read(to)
    }
}

impl Source for Output {
    fn ready(&mut self, most: Option<Duration>) -> Ready {
        loop {
            let within = match self.since {
                Some(since) if since.elapsed() > REST => return Ready::Over,
                Some(_) => Some(most.map_or(QUIET, |m| m.min(QUIET))),
                None => most,
            };
            let mut fds = vec![PollFd::new(&self.from, PollFlags::IN)];
            if self.since.is_none() {
                fds.push(PollFd::new(&*self.over, PollFlags::IN));
            }
            match poll(&mut fds, within.and_then(|d| Timespec::try_from(d).ok()).as_ref()) {
                Ok(0) if self.since.is_some() && within != most => return Ready::Over,
                Ok(0) => return Ready::Late,
                Ok(_) if !fds[0].revents().is_empty() => return Ready::Yes,
                Ok(_) => self.since = Some(Instant::now()),
                Err(Errno::INTR) => {}
                Err(_) => return Ready::Over,
            }
        }
    }
}

/// A copy of one of our own descriptors, closed on exec.
pub(super) fn own(fd: impl AsFd) -> Result<OwnedFd> {
    fd.as_fd().try_clone_to_owned().map_err(system("copy a descriptor"))
}
