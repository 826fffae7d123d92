//! The policy document, and what it decides.

use ::policy::{Lookup, Named, Policy, Presence, Query, SecretFacts, Verdict, decide, explain};
use words::{Class, Door, Evidence, Exposure, Tier, Way};

/// The policy document: an error names a place in it, and a policy decides: nothing for who has no name or has not the
/// secret's scope, no more for two names than for each of them, and always as it explains.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Policy::parse(text) {
        Ok(policy) => decides(&policy, text),
        Err(e) => assert!(e.line >= 1 && e.line <= text.lines().count() + 1, "{e}"),
    }
    let _ = ::policy::parse_windows(&[text.to_owned()]);
}

fn decides(policy: &Policy, text: &str) {
    let names: Vec<Named> = policy
        .callers
        .keys()
        .take(2)
        .flat_map(|name| Evidence::ALL.iter().map(|&evidence| Named { name: name.clone(), evidence }))
        .collect();
    let scopes = policy.callers.values().flat_map(|caller| &caller.scopes).take(1).cloned();
    for scope in scopes.chain(["other".parse().expect("a scope")]) {
        for &tier in Tier::ALL {
            let mut class = Class::new(scope.clone(), tier);
            class.expose = Some(Exposure::Value);
            // Any text may stand where a window should.
            class.windows.extend(text.lines().find(|line| line.starts_with("daily")).map(str::to_owned));
            each_caller(policy, &class, &names);
        }
    }
}

fn each_caller(policy: &Policy, class: &Class, names: &[Named]) {
    assert!(matches!(asked(policy, class, &[]), Verdict::Deny(_)), "allowed for nobody");
    for one in names {
        let alone = asked(policy, class, std::slice::from_ref(one));
        let holds = policy.callers[&one.name].scopes.contains(&class.scope);
        assert!(holds || matches!(alone, Verdict::Deny(_)), "{} has no {}", one.name, class.scope);
        assert!(class.tier != Tier::High || alone != Verdict::Allow, "tier high, and nobody was asked");
        for other in names {
            let both = asked(policy, class, &[one.clone(), other.clone()]);
            assert!(strict(both) >= strict(alone), "{} with {} may more than alone", one.name, other.name);
        }
    }
}

fn asked(policy: &Policy, class: &Class, callers: &[Named]) -> Verdict {
    let (vault, name) = ("main".parse().expect("a name"), "NAME".parse().expect("a name"));
    let query = Query {
        callers,
        scope: Some(&class.scope),
        reason: Some("a reason that is long enough for anybody who reads it"),
        door: Door::Cli,
        presence: Presence::None,
        secret: Lookup::Found(SecretFacts { vault: &vault, name: &name, class }),
        way: &Way::Value,
        argv: &[],
        cwd: "",
        program_fixed: false,
        now: &"2026-11-23T10:00:00[UTC]".parse().expect("a time"),
    };
    let decision = decide(policy, &query);
    let told = explain(policy, &query).pop().expect("a verdict");
    let word = match decision.verdict {
        Verdict::Allow => "allow: ",
        Verdict::Ask => "ask a human: ",
        Verdict::Deny(_) => "deny: ",
    };
    assert!(told.starts_with(word), "{told}");
    decision.verdict
}

fn strict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Ask => 1,
        Verdict::Deny(_) => 2,
    }
}
