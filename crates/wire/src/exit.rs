//! The exit codes of the command line, in one place.

/// Done.
pub const DONE: u8 = 0;
/// Failed.
pub const FAILED: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// Locked, or no store.
pub const LOCKED: u8 = 3;
/// Denied or expired.
pub const DENIED: u8 = 4;
/// Damaged or rolled back, refused to open.
pub const DAMAGED: u8 = 5;
/// Waiting for a human.
pub const WAITING: u8 = 6;
