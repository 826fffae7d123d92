//! The whole decision table: one request that is allowed, and everything that can be different about it.

#![allow(clippy::unwrap_used)] // helpers of tests are no tests to clippy

use jiff::ZonedDateTime;
use svault_policy::Cause::*;
use svault_policy::Verdict::{Allow, Ask, Deny};
use svault_policy::{Cause, Lookup, Named, Policy, Presence, Query, SecretFacts, Verdict, decide, explain};
use words::{Class, Door, Evidence, Exposure, Name, Scope, SecretRef, Tier, VaultName, Way};

const POLICY: &str = r#"
[callers.claude]
exe = ["/opt/claude"]
scopes = ["database", "api"]
[callers.codex]
scopes = ["database"]
[callers.ci]
scopes = ["database"]
verified = true
"#;

/// Everything about a request, owned; the base case is allowed.
#[derive(Clone)]
struct Case {
    policy: String,
    callers: Vec<Named>,
    scope: Option<Scope>,
    reason: Option<String>,
    door: Door,
    presence: Presence,
    there: There,
    class: Class,
    way: Way,
    argv: Vec<String>,
    cwd: String,
    program_fixed: bool,
    now: ZonedDateTime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Found,
    Unknown,
    Ambiguous,
}

fn env(name: &str) -> Way {
    Way::Env(name.parse().unwrap())
}

fn file(name: &str) -> Way {
    Way::File(name.parse().unwrap())
}

fn named(name: &str, evidence: Evidence) -> Named {
    Named { name: name.parse().unwrap(), evidence }
}

fn base() -> Case {
    Case {
        policy: POLICY.into(),
        callers: vec![named("claude", Evidence::Matched)],
        scope: Some("database".parse().unwrap()),
        reason: Some("run the nightly migration".into()),
        door: Door::Cli,
        presence: Presence::None,
        there: There::Found,
        class: Class::new("database".parse().unwrap(), Tier::Low),
        way: env("DB_URL"),
        argv: vec!["/usr/bin/psql".into(), "-c".into(), "select 1".into()],
        cwd: "/home/u/p".into(),
        program_fixed: true,
        now: "2026-11-23T12:00:00+01:00[Europe/Berlin]".parse().unwrap(),
    }
}

