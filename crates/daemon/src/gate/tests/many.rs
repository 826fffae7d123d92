//! Requests for several secrets: all or nothing, with one record for each.

use super::fake::*;
use crate::approve::Answer;
use audit::Event;
use words::Id;

#[tokio::test]
async fn all_of_them_with_a_record_each() {
    let house = Fake::new();
    house.human_says.set(Some(Answer::Yes(Id::from_bits(5))));
    let outcome = house.ask_by(wanting(&["LOW", "MEDIUM"]), claude()).await;
    assert_eq!(values(outcome), [b"sk-test-LOW".to_vec(), b"sk-test-MEDIUM".to_vec()]);
    assert_eq!(house.told(), ["Ask main/LOW", "Ask main/MEDIUM", "Allow main/LOW", "Allow main/MEDIUM"]);
    let trail = house.trail.borrow();
    assert!(trail.iter().all(|e| e.id == trail[0].id));
    assert_eq!(trail[2].rule, "tier low");
    assert_eq!(trail[3].rule, "tier medium");
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
    house.human_says.set(Some(Answer::Yes(Id::from_bits(5))));
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

#[tokio::test]
async fn none_too_many_and_one_variable_twice() {
    let house = Fake::new();
    denied(house.ask_by(wanting(&[]), claude()).await);
    assert_eq!(house.told(), ["Deny  too_many"]);
    let names = ["LOW"; 65];
    denied(house.ask_by(wanting(&names), claude()).await);
    assert_eq!(house.told().len(), 2);
    let mut twice = wanting(&["LOW", "MEDIUM"]);
    twice.items[1].env = twice.items[0].env.clone();
    denied(house.ask_by(twice.clone(), claude()).await);
    assert_eq!(house.cause(), "too_many");
    denied(house.ask_by(twice, human()).await);
    assert!(!house.take_steps().contains(&"open"));
}

#[tokio::test]
async fn as_many_as_there_may_be() {
    let house = Fake::with(&format!("{POLICY}[limits]\nburst_per_secret = '64/10s'\n"));
    assert_eq!(values(house.ask_by(wanting(&["LOW"; 64]), claude()).await).len(), 64);
    assert_eq!(house.trail.borrow().iter().filter(|e| e.event == Event::Allow).count(), 64);
    // 64 releases of it, but one request.
    house.clock.pass(10_000);
    for _ in 0..4 {
        values(house.ask("LOW").await);
    }
}
