//! `state/heads`: the small file that remembers across runs how far each file of a store had come.
//!
//! It has two slots, at byte 0 and at byte 81,920; each is written whole, in turn, so a torn write of one
//! leaves the other valid. A slot:
//!
//! ```text
//! "SVHEADS" 0x01  slot_len u32 (multiple of 4,096, at most 81,920)  count u32  sequence u64  store file_id 16
//! count * (file_id 16  epoch u64  generation u64  frames u64  bytes u64  chain 32), ascending by file_id
//! zeros  HMAC-SHA-256(K_heads, "svault/1/heads" | all of the slot before the MAC) 32
//! ```
//!
//! The valid slot with the higher sequence counts.

use crate::codec::{Reader, Write};
use crate::disk::{Disk, File, Open};
use crate::error::{At, Error, Result};
use crate::guard::Guarded;
use crate::hash;
use crate::head::{HEAD_LEN, Head};
use crate::ids::FileId;
use crate::temp::{Temp, sync_folder};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many heads fit: the store, 1,000 vaults and the open trail segment.
pub const MAX_HEADS: usize = 1_002;

const MAGIC: &[u8; 8] = b"SVHEADS\x01";
const STEP: usize = 4096;
const MAX_SLOT: usize = 20 * STEP;
const FIXED: usize = 40;
const MAC_LEN: usize = 32;
const LABEL: &[u8] = b"svault/1/heads";

/// `state/heads`, open.
///
/// Between two syncs every write goes to the same slot, so that the other one stays whole on the disk.
pub struct HeadsFile {
    file: Arc<Guarded>,
    path: PathBuf,
    store: FileId,
    key: secret::Key,
    heads: BTreeMap<FileId, Head>,
    sequence: u64,
    /// The slot that holds what was last synced, and must not be touched before the next sync.
    safe: usize,
    changed: bool,
    written: bool,
    poisoned: bool,
}

/// A sync that may run on another thread while the heads go on changing.
pub struct HeadsSync {
    file: Arc<Guarded>,
    sequence: u64,
}

impl HeadsSync {
    /// Waits for the disk.
    ///
    /// # Errors
    /// What the system says; hand it to [`HeadsFile::synced`] in any case.
    pub fn run(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl HeadsFile {
    /// Makes the file anew with these heads, durable, in place of what was there.
    ///
    /// # Errors
    /// `Io`, `Full`, `Heads` for too many.
    pub fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        store: FileId,
        key: secret::Key,
        heads: &[Head],
    ) -> Result<Self> {
        if heads.len() > MAX_HEADS {
            return Err(too_many(path));
        }
        let heads: BTreeMap<FileId, Head> = heads.iter().map(|head| (head.file_id, *head)).collect();
        let temp = Temp::create(disk, path)?;
        for slot in 0..2 {
            let bytes = render(&heads, 1 + slot, store, &key);
            temp.write(&bytes, slot * MAX_SLOT as u64)?;
        }
        let file = Guarded::new(temp.into_place()?);
        sync_folder(&**disk, path)?;
        let path = path.to_path_buf();
        let (changed, written, poisoned) = (false, false, false);
        Ok(Self { file, path, store, key, heads, sequence: 2, safe: 1, changed, written, poisoned })
    }

    /// Opens the file and checks it.
    ///
    /// # Errors
    /// `Missing`; `Heads` when neither slot holds (then the store's checkpoints are the heads, and it takes a
    /// human); `Io`.
    pub fn open(disk: &dyn Disk, path: &Path, store: FileId, key: secret::Key) -> Result<Self> {
        let io = |doing| move |e| Error::io(path, doing, e);
        let file = disk.open(path, Open::Write).map_err(io("open"))?;
        if file.len().map_err(io("read"))? > 2 * MAX_SLOT as u64 {
            return Err(Error::Heads { at: At(path.to_path_buf()), what: "the heads file is too long" });
        }
        let mut newest: Option<(usize, Vec<u8>, Slot)> = None;
        for slot in 0..2 {
            let Some(bytes) = read_slot(&*file, slot).map_err(io("read"))? else { continue };
            let Some(found) = parse(&bytes, store, &key) else { continue };
            if newest.as_ref().is_none_or(|(.., other)| found.sequence > other.sequence) {
                newest = Some((slot, bytes, found));
            }
        }
        let Some((safe, bytes, Slot { sequence, heads })) = newest else {
            let what = "the heads file has been altered or belongs to another store";
            return Err(Error::Heads { at: At(path.to_path_buf()), what });
        };
        // What was read may have been in the cache only, even after a sync that failed. It is written once more, and
        // synced, as the next write needs one slot that is safe.
        file.write_at(&bytes, (safe * MAX_SLOT) as u64).map_err(io("write"))?;
        file.sync_data().map_err(io("sync"))?;
        let (file, path) = (Guarded::new(file), path.to_path_buf());
        let (changed, written, poisoned) = (false, false, false);
        Ok(Self { file, path, store, key, heads, sequence, safe, changed, written, poisoned })
    }

    /// The head of a file.
    #[must_use]
    pub fn get(&self, file: &FileId) -> Option<&Head> {
        self.heads.get(file)
    }

    /// All heads.
    pub fn iter(&self) -> impl Iterator<Item = &Head> {
        self.heads.values()
    }

    /// Takes in a head, for the next write.
    ///
    /// # Errors
    /// `Heads` when there is no room for another file.
    pub fn set(&mut self, head: Head) -> Result<()> {
        if self.heads.len() >= MAX_HEADS && !self.heads.contains_key(&head.file_id) {
            return Err(too_many(&self.path));
        }
        self.changed |= self.heads.insert(head.file_id, head) != Some(head);
        Ok(())
    }

    /// Forgets a file, from the next write on.
    pub fn remove(&mut self, file: &FileId) {
        self.changed |= self.heads.remove(file).is_some();
    }

    /// Writes the heads, if they changed. Not durable until the next sync.
    ///
    /// # Errors
    /// `Poisoned` after a failed sync; `Io`, `Full`.
    pub fn write(&mut self) -> Result<()> {
        self.usable()?;
        if self.changed {
            self.write_slot()?;
        }
        Ok(())
    }

    /// Writes what changed and waits until all of it is durable.
    ///
    /// # Errors
    /// As [`HeadsFile::write`]; a failed sync poisons the file.
    pub fn sync(&mut self) -> Result<()> {
        match self.begin_sync()? {
            Some(job) => {
                let result = job.run();
                self.synced(&job, result).map(|_| ())
            }
            None => Ok(()),
        }
    }

    /// The same heads in both slots, durable: at lock, so that nothing older is left beside them.
    ///
    /// # Errors
    /// As [`HeadsFile::sync`].
    pub fn write_both(&mut self) -> Result<()> {
        self.usable()?;
        for _ in 0..2 {
            self.write_slot()?;
            self.sync()?;
        }
        Ok(())
    }

    /// Writes what changed and returns the sync that makes it durable; `None` when there is nothing to do.
    ///
    /// # Errors
    /// As [`HeadsFile::write`].
    pub fn begin_sync(&mut self) -> Result<Option<HeadsSync>> {
        self.write()?;
        Ok(self.written.then(|| HeadsSync { file: Arc::clone(&self.file), sequence: self.sequence }))
    }

    /// Takes the result of a sync. `false`: heads were written meanwhile, so one more sync is needed.
    ///
    /// # Errors
    /// `Io` when the sync failed; the file is poisoned then.
    pub fn synced(&mut self, job: &HeadsSync, result: io::Result<()>) -> Result<bool> {
        if let Err(e) = result {
            self.poisoned = true;
            return Err(Error::io(&self.path, "sync", e));
        }
        let settled = job.sequence == self.sequence;
        if settled && self.written {
            self.safe = 1 - self.safe;
            self.written = false;
        }
        Ok(settled && !self.changed)
    }

    /// Whether a failed sync has made it useless until it is opened anew.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    fn usable(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned { at: At(self.path.clone()) }) } else { Ok(()) }
    }

