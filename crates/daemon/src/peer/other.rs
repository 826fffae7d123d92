//! Where there is no way yet to know a peer: everything is refused.

use super::{Held, Namespaces, PeerError, Process, Watch};
use std::os::fd::{BorrowedFd, OwnedFd};

/// What one look finds.
pub struct Seen {
    pub me: Process,
    pub line: Vec<Process>,
    pub last: Option<(u32, u64)>,
    pub foreign: bool,
}

pub fn own_namespaces() -> Result<Namespaces, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub fn alive(_pidfd: &OwnedFd) -> bool {
    false
}

pub fn connected(_stream: BorrowedFd<'_>) -> Result<(u32, OwnedFd), PeerError> {
    Err(PeerError::Unsupported)
}

pub fn look(_pidfd: &OwnedFd, _watch: &Watch) -> Result<Seen, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn hold(_key: (u32, u64)) -> Result<Held, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn file(_path: &std::path::Path) -> Option<super::Exe> {
    None
}
