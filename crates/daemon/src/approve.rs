//! Requests that wait for a human, and the yeses that were given. In memory only: all gone at lock.
//! Whether a human is needed at all is the policy's business, and recording is the caller's.

mod kinds;
mod slot;

use crate::clock::Clock;
use crate::gate::{Anchor, Asker, Frozen, SecretId};
use jiff::Timestamp;
use slot::{End, Slot};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wire::Lasts;
use words::Id;

pub use kinds::{Answer, CantApprove, Given, Grant, Lasting, Waiting};

/// A request waits so long for a human.
pub const REQUEST_MS: u64 = 10 * 60_000;
/// A yes for once is good for so long.
pub const ONCE_MS: u64 = 10 * 60_000;
/// Requests of one session that wait; identical ones are one.
const MOST_OF_SESSION: usize = 16;
/// Requests that wait in all.
const MOST: usize = 128;

struct Open {
    waiting: Waiting,
    slot: Rc<Slot>,
}

#[derive(Default)]
struct Inner {
    open: Vec<Open>,
    grants: Vec<Grant>,
    locked: bool,
}

/// All of them. Single-threaded; methods borrow for their own length only.
#[derive(Default)]
pub struct Approvals(RefCell<Inner>);

impl Approvals {
    /// See [`crate::gate::Approver::take_yes`].
    pub fn take_yes(&self, req: &Frozen, lasting: Lasting, now_ms: u64) -> Option<Given> {
        let inner = &mut *self.0.borrow_mut();
        let i = inner.grants.iter().position(|g| g.serves(req, lasting, now_ms))?;
        let grant = inner.grants.get(i)?;
        let given = Given { by: grant.req.id, lasts: !grant.once };
        if grant.once {
            inner.grants.remove(i);
        }
        Some(given)
    }

    /// See [`crate::gate::Approver::still_given`].
    pub fn still_given(&self, req: &Frozen, given: Given, now_ms: u64) -> bool {
        let stands = |g: &Grant| g.req.id == given.by && g.serves(req, Lasting::Session, now_ms);
        !given.lasts || self.0.borrow().grants.iter().any(stands)
    }

    /// Waits for a human, as long as `req.wait` says. `waiting` is called with the id under which it waits and
    /// whether that is new (and not an identical request that waits already): tell the caller there, and ring if it
    /// is new. It is called again where a yes for once went to an identical request.
    pub async fn ask(
        &self,
        req: &Rc<Frozen>,
        lasting: Lasting,
        rule: &str,
        clock: &impl Clock,
        mut waiting: impl FnMut(Id, bool),
    ) -> Answer {
        let patience =
            clock.boot_ms().saturating_add(u64::try_from(req.wait.as_millis()).unwrap_or(u64::MAX));
        let mut told = None;
        loop {
            let now = clock.boot_ms();
            if let Some(given) = self.take_yes(req, lasting, now) {
                return Answer::Yes(given);
            }
            let (id, expires, slot, new) = match self.enter(req, lasting, rule, now, clock.wall()) {
                Ok(entered) => entered,
                Err(answer) => return answer,
            };
            if told != Some(id) {
                told = Some(id);
                waiting(id, new);
            }
            let until = patience.min(expires);
            let end = slot.wait(Duration::from_millis(until.saturating_sub(now))).await;
            match end {
                Some(End::Approved) => {} // for once it may have served somebody else by now
                Some(End::With(answer)) => return answer,
                None if expires <= patience => {
                    self.close(End::With(Answer::Expired), |w| w.req.id == id);
                    return Answer::Expired;
                }
                None => return Answer::Waiting(id),
            }
        }
    }

