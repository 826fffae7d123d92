//! An open sealed file: appending, syncing, reading values. Opening is in `open.rs`, new generations in `rewrite.rs`.

use crate::{
    codec::Write,
    disk::Disk,
    error::{At, Error, Result},
    frame::{self, Bad, CHAIN, Crypt, MAX_FILE},
    guard::Guarded,
    head::Head,
    header::{FileKind, HEADER_MAC, Header},
    ids::FileId,
    keys::{FileKeys, Root},
    meta::{New, ValueAt},
    random::{OsRandom, Random},
    slot::{Slot, SlotKeys, SlotSpec},
    temp::{Temp, sync_folder},
};
use secret::Bytes;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A place between two transactions of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub(crate) generation: u64,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) chain: [u8; CHAIN],
}

impl Position {
    /// Frames before it in this generation.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes before it, header included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn place(&self) -> crate::error::Place {
        crate::error::Place { generation: self.generation, frames: self.frames, bytes: self.bytes }
    }
}

/// What a new file is.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Store, vault, trail or bundle.
    pub kind: FileKind,
    /// A fresh [`FileId`].
    pub file_id: FileId,
    /// 1 for a first file.
    pub epoch: u64,
    /// 1 for a first file.
    pub generation: u64,
    /// Seconds since 1970.
    pub created: u64,
    /// The last chain of the trail segment before; zeros else.
    pub parent_chain: [u8; 32],
}

/// What an append did.
#[derive(Debug)]
pub struct Appended {
    /// The end of the file after it; durable when a sync that began later is done.
    pub upto: Position,
    /// Where each frame's value is.
    pub values: Vec<Option<ValueAt>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    /// Bytes of a failed append may lie beyond the end.
    MustCut,
    /// A sync failed: what is on disk is not known.
    Poisoned,
    ReadOnly,
}

/// An open sealed file.
pub struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<Guarded>,
    pub(crate) header: Header,
    pub(crate) header_end: Position,
    pub(crate) root: Root,
    pub(crate) keys: FileKeys,
    pub(crate) random: Box<dyn Random>,
    pub(crate) end: Position,
    pub(crate) synced: Position,
    pub(crate) state: State,
}

/// A sync to be run, on any thread: everything up to one position of one file.
pub struct SyncJob {
    file: Arc<Guarded>,
    upto: Position,
}

/// A sync that was run, for [`Log::note_synced`].
#[must_use = "only note_synced makes it count, and a failure must poison the file"]
pub struct Synced {
    upto: Position,
    result: io::Result<()>,
}

impl SyncJob {
    /// Runs it. Blocks for as long as the disk needs.
    pub fn run(self) -> Synced {
        Synced { upto: self.upto, result: self.file.sync_data() }
    }

    /// Up to where it will have synced.
    #[must_use]
    pub fn upto(&self) -> Position {
        self.upto
    }
}

impl Synced {
    /// Up to where it did, when it succeeded.
    #[must_use]
    pub fn upto(&self) -> Option<Position> {
        self.result.is_ok().then_some(self.upto)
    }
}

impl Log {
    /// Makes a new file: written under another name, synced, renamed into place, and the folder synced.
    /// `root` must be what the slots were sealed with.
    ///
    /// # Errors
    /// `Io` when there is a file already, `Full`, and what [`Header`] refuses.
    pub fn create(
        disk: Arc<dyn Disk>,
        path: &Path,
        new: NewFile,
        root: Root,
        slots: Vec<Slot>,
    ) -> Result<Self> {
        let NewFile { kind, file_id, epoch, generation, created, parent_chain } = new;
        let header = Header { kind, file_id, epoch, generation, created, parent_chain, slots };
        let keys = root.file_keys(&file_id, epoch)?;
        let sealed = header.encode(&keys).map_err(|e| e.at(path))?;
        if disk.stat(path).map_err(|e| Error::io(path, "look for", e))?.is_some() {
            return Err(Error::io(path, "create", io::ErrorKind::AlreadyExists.into()));
        }
        let temp = Temp::create(&disk, path)?;
        let mut bytes = sealed.bytes;
        bytes.put(&sealed.mac);
        temp.write(&bytes, 0)?;
        let file = temp.into_place()?;
        sync_folder(&*disk, path)?;
        let end = Position { generation, frames: 0, bytes: bytes.len() as u64, chain: sealed.mac };
        Ok(Self {
            disk,
            path: path.to_path_buf(),
            file: Guarded::new(file),
            header,
            header_end: end,
            root,
            keys,
            random: Box::new(OsRandom),
            end,
            synced: end,
            state: State::Ready,
        })
    }

