//! Denials teach nothing: the same steps in the same order and the same answer for every cause.

use super::fake::*;
use crate::approve::Answer;
use crate::clock::Clock as _;
use crate::gate::*;
use audit::Event;
use policy::Cause;
use words::{Exposure, Id, Tier, Way};

type Setup = fn(&Fake, &mut wire::Ask);

/// Every cause that a caller can meet at once, and how.
const CAUSES: &[(Cause, Setup)] = &[
    (Cause::UnknownName, |_, a| a.items[0].secret = "NOT_THERE".parse().unwrap()),
    (Cause::Ambiguous, |h, _| h.add("work", "LOW", class(Tier::Low))),
    (Cause::Unconfirmed, |h, a| {
        h.change("LOW", |s| s.class.proposed_by = Some("claude".parse().unwrap()));
        a.items[0].secret = "svault://main/LOW".parse().unwrap()
    }),
    (Cause::Forbidden, |h, _| h.set_policy(&format!("{POLICY}[[forbid]]\ncaller = 'claude'"))),
    (Cause::UnknownCaller, |h, _| h.set_policy("")),
    (Cause::NotMatched, |h, _| h.set_policy("[callers.claude]\nexe=['/opt/claude']\nscopes=['database']")),
    (Cause::NotVerified, |h, _| h.set_policy("[callers.claude]\nscopes=['database']\nverified=true")),
    (Cause::NoScope, |_, a| a.scope = None),
    (Cause::WrongScope, |_, a| a.scope = Some("api".parse().unwrap())),
    (Cause::ScopeNotHeld, |h, _| h.set_policy("[callers.claude]")),
    (Cause::NotCaller, |h, _| h.change("LOW", |s| s.class.callers.push("codex".parse().unwrap()))),
    (Cause::NoReason, |_, a| a.reason = None),
    (Cause::ShortReason, |_, a| a.reason = Some("because".into())),
    (Cause::LongReason, |_, a| a.reason = Some("x".repeat(600))),
    (Cause::OutsideWindow, |h, _| h.change("LOW", |s| s.class.windows = vec!["sun 01:00-02:00".into()])),
    (Cause::BadCommand, |_, a| a.cwd = "here".into()),
    (Cause::CommandNotPinned, |h, _| h.change("LOW", |s| s.class.commands = vec![vec!["/bin/true".into()]])),
    (Cause::BadEnvName, |_, a| a.items[0].way = Way::Env("PATH".parse().unwrap())),
    (Cause::NoProxy, |_, a| a.items[0].way = Way::Proxy),
    (Cause::PeerChanged, |h, _| h.peer_gone.set(true)),
    (Cause::Sealed, |h, _| close(h, Event::Seal, "LOW")),
    (Cause::Suspended, |h, _| close(h, Event::Suspend, "")),
    (Cause::Rate, |h, _| {
        h.set_policy("[callers.claude]\nscopes=['database']\nrate='1/hour'");
        used(h)
    }),
    (Cause::Burst, |h, _| {
        h.set_policy(&format!("{POLICY}[limits]\nburst_per_session='1/10s'"));
        used(h)
    }),
    (Cause::SecretBurst, |h, _| {
        h.set_policy(&format!("{POLICY}[limits]\nburst_per_secret='1/10s'"));
        used(h)
    }),
];

fn close(house: &Fake, event: Event, secret: &str) {
    let mut e = audit::Entry::new(house.fresh_id(), house.wall(), event);
    (e.session, e.secret) = ("matched:claude".into(), secret.into());
    house.count(&e);
}

fn used(house: &Fake) {
    let mut e = audit::Entry::new(house.fresh_id(), house.wall(), Event::Allow);
    (e.session, e.secret) = ("matched:claude".into(), "main/LOW".into());
    house.count(&e);
}

#[tokio::test]
async fn every_cause_has_the_same_steps_and_the_same_answer() {
    for (cause, setup) in CAUSES {
        let house = Fake::new();
        let mut wanted = wanting(&["LOW"]);
        setup(&house, &mut wanted);
        let by = if *cause == Cause::NotMatched { claimed("claude", 1) } else { claude() };
        let req = house.freeze(wanted, by);
        house.take_steps();
        let said = denied(decide_and_release(&house, &req).await);
        assert_eq!(house.cause(), cause.as_str());
        assert_eq!(said, Denied { id: req.id, narrower: None, why: None }, "{cause}");
        let expected = ["peer", "find", "policy", "limits", "folds", "append", "count"];
        assert_eq!(house.take_steps(), expected, "{cause}");
        let trail = house.trail.borrow();
        assert_eq!((trail.len(), trail[0].event, trail[0].id), (1, Event::Deny, req.id), "{cause}");
    }
}

