//! The evaluator: one table of rules, tried in order; the first that says no decides.
//! A forbid wins over everything, asking wins over allowing, and what no rule allows is denied.

use crate::cause::Cause;
use crate::model::{Forbid, MAX_REASON_BYTES, Policy};
use crate::query::{Decision, Lookup, Presence, Query, Verdict};
use crate::{env_guard, windows};
use std::sync::LazyLock;
use words::{Class, Evidence, Exposure, Name, Scope, Tier};

/// What a rule says: nothing against it, or why not and by which rule.
type Said = Result<(), (Cause, String)>;
type Rule = fn(&Asked<'_>) -> Said;

/// A query with what it is about at hand.
struct Asked<'a> {
    policy: &'a Policy,
    q: &'a Query<'a>,
    vault: &'a str,
    name: &'a Name,
    class: &'a Class,
}

/// Rules for everybody, humans too.
const ALWAYS: &[(&str, Rule)] = &[
    ("forbid", forbid),
    ("secret", found),
    ("proposal", confirmed),
    ("variable", variable),
    ("presence", each_time),
];

/// Rules that a human's yes to exactly this stands for.
const CALLERS: &[(&str, Rule)] = &[
    ("caller", registered),
    ("verified", verified),
    ("scope", scope),
    ("secret's callers", named),
    ("reason", reason),
    ("window", window),
    ("exposure", exposure),
    ("command", command),
];

/// Stands in where there is no such secret, so that every rule runs all the same.
static DUMMY: LazyLock<Option<Class>> =
    LazyLock::new(|| "none".parse::<Scope>().ok().map(|s| Class::new(s, Tier::High)));

/// Whether this may be released, and by which rule.
pub fn decide(policy: &Policy, query: &Query<'_>) -> Decision {
    run(policy, query, &mut |_, _| ())
}

/// Each rule that is tried, in order, and what it says; the last line is the verdict.
#[must_use]
pub fn explain(policy: &Policy, query: &Query<'_>) -> Vec<String> {
    let mut steps = Vec::new();
    let decision = run(policy, query, &mut |name, said| {
        steps.push(match said {
            Ok(()) => format!("{name}: ok"),
            Err((cause, rule)) => format!("{name}: {} ({rule})", cause.line()),
        });
    });
    steps.push(match decision.verdict {
        Verdict::Allow => format!("allow: {}", decision.rule),
        Verdict::Ask => format!("ask a human: {}", decision.rule),
        Verdict::Deny(cause) => format!("deny: {cause} ({})", decision.rule),
    });
    steps
}

fn run(policy: &Policy, q: &Query<'_>, seen: &mut dyn FnMut(&str, &Said)) -> Decision {
    let (vault, name, class) = match q.secret {
        Lookup::Found(f) => (f.vault.as_str(), f.name, Some(f.class)),
        Lookup::Unknown(r) | Lookup::Ambiguous(r) => {
            (r.vault.as_ref().map_or("", |v| v.as_str()), &r.name, DUMMY.as_ref())
        }
    };
    let Some(class) = class else { return deny(q, Cause::UnknownName, "secret") };
    let asked = Asked { policy, q, vault, name, class };
    let mut first: Option<(Cause, String)> = None;
    let callers = if q.presence != Presence::None { &[] } else { CALLERS };
    // Every rule runs, also after the first that says no: the way is the same for every cause.
    for (name, rule) in ALWAYS.iter().chain(callers) {
        let said = rule(&asked);
        seen(name, &said);
        match (&first, said) {
            (None, Err(no)) => first = Some(no),
            // Where no command was named yet, what is said of the command can't be known.
            (Some((Cause::WiderExposure, _)), Err(no)) if q.exposure != Exposure::Value => {
                first = Some(no);
            }
            _ => {}
        }
    }
    match first {
        Some((cause, rule)) => {
            let narrower = (cause == Cause::WiderExposure).then(|| class.exposure());
            Decision { narrower, ..deny(q, cause, &rule) }
        }
        None => {
            let (verdict, rule) = by_tier(&asked);
            Decision { verdict, exposure: q.exposure, rule, narrower: None }
        }
    }
}

