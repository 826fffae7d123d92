//! The trail on top of the sealed file: append, query, verify. Every decision is an entry here before it is an answer.

mod body;
mod entry;
mod error;
mod file;
mod open;
mod read;
mod reserve;
mod rotate;
mod segments;
mod sync;
mod trail;

pub use entry::{Entry, Event, Filter};
pub use error::{Error, FileState, Result, RowState};
pub use open::{Restored, Start};
pub use read::{Reader, Verified};
pub use segments::{Known, Mark, Segment, Segments, State, StoreError};
pub use sync::{Done, Durable, SyncJob, Ticket};
pub use trail::Trail;

/// A segment that has reached this many bytes is to be closed.
pub const SEGMENT_BYTES: u64 = 4 << 20;

/// Bytes of a denial's record, whatever was denied and why.
pub const DENIAL_BYTES: usize = 1024;
