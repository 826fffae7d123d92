//! Starting a command with released values, and being its stand-in: its terminal, its signals, its end, and its output
//! with those values masked. Not here: asking for them (`client`), and what a value looks like in a text (`scan`).
//!
//! On Linux the command is started by a process of its own, the *guard* (`svault guard`), which is the parent of
//! everything that the command starts and ends all of it when svault is killed:
//!
//! ```text
//! svault run ── guard ── command ── …      values, descriptors and signals go over a socket pair, never through
//!      └── reads and masks the output       argv, a file, or the environment of a process of ours
//! ```
//!
//! [`pass`] is `svault run`: our own stdin, stdout and stderr, with a pseudo terminal where stdout is a terminal.
//! [`capture`] is for programs: output in memory, with a limit, a time limit, and a way to cancel. [`inherit`] starts a
//! command that gets no values.

mod capture;
mod error;
mod find;
mod inputs;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;
mod pump;

pub use capture::{Captured, End, Limits, capture};
pub use error::Error;
pub use inputs::Inputs;
pub use system::{Cancel, guard, inherit, pass};

use std::ffi::OsString;
use std::path::Path;
use wire::{Ask, AskItem};
use words::Scope;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// A command as it is asked for, shown and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program by its absolute path, and its arguments.
    pub argv: Vec<String>,
    /// The folder it runs in, absolute.
    pub cwd: String,
    /// The secrets that it gets.
    pub items: Vec<AskItem>,
}

impl Job {
    /// Finds the program as a shell would: on the PATH, or from `cwd` where it has a slash.
    ///
    /// # Errors
    /// [`Error::NoCommand`], [`Error::NoProgram`], [`Error::NoFolder`] and [`Error::NoText`].
    pub fn new(argv: &[OsString], cwd: &Path, items: Vec<AskItem>) -> Result<Self> {
        let (argv, cwd) = find::command(argv, cwd)?;
        Ok(Self { argv, cwd, items })
    }

    /// The request for its secrets, all or nothing.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn ask(&self, scope: Option<Scope>, reason: Option<String>, wait: u32) -> Result<Ask> {
        let (items, argv, cwd) = (self.items.clone(), self.argv.clone(), self.cwd.clone());
        let ask = Ask { items, scope, reason, argv, cwd, wait, client: String::new(), sets: String::new() };
        if ask.fits() { Ok(ask) } else { Err(Error::TooLong { size: ask.size() }) }
    }
}

/// What came of a command that ran in our place.
#[derive(Debug)]
pub struct Passed {
    /// How it ended.
    pub code: Code,
    /// Why some of its output could not be written, but for its reader's having gone.
    pub lost: Option<std::io::Error>,
}

/// The exit code that a shell would give: the command's own, or 128+n when signal n ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u8);

impl Code {
    /// From the two things that a command can end by.
    #[cfg(unix)]
    pub(crate) fn of(exit: Option<i32>, signal: Option<i32>) -> Self {
        let code = exit.or(signal.map(|n| 128 + n)).and_then(|n| u8::try_from(n).ok());
        Self(code.unwrap_or(u8::MAX))
    }
}