    /// Joins an identical request that waits, or begins to wait.
    fn enter(
        &self,
        req: &Rc<Frozen>,
        lasting: Lasting,
        rule: &str,
        now: u64,
        asked: Timestamp,
    ) -> Result<Entered, Answer> {
        let inner = &mut *self.0.borrow_mut();
        if inner.locked {
            return Err(Answer::Locked);
        }
        let same = |o: &&Open| o.waiting.req.same_act(req) && o.waiting.req.reason == req.reason;
        if let Some(o) = inner.open.iter().find(same) {
            return Ok((o.waiting.req.id, o.waiting.expires_ms, o.slot.clone(), false));
        }
        let of_session = inner.open.iter().filter(|o| o.waiting.req.by.account == req.by.account).count();
        if of_session >= MOST_OF_SESSION || inner.open.len() >= MOST {
            return Err(Answer::Full);
        }
        let expires_ms = now.saturating_add(REQUEST_MS);
        let waiting = Waiting { req: req.clone(), rule: rule.into(), lasting, asked, expires_ms };
        let slot = Rc::new(Slot::default());
        inner.open.push(Open { waiting, slot: slot.clone() });
        Ok((req.id, expires_ms, slot, true))
    }

    /// Ends every waiting request that `which` names; returns those that nobody waited for any more.
    fn close(&self, end: End, which: impl Fn(&Waiting) -> bool) -> Vec<Rc<Frozen>> {
        let inner = &mut *self.0.borrow_mut();
        let mut alone = Vec::new();
        inner.open.retain(|o| {
            let closes = which(&o.waiting);
            if closes && !o.slot.end(end) {
                alone.push(o.waiting.req.clone());
            }
            !closes
        });
        alone
    }

