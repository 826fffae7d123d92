//! The policy as a tree: what the TOML says, checked.

use crate::rate::Rate;
use std::collections::BTreeMap;
use words::{CallerName, Door, Name, Scope, SecretRef};

/// At most so many callers: the daemon keeps counters for each.
pub const MAX_CALLERS: usize = 64;
/// A reason is at most so long.
pub const MAX_REASON_BYTES: usize = 512;

/// A whole policy. Made by [`Policy::parse`] only, so it is always valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who may ask for what.
    pub callers: BTreeMap<CallerName, Caller>,
    /// Limits that hold for every session.
    pub limits: Limits,
    /// A reason has at least so many characters; 0: none is needed unless a secret says so.
    pub min_reason_chars: u32,
    /// Whether a human is asked for secrets of tier medium.
    pub ask_medium: bool,
    /// When the store locks itself.
    pub lock: Lock,
    /// What nobody may do.
    pub forbid: Vec<Forbid>,
}

/// A registered caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Executables (absolute paths) that it is matched by.
    pub exe: Vec<String>,
    /// Capabilities that it holds.
    pub scopes: Vec<Scope>,
    /// How many requests a session of it may make; none: only the bursts limit it.
    pub rate: Option<Rate>,
    /// Only when a human launched it through svault.
    pub verified: bool,
}

/// Limits that hold for every session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one session.
    pub burst_per_session: Rate,
    /// Releases of one secret to all sessions.
    pub burst_per_secret: Rate,
    /// Denials of one session for one secret that seal the pair.
    pub seal_after: Rate,
    /// Proposals that may wait to be confirmed in one vault, and of one session.
    pub proposals: u32,
}

/// When the store locks itself, in milliseconds of boot time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Without a human act.
    pub idle_ms: u64,
    /// After the unlock, whatever happens.
    pub hard_ms: u64,
}

/// Something nobody may do: all that is given must match, and at least one thing is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbid {
    /// Requests under this name, whatever stands behind it. `unknown`: those under no name.
    pub caller: Option<CallerName>,
    /// This secret, in any vault or in the one named.
    pub secret: Option<SecretRef>,
    /// Secrets of this scope.
    pub scope: Option<Scope>,
    /// Requests through this door.
    pub door: Option<Door>,
}

impl Policy {
    /// The caller of that name.
    #[must_use]
    pub fn caller(&self, name: &CallerName) -> Option<&Caller> {
        self.callers.get(name)
    }

    /// The rates that hold for a request under these names: all of them.
    pub fn rates<'a>(
        &'a self,
        names: impl Iterator<Item = &'a CallerName> + 'a,
    ) -> impl Iterator<Item = &'a Rate> + 'a {
        names.filter_map(|n| self.callers.get(n)).filter_map(|c| c.rate.as_ref())
    }

    /// The largest count of any rate: so many events of a session are worth remembering.
    #[must_use]
    pub fn longest_memory(&self) -> u32 {
        let l = &self.limits;
        let fixed = [l.burst_per_session.count, l.burst_per_secret.count];
        let rates = self.callers.values().filter_map(|c| c.rate.as_ref()).map(|r| r.count);
        rates.chain(fixed).max().unwrap_or(1)
    }
}

impl Forbid {
    /// Whether `vault/name` is the secret that it names; true where it names none.
    #[must_use]
    pub fn covers(&self, vault: &str, name: &Name) -> bool {
        self.secret
            .as_ref()
            .is_none_or(|s| s.name == *name && s.vault.as_ref().is_none_or(|v| v.as_str() == vault))
    }
}
