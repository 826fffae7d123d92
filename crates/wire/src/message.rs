//! The control messages (frames of kind 0), both directions. Values never travel in them: a value is a raw
//! frame (kind 1) after the message that announces it, or the same inside a sealed frame (kind 2).

use crate::hex::{Hex, HexBytes};
use crate::report::{LastLock, Report, RollbackFile, StatusReport, UnlockReport};
use crate::want::Want;
use serde::{Deserialize, Serialize};
use words::{CallerName, Class, Door, EnvName, Exposure, Id, Name, Scope, SecretRef, VaultName, Way};

/// The version both sides speak; another one is refused in the hello.
pub const VERSION: u32 = 1;

/// From a client to the daemon.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToDaemon {
    /// The first message of every connection.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// Where the request came in.
        door: Door,
        /// The caller it says it is.
        caller: Option<CallerName>,
    },
    /// How the daemon is: needs no rights.
    Status,
    /// For secrets, in a scope, with a reason: goes through the gate.
    Ask(Ask),
    /// Take back a request of this session.
    Cancel {
        /// Which one.
        id: Id,
    },
    /// A new secret from somebody without presence; one raw frame with the value follows.
    Propose {
        /// Its name, which must be new in that vault.
        name: Name,
        /// The vault.
        vault: VaultName,
        /// Its classification, not laxer than the defaults.
        class: Class,
    },
    /// The secrets that this caller may ask for: a report.
    Mine {
        /// Only of this scope.
        scope: Option<Scope>,
    },
    /// A secret that this caller needs and that isn't there, for a human to add.
    RequestSecret {
        /// What it shall be called.
        name: Name,
        /// The capability it is for.
        scope: Scope,
        /// Why, at most 512 bytes.
        why: String,
    },
    /// Text to be searched for values of the store; one raw frame with it follows. The texts of one connection are one
    /// text, until one that ends it.
    Scan {
        /// Nothing follows that belongs to this text.
        end: bool,
    },
    /// Lock now.
    Lock,
    /// Read the whole trail; the answer says only ok or broken.
    VerifyTrail,
    /// Presence, step 1.
    ProveBegin {
        /// The slot whose K_p will be used.
        slot: Hex<8>,
        /// Random bytes of the client.
        nonce: Hex<32>,
    },
    /// Presence, step 3.
    ProveEnd {
        /// HMAC(K_p, "svault/1/c" | T).
        mac: Hex<32>,
    },
    /// A part of what [`Want::Import`] brings in: in a sealed channel, before the want. There is no answer.
    Items {
        /// In the order of their values.
        items: Vec<crate::ImportItem>,
    },
    /// A human's act. In a sealed channel, or in the open inside a window.
    Want(Box<Want>),
    /// The human's yes to an act as shown; raw frames follow where the act takes values (see [`Want::values`]).
    Yes {
        /// Which act.
        act: Id,
        /// HMAC(K_p, "svault/1/yes" | T | act_id | SHA-256(act)).
        mac: Hex<32>,
    },
}

/// A request for one or more secrets, all or nothing. It has at most [`crate::act::MOST_ASKED`] bytes, counted as in
/// [`Ask::size`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The secrets and how each is wanted; at most [`MOST_ITEMS`].
    pub items: Vec<AskItem>,
    /// The capability that is used.
    pub scope: Option<Scope>,
    /// Why, at most 512 bytes.
    pub reason: Option<String>,
    /// The command that gets them (`env`, `file`); empty for `value`.
    #[serde(default)]
    pub argv: Vec<String>,
    /// The folder that the command runs in, absolute; empty for `value`.
    #[serde(default)]
    pub cwd: String,
    /// How long to wait for a human, in seconds; 0: not at all.
    pub wait: u32,
    /// What the caller's client says of itself: name, session, call. Recorded; nothing is decided by it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client: String,
    /// What the files that name the secrets set, as a SHA-256 over it in hex; empty where there are none. A human's yes to
    /// a run is to this, too.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sets: String,
}

/// Secrets of one request.
pub const MOST_ITEMS: usize = 256;

/// One secret of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskItem {
    /// Which secret.
    pub secret: SecretRef,
    /// How it is wanted. One request may mix `env` and `file`.
    pub way: Way,
}

impl AskItem {
    /// A secret in a variable of the command.
    #[must_use]
    pub fn env(secret: SecretRef, name: EnvName) -> Self {
        Self { secret, way: Way::Env(name) }
    }

    /// A secret at a path that is in a variable of the command.
    #[must_use]
    pub fn file(secret: SecretRef, name: EnvName) -> Self {
        Self { secret, way: Way::File(name) }
    }

    /// The value itself.
    #[must_use]
    pub fn value(secret: SecretRef) -> Self {
        Self { secret, way: Way::Value }
    }
}

