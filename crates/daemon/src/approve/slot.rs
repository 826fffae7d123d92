//! Where those who wait for one request see its end.

use super::Answer;
use std::cell::Cell;
use std::time::Duration;
use tokio::sync::Notify;

/// How a waiting request ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// There is a yes; whoever waits takes it if it can.
    Approved,
    /// This is the answer for everybody who waits.
    With(Answer),
}

#[derive(Default)]
pub(super) struct Slot {
    end: Cell<Option<End>>,
    notify: Notify,
    waiters: Cell<usize>,
}

/// One who waits, also when its future is dropped.
struct Waiter<'a>(&'a Slot);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiters.set(self.0.waiters.get().saturating_sub(1));
    }
}

impl Slot {
    /// Ends it. False: nobody waits.
    pub fn end(&self, end: End) -> bool {
        self.end.set(Some(end));
        self.notify.notify_waiters();
        self.waiters.get() > 0
    }

    /// Waits for the end; `None` when the time is over before.
    pub async fn wait(&self, most: Duration) -> Option<End> {
        self.waiters.set(self.waiters.get() + 1);
        let _waiter = Waiter(self);
        // Made before the look at `end`: what happens from here on wakes it.
        let woken = self.notify.notified();
        if let Some(end) = self.end.get() {
            return Some(end);
        }
        if !most.is_zero() {
            let _ = tokio::time::timeout(most, woken).await;
        }
        self.end.get()
    }
}