/// A look at the program's folders takes a time that its caller chooses, so it is taken only where the command is one
/// that a human has pinned.
#[tokio::test]
async fn a_program_is_looked_at_for_the_commands_that_are_pinned_alone() {
    let looks = |house: &Fake| house.take_steps().iter().filter(|step| **step == "program").count();
    let house = Fake::new();
    house.change("LOW", |s| s.class.commands = vec![vec!["/usr/bin/psql".into(), "-l".into()]]);
    for name in ["LOW", "MEDIUM", "NOT_THERE"] {
        for argv in [vec!["/usr/bin/psql"], vec!["/a/b/c/d"], vec!["-l", "/usr/bin/psql"], vec![]] {
            let mut wanted = wanting(&[name]);
            (wanted.argv, wanted.wait) = (argv.iter().map(ToString::to_string).collect(), 0);
            let _ = house.ask_by(wanted, claude()).await;
            assert_eq!(looks(&house), 0, "{name} {argv:?}");
            house.clock.pass(600_000);
        }
    }
    let house = Fake::new();
    house.change("LOW", |s| s.class.commands = vec![vec!["/usr/bin/psql".into()]]);
    values(house.ask("LOW").await);
    assert_eq!(looks(&house), 2, "before the record and after it");
    let mut other = wanting(&["MEDIUM"]);
    other.wait = 0;
    let _ = house.ask_by(other, claude()).await;
    assert_eq!(looks(&house), 0, "another secret of the same command");
}

#[tokio::test]
async fn a_no_after_waiting_ends_like_every_other() {
    for answer in
        [Answer::Refused, Answer::Expired, Answer::Cancelled, Answer::Full, Answer::Void, Answer::Locked]
    {
        let house = Fake::new();
        house.human_says.set(Some(answer));
        let said = denied(house.ask("HIGH").await);
        assert_eq!((said.narrower, said.why), (None, None));
        assert!(house.take_steps().ends_with(&["human", "folds", "append", "count"]), "{answer:?}");
    }
}

#[tokio::test]
async fn folded_denials_answer_like_every_other() {
    let house = Fake::with(&format!("{POLICY}[limits]\nseal_after = '2 denials/1h'"));
    for n in 0..12 {
        let said = denied(house.ask("NOT_THERE").await);
        assert_eq!((said.narrower, said.why), (None, None));
        let denied = house.trail.borrow().iter().filter(|e| e.event == Event::Deny).count();
        assert_eq!(denied, 5.min(n + 1));
    }
    house.clock.pass(10_000);
    let now = house.wall();
    let folded = house.limits.borrow_mut().due_folds(now, false, || Id::from_bits(1));
    flush_folds(&house, folded).await;
    let trail = house.trail.borrow();
    let folded: Vec<_> = trail.iter().filter(|e| e.event == Event::Folded).collect();
    assert_eq!(folded.len(), 1);
    assert_eq!((folded[0].count, folded[0].session.as_str()), (Some(7), "matched:claude"));
}

#[tokio::test]
async fn a_narrower_exposure_is_told_but_not_to_who_is_sealed() {
    let house = Fake::new();
    let mut wanted = wanting(&["MEDIUM"]);
    (wanted.items[0].way, wanted.argv, wanted.cwd) = (Way::Value, vec![], String::new());
    let said = denied(house.ask_by(wanted.clone(), claude()).await);
    assert_eq!(said.narrower, Some(Exposure::Env));
    // One of two would not be allowed: nothing is told.
    let mut two = wanted.clone();
    two.items.push(wire::AskItem::value("NOT_THERE".parse().unwrap()));
    assert_eq!(denied(house.ask_by(two, claude()).await).narrower, None);
    close(&house, Event::Seal, "MEDIUM");
    assert_eq!(denied(house.ask_by(wanted, claude()).await).narrower, None);
}

#[tokio::test]
async fn the_proxy_is_no_narrower_exposure_while_there_is_none() {
    let house = Fake::new();
    house.change("MEDIUM", |s| {
        (s.class.expose, s.class.destinations) = (None, vec!["api.example.com".into()])
    });
    assert_eq!(denied(house.ask("MEDIUM").await).narrower, None);
    assert_eq!(house.cause(), "wider_exposure");
}

/// Names that exist and names that don't are sealed and suspended alike, or what follows would tell them apart.
#[tokio::test]
async fn seals_do_not_tell_whether_a_name_exists() {
    let mut seen = Vec::new();
    for names in [["LOW", "svault://main/LOW"], ["NOT_THERE", "svault://main/NOT_THERE"]] {
        let house = Fake::new();
        for name in names {
            for _ in 0..5 {
                let mut wanted = wanting(&[name]);
                wanted.scope = Some("api".parse().unwrap());
                denied(house.ask_by(wanted, claude()).await);
                house.clock.pass(1000);
            }
        }
        let seals = house.limits.borrow().seals();
        seen.push(seals.iter().map(|s| s.secret.is_some()).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], [true]);
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn denials_of_other_acts_go_the_same_way() {
    let house = Fake::new();
    let req = house.freeze(wanting(&["LOW"]), claude());
    house.take_steps();
    let said = denied(deny(&house, &req, Cause::NotAll, "proposal").await);
    assert_eq!(said, Denied { id: req.id, narrower: None, why: None });
    assert_eq!(house.take_steps(), ["folds", "append", "count"]);
}
