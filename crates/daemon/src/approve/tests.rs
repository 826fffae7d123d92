//! Requests that wait, yeses that last, and everything that voids them.

use super::*;
use crate::gate::tests::fake::{Fake, claimed, claude, values, wanting};
use crate::gate::{Account, Frozen, Outcome, decide_and_release};
use policy::Named;
use std::cell::RefCell as Cell;
use words::{Evidence, Way};

/// Begins to wait and stops at once, as a caller with `--wait 0` does.
async fn leave(house: &Fake, name: &str, by: Asker) -> Id {
    let mut ask = wanting(&[name]);
    ask.wait = 0;
    match house.ask_by(ask, by).await {
        Outcome::Pending(id) => id,
        _ => panic!("does not wait"),
    }
}

async fn comes(house: &Fake, name: &str, by: Asker) -> bool {
    let mut ask = wanting(&[name]);
    ask.wait = 0;
    matches!(house.ask_by(ask, by).await, Outcome::Released(_))
}

fn yes(house: &Fake, id: Id, lasts: Lasts) {
    house.approvals.approve(id, lasts, house.clock.boot_ms()).unwrap();
}

/// No burst stands in the way of what is tested here.
fn house() -> Fake {
    Fake::with(&format!(
        "{}[limits]\nburst_per_session = '1000/1s'\nburst_per_secret = '1000/1s'\nseal_after = '20/1s'",
        crate::gate::tests::fake::POLICY
    ))
}

#[tokio::test]
async fn medium_asks_once_and_then_holds_for_the_session() {
    let house = house();
    let id = leave(&house, "MEDIUM", claude()).await;
    assert_eq!(house.approvals.waiting().len(), 1);
    yes(&house, id, Lasts::Session);
    assert!(house.approvals.waiting().is_empty());
    for n in 0..5 {
        let mut ask = wanting(&["MEDIUM"]);
        ask.reason = Some(format!("another reason, number {n}"));
        values(house.ask_by(ask, Asker { connection: n, ..claude() }).await);
        house.clock.pass(3_600_000);
    }
    assert_eq!(house.trail.borrow().last().unwrap().note, format!("approved as {id}"));
}

#[tokio::test]
async fn high_asks_each_time() {
    let house = house();
    let id = leave(&house, "HIGH", claude()).await;
    for lasts in [Lasts::Session, Lasts::Seconds(60)] {
        assert_eq!(house.approvals.can_approve(id, lasts).err(), Some(CantApprove::OnlyOnce));
        assert_eq!(house.approvals.approve(id, lasts, 0), Err(CantApprove::OnlyOnce));
    }
    yes(&house, id, Lasts::Once);
    assert!(comes(&house, "HIGH", claude()).await);
    assert!(!comes(&house, "HIGH", claude()).await);
}

#[tokio::test]
async fn a_grant_for_medium_never_serves_high() {
    let house = house();
    let id = leave(&house, "MEDIUM", claude()).await;
    yes(&house, id, Lasts::Session);
    house.change("MEDIUM", |s| s.class.tier = words::Tier::High);
    assert!(!comes(&house, "MEDIUM", claude()).await);
    // Not even one whose fields are all the same.
    let req = house.freeze(wanting(&["MEDIUM"]), claude());
    let grant = Grant { req: req.clone(), once: false, until_ms: None };
    assert!(!grant.serves(&req, Lasting::Once, 0));
    assert!(grant.serves(&req, Lasting::Session, 0));
}

type Difference = fn(&mut wire::Ask, &mut Asker);

