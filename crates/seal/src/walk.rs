//! Walking over a file's frames, in big reads, checking bounds and chain.

use crate::{
    codec::Reader,
    disk::File,
    error::{Error, Result},
    frame::{CHAIN, Crypt, FRONT, MAX_FRAME, Parts},
    log::Position,
};
use std::{io, path::Path};

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// What comes next in a file.
pub(crate) enum Step<'w> {
    /// The file ends after the frame before.
    End,
    /// A frame whose bounds, link and place in its transaction hold; its tags have not been looked at.
    Frame(Parts<'w>),
    /// Something else.
    Bad(Bad),
}

/// The first byte that is not a good frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bad {
    pub(crate) offset: u64,
    pub(crate) what: &'static str,
    /// The file ends inside what would be a frame.
    pub(crate) short: bool,
}

/// A walk: where it is, and the part of the file that is in memory.
pub(crate) struct Walk<'a> {
    file: &'a dyn File,
    path: &'a Path,
    crypt: &'a Crypt,
    buf: Vec<u8>,
    start: usize,
    filled: usize,
    file_len: u64,
    tx: u32,
    at: Position,
}

impl<'a> Walk<'a> {
    /// A walk from `from`, the end of the header or of some transaction, to `file_len`.
    pub(crate) fn new(
        file: &'a dyn File,
        path: &'a Path,
        crypt: &'a Crypt,
        from: Position,
        file_len: u64,
    ) -> Self {
        Self { file, path, crypt, buf: Vec::new(), start: 0, filled: 0, file_len, tx: 0, at: from }
    }

    /// Where it is: after the frame that came last.
    pub(crate) fn at(&self) -> Position {
        self.at
    }

    /// Steps over the next frame. After `End` or `Bad` there is nothing more.
    pub(crate) fn step(&mut self) -> Result<Step<'_>> {
        let (offset, left) = (self.at.bytes, self.file_len.saturating_sub(self.at.bytes));
        let bad = |what, short| Ok(Step::Bad(Bad { offset, what, short }));
        if left == 0 {
            return Ok(Step::End);
        }
        if left < FRONT as u64 {
            return bad("a frame is cut short", true);
        }
        self.fill(FRONT)?;
        let front = match crate::frame::Front::parse(&Reader::new(self.loaded()).array()?) {
            Ok(front) => front,
            Err(what) => return bad(what, false),
        };
        if left < front.len() as u64 {
            return bad("a frame is cut short", true);
        }
        self.fill(front.len())?;
        let parts = Parts::split(front, &self.buf[self.start..self.start + front.len()])?;
        if !self.crypt.linked(&self.at.chain, &parts) {
            return bad("the chain", false);
        }
        self.tx = self.tx.saturating_add(1);
        if front.tx_count != 0 && front.tx_count != self.tx {
            return bad("a transaction's count", false);
        }
        if front.tx_count != 0 {
            self.tx = 0;
        }
        self.start += front.len();
        self.at.bytes += front.len() as u64;
        self.at.frames += 1;
        self.at.chain = parts.chain;
        Ok(Step::Frame(parts))
    }

    fn loaded(&self) -> &[u8] {
        &self.buf[self.start..self.filled]
    }

    /// Makes at least `wanted` bytes from the current place available; the caller knows that the file has them.
    fn fill(&mut self, wanted: usize) -> Result<()> {
        if self.filled - self.start >= wanted {
            return Ok(());
        }
        self.buf.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        let left_in_file = self.file_len - self.at.bytes;
        let target = wanted.max(CHUNK).min(usize::try_from(left_in_file).unwrap_or(usize::MAX));
        if self.buf.len() < target {
            self.buf.resize(target.min(MAX_FRAME), 0);
        }
        while self.filled < target {
            let offset = self.at.bytes + self.filled as u64;
            match self.file.read_at(&mut self.buf[self.filled..target], offset) {
                Ok(0) => return Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failed(e)),
            }
        }
        Ok(())
    }

    fn failed(&self, e: io::Error) -> Error {
        Error::io(self.path, "read", e)
    }
}

/// The position at `bytes`, if a transaction ends just there on the chain from `from`.
pub(crate) fn position_at(
    file: &dyn File,
    path: &Path,
    crypt: &Crypt,
    from: Position,
    bytes: u64,
) -> Result<Option<Position>> {
    let mut walk = Walk::new(file, path, crypt, from, bytes);
    let mut good = from;
    loop {
        match walk.step()? {
            Step::End => return Ok(Some(good).filter(|good| good.bytes == bytes)),
            Step::Bad(_) => return Ok(None),
            Step::Frame(parts) => {
                let ends = parts.front.tx_count != 0;
                if ends {
                    good = walk.at();
                }
            }
        }
    }
}

const _: () = assert!(CHUNK <= MAX_FRAME && CHAIN == 32);
