//! The house as the gate sees it: each of its traits over the state of this daemon and one connection.

use crate::approve::{Answer, Given, Lasting};
use crate::clock::Clock;
use crate::gate::{
    Approver, Asker, Found, Frozen, Judge, Limiter, NoRecord, NoValue, Peers, Rules, SecretId, Seen, Trail,
    Vault,
};
use crate::limits::{Blame, Counts, Due, Seal};
use crate::peer::Peer;
use crate::state::State;
use audit::{Durable, Entry, Event, Ticket};
use jiff::tz::TimeZone;
use policy::Policy;
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use tokio::sync::mpsc::UnboundedSender;
use vault::{SealRecord, SecretKey};
use words::{Evidence, Id, SecretRef};

/// The state, and the connection that a request came over.
pub(crate) struct House {
    state: Rc<State>,
    /// The policy that said who asks.
    known_by: Rc<Policy>,
    /// Whether a human was asked since then.
    waited: Cell<bool>,
    peer: Option<Rc<Peer>>,
    tell: Option<UnboundedSender<Id>>,
}

impl House {
    /// Without a connection: for records that the daemon makes by itself.
    pub(crate) fn of(state: &Rc<State>) -> Self {
        Self {
            state: Rc::clone(state),
            known_by: state.policy(),
            waited: Cell::default(),
            peer: None,
            tell: None,
        }
    }

    /// For one request: `tell` carries the id under which it waits for a human.
    pub(crate) fn for_request(state: &Rc<State>, peer: &Rc<Peer>, tell: UnboundedSender<Id>) -> Self {
        let (peer, tell) = (Some(Rc::clone(peer)), Some(tell));
        Self { state: Rc::clone(state), known_by: state.policy(), waited: Cell::default(), peer, tell }
    }

    /// Whether who asks goes under the same names and is of the same session by the policy of today, and by the files that
    /// it names: what has not waited has been compared with those just now.
    fn still_known(&self, peer: &Peer, by: &Asker) -> bool {
        let policy = self.state.policy();
        let other = self.waited.get() || !Rc::ptr_eq(&policy, &self.known_by);
        let Some(session) = by.session().filter(|_| other) else { return true };
        let claim = by.callers.iter().find(|c| c.evidence == Evidence::Claimed).map(|c| &c.name);
        let who = self.state.sessions.who(peer, &policy.callers, claim);
        who.named == by.callers && who.session.key() == session
    }
}

impl Rules for House {
    fn policy(&self) -> Rc<Policy> {
        self.state.policy()
    }

    fn zone(&self) -> TimeZone {
        self.state.rules.borrow().zone.clone()
    }

    fn program_fixed(&self, path: &str) -> bool {
        crate::program::is_fixed(Path::new(path))
    }
}

impl Limiter for House {
    fn check(&self, req: &Frozen, counts: Counts) -> Result<(), Blame> {
        self.state.limits.borrow().check(&self.state.policy(), req, counts, self.state.clock.wall())
    }

    fn folds(&self, denials: &[Entry]) -> bool {
        self.state.limits.borrow_mut().folds(&self.state.policy(), denials, self.state.clock.wall())
    }

    fn count(&self, entry: &Entry) -> Vec<Due> {
        self.state.limits.borrow_mut().count(&self.state.policy(), entry)
    }
}

impl Judge for House {
    async fn judge(&self, _req: &Frozen) -> Result<(), String> {
        Ok(())
    }
}

impl Approver for House {
    fn take_yes(&self, req: &Frozen, lasting: Lasting) -> Option<Given> {
        self.state.approvals.take_yes(req, lasting, self.state.now_ms())
    }

    fn still_given(&self, req: &Frozen, given: Given) -> bool {
        self.state.approvals.still_given(req, given, self.state.now_ms())
    }

    async fn ask(&self, req: &Rc<Frozen>, lasting: Lasting, rule: &str) -> Answer {
        let waiting = |id: Id, is_new: bool| {
            if let Some(tell) = &self.tell {
                let _ = tell.send(id);
            }
            if is_new {
                self.state.life.ring(id, req.by.callers.first().map(|c| &c.name));
            }
        };
        self.waited.set(true);
        self.state.approvals.ask(req, lasting, rule, &self.state.clock, waiting).await
    }
}

impl Trail for House {
    type Ticket = Option<Ticket>;

    fn append(&self, entries: &[Entry]) -> Result<Self::Ticket, NoRecord> {
        // What was denied before the lock is counted at it, by the last words.
        let counts = entries.iter().all(|e| e.event == Event::Folded);
        if !counts && !self.state.life.unlocked() {
            return Err(NoRecord);
        }
        let wait = entries.iter().any(|e| !matches!(e.event, Event::Deny | Event::Folded));
        let durable = if wait { Durable::Now } else { Durable::Later };
        let ticket = self.state.put_all(entries, durable)?;
        Ok(wait.then_some(ticket))
    }

    async fn durable(&self, ticket: Self::Ticket) -> Result<(), NoRecord> {
        match ticket {
            Some(ticket) => self.state.durable(ticket).await,
            None => Ok(()),
        }
    }

    fn fresh_id(&self) -> Id {
        self.state.fresh_id()
    }
}

impl Vault for House {
    fn find(&self, name: &SecretRef) -> Found {
        match self.state.store.borrow().find(name) {
            Ok(vault::Found::One(s)) => Found::One(Box::new(Seen {
                id: SecretId { vault: s.key.vault, record: s.key.record.0 },
                name: s.name,
                version: s.version,
                class: s.class,
            })),
            Ok(vault::Found::Ambiguous(_)) => Found::Ambiguous,
            Ok(vault::Found::None) | Err(_) => Found::None,
        }
    }

    fn open(&self, id: &SecretId, version: u64) -> Result<secret::Bytes, NoValue> {
        let key = SecretKey { vault: id.vault.clone(), record: seal::RecordId(id.record) };
        let mut store = self.state.store.borrow_mut();
        let value = store.open_value(&key, version).map_err(|e| match e {
            vault::Error::Seal(seal::Error::Memory(_)) => NoValue::NoMemory,
            _ => NoValue::Unread,
        })?;
        store.mark_seen(&key).and_then(|()| store.count_release()).map_err(|_| NoValue::NotNoted)?;
        Ok(value)
    }

    fn keep_seal(&self, seal: &Seal) -> Result<(), NoRecord> {
        let record = SealRecord {
            id: seal.id,
            session: seal.session.clone(),
            secret: seal.secret.clone(),
            since: seal.since,
        };
        self.state.store.borrow_mut().put_seal(&record).map_err(|_| NoRecord)
    }
}

impl Peers for House {
    fn still_there(&self, req: &Frozen, recorded: bool) -> bool {
        // Before its record: that the store may still be used is asked by the record itself.
        let same = |peer: &Peer| if recorded { peer.recheck() } else { peer.recheck_programs() };
        (!recorded || self.state.life.unlocked())
            && self.peer.as_deref().is_some_and(|peer| same(peer).is_ok() && self.still_known(peer, &req.by))
    }
}

impl Clock for House {
    fn wall(&self) -> jiff::Timestamp {
        self.state.clock.wall()
    }

    fn boot_ms(&self) -> u64 {
        self.state.clock.boot_ms()
    }
}