fn deny(q: &Query<'_>, cause: Cause, rule: &str) -> Decision {
    Decision { verdict: Verdict::Deny(cause), exposure: q.exposure, rule: rule.into(), narrower: None }
}

fn by_tier(a: &Asked<'_>) -> (Verdict, String) {
    let said = |verdict, rule: &str| (verdict, rule.to_owned());
    match a.class.tier {
        _ if a.q.presence != Presence::None => said(Verdict::Allow, "presence"),
        Tier::Low => said(Verdict::Allow, "tier low"),
        Tier::Medium if a.q.exposure == Exposure::Proxy && !a.class.destinations.is_empty() => {
            said(Verdict::Allow, "tier medium, through the proxy")
        }
        Tier::Medium if !a.policy.ask_medium => said(Verdict::Allow, "medium.ask = false"),
        Tier::Medium => said(Verdict::Ask, "tier medium"),
        Tier::High => said(Verdict::Ask, "tier high"),
    }
}

fn no(cause: Cause, rule: impl Into<String>) -> Said {
    Err((cause, rule.into()))
}

fn forbid(a: &Asked<'_>) -> Said {
    match a.policy.forbid.iter().position(|f| forbids(a, f)) {
        Some(i) => no(Cause::Forbidden, format!("forbid {}", i + 1)),
        None => Ok(()),
    }
}

fn forbids(a: &Asked<'_>, f: &Forbid) -> bool {
    let known = a.q.callers.iter().any(|c| a.policy.callers.contains_key(&c.name));
    f.caller.as_ref().is_none_or(|c| match c.as_str() {
        "human" => a.q.presence != Presence::None,
        _ if a.q.presence != Presence::None => false,
        "unknown" => !known,
        _ => a.q.callers.iter().any(|n| n.name == *c),
    }) && f.covers(a.vault, a.name)
        && f.scope.as_ref().is_none_or(|s| a.class.scope == *s || a.q.scope == Some(s))
        && f.door.is_none_or(|d| d == a.q.door)
}

fn found(a: &Asked<'_>) -> Said {
    match a.q.secret {
        Lookup::Found(_) => Ok(()),
        Lookup::Unknown(_) => no(Cause::UnknownName, "secret"),
        Lookup::Ambiguous(_) => no(Cause::Ambiguous, "secret"),
    }
}

fn confirmed(a: &Asked<'_>) -> Said {
    match &a.class.proposed_by {
        None => Ok(()),
        Some(who) => no(Cause::Unconfirmed, format!("proposed by {who}")),
    }
}

fn variable(a: &Asked<'_>) -> Said {
    match (a.q.exposure, a.q.env) {
        (Exposure::Env, Some(name)) if !env_guard::is_guarded(name.as_str()) => Ok(()),
        (Exposure::Env, Some(_)) => no(Cause::BadEnvName, "guarded variables"),
        (Exposure::Env, None) => no(Cause::BadEnvName, "no variable"),
        (_, None) => Ok(()),
        (_, Some(_)) => no(Cause::BadEnvName, "a variable is for exposure env"),
    }
}

fn each_time(a: &Asked<'_>) -> Said {
    let asks = a.class.tier == Tier::High || a.q.exposure == Exposure::Value;
    match a.q.presence {
        Presence::Window if asks => no(Cause::AsksEachTime, "presence"),
        Presence::None | Presence::Window | Presence::Act => Ok(()),
    }
}

fn registered(a: &Asked<'_>) -> Said {
    let Some(stranger) = a.q.callers.iter().find(|c| !a.policy.callers.contains_key(&c.name)) else {
        return if a.q.callers.is_empty() {
            no(Cause::UnknownCaller, "unknown has no rights")
        } else {
            Ok(())
        };
    };
    no(Cause::UnknownCaller, format!("no [callers.{}]", stranger.name))
}

