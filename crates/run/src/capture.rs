//! Running a command for a program: its output in memory, masked, with limits.

use crate::{Cancel, Code, Inputs, Job, Result, system};
use std::io::{self, Write};
use std::time::Duration;

/// How much and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of each of stdout and stderr that are kept, after masking: half of them from the beginning, half from the
    /// end.
    pub bytes: usize,
    /// After this time it is ended; none: it may run on.
    pub time: Option<Duration>,
}

/// By what a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Itself,
    /// Its time was over.
    Late,
    /// It was cancelled.
    Cancelled,
    /// Its guard was killed, and it was ended with that. It may have done all that it does.
    Cut,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Its exit code, 128+n for a signal.
    pub code: Code,
    /// What ended it.
    pub end: End,
    /// Its output, masked.
    pub stdout: Kept,
    /// Its error output, masked.
    pub stderr: Kept,
}

/// One output as far as it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The beginning.
    pub head: Vec<u8>,
    /// Bytes that were left out behind it; 0: nothing is missing, and `tail` goes on where `head` ends.
    pub left_out: u64,
    /// The end.
    pub tail: Vec<u8>,
}

impl Kept {
    /// As text, with a line that says what is missing.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.left_out > 0 {
            text.push_str(&format!("\n[svault: {} bytes left out]\n", self.left_out));
        }
        text.push_str(&String::from_utf8_lossy(&self.tail));
        text
    }
}

/// Runs a command to its end. Its stdin is empty. Ends everything that it started where it is cancelled or late.
///
/// # Errors
/// When it can't be started.
pub fn capture(job: &Job, inputs: Inputs, limits: &Limits, cancel: &Cancel) -> Result<Captured> {
    system::capture(job, inputs, limits, cancel)
}

/// Keeps the beginning and the end of what is written.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "commands with values run on Linux only"))]
pub(crate) struct Keeper {
    kept: Kept,
    half: usize,
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "commands with values run on Linux only"))]
impl Keeper {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { kept: Kept::default(), half: bytes / 2 }
    }

    pub(crate) fn kept(mut self) -> Kept {
        self.trim(self.half);
        self.kept
    }

    /// Cuts the end to `most` bytes, from its front.
    fn trim(&mut self, most: usize) {
        let over = self.kept.tail.len().saturating_sub(most);
        if over > 0 {
            self.kept.tail.drain(..over);
            self.kept.left_out += over as u64;
        }
    }
}

impl Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.half.saturating_sub(self.kept.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.kept.head.extend_from_slice(first);
        self.kept.tail.extend_from_slice(rest);
        // Not at each write: moving the end along costs as much as it is long.
        if self.kept.tail.len() > 2 * self.half.max(4096) {
            self.trim(self.half);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let kept = |limit, parts: &[&[u8]]| {
            let mut keeper = Keeper::new(limit);
            parts.iter().for_each(|p| keeper.write_all(p).unwrap());
            keeper.kept()
        };
        assert_eq!(kept(8, &[b"abc", b"def"]).text(), "abcdef");
        let cut = kept(8, &[b"abc", b"defghij", b"klm"]);
        assert_eq!((cut.head.as_slice(), cut.left_out, cut.tail.as_slice()), (&b"abcd"[..], 5, &b"jklm"[..]));
        let long = vec![b'x'; 1 << 20];
        let cut = kept(1000, &[&long, b"end"]);
        assert_eq!((cut.head.len(), cut.tail.len()), (500, 500));
        assert_eq!(cut.left_out, (1 << 20) + 3 - 1000);
        assert!(cut.text().ends_with("xend") && cut.text().contains("bytes left out"));
    }
}
