//! The store in memory: its records, its vaults, its heads, and the one way in which a change of it becomes durable.

use crate::error::{Error, Result, Shut};
use crate::mark::Mark;
use crate::record::{self, Checkpoint, Rotation, VaultRecord, bad, kind, only};
use crate::vault::Vault;
use crate::{LastLock, keys};
use jiff::Timestamp;
use seal::{Change, Disk, FileId, Head, HeadsFile, RecordId, SlotId, SlotSpec, Table};
use secret::Key;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::VaultName;

/// An unlocked store with its vaults. Who has it holds the store's lock.
pub struct Store {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) table: Table,
    pub(crate) heads: HeadsFile,
    pub(crate) vaults: BTreeMap<VaultName, Slotted>,
    /// K_p of each slot.
    pub(crate) presence: Vec<(SlotId, Key)>,
    pub(crate) era: u64,
    pub(crate) pace: Pace,
}

/// A vault in its place: open, or shut and why.
pub(crate) struct Slotted {
    pub(crate) file: FileId,
    pub(crate) state: Result<Vault, Shut>,
}

/// When the next checkpoint is due.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Releases since the last one.
    pub(crate) releases: u32,
    /// Whether anything has happened since.
    pub(crate) active: bool,
    /// Changes of vaults since the store was opened.
    pub(crate) changes: u64,
    /// When it was, in milliseconds since boot; none: before the first tick.
    pub(crate) since: Option<u64>,
    /// Not before this time is it looked for files that are mostly garbage.
    pub(crate) compact_after: u64,
}

impl Store {
    /// The file of a store.
    #[must_use]
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("store.svault")
    }

    pub(crate) fn heads_path(dir: &Path) -> PathBuf {
        dir.join("state").join("heads")
    }

    /// Whether there is a store in this folder.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn exists(disk: &dyn Disk, dir: &Path) -> Result<bool> {
        let path = Self::path(dir);
        Ok(disk.stat(&path).map_err(|e| seal::Error::io(&path, "look for", e))?.is_some())
    }

    /// How often a vault may have been changed since the store was opened: another number, another look at the list.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.pace.changes
    }

    /// The id of its file.
    #[must_use]
    pub fn file_id(&self) -> FileId {
        self.table.log().header().file_id
    }

    /// The epoch of its root key.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.table.log().header().epoch
    }

    /// Its slots.
    #[must_use]
    pub fn slots(&self) -> Vec<SlotSpec> {
        self.table.log().header().slots.iter().map(|slot| slot.spec.clone()).collect()
    }

    /// K_p of a slot.
    #[must_use]
    pub fn presence_key(&self, slot: &SlotId) -> Option<&Key> {
        self.presence.iter().find_map(|(id, key)| (id == slot).then_some(key))
    }

    /// Whether a failed sync, of it or of `state/heads`, has made it useless until it is opened anew.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.table.log().is_poisoned() || self.heads.is_poisoned()
    }

    /// How far the store is: for what is written outside of it.
    ///
    /// # Errors
    /// When it is poisoned.
    pub fn mark(&self) -> Result<Mark> {
        if self.is_poisoned() {
            return Err(seal::Error::Poisoned { at: seal::At(Self::path(&self.dir)) }.into());
        }
        Ok(mark_at(self.era, &self.table.log().head()))
    }

    /// Whether the store has been where a mark was made.
    ///
    /// # Errors
    /// `StoreBehind` when it has not, so was taken back.
    pub fn check_mark(&self, mark: &Mark, witness: &str) -> Result<()> {
        if *mark <= self.mark()? {
            return Ok(());
        }
        Err(Error::StoreBehind { path: Self::path(&self.dir), witness: witness.into() })
    }

    /// How it was when it was last locked; none: never.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn last_lock(&self) -> Result<Option<LastLock>> {
        let Some(row) = self.table.get(&only(kind::LAST_LOCK)) else { return Ok(None) };
        LastLock::decode(row.body).map(Some).ok_or_else(|| self.bad("the last lock"))
    }

    pub(crate) fn bad(&self, what: &'static str) -> Error {
        bad(&Self::path(&self.dir), what)
    }

    /// One transaction of the store, durable, and its head in `state/heads`, not synced. An error: it is not there, or
    /// nothing more is taken until the store is opened anew.
    pub(crate) fn commit(&mut self, changes: &[Change<'_>]) -> Result<()> {
        self.mark()?;
        self.table.commit(changes)?;
        let head = self.table.sync()?;
        self.follows(head)
    }

    /// The same with a checkpoint of all heads.
    pub(crate) fn commit_with_checkpoint(&mut self, changes: &[Change<'_>]) -> Result<()> {
        let body = self.checkpoint_body(None);
        let mut all = changes.to_vec();
        all.push(checkpoint(&body));
        self.commit(&all)?;
        self.checkpointed();
        Ok(())
    }

    /// All heads as they are; with another one for the trail, where that is given (and the one it replaces).
    pub(crate) fn checkpoint_body(&self, trail: Option<(Option<FileId>, Head)>) -> Vec<u8> {
        let mut heads: Vec<Head> = self.heads.iter().copied().collect();
        if let Some((old, new)) = trail {
            heads.retain(|head| Some(head.file_id()) != old && head.file_id() != new.file_id());
            heads.push(new);
        }
        Checkpoint { heads }.encode()
    }

    pub(crate) fn checkpointed(&mut self) {
        let Pace { compact_after, changes, .. } = self.pace;
        self.pace = Pace { compact_after, changes, ..Pace::default() };
    }

    pub(crate) fn rotation(&self) -> Result<Rotation> {
        let Some(row) = self.table.get(&only(kind::ROTATION)) else { return Ok(Rotation::default()) };
        Rotation::decode(row.body).ok_or_else(|| self.bad("a change of slots"))
    }

    /// A vault that is open.
    pub(crate) fn vault(&self, name: &VaultName) -> Result<&Vault> {
        let slotted = self.vaults.get(name).ok_or_else(|| Error::NoVault(name.clone()))?;
        slotted.state.as_ref().map_err(|why| shut(name, &why.why))
    }

    pub(crate) fn vault_mut(&mut self, name: &VaultName) -> Result<&mut Vault> {
        self.pace.changes += 1;
        let slotted = self.vaults.get_mut(name).ok_or_else(|| Error::NoVault(name.clone()))?;
        slotted.state.as_mut().map_err(|why| shut(name, &why.why))
    }
}

fn shut(name: &VaultName, why: &str) -> Error {
    Error::VaultShut { name: name.clone(), why: why.into() }
}

/// The mark of a store in an era with a head.
pub(crate) fn mark_at(era: u64, head: &Head) -> Mark {
    let place = head.place();
    Mark { era, generation: place.generation, frames: place.frames }
}

/// The change that writes a checkpoint.
pub(crate) fn checkpoint(body: &[u8]) -> Change<'_> {
    Change::Put { kind: kind::CHECKPOINT, record: only(kind::CHECKPOINT), body, value: None }
}

