//! Whether clients still do what install told them: their files as they are now, what those start, and what in a
//! project stands before them. Nothing here starts or writes anything.

pub mod canary;
mod files;
mod project;
mod trust;

pub use files::{Files, Hook, Server, files};
pub use project::{Shadow, hooks_off, shadows};
pub use trust::{Trust, codex_trust};
