//! Between svault and the guard: a socket pair. First the descriptors, then one message, then values as raw frames;
//! after that short messages both ways. The end of the stream is the end of whoever was there.

use crate::inputs::Kind;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;

/// Descriptors that go over: stdin, stdout, stderr, and with a terminal of its own the terminal's two ends: the
/// command's, and the one that svault itself is on.
pub(super) const MOST_FDS: usize = 5;

/// What the guard is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToGuard {
    /// Start this; for each variable one raw frame follows.
    Start {
        argv: Vec<String>,
        cwd: String,
        vars: Vec<(String, Kind)>,
        /// The fourth descriptor becomes its controlling terminal.
        terminal: bool,
    },
    /// Send this signal to the command.
    Signal(i32),
    /// Go on after a stop.
    Continue,
    /// End everything that was started.
    Kill,
    /// The command has ended, and what it has left running may run on.
    Leave,
}

/// What the guard says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromGuard {
    /// It runs.
    Started,
    /// It could not be started.
    CantStart(String),
    /// It has stopped, as after Ctrl-Z.
    Stopped,
    /// It has ended: by exit, or by a signal.
    Ended { exit: Option<i32>, signal: Option<i32> },
}

/// Sends descriptors, with one byte that says nothing.
pub(super) fn send_fds(to: impl AsFd, fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::TOOBIG);
    }
    sendmsg(to, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL).map(|_| ())
}

/// Takes them, closed on exec.
pub(super) fn receive_fds(from: impl AsFd) -> rustix::io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            fds.extend(some);
        }
    }
    Ok(fds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_come_over_closed_on_exec() {
        let (a, b) = UnixStream::pair().unwrap();
        let (read, write) = std::io::pipe().unwrap();
        send_fds(&a, &[read.as_fd(), write.as_fd()]).unwrap();
        drop(write);
        let fds = receive_fds(&b).unwrap();
        assert_eq!(fds.len(), 2);
        for fd in &fds {
            assert!(rustix::io::fcntl_getfd(fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        }
        drop((read, fds));
        drop(a);
        let mut rest = Vec::new();
        (&b).read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "the byte that carried them was taken");
        assert!(receive_fds(&b).unwrap().is_empty(), "the end of the stream");
    }
}
