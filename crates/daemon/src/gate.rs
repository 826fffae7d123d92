//! The one path from request to release. No I/O of its own: every step is a trait of the [`House`].
//!
//! session → policy → limit → judge → approve → record (durable) → open → release. Whatever waits (judge, human,
//! disk) may have changed the world, so all is looked at again before the record and after it.

mod frozen;
mod house;

pub use frozen::{Account, Anchor, Asker, Found, Frozen, FrozenItem, SecretId, Seen};
pub use house::{Approver, House, Judge, Limiter, NoRecord, NoValue, Peers, Rules, Trail, Vault};

use policy::Cause;
use std::rc::Rc;
use words::{EnvName, Exposure, Id, SecretRef};

/// Values on their way out. Only [`decide_and_release`] makes one, and only this can be written as raw frames.
#[must_use]
pub struct Released {
    id: Id,
    exposure: Exposure,
    items: Vec<(SecretRef, Option<EnvName>, secret::Bytes)>,
}

impl Released {
    /// The request.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id
    }

    /// The message that announces the values, and the values in its order.
    #[must_use]
    pub fn into_parts(self) -> (Id, Vec<wire::Granted>, Vec<secret::Bytes>) {
        let exposure = self.exposure;
        let part = |(secret, env, value)| (wire::Granted { secret, exposure, env }, value);
        let (granted, values) = self.items.into_iter().map(part).unzip();
        (self.id, granted, values)
    }
}

/// What a request comes to.
#[must_use]
pub enum Outcome {
    /// It is recorded; here are the values.
    Released(Released),
    /// No. The caller gets the same bytes for every cause.
    Denied(Denied),
    /// No human has decided within the wait; the request lives on under this id.
    Pending(Id),
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The id under which the trail has the reason.
    pub id: Id,
    /// A narrower exposure that policy would allow.
    pub narrower: Option<Exposure>,
    /// Why: set for a human with presence only.
    pub why: Option<(Cause, String)>,
}

/// Decides a request and, if it is granted, releases it.
pub async fn decide_and_release(house: &impl House, req: &Rc<Frozen>) -> Outcome {
    let _ = (house, req);
    Outcome::Pending(req.id)
}

/// Writes out folded denials that are due; with `all` every one (at lock). Called every second.
pub async fn flush_folds(house: &impl House, folded: Vec<audit::Entry>) {
    let _ = (house, folded);
}

/// Makes seals that are due durable: in the trail and in the store.
pub async fn keep_due(house: &impl House, due: Vec<crate::limits::Due>) {
    let _ = (house, due);
}
