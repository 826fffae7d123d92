//! Between svault and the guard: a socket pair. First the descriptors, then what to start, then each variable with its
//! value as raw frames; after that short messages both ways. The end of the stream is the end of whoever was there.

use crate::inputs::Kind;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use secret::Bytes;
use serde::{Deserialize, Serialize};
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use wire::frame::{self, RAW_MAX, read_raw, write};

/// Descriptors that go over: stdin, stdout, stderr, and with a terminal of its own the terminal's two ends: the
/// command's, and the one that svault itself is on.
pub(super) const MOST_FDS: usize = 5;

/// What the guard is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToGuard {
    /// Start this; so many variables follow.
    Start {
        argv: Vec<String>,
        cwd: String,
        vars: usize,
        /// The fourth descriptor becomes its controlling terminal.
        terminal: bool,
    },
    /// A variable; raw frames with so many bytes follow, its value.
    Var { name: String, kind: Kind, bytes: usize },
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

/// Sends a value, which may be longer than a frame: a text that several values were put into.
pub(super) fn send_value(to: &mut impl Write, value: &[u8]) -> Result<(), frame::Error> {
    value.chunks(RAW_MAX).try_for_each(|part| write(to, frame::Kind::Raw, part))
}

/// Takes one of so many bytes.
pub(super) fn receive_value(from: &mut impl Read, bytes: usize) -> Result<Bytes, frame::Error> {
    let mut value = Bytes::zeroed(bytes)?;
    let mut rest = value.expose_mut();
    while !rest.is_empty() {
        let part = read_raw(from)?;
        let (to, more) = rest.split_at_mut_checked(part.len()).ok_or(frame::Error::Cut)?;
        to.copy_from_slice(part.expose());
        rest = more;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn a_value_comes_over_whole_however_long_it_is() {
        for bytes in [0, 1, RAW_MAX, RAW_MAX + 1, 3 * RAW_MAX] {
            let sent: Vec<u8> = (0..bytes).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut frames = Vec::new();
            send_value(&mut frames, &sent).unwrap();
            let mut from = &frames[..];
            assert_eq!(receive_value(&mut from, bytes).unwrap().expose(), sent);
            assert!(from.is_empty());
            assert!(receive_value(&mut &frames[..], bytes + 1).is_err(), "less than was said");
        }
        let mut frames = Vec::new();
        send_value(&mut frames, b"sk-test").unwrap();
        assert!(receive_value(&mut &frames[..], 6).is_err(), "more than was said");
    }
}
