//! Requests for several secrets: all or nothing, with one record for each.

use super::fake::*;
use crate::clock::Clock as _;
use crate::gate::*;
use crate::limits::Due;
use audit::Event;
use policy::Cause;
use words::{Evidence, Exposure, Way};

#[tokio::test]
async fn all_of_them_with_a_record_each() {
    let house = Fake::new();
    house.human_says.set(Some(yes()));
    let outcome = house.ask_by(wanting(&["LOW", "MEDIUM"]), claude()).await;
    assert_eq!(values(outcome), [b"sk-test-LOW".to_vec(), b"sk-test-MEDIUM".to_vec()]);
    assert_eq!(house.told(), ["Ask main/LOW", "Ask main/MEDIUM", "Allow main/LOW", "Allow main/MEDIUM"]);
    let trail = house.trail.borrow();
    assert!(trail.iter().all(|e| e.id == trail[0].id));
    let rules: Vec<&str> = trail.iter().map(|e| e.rule.as_str()).collect();
    // Who is asked hears which rule asks; each release has its own.
    assert_eq!(rules, ["tier medium", "tier medium", "tier low", "tier medium"]);
}

/// What its caller makes long is in the trail once.
#[tokio::test]
async fn the_first_entry_of_a_request_alone_has_its_command() {
    let house = Fake::new();
    house.human_says.set(Some(yes()));
    values(house.ask_by(wanting(&["MEDIUM", "LOW", "LOW"]), claude()).await);
    denied(house.ask_by(wanting(&["NOT_THERE", "LOW"]), claude()).await);
    let trail = house.trail.borrow();
    let first = [true, false, false, true, false, false, true, false];
    assert_eq!(trail.len(), first.len());
    for (e, first) in trail.iter().zip(first) {
        assert_eq!((!e.argv.is_empty(), !e.cwd.is_empty()), (first, first), "{e:?}");
        assert!(!e.reason.is_empty() && !e.process.is_empty() && !e.variable.is_empty(), "{e:?}");
    }
}

#[tokio::test]
async fn a_reason_that_is_too_long_is_kept_so_far_that_this_shows() {
    let house = Fake::new();
    let mut wanted = wanting(&["LOW", "LOW"]);
    wanted.reason = Some("\u{e9}".repeat(100_000));
    denied(house.ask_by(wanted, claude()).await);
    assert_eq!(house.causes(), ["long_reason", "long_reason"]);
    assert!(house.trail.borrow().iter().all(|e| e.reason.len() <= 516));
}

#[tokio::test]
async fn nothing_where_one_is_denied() {
    let house = Fake::new();
    denied(house.ask_by(wanting(&["LOW", "NOT_THERE", "LOW"]), claude()).await);
    assert_eq!(
        house.told(),
        ["Deny main/LOW not_all", "Deny NOT_THERE unknown_name", "Deny main/LOW not_all"]
    );
    assert!(!house.take_steps().contains(&"open"));
}

#[tokio::test]
async fn what_stood_beside_a_denial_does_not_count_against_it() {
    let house = Fake::new();
    for _ in 0..5 {
        denied(house.ask_by(wanting(&["LOW", "NOT_THERE"]), claude()).await);
        house.clock.pass(1000);
    }
    assert_eq!(house.seals.borrow().len(), 1);
    assert_eq!(house.seals.borrow()[0].secret.as_deref(), Some("NOT_THERE"));
    values(house.ask("LOW").await);
}

#[tokio::test]
async fn one_value_that_can_t_be_opened_stops_all() {
    let house = Fake::new();
    house.while_waiting("disk", |h| h.change("MEDIUM", |s| s.version = 2));
    house.human_says.set(Some(yes()));
    denied(house.ask_by(wanting(&["LOW", "MEDIUM"]), claude()).await);
    assert!(!house.take_steps().contains(&"open"));
}

