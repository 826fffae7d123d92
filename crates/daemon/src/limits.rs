//! Counters, seals and suspensions of sessions. Their state is nothing but what the entries of the trail say, so
//! it is the same after a restart. No clock of its own: the time of an entry is the time that counts.

mod accounts;
mod kinds;
mod ring;
mod saved;
mod scans;
mod state;

use crate::gate::{Asker, Frozen};
use audit::{Entry, Event};
use jiff::Timestamp;
use policy::{Cause, Policy, Rate};
use state::{Horizon, State, bare_name};
use words::{CallerName, Id};

pub use kinds::{Blame, Counts, Due, Seal};
pub use saved::BadSnapshot;
pub use scans::{Exposure, TOO_MANY_SECRETS, TOO_MUCH_TEXT, TOO_MUCH_WORK, UsedUp};

/// The session of everything that neither was launched nor matches.
pub const UNKNOWN: &str = "unknown";
/// Folded denials become one entry after so long.
pub const FOLD_MS: i64 = 1_000;
/// In less than this nobody has unlocked a store whose daemon was killed.
const UNLOCK_MS: u64 = 10_000;
/// So many sealed pairs suspend a session.
const SEALED_PAIRS: usize = 2;
/// What the entry of a release says that was counted when it was asked.
pub const AFTER_ASK: &str = "approved";

/// All counters.
#[derive(Debug, Default)]
pub struct Limits {
    state: State,
}

