//! What can go wrong with the trail, and how a file's error reads in a survey.

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
    /// Another history, or another key.
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
#[non_exhaustive]
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
    #[error("{path}: has {found} bytes, was closed with {expected}; restore it from a backup")]
    Length {
        /// The file, relative to the store's folder.
        path: String,
        /// Bytes found.
        found: u64,
        /// Bytes when it was closed.
        expected: u64,
    },
    /// A closed segment has another end than when it was closed.
    #[error("{path}: not the file that was closed; restore it from a backup")]
    OtherEnd {
        /// The file, relative to the store's folder.
        path: String,
    },
    /// A segment that the store has never heard of: the store is older than its trail.
    #[error("{path}: newer than the store: store.svault was taken back, or somebody has put this file there")]
    Unknown {
        /// The file, relative to the store's folder.
        path: String,
    },
    /// The open segment was written when the store was further than it is now.
    #[error("{path}: written when store.svault was further than it is: {source}")]
    StoreBehind {
        /// The segment that shows it, relative to the store's folder.
        path: String,
        /// What the store says.
        source: StoreError,
    },
    /// A segment does not follow the one before it.
    #[error("{path}: does not follow the segment before it")]
    Order {
        /// The file, relative to the store's folder.
        path: String,
    },
    /// The store has no segment open.
    #[error("the store knows closed segments of the trail, and none that is open")]
    NoneOpen,
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
    /// A sync was handed back that is not of this trail.
    #[error("not a sync of this trail")]
    WrongJob,
}

impl Error {
    /// A stable name for tests and logs; that of the cause where there is one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Error::Seal(e) => e.name(),
            Error::Store(_) => "Store",
            Error::Refused { source, .. } => source.name(),
            Error::Length { found, expected, .. } if found < expected => "RolledBack",
            Error::Length { .. } | Error::OtherEnd { .. } => "Beside",
            Error::Unknown { .. } => "Unknown",
            Error::StoreBehind { .. } => "StoreBehind",
            Error::Order { .. } => "Order",
            Error::NoneOpen => "NoneOpen",
            Error::NotBegun => "NotBegun",
            Error::Poisoned => "Poisoned",
            Error::Overfull => "Overfull",
            Error::TooBig(_) => "TooBig",
            Error::WrongJob => "WrongJob",
        }
    }

    /// What this says of the file it is about.
    pub(crate) fn state(&self) -> RowState {
        match self {
            Error::Unknown { .. } => RowState::Newer,
            Error::StoreBehind { .. } => RowState::Older,
            _ => match self.name() {
                "Missing" => RowState::Missing,
                "RolledBack" => RowState::Older,
                "Beside" | "WrongKey" | "Order" => RowState::Beside,
                _ => RowState::Damaged,
            },
        }
    }
}
