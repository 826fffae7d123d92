//! Everything of an unlocked store, in one place. One thread has it; nothing of it is borrowed across an `await`.
//! Not here: who asks (`peer`, `session`), whether they may (`gate`), and what is said on a connection (`serve`).

mod disk;
mod open;
mod record;
pub mod segments;
mod shared;
mod tick;
pub(crate) mod watched;

use crate::approve::Approvals;
use crate::clock::{Clock, RealClock};
use crate::life::{Life, Why};
use crate::limits::Limits;
use crate::peer::{Held, Shell as HeldShell, Watch};
use crate::presence::{StoreIdent, Windows};
use crate::session::Sessions;
use audit::Trail;
use jiff::tz::TimeZone;
use policy::Policy;
use shared::Shared;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use vault::Store;

/// The rules as they are now.
pub(crate) struct Rules {
    pub(crate) policy: Rc<Policy>,
    pub(crate) zone: TimeZone,
}

/// An unlocked store and all that goes on in it.
pub struct State {
    pub(crate) store: RefCell<Store>,
    pub(crate) trail: RefCell<Trail>,
    pub(crate) limits: RefCell<Limits>,
    pub(crate) rules: RefCell<Rules>,
    pub(crate) approvals: Approvals,
    pub(crate) windows: RefCell<Windows>,
    pub(crate) shells: RefCell<Vec<HeldShell>>,
    pub(crate) sessions: Sessions,
    pub(crate) watch: Arc<Watch>,
    pub(crate) clock: RealClock,
    /// The processes that yeses are held by.
    pub(crate) anchors: RefCell<HashMap<(u32, u64), Arc<Held>>>,
    /// One change of a vault at a time.
    pub(crate) writing: Arc<tokio::sync::Mutex<()>>,
    pub(crate) life: Rc<Life>,
    /// The last reading of the whole trail.
    pub(crate) verified: Rc<Shared<std::result::Result<Vec<String>, String>>>,
    /// How often callers have looked at what they may ask for.
    pub(crate) looks: RefCell<crate::serve::Meter>,
    /// Secrets that callers say are missing.
    pub(crate) wishes: RefCell<crate::serve::Wishes>,
    /// The values that texts are searched for.
    pub(crate) watched: watched::Watched,
    /// Who had the store locked, to be told how it was left.
    locked_by: RefCell<Vec<std::os::unix::net::UnixStream>>,
    syncs: disk::Syncs,
    connections: Cell<u64>,
}

impl State {
    /// Which store and epoch a proof of presence is about.
    pub(crate) fn ident(&self) -> StoreIdent {
        let store = self.store.borrow();
        StoreIdent { file_id: store.file_id().0, epoch: store.epoch() }
    }

    /// The policy as it is now.
    pub(crate) fn policy(&self) -> Rc<Policy> {
        Rc::clone(&self.rules.borrow().policy)
    }

    /// Another policy, from now on.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.life.set_limits(policy.lock.into());
        self.approvals.policy_changed();
        self.rules.borrow_mut().policy = Rc::new(policy);
    }

    /// Numbers a connection.
    pub(crate) fn next_connection(&self) -> u64 {
        let n = self.connections.get() + 1;
        self.connections.set(n);
        n
    }

    /// Locks because somebody on this connection wants it.
    pub(crate) fn lock_for(&self, by: std::os::fd::BorrowedFd<'_>) {
        // Where it can't be kept they learn the same at the next unlock.
        self.locked_by.borrow_mut().extend(by.try_clone_to_owned().map(Into::into));
        self.life.lock(Why::Asked);
    }

    /// Locks: something broke that only a fresh start can mend.
    pub(crate) fn failed(&self) {
        self.life.lock(Why::Failed);
    }

    /// Boot time in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.boot_ms()
    }
}
