//! Messages, framing and proofs between a client and the daemon. No sockets: both ends bring their own.
//!
//! What goes over the wire, byte by byte, is in `spec/wire-v1.md`.

pub mod act;
pub mod agents;
pub mod card;
pub mod code;
pub mod exit;
pub mod frame;
pub mod hex;
mod import;
mod message;
mod one_line;
mod pages;
pub mod paths;
pub mod proof;
mod report;
mod want;

pub use hex::{Hex, HexBytes};
pub use import::{IMPORT_BYTES, IMPORT_MAX, ImportItem, Known, locked};
pub use message::*;
pub use one_line::one_line;
pub use report::*;
pub use want::{Lasts, Want, policy_digest};
