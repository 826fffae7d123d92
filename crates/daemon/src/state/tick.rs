//! What happens once a second, and at the end.

use super::State;
use super::segments::Lent;
use crate::clock::Clock;
use crate::gate::Frozen;
use crate::life::Why;
use crate::serve::House;
use audit::{Durable, Event};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Seconds between two looks whether there is room for the trail's reserve again.
const REFILL: u64 = 10;
/// So long the last words wait for acts that have begun.
const ACTS: Duration = Duration::from_secs(2);

impl State {
    /// Everything that is due: what has run out, folded denials, heads, checkpoints.
    pub(crate) async fn beat(self: &Rc<Self>) {
        self.expire();
        self.flush_folds(false).await;
        self.roll_trail();
        self.sync_soon();
        if (self.now_ms() / 1000).is_multiple_of(REFILL) {
            self.trail.borrow_mut().refill_reserve();
        }
        if self.store.borrow_mut().tick(self.now_ms(), self.clock.wall()).is_err() {
            self.failed();
        }
    }

    /// Requests and windows that have run out.
    pub(crate) fn expire(&self) {
        self.ended(self.approvals.expire(self.now_ms()), "");
        let needed = self.approvals.anchors();
        let mut void = Vec::new();
        self.anchors.borrow_mut().retain(|(pid, start), held| {
            let alive = held.alive();
            if !alive {
                void.extend(self.approvals.process_ended(*pid, *start));
            }
            // A request that is being decided, and may soon wait, holds it too.
            alive && (Arc::strong_count(held) > 1 || needed.contains(&(*pid, *start)))
        });
        self.ended(void, "its process ended");
        let mut windows = self.windows.borrow_mut();
        self.shells.borrow_mut().retain(|shell| {
            let (pid, start) = shell.key();
            if !shell.alive() {
                windows.close(pid, start);
            }
            shell.alive() && windows.shells().any(|s| (s.pid, s.start) == (pid, start))
        });
    }

    /// Records the end of requests that nobody waited for any more; why, where it is not that their time is over.
    pub(crate) fn ended(&self, requests: Vec<Rc<Frozen>>, why: &str) {
        for req in requests {
            let mut entry = self.entry(Event::Expire);
            entry.id = req.id;
            entry.caller = req.caller().to_owned();
            entry.session = req.session().unwrap_or_default().to_owned();
            entry.door = Some(req.by.door);
            entry.note = why.to_owned();
            let _ = self.append(&entry, Durable::Later);
        }
    }

    pub(crate) async fn flush_folds(self: &Rc<Self>, all: bool) {
        let now = self.clock.wall();
        let folded = self.limits.borrow_mut().due_folds(now, all, || self.fresh_id());
        if !folded.is_empty() {
            crate::gate::flush_folds(&House::of(self), folded).await;
        }
    }

    /// The end: whoever waits is told, the last records are written, the heads are synced. Drop the state after it.
    pub(crate) async fn last_words(self: &Rc<Self>, why: Why) {
        self.approvals.lock();
        // An act whose record is on its way to the disk is done, or said not to be, before the last entry.
        let _turn = tokio::time::timeout(ACTS, Arc::clone(&self.writing).lock_owned()).await;
        self.flush_folds(true).await;
        // The store moves on before the last entry: one that was copied while it was unlocked is behind that entry's mark.
        let _ = self.store.borrow_mut().checkpoint();
        let mut entry = self.entry(Event::Lock);
        entry.note = why.as_str().to_owned();
        let _ = self.append(&entry, Durable::Now);
        let mut store = self.store.borrow_mut();
        let mut trail = self.trail.borrow_mut();
        let _ = trail.commit(&mut Lent(&mut store));
        // What can't be written now is found missing at the next unlock; there is nobody left to tell.
        let Ok(left) = store.lock(trail.total(), self.clock.wall()) else { return };
        let told = wire::FromDaemon::Locked(wire::LastLock {
            last_lock: left.at.to_string(),
            entries: left.entries,
            policy_date: left.policy_date.to_string(),
            word_pair: left.word_pair,
        });
        for mut to in self.locked_by.take() {
            // The socket does not block: who reads nothing is not waited for.
            let _ = wire::frame::write_control(&mut to, &told);
        }
    }
}
