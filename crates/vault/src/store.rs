//! The store: what it offers.

use crate::types::{Change, NewSecret, OpenReport, PolicyText, Rollback, SealRecord, Settings, SlotChange, VaultInfo, Write};
use crate::{Found, LastLock, Mark, Result, Secret, SecretKey, Segment};
use jiff::Timestamp;
use seal::{Disk, FileId, Head, SlotId, SlotKeys, SlotSpec};
use secret::{Bytes, Key};
use std::io;
use std::path::Path;
use std::sync::Arc;
use words::{Class, Id, SecretRef, VaultName};

/// An unlocked store with its vaults.
pub struct Store {
    _p: (),
}

#[allow(unused_variables, missing_docs, clippy::missing_errors_doc)]
impl Store {
    /// Makes a store with a vault `main`, durable, and opens it. Slot keys are for `file_id` and epoch 1.
    pub fn create(
        disk: Arc<dyn Disk>, dir: &Path, file_id: FileId, slots: &[(SlotSpec, SlotKeys)], settings: &Settings,
        policy_toml: &str, now: Timestamp,
    ) -> Result<Store> { unimplemented!() }
    /// Opens the store with one slot's keys. The caller holds the store's lock.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, slot: &SlotId, keys: &SlotKeys, how: &Rollback, now: Timestamp) -> Result<(Store, OpenReport)> { unimplemented!() }
    pub fn file_id(&self) -> FileId { unimplemented!() }
    pub fn epoch(&self) -> u64 { unimplemented!() }
    pub fn slots(&self) -> Vec<SlotSpec> { unimplemented!() }
    /// K_p of a slot.
    pub fn presence_key(&self, slot: &SlotId) -> Option<&Key> { unimplemented!() }

    // secrets
    pub fn find(&self, what: &SecretRef) -> Result<Found> { unimplemented!() }
    pub fn get(&self, key: &SecretKey) -> Result<Secret> { unimplemented!() }
    pub fn list(&self) -> Result<Vec<Secret>> { unimplemented!() }
    /// The value, in locked memory; `Error::Changed` when `version` isn't the current one.
    pub fn open_value(&self, key: &SecretKey, version: u64) -> Result<Bytes> { unimplemented!() }
    /// write + run + written.
    pub fn change(&mut self, change: Change<'_>, now: Timestamp) -> Result<Secret> { unimplemented!() }
    pub fn add(&mut self, new: NewSecret, value: &Bytes, now: Timestamp) -> Result<Secret> { unimplemented!() }
    pub fn replace(&mut self, key: &SecretKey, value: &Bytes, now: Timestamp) -> Result<Secret> { unimplemented!() }
    pub fn edit(&mut self, key: &SecretKey, class: Class, now: Timestamp) -> Result<Secret> { unimplemented!() }
    pub fn remove(&mut self, key: &SecretKey, now: Timestamp) -> Result<()> { unimplemented!() }
    /// Notes that a value has left; durable with the next sync, within a second.
    pub fn mark_seen(&mut self, key: &SecretKey) -> Result<()> { unimplemented!() }
    /// The same change in three steps, the middle one on another thread.
    pub fn write(&mut self, change: Change<'_>, now: Timestamp) -> Result<Write> { unimplemented!() }
    pub fn written(&mut self, write: Write, result: io::Result<()>) -> Result<Secret> { unimplemented!() }

    // vaults
    pub fn vault_create(&mut self, name: &VaultName, now: Timestamp) -> Result<()> { unimplemented!() }
    pub fn vaults(&self) -> Vec<VaultInfo> { unimplemented!() }

    // policy, settings, seals: durable when they return
    pub fn policy(&self) -> Result<PolicyText> { unimplemented!() }
    pub fn set_policy(&mut self, toml: &str, now: Timestamp) -> Result<()> { unimplemented!() }
    pub fn settings(&self) -> Result<Settings> { unimplemented!() }
    pub fn set_settings(&mut self, settings: &Settings) -> Result<()> { unimplemented!() }
    pub fn seals(&self) -> Result<Vec<SealRecord>> { unimplemented!() }
    pub fn put_seal(&mut self, seal: &SealRecord) -> Result<()> { unimplemented!() }
    pub fn remove_seal(&mut self, id: &Id) -> Result<bool> { unimplemented!() }

    // the trail's side: audit::Segments is these, one to one
    pub fn segments(&self) -> Result<Vec<Segment>> { unimplemented!() }
    pub fn segment_kek(&self, number: u64) -> Result<Key> { unimplemented!() }
    pub fn plan_segment(&mut self, at_least: u64) -> Result<u64> { unimplemented!() }
    pub fn switch_segment(&mut self, settled: &[Segment], open: u64, head: Head) -> Result<()> { unimplemented!() }
    pub fn expected_head(&self, file: &FileId) -> Option<Head> { unimplemented!() }
    pub fn set_trail_head(&mut self, head: Head) -> Result<()> { unimplemented!() }
    pub fn mark(&self) -> Mark { unimplemented!() }
    pub fn check_mark(&self, mark: &Mark) -> Result<()> { unimplemented!() }
    pub fn wants_new_segment(&self) -> bool { unimplemented!() }

    // time
    /// Counts a release; every 64th writes a checkpoint.
    pub fn count_release(&mut self) -> Result<()> { unimplemented!() }
    /// Call it once a second: syncs what waits (seen marks, heads), writes a checkpoint after 10 minutes of activity, compacts.
    pub fn tick(&mut self, boot_ms: u64) -> Result<()> { unimplemented!() }
    /// Syncs the heads.
    pub fn sync_heads(&mut self) -> Result<()> { unimplemented!() }
    /// The last checkpoint and the line about it; call it after the trail's last entry was synced. Then drop the store.
    pub fn lock(&mut self, entries: u64, now: Timestamp) -> Result<LastLock> { unimplemented!() }
    pub fn last_lock(&self) -> Result<Option<LastLock>> { unimplemented!() }

    /// New slots, a new epoch, new keys for every vault. Afterwards begin a new segment of the trail.
    pub fn change_slots(&mut self, slots: &[(SlotSpec, SlotKeys)], now: Timestamp) -> Result<SlotChange> { unimplemented!() }
}
