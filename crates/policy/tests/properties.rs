//! What holds for every request: a missing right denies, one more name never helps, one more rule never loosens.

#![allow(clippy::unwrap_used)] // helpers of tests are no tests to clippy

use jiff::ZonedDateTime;
use proptest::prelude::*;
use svault_policy::{Lookup, Named, Policy, Presence, Query, SecretFacts, Verdict, decide};
use words::{Class, Door, Evidence, Exposure, Name, Scope, Tier, VaultName, Way};

const SCOPES: [&str; 3] = ["database", "api", "payments"];
const CALLERS: [&str; 4] = ["claude", "codex", "ci", "stranger"];

#[derive(Debug, Clone)]
struct Request {
    policy: String,
    callers: Vec<Named>,
    scope: Option<Scope>,
    reason: Option<String>,
    class: Class,
    exposure: Exposure,
    program_fixed: bool,
    hour: i8,
}

fn policy() -> impl Strategy<Value = String> {
    let caller = (prop::sample::subsequence(&SCOPES[..], 0..=3), any::<bool>());
    (prop::collection::vec(caller, 3), any::<bool>(), 0..20_u32).prop_map(|(callers, ask, min)| {
        let mut text = String::new();
        for (name, (scopes, verified)) in CALLERS.iter().zip(callers) {
            text += &format!("[callers.{name}]\nscopes = {scopes:?}\nverified = {verified}\n");
        }
        text + &format!("[medium]\nask = {ask}\n[reason]\nmin_chars = {min}\n")
    })
}

fn class() -> impl Strategy<Value = Class> {
    let callers = prop::sample::subsequence(&CALLERS[..], 0..=2);
    let rest = (any::<bool>(), any::<bool>(), any::<bool>(), prop::option::of(0..4_usize));
    (0..3_usize, 0..3_usize, callers, rest).prop_map(
        |(scope, tier, callers, (window, pinned, proposed, expose))| {
            let mut class = Class::new(SCOPES[scope].parse().unwrap(), Tier::ALL[tier]);
            class.callers = callers.iter().map(|c| c.parse().unwrap()).collect();
            class.expose = expose.map(|e| Exposure::ALL[e]);
            if window {
                class.windows.push("daily 09:00-18:00".into());
            }
            if pinned {
                class.commands.push(argv());
            }
            if proposed {
                class.proposed_by = Some("claude".parse().unwrap());
            }
            class
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let named = (0..4_usize, 0..3_usize)
        .prop_map(|(n, e)| Named { name: CALLERS[n].parse().unwrap(), evidence: Evidence::ALL[e] });
    let reason = prop::option::of("[a-z ]{0,30}");
    let scope = prop::option::weighted(0.9, (0..3_usize).prop_map(|s| SCOPES[s].parse().unwrap()));
    let callers = prop::collection::vec(named, 0..3);
    (policy(), callers, scope, reason, class(), 0..4_usize, any::<bool>(), 0..24_i8).prop_map(
        |(policy, callers, scope, reason, class, exposure, program_fixed, hour)| Request {
            policy,
            callers,
            scope,
            reason,
            class,
            exposure: Exposure::ALL[exposure],
            program_fixed,
            hour,
        },
    )
}

fn argv() -> Vec<String> {
    vec!["/usr/bin/psql".into(), "-c".into()]
}

fn verdict(r: &Request, presence: Presence) -> Verdict {
    let policy = Policy::parse(&r.policy).unwrap();
    let (vault, name): (VaultName, Name) = ("main".parse().unwrap(), "DB_URL".parse().unwrap());
    let way = Way::of(r.exposure, "DB_URL".parse().ok()).or_else(|| Way::of(r.exposure, None)).unwrap();
    let day: ZonedDateTime = "2026-11-23T00:00:00[UTC]".parse().unwrap();
    let now = day.checked_add(jiff::Span::new().hours(i64::from(r.hour))).unwrap();
    let with_command = r.exposure != Exposure::Value;
    let argv = if with_command { argv() } else { vec![] };
    let query = Query {
        callers: &r.callers,
        scope: r.scope.as_ref(),
        reason: r.reason.as_deref(),
        door: Door::Cli,
        presence,
        secret: Lookup::Found(SecretFacts { vault: &vault, name: &name, class: &r.class }),
        way: &way,
        argv: &argv,
        cwd: if with_command { "/p" } else { "" },
        program_fixed: r.program_fixed,
        now: &now,
    };
    decide(&policy, &query).verdict
}

/// Every right that a caller needs, told once more in other words.
fn has_every_right(r: &Request) -> bool {
    let policy = Policy::parse(&r.policy).unwrap();
    let least = policy.min_reason_chars as usize;
    let reason = r.reason.as_deref().unwrap_or_default();
    !r.callers.is_empty()
        && r.callers.iter().all(|c| {
            policy.callers.get(&c.name).is_some_and(|known| {
                known.scopes.contains(&r.class.scope)
                    && (!known.verified || c.evidence == Evidence::Launched)
                    && (r.class.callers.is_empty() || r.class.callers.contains(&c.name))
            })
        })
        && r.scope.as_ref() == Some(&r.class.scope)
        && (least == 0 || (reason.trim().len() >= least))
        && (r.class.windows.is_empty() || (9..18).contains(&r.hour))
        && r.exposure <= r.class.exposure()
        && (r.class.commands.is_empty() || (r.program_fixed && r.exposure != Exposure::Value))
        && r.class.proposed_by.is_none()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn allowed_or_asked_exactly_with_every_right(r in request()) {
        let denied = matches!(verdict(&r, Presence::None), Verdict::Deny(_));
        prop_assert_eq!(denied, !has_every_right(&r));
    }

    #[test]
    fn high_is_never_allowed_without_asking(mut r in request()) {
        r.class.tier = Tier::High;
        prop_assert_ne!(verdict(&r, Presence::None), Verdict::Allow);
    }

    #[test]
    fn one_more_name_never_helps(mut r in request(), n in 0..4_usize, e in 0..3_usize) {
        if r.callers.is_empty() {
            r.callers.push(Named { name: CALLERS[0].parse().unwrap(), evidence: Evidence::Matched });
        }
        let before = strictness(verdict(&r, Presence::None));
        let mut more = r;
        more.callers.push(Named { name: CALLERS[n].parse().unwrap(), evidence: Evidence::ALL[e] });
        prop_assert!(strictness(verdict(&more, Presence::None)) >= before);
    }

    #[test]
    fn one_more_forbid_never_loosens(r in request(), s in 0..3_usize) {
        let mut more = r.clone();
        more.policy += &format!("[[forbid]]\nscope = '{}'\n", SCOPES[s]);
        for presence in [Presence::None, Presence::Window, Presence::Act] {
            prop_assert!(strictness(verdict(&more, presence)) >= strictness(verdict(&r, presence)));
        }
    }

    #[test]
    fn stronger_evidence_never_hurts(mut r in request()) {
        let before = strictness(verdict(&r, Presence::None));
        r.callers.iter_mut().for_each(|c| c.evidence = Evidence::Launched);
        prop_assert!(strictness(verdict(&r, Presence::None)) <= before);
    }

    #[test]
    fn whatever_the_text_parsing_does_not_panic(text in "\\PC{0,200}") {
        let _ = Policy::parse(&text);
        let _ = text.parse::<svault_policy::Window>();
        let _ = text.parse::<svault_policy::Rate>();
        let _ = svault_policy::parse_span(&text);
    }
}

fn strictness(v: Verdict) -> u8 {
    match v {
        Verdict::Allow => 0,
        Verdict::Ask => 1,
        Verdict::Deny(_) => 2,
    }
}
