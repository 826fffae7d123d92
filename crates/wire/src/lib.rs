//! Messages and framing between a client and the daemon.

pub mod exit;
mod message;
mod report;
mod want;

pub use message::*;
pub use report::*;
pub use want::{Lasts, Want};