/// From the daemon to a client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromDaemon {
    /// The answer to a hello.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// The daemon's process id.
        pid: u32,
        /// 16 hex digits naming the store, as in the socket's name.
        store: String,
    },
    /// How the daemon is.
    Status(StatusReport),
    /// A human must decide; an answer follows when one has, or `Pending` when the wait is over.
    Waiting {
        /// The request.
        id: Id,
    },
    /// No human has decided within the wait.
    Pending {
        /// The request, which lives on.
        id: Id,
    },
    /// Granted. As many raw frames follow as there are items, in their order.
    Released {
        /// The request.
        id: Id,
        /// What was granted for each.
        items: Vec<Granted>,
    },
    /// The one opaque answer to everything that is not allowed.
    Denied {
        /// The id under which the trail has the reason.
        id: Id,
        /// A narrower exposure that policy would allow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        narrower: Option<Exposure>,
    },
    /// Done, nothing to tell.
    Done {
        /// The id under which the trail has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Id>,
    },
    /// Where values are in a text. Nothing of the values themselves.
    Scanned {
        /// Whole values, in any form, that were not told of before; in order and apart.
        hits: Vec<ScanHit>,
        /// Where in the text no later answer will change anything before: depends on nothing but the text's length.
        decided: u64,
        /// Values are not looked for in this text: the session has used up what it may have looked at for now.
        rules_only: bool,
    },
    /// The store is locked and this is how it was left. Comes after `done`, in the open, to who had it locked.
    Locked(LastLock),
    /// The trail was read to its end.
    Verified {
        /// Whether all of it holds.
        ok: bool,
        /// The first thing that doesn't, with the file that it is in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Files that a human has given up after a rollback, and that are not whole.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<String>,
    },
    /// Presence, step 2.
    ProveChallenge {
        /// Random bytes of the daemon.
        nonce: Hex<32>,
        /// The client as the daemon sees it.
        peer: Peer,
        /// HMAC(K_p, "svault/1/d" | T).
        mac: Hex<32>,
    },
    /// Presence holds. The first sealed frame; every further one is sealed too.
    Proved,
    /// The act, as the daemon will do it.
    Act {
        /// Names it in the yes.
        id: Id,
        /// The canonical bytes; see [`crate::act`].
        act: HexBytes,
    },
    /// A part of what a human asked to read; more follows.
    More(Box<Report>),
    /// What a human asked to read, or the last part of it.
    Report(Box<Report>),
    /// This can't be done, for a reason that gives nothing away.
    Error(Failure),
}

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanHit {
    /// Its first byte, counted from the beginning of this connection's text. May lie before what was sent last.
    pub start: u64,
    /// Behind its last byte.
    pub end: u64,
    /// The secret's name where this caller could ask for it, else `secret`.
    pub label: String,
}

/// One granted secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// Which one.
    pub secret: SecretRef,
    /// How it travels.
    pub way: Way,
}

/// A process as the daemon sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Process id, in the daemon's namespace.
    pub pid: u32,
    /// Start time in clock ticks since boot (proc(5), field 22).
    pub start: u64,
    /// Parent's process id.
    pub parent: u32,
    /// Controlling terminal (proc(5), field 7); 0: none.
    pub tty: u32,
}

/// An error that may be told to anybody: it is about the message, the daemon or the machine, not about secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{message}")]
pub struct Failure {
    /// A stable word for scripts, such as `presence_needed`.
    pub code: String,
    /// One line for people.
    pub message: String,
    /// What to do, where something can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exit code the command line gives for it; see [`crate::exit`].
    pub exit: u8,
}

impl Failure {
    /// An error with its code, exit status and line.
    #[must_use]
    pub fn new(code: &str, exit: u8, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), hint: None, exit }
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// From the process that unlocks to the daemon it has just started, over the inherited socket pair.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToChild {
    /// Open the store; three raw frames follow: wrap key, commit, K_p (32 bytes each).
    Open {
        /// The slot the keys are of.
        slot: Hex<8>,
        /// What to do with files that are not what they were.
        rollback: Rollback,
        /// Go on without locked memory, recorded.
        weak_memory: bool,
        /// File descriptor 1 of the daemon is the human's terminal: ring there.
        bell: bool,
    },
    /// Make a store; for each slot three raw frames follow, as above.
    Create {
        /// The store file's id, which the slots' keys are derived with.
        file_id: Hex<16>,
        /// The slots, as canonical bytes of the header's slot without `commit`, `nonce` and `wrapped`. The keys are
        /// derived for epoch 1.
        slots: Vec<HexBytes>,
        /// The time zone of the store, as an IANA name.
        zone: String,
        /// Go on without locked memory, recorded.
        weak_memory: bool,
        /// File descriptor 1 of the daemon is the human's terminal: ring there.
        bell: bool,
    },
}

/// What unlocking does with files that are older than their heads, missing, or from another line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rollback {
    /// Such a vault stays shut; with such a store or trail nothing opens.
    #[default]
    Refuse,
    /// Open nothing: answer [`FromChild::RolledBack`] with every such file (none, perhaps), and end.
    Show,
    /// Go back to what is on disk, and say so in the trail.
    Accept {
        /// These vaults only; none: everything.
        vaults: Vec<VaultName>,
        /// What [`FromChild::RolledBack`] said: if the files are others by now, nothing opens.
        seen: Seen,
    },
}

/// Digests of what was shown: a yes to these files is a yes to no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Of the store and its vaults.
    pub store: Hex<32>,
    /// Of the trail. None: it can't be looked at before the store is accepted, and must then be as it was.
    pub trail: Option<Hex<32>>,
}

/// From the daemon to the process that started it, over the inherited socket pair.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromChild {
    /// It holds the lock; here is the store's header as read under it, or none: there is no store.
    Locked {
        /// Preamble, header and its MAC.
        header: Option<HexBytes>,
    },
    /// Another process holds the store.
    Busy {
        /// Which one, where the kernel says so.
        pid: Option<u32>,
    },
    /// It listens.
    Ready(Box<UnlockReport>),
    /// Some files are not what they were; the store stays shut.
    RolledBack {
        /// Each file that is older, newer or missing.
        files: Vec<RollbackFile>,
        /// The error as told without `--accept-rollback`.
        error: Failure,
        /// To accept just these; only in the answer to [`Rollback::Show`].
        seen: Option<Seen>,
    },
    /// It could not, and has ended.
    Failed(Failure),
}
