//! The thread that passes what is typed on to the command's terminal.

use crate::Result;
use crate::error::system;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use zeroize::Zeroizing;

/// Ends the thread when dropped.
pub(super) struct Keys {
    _stop: PipeWriter,
}

impl Keys {
    /// Passes on, until dropped or until one side is gone.
    pub(super) fn pass(from: OwnedFd, to: OwnedFd) -> Result<Self> {
        let (stopped, stop) = io::pipe().map_err(system("make a pipe"))?;
        let work = move || run(&mut from.into(), &mut to.into(), &stopped);
        std::thread::Builder::new().name("keys".into()).spawn(work).map_err(system("start a thread"))?;
        Ok(Self { _stop: stop })
    }
}

fn run(from: &mut File, to: &mut File, stopped: &PipeReader) {
    let mut buffer = Zeroizing::new([0; 4096]);
    loop {
        let mut fds = [PollFd::new(&*from, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) if !fds[1].revents().is_empty() => return,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        match from.read(&mut *buffer) {
            Ok(0) => return,
            Ok(n) => {
                if to.write_all(buffer.get(..n).unwrap_or_default()).is_err() {
                    return;
                }
            }
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(_) => return,
        }
    }
}
