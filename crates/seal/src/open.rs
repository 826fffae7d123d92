//! Opening a sealed file: header, slot, MAC, chain, and then whether it is the file that was left.

use crate::{
    aside,
    disk::{Disk, Open},
    error::{At, Error, Result},
    frame::{Crypt, MAX_FILE},
    head::Head,
    header::{Header, MAX_HEAD},
    ids::{FileId, RecordId},
    keys::Root,
    log::{Log, Position, State, Temp, sync_folder},
    meta::{Frame, Meta, Op, ValueAt},
    random::OsRandom,
    walk::{Bad, Step, Walk, position_at},
};
use secret::Bytes;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroize;

/// What a file must be to be opened.
#[derive(Debug, Clone, Copy)]
pub enum HeadRule {
    /// It reaches this head, on the same chain or as the very next generation. Frames beyond it are rolled forward; from
    /// the first bad byte beyond it on the rest is set aside.
    AtLeast(Head),
    /// A human accepted what is there: as if its head were at the header's end.
    Accept,
    /// It is never written again (a closed segment, a bundle): every byte must be good. With an end, just this end.
    Whole(Option<End>),
}

/// The end of a closed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The file.
    pub file_id: FileId,
    /// Its length.
    pub bytes: u64,
    /// Its last chain value.
    pub chain: [u8; 32],
}

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Frames beyond the head that were good and are kept.
    pub rolled_forward: u64,
    /// Frames of an unfinished transaction that were dropped.
    pub discarded: u64,
    /// Where the bytes from the first bad one on were put.
    pub set_aside: Option<PathBuf>,
    /// The file was the next generation after the head's.
    pub new_generation: bool,
}

/// A file whose header is verified and whose frames are to be read.
///
/// The store's head can only be authenticated with a key that is a record in the store: so a caller reads the frames,
/// finds the head, and then finishes. Nothing that was read may be believed before [`Opening::finish`].
pub struct Opening {
    log: Log,
    file_len: u64,
    found: Option<Found>,
}

/// What reading the frames found.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// The end of the last complete transaction.
    good: Position,
    /// Good frames after it.
    unfinished: u64,
    bad: Option<Bad>,
    /// The head that was known, and what is at its place: `None` when no transaction ends there.
    known: Option<(Head, Option<Position>)>,
}

impl Log {
    /// Opens a file whose head is known: [`Log::begin`], [`Opening::read`] and [`Opening::finish`] in one.
    /// What `visit` was given counts only if this returns `Ok`.
    ///
    /// # Errors
    /// As those three.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        unlock: impl FnOnce(&Header) -> Result<Root>,
        rule: HeadRule,
        mut visit: impl FnMut(Frame<'_>) -> Result<()>,
    ) -> Result<(Self, Opened)> {
        let (how, known) = match &rule {
            HeadRule::AtLeast(head) => (Open::Write, Some(head)),
            HeadRule::Accept => (Open::Write, None),
            HeadRule::Whole(_) => (Open::Read, None),
        };
        let mut opening = Self::begin_how(disk, path, how, unlock)?;
        opening.read(known, &mut visit)?;
        opening.finish(rule)
    }

    /// Reads and verifies the header; `unlock` unwraps the root key from one of its slots.
    ///
    /// # Errors
    /// `Missing`, `BadMagic`, `Version`, `Bounds`, `Slot`, `Kdf`, what `unlock` returns, `HeaderMac`.
    pub fn begin(
        disk: Arc<dyn Disk>,
        path: &Path,
        unlock: impl FnOnce(&Header) -> Result<Root>,
    ) -> Result<Opening> {
        Self::begin_how(disk, path, Open::Write, unlock)
    }

