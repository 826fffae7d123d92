//! Processes held by their pidfds, shared by all connections that come from below them.
//! A bounded number: whoever connects from many places must not use up the daemon's descriptors.

#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

use super::{PeerError, system};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// So many are kept for looking at them again; those beyond are let go of after the first look.
const MOST: usize = 2048;

/// A process that keeps its number as long as it lives.
#[derive(Debug)]
pub struct Pin {
    pidfd: OwnedFd,
    count: Arc<AtomicUsize>,
    counted: bool,
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
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The processes that are held, by their numbers.
#[derive(Debug, Default)]
pub struct Pins {
    by_number: Mutex<HashMap<u32, Weak<Pin>>>,
    count: Arc<AtomicUsize>,
}

impl Pins {
    /// The process that has this number now.
    ///
    /// # Errors
    /// [`PeerError::Gone`] where there is none.
    pub fn pin(&self, pid: u32) -> Result<Arc<Pin>, PeerError> {
        let mut all = self.by_number.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pin) = all.get(&pid).and_then(Weak::upgrade)
            && system::alive(&pin.pidfd)
        {
            return Ok(pin);
        }
        let pidfd = system::open(pid)?;
        let counted = self.count.fetch_add(1, Ordering::Relaxed) < MOST;
        let pin = Arc::new(Pin { pidfd, count: Arc::clone(&self.count), counted });
        if counted {
            if all.len() >= 2 * MOST {
                all.retain(|_, pin| pin.strong_count() > 0);
            }
            all.insert(pid, Arc::downgrade(&pin));
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
        assert_eq!(pins.count.load(Ordering::Relaxed), 0);
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
        pins.count.store(MOST, Ordering::Relaxed);
        let pin = pins.pin(std::process::id()).unwrap();
        assert!(!pin.counted());
        drop(pin);
        pins.count.store(0, Ordering::Relaxed);
        assert!(pins.pin(std::process::id()).unwrap().counted());
    }
}
