//! What the trail needs of the store: keys of segments, which of them are closed, and where its head is kept.

use seal::{FileId, Head};
use secret::Key;
use std::path::{Path, PathBuf};

/// Whatever the store says went wrong.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// How far the store was when an entry was written. Only the store compares marks; every entry carries one, so that a
/// store taken back behind its trail is noticed even when `state/heads` went back with it.
pub type Mark = [u8; 24];

/// One segment, as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number, which is also its file's name.
    pub number: u64,
    /// How far it is.
    pub state: State,
}

/// How far a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has a key; whatever is in its file was never acknowledged.
    Planned,
    /// Entries go here. The head is that of its snapshot; heads and checkpoints have the later ones.
    Open(Head),
    /// Complete, and exactly so long.
    Closed(Head),
    /// A human accepted that it is not what it was. The head is the last one known.
    Lost(Head),
}

impl State {
    /// The head that the store's record of the segment has.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        match self {
            State::Planned => None,
            State::Open(head) | State::Closed(head) | State::Lost(head) => Some(head),
        }
    }
}

/// What the store knows of the trail.
pub trait Known {
    /// All segments by number, ascending.
    ///
    /// # Errors
    /// When a record of one can't be read.
    fn segments(&self) -> Result<Vec<Segment>, StoreError>;
    /// The key that a segment's slot is wrapped under.
    ///
    /// # Errors
    /// When there is no such segment, or its record can't be read.
    fn kek(&self, number: u64) -> Result<Key, StoreError>;
    /// The head that the open segment's file must reach, from heads and checkpoint.
    fn expected(&self, file: &FileId) -> Option<Head>;
    /// How far the store is now.
    ///
    /// # Errors
    /// When the store is poisoned: then it isn't known which segment is open after a restart, and nothing may be
    /// recorded.
    fn mark(&self) -> Result<Mark, StoreError>;
    /// Whether the store has been where a mark was made.
    ///
    /// # Errors
    /// When the store is behind it, so has been taken back.
    fn check(&self, mark: &Mark) -> Result<(), StoreError>;
    /// Whether the open segment's key was in wrong hands (slots were changed), so that a new segment must begin.
    fn wants_new(&self) -> bool;
}

/// The store, as far as the trail changes it.
pub trait Segments: Known {
    /// A number and key for the next segment, durable. The same again until it has been switched to; never below
    /// `at_least`.
    ///
    /// # Errors
    /// When the store can't be written.
    fn plan(&mut self, at_least: u64) -> Result<u64, StoreError>;
    /// In one durable step: these segments get these states (closed or lost), and `open` becomes the open one with this
    /// head. Writes a checkpoint and syncs the heads.
    ///
    /// # Errors
    /// When the store can't be written; if it isn't known whether it was, every later call fails.
    fn switch(&mut self, settled: &[Segment], open: u64, head: Head) -> Result<(), StoreError>;
    /// The open segment's head moves on: written to `state/heads`, not synced.
    ///
    /// # Errors
    /// When `state/heads` can't be written.
    fn head(&mut self, head: Head) -> Result<(), StoreError>;
}

/// The folder that segments are in.
pub(crate) fn folder(store: &Path) -> PathBuf {
    store.join("trail")
}

/// The file of a segment.
pub(crate) fn path(store: &Path, number: u64) -> PathBuf {
    folder(store).join(format!("{number:06}.svault"))
}

/// The same, relative to the store's folder, for people.
pub(crate) fn relative(number: u64) -> String {
    format!("trail/{number:06}.svault")
}

/// The number that a file name stands for, if it is a segment's.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".svault")?;
    let number = digits.parse().ok()?;
    (digits == format!("{number:06}")).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_agree_one_to_one() {
        for n in [1, 999_999, 1_000_000] {
            let path = path(Path::new("/s"), n);
            assert_eq!(number(path.file_name().unwrap().to_str().unwrap()), Some(n));
        }
        for odd in ["1.svault", "000001", "0000001.svault", "+00001.svault", "000001.svault.tmp", "heads"] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }
}
