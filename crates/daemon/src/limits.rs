//! Counters, seals and suspensions of sessions. Their state is nothing but what the entries of the trail say, so
//! it is the same after a restart. No clock of its own: the time of an entry is the time that counts.

use crate::gate::Frozen;
use audit::Entry;
use jiff::Timestamp;
use policy::{Cause, Policy};
use serde::{Deserialize, Serialize};
use words::Id;

/// A (session, secret) pair that is closed, or a whole session that is suspended, until a human opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Its id.
    pub id: Id,
    /// Which session.
    pub session: String,
    /// Which name, without its vault: a pair is the same whether or not there is such a secret, or seals would
    /// tell. None: the whole session.
    pub secret: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A seal that must be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which session.
    pub session: String,
    /// Which name; none: the whole session.
    pub secret: Option<String>,
}

/// As what a request would count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It is denied already: only seals are looked at.
    Nothing,
    /// A request that waits for a human.
    Ask,
    /// A request that is released.
    Release,
    /// A release after it has waited: the request was counted when it was asked.
    ReleaseAfterAsk,
}

/// What stands against a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blame {
    /// `Suspended`, `Sealed`, `Rate`, `Burst` or `SecretBurst`.
    pub cause: Cause,
    /// Which item; none: the whole request.
    pub item: Option<usize>,
}

/// Why a snapshot can't be read. Unlock fails then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trail's snapshot of counters can't be read: {0}")]
pub struct BadSnapshot(pub String);

/// All counters.
#[derive(Debug, Default)]
pub struct Limits {}

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
        let _ = (snapshot, entries.into_iter().count(), seals, policy);
        Ok((Self {}, Vec::new()))
    }

    /// Everything as bytes, for the beginning of a trail segment.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// See [`crate::gate::Limiter::check`].
    ///
    /// # Errors
    /// What stands against it.
    pub fn check(&self, policy: &Policy, req: &Frozen, counts: Counts, now: Timestamp) -> Result<(), Blame> {
        let _ = (policy, req, counts, now);
        Ok(())
    }

    /// See [`crate::gate::Limiter::folds`].
    pub fn folds(&mut self, req: &Frozen, now: Timestamp) -> bool {
        let _ = (req, now);
        false
    }

    /// See [`crate::gate::Limiter::count`]. `Unseal` entries (with session, and secret or not) open seals.
    pub fn count(&mut self, policy: &Policy, entry: &Entry) -> Vec<Due> {
        let _ = (policy, entry);
        Vec::new()
    }

    /// Entries for folded denials whose ten seconds are over, or all of them.
    pub fn due_folds(&mut self, now: Timestamp, all: bool, fresh_id: impl FnMut() -> Id) -> Vec<Entry> {
        let _ = (now, all, fresh_id);
        Vec::new()
    }

    /// Seals and suspensions, oldest first.
    #[must_use]
    pub fn seals(&self) -> Vec<Seal> {
        Vec::new()
    }
}