    fn begin_how(
        disk: Arc<dyn Disk>,
        path: &Path,
        how: Open,
        unlock: impl FnOnce(&Header) -> Result<Root>,
    ) -> Result<Opening> {
        let io = |doing| move |e| Error::io(path, doing, e);
        let file = disk.open(path, how).map_err(io("open"))?;
        let file_len = file.len().map_err(io("read"))?;
        if file_len > MAX_FILE {
            return Err(Error::bounds("a file may have 4 GiB").at(path));
        }
        let mut front = vec![0; MAX_HEAD.min(usize::try_from(file_len).unwrap_or(MAX_HEAD))];
        file.read_exact_at(&mut front, 0).map_err(io("read"))?;
        let (header, sealed) = Header::parse_sealed(&front).map_err(|e| e.at(path))?;
        let root = unlock(&header).map_err(|e| e.at(path))?;
        let keys = root.file_keys(&header.file_id, header.epoch)?;
        if !sealed.holds(&keys) {
            return Err(Error::HeaderMac { at: At(path.to_path_buf()) });
        }
        if how == Open::Write {
            Temp::sweep(&*disk, path)?;
        }
        let bytes = (sealed.bytes.len() + sealed.mac.len()) as u64;
        let header_end = Position { generation: header.generation, frames: 0, bytes, chain: sealed.mac };
        let state = if how == Open::Write { State::Ready } else { State::ReadOnly };
        let log = Self {
            disk,
            path: path.to_path_buf(),
            file,
            header,
            header_end,
            root,
            keys,
            random: Box::new(OsRandom),
            end: header_end,
            synced: header_end,
            state,
        };
        Ok(Opening { log, file_len, found: None })
    }
}

