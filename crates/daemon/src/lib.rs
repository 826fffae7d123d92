//! The daemon: listen, peer, session, presence, gate, approve, limits, serve.
//! It exists exactly while the store is unlocked.

pub mod approve;
pub mod clock;
pub mod gate;
pub mod limits;
pub mod presence;
pub mod program;

#[cfg(unix)]
pub mod conn;
#[cfg(unix)]
pub mod harden;
#[cfg(unix)]
pub mod life;
#[cfg(unix)]
pub mod listen;
#[cfg(unix)]
pub mod peer;
#[cfg(unix)]
pub mod ring;
#[cfg(unix)]
mod seats;
#[cfg(unix)]
pub mod serve;
#[cfg(unix)]
pub mod session;
#[cfg(unix)]
pub mod state;
