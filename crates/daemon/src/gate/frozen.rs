//! A request as it was when it was asked. Approvals, grants and the last look before a release compare with it.

use super::house::Vault;
use policy::{Lookup, MAX_REASON_BYTES, Named, Presence, SecretFacts};
use std::time::Duration;
use words::{CallerName, Class, Door, Evidence, Exposure, Id, Name, Scope, SecretRef, Tier, VaultName, Way};

/// So many names may a request go under; who goes under more gets nothing.
const MOST_CALLERS: usize = 4;

/// The most bytes that are kept of what a client says of itself.
const CLIENT: usize = 320;

/// Which record of which vault: stays the same when the secret is renamed or replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretId {
    /// The vault.
    pub vault: VaultName,
    /// The record in it.
    pub record: [u8; 16],
}

/// A secret as the vault showed it: no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which record.
    pub id: SecretId,
    /// Its name.
    pub name: Name,
    /// The version of its value.
    pub version: u64,
    /// Its classification.
    pub class: Class,
}

/// What the vaults have under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This one.
    One(Box<Seen>),
    /// None. A proposal is not found by a name without a vault.
    None,
    /// Several vaults have it.
    Ambiguous,
}

/// One secret of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenItem {
    /// As asked.
    pub asked: SecretRef,
    /// How it shall travel.
    pub way: Way,
    /// What was there when it was asked.
    pub found: Found,
}

/// What a yes that lasts is held by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The launcher of a launched session, or the process that matched.
    Process {
        /// Its process id.
        pid: u32,
        /// When it was started (proc(5), field 22), so that a reused pid is another process.
        start: u64,
    },
    /// Nothing but this connection: in the unknown session a yes serves no other.
    Connection(u64),
}

/// On whose account a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// A human with a fresh proof over exactly this: belongs to no session, counts nowhere.
    Human,
    /// A human in a shell's window, for a command that was said yes to before. Serves no high tier and shows no
    /// value.
    Window,
    /// A session: `launched:ID`, `matched:NAME` or `unknown`.
    Session(String),
}

/// Who asks and how, as the daemon saw it.
#[derive(Debug, Clone)]
pub struct Asker {
    /// On whose account.
    pub account: Account,
    /// Every name that counts, the strongest evidence first.
    pub callers: Vec<Named>,
    /// What a yes is held by.
    pub anchor: Anchor,
    /// The connection it came over.
    pub connection: u64,
    /// The process at its other end: its id and start time.
    pub peer: (u32, u64),
    /// Where it came in.
    pub door: Door,
    /// The process and its parents as `pid exe`, nearest first.
    pub process: Vec<String>,
}

impl Asker {
    /// The session; a human has none.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        match &self.account {
            Account::Human | Account::Window => None,
            Account::Session(key) => Some(key),
        }
    }

    /// The registered callers that it is or runs below, but for the first name, as entries have them.
    #[must_use]
    pub fn also(&self) -> Vec<String> {
        let matched = self.callers.iter().skip(1).filter(|c| c.evidence == Evidence::Matched);
        matched.take(MOST_CALLERS - 1).map(|c| c.name.to_string()).collect()
    }

    /// Whether its record has room for all of its names, so that each of them is counted.
    #[must_use]
    pub fn fits_its_record(&self) -> bool {
        self.callers.len() <= MOST_CALLERS
    }

    /// Whether that is the same asker: by what its rights are held by, or the process that it is, over whichever
    /// connection. An account alone is not enough: all that nothing is known of share one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.account == other.account && (self.anchor == other.anchor || self.peer == other.peer)
    }
}

/// A request, frozen.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// The id its caller is told.
    pub id: Id,
    /// What is asked for, 1 to [`super::MAX_ITEMS`]; the gate refuses other numbers.
    pub items: Vec<FrozenItem>,
    /// The capability that is used.
    pub scope: Option<Scope>,
    /// Why; of a reason that is too long so much that this shows.
    pub reason: Option<String>,
    /// The command that gets them.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: String,
    /// How long the caller waits for a human.
    pub wait: Duration,
    /// What its client says of itself. For the trail alone: two requests that differ in it are the same act.
    pub client: String,
    /// Who asks.
    pub by: Asker,
}

