//! The world changes while something is waited for: a judge, a human, the disk. Whatever changed, nothing is
//! released, and the trail says why.

use super::fake::*;
use crate::approve::Answer;
use crate::clock::Clock as _;
use crate::gate::*;
use crate::limits::Seal;
use audit::Event;
use words::Tier;

type Change = fn(&Fake);

/// What changes, and the cause that the trail has then.
const CHANGES: &[(&str, Change, &str)] = &[
    ("the policy takes the scope", |h| h.set_policy("[callers.claude]\nscopes = []"), "scope_not_held"),
    ("the policy loses the caller", |h| h.set_policy(""), "unknown_caller"),
    (
        "the policy forbids it",
        |h| h.set_policy(&format!("{POLICY}[[forbid]]\nscope = 'database'")),
        "forbidden",
    ),
    (
        "the policy wants it launched",
        |h| h.set_policy("[callers.claude]\nscopes=['database']\nverified=true"),
        "not_verified",
    ),
    ("the value is replaced", |h| h.change("HIGH", |s| s.version += 1), "changed"),
    ("the secret is removed", |h| drop(h.secrets.borrow_mut().remove("HIGH")), "changed"),
    (
        "it is removed and added anew",
        |h| {
            h.secrets.borrow_mut().remove("HIGH");
            h.add("main", "HIGH", class(Tier::High))
        },
        "changed",
    ),
    ("another vault gets one of that name", |h| h.add("work", "HIGH", class(Tier::Low)), "changed"),
    ("its scope is edited", |h| h.change("HIGH", |s| s.class.scope = "api".parse().unwrap()), "changed"),
    ("its tier is lowered", |h| h.change("HIGH", |s| s.class.tier = Tier::Low), "changed"),
    ("the pair is sealed", |h| seal(h, Some("HIGH")), "sealed"),
    ("the session is suspended", |h| seal(h, None), "suspended"),
    (
        "the policy lowers the rate",
        |h| lower(h, "[callers.claude]\nscopes=['database']\nrate='1/hour'"),
        "rate",
    ),
    (
        "the policy lowers the burst",
        |h| lower(h, &format!("{POLICY}[limits]\nburst_per_session='1/hour'")),
        "burst",
    ),
    (
        "the policy lowers a secret's burst",
        |h| lower(h, &format!("{POLICY}[limits]\nburst_per_secret='1/hour'")),
        "secret_burst",
    ),
    ("the process ends", |h| h.peer_gone.set(true), "peer_changed"),
];

/// Two others of the same session were released in the last hour; now that many are too many.
fn lower(house: &Fake, policy: &str) {
    for _ in 0..2 {
        let mut entry = audit::Entry::new(house.fresh_id(), house.wall(), Event::Allow);
        (entry.session, entry.secret) = ("matched:claude".into(), "main/HIGH".into());
        house.count(&entry);
    }
    house.set_policy(policy);
}

fn seal(house: &Fake, secret: Option<&str>) {
    let event = if secret.is_some() { Event::Seal } else { Event::Suspend };
    let mut entry = audit::Entry::new(house.fresh_id(), house.wall(), event);
    entry.session = "matched:claude".into();
    entry.secret = secret.unwrap_or_default().into();
    house.count(&entry);
}

#[tokio::test]
async fn whatever_changes_while_it_waits_it_is_denied() {
    for when in ["judge", "human", "disk"] {
        for (what, change, cause) in CHANGES {
            let house = Fake::new();
            house.human_says.set(Some(yes()));
            let change = *change;
            house.while_waiting(when, change);
            denied(house.ask("HIGH").await);
            assert_eq!(house.cause(), *cause, "{what}, at {when}");
            assert!(!house.take_steps().contains(&"open"), "{what}, at {when}");
            let allowed = house.trail.borrow().iter().any(|e| e.event == Event::Allow);
            assert!(!allowed || when == "disk", "{what}, at {when}: recorded as a release");
        }
    }
}

/// The same while the record of the release itself goes to the disk.
#[tokio::test]
async fn whatever_changes_after_the_record_nothing_is_opened() {
    for (what, change, cause) in CHANGES {
        let house = Fake::new();
        house.change("HIGH", |s| s.class.tier = Tier::Low);
        let (change, what_changes) = (*change, *what);
        if what_changes == "its tier is lowered" {
            house.while_waiting("disk", |h| h.change("HIGH", |s| s.class.tier = Tier::High));
        } else {
            house.while_waiting("disk", change);
        }
        denied(house.ask("HIGH").await);
        assert_eq!(house.cause(), *cause, "{what}");
        assert!(!house.take_steps().contains(&"open"), "{what}");
        assert_eq!(
            house.trail.borrow().len(),
            2,
            "{what}: the release that was none is followed by its denial"
        );
    }
}

