//! Secrets that callers say are missing. A human adds one, or says no; the caller is told the same whether or not there
//! is such a secret, and nothing of it is looked up here. In memory only: gone at lock.

use super::answer::Reply;
use super::connection::Line;
use crate::clock::Clock;
use crate::gate::{Account, Asker};
use audit::Event;
use jiff::Timestamp;
use policy::MAX_REASON_BYTES;
use std::rc::Rc;
use wire::{FromDaemon, PendingRow, WantedSecret};
use words::{Evidence, Id, Name, Scope};

/// Of one session.
const MOST_OF_SESSION: usize = 8;
/// In all.
const MOST: usize = 64;
/// So long does one wait for a human.
const LASTS_MS: u64 = 24 * 60 * 60_000;

/// A secret that a caller wants.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) id: Id,
    pub(crate) by: Asker,
    pub(crate) name: Name,
    pub(crate) scope: Scope,
    pub(crate) why: String,
    pub(crate) asked: Timestamp,
    until_ms: u64,
}

/// All of them, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Wishes(Vec<Wish>);

impl Wishes {
    /// Those that wait.
    pub(crate) fn all(&mut self, now_ms: u64) -> &[Wish] {
        self.0.retain(|w| now_ms < w.until_ms);
        &self.0
    }

    /// One that waits.
    pub(crate) fn get(&self, id: Id) -> Option<&Wish> {
        self.0.iter().find(|w| w.id == id)
    }

    /// Ids of one account's.
    pub(crate) fn of(&self, by: &Asker) -> Vec<Id> {
        self.0.iter().filter(|w| w.by.is(by)).map(|w| w.id).collect()
    }

    /// A human said no. False: no such wish.
    pub(crate) fn refuse(&mut self, id: Id) -> bool {
        let before = self.0.len();
        self.0.retain(|w| w.id != id);
        self.0.len() < before
    }

    /// A human has added a secret of this name.
    pub(crate) fn added(&mut self, name: &Name) {
        self.0.retain(|w| w.name != *name);
    }

    /// The same wish, where it waits already.
    fn same(&self, by: &Asker, name: &Name, scope: &Scope) -> Option<Id> {
        let same = |w: &&Wish| w.by.account == by.account && w.name == *name && w.scope == *scope;
        self.0.iter().find(same).map(|w| w.id)
    }

    fn has_room(&self, account: &Account) -> bool {
        self.0.len() < MOST && self.0.iter().filter(|w| w.by.account == *account).count() < MOST_OF_SESSION
    }
}

/// Serves a wish.
pub(crate) async fn serve(line: &Line, name: Name, scope: Scope, why: String) -> Reply {
    let state = Rc::clone(&line.state);
    let by = line.asker_now();
    let now_ms = state.now_ms();
    let (same, room) = {
        let mut wishes = state.wishes.borrow_mut();
        wishes.all(now_ms);
        (wishes.same(&by, &name, &scope), wishes.has_room(&by.account))
    };
    if let Some(id) = same {
        return FromDaemon::Done { id: Some(id) }.into();
    }
    if !room || why.len() > MAX_REASON_BYTES || !within_limits(line, &by) {
        return super::ask::refuse(line, by, name.as_str()).await;
    }
    let mut entry = state.entry(Event::Wanted);
    entry.caller = caller(&by).to_owned();
    entry.evidence = by.callers.first().map(|c| c.evidence);
    entry.session = by.session().unwrap_or_default().to_owned();
    entry.also = by.also();
    entry.door = Some(by.door);
    entry.secret = name.to_string();
    entry.scope = scope.to_string();
    entry.reason.clone_from(&why);
    entry.process.clone_from(&by.process);
    let (id, asked) = (entry.id, entry.at);
    let named = by.callers.first().map(|c| c.name.clone());
    let until_ms = now_ms.saturating_add(LASTS_MS);
    // Before the record is awaited: else as many as come meanwhile would all find room.
    state.wishes.borrow_mut().0.push(Wish { id, by, name, scope, why, asked, until_ms });
    if state.record(entry).await.is_err() {
        state.wishes.borrow_mut().refuse(id);
        return FromDaemon::Denied { id, narrower: None }.into();
    }
    state.life.ring(id, named.as_ref());
    FromDaemon::Done { id: Some(id) }.into()
}

fn within_limits(line: &Line, by: &Asker) -> bool {
    let (policy, now) = (line.state.policy(), line.state.clock.wall());
    line.state.limits.borrow().may_ask(&policy, by, now).is_ok()
}

fn caller(by: &Asker) -> &str {
    by.callers.first().map_or("unknown", |c| c.name.as_str())
}

impl Wish {
    /// Who wants it and with which evidence.
    pub(crate) fn who(&self) -> String {
        let evidence = self.by.callers.first().map_or(Evidence::Claimed, |c| c.evidence);
        format!("{} ({evidence})", caller(&self.by))
    }

    /// As a human's list has it.
    pub(crate) fn row(&self) -> PendingRow {
        let span = jiff::SignedDuration::from_millis(i64::try_from(LASTS_MS).unwrap_or(0));
        PendingRow {
            id: self.id,
            asked: self.asked.to_string(),
            expires: self.asked.checked_add(span).unwrap_or(self.asked).to_string(),
            caller: caller(&self.by).to_owned(),
            evidence: self.by.callers.first().map_or(Evidence::Claimed, |c| c.evidence),
            session: self.by.session().unwrap_or_default().to_owned(),
            door: self.by.door,
            items: Vec::new(),
            argv: Vec::new(),
            cwd: String::new(),
            new_here: Vec::new(),
            reason: self.why.clone(),
            rule: String::new(),
            process: self.by.process.clone(),
            wanted: Some(WantedSecret { name: self.name.clone(), scope: self.scope.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::fake::claude;

    fn wish(n: u64, name: &str) -> Wish {
        Wish {
            id: Id::from_bits(n),
            by: claude(),
            name: name.parse().unwrap(),
            scope: "db".parse().unwrap(),
            why: "the build needs it".into(),
            asked: "2026-01-02T03:04:05Z".parse().unwrap(),
            until_ms: 1000,
        }
    }

    #[test]
    fn a_wish_ends_when_the_secret_is_there_when_it_is_refused_and_with_time() {
        let mut wishes = Wishes(vec![wish(1, "A"), wish(2, "A"), wish(3, "B"), wish(4, "C")]);
        wishes.added(&"A".parse().unwrap());
        assert!(wishes.refuse(Id::from_bits(3)) && !wishes.refuse(Id::from_bits(3)));
        assert_eq!(wishes.all(999).len(), 1);
        assert_eq!(wishes.all(1000).len(), 0);
    }

    #[test]
    fn one_session_does_not_fill_the_list() {
        let mut wishes = Wishes::default();
        while wishes.has_room(&claude().account) {
            wishes.0.push(wish(wishes.0.len() as u64, "A"));
        }
        assert_eq!(wishes.0.len(), MOST_OF_SESSION);
        assert!(wishes.has_room(&Account::Session("launched:7K2MQ9XA".into())));
    }
}
