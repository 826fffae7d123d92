//! Pure policy: model, parse, decide, explain. No clock, no files, no async.
//!
//! One TOML document is the whole policy. [`Policy::parse`] reads it, [`decide`] answers one query about one
//! secret, and the answer carries the rule that made it. Whatever is not allowed by a rule is denied.

mod cause;
mod decide;
mod edit;
mod env_guard;
mod model;
mod parse;
mod query;
mod rate;
mod reach;
mod rules;
mod span;
mod windows;

pub use cause::Cause;
pub use decide::{decide, explain};
pub use edit::{EditError, add_caller, add_scopes, match_caller, remove_caller};
pub use env_guard::{is_guarded, is_setting};
pub use model::{Caller, Forbid, Limits, Lock, MAX_CALLERS, MAX_REASON_BYTES, Policy};
pub use parse::{ParseError, default_toml, is_reserved};
pub use query::{Decision, Lookup, Named, Presence, Query, SecretFacts, Verdict};
pub use rate::{MAX_COUNT, MAX_WINDOW_MS, Rate};
pub use reach::{Standing, reach};
pub use span::parse_span;
pub use windows::{Window, parse_windows};
