//! Closing a segment and beginning the next: in an order in which a crash leaves either the old or the new one open.

use crate::segments::{self, Segment, Segments, State};
use crate::{Entry, Error, Result, Trail, body, file};
use jiff::Timestamp;
use seal::Log;

impl Trail {
    /// Closes the open segment and begins the next with a snapshot of all counters and, if given, a first entry.
    /// Everything is durable when it returns. When it fails before the store has switched, the old segment stays open.
    ///
    /// # Errors
    /// When something can't be written; the trail works on if [`Trail::is_ok`] says so.
    pub fn new_segment(
        &mut self,
        segments: &mut dyn Segments,
        snapshot: &[u8],
        first: Option<Entry>,
        now: Timestamp,
    ) -> Result<()> {
        self.commit(segments)?;
        let closed = match &mut self.open {
            Some((number, log)) => Some((*number, log.sync().inspect_err(|_| self.poisoned = true)?)),
            None => None,
        };
        let floor = closed.as_ref().map_or(1, |(number, _)| number + 1).max(self.floor);
        let number = segments.plan(floor).map_err(Error::Store)?;
        let parent = closed.as_ref().map_or(self.parent, |(_, head)| *head.chain());
        let log = self.begin(segments, number, parent, snapshot, first.clone(), now)?;
        let mut settled = self.settle.clone();
        settled.extend(closed.map(|(number, head)| Segment { number, state: State::Closed(head) }));
        segments.switch(&settled, number, log.head()).map_err(Error::Store)?;
        self.open = Some((number, log));
        self.seq += u64::from(first.is_some());
        (self.synced, self.must_begin) = (self.seq, false);
        self.settle.clear();
        self.refill_reserve();
        Ok(())
    }

    /// The file of the next segment, with its beginning, durable. Until the store has switched it counts for nothing.
    fn begin(
        &mut self,
        segments: &dyn Segments,
        number: u64,
        parent: [u8; 32],
        snapshot: &[u8],
        first: Option<Entry>,
        now: Timestamp,
    ) -> Result<Log> {
        let kek = segments.kek(number).map_err(Error::Store)?;
        let first_seq = self.seq + 1;
        let entry = first
            .map(|mut entry| {
                entry.seq = first_seq;
                let mark = segments.mark().map_err(Error::Store)?;
                body::encode(&entry, &mark).map_err(Error::TooBig)
            })
            .transpose()?;
        let created = u64::try_from(now.as_second()).unwrap_or_default();
        let path = segments::path(&self.store, number);
        let mut log = file::create(&self.disk, &path, kek, parent, created)?;
        file::begin(&mut log, first_seq, snapshot, entry.as_deref())?;
        log.sync()?;
        Ok(log)
    }
}