#[tokio::test]
async fn the_strictest_tier_rules_the_whole_request() {
    let house = Fake::new();
    assert_eq!(
        house.freeze(wanting(&["LOW", "MEDIUM"]), claude()).lasting(),
        crate::approve::Lasting::Session
    );
    assert_eq!(house.freeze(wanting(&["MEDIUM", "HIGH"]), claude()).lasting(), crate::approve::Lasting::Once);
    assert_eq!(
        house.freeze(wanting(&["LOW"]), claimed("claude", 3)).lasting(),
        crate::approve::Lasting::Once
    );
}

/// Each of them is counted on its own account, which is in the record: more than fit there get nothing.
#[tokio::test]
async fn a_line_of_callers_is_no_longer_than_its_record() {
    let named = |name: &str| policy::Named { name: name.parse().unwrap(), evidence: Evidence::Matched };
    let names = ["claude", "codex", "gemini", "cline", "qwen"];
    let all: String = names.iter().map(|n| format!("[callers.{n}]\nscopes = ['database']\n")).collect();
    for count in [4, 5] {
        let house = Fake::with(&all);
        let by = Asker { callers: names[..count].iter().map(|n| named(n)).collect(), ..claude() };
        let outcome = house.ask_by(wanting(&["LOW"]), by.clone()).await;
        assert_eq!(house.trail.borrow()[0].also, ["codex", "gemini", "cline"]);
        let limits = house.limits.borrow();
        // The same for what is no request for a value.
        assert_eq!(limits.may_ask(&house.rules.borrow(), &by, house.wall()).is_ok(), count == 4);
        assert_eq!(limits.is_closed(&house.rules.borrow(), &by, ""), count == 5);
        if count == 4 {
            values(outcome);
        } else {
            denied(outcome);
            assert_eq!((house.cause(), house.trail.borrow()[0].rule.as_str()), ("too_many".into(), "limits"));
        }
    }
}

#[tokio::test]
async fn none_too_many_and_one_variable_twice() {
    let house = Fake::new();
    denied(house.ask_by(wanting(&[]), claude()).await);
    assert_eq!(house.told(), ["Deny  too_many"]);
    let names = ["LOW"; MAX_ITEMS + 1];
    let generous = format!("{POLICY}[limits]\nburst_per_secret = '1000/10s'\n");
    house.set_policy(&generous);
    denied(house.ask_by(wanting(&names), claude()).await);
    assert_eq!(house.told()[1..], ["Deny main/LOW too_many"]);
    let mut twice = wanting(&["LOW", "MEDIUM"]);
    twice.items[1].way = twice.items[0].way.clone();
    denied(house.ask_by(twice.clone(), claude()).await);
    assert_eq!(house.cause(), "too_many");
    denied(house.ask_by(twice.clone(), human()).await);
    // The path to one and the other itself.
    twice.items[1].way = Way::File("V0".parse().unwrap());
    denied(house.ask_by(twice, claude()).await);
    assert_eq!(house.cause(), "too_many");
    assert!(!house.take_steps().contains(&"open"));
}

#[tokio::test]
async fn each_secret_of_a_request_travels_its_own_way() {
    let house = Fake::new();
    house.change("LOW", |s| s.class.expose = None);
    let mut mixed = wanting(&["LOW", "LOW"]);
    mixed.items[1].way = Way::File("CERT".parse().unwrap());
    let Outcome::Released(released) = house.ask_by(mixed.clone(), claude()).await else { panic!("denied") };
    let (_, granted, _) = released.into_parts();
    let ways: Vec<String> = granted.iter().map(|g| g.way.to_string()).collect();
    assert_eq!(ways, ["env V0", "file CERT"]);
    let recorded = |e: &audit::Entry| (e.exposure.unwrap(), e.variable.clone());
    let trail: Vec<_> = house.trail.borrow().iter().map(recorded).collect();
    assert_eq!(trail, [(Exposure::Env, "V0".to_owned()), (Exposure::File, "CERT".to_owned())]);
    // Each is held against its own exposure: one that may not travel so far stops all.
    house.change("LOW", |s| s.class.expose = Some(Exposure::Env));
    let said = denied(house.ask_by(mixed.clone(), claude()).await);
    assert_eq!(house.causes(), ["not_all", "wider_exposure"]);
    assert_eq!(said.narrower, Some(Exposure::Env));
    // A value beside a command is neither a request for a value nor for a command.
    house.change("LOW", |s| s.class.expose = None);
    mixed.items[1].way = Way::Value;
    denied(house.ask_by(mixed, claude()).await);
    assert_eq!(house.causes(), ["not_all", "bad_command"]);
}

