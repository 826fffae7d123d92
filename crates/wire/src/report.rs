//! What the daemon tells a human: typed rows, the same for every surface and for `--json`.

use serde::{Deserialize, Serialize};
use words::{CallerName, Class, Door, Evidence, Exposure, Id, Name, Scope, Tier, VaultName, Way};

/// How the daemon is. Gives nothing away: anybody of this user may read it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusReport {
    /// The daemon's process id.
    pub pid: u32,
    /// When it was unlocked, RFC 3339 UTC.
    pub since: String,
    /// Seconds until it locks itself.
    pub locks_in: u64,
    /// Requests that wait for a human.
    pub waiting: u32,
    /// Requests of the asking session that wait.
    pub own_waiting: Vec<Id>,
    /// The trail takes records, and nothing is known of it that doesn't hold.
    pub trail_ok: bool,
    /// What the last reading of the whole trail found that doesn't hold. One is made after each unlock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail_damage: Option<String>,
    /// Files of the trail that a human has given up after a rollback, and that are not whole, as that reading found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trail_lost: Vec<String>,
    /// Vaults that can't be opened: damaged, gone, or rolled back.
    #[serde(default)]
    pub vaults_shut: u32,
    /// Keys lie in locked memory.
    pub memory_locked: bool,
    /// What this connection is taken for.
    pub caller: String,
    /// With which evidence.
    pub evidence: Evidence,
    /// Values are not looked for in texts of the asking session for now: see `scanned` in `spec/wire-v1.md`.
    #[serde(default)]
    pub rules_only: bool,
    /// What protection holds in the daemon: name and whether it does.
    pub protection: Vec<ProtectionRow>,
}

/// Something that protects the daemon's process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionRow {
    /// What it is.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
}

/// What `unlock` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnlockReport {
    /// The daemon's process id.
    pub pid: u32,
    /// Vaults that are open.
    pub vaults: Vec<VaultName>,
    /// Vaults that stay shut, and why.
    pub refused: Vec<RefusedVault>,
    /// When it was unlocked before this time, RFC 3339 UTC: uses and denials count from there. None: never.
    pub since: Option<String>,
    /// Releases since then.
    pub uses: u64,
    /// Denials since then.
    pub denials: u64,
    /// When the store was last locked, RFC 3339 UTC; none: never.
    pub last_lock: Option<String>,
    /// Entries in the trail at the last lock.
    pub entries: u64,
    /// When the policy was last changed, RFC 3339 UTC.
    pub policy_date: String,
    /// Two words over all heads at the last lock, for a human to remember.
    pub word_pair: String,
    /// Things to know, such as weak memory or files set aside.
    pub notes: Vec<String>,
}

/// What `lock` says last, and the next `unlock` says again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLock {
    /// When the store was locked, RFC 3339 UTC.
    pub last_lock: String,
    /// Entries in the trail.
    pub entries: u64,
    /// When the policy was last changed, RFC 3339 UTC.
    pub policy_date: String,
    /// Two words over all heads, for a human to remember.
    pub word_pair: String,
}

/// A vault that stays shut while the rest of the store is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedVault {
    /// Which one.
    pub vault: VaultName,
    /// A stable word, such as `rolled_back`.
    pub code: String,
    /// What does not hold.
    pub message: String,
}

/// A file that is not what its head says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollbackFile {
    /// Relative to the store.
    pub path: String,
    /// `older`, `newer`, `missing`, `beside`.
    pub state: String,
    /// What a human can see of it: generation, frames and bytes, found and expected.
    pub detail: String,
}

