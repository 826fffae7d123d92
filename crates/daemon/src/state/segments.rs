//! The store as the trail sees it: keys of segments, which are closed, and where the head is kept.

use audit::{Known, Mark, Segment, Segments, State as Audit, StoreError};
use seal::{FileId, Head};
use secret::Key;
use vault::{SegmentState as Stored, Store};

/// A store, lent to its trail.
pub struct Lent<'a>(pub &'a mut Store);

fn from_store(s: vault::Segment) -> Segment {
    let state = match s.state {
        Stored::Planned => Audit::Planned,
        Stored::Open(h) => Audit::Open(h),
        Stored::Closed(h) => Audit::Closed(h),
        Stored::Lost(h) => Audit::Lost(h),
    };
    Segment { number: s.number, state }
}

fn to_store(s: &Segment) -> vault::Segment {
    let state = match s.state {
        Audit::Planned => Stored::Planned,
        Audit::Open(h) => Stored::Open(h),
        Audit::Closed(h) => Stored::Closed(h),
        Audit::Lost(h) => Stored::Lost(h),
    };
    vault::Segment { number: s.number, state }
}

impl Known for Lent<'_> {
    fn segments(&self) -> Result<Vec<Segment>, StoreError> {
        Ok(self.0.segments()?.into_iter().map(from_store).collect())
    }

    fn kek(&self, number: u64) -> Result<Key, StoreError> {
        Ok(self.0.segment_kek(number)?)
    }

    fn expected(&self, file: &FileId) -> Option<Head> {
        self.0.expected_head(file)
    }

    fn mark(&self) -> Result<Mark, StoreError> {
        Ok(self.0.mark()?.to_bytes())
    }

    fn check(&self, mark: &Mark) -> Result<(), StoreError> {
        Ok(self.0.check_mark(&vault::Mark::from_bytes(*mark), "the trail")?)
    }

    fn wants_new(&self) -> bool {
        self.0.wants_new_segment()
    }
}

impl Segments for Lent<'_> {
    fn plan(&mut self, at_least: u64) -> Result<u64, StoreError> {
        Ok(self.0.plan_segment(at_least)?)
    }

    fn switch(&mut self, settled: &[Segment], open: u64, head: Head) -> Result<(), StoreError> {
        let settled: Vec<_> = settled.iter().map(to_store).collect();
        Ok(self.0.switch_segment(&settled, open, head)?)
    }

    fn head(&mut self, head: Head) -> Result<(), StoreError> {
        Ok(self.0.set_trail_head(head)?)
    }
}
