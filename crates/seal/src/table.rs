//! Records by their id, over a log: the index that is built when a file is opened and kept while it is written.
//! The rules of versions are in `index.rs`.

use crate::{
    disk::Disk,
    error::{At, Error, Result},
    head::Head,
    header::Header,
    ids::RecordId,
    index::{Index, Known},
    keys::Root,
    log::{Log, Position, SyncJob, Synced},
    meta::{Meta, New, Op},
    open::{HeadRule, Opened, Opening},
    rewrite::Next,
    slot::{Slot, SlotKeys, SlotSpec},
};
use secret::Bytes;
use std::{collections::HashMap, path::Path, sync::Arc};

/// One record as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Which record.
    pub record: RecordId,
    /// Its kind.
    pub kind: u8,
    /// Its version: one more at each change; a new generation keeps it.
    pub version: u64,
    /// The version at which its value was written; a new generation makes it the same as `version`.
    pub value_version: u64,
    /// What is read at unlock.
    pub body: &'a [u8],
    /// Whether it has a value.
    pub has_value: bool,
}

/// A change of one record. The table finds the version.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// A new record, or a new body and value for one that exists.
    Put {
        /// Its kind; that of an existing record can't change.
        kind: u8,
        /// Which record.
        record: RecordId,
        /// What is read at unlock.
        body: &'a [u8],
        /// What stays ciphertext until asked for.
        value: Option<&'a [u8]>,
    },
    /// A new body for a record that exists; its value stays.
    Meta {
        /// Which record.
        record: RecordId,
        /// The new body.
        body: &'a [u8],
    },
    /// A record that exists goes.
    Remove {
        /// Which record.
        record: RecordId,
    },
}

impl<'a> Change<'a> {
    /// The record it is about.
    #[must_use]
    pub fn record(&self) -> RecordId {
        match self {
            Self::Put { record, .. } | Self::Meta { record, .. } | Self::Remove { record } => *record,
        }
    }

    /// The new body, where there is one.
    fn body(&self) -> Option<(RecordId, &'a [u8])> {
        match *self {
            Self::Put { record, body, .. } | Self::Meta { record, body } => Some((record, body)),
            Self::Remove { .. } => None,
        }
    }

    /// The frame that it becomes.
    pub(crate) fn plan(&self, known: Option<Known>) -> Result<New<'a>, &'static str> {
        let last = known.map_or(0, |known| known.version);
        let version = last.checked_add(1).ok_or("a record can't change any more")?;
        let there = known.filter(|known| known.alive).ok_or("there is no such record");
        let (op, kind, record, body, value): (_, _, _, &[u8], _) = match *self {
            Self::Put { kind, record, body, value } => (Op::Put, kind, record, body, value),
            Self::Meta { record, body } => {
                let Known { kind, value_version, .. } = there?;
                (Op::Meta { names_version: value_version }, kind, record, body, None)
            }
            Self::Remove { record } => (Op::Remove, there?.kind, record, &[], None),
        };
        Ok(New { meta: Meta { op, kind, record, version, body }, value })
    }
}

/// A file's records. Bodies are in memory, values are read when asked for.
pub struct Table {
    log: Log,
    index: Index,
}

/// A file whose records are read, but not yet found to be the ones that were left: for the store, whose head can be
/// authenticated only by one of its own records. Believe nothing of it before [`TableOpening::finish`].
pub struct TableOpening {
    opening: Opening,
    index: Index,
}

impl TableOpening {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.opening.header()
    }

    /// A record.
    #[must_use]
    pub fn get(&self, record: &RecordId) -> Option<Row<'_>> {
        self.index.get(record)
    }

    /// All records of a kind, in no order.
    pub fn iter(&self, kind: u8) -> impl Iterator<Item = Row<'_>> {
        self.index.rows().filter(move |row| row.kind == kind)
    }

    /// A record's value; `None` when it has none or is not there.
    ///
    /// # Errors
    /// As [`Log::read_value`].
    pub fn value(&self, record: &RecordId) -> Result<Option<Bytes>> {
        self.index.value_at(record).map(|at| self.opening.read_value(&at)).transpose()
    }

    /// As [`Opening::there`].
    #[must_use]
    pub fn there(&self) -> Option<Head> {
        self.opening.there()
    }

    /// Decides whether the file is the one that was left.
    ///
    /// # Errors
    /// As [`Opening::finish`].
    pub fn finish(self, rule: HeadRule) -> Result<(Table, Opened)> {
        let (log, opened) = self.opening.finish(rule)?;
        Ok((Table { log, index: self.index }, opened))
    }
}

impl Table {
    /// The table of a file that was just created.
    #[must_use]
    pub fn new(log: Log) -> Self {
        Self { log, index: Index::default() }
    }

