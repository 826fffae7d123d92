//! Group commit: one fdatasync for all entries written before it began, on whatever thread the caller likes.

use seal::File;
use std::io;
use std::sync::Arc;

/// Whether an entry must be durable before anything else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Yes: a sync is wanted for it.
    Now,
    /// Within a second: the timer's sync takes it along. For denials.
    Later,
}

/// An entry that was written, and may not be durable yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an entry counts only once its ticket is durable"]
pub struct Ticket {
    pub(crate) seq: u64,
}

impl Ticket {
    /// The entry's number in the trail.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// One fdatasync that is wanted. Run it where it may block, then hand it back with its result: there is no other until then.
#[must_use = "nothing is durable before the job was run and handed back"]
pub struct SyncJob {
    pub(crate) file: Arc<dyn File>,
    pub(crate) upto: u64,
    pub(crate) seq: u64,
}

impl SyncJob {
    /// Waits for the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn run(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
