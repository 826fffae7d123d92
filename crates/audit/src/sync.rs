//! Group commit: one fdatasync for all entries written before it began, on whatever thread the caller likes.

use seal::Synced;

/// Whether an entry must be durable before anything else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Yes, or a human is to read of it: a full disk's reserve is for it.
    Now,
    /// Within a second, and not from the reserve: for denials, and whatever else a caller can have without end.
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

/// One fdatasync. Run it where it may block and hand the result back: there is no other until then.
#[must_use = "nothing is durable before the job was run and handed back"]
pub struct SyncJob {
    /// None: an append that was cut back has synced already what came before it.
    pub(crate) job: Option<seal::SyncJob>,
    pub(crate) segment: u64,
    pub(crate) seq: u64,
}

/// A sync that was run, for [`crate::Trail::synced`].
#[must_use = "only Trail::synced makes it count, and a failure must poison the trail"]
pub struct Done {
    pub(crate) done: Option<Synced>,
    pub(crate) segment: u64,
    pub(crate) seq: u64,
}

impl SyncJob {
    /// Waits for the disk.
    pub fn run(self) -> Done {
        Done { done: self.job.map(seal::SyncJob::run), segment: self.segment, seq: self.seq }
    }
}
