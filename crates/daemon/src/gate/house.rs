//! What the gate needs from the rest of the house: one small trait for each step. The gate has no other way out.
//! Futures need not be `Send`: the daemon runs on one thread.

#![allow(async_fn_in_trait)]

use super::frozen::{Found, Frozen, SecretId};
use crate::approve::{Answer, Given, Lasting};
use crate::clock::Clock;
use crate::limits::{Blame, Counts, Due, Seal};
use audit::Entry;
use policy::Policy;
use std::rc::Rc;
use words::{Id, SecretRef};

/// Could not be recorded: nothing is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it could not be recorded")]
pub struct NoRecord;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// Gone, replaced, or damaged.
    #[error("the value could not be read")]
    Unread,
    /// No locked memory is left: nothing is wrong with the value.
    #[error("there is no locked memory for the value")]
    NoMemory,
    /// That it leaves could not be written down.
    #[error("it could not be written down that the value leaves")]
    NotNoted,
}

impl NoValue {
    /// What the trail and a human are told.
    #[must_use]
    pub fn cause(self) -> policy::Cause {
        match self {
            Self::Unread => policy::Cause::NoValue,
            Self::NoMemory => policy::Cause::NoMemory,
            Self::NotNoted => policy::Cause::NoRecord,
        }
    }
}

/// The rules as they are at this moment.
pub trait Rules {
    /// The policy.
    fn policy(&self) -> Rc<Policy>;
    /// The store's zone, for windows.
    fn zone(&self) -> jiff::tz::TimeZone;
    /// Whether neither the user nor anybody but root can change this program: itself and every folder above it.
    /// See [`crate::program::is_fixed`].
    fn program_fixed(&self, path: &str) -> bool;
}

/// Counters and seals. Every method is instant; [`crate::limits::Limits`] does the work.
pub trait Limiter {
    /// Whether limits stand against this, were it to count as `counts`. Changes nothing.
    ///
    /// # Errors
    /// What stands against it.
    fn check(&self, req: &Frozen, counts: Counts) -> Result<(), Blame>;
    /// Whether these denials of a request go into a folded record rather than into records of their own; if so they are
    /// kept for it.
    fn folds(&self, denials: &[Entry]) -> bool;
    /// Counts what an entry says. Called for every entry right after it was appended.
    fn count(&self, entry: &Entry) -> Vec<Due>;
}

/// Scores a reason, where a human would be asked. It can only make a decision stricter.
pub trait Judge {
    /// `Err` with the rule that says no.
    ///
    /// # Errors
    /// The judge does not accept it.
    async fn judge(&self, req: &Frozen) -> Result<(), String>;
}

/// Humans. [`crate::approve::Approvals`] does the work.
pub trait Approver {
    /// Takes a yes that was given before, if there is one for exactly this. One for once is used up.
    fn take_yes(&self, req: &Frozen, lasting: Lasting) -> Option<Given>;
    /// Whether a yes that was taken and lasts has not been taken back since; one that was used up can't be.
    fn still_given(&self, req: &Frozen, given: Given) -> bool;
    /// Tells the caller to wait, rings, and waits for a human, at most as long as the caller wants to.
    async fn ask(&self, req: &Rc<Frozen>, lasting: Lasting, rule: &str) -> Answer;
}

/// The trail.
pub trait Trail {
    /// What [`Trail::durable`] waits for.
    type Ticket;
    /// Appends entries next to each other, all or none, without waiting for the disk. `seq` is set here.
    ///
    /// # Errors
    /// When it can't: nothing is released then.
    fn append(&self, entries: &[Entry]) -> Result<Self::Ticket, NoRecord>;
    /// Waits until they are on the disk.
    ///
    /// # Errors
    /// When that fails or the trail is broken.
    async fn durable(&self, ticket: Self::Ticket) -> Result<(), NoRecord>;
    /// A new id, for a record of its own.
    fn fresh_id(&self) -> Id;
}

/// The vaults.
pub trait Vault {
    /// What there is under this name now. A name without a vault never finds a proposal.
    fn find(&self, name: &SecretRef) -> Found;
    /// The value of exactly this version in locked memory, marked as seen.
    ///
    /// # Errors
    /// When there is no such version or it can't be read.
    fn open(&self, id: &SecretId, version: u64) -> Result<secret::Bytes, NoValue>;
    /// Keeps a seal or suspension in the store, synced.
    ///
    /// # Errors
    /// When that fails: the seal holds in memory, and what was asked is denied anyway.
    fn keep_seal(&self, seal: &Seal) -> Result<(), NoRecord>;
}

/// The process at the other end.
pub trait Peers {
    /// Whether it still is what it was when it asked: alive, the same program, the same parents and evidence. Before its
    /// record the parents' namespaces may be left out.
    fn still_there(&self, req: &Frozen, recorded: bool) -> bool;
}

/// All of it.
pub trait House: Rules + Limiter + Judge + Approver + Trail + Vault + Peers + Clock {}
impl<T: Rules + Limiter + Judge + Approver + Trail + Vault + Peers + Clock> House for T {}
