//! The trail's side of the store: its segments' keys and states, and its head.

use crate::error::{Error, Result};
use crate::record::{Rotation, Segment, SegmentState, kind, only, segment_id};
use crate::store::{Records, Store, checkpoint};
use seal::{Change, FileId, Head};
use secret::Key;

impl Store {
    /// All segments of the trail, by number.
    ///
    /// # Errors
    /// When a record can't be read.
    pub fn segments(&self) -> Result<Vec<Segment>> {
        self.table.segments(&Self::path(&self.dir))
    }

    /// The key that a segment's slot is wrapped under.
    ///
    /// # Errors
    /// `Segment` when there is none of that number.
    pub fn segment_kek(&self, number: u64) -> Result<Key> {
        if self.table.get(&segment_id(number)).is_none() {
            return Err(Error::Segment { number, what: "there is none" });
        }
        self.table.key(&Self::path(&self.dir), &segment_id(number), "the key of a segment of the trail")
    }

    /// A number, at least `at_least`, and a key for the next segment, durable. The same again until it is switched to.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn plan_segment(&mut self, at_least: u64) -> Result<u64> {
        let all = self.segments()?;
        let planned = |s: &&Segment| s.state == SegmentState::Planned;
        if let Some(ready) = all.iter().filter(planned).find(|s| s.number >= at_least) {
            return Ok(ready.number);
        }
        let after = all.last().map_or(Some(1), |last| last.number.checked_add(1));
        let number =
            after.ok_or(Error::Segment { number: u64::MAX, what: "it is the last one" })?.max(at_least);
        let kek = Key::random()?;
        let (body, value) =
            (Segment { number, state: SegmentState::Planned }.encode(), Some(&kek.expose()[..]));
        let mut changes: Vec<Change<'_>> =
            all.iter().filter(planned).map(|s| Change::Remove { record: segment_id(s.number) }).collect();
        changes.push(Change::Put { kind: kind::SEGMENT, record: segment_id(number), body: &body, value });
        self.commit(&changes)?;
        Ok(number)
    }

    /// In one durable step, with a checkpoint: `settled` segments get their states (closed, or lost), and `open` becomes
    /// the open one with this head.
    ///
    /// # Errors
    /// `Segment` when one of them is not there or may not become that; whatever keeps it from being written.
    pub fn switch_segment(&mut self, settled: &[Segment], open: u64, head: Head) -> Result<()> {
        let all = self.segments()?;
        let now = |number| all.iter().find(|s| s.number == number).map(|s| s.state);
        for s in settled {
            match (now(s.number), s.state) {
                (Some(SegmentState::Open(_)), SegmentState::Closed(_) | SegmentState::Lost(_))
                | (Some(SegmentState::Closed(_)), SegmentState::Lost(_)) => {}
                _ => return Err(Error::Segment { number: s.number, what: "it can't become that" }),
            }
        }
        if now(open) != Some(SegmentState::Planned) {
            return Err(Error::Segment { number: open, what: "it was not planned" });
        }
        let before = all.iter().find(|s| matches!(s.state, SegmentState::Open(_)));
        if before.is_some_and(|s| settled.iter().all(|other| other.number != s.number)) {
            return Err(Error::Segment { number: open, what: "another one is open" });
        }
        let old = before.and_then(|s| match s.state {
            SegmentState::Open(head) => Some(head.file_id()),
            _ => None,
        });
        self.write_switch(settled, Segment { number: open, state: SegmentState::Open(head) }, old, head)
    }

    fn write_switch(
        &mut self,
        settled: &[Segment],
        open: Segment,
        old: Option<FileId>,
        head: Head,
    ) -> Result<()> {
        let bodies: Vec<_> =
            settled.iter().chain([&open]).map(|s| (segment_id(s.number), s.encode())).collect();
        let points = self.checkpoint_body(Some((old, head)));
        let rotation = self.rotation()?;
        let rest = Rotation { trail: false, ..rotation.clone() };
        let rest_body = rest.encode();
        let mut changes: Vec<Change<'_>> =
            bodies.iter().map(|(record, body)| Change::Meta { record: *record, body }).collect();
        if rotation.trail {
            changes.push(rotation_change(&rest, &rest_body));
        }
        changes.push(checkpoint(&points));
        self.commit(&changes)?;
        self.checkpointed();
        if let Some(old) = old {
            self.heads.remove(&old);
        }
        self.heads.set(head)?;
        match self.heads.sync() {
            Err(e) if self.heads.is_poisoned() => Err(e.into()),
            // It is done: the checkpoint has all heads, and they are written again with the next tick.
            _ => Ok(()),
        }
    }

    /// The head that a file must reach, as heads and checkpoints have it.
    #[must_use]
    pub fn expected_head(&self, file: &FileId) -> Option<Head> {
        self.heads.get(file).copied()
    }

    /// The open segment's head moves on: written to `state/heads`, not synced.
    ///
    /// # Errors
    /// When `state/heads` can't be written.
    pub fn set_trail_head(&mut self, head: Head) -> Result<()> {
        self.named(head)
    }

    /// Whether the open segment's key was in the hands of whoever held the old root, so that a new one must begin.
    #[must_use]
    pub fn wants_new_segment(&self) -> bool {
        self.rotation().is_ok_and(|rotation| rotation.trail)
    }
}

/// The change that writes down what is left of a change of slots; nothing left: the record goes.
pub(crate) fn rotation_change<'a>(rest: &Rotation, body: &'a [u8]) -> Change<'a> {
    let record = only(kind::ROTATION);
    if *rest == Rotation::default() {
        Change::Remove { record }
    } else {
        Change::Put { kind: kind::ROTATION, record, body, value: None }
    }
}