#[tokio::test]
async fn as_many_as_there_may_be() {
    let house = Fake::with(&format!("{POLICY}[limits]\nburst_per_secret = '{MAX_ITEMS}/10s'\n"));
    assert_eq!(values(house.ask_by(wanting(&["LOW"; MAX_ITEMS]), claude()).await).len(), MAX_ITEMS);
    assert_eq!(house.trail.borrow().iter().filter(|e| e.event == Event::Allow).count(), MAX_ITEMS);
    // So many releases of it, but one request.
    house.clock.pass(10_000);
    for _ in 0..4 {
        values(house.ask("LOW").await);
    }
}

#[tokio::test]
async fn each_of_as_many_as_there_may_be_is_denied_by_its_name() {
    let house = Fake::new();
    let req = house.freeze(wanting(&["LOW"; MAX_ITEMS]), claude());
    denied(deny(&house, &req, Cause::TooMany, "request").await);
    assert_eq!(house.causes(), vec!["too_many"; MAX_ITEMS]);
    assert!(house.told()[..MAX_ITEMS].iter().all(|line| line == "Deny main/LOW too_many"));
}

#[test]
fn the_widest_exposure_is_what_a_request_shows() {
    let house = Fake::new();
    let mut mixed = wanting(&["LOW", "LOW"]);
    mixed.items[0].way = Way::Value;
    assert_eq!(house.freeze(mixed, claude()).exposure(), Some(Exposure::Value));
    assert_eq!(house.freeze(wanting(&[]), claude()).exposure(), None);
}

#[test]
fn the_same_asker_has_the_account_and_what_its_rights_are_held_by_or_is_the_same_process() {
    let on_another_connection = Asker { connection: 2, ..claude() };
    let another_process = Asker { peer: (201, 9), ..claude() };
    let another_anchor = Asker { anchor: Anchor::Process { pid: 101, start: 7 }, ..claude() };
    for same in [on_another_connection, another_process.clone(), another_anchor.clone()] {
        assert!(same.is(&claude()) && claude().is(&same), "{same:?}");
    }
    assert!(!Asker { anchor: another_anchor.anchor, ..another_process }.is(&claude()));
    assert!(!Asker { account: Account::Human, ..claude() }.is(&claude()));
}

#[test]
fn what_waits_is_held_against_policy_as_it_is_now() {
    let house = Fake::new();
    let waiting = house.freeze(wanting(&["LOW", "MEDIUM"]), claude());
    assert_eq!(despite_a_yes(&house, &waiting), None);
    house.set_policy(&format!("{POLICY}[[forbid]]\nsecret = 'MEDIUM'"));
    let (cause, rule) = despite_a_yes(&house, &waiting).unwrap();
    assert_eq!(cause, Cause::Forbidden);
    assert!(!rule.is_empty());
}

#[tokio::test]
async fn a_seal_that_the_trail_calls_for_is_written_into_both_and_waited_for() {
    let house = Fake::new();
    let session = "matched:claude".to_owned();
    let due = vec![
        Due { session: session.clone(), secret: Some("main/LOW".into()) },
        Due { session: session.clone(), secret: None },
    ];
    keep_due(&house, due).await;
    assert_eq!(house.told(), ["Seal main/LOW", "Suspend"]);
    let kept: Vec<_> = house.seals.borrow().iter().map(|s| (s.session.clone(), s.secret.clone())).collect();
    assert_eq!(kept, [(session.clone(), Some("main/LOW".to_owned())), (session, None)]);
    assert_eq!(house.durable.get(), 2);
    denied(house.ask("MEDIUM").await);
    assert_eq!(house.cause(), "suspended");
}