impl Opening {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.log.header
    }

    /// Reads all good frames of complete transactions, in order. With a head, what lies before it is handed on as it
    /// comes; what lies beyond it (without one: everything) only when its transaction is complete and its values
    /// decrypt, since a power cut may have left a frame's front on disk and not its value.
    ///
    /// # Errors
    /// What `visit` returns; `Io`, `Memory`. Bad frames are no errors here but in [`Opening::finish`].
    pub fn read(
        &mut self,
        known: Option<&Head>,
        visit: &mut dyn FnMut(Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        let crypt = self.log.crypt();
        let known = known.filter(|head| {
            head.file_id == self.log.header.file_id && head.generation == self.log.header.generation
        });
        let mut reading = Reading {
            log: &self.log,
            crypt: &crypt,
            certain: known.map_or(0, |head| head.bytes),
            bodies: Vec::new(),
            waiting: Vec::new(),
            visit,
        };
        let found = reading.run(self.file_len, known);
        reading.bodies.zeroize();
        self.found = Some(found?);
        Ok(())
    }

    /// Decrypts a value, as [`Log::read_value`].
    ///
    /// # Errors
    /// As [`Log::read_value`].
    pub fn read_value(&self, at: &ValueAt) -> Result<Bytes> {
        self.log.read_value(at)
    }

    /// Decides whether the file is the one that was left, and puts a bad tail aside.
    ///
    /// # Errors
    /// `RolledBack`, `Beside`, `Damaged`; `Io` or `Full` when the tail can't be put aside.
    pub fn finish(mut self, rule: HeadRule) -> Result<(Log, Opened)> {
        let found = match self.found {
            Some(found) => found,
            None => {
                self.read(None, &mut |_| Ok(()))?;
                self.found.ok_or_else(|| Error::bounds("the frames were not read"))?
            }
        };
        let opened = match rule {
            HeadRule::AtLeast(head) => self.reach(&head, &found)?,
            HeadRule::Accept => Opened { rolled_forward: found.good.frames, ..Opened::default() },
            HeadRule::Whole(end) => {
                self.whole(end, &found)?;
                Opened::default()
            }
        };
        self.settle(&found, opened)
    }

    /// Compares the file with its head.
    fn reach(&self, head: &Head, found: &Found) -> Result<Opened> {
        let header = &self.log.header;
        if header.file_id != head.file_id {
            return Err(self.beside("another file's id"));
        }
        if header.generation < head.generation {
            return Err(self.rolled_back(found, head.place()));
        }
        if header.generation > head.generation {
            return self.next_generation(head, found);
        }
        if header.epoch != head.epoch {
            return Err(self.beside("another epoch in the same generation"));
        }
        if let Some(bad) = found.bad.filter(|bad| bad.offset < head.bytes) {
            let cut = bad.short && self.file_len < head.bytes;
            return Err(if cut { self.rolled_back(found, head.place()) } else { self.damaged(bad) });
        }
        if found.good.bytes < head.bytes {
            return Err(self.rolled_back(found, head.place()));
        }
        let there = match found.known {
            Some((known, there)) if known == *head => there,
            _ => self.position_at(head.bytes)?,
        };
        match there {
            Some(p) if p.frames == head.frames && p.chain == head.chain => {}
            _ => return Err(self.beside("it branched off before the last acknowledged entry")),
        }
        Ok(Opened { rolled_forward: found.good.frames - head.frames, ..Opened::default() })
    }

    /// A crash between the rename of a new generation and its head: the only time a file may be ahead by one. It was
    /// synced before it got its name, as one transaction, and nothing was appended yet: so all of it must be good.
    fn next_generation(&self, head: &Head, found: &Found) -> Result<Opened> {
        let header = &self.log.header;
        if header.generation != head.generation.wrapping_add(1) || header.epoch < head.epoch {
            return Err(self.beside("a generation that does not follow"));
        }
        if header.parent_chain != head.chain {
            return Err(self.beside("a new generation of something else"));
        }
        self.all_good(found)?;
        Ok(Opened { rolled_forward: found.good.frames, new_generation: true, ..Opened::default() })
    }

    fn whole(&self, end: Option<End>, found: &Found) -> Result<()> {
        let Some(end) = end else { return self.all_good(found) };
        if self.log.header.file_id != end.file_id {
            return Err(self.beside("another file's id"));
        }
        let expected = crate::error::Place { bytes: end.bytes, ..found.good.place() };
        if self.file_len < end.bytes {
            return Err(self.rolled_back(found, expected));
        }
        self.all_good(found)?;
        if found.good.bytes != end.bytes || found.good.chain != end.chain {
            return Err(self.beside("another end than it had when it was closed"));
        }
        Ok(())
    }

    fn all_good(&self, found: &Found) -> Result<()> {
        if let Some(bad) = found.bad {
            return Err(self.damaged(bad));
        }
        if found.unfinished > 0 {
            return Err(self.log.damaged(found.good.bytes, "an unfinished transaction"));
        }
        Ok(())
    }

    /// Makes the file end with its last complete transaction, and durable.
    fn settle(mut self, found: &Found, mut opened: Opened) -> Result<(Log, Opened)> {
        let log = &mut self.log;
        if found.good.bytes < self.file_len {
            opened.discarded = found.unfinished;
            if found.bad.is_some() {
                let tail = found.good.bytes..self.file_len;
                opened.set_aside = Some(aside::keep(&*log.disk, &log.path, &*log.file, tail)?);
            }
            log.file.set_len(found.good.bytes).map_err(|e| Error::io(&log.path, "cut back", e))?;
        }
        if log.state != State::ReadOnly && (opened.rolled_forward > 0 || found.good.bytes < self.file_len) {
            // What a crashed process wrote may still be in the kernel's memory only: a head must not name it yet.
            log.or_poison(log.file.sync_all())?;
        }
        if opened.new_generation {
            log.or_poison_with(sync_folder(&*log.disk, &log.path))?;
        }
        log.end = found.good;
        log.synced = found.good;
        Ok((self.log, opened))
    }

    fn position_at(&self, bytes: u64) -> Result<Option<Position>> {
        let log = &self.log;
        position_at(&*log.file, &log.path, &log.crypt(), log.header_end, bytes)
    }

    fn beside(&self, what: &'static str) -> Error {
        Error::Beside { at: self.log.here(), what }
    }

    fn rolled_back(&self, found: &Found, expected: crate::error::Place) -> Error {
        Error::RolledBack { at: self.log.here(), found: found.good.place(), expected }
    }

    fn damaged(&self, bad: Bad) -> Error {
        self.log.damaged(bad.offset, bad.what)
    }
}

/// One pass over the frames.
struct Reading<'r> {
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

impl Reading<'_> {
    fn run(&mut self, file_len: u64, known: Option<&Head>) -> Result<Found> {
        let log = self.log;
        let mut walk = Walk::new(&*log.file, &log.path, self.crypt, log.header_end, file_len);
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
    fn take(&mut self, parts: &crate::frame::Parts<'_>, offset: u64) -> Result<Result<(), &'static str>> {
        let at = self.bodies.len();
        let meta = match self.crypt.open_meta(parts, &mut self.bodies) {
            Ok(meta) => meta,
            Err(what) => return Ok(Err(what)),
        };
        if offset >= self.certain {
            match self.crypt.open_value(parts, &meta) {
                Ok(_) => {}
                Err(crate::frame::Bad::What(what)) => return Ok(Err(what)),
                Err(crate::frame::Bad::Memory(e)) => return Err(Error::Memory(e)),
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
