//! Which secrets a caller may ask for at all: the same evaluator over the request that fits each one best.
//! For lists only; a release is decided anew, over the real request.

use crate::model::{MAX_REASON_BYTES, Policy};
use crate::query::{Lookup, Named, Presence, Query, SecretFacts};
use crate::{Verdict, decide};
use std::sync::LazyLock;
use words::{Door, EnvName, Exposure, Way};

/// A variable that nothing acts on.
static VARIABLE: LazyLock<Option<EnvName>> = LazyLock::new(|| "SECRET".parse().ok());

/// Who would ask, and when.
pub struct Standing<'a> {
    /// Every name that the caller stands under.
    pub callers: &'a [Named],
    /// Where it would come in.
    pub door: Door,
    /// Now, in the store's zone.
    pub now: &'a jiff::ZonedDateTime,
    /// Whether the user cannot change this program; see [`Query::program_fixed`].
    pub program_fixed: &'a dyn Fn(&str) -> bool,
}

/// How far this secret may travel at most for a caller who names its scope, a good reason and, where its commands are
/// pinned, one of those; asking a human counts as yes. None: there is nothing this caller could ask for now.
///
/// Nothing goes through a proxy here: whoever has one adds what it serves.
#[must_use]
pub fn reach(policy: &Policy, standing: &Standing<'_>, secret: SecretFacts<'_>) -> Option<Exposure> {
    let most = secret.class.exposure();
    [Exposure::Value, Exposure::File, Exposure::Env]
        .into_iter()
        .filter(|exposure| *exposure <= most)
        .find(|exposure| fits(policy, standing, secret, *exposure))
}

fn fits(policy: &Policy, standing: &Standing<'_>, secret: SecretFacts<'_>, exposure: Exposure) -> bool {
    let chars = usize::try_from(policy.min_reason_chars).unwrap_or(usize::MAX);
    let reason = "x".repeat(chars.clamp(1, MAX_REASON_BYTES));
    let any = [vec!["any".to_owned()]];
    let commands = if secret.class.commands.is_empty() { &any[..] } else { &secret.class.commands };
    let variable = VARIABLE.clone().filter(|_| exposure < Exposure::Value);
    let Some(way) = Way::of(exposure, variable) else { return false };
    let with = |argv: &[String], cwd: &str| {
        let pinned = !secret.class.commands.is_empty();
        let program = argv.first().filter(|_| pinned);
        let query = Query {
            callers: standing.callers,
            scope: Some(&secret.class.scope),
            reason: Some(&reason),
            door: standing.door,
            presence: Presence::None,
            secret: Lookup::Found(secret),
            way: &way,
            argv,
            cwd,
            program_fixed: program.is_some_and(|path| (standing.program_fixed)(path)),
            now: standing.now,
        };
        matches!(decide(policy, &query).verdict, Verdict::Allow | Verdict::Ask)
    };
    if exposure == Exposure::Value {
        return with(&[], "");
    }
    commands.iter().any(|argv| with(argv, "/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::{Class, Evidence, Tier};

    const POLICY: &str = "
[callers.claude]
scopes = ['database']
[callers.proven]
scopes = ['database']
verified = true
[[forbid]]
secret = 'FORBIDDEN'
[[forbid]]
door = 'hook'
";

    fn class(change: impl FnOnce(&mut Class)) -> Class {
        let mut class = Class::new("database".parse().unwrap(), Tier::Medium);
        change(&mut class);
        class
    }

    fn reached(name: &str, who: &[&str], door: Door, class: &Class) -> Option<Exposure> {
        let policy = Policy::parse(POLICY).unwrap();
        let now = "2026-03-03T12:00:00[UTC]".parse().unwrap();
        let named = |n: &&str| Named { name: n.parse().unwrap(), evidence: Evidence::Claimed };
        let callers: Vec<Named> = who.iter().map(named).collect();
        let fixed = |path: &str| path == "/bin/fixed";
        let standing = Standing { callers: &callers, door, now: &now, program_fixed: &fixed };
        let (vault, name) = ("main".parse().unwrap(), name.parse().unwrap());
        reach(&policy, &standing, SecretFacts { vault: &vault, name: &name, class })
    }

    #[test]
    fn what_a_caller_may_ask_for_and_how_far_it_travels() {
        let to_claude = |class: &Class| reached("A", &["claude"], Door::Mcp, class);
        assert_eq!(to_claude(&class(|_| ())), Some(Exposure::Env));
        assert_eq!(to_claude(&class(|c| c.tier = Tier::Low)), Some(Exposure::Value));
        assert_eq!(to_claude(&class(|c| c.tier = Tier::High)), Some(Exposure::Env), "asking is a yes");
        assert_eq!(to_claude(&class(|c| c.callers.push("claude".parse().unwrap()))), Some(Exposure::Env));
        let pinned = class(|c| {
            c.tier = Tier::Low;
            c.commands = vec![vec!["/bin/fixed".into(), "x".into()]];
        });
        assert!(to_claude(&pinned) < Some(Exposure::Value), "a pinned secret is for its commands");
        assert!(to_claude(&pinned).is_some());
    }

    #[test]
    fn what_a_caller_may_not_ask_for_is_out_of_reach() {
        let cases: [(&str, &[&str], Door, Class); 9] = [
            ("other scope", &["claude"], Door::Mcp, class(|c| c.scope = "payments".parse().unwrap())),
            ("other callers", &["claude"], Door::Mcp, class(|c| c.callers.push("codex".parse().unwrap()))),
            ("proposal", &["claude"], Door::Mcp, class(|c| c.proposed_by = Some("claude".parse().unwrap()))),
            ("window", &["claude"], Door::Mcp, class(|c| c.windows.push("mon 03:00-03:01".into()))),
            ("writable", &["claude"], Door::Mcp, class(|c| c.commands = vec![vec!["/bin/other".into()]])),
            ("unknown", &[], Door::Mcp, class(|_| ())),
            ("no such caller", &["nobody"], Door::Mcp, class(|_| ())),
            ("one of two", &["claude", "nobody"], Door::Mcp, class(|_| ())),
            ("not launched", &["proven"], Door::Mcp, class(|_| ())),
        ];
        for (what, who, door, class) in cases {
            assert_eq!(reached("A", who, door, &class), None, "{what}");
        }
        assert_eq!(reached("FORBIDDEN", &["claude"], Door::Mcp, &class(|_| ())), None, "forbidden");
        assert_eq!(reached("A", &["claude"], Door::Hook, &class(|_| ())), None, "a forbidden door");
        let proxied = class(|c| c.destinations.push("api.example.com".into()));
        assert_eq!(reached("A", &["claude"], Door::Mcp, &proxied), None, "no proxy");
    }
}
