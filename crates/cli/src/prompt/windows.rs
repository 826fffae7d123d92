//! The console, through crossterm's events.

use crate::report::Error;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The console; back as it was when dropped.
pub struct Terminal {
    /// The rest of a character that has several bytes.
    rest: VecDeque<u8>,
}

impl Terminal {
    /// Takes the console.
    ///
    /// # Errors
    /// When this process has none.
    pub fn open() -> Result<Self, Error> {
        enable_raw_mode().map_err(|_| wire::Want::presence_needed())?;
        Ok(Self { rest: VecDeque::new() })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        let text = String::from_utf8_lossy(text).replace('\n', "\r\n");
        let mut out = io::stderr().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|e| Error::failed("can't write to the terminal", e))
    }

    /// The next byte typed.
    ///
    /// # Errors
    /// When it is gone.
    pub fn byte(&mut self) -> Result<u8, Error> {
        loop {
            if let Some(byte) = self.rest.pop_front() {
                return Ok(byte);
            }
            let event = read().map_err(|e| Error::failed("can't read from the terminal", e))?;
            let Event::Key(KeyEvent {
                code,
                modifiers,
                kind: KeyEventKind::Press | KeyEventKind::Repeat,
                ..
            }) = event
            else {
                continue;
            };
            match code {
                KeyCode::Enter => return Ok(b'\n'),
                KeyCode::Backspace => return Ok(0x7f),
                KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) && c.is_ascii_alphabetic() => {
                    return Ok(c.to_ascii_lowercase() as u8 - b'a' + 1);
                }
                KeyCode::Char(c) => self.rest.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                _ => {}
            }
        }
    }

    /// Throws away whatever is typed for so long.
    ///
    /// # Errors
    /// When it is gone.
    pub fn discard(&mut self, time: Duration) -> Result<(), Error> {
        let end = Instant::now() + time;
        let gone = |e| Error::failed("can't read from the terminal", e);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            if poll(left).map_err(gone)? {
                let _ = read().map_err(gone)?;
            }
        }
        Ok(())
    }

    /// Escape sequences don't come as bytes here.
    ///
    /// # Errors
    /// Never.
    pub fn skip_sequence(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Enters or leaves the alternate screen.
    ///
    /// # Errors
    /// When it is gone.
    pub fn alternate(&mut self, on: bool) -> Result<(), Error> {
        self.write(if on { b"\x1b[?1049h\x1b[2J\x1b[H" } else { b"\x1b[2J\x1b[?1049l" })
    }
}

impl Write for Terminal {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        Terminal::write(self, text).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(text.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}
