//! Where there is no way yet to know a peer: everything is refused.

use super::pins::Pin;
use super::{Evidence, Held, Namespaces, Peer, PeerError, Process, Watch};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

/// What one look finds.
pub struct Seen {
    pub me: Process,
    pub line: Vec<Process>,
    pub last: Option<(u32, u64)>,
    pub foreign: bool,
    pub pins: Option<Vec<Arc<Pin>>>,
}

/// Who connected.
pub struct Connected {
    pub uid: u32,
    pub pid: u32,
    pub pidfd: OwnedFd,
}

pub fn own_namespaces() -> Result<(Namespaces, Vec<u8>), PeerError> {
    Err(PeerError::Unsupported)
}

pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub fn alive(_pidfd: &OwnedFd) -> bool {
    false
}

pub fn open(_pid: u32) -> Result<OwnedFd, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn connected(_stream: BorrowedFd<'_>) -> Result<Connected, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn look(_pid: u32, _pidfd: &OwnedFd, _watch: &Watch) -> Result<Seen, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn unchanged(_peer: &Peer, _pins: &[Arc<Pin>], _evidence: Evidence) -> bool {
    false
}

pub fn hold(_key: (u32, u64)) -> Result<Held, PeerError> {
    Err(PeerError::Unsupported)
}

pub fn file(_path: &std::path::Path) -> Option<super::Exe> {
    None
}
