//! Systems where this process's evidence is not read yet: no presence, and no agent is noticed.

use super::Ancestor;
use crate::{Error, Result};
use wire::Peer;

/// A program to start.
#[cfg(unix)]
pub(crate) struct Program {
    pub path: std::path::PathBuf,
}

#[cfg(unix)]
impl Program {
    /// One that lies somewhere.
    pub(crate) fn at(path: std::path::PathBuf) -> Self {
        Self { path }
    }
}

#[cfg(unix)]
pub(crate) fn program() -> std::io::Result<Program> {
    std::env::current_exe().map(Program::at)
}

pub(crate) fn me() -> Result<Peer> {
    Err(Error::Platform("presence"))
}

pub(crate) fn ancestors() -> Vec<Ancestor> {
    Vec::new()
}

pub(crate) fn state(_pid: u32) -> Option<&'static str> {
    None
}

pub(crate) fn is_daemon_of(_pid: u32, _store: &std::path::Path) -> bool {
    false
}

/// Another process, whose end can't be waited for on this platform yet: the closed connection must do.
pub(crate) struct Process;

impl Process {
    pub(crate) fn of(_pid: u32) -> Self {
        Self
    }

    pub(crate) fn terminate(&self) -> Result<()> {
        Err(Error::Platform("ending another process"))
    }

    pub(crate) fn kill(&self) -> Result<()> {
        Err(Error::Platform("ending another process"))
    }

    pub(crate) fn ends_within(&self, _time: std::time::Duration) -> bool {
        true
    }
}