    fn write_slot(&mut self) -> Result<()> {
        let sequence = self.sequence + 1;
        let bytes = render(&self.heads, sequence, self.store, &self.key);
        let slot = 1 - self.safe;
        self.written = true;
        self.changed = true;
        // Also where it fails half-way: a sync that is under way must not take that slot for a safe one.
        self.sequence = sequence;
        self.file
            .file
            .write_at(&bytes, (slot * MAX_SLOT) as u64)
            .map_err(|e| Error::io(&self.path, "write", e))?;
        self.changed = false;
        Ok(())
    }
}

fn too_many(path: &Path) -> Error {
    Error::Heads { at: At(path.to_path_buf()), what: "a store may have 1,000 vaults" }
}

fn render(heads: &BTreeMap<FileId, Head>, sequence: u64, store: FileId, key: &secret::Key) -> Vec<u8> {
    let len = (FIXED + heads.len() * HEAD_LEN + MAC_LEN).next_multiple_of(STEP);
    let mut out = Vec::with_capacity(len);
    out.put(MAGIC).put_u32(len as u32).put_u32(heads.len() as u32).put_u64(sequence).put(&store.0);
    for head in heads.values() {
        out.put(&head.encode());
    }
    out.put(&[0; STEP][..len - MAC_LEN - out.len()]);
    let tag = hash::mac(key, &[LABEL, &out]);
    out.put(&tag);
    out
}

/// The bytes of a slot; `None` when there is no whole one.
fn read_slot(file: &dyn File, slot: usize) -> io::Result<Option<Vec<u8>>> {
    let start = (slot * MAX_SLOT) as u64;
    let mut front = [0; 12];
    if !filled(file.read_exact_at(&mut front, start))? {
        return Ok(None);
    }
    let mut r = Reader::new(&front);
    let magic = r.array::<8>().ok();
    let len = r.u32().unwrap_or(0) as usize;
    if magic.as_ref() != Some(MAGIC) || len == 0 || !len.is_multiple_of(STEP) || len > MAX_SLOT {
        return Ok(None);
    }
    let mut bytes = vec![0; len];
    Ok(filled(file.read_exact_at(&mut bytes, start))?.then_some(bytes))
}

fn filled(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| true),
    }
}

/// What a slot says.
struct Slot {
    sequence: u64,
    heads: BTreeMap<FileId, Head>,
}

/// Reads a slot; `None` unless every rule holds.
fn parse(bytes: &[u8], store: FileId, key: &secret::Key) -> Option<Slot> {
    let (body, tag) = bytes.split_last_chunk::<MAC_LEN>()?;
    if !hash::same(&hash::mac(key, &[LABEL, body]), tag) {
        return None;
    }
    let mut r = Reader::new(body);
    r.bytes(12).ok()?;
    let count = r.u32().ok()? as usize;
    let sequence = r.u64().ok()?;
    if r.array().ok()? != store.0 || count > MAX_HEADS {
        return None;
    }
    let mut heads = BTreeMap::new();
    for _ in 0..count {
        let head = Head::decode(r.bytes(HEAD_LEN).ok()?).ok()?;
        if heads.last_key_value().is_some_and(|(last, _)| *last >= head.file_id) {
            return None;
        }
        heads.insert(head.file_id, head);
    }
    r.rest().chunks(STEP).all(|rest| *rest == [0; STEP][..rest.len()]).then_some(Slot { sequence, heads })
}

#[cfg(test)]
mod tests;
