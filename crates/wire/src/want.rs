//! What a human can want: every act that takes presence.

use crate::hex::{Hex, HexBytes};
use crate::import::ImportItem;
use crate::message::{Ask, Failure};
use serde::{Deserialize, Serialize};
use words::{CallerName, Class, Id, Name, SecretRef, VaultName};

/// An act of a human. The daemon answers with the canonical act, and does it after the yes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case", deny_unknown_fields)]
pub enum Want {
    /// Open the window for this shell's children. The act of `unlock` and `init`.
    Window,
    /// A value, through the gate.
    Show {
        /// Which one.
        secret: SecretRef,
    },
    /// Values for the places of a template, through the gate.
    Render {
        /// Which ones, each once.
        secrets: Vec<SecretRef>,
    },
    /// Use secrets in a command, through the gate.
    Run(Ask),
    /// Names and classifications.
    List,
    /// A new secret; one value follows the yes.
    Add {
        /// Its name.
        name: Name,
        /// Its vault.
        vault: VaultName,
        /// Its classification.
        class: Class,
    },
    /// A new value; one value follows the yes.
    Replace {
        /// Which one.
        secret: SecretRef,
    },
    /// Remove a secret.
    Remove {
        /// Which one.
        secret: SecretRef,
    },
    /// Another classification.
    Edit {
        /// Which one.
        secret: SecretRef,
        /// What it shall be.
        class: Class,
        /// What it must be now, where it was made from that: another change in between is not undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<Box<Class>>,
    },
    /// New secrets and new values in one vault, all or nothing; for each item one value follows the yes, in order.
    Import {
        /// Their vault.
        vault: VaultName,
        /// A name that exists gets a new version where its value differs; without this, that is refused.
        update: bool,
        /// What comes in. In front of the want, in parts: [`crate::ToDaemon::Items`].
        #[serde(skip)]
        items: Vec<ImportItem>,
    },
    /// A new vault.
    VaultCreate {
        /// Its name.
        name: VaultName,
    },
    /// The vaults.
    VaultList,
    /// Requests that wait for a human.
    Pending,
    /// Yes to a request.
    Approve {
        /// Which one.
        id: Id,
        /// For how long.
        lasts: Lasts,
    },
    /// No to a request.
    Deny {
        /// Which one.
        id: Id,
    },
    /// Take back any request.
    CancelAny {
        /// Which one.
        id: Id,
    },
    /// Sealed pairs and suspended sessions.
    Seals,
    /// Open a seal or end a suspension.
    Unseal {
        /// Its id, as `Seals` lists it.
        id: Id,
    },
    /// The policy as it is.
    PolicyShow,
    /// Another policy.
    PolicySet {
        /// The whole document.
        toml: String,
        /// SHA-256 of what must be in force now, where it was made from that: another change in between is not undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<Hex<32>>,
    },
    /// The store's settings.
    SettingsShow,
    /// Other settings: what is not named stays.
    SettingsSet {
        /// The time zone that windows are in, as an IANA name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
        /// The program that is told of waiting requests, by its absolute path; empty: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notify: Option<String>,
    },
    /// Why a request was decided as it was.
    Explain {
        /// Which one.
        id: Id,
    },
    /// Registered callers.
    Callers,
    /// Start an agent as a launched caller: this connection becomes its launcher.
    AgentStart {
        /// Who it is.
        caller: CallerName,
        /// What is started.
        argv: Vec<String>,
        /// Where, absolute.
        cwd: String,
    },
    /// Entries of the trail.
    AuditList(audit::Filter),
    /// One entry of the trail.
    AuditShow {
        /// Which one.
        id: Id,
    },
    /// New slots for the store (a new epoch); for each slot three values follow the yes: wrap key, commit, K_p.
    /// With `recover` it is the act after an unlock with the recovery code.
    Slots {
        /// The epoch the slots' keys are derived for: the store's plus one.
        epoch: u64,
        /// As canonical bytes of the header's slot without `commit`, `nonce` and `wrapped`.
        slots: Vec<HexBytes>,
    },
}

/// How long an approval holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// One release.
    Once,
    /// Until the session's process ends or the store is locked.
    Session,
    /// Seconds.
    Seconds(u32),
}

/// What names a policy's text: its SHA-256 (FIPS 180-4).
#[must_use]
pub fn policy_digest(text: &str) -> Hex<32> {
    Hex(<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes()).into())
}

impl Want {
    /// A policy that was made from another one.
    #[must_use]
    pub fn policy_set(toml: String, was: &str) -> Self {
        Self::PolicySet { toml, was: Some(policy_digest(was)) }
    }

    /// How many raw values follow the yes.
    #[must_use]
    pub fn values(&self) -> usize {
        match self {
            Want::Add { .. } | Want::Replace { .. } => 1,
            Want::Slots { slots, .. } => 3 * slots.len(),
            Want::Import { items, .. } => items.len(),
            _ => 0,
        }
    }

    /// Whether a window serves it: names, trail and policy, and a run with what was approved before.
    #[must_use]
    pub fn in_window(&self) -> bool {
        matches!(
            self,
            Want::List
                | Want::VaultList
                | Want::Pending
                | Want::Seals
                | Want::PolicyShow
                | Want::SettingsShow
                | Want::Explain { .. }
                | Want::Callers
                | Want::AuditList(_)
                | Want::AuditShow { .. }
                | Want::Run(_)
        )
    }

    /// The error for a want without presence.
    #[must_use]
    pub fn presence_needed() -> Failure {
        Failure::new(crate::code::PRESENCE_NEEDED, crate::exit::DENIED, "this needs a human at the keyboard")
            .hint("run it in your own terminal, or give --passphrase-fd")
    }
}
