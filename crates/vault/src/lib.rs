//! The store and its vaults on top of the sealed file: keys, secrets, policy text, seals, settings, checkpoints.
//!
//! No policy is decided here and nobody is asked: who may call what is the gate's business. All calls are synchronous;
//! those that wait for the disk say so.

mod error;
mod lockline;
mod mark;
mod record;
mod secret;
mod store;
mod types;
mod wordlist;

pub use error::{Error, FileState, Result, RowState};
pub use lockline::LastLock;
pub use mark::Mark;
pub use record::{Segment, SegmentState};
pub use secret::{Found, MAX_CLASS, MAX_VALUE, Secret, SecretKey};
pub use store::Store;
pub use types::{
    Change, NewSecret, OpenReport, PolicyText, Rollback, SealRecord, Settings, SlotChange, VaultInfo, Write,
};
