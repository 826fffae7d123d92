//! The threads that read a command's outputs, and how they learn that nobody waits for more.

use crate::Result;
use crate::error::system;
use crate::pump::{self, Ready, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, ioctl_fionread};
use rustix::termios::isatty;
use scan::Needles;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After the command's end its outputs are read on until they are silent for so long: something that it started may
/// still write, or may hold them open for ever.
const QUIET: Duration = Duration::from_millis(250);
/// In all at most so long, where somebody writes on and on; but all that was there at the command's end is read, however
/// slowly it is taken from us.
const REST: Duration = Duration::from_secs(2);
/// What a terminal may hold beside what it says that it has.
const UNTOLD: u64 = 16 * 1024;

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
        let mut output = Output {
            from: from.into(),
            over: Arc::clone(&self.is_over),
            since: None,
            owed: 0,
            waited: Duration::ZERO,
        };
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
    /// Bytes that were there then, and that were not read yet.
    owed: u64,
    /// So long they were waited for in all. What is there is not waited for, so this is short as long as any are left.
    waited: Duration,
}

impl Output {
    /// The command has ended: what it has written is there, and what comes later is not its own.
    fn ended(&mut self) {
        self.since = Some(Instant::now());
        let untold = if isatty(&self.from) { UNTOLD } else { 0 };
        self.owed = ioctl_fionread(&self.from).unwrap_or(0) + untold;
    }
}

impl Read for Output {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(to)?;
        self.owed = self.owed.saturating_sub(n as u64);
        Ok(n)
    }
}

impl Source for Output {
    fn ready(&mut self, most: Option<Duration>) -> Ready {
        loop {
            let within = match self.since {
                Some(since) if self.owed == 0 && since.elapsed() > REST => return Ready::Over,
                Some(_) => Some(most.map_or(QUIET, |m| m.min(QUIET))),
                None => most,
            };
            let mut fds = vec![PollFd::new(&self.from, PollFlags::IN)];
            if self.since.is_none() {
                fds.push(PollFd::new(&*self.over, PollFlags::IN));
            }
            let before = (self.owed > 0).then(Instant::now);
            let polled = poll(&mut fds, within.and_then(|d| Timespec::try_from(d).ok()).as_ref());
            let [there, over] = [0, 1].map(|n| fds.get(n).is_some_and(|fd| !fd.revents().is_empty()));
            self.waited += before.map_or(Duration::ZERO, |before| before.elapsed());
            if self.waited > QUIET {
                self.owed = 0;
            }
            match polled {
                Ok(0) if self.since.is_some() && within != most => return Ready::Over,
                Ok(0) => return Ready::Late,
                Ok(_) => {
                    if over {
                        self.ended();
                    }
                    if there {
                        return Ready::Yes;
                    }
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_at_the_end_is_read_and_what_is_written_on_and_on_is_not() {
        let (read, mut write) = io::pipe().unwrap();
        let (is_over, over) = io::pipe().unwrap();
        let from = OwnedFd::from(read).into();
        let mut output =
            Output { from, over: Arc::new(is_over), since: None, owed: 0, waited: Duration::ZERO };
        write.write_all(&[b'o'; 3000]).unwrap();
        let mut buffer = [0; 1000];
        assert_eq!((output.ready(None), output.since), (Ready::Yes, None));
        drop(over);
        // There is something to read at each look, and the end is seen all the same.
        assert_eq!(output.ready(None), Ready::Yes);
        assert_eq!((output.since.is_some(), output.owed), (true, 3000));
        output.since = Instant::now().checked_sub(2 * REST);
        for _ in 0..3 {
            write.write_all(&[b'y'; 1000]).unwrap();
            assert_eq!(output.ready(None), Ready::Yes);
            assert_eq!(output.read(&mut buffer).unwrap(), 1000);
            assert_eq!(buffer, [b'o'; 1000]);
        }
        assert_eq!(output.ready(None), Ready::Over);
    }

    #[test]
    fn who_writes_now_and_then_is_not_owed_what_a_terminal_may_hold() {
        let (read, mut write) = io::pipe().unwrap();
        let (is_over, _over) = io::pipe().unwrap();
        let since = Instant::now().checked_sub(2 * REST);
        let from = OwnedFd::from(read).into();
        let mut output =
            Output { from, over: Arc::new(is_over), since, owed: UNTOLD, waited: Duration::ZERO };
        let writer = std::thread::spawn(move || {
            while write.write_all(b"y").is_ok() {
                std::thread::sleep(QUIET / 5);
            }
        });
        let mut buffer = [0; 1000];
        let reads =
            (0..100).take_while(|_| output.ready(None) == Ready::Yes && output.read(&mut buffer).is_ok());
        assert!(reads.count() < 100);
        drop(output);
        writer.join().unwrap();
    }
}
