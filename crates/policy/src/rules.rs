//! The rules, each a function that has something against a query or not. Their order is the order of causes.

use crate::cause::Cause;
use crate::model::{Forbid, MAX_REASON_BYTES, Policy};
use crate::query::{Lookup, Named, Presence, Query};
use crate::{env_guard, windows};
use words::{Class, Evidence, Exposure, Name, Tier};

/// What a rule says: nothing against it, or why not and by which rule.
pub(crate) type Said = Result<(), (Cause, String)>;
pub(crate) type Rule = fn(&Asked<'_>) -> Said;

/// A query with what it is about at hand.
pub(crate) struct Asked<'a> {
    pub policy: &'a Policy,
    pub q: &'a Query<'a>,
    pub vault: &'a str,
    pub name: &'a Name,
    pub class: &'a Class,
}

/// Rules for everybody, humans too.
pub(crate) const ALWAYS: &[(&str, Rule)] = &[
    ("forbid", forbid),
    ("secret", found),
    ("proposal", confirmed),
    ("variable", variable),
    ("presence", each_time),
];

/// Rules that a human's yes to exactly this stands for.
pub(crate) const CALLERS: &[(&str, Rule)] = &[
    ("caller", registered),
    ("matched", matched),
    ("verified", verified),
    ("scope", scope),
    ("secret's callers", named),
    ("reason", reason),
    ("window", window),
    ("exposure", exposure),
    ("command", command),
];

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
    match a.q.way.variable() {
        Some(name) if env_guard::is_guarded(name.as_str()) => no(Cause::BadEnvName, "guarded variables"),
        _ => Ok(()),
    }
}

fn each_time(a: &Asked<'_>) -> Said {
    let asks = a.class.tier == Tier::High || a.q.way.exposure() == Exposure::Value;
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

/// A name that stands for executables is not enough by itself.
fn matched(a: &Asked<'_>) -> Said {
    let stands = |c: &&Named| a.policy.caller(&c.name).is_some_and(|r| !r.exe.is_empty());
    match a.q.callers.iter().filter(stands).find(|c| c.evidence < Evidence::Matched) {
        Some(c) => no(Cause::NotMatched, format!("callers.{}.exe", c.name)),
        None => Ok(()),
    }
}

fn verified(a: &Asked<'_>) -> Said {
    let asks = |c: &&Named| a.policy.caller(&c.name).is_some_and(|r| r.verified);
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
    let holds = |c: &Named| a.policy.caller(&c.name).is_some_and(|r| r.scopes.contains(asked));
    match a.q.callers.iter().find(|c| !holds(c)) {
        Some(c) => no(Cause::ScopeNotHeld, format!("callers.{}.scopes", c.name)),
        None if a.q.callers.is_empty() => no(Cause::ScopeNotHeld, "unknown has no scopes"),
        None => Ok(()),
    }
}

fn named(a: &Asked<'_>) -> Said {
    let listed = |c: &Named| a.class.callers.contains(&c.name);
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
    if a.q.way.exposure() > most { no(Cause::WiderExposure, format!("at most {most}")) } else { Ok(()) }
}

fn command(a: &Asked<'_>) -> Said {
    let shaped = match a.q.way.exposure() {
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
