//! Requests that wait for a human, and the yeses that were given. In memory only: all gone at lock.

use crate::clock::Clock;
use crate::gate::{Frozen, SecretId};
use std::rc::Rc;
use words::Id;

/// How long a yes to this request may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// One release: tier high, the unknown session, a judge that asked.
    Once,
    /// As long as its process: tier medium.
    Session,
}

/// What came of asking a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes, by the approval with this id. It is used up if it was for once.
    Yes(Id),
    /// No.
    Refused,
    /// Taken back, by its caller or a human.
    Cancelled,
    /// Its time is over.
    Expired,
    /// The wait is over; the request lives on under this id.
    Waiting(Id),
    /// Too many wait already.
    Full,
    /// The secret was changed or the process ended meanwhile.
    Void,
    /// The store is being locked.
    Locked,
}

/// Why a human's yes can't be given so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CantApprove {
    /// There is no such request, or no longer.
    #[error("no request with this id waits")]
    Gone,
    /// It may last for one release only.
    #[error("this can be approved for one release only: its tier is high, or its caller is unknown")]
    OnlyOnce,
}

/// A request that waits, for `pending`.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The request.
    pub req: Rc<Frozen>,
    /// The rule that asks.
    pub rule: String,
    /// How long a yes may last.
    pub lasting: Lasting,
    /// When it was asked, boot time.
    pub asked_ms: u64,
    /// When it expires, boot time.
    pub expires_ms: u64,
}

/// A yes that lasts or waits to be used.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The request it was given to.
    pub req: Rc<Frozen>,
    /// One release only.
    pub once: bool,
    /// When it runs out, boot time; none: with its process.
    pub until_ms: Option<u64>,
}

/// All of them. Single-threaded; methods borrow for their own length only.
#[derive(Debug, Default)]
pub struct Approvals {}

impl Approvals {
    /// See [`crate::gate::Approver::take_yes`].
    pub fn take_yes(&self, req: &Frozen, lasting: Lasting, now_ms: u64) -> Option<Id> {
        let _ = (req, lasting, now_ms);
        None
    }

    /// Waits for a human, as long as `req.wait`. `waiting` is called once with the id under which it waits,
    /// where nobody has decided yet: tell the caller and ring there (`true`: it is new, not an identical one).
    pub async fn ask(
        &self,
        req: &Rc<Frozen>,
        lasting: Lasting,
        rule: &str,
        clock: &impl Clock,
        waiting: impl FnOnce(Id, bool),
    ) -> Answer {
        let _ = (req, lasting, rule, clock, waiting);
        Answer::Full
    }

    /// Requests that wait, oldest first.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        Vec::new()
    }

    /// One that waits.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<Waiting> {
        let _ = id;
        None
    }

    /// Whether a yes may be given so; the act that a human is shown names exactly this.
    ///
    /// # Errors
    /// [`CantApprove`].
    pub fn can_approve(&self, id: Id, lasts: wire::Lasts) -> Result<Waiting, CantApprove> {
        let _ = (id, lasts);
        Err(CantApprove::Gone)
    }

    /// A human's yes. Record `Event::Approve` durably first.
    ///
    /// # Errors
    /// [`CantApprove`].
    pub fn approve(&self, id: Id, lasts: wire::Lasts, now_ms: u64) -> Result<(), CantApprove> {
        let _ = (id, lasts, now_ms);
        Err(CantApprove::Gone)
    }

    /// A human's no. False: no such request.
    pub fn refuse(&self, id: Id) -> bool {
        let _ = id;
        false
    }

    /// Taken back: by a human (`of` none), or by its own session and process (`of` some request of it).
    pub fn cancel(&self, id: Id, of: Option<&crate::gate::Asker>) -> bool {
        let _ = (id, of);
        false
    }

    /// Drops what has run out. Returns requests that nobody waited for any more: record `Event::Expire`.
    pub fn expire(&self, now_ms: u64) -> Vec<Rc<Frozen>> {
        let _ = now_ms;
        Vec::new()
    }

    /// When the next one runs out, boot time.
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        None
    }

    /// A secret was replaced, edited or removed: whatever names it is void.
    pub fn secret_changed(&self, id: &SecretId) {
        let _ = id;
    }

    /// A process ended: whatever is held by it is void.
    pub fn process_ended(&self, pid: u32, start: u64) {
        let _ = (pid, start);
    }

    /// A connection was closed: whatever only it could use is void.
    pub fn connection_closed(&self, connection: u64) {
        let _ = connection;
    }

    /// The store is being locked.
    pub fn lock(&self) {}

    /// Yeses that last or wait to be used, oldest first.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        Vec::new()
    }

    /// Takes a yes back. False: no such one.
    pub fn revoke(&self, id: Id) -> bool {
        let _ = id;
        false
    }
}
