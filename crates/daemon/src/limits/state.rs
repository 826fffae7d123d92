//! What is counted, in bounded memory. Which numbers are too many is the policy's business.

use super::ring::Ring;
use super::scans::Scans;
use super::{FOLD_MS, Seal};
use crate::gate::MAX_ITEMS;
use audit::Entry;
use policy::{Cause, Policy, Rate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::Id;

/// Names with denials that a session may have at one time; more count for the whole session.
const MOST_NAMES: usize = 64;
/// Sessions that are remembered; beyond that the one that has been quiet for longest goes.
const MOST_SESSIONS: usize = 512;
/// One record of a denial every so often ...
const RECORD_EVERY_MS: i64 = 200;
/// ... after five at once.
const RECORDS_AHEAD_MS: i64 = 800;
/// A debt of records can't be larger than one request makes it: it means that the clock was set back.
const MOST_DEBT_MS: i64 = RECORDS_AHEAD_MS + RECORD_EVERY_MS * (MAX_ITEMS as i64 + 1);
/// Old things are swept after so many entries.
const SWEEP_EVERY: u32 = 256;

/// How far back counters reach: what the policy can still ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Horizon {
    requests_ms: i64,
    secrets_ms: i64,
    denials_ms: i64,
    most: usize,
}

impl Default for Horizon {
    fn default() -> Self {
        let day = 86_400_000;
        Self { requests_ms: day, secrets_ms: day, denials_ms: day, most: policy::MAX_COUNT as usize }
    }
}

impl Horizon {
    pub fn of(policy: &Policy) -> Self {
        let ms = |r: &Rate| i64::try_from(r.window_ms).unwrap_or(i64::MAX);
        let l = &policy.limits;
        let rates = policy.callers.values().filter_map(|c| c.rate.as_ref());
        Self {
            requests_ms: rates.chain([&l.burst_per_session]).map(ms).max().unwrap_or(i64::MAX),
            secrets_ms: ms(&l.burst_per_secret),
            denials_ms: ms(&l.seal_after),
            most: policy.longest_memory() as usize,
        }
    }
}

/// The counters of one session.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    /// Requests that passed policy.
    #[serde(default, skip_serializing_if = "Ring::is_empty")]
    requests: Ring,
    /// The request counted last: its other items are not counted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Id>,
    /// Denials by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    denials: BTreeMap<String, Ring>,
    /// Denials without a name: folded, or of too many names.
    #[serde(default, skip_serializing_if = "Ring::is_empty")]
    nameless: Ring,
    /// What was found in its texts.
    #[serde(default, skip_serializing_if = "Scans::is_empty")]
    pub scans: Scans,
    /// Until when records of denials are paid for.
    #[serde(default)]
    paid_ms: i64,
    /// Denials that wait to be folded into one record. Not in the trail yet, so not in a snapshot.
    #[serde(skip)]
    fold: Option<Fold>,
}

/// Denials that have no entry yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fold {
    since: i64,
    /// By cause, of those that count towards no seal; all that count together, under no cause.
    counts: BTreeMap<String, u64>,
}

/// Denials that become one entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folded {
    pub session: String,
    pub cause: String,
    pub count: u64,
}

/// Whether a denial counts towards a seal.
pub(super) fn counts(denial: &Entry) -> bool {
    denial.cause.parse::<Cause>().map_or(true, Cause::counts)
}

/// What a denial comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denials {
    Fine,
    Pair,
    Session,
}

/// Everything.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub sessions: BTreeMap<String, Session>,
    pub secrets: BTreeMap<String, Ring>,
    pub seals: Vec<Seal>,
    pub horizon: Horizon,
    /// Entries since the last sweep. Saved too, so that a restart does not change when the next one is.
    pub counted: u32,
}

impl State {
    pub fn requests(&self, session: &str) -> Option<&Ring> {
        self.sessions.get(session).map(|s| &s.requests)
    }

    /// A request passed.
    pub fn request(&mut self, session: &str, id: Id, at: i64) {
        let (window, most) = (self.horizon.requests_ms, self.horizon.most);
        let s = self.session(session, at);
        if s.last != Some(id) {
            s.requests.push(at, window, most);
            s.last = Some(id);
        }
    }

    /// A secret was released.
    pub fn release(&mut self, secret: &str, at: i64) {
        let (window, most) = (self.horizon.secrets_ms, self.horizon.most);
        self.secrets.entry(secret.to_owned()).or_default().push(at, window, most);
    }

    /// A denial has a record of its own.
    pub fn recorded_denial(&mut self, session: &str, at: i64) {
        let s = self.session(session, at);
        let from = if s.paid_ms > at.saturating_add(MOST_DEBT_MS) { at } else { s.paid_ms.max(at) };
        s.paid_ms = from.saturating_add(RECORD_EVERY_MS);
    }

    /// Whether these denials of one request have no records of their own; they are kept for a folded one then.
    pub fn fold(&mut self, denials: &[Entry], now: i64) -> bool {
        let Some(first) = denials.first() else { return false };
        let Some(s) = self.sessions.get_mut(&first.session) else { return false };
        let ahead = s.paid_ms.saturating_sub(now);
        let folds = ahead > RECORDS_AHEAD_MS && ahead <= MOST_DEBT_MS;
        if folds {
            let fold = s.fold.get_or_insert_with(|| Fold { since: now, counts: BTreeMap::new() });
            for denial in denials {
                let cause = if counts(denial) { "" } else { &denial.cause };
                *fold.counts.entry(cause.to_owned()).or_default() += 1;
            }
        }
        folds
    }