/// A file's records, whether they may be believed already or not.
pub(crate) trait Records {
    fn body(&self, record: &RecordId) -> Option<&[u8]>;
    fn bodies(&self, kind: u8) -> Vec<(RecordId, &[u8])>;
    fn value(&self, record: &RecordId) -> seal::Result<Option<secret::Bytes>>;

    /// A key that is a record's value.
    fn key(&self, store: &Path, record: &RecordId, what: &'static str) -> Result<Key> {
        let value = self.value(record)?.ok_or_else(|| bad(store, what))?;
        keys::from_value(&value).ok_or_else(|| bad(store, what))?
    }

    /// All vaults, in no order.
    fn vault_records(&self, store: &Path) -> Result<Vec<VaultRecord>> {
        let read = |(_, body)| VaultRecord::decode(body).ok_or_else(|| bad(store, "a vault"));
        self.bodies(kind::VAULT).into_iter().map(read).collect()
    }

    /// All segments of the trail, ascending.
    fn segments(&self, store: &Path) -> Result<Vec<record::Segment>> {
        let read =
            |(_, body)| record::Segment::decode(body).ok_or_else(|| bad(store, "a segment of the trail"));
        let mut all = self.bodies(kind::SEGMENT).into_iter().map(read).collect::<Result<Vec<_>>>()?;
        all.sort_by_key(|segment| segment.number);
        Ok(all)
    }

    /// The heads of the last checkpoint.
    fn checkpoint(&self, store: &Path) -> Result<Vec<Head>> {
        let Some(body) = self.body(&only(kind::CHECKPOINT)) else { return Ok(Vec::new()) };
        Ok(Checkpoint::decode(body).ok_or_else(|| bad(store, "a checkpoint"))?.heads)
    }

    /// How many rollbacks were accepted.
    fn era(&self, store: &Path) -> Result<u64> {
        let Some(body) = self.body(&only(kind::ERA)) else { return Ok(0) };
        let era = body.try_into().map_err(|_| bad(store, "the era"))?;
        Ok(u64::from_le_bytes(era))
    }
}

macro_rules! records {
    ($type:ty) => {
        impl Records for $type {
            fn body(&self, record: &RecordId) -> Option<&[u8]> {
                self.get(record).map(|row| row.body)
            }
            fn bodies(&self, kind: u8) -> Vec<(RecordId, &[u8])> {
                self.iter(kind).map(|row| (row.record, row.body)).collect()
            }
            fn value(&self, record: &RecordId) -> seal::Result<Option<secret::Bytes>> {
                self.value(record)
            }
        }
    };
}
records!(Table);
records!(seal::TableOpening);

/// Milliseconds since 1970 as seconds, for headers.
pub(crate) fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or_default()
}
