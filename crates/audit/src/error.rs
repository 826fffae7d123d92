//! What can go wrong with the trail.

use crate::StoreError;

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that is not what the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Relative to the store's folder.
    pub path: String,
    /// What is wrong.
    pub state: RowState,
    /// For people: what was found and what was expected.
    pub detail: String,
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// Behind its head.
    Older,
    /// Further than the store knows.
    Newer,
    /// Not there.
    Missing,
    /// Another history.
    Beside,
    /// Doesn't hold.
    Damaged,
}

impl RowState {
    /// The word as people and scripts see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RowState::Older => "older",
            RowState::Newer => "newer",
            RowState::Missing => "missing",
            RowState::Beside => "beside",
            RowState::Damaged => "damaged",
        }
    }
}

/// Errors of the trail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the trail does not hold, is missing, or is not what it was.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// The store said no.
    #[error("{0}")]
    Store(StoreError),
    /// Files of the trail are not what the store knows of them; nothing is opened.
    #[error("{source}; `svault unlock --accept-rollback` goes on from what is there")]
    Refused {
        /// The first that was found.
        source: Box<Error>,
        /// All of them.
        files: Vec<FileState>,
    },
    /// A closed segment has another length than when it was closed.
    #[error("{path}: {found} bytes, was closed at {expected}; restore it from a backup")]
    Length {
        /// The file.
        path: String,
        /// Bytes found.
        found: u64,
        /// Bytes when it was closed.
        expected: u64,
    },
    /// A segment that the store has never heard of: the store is older than its trail.
    #[error("{path}: newer than the store; store.svault was taken back")]
    Unknown {
        /// The file.
        path: String,
    },
    /// Entries are not what follows the ones before.
    #[error("{path}: {what}")]
    Sequence {
        /// The file.
        path: String,
        /// What does not hold.
        what: &'static str,
    },
    /// A new segment must be begun before anything is recorded.
    #[error("the trail has no open segment yet")]
    NotBegun,
    /// A sync failed: nothing is recorded any more, so nothing is released.
    #[error("the trail could not be made safe on disk; lock and unlock again")]
    Poisoned,
    /// The open segment should have been closed long ago and could not be.
    #[error("the trail could not start its next segment; free some disk space, then lock and unlock")]
    Overfull,
    /// An entry that does not fit into one record.
    #[error("an entry of {0} bytes is too big for the trail")]
    TooBig(usize),
    /// An entry that can't be read back, from a newer svault perhaps.
    #[error("{path}: an entry that this svault can't read")]
    Unreadable {
        /// The file.
        path: String,
    },
    /// A job that is not the one under way was handed back.
    #[error("not the sync that is under way")]
    WrongJob,
}
