//! The words of svault: names, tiers, exposures, ids. Parsing and printing, no other behaviour.
//! What a word means is in the README; this crate only keeps every part of the house on the same one. [`whole`] is what
//! they have in common before they are words: JSON as clients write it.

mod class;
mod half;
mod id;
mod name;
mod way;

pub use class::{Class, Door, Evidence, Exposure, Tier};
pub use half::whole;
pub use id::Id;
pub use name::{BadWord, CallerName, EnvName, Name, Scope, SecretRef, VaultName};
pub use way::Way;

/// The longest policy, in bytes.
pub const MAX_POLICY: usize = 112 << 10;
