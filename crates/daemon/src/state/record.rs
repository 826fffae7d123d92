//! Recording: entries are appended at once and wait together for one fdatasync.

use super::State;
use super::segments::Lent;
use crate::clock::Clock;
use crate::gate::NoRecord;
use crate::limits::Due;
use audit::{Durable, Entry, Event, Reader, Ticket};
use std::pin::pin;
use std::rc::Rc;
use words::Id;

impl State {
    /// A new id. Without randomness there is none: the daemon locks.
    pub(crate) fn fresh_id(&self) -> Id {
        Id::random().unwrap_or_else(|_| {
            self.failed();
            Id::from_bits(self.now_ms())
        })
    }

    /// An entry of now.
    pub(crate) fn entry(&self, event: Event) -> Entry {
        Entry::new(self.fresh_id(), self.clock.wall(), event)
    }

    /// Appends an entry and counts it, without waiting for the disk. Seals that it calls for come back.
    ///
    /// # Errors
    /// When it can't be recorded.
    pub(crate) fn append(&self, entry: &Entry, durable: Durable) -> Result<(Ticket, Vec<Due>), NoRecord> {
        let ticket = self.put(entry, durable)?;
        let due = self.limits.borrow_mut().count(&self.policy(), entry);
        Ok((ticket, due))
    }

    /// Appends an entry without counting it.
    ///
    /// # Errors
    /// When it can't be recorded.
    pub(crate) fn put(&self, entry: &Entry, durable: Durable) -> Result<Ticket, NoRecord> {
        self.put_all(std::slice::from_ref(entry), durable)
    }

    /// Appends entries that belong together, all or none, without counting them.
    ///
    /// # Errors
    /// When they can't be recorded.
    pub(crate) fn put_all(&self, entries: &[Entry], durable: Durable) -> Result<Ticket, NoRecord> {
        let mut store = self.store.borrow_mut();
        let (entries, store) = (entries.to_vec(), Lent(&mut store));
        self.trail.borrow_mut().append_all(entries, &store, durable).map_err(|_| NoRecord)
    }

    /// Waits until an entry is on the disk. Whoever comes first starts the sync; all that were written before it
    /// began share it.
    ///
    /// # Errors
    /// When the disk fails; the trail takes nothing after that.
    pub(crate) async fn durable(self: &Rc<Self>, ticket: Ticket) -> Result<(), NoRecord> {
        loop {
            let mut turn = pin!(self.syncs.ended.notified());
            turn.as_mut().enable();
            if self.trail.borrow().is_durable(&ticket) {
                // In the file that is still the one at its path.
                return if self.trail.borrow().is_ok() { Ok(()) } else { Err(NoRecord) };
            }
            if self.trail.borrow().is_poisoned() {
                return Err(NoRecord);
            }
            self.sync_soon();
            turn.await;
        }
    }

    /// Begins a sync of everything that was written, when everybody whose message is there already has had a turn: what
    /// they write shares it. It runs on its own task, so that it ends even if whoever wanted it is gone; one at a time.
    pub(crate) fn sync_soon(self: &Rc<Self>) {
        if self.syncs.under_way.replace(true) {
            return;
        }
        let state = Rc::clone(self);
        tokio::task::spawn_local(async move {
            tokio::task::yield_now().await;
            let job = state.trail.borrow_mut().pending_sync();
            if let Some(job) = job {
                state.sync(job).await;
            }
            state.syncs.under_way.set(false);
            state.syncs.ended.notify_waiters();
        });
    }

    async fn sync(&self, job: audit::SyncJob) {
        let handed = match self.syncs.pace.run(move || job.run()).await {
            Some(done) => {
                let mut store = self.store.borrow_mut();
                self.trail.borrow_mut().synced(done, &mut Lent(&mut store)).is_ok()
            }
            None => false,
        };
        if !handed {
            self.failed();
        }
    }

    /// Records an act or event and waits until it is on the disk.
    ///
    /// # Errors
    /// When it can't be recorded: what it is about must not be done.
    pub(crate) async fn record(self: &Rc<Self>, entry: Entry) -> Result<Id, NoRecord> {
        let (ticket, due) = self.append(&entry, Durable::Now)?;
        self.durable(ticket).await?;
        self.keep(due).await;
        Ok(entry.id)
    }

    /// Makes seals that are due durable.
    pub(crate) async fn keep(self: &Rc<Self>, due: Vec<Due>) {
        if !due.is_empty() {
            crate::gate::keep_due(&crate::serve::House::of(self), due).await;
        }
    }

    /// Begins a new segment where the open one is full.
    pub(crate) fn roll_trail(&self) {
        if !self.trail.borrow().is_full() {
            return;
        }
        let snapshot = self.limits.borrow().snapshot();
        let mut store = self.store.borrow_mut();
        // A failure shows at the next append, which refuses once the segment is far too long.
        let _ =
            self.trail.borrow_mut().new_segment(&mut Lent(&mut store), &snapshot, None, self.clock.wall());
    }

    /// A reader of everything so far.
    ///
    /// # Errors
    /// The trail's.
    pub(crate) fn reader(&self) -> audit::Result<Reader> {
        let mut store = self.store.borrow_mut();
        self.trail.borrow_mut().reader(&mut Lent(&mut store))
    }
}
