//! The controlling terminal, as bytes: no echo, no line editing, no signals while it is held.

use crate::report::Error;
use crate::signals::Signals;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// The terminals that are held, as they were. It is more than an owner's to put them back: a panic runs no destructors in
/// a release, and a signal none at all.
static HELD: Mutex<Vec<Held>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

struct Held {
    tty: File,
    before: Termios,
    /// It shows the alternate screen.
    alternate: bool,
}

impl Held {
    fn put_back(mut self, when: OptionalActions) {
        if self.alternate {
            let _ = self.tty.write_all(LEAVE);
        }
        let _ = tcsetattr(&self.tty, when, &self.before);
    }
}

fn held() -> MutexGuard<'static, Vec<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was typed and not read is thrown away: it is for the prompt, and would be typed at the shell.
fn put_all_back() {
    while let Some(last) = held().pop() {
        last.put_back(OptionalActions::Flush);
    }
}

const ENTER: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[H";
const LEAVE: &[u8] = b"\x1b[2J\x1b[?1049l";

/// The terminal; back as it was when dropped, at a panic, and before a signal ends this process.
pub struct Terminal {
    tty: File,
    signals: Signals,
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
        HOOK.call_once(|| {
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                put_all_back();
                next(panic);
            }));
        });
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
        let (copy, signals) = (tty.try_clone()?, Signals::hold_at_terminal()?);
        held().push(Held { tty: copy, before, alternate: false });
        let terminal = Self { tty, signals };
        tcsetattr(&terminal.tty, OptionalActions::Flush, &raw)?;
        Ok(terminal)
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
            if self.signals.came().is_some() && !self.wait(None)? {
                continue;
            }
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
        if let Some(last) = held().last_mut() {
            last.alternate = on;
        }
        self.write(if on { ENTER } else { LEAVE })
    }

    fn ready(&self, within: Duration) -> Result<bool, Error> {
        self.wait(Some(Timespec { tv_sec: within.as_secs() as _, tv_nsec: within.subsec_nanos().into() }))
    }

    /// Waits for a key, or for a signal, which ends us. False: nothing came.
    fn wait(&self, within: Option<Timespec>) -> Result<bool, Error> {
        let mut fds = vec![PollFd::new(&self.tty, PollFlags::IN)];
        fds.extend(self.signals.came().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, within.as_ref()) {
            Ok(_) if fds.get(1).is_some_and(|signals| !signals.revents().is_empty()) => {
                put_all_back();
                self.signals.arrive();
                Err(Error::cancelled())
            }
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
        let last = held().pop();
        if let Some(last) = last {
            last.put_back(OptionalActions::Drain);
        }
    }
}
