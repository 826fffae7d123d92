//! Several guards in one process. What a guard was above when it was killed becomes ours, as we are the subreaper; what one
//! leaves running that has ended as it should does not. So every child of ours that is no guard may be ended.

use super::family;
use rustix::process::{Pid, getpid, set_child_subreaper};
use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The guards that were not waited for. Held while one starts, so that none is taken for something that was left.
static GUARDS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn guards() -> MutexGuard<'static, Vec<Pid>> {
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a guard.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut guards = guards();
    set_child_subreaper(Some(getpid()))?;
    let guard = command.spawn()?;
    guards.push(Pid::from_child(&guard));
    Ok(guard)
}

/// Has a guard end whose command has left something that may run on: that becomes somebody else's. So does what another
/// guard leaves that is killed at this very moment.
pub(super) fn leave(end: impl FnOnce()) {
    let _one_at_a_time = guards();
    let _ = set_child_subreaper(None);
    end();
    let _ = set_child_subreaper(Some(getpid()));
}

/// A guard was waited for. Where it was killed, what it has left is ended.
pub(super) fn ended(guard: Pid, killed: bool) {
    let mut guards = guards();
    guards.retain(|pid| *pid != guard);
    if killed {
        family::end_all_but(&guards);
    }
}
