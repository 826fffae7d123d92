//! Messages that are whole within a time. Whoever listens in the daemon's place must not keep a human waiting for ever, not by
//! silence and not by a byte now and then.

use crate::{Error, Result, os, os::Stream};
use secret::Bytes;
use serde::de::DeserializeOwned;
use std::io::{self, Read};
use std::time::{Duration, Instant};
use wire::frame;

/// A message that has begun is whole within this time.
const WHOLE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// One control message. None: the stream ended. `listener`: who listens, for the error where nothing comes in time.
///
/// # Errors
/// [`Error::NoAnswer`], and what is wrong with the frame.
pub(crate) fn control<T: DeserializeOwned>(stream: &mut Stream, listener: Option<u32>) -> Result<Option<T>> {
    message(stream, listener, |from| frame::read_control(from))
}

/// One value.
///
/// # Errors
/// As [`control`].
pub(crate) fn raw(stream: &mut Stream, listener: Option<u32>) -> Result<Bytes> {
    message(stream, listener, |from| frame::read_raw(from))
}

fn message<T>(
    stream: &mut Stream,
    listener: Option<u32>,
    read: impl FnOnce(&mut Whole<'_>) -> std::result::Result<T, frame::Error>,
) -> Result<T> {
    use io::ErrorKind::{TimedOut, WouldBlock};
    match read(&mut Whole { stream, until: None }) {
        Err(frame::Error::Io(e)) if matches!(e.kind(), TimedOut | WouldBlock) => {
            Err(Error::NoAnswer { pid: listener })
        }
        read => Ok(read?),
    }
}

struct Whole<'a> {
    stream: &'a mut Stream,
    until: Option<Instant>,
}

impl Read for Whole<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| os::silent_for(self.stream, left)) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let n = self.stream.read(into)?;
        self.until.get_or_insert_with(|| Instant::now() + WHOLE);
        Ok(n)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread::{sleep, spawn};
    use wire::ToDaemon;

    /// The other side, which sends this over and over, a byte each time.
    fn drips(frame: Vec<u8>) -> (UnixStream, std::thread::JoinHandle<()>) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let writer = spawn(move || {
            for byte in frame.iter().cycle() {
                if theirs.write_all(&[*byte]).is_err() {
                    return;
                }
                sleep(Duration::from_millis(150));
            }
        });
        (ours, writer)
    }

    #[test]
    fn a_byte_now_and_then_is_no_answer() {
        let (mut ours, writer) = drips(frame::control(&ToDaemon::Status).unwrap());
        let said = control::<ToDaemon>(&mut ours, Some(7));
        assert!(matches!(said, Err(Error::NoAnswer { pid: Some(7) })), "{said:?}");
        drop(ours);
        writer.join().unwrap();
        let mut value = Vec::new();
        frame::write(&mut value, frame::Kind::Raw, b"sk-test-drips").unwrap();
        let (mut ours, writer) = drips(value);
        let said = raw(&mut ours, Some(7)).map(|_| ());
        assert!(matches!(said, Err(Error::NoAnswer { pid: Some(7) })), "{said:?}");
        drop(ours);
        writer.join().unwrap();
    }

    #[test]
    fn silence_is_no_answer_and_what_comes_in_time_is() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let said = control::<ToDaemon>(&mut ours, None);
        assert!(matches!(said, Err(Error::NoAnswer { pid: None })), "{said:?}");
        let frame = frame::control(&ToDaemon::Status).unwrap();
        theirs.write_all(&frame).unwrap();
        let said = control::<ToDaemon>(&mut ours, None).unwrap().unwrap();
        assert!(matches!(said, ToDaemon::Status));
        drop(theirs);
        assert!(matches!(control::<ToDaemon>(&mut ours, None), Ok(None)));
    }
}
