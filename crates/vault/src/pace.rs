//! When things are made safe: heads after each write, checkpoints now and then, everything at lock.

use crate::LastLock;
use crate::error::Result;
use crate::record::{kind, only};
use crate::settle::unless_full;
use crate::store::{Store, checkpoint, seconds};
use jiff::Timestamp;
use seal::{Change, Head, HeadsSync, Next};
use std::io;
use words::VaultName;

/// Releases between two checkpoints.
const RELEASES: u32 = 64;
/// Milliseconds of activity between two checkpoints.
const INTERVAL: u64 = 10 * 60 * 1000;
/// A file is rewritten when more of it than this, and more than half of it, is garbage.
const GARBAGE: u64 = 1 << 20;

impl Store {
    /// A file's head moves on: written to `state/heads`, not synced.
    pub(crate) fn named(&mut self, head: Head) -> Result<()> {
        self.pace.active = true;
        self.heads.set(head)?;
        Ok(self.heads.write()?)
    }

    /// The same for what is durable already, and so is done whether or not the heads have room: they are written again
    /// with the next [`Store::tick`], which says so where they can't be.
    pub(crate) fn follows(&mut self, head: Head) -> Result<()> {
        self.pace.active = true;
        self.heads.set(head)?;
        match self.heads.write() {
            Err(e) if self.heads.is_poisoned() => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// Counts a release that was recorded; every 64th writes a checkpoint, and costs a sync of the store.
    ///
    /// # Errors
    /// Whatever keeps the checkpoint from being written.
    pub fn count_release(&mut self) -> Result<()> {
        self.pace.releases += 1;
        if self.pace.releases < RELEASES { Ok(()) } else { self.checkpoint() }
    }

    /// Writes a checkpoint of all heads, durable.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.commit_with_checkpoint(&[])
    }

    /// Syncs the heads, if they changed.
    ///
    /// # Errors
    /// When the sync fails: the store takes nothing more.
    pub fn sync_heads(&mut self) -> Result<()> {
        Ok(self.heads.sync()?)
    }

    /// The same in two steps, for a sync on another thread: hand the job and its result to [`Store::heads_synced`].
    ///
    /// # Errors
    /// When the heads can't be written.
    pub fn heads_job(&mut self) -> Result<Option<HeadsSync>> {
        Ok(self.heads.begin_sync()?)
    }

    /// Takes the result of a sync of the heads.
    ///
    /// # Errors
    /// When the sync failed: the store takes nothing more.
    pub fn heads_synced(&mut self, job: &HeadsSync, result: io::Result<()>) -> Result<()> {
        self.heads.synced(job, result)?;
        Ok(())
    }

    /// To be called once a second, with the milliseconds since boot: syncs marks of values seen and the heads, writes a
    /// checkpoint after ten minutes with activity, and now and then rewrites a file that is mostly garbage. What a full
    /// disk does not allow is left for later.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn tick(&mut self, boot_ms: u64, now: Timestamp) -> Result<()> {
        self.sync_seen()?;
        self.sync_heads()?;
        let since = *self.pace.since.get_or_insert(boot_ms);
        if !self.pace.active {
            self.pace.since = Some(boot_ms);
        } else if boot_ms.saturating_sub(since) >= INTERVAL {
            self.pace.since = Some(boot_ms);
            unless_full(self.checkpoint())?;
        }
        if boot_ms < self.pace.compact_after {
            return Ok(());
        }
        self.pace.compact_after = boot_ms.saturating_add(INTERVAL);
        let compacted = self.compact_one(now);
        if matches!(compacted, Ok(true)) {
            self.pace.compact_after = boot_ms;
        }
        unless_full(compacted.map(|_| ()))
    }

    /// The last checkpoint and the line about it, and everything synced. Call it when the trail's last entry is durable,
    /// then drop the store.
    ///
    /// # Errors
    /// Whatever keeps it from being written; the store can be dropped all the same.
    pub fn lock(&mut self, entries: u64, now: Timestamp) -> Result<LastLock> {
        self.sync_seen()?;
        let points = self.checkpoint_body(None);
        let line = LastLock::new(now, entries, self.policy()?.changed, &points);
        let body = line.encode();
        let record = only(kind::LAST_LOCK);
        self.commit(&[
            Change::Put { kind: kind::LAST_LOCK, record, body: &body, value: None },
            checkpoint(&points),
        ])?;
        self.checkpointed();
        self.heads.write_both()?;
        Ok(line)
    }

    fn sync_seen(&mut self) -> Result<()> {
        let mut heads = Vec::new();
        for slotted in self.vaults.values_mut() {
            if let Ok(vault) = &mut slotted.state
                && vault.dirty
            {
                heads.push(vault.table.sync()?);
                vault.dirty = false;
            }
        }
        heads.into_iter().try_for_each(|head| self.named(head))
    }

    /// Whether there was one to be compacted.
    fn compact_one(&mut self, now: Timestamp) -> Result<bool> {
        if self.is_mostly_garbage(&self.table) {
            return self.compact_store(now).map(|()| true);
        }
        let mostly =
            |name: &&VaultName| self.vault(name).is_ok_and(|vault| self.is_mostly_garbage(&vault.table));
        match self.vaults.keys().find(mostly).cloned() {
            Some(name) => self.compact_vault(&name, now).map(|()| true),
            None => Ok(false),
        }
    }

    fn is_mostly_garbage(&self, table: &seal::Table) -> bool {
        let garbage = table.garbage();
        garbage > GARBAGE && garbage > table.log().end().bytes() / 2
    }

    /// Rewrites the store without its history.
    pub(crate) fn compact_store(&mut self, now: Timestamp) -> Result<()> {
        let slots = self.table.log().header().slots.clone();
        let heads = &mut self.heads;
        self.table.rewrite(Next { root: None, created: seconds(now), slots }, &[], &mut |head| {
            heads.set(*head)?;
            heads.sync()
        })?;
        self.checkpoint()
    }
}
