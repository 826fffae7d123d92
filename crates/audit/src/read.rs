//! Reading the trail: queries from the newest entry back, one entry, and all of it.

use crate::{Entry, Filter, Result};
use words::Id;

/// Everything that was in the trail when it was made. May be used on any thread.
pub struct Reader {
    _p: (),
}

/// What a complete reading has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Entries read.
    pub entries: u64,
    /// Segments read.
    pub segments: u64,
    /// Segments that a human has given up after a rollback.
    pub lost: u64,
}

#[allow(unused_variables, missing_docs, clippy::missing_errors_doc)]
impl Reader {
    /// Entries that match, newest first.
    pub fn query(&self, filter: &Filter) -> Result<Vec<Entry>> { unimplemented!() }
    /// One entry by its id, the newest if there are several.
    pub fn show(&self, id: Id) -> Result<Option<Entry>> { unimplemented!() }
    /// Reads every entry of every segment and checks all there is to check.
    pub fn verify(&self) -> Result<Verified> { unimplemented!() }
}
