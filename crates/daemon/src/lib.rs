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
mod files;
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
#[cfg(unix)]
mod turns;

use std::path::Path;
use wire::Failure;

/// All of `svault daemon run`: serves the store in this folder from the handover on standard input until it is locked.
///
/// # Errors
/// Why it can't, as its parent was told.
#[cfg(unix)]
pub fn run(store: &Path) -> Result<(), Failure> {
    let program = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        std::env::current_exe().unwrap_or_default()
    };
    let ring = ring::Start { program, args: vec!["daemon".into(), "ring".into()] };
    serve::run(&life::Run { store: store.to_path_buf(), ring: Some(ring) })
}

/// All of `svault daemon ring`: the helper that tells a human of waiting requests.
///
/// # Errors
/// When its pipe can't be read.
#[cfg(unix)]
pub fn ring() -> std::io::Result<()> {
    ring::main()
}

/// There is no daemon for this platform yet.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn run(_store: &Path) -> Result<(), Failure> {
    Err(Failure::new("unsupported", wire::exit::FAILED, "the daemon does not run on this platform yet"))
}

/// There is no daemon for this platform yet.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn ring() -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
