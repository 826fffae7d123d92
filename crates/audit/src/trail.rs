//! The open trail: appending entries, syncing them in groups, closing a full segment and starting the next.

use crate::sync::{Durable, SyncJob, Ticket};
use crate::{Entry, Reader, Restored, Result, Segments, Start};
use seal::Disk;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The trail of an unlocked store. One writer; reading is a [`crate::Reader`]'s business.
pub struct Trail {
    _p: (),
}

#[allow(unused_variables, missing_docs, clippy::missing_errors_doc)]
impl Trail {
    /// Opens the trail and checks it: the open segment frame by frame, closed ones by presence, length and end.
    pub fn open(disk: Arc<dyn Disk>, store: &Path, segments: &mut dyn Segments, start: Start) -> Result<(Trail, Restored)> { unimplemented!() }
    /// Writes an entry and gives it the next number. It counts once its ticket is durable.
    pub fn append(&mut self, entry: Entry, durable: Durable) -> Result<Ticket> { unimplemented!() }
    /// Whether an entry is durable and named by the head.
    pub fn is_durable(&self, ticket: &Ticket) -> bool { unimplemented!() }
    /// The sync that waiting entries need now; none while one is under way.
    pub fn pending_sync(&mut self) -> Option<SyncJob> { unimplemented!() }
    /// The same for whatever was written (the timer's, once a second).
    pub fn flush(&mut self) -> Option<SyncJob> { unimplemented!() }
    /// Takes the result of a sync and writes the head.
    pub fn synced(&mut self, job: SyncJob, result: io::Result<()>, segments: &mut dyn Segments) -> Result<()> { unimplemented!() }
    /// Syncs everything here and now.
    pub fn commit(&mut self, segments: &mut dyn Segments) -> Result<()> { unimplemented!() }
    /// Whether the segment is to be closed.
    pub fn is_full(&self) -> bool { unimplemented!() }
    /// Closes the segment and begins the next with a snapshot and, if given, an entry. Durable when it returns.
    pub fn new_segment(&mut self, segments: &mut dyn Segments, snapshot: &[u8], first: Option<Entry>) -> Result<()> { unimplemented!() }
    /// Entries in the trail.
    pub fn total(&self) -> u64 { unimplemented!() }
    /// Denials that could not be recorded because the disk was full.
    pub fn unrecorded(&self) -> u64 { unimplemented!() }
    /// Whether entries can be recorded.
    pub fn is_ok(&self) -> bool { unimplemented!() }
    /// Syncs, then gives a reader of everything so far, for any thread.
    pub fn reader(&mut self, segments: &mut dyn Segments) -> Result<Reader> { unimplemented!() }
}
