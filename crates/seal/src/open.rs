//! Opening a sealed file: header, slot, MAC, chain, and then whether it is the file that was left.

use crate::{
    aside,
    disk::{Disk, Open},
    error::{At, Error, Result},
    frame::MAX_FILE,
    guard::Guarded,
    head::Head,
    header::{Header, MAX_HEAD},
    ids::FileId,
    keys::Root,
    log::{Log, Position, State},
    meta::{Frame, ValueAt},
    random::OsRandom,
    read::{Found, Reading},
    temp::{Temp, sync_folder},
    walk::{Bad, position_at},
};
use secret::Bytes;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    /// To be looked at and not touched: whatever is good of it, for reading alone.
    Look,
    /// It is being written by this process: it is read up to this head, which must be on its chain, and not beyond.
    UpTo(Head),
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
            HeadRule::Whole(_) | HeadRule::Look => (Open::Read, None),
            HeadRule::UpTo(head) => (Open::Read, Some(head)),
        };
        let mut opening = Self::begin_how(disk, path, how, unlock)?;
        if let HeadRule::UpTo(head) = &rule {
            opening.file_len = opening.file_len.min(head.bytes);
        }
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
            file: Guarded::new(file),
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
        let certain = known.map_or(0, |head| head.bytes);
        let found = Reading::new(&self.log, &crypt, certain, visit).run(self.file_len, known)?;
        self.found = Some(found);
        Ok(())
    }

    /// The head that [`HeadRule::Accept`] would give it; none before [`Opening::read`].
    #[must_use]
    pub fn there(&self) -> Option<Head> {
        let Position { generation, frames, bytes, chain } = self.found.as_ref()?.good;
        let Header { file_id, epoch, .. } = self.log.header;
        Some(Head { file_id, epoch, generation, frames, bytes, chain })
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
        match rule {
            HeadRule::AtLeast(head) => {
                let opened = self.reach(&head, &found)?;
                self.settle(&found, opened, head.bytes)
            }
            HeadRule::UpTo(head) => {
                if self.reach(&head, &found)?.new_generation {
                    return Err(self.beside("a newer generation"));
                }
                let Head { generation, frames, bytes, chain, .. } = head;
                let good = Position { generation, frames, bytes, chain };
                (self.file_len, self.log.state) = (bytes, State::ReadOnly);
                self.settle(&Found { good, bad: None, unfinished: 0, known: None }, Opened::default(), bytes)
            }
            HeadRule::Accept => {
                let opened = Opened { rolled_forward: found.good.frames, ..Opened::default() };
                let certain = self.log.header_end.bytes;
                self.settle(&found, opened, certain)
            }
            HeadRule::Look => {
                (self.log.end, self.log.synced) = (found.good, found.good);
                self.log.state = State::ReadOnly;
                Ok((self.log, Opened::default()))
            }
            HeadRule::Whole(end) => {
                self.whole(end, &found)?;
                self.settle(&found, Opened::default(), found.good.bytes)
            }
        }
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

    /// Makes the file end with its last complete transaction, and durable from `certain` on.
    fn settle(mut self, found: &Found, mut opened: Opened, certain: u64) -> Result<(Log, Opened)> {
        let (log, file_len, good) = (&mut self.log, self.file_len, found.good.bytes);
        if good < file_len {
            opened.discarded = found.unfinished;
            if found.bad.is_some() {
                opened.set_aside = Some(aside::keep(&*log.disk, &log.path, &*log.file.file, good..file_len)?);
            }
            log.file.file.set_len(good).map_err(|e| Error::io(&log.path, "cut back", e))?;
        }
        if opened.new_generation {
            sync_folder(&*log.disk, &log.path)?;
        } else if certain < good {
            write_again(log, certain..good)?;
        }
        if opened.new_generation || certain < good || good < file_len {
            log.or_poison_sync()?;
        }
        (log.end, log.synced) = (found.good, found.good);
        Ok((self.log, opened))
    }

    fn position_at(&self, bytes: u64) -> Result<Option<Position>> {
        let log = &self.log;
        position_at(&*log.file.file, &log.path, &log.crypt(), log.header_end, bytes)
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

/// Writes bytes once more that no head vouches for. A crashed process may have left them in the kernel's memory only, and
/// after a failed sync the kernel takes them for clean: a sync alone would then promise what is not on the disk.
fn write_again(log: &Log, part: Range<u64>) -> Result<()> {
    let mut buf = vec![0; 64 * 1024];
    let mut at = part.start;
    while at < part.end {
        let len = buf.len().min(usize::try_from(part.end - at).unwrap_or(buf.len()));
        let file = &log.file.file;
        file.read_exact_at(&mut buf[..len], at).map_err(|e| Error::io(&log.path, "read", e))?;
        file.write_at(&buf[..len], at).map_err(|e| Error::io(&log.path, "write", e))?;
        at += len as u64;
    }
    Ok(())
}