    /// Folded denials that are due.
    pub fn take_folds(&mut self, now: i64, all: bool) -> Vec<Folded> {
        let due = |since: i64| all || now.saturating_sub(since) >= FOLD_MS || now < since;
        let mut all = Vec::new();
        for (session, s) in &mut self.sessions {
            let counts = s.fold.take_if(|fold| due(fold.since)).map(|fold| fold.counts).unwrap_or_default();
            let row = |(cause, count)| Folded { session: session.clone(), cause, count };
            all.extend(counts.into_iter().map(row));
        }
        all
    }

    /// One denial of a session for a name.
    pub fn denial(&mut self, session: &str, name: &str, rate: &Rate, at: i64) -> Denials {
        let window = self.horizon.denials_ms;
        let s = self.session(session, at);
        if !s.denials.contains_key(name) && s.denials.len() >= MOST_NAMES {
            s.denials.retain(|_, ring| {
                ring.forget(at, window);
                !ring.is_empty()
            });
        }
        let (ring, over) = match s.denials.len() {
            n if n >= MOST_NAMES && !s.denials.contains_key(name) => (&mut s.nameless, Denials::Session),
            _ => (s.denials.entry(name.to_owned()).or_default(), Denials::Pair),
        };
        ring.push(at, window, rate.count as usize);
        if ring.within(rate, at) >= rate.count as usize { over } else { Denials::Fine }
    }

    /// So many denials, whatever they were for. True: too many.
    pub fn nameless(&mut self, session: &str, count: u64, rate: &Rate, at: i64) -> bool {
        let window = self.horizon.denials_ms;
        let s = self.session(session, at);
        for _ in 0..count.min(rate.count.into()) {
            s.nameless.push(at, window, rate.count as usize);
        }
        s.nameless.within(rate, at) >= rate.count as usize
    }

    pub fn is_suspended(&self, session: &str) -> bool {
        self.seals.iter().any(|s| s.session == session && s.secret.is_none())
    }

    pub fn is_sealed(&self, session: &str, name: &str) -> bool {
        self.seals.iter().any(|s| s.session == session && s.secret.as_deref() == Some(name))
    }

    /// Closes a pair or a session; one that is closed already takes the new id.
    pub fn put_seal(&mut self, seal: Seal) {
        self.seals.retain(|s| s.session != seal.session || s.secret != seal.secret);
        self.seals.push(seal);
    }

    /// A human opens it, and its denials are forgotten.
    pub fn open_seal(&mut self, session: &str, name: Option<&str>) {
        self.seals.retain(|s| s.session != session || s.secret.as_deref() != name);
        let Some(s) = self.sessions.get_mut(session) else { return };
        match name {
            Some(name) => drop(s.denials.remove(name)),
            None => s.nameless = Ring::default(),
        }
    }

    #[cfg(test)]
    pub fn forget_folds(&mut self) {
        self.sessions.values_mut().for_each(|s| s.fold = None);
    }

    pub fn session(&mut self, name: &str, at: i64) -> &mut Session {
        self.counted += 1;
        if self.counted >= SWEEP_EVERY || self.sessions.len() > MOST_SESSIONS {
            self.counted = 0;
            self.sweep(at);
        }
        self.sessions.entry(name.to_owned()).or_default()
    }

    /// Forgets what no rate can ask about any more.
    pub fn sweep(&mut self, now: i64) {
        let h = &self.horizon;
        self.secrets.retain(|_, ring| {
            ring.forget(now, h.secrets_ms);
            !ring.is_empty()
        });
        self.sessions.retain(|_, s| {
            s.requests.forget(now, h.requests_ms);
            s.nameless.forget(now, h.denials_ms);
            s.scans.forget(now);
            s.denials.retain(|_, ring| {
                ring.forget(now, h.denials_ms);
                !ring.is_empty()
            });
            !s.is_quiet(now)
        });
        while self.sessions.len() > MOST_SESSIONS {
            let quietest = self.sessions.iter().min_by_key(|(_, s)| s.latest()).map(|(name, _)| name.clone());
            let Some(name) = quietest else { break };
            self.sessions.remove(&name);
        }
    }
}

impl Session {
    fn is_quiet(&self, now: i64) -> bool {
        self.requests.is_empty()
            && self.nameless.is_empty()
            && self.denials.is_empty()
            && self.scans.is_quiet(now)
            && self.fold.is_none()
            && self.paid_ms <= now
    }

    fn latest(&self) -> i64 {
        let rings = self.denials.values().chain([&self.requests, &self.nameless]);
        rings.filter_map(Ring::last).chain(self.scans.latest()).max().unwrap_or(i64::MIN)
    }
}

/// The name in `vault/name`, or all of it.
pub(super) fn bare_name(secret: &str) -> &str {
    secret.rsplit('/').next().unwrap_or(secret)
}