impl Frozen {
    /// Freezes a request: looks up every name once. Names that don't exist are frozen as that.
    #[must_use]
    pub fn new(vault: &impl Vault, id: Id, ask: wire::Ask, by: Asker) -> Self {
        let freeze = |item: wire::AskItem| {
            let found = vault.find(&item.secret);
            FrozenItem { asked: item.secret, way: item.way, found }
        };
        Self {
            id,
            items: ask.items.into_iter().map(freeze).collect(),
            scope: ask.scope,
            reason: ask.reason.map(|mut reason| {
                reason.truncate(reason.ceil_char_boundary(MAX_REASON_BYTES + 1));
                reason
            }),
            argv: ask.argv,
            cwd: ask.cwd,
            wait: Duration::from_secs(ask.wait.into()),
            client: ask.client[..ask.client.floor_char_boundary(CLIENT)].to_owned(),
            by,
        }
    }

    /// Whether a human stands behind it.
    #[must_use]
    pub fn presence(&self) -> Presence {
        match self.by.account {
            Account::Human => Presence::Act,
            Account::Window => Presence::Window,
            Account::Session(_) => Presence::None,
        }
    }

    /// The session it counts for; a human's counts for none.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.by.session()
    }

    /// The name it goes under: the strongest, `human` or `unknown`.
    #[must_use]
    pub fn caller(&self) -> &str {
        match (&self.by.account, self.by.callers.first()) {
            (Account::Human | Account::Window, _) => "human",
            (_, Some(named)) => named.name.as_str(),
            (_, None) => "unknown",
        }
    }

    /// What stands behind that name.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        self.by.callers.first().map(|c| c.evidence)
    }

    /// The names that count.
    pub fn names(&self) -> impl Iterator<Item = &CallerName> {
        self.by.callers.iter().map(|c| &c.name)
    }

    /// The widest of its exposures.
    #[must_use]
    pub fn exposure(&self) -> Option<Exposure> {
        self.items.iter().map(|i| i.way.exposure()).max()
    }

    /// Whether this and another are the same in all that a yes is given for. The reason is compared apart: a
    /// grant holds for every reason.
    #[must_use]
    pub fn same_act(&self, other: &Frozen) -> bool {
        self.items == other.items
            && self.scope == other.scope
            && self.argv == other.argv
            && self.cwd == other.cwd
            && self.by.account == other.by.account
            && self.by.callers == other.by.callers
            && self.by.anchor == other.by.anchor
            && self.by.door == other.by.door
    }
}

impl FrozenItem {
    /// For the policy.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'_> {
        match &self.found {
            Found::One(s) => {
                Lookup::Found(SecretFacts { vault: &s.id.vault, name: &s.name, class: &s.class })
            }
            Found::None => Lookup::Unknown(&self.asked),
            Found::Ambiguous => Lookup::Ambiguous(&self.asked),
        }
    }

    /// How the trail names it: `vault/name`, or as asked where there is no such secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let (vault, name) = match &self.found {
            Found::One(s) => (Some(&s.id.vault), &s.name),
            Found::None | Found::Ambiguous => (self.asked.vault.as_ref(), &self.asked.name),
        };
        vault.map_or_else(|| name.to_string(), |v| format!("{v}/{name}"))
    }

    /// The secret, where there is one.
    #[must_use]
    pub fn seen(&self) -> Option<&Seen> {
        match &self.found {
            Found::One(s) => Some(s),
            Found::None | Found::Ambiguous => None,
        }
    }

    /// Its tier; what is not there is treated as the strictest.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.seen().map_or(Tier::High, |s| s.class.tier)
    }
}
