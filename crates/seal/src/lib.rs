//! The sealed file: header, slots, frames, chain, disk, heads. Synchronous, no policy, no globals.
//!
//! A store, a vault, a segment of the trail and a bundle are all one format, an append-only log of sealed frames; its
//! text is `spec/sealed-file-v1.md`. A [`Log`] is one open file. Who may open it is in its [`Header`]'s slots; how far
//! it must reach is its [`Head`].

mod aside;
mod cipher;
pub mod codec;
pub mod disk;
pub mod error;
mod factor;
mod frame;
mod guard;
mod hash;
mod head;
mod header;
mod heads;
mod ids;
mod index;
pub mod kdf;
mod keys;
mod lock;
mod log;
mod meta;
mod open;
mod random;
mod read;
mod recovery;
mod rewrite;
mod seen;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod slot;
mod table;
mod temp;
#[cfg(any(test, feature = "vectors"))]
pub mod vectors;
mod walk;

#[cfg(test)]
mod tests;

pub use aside::{MAX_ASIDE, aside_paths};
pub use disk::{Disk, File, Open, RealDisk, Stat};
pub use error::{At, Error, Place, Result};
pub use factor::{Factor, FactorOutput, MAX_PARAMS};
pub use frame::{MAX_FILE, MAX_FRAME};
pub use head::{HEAD_LEN, Head};
pub use header::{FileKind, Header, MAX_HEAD, MAX_HEADER, MAX_SLOTS, VERSION};
pub use heads::{HeadsFile, HeadsSync, MAX_HEADS};
pub use ids::{FileId, RecordId, SlotId};
pub use kdf::{KdfBounds, KdfParams, MAX_PASSPHRASE, calibrate};
pub use keys::{FileKeys, Root};
pub use lock::StoreLock;
pub use log::{Appended, Log, NewFile, Position, SyncJob, Synced};
pub use meta::{Frame, Meta, New, Op, ValueAt};
pub use open::{End, HeadRule, Opened, Opening};
pub use random::{OsRandom, Random};
pub use recovery::RecoveryCode;
pub use rewrite::{Live, Next, Source};
pub use seen::Seen;
pub use slot::{FLAG_USER_VERIFIED, Place as SlotPlace, Slot, SlotKeys, SlotSpec, derive, passphrase_output};
pub use table::{Change, Row, Table, TableOpening};
