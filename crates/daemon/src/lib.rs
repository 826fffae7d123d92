//! The daemon: listen, peer, session, presence, gate, approve, limits, serve

pub mod approve;
pub mod clock;
pub mod gate;
pub mod limits;
pub mod program;
#[cfg(unix)]
pub mod peer;
#[cfg(unix)]
pub mod session;
#[cfg(unix)]
pub mod conn;
#[cfg(unix)]
pub mod harden;
#[cfg(unix)]
pub mod listen;
#[cfg(unix)]
pub mod ring;
#[cfg(unix)]
mod seats;