/// Everything that can be different about a request to which a yes was given.
const DIFFERENCES: &[(&str, Difference)] = &[
    ("another secret", |a, _| a.items[0].secret = "OTHER".parse().unwrap()),
    ("one more secret", |a, _| {
        a.items.push(wire::AskItem::env("LOW".parse().unwrap(), "W".parse().unwrap()));
    }),
    ("another variable", |a, _| a.items[0].way = Way::Env("W".parse().unwrap())),
    ("a file instead of a variable", |a, _| a.items[0].way = Way::File("V0".parse().unwrap())),
    ("one more argument", |a, _| a.argv.push("-c".into())),
    ("another program", |a, _| a.argv[0] = "/bin/psql".into()),
    ("another folder", |a, _| a.cwd = "/home/u".into()),
    ("another process", |_, b| b.anchor = Anchor::Process { pid: 101, start: 7 }),
    ("the same pid, started later", |_, b| b.anchor = Anchor::Process { pid: 100, start: 8 }),
    ("another session", |_, b| b.account = Account::Session("launched:7K2MQ9XA".into())),
    ("weaker evidence", |_, b| b.callers[0].evidence = Evidence::Claimed),
    ("one more name", |_, b| {
        b.callers.push(Named { name: "codex".parse().unwrap(), evidence: Evidence::Claimed });
    }),
    ("another door", |_, b| b.door = words::Door::Mcp),
];

#[tokio::test]
async fn any_difference_is_another_request() {
    for lasts in [Lasts::Session, Lasts::Once] {
        for (what, change) in DIFFERENCES {
            let house = house();
            house.add("main", "OTHER", crate::gate::tests::fake::class(words::Tier::Medium));
            let id = leave(&house, "MEDIUM", claude()).await;
            yes(&house, id, lasts);
            let (mut ask, mut by) = (wanting(&["MEDIUM"]), claude());
            ask.wait = 0;
            change(&mut ask, &mut by);
            let outcome = house.ask_by(ask, by).await;
            assert!(!matches!(outcome, Outcome::Released(_)), "{what}");
            assert!(comes(&house, "MEDIUM", claude()).await, "the same all the same");
        }
    }
}

/// Fields that policy would stop before, but that are part of what was said yes to.
#[tokio::test]
async fn scope_and_exposure_are_part_of_the_act() {
    let house = house();
    let was = house.freeze(wanting(&["MEDIUM"]), claude());
    let differs = |change: fn(&mut Frozen)| {
        let mut is = (*was).clone();
        assert!(was.same_act(&is));
        change(&mut is);
        !was.same_act(&is)
    };
    assert!(differs(|r| r.scope = None));
    assert!(differs(|r| r.items[0].way = Way::File("V0".parse().unwrap())));
    assert!(!differs(|r| (r.id, r.wait, r.reason) = (Id::from_bits(9), Duration::ZERO, None)));
}

#[tokio::test]
async fn a_yes_for_once_is_for_the_same_reason_too() {
    let house = house();
    let id = leave(&house, "HIGH", claude()).await;
    yes(&house, id, Lasts::Once);
    let mut ask = wanting(&["HIGH"]);
    (ask.wait, ask.reason) = (0, Some("something else entirely".into()));
    assert!(!matches!(house.ask_by(ask, claude()).await, Outcome::Released(_)));
    assert!(comes(&house, "HIGH", claude()).await);
}

