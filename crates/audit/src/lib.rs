//! The trail on top of the sealed file: append, query, verify.

mod entry;

pub use entry::{Entry, Event, Filter};
