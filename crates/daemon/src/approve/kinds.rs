//! What waits, what was granted, and what comes of it.

use crate::gate::Frozen;
use crate::limits::UNKNOWN;
use jiff::Timestamp;
use std::rc::Rc;
use words::Id;

/// How long a yes to a request may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// One release: tier high, or the unknown session.
    Once,
    /// As long as its process: tier medium.
    Session,
}

/// A yes that was given before, as a request takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The id of its approval.
    pub by: Id,
    /// It was not used up: it must stand until what it is taken for is released.
    pub lasts: bool,
}

/// What came of asking a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes. It is used up if it was for once.
    Yes(Given),
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
    /// When it was asked.
    pub asked: Timestamp,
    /// When it expires, boot time.
    pub expires_ms: u64,
}

/// A yes that lasts or waits to be used. Its id is that of the request it was given to.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The request it was given to.
    pub req: Rc<Frozen>,
    /// One release only, with the same reason.
    pub once: bool,
    /// When it runs out, boot time; none: with its process.
    pub until_ms: Option<u64>,
}

impl Grant {
    /// Whether it holds for this request.
    pub(super) fn serves(&self, req: &Frozen, lasting: Lasting, now_ms: u64) -> bool {
        let nobody = req.session().is_none_or(|s| s == UNKNOWN);
        self.req.same_act(req)
            && (!nobody || self.req.by.connection == req.by.connection)
            && self.until_ms.is_none_or(|until| now_ms < until)
            && if self.once { self.req.reason == req.reason } else { lasting == Lasting::Session }
    }
}
