//! One pass over a file's frames: opening metas, holding back what is not certain, handing on the rest.

use crate::{
    error::{Error, Result},
    frame::{self, Crypt, Parts},
    head::Head,
    ids::RecordId,
    log::{Log, Position},
    meta::{Frame, Meta, Op, ValueAt},
    walk::{Bad, Step, Walk},
};
use std::ops::Range;
use zeroize::Zeroize;

/// What reading the frames found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// The end of the last complete transaction.
    pub(crate) good: Position,
    /// Good frames after it.
    pub(crate) unfinished: u64,
    pub(crate) bad: Option<Bad>,
    /// The head that was known, and what is at its place: `None` when no transaction ends there.
    pub(crate) known: Option<(Head, Option<Position>)>,
}

/// One pass over the frames.
pub(crate) struct Reading<'r> {
    log: &'r Log,
    crypt: &'r Crypt,
    /// Below this offset the head vouches for complete transactions and whole values.
    certain: u64,
    bodies: Vec<u8>,
    waiting: Vec<Waiting>,
    visit: &'r mut dyn FnMut(Frame<'_>) -> Result<()>,
}

/// A frame whose transaction goes on.
struct Waiting {
    op: Op,
    kind: u8,
    record: RecordId,
    version: u64,
    body: Range<usize>,
    value_at: Option<ValueAt>,
    offset: u64,
    tx_end: bool,
}

impl<'r> Reading<'r> {
    /// A pass that takes for certain what lies below `certain`.
    pub(crate) fn new(
        log: &'r Log,
        crypt: &'r Crypt,
        certain: u64,
        visit: &'r mut dyn FnMut(Frame<'_>) -> Result<()>,
    ) -> Self {
        Self { log, crypt, certain, bodies: Vec::new(), waiting: Vec::new(), visit }
    }

    /// Runs it.
    pub(crate) fn run(&mut self, file_len: u64, known: Option<&Head>) -> Result<Found> {
        let log = self.log;
        let mut walk = Walk::new(&*log.file.file, &log.path, self.crypt, log.header_end, file_len);
        let mut found = Found {
            good: log.header_end,
            unfinished: 0,
            bad: None,
            known: known.map(|head| (*head, Some(log.header_end).filter(|at| at.bytes == head.bytes))),
        };
        loop {
            let offset = walk.at().bytes;
            let (tx_end, what) = match walk.step()? {
                Step::End => return Ok(found),
                Step::Bad(bad) => {
                    found.bad = Some(bad);
                    return Ok(found);
                }
                Step::Frame(parts) => (parts.front.tx_count != 0, self.take(&parts, offset)?),
            };
            if let Err(what) = what {
                found.bad = Some(Bad { offset, what, short: false });
                return Ok(found);
            }
            found.unfinished += 1;
            if tx_end {
                (found.good, found.unfinished) = (walk.at(), 0);
                if let Some((head, there)) = &mut found.known
                    && head.bytes == found.good.bytes
                {
                    *there = Some(found.good);
                }
            }
            if tx_end || offset < self.certain {
                self.hand_on()?;
            }
        }
    }

    /// Opens a frame's meta and, where no head vouches for it, its value. The inner error is what is bad.
    fn take(&mut self, parts: &Parts<'_>, offset: u64) -> Result<Result<(), &'static str>> {
        let at = self.bodies.len();
        let meta = match self.crypt.open_meta(parts, &mut self.bodies) {
            Ok(meta) => meta,
            Err(what) => return Ok(Err(what)),
        };
        if offset >= self.certain {
            match self.crypt.open_value(parts, &meta) {
                Ok(_) => {}
                Err(frame::Bad::What(what)) => return Ok(Err(what)),
                Err(frame::Bad::Memory(e)) => return Err(Error::Memory(e)),
            }
        }
        let front = parts.front;
        let Meta { op, kind, record, version, body } = meta;
        let value_at = (front.value_len > 0).then_some(ValueAt {
            offset,
            meta_len: front.meta_len,
            value_len: front.value_len,
            record,
            version,
        });
        // The body ends where the padding begins; where it begins follows from what comes before it.
        let begin = at + 4 + meta.encoded_len() - body.len();
        let body = begin..begin + body.len();
        let tx_end = front.tx_count != 0;
        self.waiting.push(Waiting { op, kind, record, version, body, value_at, offset, tx_end });
        Ok(Ok(()))
    }

    fn hand_on(&mut self) -> Result<()> {
        for w in self.waiting.drain(..) {
            let meta = Meta {
                op: w.op,
                kind: w.kind,
                record: w.record,
                version: w.version,
                body: &self.bodies[w.body],
            };
            (self.visit)(Frame { meta, value_at: w.value_at, offset: w.offset, tx_end: w.tx_end })?;
        }
        self.bodies.clear();
        Ok(())
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.bodies.zeroize();
    }
}
