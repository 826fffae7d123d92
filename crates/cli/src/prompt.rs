//! Questions to the human at the terminal itself, whatever stdin and stdout are.
//!
//! What is typed goes byte by byte into locked memory. Nothing typed before a question was on the screen for a moment
//! can answer it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use crate::gather::Gather;
use crate::report::Error;
use secret::Bytes;
use std::io::IsTerminal;
use std::time::Duration;

/// How long a question must have been there before a key can answer it.
const GUARD: Duration = Duration::from_millis(800);
/// The most bytes of a typed line: whatever could be set as a passphrase can be typed again.
const MAX_LINE: usize = seal::MAX_PASSPHRASE;

/// Whether there is a human's terminal to ask on: a controlling terminal, and one of stdin and stderr leads to it.
#[must_use]
pub fn possible() -> bool {
    (std::io::stdin().is_terminal() || std::io::stderr().is_terminal()) && system::Terminal::open().is_ok()
}

/// One hidden line.
///
/// # Errors
/// When there is no terminal, the human stops, or it is too long.
pub fn hidden(label: &str) -> Result<Bytes, Error> {
    read(label, MAX_LINE, false)
}

/// One hidden line, typed twice. What `check` says no to is not asked for again before it is another.
///
/// # Errors
/// Like [`hidden`], when the two differ three times, and what `check` says to the third.
pub fn hidden_twice(
    label: &str,
    again: &str,
    most: usize,
    check: impl Fn(&Bytes) -> Result<(), Error>,
) -> Result<Bytes, Error> {
    for left in (0..3).rev() {
        let first = read(label, most, false)?;
        match check(&first) {
            Ok(()) => {}
            Err(e) if left == 0 => return Err(e),
            Err(e) => {
                say(&format!("{}; {}\n", e.message, e.hint.as_deref().unwrap_or_default()))?;
                continue;
            }
        }
        let second = read(again, most, false)?;
        if first.ct_eq(second.expose()) {
            return Ok(first);
        }
        say("They differ. Once more.\n")?;
    }
    Err(Error::new("differ", wire::exit::FAILED, "the two inputs differ"))
}

/// A question that is answered by `y` and Enter; all else is no.
///
/// # Errors
/// When there is no terminal.
pub fn confirm(question: &str) -> Result<bool, Error> {
    let mut terminal = system::Terminal::open()?;
    terminal.discard(GUARD)?;
    drop(terminal);
    match read(&format!("{question} [y/N] "), 16, true) {
        Ok(answer) => {
            let typed = answer.expose().trim_ascii().to_ascii_lowercase();
            Ok(typed == b"y" || typed == b"yes")
        }
        Err(e) if matches!(e.code.as_ref(), "too_long" | "control_character") => Ok(false),
        Err(e) => Err(e),
    }
}

/// Shows something once on the alternate screen, until Enter; it leaves nothing in the scroll-back.
///
/// # Errors
/// When there is no terminal, or the human stops.
pub fn once_on_screen(
    show: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<(), Error> {
    let mut terminal = system::Terminal::open()?;
    terminal.alternate(true)?;
    let shown = show(&mut terminal).map_err(Error::from);
    // Enter held down or typed ahead must not wipe what has not been read.
    let waited =
        shown.and_then(|()| terminal.discard(GUARD)).and_then(|()| line(&mut terminal, MAX_LINE, false));
    terminal.alternate(false)?;
    waited.map(drop)
}

/// A line for the human at the terminal.
///
/// # Errors
/// When there is no terminal.
pub fn say(text: &str) -> Result<(), Error> {
    system::Terminal::open()?.write(text.as_bytes())
}

/// What has a key at other prompts (Ctrl-W, Ctrl-A) has none here, and nothing that was typed may be missing unseen.
fn not_typed(byte: u8) -> Error {
    let key = char::from(byte + b'@');
    Error::new("control_character", wire::exit::FAILED, format!("Ctrl-{key} can't be typed here"))
        .hint("nothing was taken; Backspace and Ctrl-U edit the line, and a value with such bytes comes by stdin: < FILE")
}

fn read(label: &str, most: usize, echo: bool) -> Result<Bytes, Error> {
    let mut terminal = system::Terminal::open()?;
    terminal.write(label.as_bytes())?;
    let read = line(&mut terminal, most, echo);
    terminal.write(b"\n")?;
    read
}

/// One line, edited with Backspace and Ctrl-U. Ctrl-C, and Ctrl-D on an empty line, stop.
fn line(terminal: &mut system::Terminal, most: usize, echo: bool) -> Result<Bytes, Error> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    const ESC: u8 = 27;
    let mut gather = Gather::new(most)?;
    // What is too long is read to its end all the same: the rest would be typed at the shell.
    let mut failed = None;
    loop {
        match terminal.byte()? {
            b'\r' | b'\n' => return failed.map_or_else(|| Ok(gather.finish()), Err),
            CTRL_C => return Err(Error::cancelled()),
            CTRL_D if gather.so_far().is_empty() => return Err(Error::cancelled()),
            CTRL_U => {
                if echo {
                    let shown = String::from_utf8_lossy(gather.so_far()).chars().count();
                    terminal.write("\x08 \x08".repeat(shown).as_bytes())?;
                }
                gather.clear();
                failed = None;
            }
            0x08 | 0x7f => {
                if echo && !gather.so_far().is_empty() {
                    terminal.write(b"\x08 \x08")?;
                }
                gather.pop_char();
            }
            // Arrow keys and the like say nothing here.
            ESC => terminal.skip_sequence()?,
            byte if byte < 0x20 && byte != b'\t' => failed = Some(not_typed(byte)),
            byte => match gather.push(byte) {
                Ok(()) if echo => terminal.write(&[byte])?,
                Ok(()) => {}
                Err(e) => failed = Some(e),
            },
        }
    }
}