    /// Takes nonces from somewhere else than the kernel: for test vectors.
    pub fn set_random(&mut self, random: Box<dyn Random>) {
        self.random = random;
    }

    /// The header; its MAC was checked.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Wraps the file's root key for one more slot, of this epoch: to be put into a header with [`Log::rewrite`].
    ///
    /// # Errors
    /// As [`Slot::seal`].
    pub fn seal_slot(&mut self, spec: &SlotSpec, keys: &SlotKeys) -> Result<Slot> {
        Slot::seal(spec, keys, &self.root, self.header.place(), &mut *self.random)
    }

    /// The end of what is written; not all of it may be durable.
    #[must_use]
    pub fn end(&self) -> Position {
        self.end
    }

    /// The end of what is known to be durable.
    #[must_use]
    pub fn head(&self) -> Head {
        let Position { generation, frames, bytes, chain } = self.synced;
        Head { file_id: self.header.file_id, epoch: self.header.epoch, generation, frames, bytes, chain }
    }

    /// Whether a sync failed, so that nothing works until the file is opened anew.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    /// Appends one transaction: all of it or, after a crash, nothing. Written, not synced.
    ///
    /// # Errors
    /// `Full` or `Io` when it could not be written (it is cut back, and the file works on), `TooBig`, `Poisoned`.
    pub fn append(&mut self, tx: &[New<'_>]) -> Result<Appended> {
        self.ready()?;
        let count = u32::try_from(tx.len()).ok().filter(|n| *n > 0);
        let count =
            count.ok_or_else(|| Error::bounds("a transaction has at least one entry").at(&self.path))?;
        let crypt = self.crypt();
        let (mut bytes, mut upto) = (Vec::with_capacity(256 * tx.len()), self.end);
        let mut values = Vec::with_capacity(tx.len());
        for (new, n) in tx.iter().zip(1..=count) {
            let tx_count = if n == count { count } else { 0 };
            let offset = self.end.bytes;
            let placed = crypt
                .seal(&upto.chain, new, tx_count, offset, &mut *self.random, &mut bytes)
                .map_err(|e| e.at(&self.path))?;
            upto.chain = placed.chain;
            values.push(placed.value_at);
        }
        upto.frames += u64::from(count);
        upto.bytes += bytes.len() as u64;
        self.write(&bytes, upto)?;
        Ok(Appended { upto, values })
    }

    fn write(&mut self, bytes: &[u8], upto: Position) -> Result<()> {
        if upto.bytes > MAX_FILE {
            return Err(Error::TooBig { at: self.here(), what: "one file may have 4 GiB" });
        }
        self.as_it_was()?;
        if let Err(e) = self.file.file.write_at(bytes, self.end.bytes) {
            self.state = State::MustCut;
            // Best now, while the caller can still be told; if not, before the next append.
            let _ = self.ready();
            return Err(Error::io(&self.path, "write", e));
        }
        self.end = upto;
        Ok(())
    }

    /// Whether the file is still the one at its path, as long as it was, and ends as it did: what is appended to a file that
    /// someone took away, cut short or wrote another one over could never be read again. Its length.
    ///
    /// # Errors
    /// `Damaged` where it is not.
    pub fn stands(&self) -> Result<u64> {
        let len = self.file.file.len().map_err(|e| Error::io(&self.path, "read", e))?;
        if !self.file.file.is_at(&self.path) {
            return Err(
                self.damaged(0, "it was moved away, or another file put in its place, while it was open")
            );
        }
        if len < self.end.bytes {
            return Err(self.damaged(len, "it was cut short while it was open"));
        }
        // A frame ends with its chain, and a header with its MAC.
        let mut last = [0; 32];
        let at = self.end.bytes - last.len() as u64;
        self.file.file.read_exact_at(&mut last, at).map_err(|e| Error::io(&self.path, "read", e))?;
        if last != self.end.chain {
            return Err(self.damaged(at, "other bytes were written over it while it was open"));
        }
        Ok(len)
    }

    /// Refuses a file that no longer stands; what someone appended goes.
    fn as_it_was(&mut self) -> Result<()> {
        if self.stands()? > self.end.bytes {
            self.state = State::MustCut;
        }
        self.ready()
    }

    /// Refuses where nothing may be appended; cuts back what a failed append left behind.
    pub(crate) fn ready(&mut self) -> Result<()> {
        match self.state {
            State::Ready => Ok(()),
            State::Poisoned => Err(self.poisoned()),
            State::ReadOnly => Err(Error::io(&self.path, "append", io::ErrorKind::ReadOnlyFilesystem.into())),
            State::MustCut => {
                self.file.file.set_len(self.end.bytes).map_err(|e| Error::io(&self.path, "cut back", e))?;
                self.or_poison_sync()?;
                self.state = State::Ready;
                // The sync covered all that was written before.
                self.synced = self.end;
                Ok(())
            }
        }
    }

    /// The sync that makes everything written so far durable, to be run anywhere; `None` when all is durable.
    #[must_use]
    pub fn sync_job(&self) -> Option<SyncJob> {
        (self.synced != self.end).then(|| SyncJob { file: self.file.clone(), upto: self.end })
    }

    /// Takes note of a sync that was run.
    ///
    /// # Errors
    /// When it failed: the file is poisoned.
    pub fn note_synced(&mut self, done: Synced) -> Result<()> {
        self.or_poison(done.result)?;
        // A sync of an older generation's file says nothing about this one.
        if done.upto.generation == self.end.generation && done.upto.bytes > self.synced.bytes {
            self.synced = done.upto;
        }
        if self.state == State::Poisoned { Err(self.poisoned()) } else { Ok(()) }
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// When it failed, now or before: the file is poisoned.
    pub fn sync(&mut self) -> Result<Head> {
        if self.state == State::Poisoned {
            return Err(self.poisoned());
        }
        if let Some(job) = self.sync_job() {
            self.note_synced(job.run())?;
        }
        Ok(self.head())
    }

    /// Syncs what is left and lets go of the file.
    ///
    /// # Errors
    /// As [`Log::sync`].
    pub fn close(mut self) -> Result<Head> {
        self.sync()
    }

    /// Decrypts a value into locked memory.
    ///
    /// # Errors
    /// `Damaged` when it does not hold, `Poisoned`, `Io`, `Memory`.
    pub fn read_value(&self, at: &ValueAt) -> Result<Bytes> {
        if self.state == State::Poisoned {
            return Err(self.poisoned());
        }
        let (offset, len) = frame::value_range(at);
        let mut sealed = vec![0; len];
        let read = self.file.file.read_exact_at(&mut sealed, offset);
        match read {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.damaged(at.offset, "a value is cut off"))
            }
            Err(e) => Err(Error::io(&self.path, "read", e)),
            Ok(()) => {
                let Header { file_id, epoch, .. } = &self.header;
                frame::open_value_at(&self.keys, file_id, *epoch, at, &sealed)
                    .map_err(|bad| self.bad_value(at.offset, bad))
            }
        }
    }

