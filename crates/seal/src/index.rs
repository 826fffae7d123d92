//! The index of a table: what the last frame of each record said, and the rules by which one frame may follow another.
//! Lean, as a vault may have 100,000 records: about 75 bytes and the body for each.

use crate::{
    error::{At, Error, Result},
    frame::Front,
    ids::RecordId,
    meta::{Meta, New, Op, ValueAt, padded_meta},
    rewrite::{Live, Source},
    table::{Change, Row},
};
use std::collections::HashMap;

/// What the rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: u8,
    pub(crate) version: u64,
    /// The version whose frame holds the value: the last put's.
    pub(crate) value_version: u64,
    /// Whether it has not been removed.
    pub(crate) alive: bool,
}

impl Known {
    /// What is known after a frame.
    ///
    /// A version is the last one + 1; the first frame of a record in a generation is a put and sets the base. A meta
    /// names the version that holds the value, and a removed record can only be put again. A kind never changes.
    pub(crate) fn follow(before: Option<Self>, meta: &Meta<'_>) -> Result<Self, &'static str> {
        let (kind, version) = (meta.kind, meta.version);
        if before.is_some_and(|before| before.version.checked_add(1) != Some(version)) {
            return Err("a version that does not follow the last one");
        }
        let there = before.filter(|before| before.alive);
        if there.is_some_and(|there| there.kind != kind) {
            return Err("a record's kind can't change");
        }
        match (meta.op, there) {
            (Op::Put, _) => Ok(Self { kind, version, value_version: version, alive: true }),
            (_, None) => Err("a change of a record that is not there"),
            (Op::Meta { names_version }, Some(there)) if names_version == there.value_version => {
                Ok(Self { version, ..there })
            }
            (Op::Meta { .. }, Some(_)) => Err("a change that names a version without the value"),
            (Op::Remove, Some(there)) => Ok(Self { version, alive: false, ..there }),
        }
    }
}

/// The records of a file.
#[derive(Default)]
pub(crate) struct Index {
    records: HashMap<RecordId, Entry>,
    /// The last version of what was removed in this generation.
    removed: HashMap<RecordId, u64>,
    live_bytes: u64,
}

struct Entry {
    body: Box<[u8]>,
    version: u64,
    value_version: u64,
    /// Of the frame with the value.
    offset: u64,
    meta_len: u32,
    /// 0: no value.
    value_len: u32,
    kind: u8,
}

impl Entry {
    fn new(known: Known, body: Box<[u8]>, value_at: Option<ValueAt>) -> Self {
        let (offset, meta_len, value_len) =
            value_at.map_or((0, 0, 0), |at| (at.offset, at.meta_len, at.value_len));
        let Known { kind, version, value_version, .. } = known;
        Self { body, version, value_version, offset, meta_len, value_len, kind }
    }

    /// Bytes of the one frame that it would be in a new generation.
    fn live_bytes(&self) -> u64 {
        let (op, record) = (Op::Put, RecordId([0; 16]));
        let meta = Meta { op, kind: self.kind, record, version: self.version, body: &self.body };
        let meta_len = padded_meta(meta.encoded_len()) as u32;
        Front { meta_len, value_len: self.value_len, tx_count: 0 }.len() as u64
    }

    fn value_at(&self, record: RecordId) -> Option<ValueAt> {
        let Self { offset, meta_len, value_len, value_version: version, .. } = *self;
        (value_len > 0).then_some(ValueAt { offset, meta_len, value_len, record, version })
    }

    fn row(&self, record: RecordId) -> Row<'_> {
        let Self { version, value_version, kind, .. } = *self;
        Row { record, kind, version, value_version, body: &self.body, has_value: self.value_len > 0 }
    }
}

impl Index {
    pub(crate) fn with_capacity(records: usize) -> Self {
        Self { records: HashMap::with_capacity(records), ..Self::default() }
    }