/// What takes back a yes that lasts.
const TAKEN_BACK: &[(&str, Change)] = &[
    ("another policy, which gives the same", |h| {
        h.set_policy(POLICY);
        h.approvals.policy_changed();
    }),
    ("a human takes it back", |h| {
        let id = h.approvals.grants()[0].req.id;
        assert!(h.approvals.revoke(id));
    }),
    ("its time is over", |h| h.clock.pass(900_000)),
    ("its process ended, as a watch sees it", |h| drop(h.approvals.process_ended(100, 7))),
    ("the store is being locked", |h| h.approvals.lock()),
];

#[tokio::test]
async fn a_yes_that_is_taken_back_while_its_release_is_recorded_releases_nothing() {
    let mut cases: Vec<(&str, Option<Change>)> = TAKEN_BACK.iter().map(|(w, c)| (*w, Some(*c))).collect();
    cases.push(("nothing", None));
    for (what, change) in cases {
        let house = Fake::new();
        let mut wanted = wanting(&["MEDIUM"]);
        wanted.wait = 0;
        let Outcome::Pending(id) = house.ask_by(wanted.clone(), claude()).await else { panic!("{what}") };
        house.approvals.approve(id, wire::Lasts::Seconds(900), house.boot_ms()).unwrap();
        house.take_steps();
        let Some(change) = change else {
            values(house.ask_by(wanted, claude()).await);
            continue;
        };
        house.while_waiting("disk", change);
        denied(house.ask_by(wanted, claude()).await);
        assert_eq!(house.cause(), "changed", "{what}");
        assert!(!house.take_steps().contains(&"open"), "{what}");
        assert_eq!(
            house.told(),
            ["Ask main/MEDIUM", "Allow main/MEDIUM", "Deny main/MEDIUM changed"],
            "{what}"
        );
    }
}

/// The same for one that was given to another request meanwhile, and serves this one, too.
#[tokio::test]
async fn a_yes_that_came_while_it_waited_is_taken_back_as_well() {
    for (what, change) in TAKEN_BACK {
        let house = Fake::new();
        let mut wanted = wanting(&["MEDIUM"]);
        wanted.wait = 0;
        let Outcome::Pending(id) = house.ask_by(wanted.clone(), claude()).await else { panic!("{what}") };
        wanted.reason = Some("for the report of the month".into());
        let change = *change;
        house.while_waiting("human", move |h| {
            h.approvals.approve(id, wire::Lasts::Seconds(900), h.boot_ms()).unwrap();
            h.while_waiting("disk", change);
        });
        denied(house.ask_by(wanted, claude()).await);
        assert_eq!(house.cause(), "changed", "{what}");
        assert!(!house.take_steps().contains(&"open"), "{what}");
    }
}

/// One for once was used up when it was taken: another policy leaves it, as it leaves what waits.
#[tokio::test]
async fn a_yes_for_once_outlasts_another_policy_that_gives_the_same() {
    let house = Fake::new();
    let mut wanted = wanting(&["HIGH"]);
    wanted.wait = 0;
    let Outcome::Pending(id) = house.ask_by(wanted.clone(), claude()).await else { panic!("no wait") };
    house.approvals.approve(id, wire::Lasts::Once, house.boot_ms()).unwrap();
    house.while_waiting("disk", |h| h.approvals.policy_changed());
    values(house.ask_by(wanted, claude()).await);
}

#[tokio::test]
async fn a_window_that_closes_while_it_waits() {
    for when in ["judge", "human", "disk"] {
        let house = Fake::new(); // 12:00 in Berlin
        house.change("HIGH", |s| s.class.windows = vec!["mon 09:00-12:01".into()]);
        house.human_says.set(Some(yes()));
        house.while_waiting(when, |h| h.clock.pass(60_000));
        denied(house.ask("HIGH").await);
        assert_eq!(house.cause(), "outside_window", "{when}");
    }
}

#[tokio::test]
async fn what_is_to_be_asked_for_from_now_on_is_not_released_unasked() {
    let house = Fake::with(&format!("{POLICY}[medium]\nask = false"));
    house.while_waiting("disk", |h| h.set_policy(POLICY));
    denied(house.ask("MEDIUM").await);
    assert_eq!(house.cause(), "changed");
}

#[tokio::test]
async fn limits_are_looked_at_again_when_the_human_has_said_yes() {
    let house = Fake::with(&format!("{POLICY}[limits]\nburst_per_secret = '1/10s'"));
    house.human_says.set(Some(yes()));
    house.while_waiting("human", |h| {
        let mut entry = audit::Entry::new(h.fresh_id(), h.wall(), Event::Allow);
        (entry.session, entry.secret) = ("matched:codex".into(), "main/HIGH".into());
        h.count(&entry);
    });
    denied(house.ask("HIGH").await);
    assert_eq!(house.cause(), "secret_burst");
}