impl Limits {
    /// From the snapshot that the open segment begins with, the entries after it, and the store's seals.
    /// Also returns seals that the entries call for but nobody kept: make them with [`crate::gate::keep_due`].
    ///
    /// # Errors
    /// [`BadSnapshot`].
    pub fn restore<'a>(
        snapshot: Option<&[u8]>,
        entries: impl IntoIterator<Item = &'a Entry>,
        seals: Vec<Seal>,
        policy: &Policy,
    ) -> Result<(Self, Vec<Due>), BadSnapshot> {
        let mut limits = Self { state: snapshot.map(saved::read).transpose()?.unwrap_or_default() };
        for entry in entries {
            limits.count(policy, entry);
        }
        let of = |s: &Seal| Due { session: s.session.clone(), secret: s.secret.clone() };
        let kept: Vec<Due> = seals.iter().map(of).collect();
        let due = limits.state.seals.iter().map(of).filter(|d| !kept.contains(d)).collect();
        for seal in seals {
            limits.state.put_seal(seal);
        }
        Ok((limits, due))
    }

    /// Everything as bytes, for the beginning of a trail segment. Folded denials that have no entry yet are not in
    /// it: they count when they have one.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        saved::write(&self.state)
    }

    /// See [`crate::gate::Limiter::check`].
    ///
    /// # Errors
    /// What stands against it.
    pub fn check(&self, policy: &Policy, req: &Frozen, counts: Counts, now: Timestamp) -> Result<(), Blame> {
        if req.session().is_none() {
            return Ok(());
        }
        let accounts = accounts::of(policy, &req.by);
        if accounts.iter().any(|a| self.state.is_suspended(a)) {
            return Err(Blame { cause: Cause::Suspended, item: None });
        }
        for (i, item) in req.items.iter().enumerate() {
            if accounts.iter().any(|a| self.state.is_sealed(a, item.asked.name.as_str())) {
                return Err(Blame { cause: Cause::Sealed, item: Some(i) });
            }
        }
        // What is counted already must still fit: another policy may allow less by now.
        let more = usize::from(matches!(counts, Counts::Ask | Counts::Release));
        self.has_room_for(more, policy, &req.by, now)?;
        let more = matches!(counts, Counts::Release | Counts::ReleaseAfterAsk);
        self.check_secrets(&policy.limits.burst_per_secret, req, more, now)
    }

    /// Whether it may make one more request: by itself for what is not a [`Frozen`] one, such as a proposal. Its entry is
    /// counted like any other.
    ///
    /// # Errors
    /// `Suspended`, `Rate` or `Burst`; `TooMany` for more callers than can be counted.
    pub fn may_ask(&self, policy: &Policy, by: &Asker, now: Timestamp) -> Result<(), Blame> {
        self.has_room_for(1, policy, by, now)
    }

    /// Whether `more` requests fit into all of its accounts.
    fn has_room_for(&self, more: usize, policy: &Policy, by: &Asker, now: Timestamp) -> Result<(), Blame> {
        let Some(session) = by.session() else { return Ok(()) };
        if accounts::of(policy, by).iter().any(|a| self.state.is_suspended(a)) {
            return Err(Blame { cause: Cause::Suspended, item: None });
        }
        if !by.fits_its_record() {
            return Err(Blame { cause: Cause::TooMany, item: None });
        }
        self.has_room(more, policy, session, by.callers.iter().map(|c| &c.name), now)?;
        for (own, name) in accounts::own(session, &by.callers) {
            self.has_room(more, policy, &own, std::iter::once(name), now)?;
        }
        Ok(())
    }

    /// Whether an account has room for `more` requests under these names.
    fn has_room<'a>(
        &self,
        more: usize,
        policy: &'a Policy,
        account: &str,
        names: impl Iterator<Item = &'a CallerName> + 'a,
        now: Timestamp,
    ) -> Result<(), Blame> {
        let no = |cause| Err(Blame { cause, item: None });
        let Some(requests) = self.state.requests(account) else { return Ok(()) };
        let now = now.as_millisecond();
        if policy.rates(names).any(|rate| requests.is_full(rate, now, more)) {
            return no(Cause::Rate);
        }
        if requests.is_full(&policy.limits.burst_per_session, now, more) {
            return no(Cause::Burst);
        }
        Ok(())
    }

    /// Whether one of the accounts of who asks is suspended or closed to a secret's name (an empty one is never sealed), or
    /// there are too many. Changes nothing.
    #[must_use]
    pub fn is_closed(&self, policy: &Policy, by: &Asker, name: &str) -> bool {
        let closed = |a: &String| self.state.is_suspended(a) || self.state.is_sealed(a, name);
        !by.fits_its_record() || accounts::of(policy, by).iter().any(closed)
    }

    /// Whether the releases of each secret fit, with those of this request where they are `more`.
    fn check_secrets(&self, rate: &Rate, req: &Frozen, more: bool, now: Timestamp) -> Result<(), Blame> {
        let shown: Vec<String> = req.items.iter().map(crate::gate::FrozenItem::shown).collect();
        for (i, name) in shown.iter().enumerate() {
            let wanted = if more { shown.iter().take(i + 1).filter(|s| *s == name).count() } else { 0 };
            let full = match self.state.secrets.get(name) {
                Some(ring) => ring.is_full(rate, now.as_millisecond(), wanted),
                None => wanted > rate.count as usize,
            };
            if full {
                return Err(Blame { cause: Cause::SecretBurst, item: Some(i) });
            }
        }
        Ok(())
    }

    /// See [`crate::gate::Limiter::folds`]. What may still close something is never folded: until it has an entry, a
    /// killed daemon forgets it. But for what is forgotten anyway before a human has unlocked again.
    pub fn folds(&mut self, policy: &Policy, denials: &[Entry], now: Timestamp) -> bool {
        let brief = policy.limits.seal_after.window_ms < UNLOCK_MS;
        let changes_nothing = |denial: &Entry| {
            let name = bare_name(&denial.secret);
            let closed = |a: &String| self.state.is_suspended(a) || self.state.is_sealed(a, name);
            accounts::of_denial(policy, denial).iter().all(closed)
        };
        // What is folded is counted for the session alone.
        let brief = brief && denials.iter().all(|d| accounts::of_denial(policy, d).len() <= 1);
        (brief || denials.iter().all(changes_nothing)) && self.state.fold(denials, now.as_millisecond())
    }

    /// See [`crate::gate::Limiter::count`]. `Unseal` entries (with session, and secret or not) open seals.
    pub fn count(&mut self, policy: &Policy, entry: &Entry) -> Vec<Due> {
        if entry.session.is_empty() {
            return Vec::new();
        }
        self.state.horizon = Horizon::of(policy);
        let at = entry.at.as_millisecond();
        let name = bare_name(&entry.secret);
        match entry.event {
            Event::Ask | Event::Propose | Event::Wanted => self.count_request(entry, at),
            Event::Allow => {
                if entry.act != AFTER_ASK {
                    self.count_request(entry, at);
                }
                self.state.release(&entry.secret, at);
            }
            Event::Deny => return self.count_denial(policy, entry, name, at),
            Event::Folded => return self.count_folded(policy, entry, at),
            Event::Seal | Event::Suspend => {
                let secret = (entry.event == Event::Seal).then(|| name.to_owned());
                let session = entry.session.clone();
                self.state.put_seal(Seal { id: entry.id, session, secret, since: entry.at });
            }
            Event::Exposed | Event::Metered => {
                for account in accounts::line_of(entry) {
                    let scans = &mut self.state.session(&account, at).scans;
                    match entry.event {
                        Event::Exposed => scans.expose(&entry.secret, at),
                        _ => scans.close(&entry.cause, at),
                    }
                }
            }
            Event::Unseal => self.state.open_seal(&entry.session, (!name.is_empty()).then_some(name)),
            _ => {}
        }
        Vec::new()
    }

    fn count_request(&mut self, entry: &Entry, at: i64) {
        for account in accounts::line_of(entry) {
            self.state.request(&account, entry.id, at);
        }
    }

    fn count_denial(&mut self, policy: &Policy, entry: &Entry, name: &str, at: i64) -> Vec<Due> {
        self.state.recorded_denial(&entry.session, at);
        let mut due = Vec::new();
        for account in accounts::of_denial(policy, entry) {
            if self.state.is_suspended(&account) || self.state.is_sealed(&account, name) {
                continue;
            }
            let rate = &policy.limits.seal_after;
            let denials = match name {
                "" if self.state.nameless(&account, 1, rate, at) => state::Denials::Session,
                "" => state::Denials::Fine,
                name => self.state.denial(&account, name, rate, at),
            };
            match denials {
                state::Denials::Fine => continue,
                state::Denials::Pair => due.push(self.seal_now(entry, &account, Some(name))),
                state::Denials::Session => due.push(self.seal_now(entry, &account, None)),
            }
            let sealed = self.state.seals.iter().filter(|s| s.session == account && s.secret.is_some());
            if sealed.count() >= SEALED_PAIRS && !self.state.is_suspended(&account) {
                due.push(self.seal_now(entry, &account, None));
            }
        }
        due
    }

    fn count_folded(&mut self, policy: &Policy, entry: &Entry, at: i64) -> Vec<Due> {
        let (count, rate) = (entry.count.unwrap_or(1), &policy.limits.seal_after);
        let many = state::counts(entry) && self.state.nameless(&entry.session, count, rate, at);
        if many && !self.state.is_suspended(&entry.session) {
            return vec![self.seal_now(entry, &entry.session, None)];
        }
        Vec::new()
    }

    /// Closes it at once; its entry brings the id that it keeps.
    fn seal_now(&mut self, entry: &Entry, session: &str, secret: Option<&str>) -> Due {
        let (session, secret) = (session.to_owned(), secret.map(str::to_owned));
        let seal = Seal { id: entry.id, session: session.clone(), secret: secret.clone(), since: entry.at };
        self.state.put_seal(seal);
        Due { session, secret }
    }

    /// Entries for folded denials whose second is over, or all of them.
    pub fn due_folds(&mut self, now: Timestamp, all: bool, mut fresh_id: impl FnMut() -> Id) -> Vec<Entry> {
        let entry = |folded: state::Folded| {
            let mut e = Entry::new(fresh_id(), now, Event::Folded);
            (e.session, e.cause, e.count) = (folded.session, folded.cause, Some(folded.count));
            e
        };
        self.state.take_folds(now.as_millisecond(), all).into_iter().map(entry).collect()
    }

    /// Seals and suspensions, oldest first.
    #[must_use]
    pub fn seals(&self) -> Vec<Seal> {
        let mut seals = self.state.seals.clone();
        seals.sort_by_key(|s| s.since);
        seals
    }

    /// A seal that was to be opened, and was not: it closes what it did.
    pub fn close_again(&mut self, seal: Seal) {
        self.state.put_seal(seal);
    }

    /// The seal of that id.
    #[must_use]
    pub fn seal(&self, id: Id) -> Option<Seal> {
        self.state.seals.iter().find(|s| s.id == id).cloned()
    }
}

#[cfg(test)]
mod tests;