    /// Takes in a frame that lies at `offset`.
    pub(crate) fn take(&mut self, meta: &Meta<'_>, value_at: Option<ValueAt>, offset: u64) -> Result<()> {
        let record = meta.record;
        let known = Known::follow(self.known(&record), meta).map_err(|what| Error::Record {
            at: At::default(),
            offset,
            what,
        })?;
        match meta.op {
            Op::Put => self.put(record, Entry::new(known, meta.body.into(), value_at)),
            Op::Meta { .. } => {
                let value_at = self.value_at(&record);
                self.put(record, Entry::new(known, meta.body.into(), value_at));
            }
            Op::Remove => {
                let gone = self.records.remove(&record);
                self.live_bytes -= gone.map_or(0, |entry| entry.live_bytes());
                self.removed.insert(record, known.version);
            }
        }
        Ok(())
    }

    fn put(&mut self, record: RecordId, entry: Entry) {
        self.removed.remove(&record);
        self.live_bytes += entry.live_bytes();
        let before = self.records.insert(record, entry);
        self.live_bytes -= before.map_or(0, |entry| entry.live_bytes());
    }

    /// What the rules need to know of a record; `None` when this generation never had it.
    pub(crate) fn known(&self, record: &RecordId) -> Option<Known> {
        let there = self.records.get(record).map(|entry| {
            let Entry { kind, version, value_version, .. } = *entry;
            Known { kind, version, value_version, alive: true }
        });
        let gone = |version: &u64| Known { kind: 0, version: *version, value_version: 0, alive: false };
        there.or_else(|| self.removed.get(record).map(gone))
    }

    pub(crate) fn get(&self, record: &RecordId) -> Option<Row<'_>> {
        self.records.get(record).map(|entry| entry.row(*record))
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|(record, entry)| entry.row(*record))
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn value_at(&self, record: &RecordId) -> Option<ValueAt> {
        self.records.get(record)?.value_at(*record)
    }

    /// Bytes of all frames of a new generation, without its header.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// The records of a next generation, each as one put: those that are not changed, and the changed ones.
    pub(crate) fn next_generation<'a>(
        &'a self,
        changes: &[Change<'a>],
    ) -> Result<Vec<Live<'a>>, &'static str> {
        let mut changed: HashMap<RecordId, Option<Live<'a>>> = HashMap::new();
        for change in changes {
            let record = change.record();
            let known = self.known(&record);
            let New { meta, value } = change.plan(known)?;
            Known::follow(known, &meta)?;
            let value = match meta.op {
                Op::Put => value.map_or(Source::None, Source::New),
                _ => self.kept(&record),
            };
            let live = (meta.op != Op::Remove).then_some(Live { meta: Meta { op: Op::Put, ..meta }, value });
            if changed.insert(record, live).is_some() {
                return Err("a record can change once in a new generation");
            }
        }
        let unchanged = self.rows().filter(|row| !changed.contains_key(&row.record));
        let mut all: Vec<_> = unchanged
            .map(|Row { record, kind, version, body, .. }| Live {
                meta: Meta { op: Op::Put, kind, record, version, body },
                value: self.kept(&record),
            })
            .collect();
        all.extend(changed.into_values().flatten());
        Ok(all)
    }

    fn kept(&self, record: &RecordId) -> Source<'static> {
        self.value_at(record).map_or(Source::None, Source::Kept)
    }

    /// Takes in a record of a new generation; its body is what `old` has, where no new one is given.
    pub(crate) fn carry(
        &mut self,
        old: &mut Self,
        (record, kind, version): (RecordId, u8, u64),
        body: Option<&[u8]>,
        value_at: Option<ValueAt>,
    ) {
        let kept = old.records.remove(&record).map(|entry| entry.body);
        let body = body.map(Box::from).or(kept).unwrap_or_default();
        let known = Known { kind, version, value_version: version, alive: true };
        self.put(record, Entry::new(known, body, value_at));
    }
}