fn verified(a: &Asked<'_>) -> Said {
    let asks = |c: &&crate::Named| a.policy.caller(&c.name).is_some_and(|r| r.verified);
    match a.q.callers.iter().filter(asks).find(|c| c.evidence < Evidence::Launched) {
        Some(c) => no(Cause::NotVerified, format!("callers.{}.verified", c.name)),
        None => Ok(()),
    }
}

fn scope(a: &Asked<'_>) -> Said {
    let Some(asked) = a.q.scope else { return no(Cause::NoScope, "scope") };
    if *asked != a.class.scope {
        return no(Cause::WrongScope, "the secret's scope");
    }
    let holds = |c: &crate::Named| a.policy.caller(&c.name).is_some_and(|r| r.scopes.contains(asked));
    match a.q.callers.iter().find(|c| !holds(c)) {
        Some(c) => no(Cause::ScopeNotHeld, format!("callers.{}.scopes", c.name)),
        None if a.q.callers.is_empty() => no(Cause::ScopeNotHeld, "unknown has no scopes"),
        None => Ok(()),
    }
}

fn named(a: &Asked<'_>) -> Said {
    let listed = |c: &crate::Named| a.class.callers.contains(&c.name);
    let ok = a.class.callers.is_empty() || (!a.q.callers.is_empty() && a.q.callers.iter().all(listed));
    if ok { Ok(()) } else { no(Cause::NotCaller, "the secret's callers") }
}

fn reason(a: &Asked<'_>) -> Said {
    let given = a.q.reason.unwrap_or_default();
    let least = match a.class.require_reason {
        Some(false) => 0,
        Some(true) => a.policy.min_reason_chars.max(1),
        None => a.policy.min_reason_chars,
    };
    let told = given.trim_matches(|c: char| !c.is_alphanumeric());
    let chars = given.trim().chars().filter(|c| !c.is_control()).count();
    if given.len() > MAX_REASON_BYTES {
        no(Cause::LongReason, "512 bytes")
    } else if least == 0 {
        Ok(())
    } else if told.is_empty() {
        no(Cause::NoReason, "reason.min_chars")
    } else if chars < least as usize {
        no(Cause::ShortReason, "reason.min_chars")
    } else {
        Ok(())
    }
}

fn window(a: &Asked<'_>) -> Said {
    if a.class.windows.is_empty() {
        return Ok(());
    }
    match windows::parse_windows(&a.class.windows) {
        Ok(open) if open.iter().any(|w| w.contains(a.q.now)) => Ok(()),
        Ok(_) => no(Cause::OutsideWindow, "the secret's windows"),
        Err(_) => no(Cause::OutsideWindow, "a window that can't be read"),
    }
}

fn exposure(a: &Asked<'_>) -> Said {
    let most = a.class.exposure();
    if a.q.exposure > most { no(Cause::WiderExposure, format!("at most {most}")) } else { Ok(()) }
}

fn command(a: &Asked<'_>) -> Said {
    let shaped = match a.q.exposure {
        Exposure::Value => a.q.argv.is_empty() && a.q.cwd.is_empty(),
        Exposure::Env | Exposure::File => !a.q.argv.is_empty() && is_absolute(a.q.cwd),
        Exposure::Proxy => true,
    };
    if !shaped {
        return no(Cause::BadCommand, "command");
    }
    if a.class.commands.is_empty() {
        return Ok(());
    }
    let program = a.q.argv.first().map_or("", String::as_str);
    if !is_absolute(program) || !a.class.commands.iter().any(|c| c == a.q.argv) {
        no(Cause::CommandNotPinned, "the secret's commands")
    } else if !a.q.program_fixed {
        no(Cause::CommandWritable, "the secret's commands")
    } else {
        Ok(())
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..3) == Some(":\\")
}