    /// Gives the file another name, durably: for a store that is built aside and put into place last.
    ///
    /// # Errors
    /// `Io` when there is such a file already, and as [`Log::sync`].
    pub fn move_to(&mut self, path: &Path) -> Result<()> {
        self.ready()?;
        self.sync()?;
        if self.disk.stat(path).map_err(|e| Error::io(path, "look for", e))?.is_some() {
            return Err(Error::io(path, "create", io::ErrorKind::AlreadyExists.into()));
        }
        self.disk.rename(&self.path, path).map_err(|e| Error::io(path, "rename", e))?;
        self.path = path.to_path_buf();
        self.or_poison_with(sync_folder(&*self.disk, path))
    }

    pub(crate) fn crypt(&self) -> Crypt {
        Crypt::new(&self.keys, &self.header.file_id, self.header.epoch)
    }

    pub(crate) fn here(&self) -> At {
        At(self.path.clone())
    }

    pub(crate) fn poisoned(&self) -> Error {
        Error::Poisoned { at: self.here() }
    }

    pub(crate) fn damaged(&self, offset: u64, what: &'static str) -> Error {
        Error::Damaged { at: self.here(), offset, what }
    }

    pub(crate) fn bad_value(&self, offset: u64, bad: Bad) -> Error {
        match bad {
            Bad::What(what) => self.damaged(offset, what),
            Bad::Memory(e) => Error::Memory(e),
        }
    }

    /// Syncs all of the file, now.
    pub(crate) fn or_poison_sync(&mut self) -> Result<()> {
        self.or_poison(self.file.sync_all())
    }

    pub(crate) fn or_poison(&mut self, result: io::Result<()>) -> Result<()> {
        let result = result.map_err(|e| Error::Io { at: self.here(), doing: "sync", source: e });
        self.or_poison_with(result)
    }

    pub(crate) fn or_poison_with<T>(&mut self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.state = State::Poisoned;
        }
        result
    }
}

const _: () = assert!(HEADER_MAC == CHAIN);
