//! Locked memory for keys and values, wiped on drop, and process hardening. The only crate with unsafe code.
//! It knows no cryptography and no files.
//!
//! A secret lives in [`Bytes`] or [`Key`]: memory that is never swapped, never written to a core file, never copied
//! into a forked child, never moved by a growing buffer, and overwritten with zeros when dropped. Neither type can be
//! cloned, compared with `==` or printed:
//!
//! ```compile_fail,E0599
//! let key = secret::Key::random().unwrap();
//! let copy = key.clone();
//! ```
//! ```compile_fail,E0369
//! let a = secret::Bytes::copy_from(b"sk-test-1").unwrap();
//! let b = secret::Bytes::copy_from(b"sk-test-1").unwrap();
//! assert!(a == b);
//! ```
//! ```compile_fail,E0277
//! let a = secret::Bytes::copy_from(b"sk-test-1").unwrap();
//! println!("{a}");
//! ```

#![deny(unsafe_code)]

mod arena;
#[cfg(target_os = "linux")]
mod birth;
mod bytes;
pub mod direct;
mod error;
pub mod fd;
mod harden;
mod key;
mod os;

pub use arena::{Memory, is_weak, memory, set_weak};
#[cfg(target_os = "linux")]
pub use birth::{SignalMask, dies_with_us};
pub use bytes::Bytes;
pub use error::Error;
pub use harden::{Protection, dumpable, harden, set_dumpable, traced};
pub use key::Key;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;
