//! A daemon that does not answer: what is known of it, and how it is ended all the same.

use crate::{Error, Result, os};
use seal::StoreLock;
use std::time::Duration;
use wire::paths::StoreDir;

/// A daemon that is killed has nothing left to say.
const END: Duration = Duration::from_secs(15);

/// Without its socket it locks itself within a second.
const BY_ITSELF: Duration = Duration::from_secs(2);

/// A daemon that took a connection and says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silent {
    /// Its process, as the kernel says.
    pub pid: Option<u32>,
    /// What it does: `stopped`, `waiting for the disk`, `running`.
    pub state: Option<&'static str>,
}

impl Silent {
    pub(crate) fn of(pid: Option<u32>) -> Self {
        Self { pid, state: pid.and_then(os::state) }
    }
}

/// Which process listens for a store, where the kernel tells.
///
/// # Errors
/// As [`crate::Connection::open`].
pub fn listener(store: &StoreDir) -> Result<Option<u32>> {
    for socket in store.sockets() {
        if let Some((_, listener)) = os::connect(&socket)? {
            return Ok(listener);
        }
    }
    Err(Error::Locked)
}

/// Which process holds the store, where the kernel tells.
#[must_use]
pub fn holder(store: &StoreDir) -> Option<u32> {
    StoreLock::holder(&store.lock())
}

/// Ends the daemon that listens as process `listener` and does not answer: nothing that it has acknowledged is lost, as
/// it acknowledges only what is on the disk. Whoever listens without holding the store is left alone.
///
/// # Errors
/// [`Error::NotTheDaemon`] where it does not hold the store; [`Error::StillThere`] where it does not end.
pub fn end_by_force(store: &StoreDir, listener: Option<u32>) -> Result<u32> {
    let holds = |pid| holder(store) == Some(pid);
    let Some(pid) = listener.filter(|pid| holds(*pid)) else {
        return Err(Error::NotTheDaemon { pid: listener });
    };
    let process = os::Process::of(pid);
    // Its number may have gone to somebody else before it was held.
    if !holds(pid) {
        return Err(Error::NotTheDaemon { pid: listener });
    }
    process.kill()?;
    if process.ends_within(END) { Ok(pid) } else { Err(Error::StillThere { pid }) }
}

/// Ends a daemon that holds the store and can't be reached: without its socket it locks itself, else it is told to by a
/// signal. None: nobody holds the store.
///
/// # Errors
/// [`Error::Held`] where somebody else holds the store; [`Error::StillThere`] where it does not end.
pub fn ends_unreachable(store: &StoreDir) -> Result<Option<u32>> {
    let Some(pid) = holder(store) else { return Ok(None) };
    let process = os::Process::of(pid);
    // Its number may have gone to somebody else before it was held.
    if holder(store) != Some(pid) || process.ends_within(BY_ITSELF) {
        return Ok(Some(pid));
    }
    if !os::is_daemon_of(pid, store.real()) {
        return Err(Error::Held { pid: Some(pid) });
    }
    process.terminate()?;
    if !process.ends_within(END) {
        process.kill()?;
    }
    if process.ends_within(END) { Ok(Some(pid)) } else { Err(Error::StillThere { pid }) }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_hold_the_store_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::write(folder.path().join("store.svault"), "").unwrap();
        let store = StoreDir::open(folder.path()).unwrap();
        let mut bystander = std::process::Command::new("sleep").arg("20").spawn().unwrap();
        // This process holds the lock; somebody else listens.
        let _lock = StoreLock::take(&store.lock()).unwrap();
        for listener in [None, Some(bystander.id())] {
            let left = end_by_force(&store, listener);
            assert!(matches!(left, Err(Error::NotTheDaemon { pid }) if pid == listener), "{left:?}");
        }
        assert!(bystander.try_wait().unwrap().is_none(), "it lives");
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    }

    #[test]
    fn a_process_is_described() {
        assert_eq!(Silent::of(Some(std::process::id())).state, Some("running"));
        assert_eq!(Silent::of(None).state, None);
    }
}
