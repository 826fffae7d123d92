//! Our own terminal while a command has one of its own: raw, and put back as it was whatever happens. Where svault is
//! killed outright, the guard puts it back.

use crate::Result;
use crate::error::kernel;
use nix::unistd::getpgrp;
use rustix::fd::{AsFd, OwnedFd};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr, tcsetwinsize,
};
use std::sync::{Mutex, Once, PoisonError};

/// What is put back by a panic, which runs no destructors in a release.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// A terminal for a command: the end we read, and the command's.
pub(super) struct Pty {
    pub(super) ours: OwnedFd,
    pub(super) theirs: OwnedFd,
}

/// Makes one that is like ours: settings and size.
pub(super) fn like(our: &impl AsFd) -> Result<Pty> {
    let doing = kernel("make a terminal");
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).map_err(&doing)?;
    unlockpt(&ours).map_err(&doing)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags).map_err(&doing)?;
    if let Ok(settings) = tcgetattr(our) {
        tcsetattr(&theirs, OptionalActions::Now, &settings).map_err(&doing)?;
    }
    resize(our, &ours);
    Ok(Pty { ours, theirs })
}

/// Gives the command's terminal our size; the kernel tells the command.
pub(super) fn resize(our: &impl AsFd, pty: &impl AsFd) {
    if let Ok(size) = tcgetwinsize(our) {
        let _ = tcsetwinsize(pty, size);
    }
}

/// Whether this process is in the foreground of a terminal: only then it may set it up, or read from it.
pub(super) fn in_foreground(our: &impl AsFd) -> bool {
    tcgetpgrp(our).is_ok_and(|group| group.as_raw_nonzero().get() == getpgrp().as_raw())
}

/// Our terminal in raw mode, as long as this lives.
pub(super) struct Raw;

impl Raw {
    /// Every key goes to the command as it is. None: it is not ours to set up.
    pub(super) fn enter(our: &OwnedFd) -> Option<Self> {
        if !in_foreground(our) {
            return None;
        }
        let before = tcgetattr(our).ok()?;
        let copy = our.try_clone().ok()?;
        HOOK.call_once(|| {
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                put_back();
                next(panic);
            }));
        });
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((copy, before.clone()));
        let mut raw = before;
        raw.make_raw();
        tcsetattr(our, OptionalActions::Now, &raw).ok()?;
        Some(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        put_back();
    }
}

fn put_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, settings)) = before {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
    }
}