impl Case {
    fn ask<T>(&self, f: impl FnOnce(&Policy, &Query<'_>) -> T) -> T {
        let policy = Policy::parse(&self.policy).unwrap();
        let (vault, name): (VaultName, Name) = ("main".parse().unwrap(), "DB_URL".parse().unwrap());
        let asked = SecretRef { vault: None, name: name.clone() };
        let secret = match self.there {
            There::Found => Lookup::Found(SecretFacts { vault: &vault, name: &name, class: &self.class }),
            There::Unknown => Lookup::Unknown(&asked),
            There::Ambiguous => Lookup::Ambiguous(&asked),
        };
        f(
            &policy,
            &Query {
                callers: &self.callers,
                scope: self.scope.as_ref(),
                reason: self.reason.as_deref(),
                door: self.door,
                presence: self.presence,
                secret,
                way: &self.way,
                argv: &self.argv,
                cwd: &self.cwd,
                program_fixed: self.program_fixed,
                now: &self.now,
            },
        )
    }

    fn verdict(&self) -> Verdict {
        self.ask(|p, q| decide(p, q).verdict)
    }

    fn value(mut self) -> Self {
        (self.way, self.argv, self.cwd) = (Way::Value, vec![], String::new());
        self
    }
}

fn deny(cause: Cause) -> Verdict {
    Verdict::Deny(cause)
}

type Change = fn(&mut Case);

/// What is different, and what it comes to: for a caller, and for a human with presence over exactly this.
#[rustfmt::skip]
const TABLE: &[(&str, Change, Verdict, Verdict)] = &[
        ("nothing", |_| (), Allow, Allow),
        // tiers
        ("medium", |c| c.class.tier = Tier::Medium, Ask, Allow),
        ("high", |c| c.class.tier = Tier::High, Ask, Allow),
        ("medium, not asked for", |c| { medium(c); c.policy += "[medium]\nask = false\n" }, Allow, Allow),
        ("high is asked for all the same", |c| { c.class.tier = Tier::High; c.policy += "[medium]\nask = false\n" }, Ask, Allow),
        ("medium, destinations, but not through the proxy", |c| { medium(c); c.class.destinations.push("x".into()); c.class.expose = Some(Exposure::Env) }, Ask, Allow),
        ("medium through the proxy", |c| { proxied(c); medium(c) }, Allow, Allow),
        ("medium through the proxy without a destination", |c| { proxied(c); medium(c); c.class.destinations.clear() }, Ask, Allow),
        ("high through the proxy", |c| { proxied(c); c.class.tier = Tier::High }, Ask, Allow),
        // who
        ("nobody", |c| c.callers.clear(), Deny(UnknownCaller), Allow),
        ("a stranger", |c| c.callers = vec![named("stranger", Evidence::Claimed)], Deny(UnknownCaller), Allow),
        ("claimed, with an executable", |c| c.callers = vec![named("claude", Evidence::Claimed)], Deny(NotMatched), Allow),
        ("claimed, without one", |c| c.callers = vec![named("codex", Evidence::Claimed)], Allow, Allow),
        ("a match beside a claim with an executable", |c| c.callers = vec![named("codex", Evidence::Matched), named("claude", Evidence::Claimed)], Deny(NotMatched), Allow),
        ("launched", |c| c.callers = vec![named("claude", Evidence::Launched)], Allow, Allow),
        ("a match beside a claim, both hold it", |c| c.callers.push(named("codex", Evidence::Claimed)), Allow, Allow),
        ("a match beside a claim that does not hold it", |c| { both(c); api(c) }, Deny(ScopeNotHeld), Allow),
        ("a claim beside a match that does not hold it", |c| { both(c); c.callers.reverse(); api(c) }, Deny(ScopeNotHeld), Allow),
        ("a match beside a stranger's claim", |c| c.callers.push(named("stranger", Evidence::Claimed)), Deny(UnknownCaller), Allow),
        ("verified, claimed", |c| c.callers = vec![named("ci", Evidence::Claimed)], Deny(NotVerified), Allow),
        ("verified, matched", |c| c.callers = vec![named("ci", Evidence::Matched)], Deny(NotVerified), Allow),
        ("verified, launched", |c| c.callers = vec![named("ci", Evidence::Launched)], Allow, Allow),
        ("a match beside a claim of a verified one", |c| c.callers.push(named("ci", Evidence::Claimed)), Deny(NotVerified), Allow),
        ("secret for others", |c| c.class.callers.push("codex".parse().unwrap()), Deny(NotCaller), Allow),
        ("secret for it", |c| c.class.callers.push("claude".parse().unwrap()), Allow, Allow),
        ("secret for only one of two names", |c| { both(c); c.class.callers.push("claude".parse().unwrap()) }, Deny(NotCaller), Allow),
        // scope
        ("no scope", |c| c.scope = None, Deny(NoScope), Allow),
        ("another scope that it holds", |c| c.scope = Some("api".parse().unwrap()), Deny(WrongScope), Allow),
        ("a scope that it does not hold", |c| { c.scope = Some("payments".parse().unwrap()); c.class.scope = "payments".parse().unwrap() }, Deny(ScopeNotHeld), Allow),
        // reason
        ("no reason", |c| c.reason = None, Deny(NoReason), Allow),
        ("blanks for a reason", |c| c.reason = Some("  \t\u{200b}  .......... ".into()), Deny(NoReason), Allow),
        ("a short reason", |c| c.reason = Some("it failed".into()), Deny(ShortReason), Allow),
        ("a reason as long as it must be", |c| c.reason = Some("it failed.".into()), Allow, Allow),
        ("a short reason filled up", |c| c.reason = Some("x\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}x".into()), Deny(ShortReason), Allow),
        ("a reason as long as it may be", |c| c.reason = Some("x".repeat(512)), Allow, Allow),
        ("a reason too long", |c| c.reason = Some("x".repeat(513)), Deny(LongReason), Allow),
        ("too long where none is needed", |c| { c.reason = Some("x".repeat(513)); c.class.require_reason = Some(false) }, Deny(LongReason), Allow),
        ("none needed by the secret", |c| { c.reason = None; c.class.require_reason = Some(false) }, Allow, Allow),
        ("none needed by policy", |c| { c.reason = None; c.policy += "[reason]\nmin_chars = 0\n" }, Allow, Allow),
        ("none needed by policy, but by the secret", |c| { c.reason = None; c.class.require_reason = Some(true); c.policy += "[reason]\nmin_chars = 0\n" }, Deny(NoReason), Allow),
        // time
        ("inside its window", |c| c.class.windows = vec!["mon 09:00-18:00".into()], Allow, Allow),
        ("outside its window", |c| c.class.windows = vec!["tue-sun 09:00-18:00".into()], Deny(OutsideWindow), Allow),
        ("inside one of two", |c| c.class.windows = vec!["sun 09:00-10:00".into(), "mon 12:00-12:01".into()], Allow, Allow),
        ("a window that can't be read", |c| c.class.windows = vec!["mon 09:00-18:00".into(), "sometimes".into()], Deny(OutsideWindow), Allow),
        // exposure
        ("narrower than it may be", |c| c.class.expose = Some(Exposure::Value), Allow, Allow),
        ("file where env is the most", |c| { medium(c); c.way = file("DB_URL") }, Deny(WiderExposure), Allow),
        ("value where env is the most", |c| { medium(c); *c = c.clone().value() }, Deny(WiderExposure), Allow),
        ("value of a low one", |c| *c = c.clone().value(), Allow, Allow),
        ("value where env is the most, and with a command", |c| { medium(c); c.way = Way::Value }, Deny(WiderExposure), Allow),
        ("env where the proxy is the most", |c| { medium(c); c.class.destinations.push("x".into()) }, Deny(WiderExposure), Allow),
        // commands
        ("no command for env", |c| c.argv.clear(), Deny(BadCommand), Allow),
        ("a folder that is not absolute", |c| c.cwd = "p".into(), Deny(BadCommand), Allow),
        ("a command shown beside a value", |c| { let a = c.argv.clone(); *c = c.clone().value(); c.argv = a }, Deny(BadCommand), Allow),
        ("pinned to it", pin, Allow, Allow),
        ("pinned to fewer arguments", |c| { pin(c); c.class.commands[0].pop(); }, Deny(CommandNotPinned), Allow),
        ("pinned to more arguments", |c| { pin(c); c.class.commands[0].push("x".into()); }, Deny(CommandNotPinned), Allow),
        ("pinned to a prefix of an argument", |c| { pin(c); c.class.commands[0][2] = "select".into() }, Deny(CommandNotPinned), Allow),
        ("pinned to a star", |c| { pin(c); c.class.commands[0][2] = "*".into() }, Deny(CommandNotPinned), Allow),
        ("pinned to nothing", |c| c.class.commands = vec![vec![]], Deny(CommandNotPinned), Allow),
        ("pinned to a name without a path", |c| { c.argv[0] = "psql".into(); pin(c) }, Deny(CommandNotPinned), Allow),
        ("pinned to one of two", |c| { pin(c); c.class.commands.insert(0, vec!["/bin/true".into()]) }, Allow, Allow),
        ("pinned to a program that the user can change", |c| { pin(c); c.program_fixed = false }, Deny(CommandWritable), Allow),
        ("not pinned, a program that the user can change", |c| c.program_fixed = false, Allow, Allow),
        ("pinned, but the value is wanted", |c| { pin(c); c.class.expose = Some(Exposure::Value); *c = c.clone().value() }, Deny(CommandNotPinned), Allow),
        // variables, for everybody
        ("a guarded variable", |c| c.way = env("LD_PRELOAD"), Deny(BadEnvName), Deny(BadEnvName)),
        ("a guarded variable for a path", |c| c.way = file("LD_PRELOAD"), Deny(BadEnvName), Deny(BadEnvName)),
        ("a file of a low one", |c| c.way = file("DB_URL"), Allow, Allow),
        ("a file without a command", |c| { c.way = file("DB_URL"); c.argv.clear() }, Deny(BadCommand), Allow),
        // what is there, for everybody
        ("unknown", |c| c.there = There::Unknown, Deny(UnknownName), Deny(UnknownName)),
        ("ambiguous", |c| c.there = There::Ambiguous, Deny(Ambiguous), Deny(Ambiguous)),
        ("a proposal", |c| c.class.proposed_by = Some("claude".parse().unwrap()), Deny(Unconfirmed), Deny(Unconfirmed)),
        // forbids
        ("forbid the caller", |c| c.policy += "[[forbid]]\ncaller = 'claude'\n", Deny(Forbidden), Allow),
        ("forbid another caller", |c| c.policy += "[[forbid]]\ncaller = 'codex'\n", Allow, Allow),
        ("forbid one of two names", |c| { both(c); c.policy += "[[forbid]]\ncaller = 'codex'\n" }, Deny(Forbidden), Allow),
        ("forbid unknown", |c| c.policy += "[[forbid]]\ncaller = 'unknown'\n", Allow, Allow),
        ("forbid unknown, a stranger", |c| { c.callers = vec![named("stranger", Evidence::Claimed)]; c.policy += "[[forbid]]\ncaller = 'unknown'\n" }, Deny(Forbidden), Allow),
        ("forbid humans", |c| c.policy += "[[forbid]]\ncaller = 'human'\n", Allow, Deny(Forbidden)),
        ("forbid the secret", |c| c.policy += "[[forbid]]\nsecret = 'DB_URL'\n", Deny(Forbidden), Deny(Forbidden)),
        ("forbid the secret in its vault", |c| c.policy += "[[forbid]]\nsecret = 'svault://main/DB_URL'\n", Deny(Forbidden), Deny(Forbidden)),
        ("forbid the secret in another vault", |c| c.policy += "[[forbid]]\nsecret = 'svault://work/DB_URL'\n", Allow, Allow),
        ("forbid the scope", |c| c.policy += "[[forbid]]\nscope = 'database'\n", Deny(Forbidden), Deny(Forbidden)),
        ("forbid the scope that is asked for", |c| { c.scope = Some("api".parse().unwrap()); c.policy += "[[forbid]]\nscope = 'api'\n" }, Deny(Forbidden), Deny(Forbidden)),
        ("forbid the secret's scope, another asked for", |c| { c.scope = Some("api".parse().unwrap()); c.policy += "[[forbid]]\nscope = 'database'\n" }, Deny(Forbidden), Deny(Forbidden)),
        ("forbid a scope that is neither", |c| c.policy += "[[forbid]]\nscope = 'api'\n", Allow, Allow),
        ("forbid the door", |c| c.policy += "[[forbid]]\ndoor = 'cli'\n", Deny(Forbidden), Deny(Forbidden)),
        ("forbid another door", |c| c.policy += "[[forbid]]\ndoor = 'mcp'\n", Allow, Allow),
        ("forbid needs all that it names", |c| c.policy += "[[forbid]]\ncaller = 'claude'\ndoor = 'mcp'\n", Allow, Allow),
        ("forbid wins over asking", |c| { medium(c); c.policy += "[[forbid]]\nsecret = 'DB_URL'\n" }, Deny(Forbidden), Deny(Forbidden)),
        ("forbid wins over every other cause", |c| { c.scope = None; c.reason = None; c.policy += "[[forbid]]\nsecret = 'DB_URL'\n" }, Deny(Forbidden), Deny(Forbidden)),
        ("no right wins over asking", |c| { medium(c); c.scope = None }, Deny(NoScope), Allow),
];

fn medium(c: &mut Case) {
    c.class.tier = Tier::Medium;
}

fn both(c: &mut Case) {
    c.callers.push(named("codex", Evidence::Claimed));
}

fn api(c: &mut Case) {
    c.scope = Some("api".parse().unwrap());
    c.class.scope = "api".parse().unwrap();
}

fn pin(c: &mut Case) {
    c.class.commands = vec![c.argv.clone()];
}

fn proxied(c: &mut Case) {
    c.way = Way::Proxy;
    c.class.destinations.push("api.example.com".into());
}

#[test]
fn the_whole_table() {
    for (what, change, caller, human) in TABLE {
        let mut case = base();
        change(&mut case);
        assert_eq!(case.verdict(), *caller, "{what}");
        case.presence = Presence::Act;
        assert_eq!(case.verdict(), *human, "{what}, for a human");
    }
}

#[test]
fn every_cause_of_the_policy_has_a_line_in_the_table() {
    let by_others = [
        Cause::Suspended,
        Cause::Sealed,
        Cause::NoProxy,
        Cause::Rate,
        Cause::Burst,
        Cause::SecretBurst,
        Cause::Judged,
        Cause::Refused,
        Cause::Cancelled,
        Cause::Expired,
        Cause::QueueFull,
        Cause::Changed,
        Cause::NotYours,
        Cause::PeerChanged,
        Cause::NotAll,
        Cause::TooMany,
        Cause::TooLong,
        Cause::Locked,
        Cause::NoRecord,
        Cause::NoValue,
        Cause::NoMemory,
        Cause::AsksEachTime,
    ];
    for cause in Cause::ALL.iter().filter(|c| !by_others.contains(c)) {
        assert!(TABLE.iter().any(|(_, _, v, _)| *v == deny(*cause)), "{cause}");
    }
}

#[test]
fn a_window_serves_what_asks_once_but_not_what_asks_each_time() {
    let mut case = base();
    case.presence = Presence::Window;
    assert_eq!(case.verdict(), Verdict::Allow);
    medium(&mut case);
    assert_eq!(case.verdict(), Verdict::Allow);
    case.class.tier = Tier::High;
    assert_eq!(case.verdict(), deny(Cause::AsksEachTime));
    case.class.tier = Tier::Low;
    assert_eq!(case.value().verdict(), deny(Cause::AsksEachTime));
}

#[test]
fn a_narrower_exposure_is_told_only_to_whom_it_would_be_given() {
    let narrower = |case: &Case| case.ask(|p, q| decide(p, q).narrower);
    let mut case = base();
    medium(&mut case);
    let case = case.value();
    assert_eq!(narrower(&case), Some(Exposure::Env));
    let spoilers: &[Change] = &[
        |c| c.scope = None,
        |c| c.reason = None,
        |c| c.callers.clear(),
        |c| c.there = There::Unknown,
        |c| c.class.proposed_by = Some("claude".parse().unwrap()),
        |c| c.class.windows = vec!["sun 00:00-24:00".into()],
        |c| c.policy += "[[forbid]]\nscope = 'database'\n",
    ];
    for (i, spoil) in spoilers.iter().enumerate() {
        let mut case = case.clone();
        spoil(&mut case);
        assert_eq!(narrower(&case), None, "{i}");
    }
    // The command is known already: what would fail there is not offered.
    let mut case = base();
    medium(&mut case);
    case.way = file("DB_URL");
    assert_eq!(narrower(&case), Some(Exposure::Env));
    case.class.commands = vec![vec!["/bin/true".into()]];
    assert_eq!(narrower(&case), None);
    assert_eq!(case.verdict(), deny(Cause::CommandNotPinned));
}

#[test]
fn every_decision_names_its_rule_and_explains_itself() {
    for (what, change, caller, _) in TABLE {
        let mut case = base();
        change(&mut case);
        let decision = case.ask(decide);
        assert!(!decision.rule.is_empty(), "{what}");
        let steps = case.ask(explain);
        let last = steps.last().unwrap();
        let word = match caller {
            Verdict::Allow => "allow: ",
            Verdict::Ask => "ask a human: ",
            Verdict::Deny(_) => "deny: ",
        };
        assert!(last.starts_with(word) && last.contains(&decision.rule), "{what}: {last}");
    }
    let steps = base().ask(explain);
    assert_eq!(steps.len(), 15);
    assert_eq!(steps[0], "forbid: ok");
}

#[test]
fn every_rule_runs_whatever_another_said() {
    for (what, change, _, _) in TABLE {
        let mut case = base();
        change(&mut case);
        assert_eq!(case.ask(explain).len(), 15, "{what}");
    }
}

#[test]
fn nobody_is_told_to_hold_no_scope() {
    let mut case = base();
    case.callers.clear();
    assert!(case.ask(explain).iter().any(|step| step.contains("unknown has no scopes")));
}
