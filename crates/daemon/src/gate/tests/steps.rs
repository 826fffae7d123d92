//! The steps and their order, and each step on its own: where it says no, nothing is released.

use super::fake::*;
use crate::approve::Answer;
use crate::gate::*;
use audit::{Entry, Event};
use policy::Cause;
use words::{Exposure, Id, Tier, Way};

const LOOK: [&str; 4] = ["peer", "find", "policy", "limits"];
const LAST: [&str; 4] = ["peer and namespaces", "find", "policy", "limits"];

fn steps(parts: &[&[&'static str]]) -> Vec<&'static str> {
    parts.concat()
}

#[tokio::test]
async fn a_low_secret_goes_through_every_step_in_order() {
    let house = Fake::new();
    let req = house.freeze(wanting(&["LOW"]), claude());
    house.take_steps();
    assert_eq!(values(decide_and_release(&house, &req).await), [b"sk-test-LOW"]);
    let expected = steps(&[&LOOK, &["append", "count", "durable"], &LAST, &["open"]]);
    assert_eq!(house.take_steps(), expected);
    let trail = house.trail.borrow();
    let e = &trail[0];
    assert_eq!(
        (e.event, e.id, e.caller.as_str(), e.session.as_str()),
        (Event::Allow, req.id, "claude", "matched:claude")
    );
    assert_eq!((e.secret.as_str(), e.version, e.exposure), ("main/LOW", Some(1), Some(Exposure::Env)));
    assert_eq!((e.rule.as_str(), e.scope.as_str(), e.cwd.as_str()), ("tier low", "database", "/home/u/p"));
    assert_eq!((e.argv.as_slice(), e.process.len()), (["/usr/bin/psql".to_owned()].as_slice(), 2));
}

#[tokio::test]
async fn a_medium_secret_asks_a_human_in_between() {
    let house = Fake::new();
    house.human_says.set(Some(yes()));
    let req = house.freeze(wanting(&["MEDIUM"]), claude());
    house.take_steps();
    assert_eq!(values(decide_and_release(&house, &req).await), [b"sk-test-MEDIUM"]);
    let expected = steps(&[
        &LOOK,
        &["judge"],
        &LOOK,
        &["take yes", "append", "count", "durable", "human"],
        &LOOK,
        &["append", "count", "durable"],
        &LAST,
        &["open"],
    ]);
    assert_eq!(house.take_steps(), expected);
    assert_eq!(house.told(), ["Ask main/MEDIUM", "Allow main/MEDIUM"]);
    let trail = house.trail.borrow();
    assert_eq!(trail[1].note, format!("approved as {}", Id::from_bits(5)));
    assert_eq!(trail[0].id, trail[1].id);
}

#[tokio::test]
async fn the_exposure_that_was_granted_comes_with_the_values() {
    let house = Fake::new();
    let Outcome::Released(released) = house.ask("LOW").await else { panic!("not released") };
    let (id, granted, _) = released.into_parts();
    assert_eq!(id, house.trail.borrow()[0].id);
    assert_eq!(granted[0].way, Way::Env("V0".parse().unwrap()));
    assert_eq!(granted[0].secret.to_string(), "LOW");
}

async fn is_denied(house: &Fake, name: &str, cause: Cause) {
    let said = denied(house.ask(name).await);
    assert_eq!(house.cause(), cause.as_str(), "{name}");
    assert_eq!(said.why, None);
    assert!(!house.take_steps().contains(&"open"), "opened all the same");
}

#[tokio::test]
async fn policy_says_no() {
    is_denied(&Fake::new(), "NOT_THERE", Cause::UnknownName).await;
    is_denied(&Fake::with("[callers.claude]\nscopes = ['api']"), "LOW", Cause::ScopeNotHeld).await;
}

#[tokio::test]
async fn limits_say_no() {
    let house = Fake::with(&format!("{POLICY}[limits]\nburst_per_session = '2/10s'\n"));
    for _ in 0..2 {
        values(house.ask("LOW").await);
    }
    house.take_steps();
    is_denied(&house, "LOW", Cause::Burst).await;
}

#[tokio::test]
async fn the_judge_says_no_and_no_human_is_asked() {
    let house = Fake::new();
    *house.judge_says.borrow_mut() = Some("judge: nonsense".into());
    house.human_says.set(Some(yes()));
    let outcome = house.ask("HIGH").await;
    denied(outcome);
    assert_eq!(house.cause(), "judged");
    assert_eq!(house.trail.borrow()[0].rule, "judge: nonsense");
    let steps = house.take_steps();
    assert!(!steps.contains(&"human") && !steps.contains(&"open"));
}

#[tokio::test]
async fn the_judge_is_not_asked_where_policy_allows() {
    let house = Fake::new();
    *house.judge_says.borrow_mut() = Some("judge: nonsense".into());
    values(house.ask("LOW").await);
    assert!(!house.take_steps().contains(&"judge"));
}

#[tokio::test]
async fn every_answer_of_a_human_but_yes_is_a_no() {
    let answers = [
        (Answer::Refused, Cause::Refused),
        (Answer::Cancelled, Cause::Cancelled),
        (Answer::Expired, Cause::Expired),
        (Answer::Full, Cause::QueueFull),
        (Answer::Void, Cause::Changed),
        (Answer::Locked, Cause::Locked),
    ];
    for (answer, cause) in answers {
        let house = Fake::new();
        house.human_says.set(Some(answer));
        is_denied(&house, "HIGH", cause).await;
    }
    let house = Fake::new();
    house.human_says.set(Some(Answer::Waiting(Id::from_bits(5))));
    assert!(matches!(house.ask("HIGH").await, Outcome::Pending(id) if id == Id::from_bits(5)));
    assert_eq!(house.told(), ["Ask main/HIGH"]);
}

#[tokio::test]
async fn what_can_t_be_recorded_is_not_released() {
    let house = Fake::new();
    house.append_fails.set(true);
    denied(house.ask("LOW").await);
    assert!(!house.take_steps().contains(&"open"));
    house.append_fails.set(false);
    house.sync_fails.set(true);
    is_denied(&house, "LOW", Cause::NoRecord).await;
}

#[tokio::test]
async fn nobody_is_asked_before_the_question_is_recorded() {
    let house = Fake::new();
    house.human_says.set(Some(yes()));
    house.sync_fails.set(true);
    is_denied(&house, "HIGH", Cause::NoRecord).await;
    house.sync_fails.set(false);
    house.append_fails.set(true);
    denied(house.ask("HIGH").await);
    assert!(!house.take_steps().contains(&"human"));
}

#[tokio::test]
async fn what_can_t_be_opened_is_denied_and_that_is_recorded() {
    let house = Fake::new();
    house.open_fails.set(true);
    denied(house.ask("LOW").await);
    assert_eq!(house.told(), ["Allow main/LOW", "Deny main/LOW no_value"]);
}

#[tokio::test]
async fn no_value_is_released_to_the_proxy() {
    let house = Fake::new();
    house.change("LOW", |s| s.class.destinations.push("api.example.com".into()));
    for by in [claude(), human()] {
        let mut wanted = wanting(&["LOW"]);
        wanted.items[0].way = Way::Proxy;
        denied(house.ask_by(wanted, by).await);
        assert_eq!(house.cause(), "no_proxy");
    }
    assert!(!house.take_steps().contains(&"open"));
}

/// Twice: policy's look denies it, and the last step would not hand it out either.
#[tokio::test]
async fn the_last_step_alone_hands_nothing_to_the_proxy() {
    let house = Fake::new();
    values(house.ask("LOW").await);
    let mut req = (*house.freeze(wanting(&["LOW"]), claude())).clone();
    assert!(super::super::release(&house, &req).is_ok());
    req.items[0].way = Way::Proxy;
    assert_eq!(super::super::release(&house, &req).err(), Some(Cause::NoProxy));
}

#[tokio::test]
async fn a_forbid_is_stronger_than_a_seal_and_a_seal_than_the_rest() {
    let house = Fake::new();
    let mut e = Entry::new(Id::from_bits(1), "2026-11-23T11:00:00Z".parse().unwrap(), Event::Seal);
    (e.session, e.secret) = ("matched:claude".into(), "LOW".into());
    house.count(&e);
    denied(house.ask("LOW").await);
    assert_eq!(house.cause(), "sealed");
    house.set_policy("[callers.claude]");
    denied(house.ask("LOW").await);
    assert_eq!(house.cause(), "sealed");
    house.set_policy("[callers.claude]\n[[forbid]]\ncaller = 'claude'");
    denied(house.ask("LOW").await);
    assert_eq!(house.cause(), "forbidden");
}

#[tokio::test]
async fn a_proposal_is_released_to_nobody() {
    let house = Fake::new();
    house.add("main", "NEW", class(Tier::Low));
    house.change("NEW", |s| s.class.proposed_by = Some("claude".parse().unwrap()));
    denied(house.ask("NEW").await);
    assert_eq!(house.cause(), "unknown_name");
    for by in [claude(), human()] {
        denied(house.ask_by(wanting(&["svault://main/NEW"]), by).await);
        assert_eq!(house.cause(), "unconfirmed");
    }
}

#[tokio::test]
async fn pinned_commands_and_guarded_variables() {
    let house = Fake::new();
    house.change("LOW", |s| s.class.commands = vec![vec!["/usr/bin/psql".into()], vec!["/home/u/x".into()]]);
    values(house.ask("LOW").await);
    let mut other = wanting(&["LOW"]);
    other.argv.push("-c".into());
    denied(house.ask_by(other, claude()).await);
    assert_eq!(house.cause(), "command_not_pinned");
    let mut own = wanting(&["LOW"]);
    own.argv = vec!["/home/u/x".into()];
    denied(house.ask_by(own, claude()).await);
    assert_eq!(house.cause(), "command_writable");
    let mut guarded = wanting(&["LOW"]);
    guarded.items[0].way = Way::Env("LD_PRELOAD".parse().unwrap());
    for by in [claude(), human()] {
        denied(house.ask_by(guarded.clone(), by).await);
        assert_eq!(house.cause(), "bad_env_name");
    }
}

#[tokio::test]
async fn a_human_goes_the_same_way_without_a_session() {
    let house = Fake::new();
    for name in ["LOW", "MEDIUM", "HIGH"] {
        let mut show = wanting(&[name]);
        show.items[0].way = Way::Value;
        (show.argv, show.cwd, show.scope, show.reason) = (vec![], String::new(), None, None);
        assert_eq!(values(house.ask_by(show, human()).await), [format!("sk-test-{name}").as_bytes()]);
    }
    let is_human = |e: &Entry| e.caller == "human" && e.session.is_empty() && e.rule == "presence";
    assert!(house.trail.borrow().iter().all(is_human));
    // More than any burst allows, and none of it counts.
    for _ in 0..30 {
        values(house.ask_by(wanting(&["LOW"]), human()).await);
    }
    values(house.ask("LOW").await);
}

#[tokio::test]
async fn a_human_is_told_why() {
    let house = Fake::new();
    let said = denied(house.ask_by(wanting(&["NOT_THERE"]), human()).await);
    assert_eq!(said.why, Some((Cause::UnknownName, "secret".into())));
    let by = Asker { account: Account::Window, ..human() };
    let said = denied(house.ask_by(wanting(&["HIGH"]), by.clone()).await);
    assert_eq!(said.why.unwrap().0, Cause::AsksEachTime);
    values(house.ask_by(wanting(&["MEDIUM"]), by).await);
}

#[tokio::test]
async fn a_human_is_no_way_around_the_record() {
    let house = Fake::new();
    house.sync_fails.set(true);
    denied(house.ask_by(wanting(&["LOW"]), human()).await);
    assert!(!house.take_steps().contains(&"open"));
}

#[tokio::test]
async fn one_place_makes_a_released_value() {
    let source = include_str!("../../gate.rs");
    assert_eq!(
        source.matches("Released {").count()
            - source.matches("struct Released {").count()
            - source.matches("impl Released {").count(),
        1
    );
    for other in [
        include_str!("../look.rs"),
        include_str!("../record.rs"),
        include_str!("../frozen.rs"),
        include_str!("../house.rs"),
    ] {
        assert!(!other.contains("Released"));
    }
    assert!(source.lines().count() < 200, "the gate is one page");
}
