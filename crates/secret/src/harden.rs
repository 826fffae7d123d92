//! What a process can do for itself: no dumps, no core files, no tracer, no new privileges.

use crate::{arena, os};

/// One protection, and whether it holds for this process on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    /// What it is, in a few words.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What a user can do where it doesn't.
    pub fix: Option<&'static str>,
}

/// Hardens this process and says, for each protection, whether it holds. May be called again: it only reports then.
///
/// It forbids core files and new privileges (sudo and the like) for good, also to children: it is for the daemon and
/// for processes that start nobody else's programs. Call it before threads start, as some of it is per thread.
#[must_use]
pub fn harden() -> Vec<Protection> {
    let mut all = os::harden();
    all.push(Protection {
        name: "locked memory for secrets",
        holds: arena::memory().locked,
        fix: Some("raise `ulimit -l` (LimitMEMLOCK), or allow --weak-memory"),
    });
    all
}

/// Whether other processes of the user can read this one's memory now.
#[must_use]
pub fn dumpable() -> bool {
    os::dumpable()
}

/// Whether another process traces this one. A process that has closed itself can't be traced by its user any more, but
/// whoever began before goes on.
#[must_use]
pub fn traced() -> bool {
    os::traced()
}

/// Makes this process readable to others of its user (`true`) or not, and says whether that holds now.
/// A client calls it with `false` after its hello, so that the daemon can still see who is there, and before anything
/// secret is typed.
pub fn set_dumpable(on: bool) -> bool {
    os::set_dumpable(on)
}