    /// Opens a file whose head is known.
    ///
    /// # Errors
    /// As [`Log::open`]; `Record` when the rules of versions are broken.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        unlock: impl FnOnce(&Header) -> Result<Root>,
        rule: HeadRule,
    ) -> Result<(Self, Opened)> {
        let mut index = Index::default();
        let visit = |frame: crate::Frame<'_>| index.take(&frame.meta, frame.value_at, frame.offset);
        let (log, opened) = Log::open(disk, path, unlock, rule, visit).map_err(|e| e.at(path))?;
        Ok((Self { log, index }, opened))
    }

    /// Opens a file whose head is not known yet, and reads its records.
    ///
    /// # Errors
    /// As [`Log::begin`] and [`Opening::read`]; `Record` when the rules of versions are broken.
    pub fn begin(
        disk: Arc<dyn Disk>,
        path: &Path,
        unlock: impl FnOnce(&Header) -> Result<Root>,
    ) -> Result<TableOpening> {
        let mut opening = Log::begin(disk, path, unlock)?;
        let mut index = Index::default();
        opening
            .read(None, &mut |frame| index.take(&frame.meta, frame.value_at, frame.offset))
            .map_err(|e| e.at(path))?;
        Ok(TableOpening { opening, index })
    }

    /// A record.
    #[must_use]
    pub fn get(&self, record: &RecordId) -> Option<Row<'_>> {
        self.index.get(record)
    }

    /// All records, in no order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.index.rows()
    }

    /// All records of a kind, in no order.
    pub fn iter(&self, kind: u8) -> impl Iterator<Item = Row<'_>> {
        self.index.rows().filter(move |row| row.kind == kind)
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A record's value, decrypted into locked memory; `None` when it has none or is not there.
    ///
    /// # Errors
    /// As [`Log::read_value`].
    pub fn value(&self, record: &RecordId) -> Result<Option<Bytes>> {
        self.index.value_at(record).map(|at| self.log.read_value(&at)).transpose()
    }

    /// Appends one transaction: all of it or, after a crash, nothing. It shows at once and is durable after a sync.
    /// Several changes of one record follow each other. No changes: nothing is written.
    ///
    /// # Errors
    /// `Record` when there is no such record, or its kind would change (nothing is written then); as [`Log::append`].
    pub fn commit(&mut self, changes: &[Change<'_>]) -> Result<Position> {
        if changes.is_empty() {
            return Ok(self.log.end());
        }
        let mut tx = Vec::with_capacity(changes.len());
        let mut staged: HashMap<RecordId, Known> = HashMap::new();
        for change in changes {
            let record = change.record();
            let known = staged.get(&record).copied().or_else(|| self.index.known(&record));
            let new = change.plan(known).map_err(|what| self.refused(what))?;
            staged.insert(record, Known::follow(known, &new.meta).map_err(|what| self.refused(what))?);
            tx.push(new);
        }
        let offset = self.log.end().bytes();
        let appended = self.log.append(&tx)?;
        for (new, value_at) in tx.iter().zip(appended.values) {
            self.index.take(&new.meta, value_at, offset)?;
        }
        Ok(appended.upto)
    }

    /// Rewrites the file as its next generation: every record, after these changes, as one frame. Everything older,
    /// and what was removed, is gone from the file then. Durable on return. `save_heads`: see [`Log::rewrite`].
    ///
    /// # Errors
    /// As [`Table::commit`] and [`Log::rewrite`].
    pub fn rewrite(
        &mut self,
        next: Next,
        changes: &[Change<'_>],
        save_heads: &mut dyn FnMut(&Head) -> Result<()>,
    ) -> Result<()> {
        let live = self.index.next_generation(changes).map_err(|what| self.refused(what))?;
        let names: Vec<_> = live.iter().map(|l| (l.meta.record, l.meta.kind, l.meta.version)).collect();
        let values = self.log.rewrite(next, live, save_heads)?;
        let bodies: HashMap<RecordId, &[u8]> = changes.iter().filter_map(Change::body).collect();
        let mut old = std::mem::replace(&mut self.index, Index::with_capacity(names.len()));
        for (name, value_at) in names.into_iter().zip(values) {
            self.index.carry(&mut old, name, bodies.get(&name.0).copied(), value_at);
        }
        Ok(())
    }

    /// Bytes of the file that a new generation would not have: older versions and removed records.
    #[must_use]
    pub fn garbage(&self) -> u64 {
        (self.log.end().bytes() - self.log.header_end.bytes()).saturating_sub(self.index.live_bytes())
    }

    /// The sync that makes all commits so far durable, to be run anywhere; `None` when all is durable.
    #[must_use]
    pub fn sync_job(&self) -> Option<SyncJob> {
        self.log.sync_job()
    }

    /// Takes note of a sync that was run.
    ///
    /// # Errors
    /// When it failed: the file is poisoned.
    pub fn note_synced(&mut self, done: Synced) -> Result<()> {
        self.log.note_synced(done)
    }

    /// Makes all commits so far durable.
    ///
    /// # Errors
    /// When it failed, now or before: the file is poisoned.
    pub fn sync(&mut self) -> Result<Head> {
        self.log.sync()
    }

    /// As [`Log::seal_slot`].
    ///
    /// # Errors
    /// As [`Slot::seal`].
    pub fn seal_slot(&mut self, spec: &SlotSpec, keys: &SlotKeys) -> Result<Slot> {
        self.log.seal_slot(spec, keys)
    }

    /// As [`Log::move_to`].
    ///
    /// # Errors
    /// As [`Log::move_to`].
    pub fn move_to(&mut self, path: &Path) -> Result<()> {
        self.log.move_to(path)
    }

    /// The log, to be asked: header, path, head, end.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Lets go of the index: for a file whose records are not wanted.
    #[must_use]
    pub fn into_log(self) -> Log {
        self.log
    }

    fn refused(&self, what: &'static str) -> Error {
        Error::Record { at: At(self.log.path().to_path_buf()), offset: 0, what }
    }
}

#[cfg(test)]
mod tests;
