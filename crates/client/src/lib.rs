//! Connecting to the daemon, presence, unlocking: what every surface (command line, TUI, MCP) calls.
//! It decides nothing and prints nothing.
//!
//! A caller without presence: [`Connection::open`], then [`Connection::ask`]. A human: [`Prover::of`] what was typed,
//! [`Connection::prove`], and one [`Human::act`].

mod connection;
mod error;
mod guard;
mod human;
mod keys;
mod os;
mod silent;
mod unlock;
mod whole;

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/rig.rs"]
mod rig;

/// Where the store is and where its daemon listens.
pub use wire::paths;

pub use connection::{ANSWER, Answer, Connection, Scanned, TakeBack, TrailState};
pub use error::Error;
pub use guard::{may_type, may_type_for, under_agent};
pub use human::{Acted, Hold, Human};
pub use keys::{NewSlot, Presented, Prover, SlotOpened, StoreHeader};
pub use silent::{Silent, end_by_force, ends_unreachable, holder, listener};
pub use unlock::{Asker, GREETING, How, NewStore, Unlocked, init, unlock};

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
