//! What goes in and out of the store's calls.

use crate::{FileState, LastLock, Secret, SecretKey, Shut};
use jiff::Timestamp;
use seal::{SlotSpec, SyncJob, Synced};
use secret::Bytes;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use words::{CallerName, Class, Id, Name, VaultName};

/// What a human may set, beside the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The time zone that windows are in, as an IANA name.
    pub zone: String,
    /// A program that is told of waiting requests: it gets the id and the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    /// What other parts, or a newer svault, keep here.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// How to open a store whose files may have been taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rollback {
    /// Refuse.
    #[default]
    Refuse,
    /// Go on from what is there, everywhere, if it is what this digest was made of ([`OpenReport::seen`]).
    AcceptAll([u8; 32]),
    /// Go on from what is there in these vaults, if it is what this digest was made of; refuse anything else.
    Accept(Vec<VaultName>, [u8; 32]),
}

/// What was found when a store was opened.
#[derive(Debug, Default)]
pub struct OpenReport {
    /// How it was when it was last locked; none: never.
    pub last_lock: Option<LastLock>,
    /// Vaults that stay shut, and why.
    pub refused: Vec<(VaultName, Shut)>,
    /// Files that are older, newer, missing or damaged: refused (vaults), or accepted.
    pub files: Vec<FileState>,
    /// A digest of those rows, and of where each file of the store and its vaults ended.
    pub seen: [u8; 32],
    /// What was cut off behind the last good frame, kept beside the file.
    pub set_aside: Vec<PathBuf>,
    /// Things to know.
    pub notes: Vec<String>,
}

/// A new secret.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// Its vault.
    pub vault: VaultName,
    /// Its name, new in that vault.
    pub name: Name,
    /// Its classification; with `proposed_by` it is a proposal.
    pub class: Class,
    /// Who adds it; `None`: a human.
    pub created_by: Option<CallerName>,
}

/// A change of one secret.
pub enum Change<'a> {
    /// A new secret.
    Add(NewSecret, &'a Bytes),
    /// A new value.
    Replace(&'a SecretKey, &'a Bytes),
    /// A new value that confirms a proposal, in one step.
    Confirm(&'a SecretKey, &'a Bytes),
    /// Another classification, or a confirmed proposal.
    Edit(&'a SecretKey, Class),
    /// The end of it.
    Remove(&'a SecretKey),
}

/// A change that was written and is not durable yet: run it where it may block, then hand it to
/// [`crate::Store::written`].
#[must_use = "nothing is durable before the write was run and handed back"]
pub struct Write {
    pub(crate) job: Option<SyncJob>,
    pub(crate) secret: Secret,
}

/// A write that was run.
#[must_use = "only Store::written makes it count"]
pub struct Written {
    pub(crate) done: Option<Synced>,
    pub(crate) secret: Secret,
}

impl Write {
    /// Waits for the disk.
    pub fn run(self) -> Written {
        Written { done: self.job.map(SyncJob::run), secret: self.secret }
    }
}

/// A vault, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultInfo {
    /// Its name.
    pub name: VaultName,
    /// Secrets in it; 0 where it is shut.
    pub secrets: usize,
    /// Why it is shut; `None`: it is open.
    pub shut: Option<Shut>,
}

/// A closed (session, secret) pair, or a suspended session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRecord {
    /// Its id.
    pub id: Id,
    /// Which session.
    pub session: String,
    /// Which secret, as `vault/name`; none: the whole session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// The policy's text and date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// The document.
    pub toml: String,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// What a change of slots did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotChange {
    /// The store's epoch now.
    pub epoch: u64,
    /// Slots that are gone.
    pub dropped: Vec<SlotSpec>,
    /// Vaults that were shut and keep their old key until they are opened.
    pub not_rotated: Vec<VaultName>,
}
