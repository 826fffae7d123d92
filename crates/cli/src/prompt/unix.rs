//! The controlling terminal, as bytes: no echo, no line editing, no signals while it is held.

use crate::report::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The terminal; back as it was when dropped.
pub struct Terminal {
    tty: File,
    before: Termios,
}

impl Terminal {
    /// Takes the terminal and throws away what was typed ahead.
    ///
    /// # Errors
    /// When this process has none.
    pub fn open() -> Result<Self, Error> {
        Self::take().map_err(|_| wire::Want::presence_needed().into())
    }

    fn take() -> io::Result<Self> {
        let tty = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&tty)?;
        let mut raw = before.clone();
        raw.local_modes.remove(
            LocalModes::ECHO
                | LocalModes::ECHONL
                | LocalModes::ICANON
                | LocalModes::ISIG
                | LocalModes::IEXTEN,
        );
        raw.input_modes.remove(InputModes::IXON | InputModes::ISTRIP);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&tty, OptionalActions::Flush, &raw)?;
        Ok(Self { tty, before })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        self.tty.write_all(text).map_err(|e| Error::failed("can't write to the terminal", e))
    }

    /// The next byte typed.
    ///
    /// # Errors
    /// When it is gone.
    pub fn byte(&mut self) -> Result<u8, Error> {
        let mut byte = [0];
        loop {
            match self.tty.read(&mut byte) {
                Ok(1) => return Ok(byte[0]),
                Ok(_) => return Err(Error::cancelled()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::failed("can't read from the terminal", e)),
            }
        }
    }

    /// Throws away whatever is typed for so long.
    ///
    /// # Errors
    /// When it is gone.
    pub fn discard(&mut self, time: Duration) -> Result<(), Error> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            if self.ready(left)? && self.byte()? == 3 {
                return Err(Error::cancelled());
            }
        }
        Ok(())
    }

    /// Reads over the rest of an escape sequence, if one comes right away.
    ///
    /// # Errors
    /// When it is gone.
    pub fn skip_sequence(&mut self) -> Result<(), Error> {
        let soon = Duration::from_millis(50);
        if !self.ready(soon)? || !matches!(self.byte()?, b'[' | b'O') {
            return Ok(());
        }
        while self.ready(soon)? {
            if (0x40..=0x7e).contains(&self.byte()?) {
                break;
            }
        }
        Ok(())
    }

    /// Enters or leaves the alternate screen.
    ///
    /// # Errors
    /// When it is gone.
    pub fn alternate(&mut self, on: bool) -> Result<(), Error> {
        self.write(if on { b"\x1b[?1049h\x1b[2J\x1b[H" } else { b"\x1b[2J\x1b[?1049l" })
    }

    fn ready(&self, within: Duration) -> Result<bool, Error> {
        let within = Timespec { tv_sec: within.as_secs() as _, tv_nsec: within.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.tty, PollFlags::IN)];
        match poll(&mut fds, Some(&within)) {
            Ok(n) => Ok(n > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(Error::failed("can't read from the terminal", e)),
        }
    }
}

impl Write for Terminal {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.tty.write(text)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.tty.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.tty, OptionalActions::Drain, &self.before);
    }
}