    /// Requests that wait, oldest first.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        self.0.borrow().open.iter().map(|o| o.waiting.clone()).collect()
    }

    /// One that waits.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<Waiting> {
        self.0.borrow().open.iter().find(|o| o.waiting.req.id == id).map(|o| o.waiting.clone())
    }

    /// Whether a yes may be given so; the act that a human is shown names exactly this.
    ///
    /// # Errors
    /// [`CantApprove`].
    pub fn can_approve(&self, id: Id, lasts: Lasts) -> Result<Waiting, CantApprove> {
        let waiting = self.get(id).ok_or(CantApprove::Gone)?;
        match (waiting.lasting, lasts) {
            (Lasting::Session, _) | (Lasting::Once, Lasts::Once) => Ok(waiting),
            (Lasting::Once, Lasts::Session | Lasts::Seconds(_)) => Err(CantApprove::OnlyOnce),
        }
    }

    /// A human's yes. Record `Event::Approve` durably first: whoever waits goes on at once.
    ///
    /// # Errors
    /// [`CantApprove`].
    pub fn approve(&self, id: Id, lasts: Lasts, now_ms: u64) -> Result<(), CantApprove> {
        let waiting = self.can_approve(id, lasts)?;
        if waiting.expires_ms <= now_ms {
            return Err(CantApprove::Gone);
        }
        let until_ms = match lasts {
            Lasts::Once => Some(now_ms.saturating_add(ONCE_MS)),
            Lasts::Session => None,
            Lasts::Seconds(s) => Some(now_ms.saturating_add(u64::from(s) * 1000)),
        };
        let once = lasts == Lasts::Once;
        let grant = Grant { req: waiting.req, once, until_ms };
        let also = grant.clone();
        self.0.borrow_mut().grants.push(grant);
        self.close(End::Approved, |w| w.req.id == id || also.serves(&w.req, w.lasting, now_ms));
        Ok(())
    }

    /// A human's no. False: no such request.
    pub fn refuse(&self, id: Id) -> bool {
        self.end_one(id, Answer::Refused, |_| true)
    }

    /// Taken back: by a human (`of` none), or by who asked.
    pub fn cancel(&self, id: Id, of: Option<&Asker>) -> bool {
        self.end_one(id, Answer::Cancelled, |by| of.is_none_or(|of| of.is(by) && of.callers == by.callers))
    }

    fn end_one(&self, id: Id, answer: Answer, may: impl Fn(&Asker) -> bool) -> bool {
        let Some(waiting) = self.get(id).filter(|w| may(&w.req.by)) else { return false };
        self.close(End::With(answer), |w| w.req.id == waiting.req.id);
        true
    }

    /// Drops what has run out. Returns requests that nobody waited for any more: record `Event::Expire`.
    pub fn expire(&self, now_ms: u64) -> Vec<Rc<Frozen>> {
        self.0.borrow_mut().grants.retain(|g| g.until_ms.is_none_or(|until| now_ms < until));
        self.close(End::With(Answer::Expired), |w| w.expires_ms <= now_ms)
    }

    /// A secret was replaced, edited or removed: whatever names it is void. Returns requests that nobody waited for any
    /// more, as [`Approvals::expire`].
    pub fn secret_changed(&self, id: &SecretId) -> Vec<Rc<Frozen>> {
        let names = |req: &Frozen| req.items.iter().any(|i| i.seen().is_some_and(|s| s.id == *id));
        self.void(names)
    }

    /// Another policy: a yes that lasts was given under the one before. What waits goes on waiting, and is looked at again.
    pub fn policy_changed(&self) {
        self.0.borrow_mut().grants.retain(|g| g.once);
    }

    /// Other key slots: every yes was given with the keys before them. What waits goes on waiting.
    pub fn slots_changed(&self) {
        self.0.borrow_mut().grants.clear();
    }

    /// A process ended: whatever is held by it is void. Returns the same as [`Approvals::secret_changed`].
    pub fn process_ended(&self, pid: u32, start: u64) -> Vec<Rc<Frozen>> {
        self.void(|req| req.by.anchor == Anchor::Process { pid, start })
    }

    /// A connection was closed: whatever only it could use is void. Returns the same as [`Approvals::secret_changed`].
    pub fn connection_closed(&self, connection: u64) -> Vec<Rc<Frozen>> {
        self.void(|req| req.by.anchor == Anchor::Connection(connection))
    }

    fn void(&self, which: impl Fn(&Frozen) -> bool) -> Vec<Rc<Frozen>> {
        self.0.borrow_mut().grants.retain(|g| !which(&g.req));
        self.close(End::With(Answer::Void), |w| which(&w.req))
    }

    /// The store is being locked: nothing is left and nothing begins to wait.
    pub fn lock(&self) {
        self.0.borrow_mut().locked = true;
        self.0.borrow_mut().grants.clear();
        self.close(End::With(Answer::Locked), |_| true);
    }

    /// Processes that something is held by: watch them, and call [`Approvals::process_ended`].
    #[must_use]
    pub fn anchors(&self) -> Vec<(u32, u64)> {
        let inner = self.0.borrow();
        let all = inner.open.iter().map(|o| &o.waiting.req).chain(inner.grants.iter().map(|g| &g.req));
        let mut anchors: Vec<_> = all
            .filter_map(|req| match req.by.anchor {
                Anchor::Process { pid, start } => Some((pid, start)),
                Anchor::Connection(_) => None,
            })
            .collect();
        anchors.sort_unstable();
        anchors.dedup();
        anchors
    }

    /// Requests of this asker that wait.
    #[must_use]
    pub fn waiting_of(&self, by: &Asker) -> Vec<Id> {
        let inner = self.0.borrow();
        inner.open.iter().filter(|o| o.waiting.req.by.is(by)).map(|o| o.waiting.req.id).collect()
    }

    /// Yeses that last or wait to be used, oldest first.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        self.0.borrow().grants.clone()
    }

    /// Takes a yes back. False: no such one.
    pub fn revoke(&self, id: Id) -> bool {
        let grants = &mut self.0.borrow_mut().grants;
        let before = grants.len();
        grants.retain(|g| g.req.id != id);
        grants.len() < before
    }
}

/// Id, when it expires, where its end will be seen, and whether it is new.
type Entered = (Id, u64, Rc<Slot>, bool);

#[cfg(test)]
mod tests;
