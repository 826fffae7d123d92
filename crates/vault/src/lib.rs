//! The store and its vaults on top of the sealed file: keys, secrets, policy text, seals, settings, checkpoints.
//!
//! No policy is decided here and nobody is asked: who may call what is the gate's business. All calls are synchronous;
//! those that wait for the disk say so.

mod create;
mod error;
mod folders;
mod import;
mod keys;
mod lockline;
mod mark;
mod open;
mod pace;
mod policy;
mod record;
mod secret;
mod secrets;
mod settle;
mod slots;
mod store;
mod trail;
mod types;
mod vault;
mod vaults;
mod wordlist;

pub use error::{Error, FileState, Result, RowState, Shut};
pub use folders::{Folder, Standing};
pub use import::{Import, Imported, Importing};
pub use lockline::LastLock;
pub use mark::Mark;
pub use record::{Segment, SegmentState};
pub use secret::{Found, MAX_CLASS, MAX_VALUE, Secret, SecretKey};
pub use store::Store;
pub use types::{
    Change, NewSecret, OpenReport, PolicyText, Rollback, SealRecord, Settings, SlotChange, VaultInfo, Write,
    Written,
};