/// The answer to a want that reads, and to `mine`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "report", content = "rows", rename_all = "snake_case")]
pub enum Report {
    /// Names and classifications.
    Secrets(Vec<SecretRow>),
    /// Vaults.
    Vaults(Vec<VaultRow>),
    /// Requests that wait.
    Pending(Vec<PendingRow>),
    /// Seals and suspensions.
    Seals(Vec<SealRow>),
    /// The policy's text.
    Policy(PolicyRow),
    /// The settings.
    Settings(SettingsRow),
    /// Why it was decided so.
    Explained(Box<ExplainRow>),
    /// Callers.
    Callers(Vec<CallerRow>),
    /// Entries of the trail, newest first.
    Entries(Vec<audit::Entry>),
    /// What a caller may ask for.
    Mine(Vec<MineRow>),
}

/// A secret, without its value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretRow {
    /// Name.
    pub name: Name,
    /// Vault.
    pub vault: VaultName,
    /// Classification.
    #[serde(flatten)]
    pub class: Class,
    /// How far it travels at most.
    pub exposure: Exposure,
    /// Whether that is wider than its tier.
    pub wider: bool,
    /// Version of the value.
    pub version: u64,
    /// When the value was set, RFC 3339 UTC.
    pub changed: String,
    /// Whether a value has left through `env`, `file` or `value`.
    pub seen: bool,
}

/// A secret that a caller may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MineRow {
    /// Name.
    pub name: Name,
    /// Vault.
    pub vault: VaultName,
    /// The scope to name.
    pub scope: Scope,
    /// Tier.
    pub tier: Tier,
    /// How far it travels at most, for this caller.
    pub exposure: Exposure,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A vault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VaultRow {
    /// Name.
    pub name: VaultName,
    /// Secrets in it; 0 where it is shut.
    pub secrets: usize,
    /// `open`, or why not.
    pub state: String,
}

/// A request that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingRow {
    /// Its id.
    pub id: Id,
    /// When it was asked, RFC 3339 UTC.
    pub asked: String,
    /// When it expires, RFC 3339 UTC.
    pub expires: String,
    /// Who asks.
    pub caller: String,
    /// With which evidence.
    pub evidence: Evidence,
    /// Which session.
    pub session: String,
    /// Where it came in.
    pub door: Door,
    /// Which secrets, and how each travels.
    pub items: Vec<PendingItem>,
    /// The command.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: String,
    /// Those of them that this folder's commands did not get by the last yes, as `vault/name`.
    pub new_here: Vec<String>,
    /// What the caller says; not checked.
    pub reason: String,
    /// The rule that asks.
    pub rule: String,
    /// The line of parents, nearest first, as `pid exe`.
    pub process: Vec<String>,
    /// It is no request for what is there, but for this secret to be added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<WantedSecret>,
}

/// A secret that a caller says is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedSecret {
    /// What it shall be called.
    pub name: Name,
    /// The capability it is for.
    pub scope: Scope,
}

/// One secret of a request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingItem {
    /// Which one, as `vault/name`.
    pub secret: String,
    /// How it travels.
    pub way: Way,
}

/// A sealed pair or a suspended session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealRow {
    /// Its id.
    pub id: Id,
    /// Which session.
    pub session: String,
    /// Which secret, as `vault/name`; none: the whole session.
    pub secret: Option<String>,
    /// Since when, RFC 3339 UTC.
    pub since: String,
}

/// The policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyRow {
    /// The document.
    pub toml: String,
    /// Since when, RFC 3339 UTC.
    pub since: String,
    /// The store's time zone, in which its windows are: an IANA name.
    pub zone: String,
}

/// The store's settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettingsRow {
    /// The time zone that windows are in: an IANA name.
    pub zone: String,
    /// The program that is told of waiting requests, where there is one.
    pub notify: Option<String>,
}

/// Why a request was decided so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExplainRow {
    /// The entry.
    pub entry: audit::Entry,
    /// Each rule that was tried, in order, and what it said.
    pub steps: Vec<String>,
}

/// A registered caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallerRow {
    /// Its name.
    pub name: CallerName,
    /// Executables that match it.
    pub exe: Vec<String>,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// Its rate, as written.
    pub rate: Option<String>,
    /// Only when launched.
    pub verified: bool,
}
