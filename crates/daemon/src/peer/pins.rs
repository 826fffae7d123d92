//! Processes held by their pidfds, shared by all connections that come from below them.
//! A bounded number: whoever connects from many places must not use up the daemon's descriptors.

#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

use super::{PeerError, Process, system};
use crate::files;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// So many are kept for looking at them again; those beyond are let go of after the first look.
const MOST: usize = 2048;
/// So many are kept for connections to come; then it begins anew.
const RECENT: usize = 512;

/// A process that keeps its number as long as it lives.
#[derive(Debug)]
pub struct Pin {
    pidfd: OwnedFd,
    count: Arc<AtomicUsize>,
    counted: bool,
    seen: Mutex<Option<Seen>>,
}

/// A process as it was, and its parent.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What was read of it. What its terminal says of it may be old.
    pub process: Process,
    /// Its parent, as long as that lives.
    pub parent: Arc<Pin>,
}

impl Pin {
    /// Its pidfd.
    pub fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Whether there was room to keep it.
    pub fn counted(&self) -> bool {
        self.counted
    }

    /// How it was last seen. Not to be believed before it was compared.
    pub fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps how it was seen.
    pub fn see(&self, process: &Process, parent: &Arc<Pin>) {
        // What is not kept for others must not keep others either.
        if self.counted && parent.counted {
            let seen = Seen { process: process.clone(), parent: Arc::clone(parent) };
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The processes that are held, by their numbers.
#[derive(Debug)]
pub struct Pins {
    by_number: Mutex<HashMap<u32, Arc<Pin>>>,
    count: Arc<AtomicUsize>,
    most: usize,
}

impl Default for Pins {
    fn default() -> Self {
        Self { by_number: Mutex::default(), count: Arc::default(), most: files::share(MOST) }
    }
}

impl Pins {
    /// The process that has this number now.
    ///
    /// # Errors
    /// [`PeerError::Gone`] where there is none.
    pub fn pin(&self, pid: u32) -> Result<Arc<Pin>, PeerError> {
        let mut all = self.by_number.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pin) = all.get(&pid)
            && system::alive(&pin.pidfd)
        {
            return Ok(Arc::clone(pin));
        }
        let pidfd = system::open(pid)?;
        let counted = self.count.fetch_add(1, Ordering::Relaxed) < self.most;
        let pin = Arc::new(Pin { pidfd, count: Arc::clone(&self.count), counted, seen: Mutex::default() });
        if counted {
            if all.len() >= RECENT.min(self.most) {
                all.clear();
            }
            all.insert(pid, Arc::clone(&pin));
        }
        Ok(pin)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_held_once_however_many_ask() {
        let pins = Pins::default();
        let (a, b) = (pins.pin(std::process::id()).unwrap(), pins.pin(std::process::id()).unwrap());
        assert!(Arc::ptr_eq(&a, &b) && a.counted());
        drop((a, b));
        let again = pins.pin(std::process::id()).unwrap();
        assert_eq!(pins.count.load(Ordering::Relaxed), 1, "also for who comes later");
        drop((again, pins));
    }

    #[test]
    fn not_more_than_a_bounded_number_is_kept_for_later() {
        let pins = Pins::default();
        let me = pins.pin(std::process::id()).unwrap();
        for n in 0..RECENT as u32 {
            pins.by_number.lock().unwrap().insert(u32::MAX - n, Arc::clone(&me));
        }
        let mut child = std::process::Command::new("sleep").arg("20").spawn().unwrap();
        let pin = pins.pin(child.id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(pin.counted());
        assert_eq!(pins.by_number.lock().unwrap().len(), 1);
    }

    #[test]
    fn the_number_of_one_that_ended_is_not_taken_for_it() {
        let pins = Pins::default();
        let mut child = std::process::Command::new("sleep").arg("20").spawn().unwrap();
        let pin = pins.pin(child.id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!system::alive(pin.pidfd()));
        assert!(matches!(pins.pin(child.id()), Err(PeerError::Gone)), "reaped, so its number is free");
    }

    #[test]
    fn beyond_the_bound_nothing_is_kept() {
        let pins = Pins::default();
        pins.count.store(pins.most, Ordering::Relaxed);
        let pin = pins.pin(std::process::id()).unwrap();
        assert!(!pin.counted());
        drop(pin);
        assert!(pins.by_number.lock().unwrap().is_empty());
        pins.count.store(0, Ordering::Relaxed);
        assert!(pins.pin(std::process::id()).unwrap().counted());
    }
}
