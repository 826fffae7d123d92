//! Opening the trail at unlock.

use crate::{Entry, FileState};
use std::path::PathBuf;

/// How to open the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Refuse what isn't as it was.
    Verify,
    /// The same, and a new segment must be begun.
    NewSegment,
    /// Go on from what is there; a new segment must be begun, and say so.
    AcceptRollback,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Restored {
    /// The counters as the open segment begins with them; none: the trail is new.
    pub snapshot: Option<Vec<u8>>,
    /// Entries since then, oldest first.
    pub entries: Vec<Entry>,
    /// Entries in the whole trail.
    pub total: u64,
    /// A new segment must be begun before anything can be appended.
    pub must_begin: bool,
    /// Files that are not what they were, accepted.
    pub files: Vec<FileState>,
    /// What was cut off behind the last good entry, kept beside the file.
    pub set_aside: Option<PathBuf>,
}
