//! The evaluator: one table of rules, tried in order; the first that says no decides.
//! A forbid wins over everything, asking wins over allowing, and what no rule allows is denied.

use crate::cause::Cause;
use crate::model::Policy;
use crate::query::{Decision, Lookup, Presence, Query, Verdict};
use crate::rules::{ALWAYS, Asked, CALLERS, Said};
use std::sync::LazyLock;
use words::{Class, Exposure, Scope, Tier};

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
            (Some((Cause::WiderExposure, _)), Err(no)) if q.way.exposure() != Exposure::Value => {
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
            Decision { verdict, exposure: q.way.exposure(), rule, narrower: None }
        }
    }
}

fn deny(q: &Query<'_>, cause: Cause, rule: &str) -> Decision {
    Decision { verdict: Verdict::Deny(cause), exposure: q.way.exposure(), rule: rule.into(), narrower: None }
}

fn by_tier(a: &Asked<'_>) -> (Verdict, String) {
    let said = |verdict, rule: &str| (verdict, rule.to_owned());
    match a.class.tier {
        _ if a.q.presence != Presence::None => said(Verdict::Allow, "presence"),
        Tier::Low => said(Verdict::Allow, "tier low"),
        Tier::Medium if a.q.way.exposure() == Exposure::Proxy && !a.class.destinations.is_empty() => {
            said(Verdict::Allow, "tier medium, through the proxy")
        }
        Tier::Medium if !a.policy.ask_medium => said(Verdict::Allow, "medium.ask = false"),
        Tier::Medium => said(Verdict::Ask, "tier medium"),
        Tier::High => said(Verdict::Ask, "tier high"),
    }
}
