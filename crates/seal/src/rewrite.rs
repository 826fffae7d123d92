//! A new generation of a file: always a rewrite beside it and a rename, never an edit in place.

use crate::{
    codec::Write,
    error::{Error, Result},
    frame::{Crypt, MAX_FILE},
    guard::Guarded,
    head::Head,
    header::Header,
    keys::{FileKeys, Root},
    log::{Log, Position},
    meta::{Meta, New, ValueAt},
    slot::Slot,
    temp::{Temp, sync_folder},
};
use secret::Bytes;

/// What the next generation is.
pub struct Next {
    /// A new root key and its epoch, greater than the last; `None` keeps both.
    pub root: Option<(Root, u64)>,
    /// Seconds since 1970.
    pub created: u64,
    /// The slots, sealed for the epoch that the new generation has.
    pub slots: Vec<Slot>,
}

/// One record of the next generation.
#[derive(Clone, Copy)]
pub struct Live<'a> {
    /// Its frame; the version may be any: it becomes the record's base.
    pub meta: Meta<'a>,
    /// Its value.
    pub value: Source<'a>,
}

/// Where a record's value comes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// It has none.
    None,
    /// The file as it is.
    Kept(ValueAt),
    /// Here.
    New(&'a [u8]),
}

/// How much is written at once.
const CHUNK: usize = 1 << 20;

impl Log {
    /// Rewrites the file as its next generation, in the order that survives a crash anywhere: sync the old file → heads
    /// → temporary file → fsync → rename → fsync of the folder → heads. `save_heads` writes **and syncs** the heads
    /// with the head it is given. All records are one transaction. Returns where each record's value is now, in order.
    ///
    /// # Errors
    /// Before the rename, the file is as it was and works on; after it, an error poisons the log.
    pub fn rewrite<'a>(
        &mut self,
        next: Next,
        live: impl IntoIterator<Item = Live<'a>>,
        save_heads: &mut dyn FnMut(&Head) -> Result<()>,
    ) -> Result<Vec<Option<ValueAt>>> {
        self.ready()?;
        let (root, epoch) = match next.root {
            Some((_, epoch)) if epoch <= self.header.epoch => {
                return Err(Error::bounds("an epoch must be greater than the last").at(&self.path));
            }
            Some((root, epoch)) => (Some(root), epoch),
            None => (None, self.header.epoch),
        };
        let head = self.sync()?;
        save_heads(&head)?;
        let header = Header {
            epoch,
            generation: self.header.generation + 1,
            created: next.created,
            parent_chain: self.end.chain,
            slots: next.slots,
            ..self.header.clone()
        };
        let keys = root.as_ref().unwrap_or(&self.root).file_keys(&header.file_id, epoch)?;
        let mut writing = Writing::begin(self, &header, &keys)?;
        live.into_iter().try_for_each(|record| writing.record(self, record))?;
        let (temp, start, end, values) = writing.end(self)?;
        self.file = Guarded::new(temp.into_place()?);
        (self.header, self.keys, self.header_end) = (header, keys, start);
        if let Some(root) = root {
            self.root = root;
        }
        (self.end, self.synced) = (end, end);
        self.or_poison_with(sync_folder(&*self.disk, &self.path))?;
        self.or_poison_with(save_heads(&self.head()))?;
        Ok(values)
    }
}

/// A generation being written.
struct Writing {
    temp: Temp,
    crypt: Crypt,
    start: Position,
    /// After the frames that are sealed.
    end: Position,
    /// Sealed and not yet written.
    bytes: Vec<u8>,
    written: u64,
    values: Vec<Option<ValueAt>>,
    /// The last record: only when nothing follows it is its transaction complete.
    last: Option<Held>,
}

/// A record that waits for the next one.
struct Held {
    meta: Vec<u8>,
    value: Option<Bytes>,
}

impl Writing {
    fn begin(log: &Log, header: &Header, keys: &FileKeys) -> Result<Self> {
        let sealed = header.encode(keys).map_err(|e| e.at(&log.path))?;
        let temp = Temp::create(&log.disk, &log.path)?;
        let mut bytes = sealed.bytes;
        bytes.put(&sealed.mac);
        let start = Position {
            generation: header.generation,
            frames: 0,
            bytes: bytes.len() as u64,
            chain: sealed.mac,
        };
        let crypt = Crypt::new(keys, &header.file_id, header.epoch);
        Ok(Self { temp, crypt, start, end: start, bytes, written: 0, values: Vec::new(), last: None })
    }

    fn record(&mut self, log: &mut Log, record: Live<'_>) -> Result<()> {
        let value = match record.value {
            Source::None => None,
            Source::Kept(at) => Some(log.read_value(&at)?),
            Source::New(bytes) => Some(Bytes::copy_from(bytes)?),
        };
        self.flush_last(log, 0)?;
        let mut meta = Vec::with_capacity(crate::meta::padded_meta(record.meta.encoded_len()));
        record.meta.encode_padded(&mut meta);
        self.last = Some(Held { meta, value });
        Ok(())
    }

    fn flush_last(&mut self, log: &mut Log, tx_count: u32) -> Result<()> {
        let Some(Held { meta, value }) = self.last.take() else { return Ok(()) };
        let meta = Meta::decode_padded(&meta).ok_or_else(|| Error::bounds("a meta's encoding"))?;
        let new = New { meta, value: value.as_ref().map(Bytes::expose) };
        let placed = self
            .crypt
            .seal(&self.end.chain, &new, tx_count, self.written, &mut *log.random, &mut self.bytes)
            .map_err(|e| e.at(&log.path))?;
        self.values.push(placed.value_at);
        self.end.chain = placed.chain;
        self.end.frames += 1;
        self.end.bytes = self.written + self.bytes.len() as u64;
        if self.end.bytes > MAX_FILE {
            return Err(Error::TooBig { at: log.here(), what: "one file may have 4 GiB" });
        }
        if self.bytes.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        self.temp.write(&self.bytes, self.written)?;
        self.written += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }

    fn end(mut self, log: &mut Log) -> Result<(Temp, Position, Position, Vec<Option<ValueAt>>)> {
        let count = u32::try_from(self.end.frames + 1).map_err(|_| Error::bounds("too many entries"))?;
        self.flush_last(log, count)?;
        self.write()?;
        Ok((self.temp, self.start, self.end, self.values))
    }
}