/// All of them look before any of them is recorded, but none is counted too late.
#[tokio::test]
async fn many_at_once_do_not_win_a_burst() {
    let house = std::rc::Rc::new(Fake::with(&format!(
        "{POLICY}[limits]\nburst_per_session = '3/10s'\nseal_after = '20/1h'"
    )));
    let local = tokio::task::LocalSet::new();
    let mut tasks = Vec::new();
    for _ in 0..10 {
        let house = house.clone();
        tasks.push(local.spawn_local(async move { matches!(house.ask("LOW").await, Outcome::Released(_)) }));
    }
    let released = local
        .run_until(async {
            let mut n = 0;
            for task in tasks {
                n += usize::from(task.await.unwrap());
            }
            n
        })
        .await;
    assert_eq!(released, 3);
}

#[tokio::test]
async fn many_that_were_approved_at_once_do_not_win_a_burst_of_the_secret() {
    let house = std::rc::Rc::new(Fake::with(&format!(
        "{POLICY}[limits]\nburst_per_session = '100/10s'\nburst_per_secret = '3/10s'\nseal_after = '20/1h'"
    )));
    house.human_says.set(Some(yes()));
    let local = tokio::task::LocalSet::new();
    let spawn = |_| {
        let house = house.clone();
        local.spawn_local(async move { matches!(house.ask("HIGH").await, Outcome::Released(_)) })
    };
    let tasks: Vec<_> = (0..10).map(spawn).collect();
    let released = local
        .run_until(async {
            let mut n = 0;
            for task in tasks {
                n += usize::from(task.await.unwrap());
            }
            n
        })
        .await;
    assert_eq!(released, 3);
}

/// A caller that hangs up the moment it has asked gets its denials counted all the same.
#[tokio::test]
async fn hanging_up_keeps_no_denial_from_counting() {
    let house = Fake::new();
    for _ in 0..5 {
        let req = house.freeze(wanting(&["NOT_THERE"]), claude());
        {
            let mut future = std::pin::pin!(decide_and_release(&house, &req));
            let waker = std::task::Waker::noop();
            let _ = future.as_mut().poll(&mut std::task::Context::from_waker(waker));
        }
        house.clock.pass(1000);
    }
    assert_eq!(house.limits.borrow().seals().len(), 1);
    denied(house.ask("NOT_THERE").await);
    assert_eq!(house.cause(), "sealed");
}

/// The same for what its denials call for: the second pair that is sealed suspends the session, and both are recorded.
#[tokio::test]
async fn hanging_up_keeps_no_seal_from_being_kept() {
    let house = Fake::new();
    for (name, times) in [("NOT_THERE", 5), ("LOW", 5)] {
        for _ in 0..times {
            let mut wanted = wanting(&[name]);
            wanted.scope = Some("api".parse().unwrap());
            let req = house.freeze(wanted, claude());
            let mut future = std::pin::pin!(decide_and_release(&house, &req));
            let _ = future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            house.clock.pass(1000);
        }
    }
    let told = house.told();
    let seals = ["Seal NOT_THERE", "Seal LOW", "Suspend"];
    assert_eq!(
        told.iter().filter(|t| !t.starts_with("Deny")).collect::<Vec<_>>(),
        seals.iter().collect::<Vec<_>>()
    );
    let kept: Vec<Option<String>> = house.seals.borrow().iter().map(|s| s.secret.clone()).collect();
    assert_eq!(kept, [Some("NOT_THERE".into()), Some("LOW".into()), None]);
    assert_eq!(*house.seals.borrow(), house.limits.borrow().seals());
}

/// A yes that was used up by a request that failed is gone: it does not serve another.
#[tokio::test]
async fn a_yes_for_once_is_used_up_by_the_attempt() {
    let house = Fake::new();
    let first = house.freeze(wanting(&["HIGH"]), claude());
    house.human_says.set(Some(Answer::Waiting(first.id)));
    let _ = decide_and_release(&house, &first).await;
    house.human_says.set(None);
    let mut wait = wanting(&["HIGH"]);
    wait.wait = 0;
    assert!(matches!(house.ask_by(wait.clone(), claude()).await, Outcome::Pending(_)));
    let id = house.approvals.waiting()[0].req.id;
    house.approvals.approve(id, wire::Lasts::Once, house.boot_ms()).unwrap();
    house.sync_fails.set(true);
    denied(house.ask_by(wait.clone(), claude()).await);
    house.sync_fails.set(false);
    house.clock.pass(10_000);
    assert!(matches!(house.ask_by(wait, claude()).await, Outcome::Pending(_)));
}

#[tokio::test]
async fn a_seal_that_the_store_keeps_is_there_before_the_answer() {
    let house = Fake::new();
    for n in 0..5 {
        assert_eq!(house.seals.borrow().len(), 0, "{n}");
        denied(house.ask("NOT_THERE").await);
        house.clock.pass(1000);
    }
    let seals: Vec<Seal> = house.seals.borrow().clone();
    assert_eq!(seals.len(), 1);
    assert_eq!(house.limits.borrow().seals(), seals);
    assert_eq!(house.told().last().unwrap(), "Seal NOT_THERE");
    assert_eq!(house.durable.get(), house.trail.borrow().len());
}