#[tokio::test]
async fn a_changed_secret_voids_what_waits_and_what_was_granted() {
    let house = house();
    let id = leave(&house, "MEDIUM", claude()).await;
    let secret = house.approvals.waiting()[0].req.items[0].seen().unwrap().id.clone();
    yes(&house, id, Lasts::Session);
    leave(&house, "HIGH", claude()).await;
    assert!(house.approvals.secret_changed(&secret).is_empty(), "none of it waits");
    assert!(house.approvals.grants().is_empty());
    assert_eq!(house.approvals.waiting().len(), 1, "of another secret");
    // Nobody told of the change: a new version is a difference by itself.
    let id = leave(&house, "MEDIUM", claude()).await;
    yes(&house, id, Lasts::Session);
    house.change("MEDIUM", |s| s.version = 2);
    assert!(!comes(&house, "MEDIUM", claude()).await);
    // Who left it waiting hears of its end by the trail alone.
    let id = leave(&house, "MEDIUM", claude()).await;
    let ended = house.approvals.secret_changed(&secret);
    assert_eq!(ended.iter().map(|req| req.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn other_key_slots_end_every_yes_and_nothing_that_waits() {
    let house = house();
    for (name, lasts) in [("MEDIUM", Lasts::Session), ("HIGH", Lasts::Once)] {
        let id = leave(&house, name, claude()).await;
        yes(&house, id, lasts);
    }
    leave(&house, "HIGH", claimed("codex", 3)).await;
    house.approvals.slots_changed();
    assert!(house.approvals.grants().is_empty());
    assert_eq!(house.approvals.waiting().len(), 1);
    assert!(!comes(&house, "MEDIUM", claude()).await && !comes(&house, "HIGH", claude()).await);
}

#[tokio::test]
async fn a_process_that_ends_voids_what_it_held() {
    let house = house();
    let id = leave(&house, "MEDIUM", claude()).await;
    yes(&house, id, Lasts::Session);
    let id = leave(&house, "HIGH", claude()).await;
    assert_eq!(house.approvals.anchors(), [(100, 7)]);
    assert!(house.approvals.process_ended(100, 8).is_empty());
    assert_eq!(house.approvals.grants().len(), 1);
    assert_eq!(house.approvals.process_ended(100, 7)[0].id, id, "nobody waits for it");
    assert!(house.approvals.grants().is_empty() && house.approvals.waiting().is_empty());
    assert_eq!(house.approvals.anchors(), []);
}

#[tokio::test]
async fn the_unknown_session_gets_once_and_on_its_own_connection_only() {
    let house = house();
    let id = leave(&house, "MEDIUM", claimed("codex", 3)).await;
    assert_eq!(house.approvals.can_approve(id, Lasts::Session).err(), Some(CantApprove::OnlyOnce));
    yes(&house, id, Lasts::Once);
    assert!(!comes(&house, "MEDIUM", claimed("codex", 4)).await);
    // Also where both are held by the same process by mistake.
    let one =
        |connection| Asker { anchor: Anchor::Process { pid: 1, start: 1 }, ..claimed("codex", connection) };
    assert!(comes(&house, "MEDIUM", claimed("codex", 3)).await);
    assert!(!comes(&house, "MEDIUM", claimed("codex", 3)).await);
    let id = leave(&house, "HIGH", one(5)).await;
    yes(&house, id, Lasts::Once);
    assert!(!comes(&house, "HIGH", one(6)).await);

    let id = leave(&house, "HIGH", claimed("codex", 7)).await;
    let before = house.approvals.waiting().len();
    assert_eq!(house.approvals.connection_closed(7)[0].id, id);
    assert_eq!(house.approvals.waiting().len(), before - 1);
}

#[tokio::test]
async fn a_yes_runs_out() {
    let house = house();
    let id = leave(&house, "HIGH", claude()).await;
    yes(&house, id, Lasts::Once);
    house.clock.pass(ONCE_MS);
    assert!(!comes(&house, "HIGH", claude()).await);
    let id = leave(&house, "MEDIUM", claude()).await;
    yes(&house, id, Lasts::Seconds(900));
    house.clock.pass(899_999);
    assert!(comes(&house, "MEDIUM", claude()).await);
    house.clock.pass(1);
    assert!(!comes(&house, "MEDIUM", claude()).await);
    house.approvals.expire(house.clock.boot_ms());
    assert!(house.approvals.grants().is_empty());
}

#[tokio::test]
async fn a_request_runs_out_and_can_t_be_approved_after() {
    let house = house();
    let id = leave(&house, "HIGH", claude()).await;
    house.clock.pass(REQUEST_MS);
    assert_eq!(house.approvals.approve(id, Lasts::Once, house.clock.boot_ms()), Err(CantApprove::Gone));
    let alone = house.approvals.expire(house.clock.boot_ms());
    assert_eq!(alone.iter().map(|r| r.id).collect::<Vec<_>>(), [id]);
    assert_eq!(house.approvals.can_approve(id, Lasts::Once).err(), Some(CantApprove::Gone));
}

#[tokio::test]
async fn refused_and_cancelled() {
    let house = house();
    let id = leave(&house, "HIGH", claude()).await;
    let other = Asker { account: Account::Session("matched:codex".into()), ..claude() };
    assert!(!house.approvals.cancel(id, Some(&other)), "somebody else's");
    let anchor = Anchor::Process { pid: 7, start: 7 };
    let stranger = Asker { anchor, peer: (7, 7), ..claude() };
    assert!(!house.approvals.cancel(id, Some(&stranger)), "another process of the same name");
    assert!(
        house.approvals.waiting_of(&stranger).is_empty() && house.approvals.waiting_of(&claude()) == [id]
    );
    assert!(house.approvals.cancel(id, Some(&Asker { connection: 77, ..claude() })));
    assert!(!house.approvals.cancel(id, None));
    let id = leave(&house, "HIGH", claude()).await;
    assert!(house.approvals.refuse(id));
    assert!(!house.approvals.refuse(id));
    assert!(!comes(&house, "HIGH", claude()).await);
}

#[tokio::test]
async fn a_grant_can_be_taken_back() {
    let house = house();
    let id = leave(&house, "MEDIUM", claude()).await;
    yes(&house, id, Lasts::Session);
    assert!(house.approvals.revoke(id));
    assert!(!house.approvals.revoke(id));
    assert!(!comes(&house, "MEDIUM", claude()).await);
}

#[tokio::test]
async fn identical_requests_wait_as_one() {
    let house = house();
    let told: Cell<Vec<(Id, bool)>> = Cell::default();
    let clock = &house.clock;
    let reqs: Vec<_> = (0..3).map(|_| still(&house, "HIGH", claude())).collect();
    for req in &reqs {
        let tell = |id, new| told.borrow_mut().push((id, new));
        let answer = house.approvals.ask(req, Lasting::Once, "tier high", clock, tell).await;
        assert_eq!(answer, Answer::Waiting(reqs[0].id));
    }
    let first = reqs[0].id;
    assert_eq!(*told.borrow(), [(first, true), (first, false), (first, false)]);
    assert_eq!(house.approvals.waiting().len(), 1);
}

/// A request that does not wait.
fn still(house: &Fake, name: &str, by: Asker) -> Rc<Frozen> {
    let mut ask = wanting(&[name]);
    ask.wait = 0;
    house.freeze(ask, by)
}

#[tokio::test]
async fn there_is_room_for_so_many_and_no_more() {
    let house = house();
    let ask = |n: usize, session: &str| {
        let mut ask = wanting(&["HIGH"]);
        (ask.wait, ask.reason) = (0, Some(format!("reason number {n}")));
        house.freeze(ask, Asker { account: Account::Session(session.into()), ..claude() })
    };
    for n in 0..MOST_OF_SESSION + 4 {
        let answer =
            house.approvals.ask(&ask(n, "matched:claude"), Lasting::Once, "", &house.clock, |_, _| ()).await;
        assert_eq!(answer == Answer::Full, n >= MOST_OF_SESSION, "{n}");
    }
    for n in 0..MOST + 4 {
        let session = format!("launched:{n}");
        house.approvals.ask(&ask(n, &session), Lasting::Once, "", &house.clock, |_, _| ()).await;
    }
    assert_eq!(house.approvals.waiting().len(), MOST);
}

/// Those who wait are told at once; one `yes` for once serves one of them.
#[tokio::test(start_paused = true)]
async fn those_who_wait_are_woken() {
    let house = Rc::new(house());
    let local = tokio::task::LocalSet::new();
    let spawn = |name: &'static str| {
        let house = house.clone();
        local.spawn_local(async move {
            let req = house.freeze(wanting(&[name]), claude());
            decide_and_release(&*house, &req).await
        })
    };
    let (a, b) = (spawn("HIGH"), spawn("HIGH"));
    let (c, d) = (spawn("MEDIUM"), spawn("MEDIUM"));
    local
        .run_until(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let waiting = house.approvals.waiting();
            assert_eq!(waiting.len(), 2);
            let of =
                |name: &str| waiting.iter().find(|w| w.req.items[0].shown().ends_with(name)).unwrap().req.id;
            yes(&house, of("HIGH"), Lasts::Once);
            yes(&house, of("MEDIUM"), Lasts::Session);
            assert!(matches!(c.await.unwrap(), Outcome::Released(_)));
            assert!(matches!(d.await.unwrap(), Outcome::Released(_)));
            let (a, b) = (a.await.unwrap(), b.await.unwrap());
            let released = |o: &Outcome| usize::from(matches!(o, Outcome::Released(_)));
            assert_eq!(released(&a) + released(&b), 1, "once");
            assert!(matches!(a, Outcome::Pending(_)) || matches!(b, Outcome::Pending(_)));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_no_the_end_and_the_lock_reach_those_who_wait() {
    type End = fn(&Fake);
    let ends: &[(End, Answer)] = &[
        (|h| assert!(h.approvals.refuse(h.approvals.waiting()[0].req.id)), Answer::Refused),
        (|h| assert!(h.approvals.cancel(h.approvals.waiting()[0].req.id, None)), Answer::Cancelled),
        (|h| assert!(h.approvals.expire(h.clock.boot_ms() + REQUEST_MS).is_empty()), Answer::Expired),
        (|h| drop(h.approvals.process_ended(100, 7)), Answer::Void),
        (|h| h.approvals.lock(), Answer::Locked),
    ];
    for (end, expected) in ends {
        let house = Rc::new(house());
        let local = tokio::task::LocalSet::new();
        let asks = house.clone();
        let waits = local.spawn_local(async move {
            let req = asks.freeze(wanting(&["HIGH"]), claude());
            asks.approvals.ask(&req, Lasting::Once, "", &asks.clock, |_, _| ()).await
        });
        let answer = local
            .run_until(async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                end(&house);
                waits.await.unwrap()
            })
            .await;
        assert_eq!(answer, *expected);
        assert!(house.approvals.waiting().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_longer_than_a_request_lives_ends_in_expired() {
    let house = house();
    let mut ask = wanting(&["HIGH"]);
    ask.wait = 3600;
    let req = house.freeze(ask, claude());
    let answer = house.approvals.ask(&req, Lasting::Once, "", &house.clock, |_, _| ()).await;
    assert_eq!(answer, Answer::Expired);
    assert!(house.approvals.waiting().is_empty());
}

#[tokio::test]
async fn nothing_begins_to_wait_once_it_is_being_locked() {
    let house = house();
    let id = leave(&house, "MEDIUM", claude()).await;
    yes(&house, id, Lasts::Session);
    house.approvals.lock();
    assert!(house.approvals.grants().is_empty());
    let req = still(&house, "HIGH", claude());
    let answer = house.approvals.ask(&req, Lasting::Once, "", &house.clock, |_, _| ()).await;
    assert_eq!(answer, Answer::Locked);
}

/// A caller that hangs up while it waits leaves a request that nobody waits for.
#[tokio::test]
async fn hanging_up_leaves_the_request_alone() {
    let house = house();
    let req = house.freeze(wanting(&["HIGH"]), claude());
    {
        let mut ask = std::pin::pin!(house.approvals.ask(&req, Lasting::Once, "", &house.clock, |_, _| ()));
        let waker = std::task::Waker::noop();
        let _ = ask.as_mut().poll(&mut std::task::Context::from_waker(waker));
        assert!(house.approvals.expire(0).is_empty());
    }
    assert_eq!(house.approvals.waiting().len(), 1);
    assert_eq!(house.approvals.expire(u64::MAX).len(), 1);
}
