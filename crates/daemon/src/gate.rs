//! The one path from request to release. No I/O of its own: every step is a trait of the [`House`].
//!
//! session → policy → limit → judge → approve → record (durable) → open → release. Whatever waits (judge, human,
//! disk) may have changed the world, so all of it is looked at again before the record and after it.

mod frozen;
mod house;
mod look;
mod record;

pub use frozen::{Account, Anchor, Asker, Found, Frozen, FrozenItem, SecretId, Seen};
pub use house::{Approver, House, Judge, Limiter, NoRecord, NoValue, Peers, Rules, Trail, Vault};
pub use look::{MAX_ITEMS, despite_a_yes};
pub use record::{flush_folds, keep_due};

use crate::approve::Answer;
use crate::limits::Counts;
use look::{No, Yes, look};
use policy::{Cause, Presence};
use record::{Sync, denials, fill, record, releases, waits};
use std::rc::Rc;
use words::{Exposure, Id, Way};

/// Values on their way out. Only [`decide_and_release`] makes one, and only this can be written as raw frames.
#[must_use]
pub struct Released {
    id: Id,
    items: Vec<(wire::Granted, secret::Bytes)>,
}

impl Released {
    /// The message that announces the values, and the values in its order.
    #[must_use]
    pub fn into_parts(self) -> (Id, Vec<wire::Granted>, Vec<secret::Bytes>) {
        let (granted, values) = self.items.into_iter().unzip();
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
    /// Why, and by which rule: set for a human with presence only.
    pub why: Option<(Cause, String)>,
}

/// Why a request does not go on.
enum Stop {
    No(No),
    Wait(Id),
}

impl From<No> for Stop {
    fn from(no: No) -> Self {
        Self::No(no)
    }
}

/// Decides a request and, if it is granted, releases it. Everything that asks for a value comes through here.
pub async fn decide_and_release(house: &impl House, req: &Rc<Frozen>) -> Outcome {
    match grant(house, req).await {
        Ok(released) => Outcome::Released(released),
        Err(Stop::Wait(id)) => Outcome::Pending(id),
        Err(Stop::No(no)) => refuse(house, req, no).await,
    }
}

/// The one opaque denial for what never was a request for a value, such as a proposal under a name that exists:
/// recorded and counted like every other.
pub async fn deny(house: &impl House, req: &Rc<Frozen>, cause: Cause, rule: &str) -> Outcome {
    refuse(house, req, No::all(req, cause, rule)).await
}

async fn grant(house: &impl House, req: &Rc<Frozen>) -> Result<Released, Stop> {
    let mut yes = Yes::NotGiven;
    let mut seen = look(house, req, yes, Counts::Release)?; // session, policy, limit
    if let Some(rule) = &seen.asks {
        yes = ask(house, req, rule).await?; // judge, approve
        seen = look(house, req, yes, yes.counts())?;
    }
    record(house, &releases(house, req, &seen, yes), Sync::Now)
        .await
        .map_err(|e| No::all(req, e, "trail"))?;
    look(house, req, yes, Counts::Nothing)?;
    release(house, req).map_err(|cause| No::all(req, cause, "vault").into())
}

/// A judge's and a human's yes, or why not.
async fn ask(house: &impl House, req: &Rc<Frozen>, rule: &str) -> Result<Yes, Stop> {
    house.judge(req).await.map_err(|rule| No::all(req, Cause::Judged, &rule))?;
    let lasting = req.lasting();
    look(house, req, Yes::NotGiven, Counts::Release)?;
    if let Some(given) = house.take_yes(req, lasting) {
        return Ok(Yes::Before(given));
    }
    let waiting = waits(house, req, rule);
    record(house, &waiting, Sync::Now).await.map_err(|cause| No::all(req, cause, "trail"))?;
    let cause = match house.ask(req, lasting, rule).await {
        Answer::Yes(given) => return Ok(Yes::Now(given)),
        Answer::Waiting(id) => return Err(Stop::Wait(id)),
        Answer::Refused => Cause::Refused,
        Answer::Cancelled => Cause::Cancelled,
        Answer::Expired => Cause::Expired,
        Answer::Full => Cause::QueueFull,
        Answer::Void => Cause::Changed,
        Answer::Locked => Cause::Locked,
    };
    Err(No::all(req, cause, rule).into())
}

/// Opens the values and hands them out. The record is durable.
fn release(house: &impl House, req: &Frozen) -> Result<Released, Cause> {
    let mut items = Vec::with_capacity(req.items.len());
    for item in &req.items {
        let secret = item.seen().ok_or(Cause::UnknownName)?;
        if item.way == Way::Proxy {
            return Err(Cause::NoProxy);
        }
        let value = house.open(&secret.id, secret.version).map_err(NoValue::cause)?;
        let granted = wire::Granted { secret: item.asked.clone(), way: item.way.clone() };
        items.push((granted, value));
    }
    Ok(Released { id: req.id, items })
}

/// Records and counts a no. The same for every cause.
async fn refuse(house: &impl House, req: &Rc<Frozen>, no: No) -> Outcome {
    let mut denials = denials(house, req, &no);
    if !house.folds(&denials) {
        fill(req, &mut denials);
        // A denial that can't be recorded is still a denial.
        let _ = record(house, &denials, Sync::Later).await;
    }
    let why = (req.presence() != Presence::None).then(|| no.why());
    Outcome::Denied(Denied { id: req.id, narrower: no.narrower, why })
}

#[cfg(test)]
pub(crate) mod tests;
