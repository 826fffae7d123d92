//! From TOML to a policy. Every unknown key, bad word and empty rule is an error with its line.

use crate::model::{Caller, Forbid, Limits, Lock, MAX_CALLERS, Policy};
use crate::rate::Rate;
use crate::span::parse_span;
use serde::Deserialize;
use std::collections::BTreeMap;
use words::{BadWord, CallerName, Door, Scope, SecretRef};

/// The policy of a new store.
#[must_use]
pub fn default_toml() -> &'static str {
    include_str!("default.toml")
}

/// Where a policy can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy, line {line}, column {column}: {message}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doc {
    #[serde(default)]
    callers: BTreeMap<Registered, CallerDoc>,
    #[serde(default)]
    limits: LimitsDoc,
    #[serde(default)]
    reason: ReasonDoc,
    #[serde(default)]
    medium: MediumDoc,
    #[serde(default)]
    lock: LockDoc,
    #[serde(default)]
    forbid: Vec<ForbidDoc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallerDoc {
    #[serde(default)]
    exe: Vec<AbsolutePath>,
    #[serde(default)]
    scopes: Vec<Scope>,
    rate: Option<Rate>,
    #[serde(default)]
    verified: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsDoc {
    burst_per_session: Option<Rate>,
    burst_per_secret: Option<Rate>,
    seal_after: Option<SealRate>,
    proposals: Option<Proposals>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ReasonDoc {
    min_chars: Option<MinChars>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct MediumDoc {
    ask: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LockDoc {
    idle: Option<LockSpan>,
    hard: Option<LockSpan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, try_from = "ForbidFields")]
struct ForbidDoc(Forbid);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForbidFields {
    caller: Option<CallerName>,
    secret: Option<Reference>,
    scope: Option<Scope>,
    door: Option<Door>,
}

impl TryFrom<ForbidFields> for ForbidDoc {
    type Error = String;
    fn try_from(f: ForbidFields) -> Result<Self, String> {
        if f.caller.is_none() && f.secret.is_none() && f.scope.is_none() && f.door.is_none() {
            return Err("a [[forbid]] must name a caller, secret, scope or door".into());
        }
        let secret = f.secret.map(|r| r.0);
        Ok(Self(Forbid { caller: f.caller, secret, scope: f.scope, door: f.door }))
    }
}

macro_rules! checked {
    ($type:ident($inner:ty) from $from:ident $text:literal, $check:expr) => {
        #[derive(Deserialize)]
        #[serde(try_from = $text)]
        struct $type($inner);
        impl TryFrom<$from> for $type {
            type Error = String;
            fn try_from(v: $from) -> Result<Self, String> {
                let check: fn($from) -> Result<$inner, String> = $check;
                check(v).map(Self)
            }
        }
    };
}

fn bad(e: &BadWord) -> String {
    e.to_string()
}

/// Whether a request without a registered caller goes under this name, so that nobody else can have it.
#[must_use]
pub fn is_reserved(name: &CallerName) -> bool {
    ["unknown", "human"].contains(&name.as_str())
}

checked!(Registered(CallerName) from String "String", |s| match s.parse().map_err(|e| bad(&e))? {
    name if is_reserved(&name) => Err(format!(
        "'{s}' is what a request without a registered caller goes under; it can't be given rights"
    )),
    name => Ok(name),
});
checked!(AbsolutePath(String) from String "String", |s| {
    let absolute = s.starts_with('/') || s.get(1..3) == Some(":\\");
    if absolute && !s.contains('\0') { Ok(s) } else { Err("exe must be an absolute path".into()) }
});
// With less nobody could prove to be there before the store is locked again, to take it back.
checked!(LockSpan(u64) from String "String", |s| match parse_span(&s).map_err(|e| bad(&e))? {
    ms if ms < 10_000 => Err("idle and hard are at least 10s".into()),
    ms => Ok(ms),
});
checked!(Reference(SecretRef) from String "String", |s| s.parse().map_err(|e| bad(&e)));
checked!(MinChars(u32) from u32 "u32", |n| {
    if n <= 256 { Ok(n) } else { Err("min_chars is at most 256".into()) }
});
checked!(Proposals(u32) from u32 "u32", |n| {
    if n <= 10_000 { Ok(n) } else { Err("proposals is at most 10000".into()) }
});
checked!(SealRate(Rate) from String "String", |s| {
    let rate: Rate = s.parse().map_err(|e| bad(&e))?;
    if rate.count <= 20 && rate.window_ms <= 3_600_000 {
        Ok(rate)
    } else {
        Err("seal_after is at most 20 denials within at most 1h".into())
    }
});

impl PartialEq for Registered {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Registered {}
impl PartialOrd for Registered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Registered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Policy {
    /// Reads a policy. Tables that are left out have the values of a new store.
    ///
    /// # Errors
    /// [`ParseError`] with line and column.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let doc: Doc = toml::from_str(text).map_err(|e| ParseError::at(text, e.span(), e.message()))?;
        if doc.callers.len() > MAX_CALLERS {
            return Err(ParseError::at(text, None, &format!("at most {MAX_CALLERS} callers")));
        }
        let lock = Lock {
            idle_ms: doc.lock.idle.map_or(15 * 60_000, |s| s.0),
            hard_ms: doc.lock.hard.map_or(8 * 3_600_000, |s| s.0),
        };
        Ok(Self {
            callers: doc.callers.into_iter().map(|(name, c)| (name.0, c.into())).collect(),
            limits: doc.limits.into_limits(text)?,
            min_reason_chars: doc.reason.min_chars.map_or(10, |n| n.0),
            ask_medium: doc.medium.ask.unwrap_or(true),
            lock,
            forbid: doc.forbid.into_iter().map(|f| f.0).collect(),
        })
    }
}

impl From<CallerDoc> for Caller {
    fn from(c: CallerDoc) -> Self {
        let exe = c.exe.into_iter().map(|p| p.0).collect();
        Self { exe, scopes: c.scopes, rate: c.rate, verified: c.verified }
    }
}

impl LimitsDoc {
    fn into_limits(self, text: &str) -> Result<Limits, ParseError> {
        let rate = |given: Option<Rate>, default: &str| match given {
            Some(rate) => Ok(rate),
            None => default.parse().map_err(|e: BadWord| ParseError::at(text, None, &e.to_string())),
        };
        Ok(Limits {
            burst_per_session: rate(self.burst_per_session, "5/10s")?,
            burst_per_secret: rate(self.burst_per_secret, "10/10s")?,
            seal_after: rate(self.seal_after.map(|s| s.0), "5 denials/5min")?,
            proposals: self.proposals.map_or(64, |n| n.0),
        })
    }
}

impl ParseError {
    fn at(text: &str, span: Option<std::ops::Range<usize>>, message: &str) -> Self {
        let start = span.map_or(0, |s| s.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let message = message.lines().collect::<Vec<_>>().join("; ");
        let hint = if message.contains("unknown field") {
            "correct the key or take the line out"
        } else if message.contains("absolute path") {
            "give the program's whole path, as 'command -v PROGRAM' prints it"
        } else {
            "correct the line; nothing was changed"
        };
        Self { line, column, message, hint: hint.into() }
    }
}
