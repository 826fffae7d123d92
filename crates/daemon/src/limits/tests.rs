//! Counters, seals and suspensions, and that a restart changes nothing of it.

use super::*;
use crate::gate::tests::fake::{Fake, claimed, claude, human, wanting};
use crate::gate::{Asker, Frozen};
use proptest::prelude::*;
use std::rc::Rc;
use words::Evidence;

mod folds;
mod nested;

const POLICY: &str = "
[callers.claude]
scopes = ['database']
rate = '4/hour'
[callers.codex]
scopes = ['database']
[limits]
burst_per_session = '3/10s'
burst_per_secret = '5/10s'
seal_after = '3 denials/5min'
";

struct Desk {
    house: Fake,
    policy: Policy,
    limits: Limits,
    now: i64,
    ids: u64,
}

impl Desk {
    fn new() -> Self {
        let policy = Policy::parse(POLICY).unwrap();
        Self { house: Fake::new(), policy, limits: Limits::default(), now: 1_800_000_000_000, ids: 0 }
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now).unwrap()
    }

    fn id(&mut self) -> Id {
        self.ids += 1;
        Id::from_bits(self.ids)
    }

    fn req(&self, name: &str, by: Asker) -> Rc<Frozen> {
        self.house.freeze(wanting(&[name]), by)
    }

    fn check(&self, name: &str, by: Asker, counts: Counts) -> Result<(), Cause> {
        self.limits.check(&self.policy, &self.req(name, by), counts, self.at()).map_err(|b| b.cause)
    }

    fn entry(&mut self, event: Event, session: &str, secret: &str) -> Entry {
        let mut e = Entry::new(self.id(), self.at(), event);
        (e.session, e.secret) = (session.into(), secret.into());
        e
    }

    fn count(&mut self, event: Event, session: &str, secret: &str) -> Vec<Due> {
        let entry = self.entry(event, session, secret);
        self.limits.count(&self.policy, &entry)
    }

    fn deny(&mut self, session: &str, secret: &str) -> Vec<Due> {
        let mut e = self.entry(Event::Deny, session, secret);
        e.cause = "wrong_scope".into();
        self.limits.count(&self.policy, &e)
    }

    /// Whether one more denial is folded.
    fn folds(&mut self, session: &str, secret: &str, cause: &str) -> bool {
        let mut e = self.entry(Event::Deny, session, secret);
        (e.cause, e.caller, e.evidence) = (cause.into(), "codex".into(), Some(Evidence::Claimed));
        self.limits.folds(&self.policy, &[e], self.at())
    }

    /// Writes what was folded.
    fn flush(&mut self) -> Vec<Due> {
        self.now += FOLD_MS;
        let folds = self.limits.due_folds(self.at(), false, || Id::from_bits(9));
        folds.iter().flat_map(|fold| self.limits.count(&self.policy, fold)).collect()
    }

    fn release(&mut self, by: Asker) -> Result<(), Cause> {
        self.check("LOW", by.clone(), Counts::Release)?;
        let session = by.session().unwrap_or_default().to_owned();
        self.count(Event::Allow, &session, "main/LOW");
        Ok(())
    }
}

fn due(session: &str, secret: Option<&str>) -> Due {
    Due { session: session.into(), secret: secret.map(Into::into) }
}

fn codex() -> Asker {
    Asker {
        account: crate::gate::Account::Session("matched:codex".into()),
        callers: vec![policy::Named { name: "codex".parse().unwrap(), evidence: Evidence::Matched }],
        ..claude()
    }
}

#[test]
fn a_burst_of_a_session_and_its_end() {
    let mut desk = Desk::new();
    for _ in 0..3 {
        assert_eq!(desk.release(codex()), Ok(()));
        desk.now += 1000;
    }
    assert_eq!(desk.release(codex()), Err(Cause::Burst));
    assert_eq!(desk.check("LOW", codex(), Counts::Ask), Err(Cause::Burst));
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Ok(()));
    assert_eq!(desk.check("LOW", codex(), Counts::ReleaseAfterAsk), Ok(()));
    assert_eq!(desk.check("LOW", claude(), Counts::Ask), Ok(()), "another session");
    desk.now += 7000; // the first was 10 s ago
    assert_eq!(desk.release(codex()), Ok(()));
    assert_eq!(desk.release(codex()), Err(Cause::Burst));
}

#[test]
fn a_rate_is_of_every_name_a_request_goes_under() {
    let mut desk = Desk::new();
    for _ in 0..4 {
        assert_eq!(desk.release(claude()), Ok(()));
        desk.now += 60_000;
    }
    assert_eq!(desk.release(claude()), Err(Cause::Rate));
    for _ in 0..4 {
        assert_eq!(desk.release(codex()), Ok(()));
        desk.now += 60_000;
    }
    let mut both = codex();
    both.callers.extend(claude().callers);
    assert_eq!(desk.release(both), Err(Cause::Rate), "codex that also goes as claude");
    assert_eq!(desk.release(codex()), Ok(()));
    desk.now += 3_600_000;
    assert_eq!(desk.release(claude()), Ok(()));
}

#[test]
fn a_burst_of_a_secret_is_of_all_sessions_and_not_of_humans() {
    let mut desk = Desk::new();
    for by in [codex(), codex(), codex(), claude(), claude()] {
        assert_eq!(desk.release(by), Ok(()));
    }
    assert_eq!(desk.release(claude()), Err(Cause::SecretBurst));
    assert_eq!(desk.check("MEDIUM", claude(), Counts::Release), Ok(()), "another secret");
    assert_eq!(desk.release(human()), Ok(()));
    desk.now += 10_000;
    assert_eq!(desk.release(claude()), Ok(()));
}

#[test]
fn one_request_for_a_secret_many_times_counts_each() {
    let desk = Desk::new();
    let fits = desk.house.freeze(wanting(&["LOW"; 5]), claude());
    assert_eq!(desk.limits.check(&desk.policy, &fits, Counts::Release, desk.at()), Ok(()));
    let over = desk.house.freeze(wanting(&["LOW"; 6]), claude());
    let blame = Blame { cause: Cause::SecretBurst, item: Some(5) };
    assert_eq!(desk.limits.check(&desk.policy, &over, Counts::Release, desk.at()), Err(blame));
}

#[test]
fn a_request_counts_once_whatever_it_asks_for_and_however_it_goes_on() {
    let mut desk = Desk::new();
    let mut e = desk.entry(Event::Ask, "matched:codex", "main/LOW");
    for secret in ["main/LOW", "main/MEDIUM", "main/HIGH"] {
        e.secret = secret.into();
        desk.limits.count(&desk.policy, &e);
    }
    (e.event, e.act) = (Event::Allow, AFTER_ASK.into());
    desk.limits.count(&desk.policy, &e);
    for _ in 0..2 {
        assert_eq!(desk.release(codex()), Ok(()));
    }
    assert_eq!(desk.release(codex()), Err(Cause::Burst));
}

#[test]
fn denials_seal_the_pair_and_two_pairs_suspend_the_session() {
    let mut desk = Desk::new();
    assert_eq!(desk.deny("matched:codex", "main/LOW"), []);
    assert_eq!(desk.deny("matched:codex", "main/LOW"), []);
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Ok(()));
    assert_eq!(desk.deny("matched:codex", "LOW"), [due("matched:codex", Some("LOW"))]);
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Sealed));
    assert_eq!(desk.check("LOW", codex(), Counts::Ask), Err(Cause::Sealed));
    assert_eq!(desk.check("MEDIUM", codex(), Counts::Release), Ok(()), "another secret");
    assert_eq!(desk.check("LOW", claude(), Counts::Release), Ok(()), "another session");
    assert_eq!(desk.check("LOW", human(), Counts::Release), Ok(()), "a human");
    assert_eq!(desk.deny("matched:codex", "main/LOW"), [], "it is sealed already");
    for _ in 0..2 {
        assert_eq!(desk.deny("matched:codex", "NO_SUCH"), []);
    }
    let both = [due("matched:codex", Some("NO_SUCH")), due("matched:codex", None)];
    assert_eq!(desk.deny("matched:codex", "NO_SUCH"), both);
    assert_eq!(desk.check("MEDIUM", codex(), Counts::Nothing), Err(Cause::Suspended));
    assert_eq!(desk.limits.seals().len(), 3);
    // Nothing more is kept for a session that is suspended.
    for n in 0..100 {
        assert_eq!(desk.deny("matched:codex", &format!("N{n}")), []);
    }
    assert_eq!(desk.limits.seals().len(), 3);
}

#[test]
fn denials_spread_over_more_than_the_window_seal_nothing() {
    let mut desk = Desk::new();
    for _ in 0..20 {
        assert_eq!(desk.deny("matched:codex", "main/LOW"), []);
        desk.now += 150_000;
    }
}

#[test]
fn what_is_no_fault_of_the_caller_seals_nothing() {
    let mut desk = Desk::new();
    for cause in ["not_all", "cancelled", "no_record", "no_value", "locked"].repeat(5) {
        let mut e = desk.entry(Event::Deny, "matched:codex", "main/LOW");
        e.cause = cause.into();
        assert_eq!(desk.limits.count(&desk.policy, &e), []);
    }
    let mut e = desk.entry(Event::Deny, "matched:codex", "main/LOW");
    e.cause = "a word of a later version".into();
    desk.limits.count(&desk.policy, &e);
    desk.limits.count(&desk.policy, &e);
    assert_eq!(desk.limits.count(&desk.policy, &e).len(), 1);
}

#[test]
fn a_human_opens_a_seal_and_the_count_begins_anew() {
    let mut desk = Desk::new();
    for name in ["LOW", "MEDIUM"] {
        for _ in 0..3 {
            desk.deny("matched:codex", name);
        }
    }
    desk.count(Event::Unseal, "matched:codex", "LOW");
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Suspended));
    desk.count(Event::Unseal, "matched:codex", "");
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Ok(()));
    assert_eq!(desk.check("MEDIUM", codex(), Counts::Nothing), Err(Cause::Sealed));
    for _ in 0..2 {
        assert_eq!(desk.deny("matched:codex", "LOW"), []);
    }
    // The second pair again: suspended again.
    assert_eq!(desk.deny("matched:codex", "LOW").len(), 2);
}

#[test]
fn a_seal_whose_opening_came_to_nothing_closes_again() {
    let mut desk = Desk::new();
    for _ in 0..3 {
        desk.deny("matched:codex", "LOW");
    }
    let seal = desk.limits.seals().remove(0);
    desk.count(Event::Unseal, "matched:codex", "LOW");
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Ok(()));
    desk.limits.close_again(seal.clone());
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Sealed));
    assert_eq!(desk.limits.seals(), [seal]);
}

#[test]
fn a_claimed_name_is_charged_too_and_its_seals_hold_for_who_claims_it() {
    let mut desk = Desk::new();
    let mut denials = Vec::new();
    for _ in 0..3 {
        let mut e = desk.entry(Event::Deny, UNKNOWN, "main/LOW");
        (e.caller, e.evidence, e.cause) = ("codex".into(), Some(Evidence::Claimed), "rate".into());
        denials = desk.limits.count(&desk.policy, &e);
    }
    assert_eq!(denials, [due(UNKNOWN, Some("LOW")), due("matched:codex", Some("LOW"))]);
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Sealed));
    assert_eq!(desk.check("LOW", claimed("claude", 3), Counts::Nothing), Err(Cause::Sealed));

    // The other way round: what sealed the matched caller holds for a stranger under its name.
    let mut desk = Desk::new();
    for _ in 0..3 {
        desk.deny("matched:codex", "main/LOW");
    }
    assert_eq!(desk.check("LOW", claimed("codex", 3), Counts::Nothing), Err(Cause::Sealed));
    assert_eq!(desk.check("LOW", claimed("claude", 3), Counts::Nothing), Ok(()));
}

#[test]
fn made_up_names_of_callers_cost_no_memory() {
    let mut desk = Desk::new();
    for n in 0..1000 {
        let mut e = desk.entry(Event::Deny, UNKNOWN, "main/LOW");
        (e.caller, e.evidence) = (format!("made-up-{n}"), Some(Evidence::Claimed));
        desk.limits.count(&desk.policy, &e);
    }
    assert_eq!(desk.limits.state.sessions.len(), 1);
    assert_eq!(desk.limits.seals().len(), 1);
}

#[test]
fn made_up_names_of_secrets_suspend_the_session_in_bounded_memory() {
    let mut desk = Desk::new();
    let mut due = Vec::new();
    for n in 0..70 {
        due = desk.deny("matched:codex", &format!("N{n}"));
        if !due.is_empty() {
            assert_eq!(n, 66, "64 names are remembered, three more are too many");
            break;
        }
    }
    assert_eq!(due, [self::due("matched:codex", None)]);
    // In their own time they are forgotten.
    let mut desk = Desk::new();
    for n in 0..1000 {
        assert_eq!(desk.deny("matched:codex", &format!("N{n}")), []);
        desk.now += 10_000;
    }
    assert!(desk.limits.snapshot().len() < 10_000);
}

#[test]
fn humans_are_never_folded_limited_or_counted() {
    let mut desk = Desk::new();
    for _ in 0..100 {
        assert!(!desk.folds("", "main/LOW", "wrong_scope"));
        desk.deny("", "main/LOW");
        desk.count(Event::Allow, "", "main/LOW");
    }
    assert_eq!(desk.limits.state.sessions.len(), 0);
    assert_eq!(desk.limits.state.secrets.len(), 0);
}

/// What is forgotten now and then is forgotten while the minute runs, too, whoever else does something meanwhile.
#[test]
fn small_texts_are_metered_however_many_there_are() {
    let mut desk = Desk::new();
    let mut texts = 0;
    while desk.limits.scan_text(&codex(), 1, desk.at()).is_ok() {
        texts += 1;
        assert!(texts <= 2560, "10 MiB in texts that count for 4 KiB each");
        desk.now += 20;
    }
    assert_eq!(texts, 2560);
    // Others' entries sweep as well.
    for n in 0..600 {
        desk.count(Event::Allow, "matched:claude", &format!("main/N{n}"));
    }
    assert!(desk.limits.scan_text(&codex(), 1, desk.at()).is_err());
    desk.now += 60_000;
    assert!(desk.limits.scan_text(&codex(), 1, desk.at()).is_ok());
    // In its own time it is forgotten.
    desk.now += 60_000;
    for n in 0..600 {
        desk.count(Event::Allow, "matched:claude", &format!("main/N{n}"));
    }
    assert!(!desk.limits.state.sessions.contains_key("matched:codex"));
}

#[test]
fn proposals_count_as_requests() {
    let mut desk = Desk::new();
    for _ in 0..3 {
        desk.limits.may_ask(&desk.policy, &codex(), desk.at()).unwrap();
        desk.count(Event::Propose, "matched:codex", "main/NEW");
    }
    let again = desk.limits.may_ask(&desk.policy, &codex(), desk.at());
    assert_eq!(again.map_err(|b| b.cause), Err(Cause::Burst));
}

#[test]
fn seals_that_nobody_kept_are_due_after_a_restart_and_hold_before() {
    let mut desk = Desk::new();
    let entries: Vec<Entry> = (0..3)
        .map(|_| Entry { cause: "rate".into(), ..desk.entry(Event::Deny, "matched:codex", "main/LOW") })
        .collect();
    let (limits, missing) = Limits::restore(None, &entries, vec![], &desk.policy).unwrap();
    assert_eq!(missing, [due("matched:codex", Some("LOW"))]);
    desk.limits = limits;
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Sealed));
}

#[test]
fn seals_of_the_store_hold_whatever_the_trail_says() {
    let mut desk = Desk::new();
    let seal = Seal { id: desk.id(), session: "matched:codex".into(), secret: None, since: desk.at() };
    let unseal = desk.entry(Event::Unseal, "matched:codex", "");
    let (limits, missing) = Limits::restore(None, [&unseal], vec![seal.clone()], &desk.policy).unwrap();
    assert_eq!((limits.seals(), missing), (vec![seal.clone()], vec![]));
    assert_eq!(limits.seal(seal.id), Some(seal));
}

#[test]
fn a_snapshot_that_can_t_be_read_is_no_fresh_start() {
    let policy = Policy::parse(POLICY).unwrap();
    for bad in
        [&b""[..], b"{}", b"null", br#"{"version":2,"counted":0,"sessions":{},"secrets":{},"seals":[]}"#]
    {
        assert!(Limits::restore(Some(bad), [], vec![], &policy).is_err());
    }
    let good = Limits::default().snapshot();
    assert!(Limits::restore(Some(&good), [], vec![], &policy).is_ok());
}

/// What happens: time that passes, and an event of a session for a name.
fn happening() -> impl Strategy<Value = (i64, usize, usize, usize, u64)> {
    (
        prop_oneof![0..50_i64, 0..5_000_i64, 0..400_000_i64, Just(86_400_000)],
        0..11_usize,
        0..5_usize,
        0..6_usize,
        0..30_u64,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Killed at any moment, with the trail rolled over at another: the same counters, to the last one.
    #[test]
    fn a_restart_changes_nothing(story in prop::collection::vec(happening(), 1..300), roll in 0..300_usize, back in 0..300_usize) {
        let mut desk = Desk::new();
        let (mut snapshot, mut since) = (None, Vec::new());
        for (n, (pass, event, session, name, id)) in story.iter().enumerate() {
            desk.now += pass;
            if n == back {
                desk.now -= 3_000_000; // somebody sets the clock back
            }
            if n == roll {
                (snapshot, since) = (Some(desk.limits.snapshot()), Vec::new());
            }
            let event = [Event::Allow, Event::Ask, Event::Deny, Event::Deny, Event::Deny, Event::Folded, Event::Seal, Event::Unseal, Event::Suspend, Event::Exposed, Event::Metered][*event];
            let session = ["unknown", "matched:claude", "matched:codex", "launched:7K2MQ9XA", ""][*session];
            let secret = ["main/LOW", "main/HIGH", "NO_SUCH", "work/LOW", "LOW", ""][*name];
            let mut e = Entry::new(Id::from_bits(*id), desk.at(), event);
            (e.session, e.secret) = (session.into(), if event == Event::Suspend { "" } else { secret }.into());
            e.cause = ["wrong_scope", "not_all"][usize::from(*id == 0)].into();
            let evidence = [None, Some(Evidence::Claimed), Some(Evidence::Matched), Some(Evidence::Launched)];
            (e.caller, e.evidence) = (["codex", "made-up"][*name % 2].into(), evidence[*name % 4]);
            e.also = [vec![], vec!["claude".into()], vec!["claude".into(), "codex".into()]][*pass as usize % 3].clone();
            e.count = Some(*id);
            e.act = ["", AFTER_ASK][usize::from(*id % 3 == 0)].into();
            desk.limits.count(&desk.policy, &e);
            // Looking and folding change nothing of what is restored.
            let _ = desk.check("LOW", codex(), Counts::Release);
            let _ = desk.folds("matched:codex", "main/LOW", "wrong_scope");
            since.push(e);
        }
        let seals = desk.limits.seals();
        let (again, missing) = Limits::restore(snapshot.as_deref(), &since, seals, &desk.policy).unwrap();
        prop_assert_eq!(missing, vec![]);
        prop_assert_eq!(again.seals(), desk.limits.seals());
        let (mut was, mut is) = (desk.limits.state.clone(), again.state);
        for state in [&mut was, &mut is] {
            state.forget_folds();
            // Taken from the policy before each use.
            state.horizon = Default::default();
            state.seals.sort_by(|a, b| (&a.session, &a.secret).cmp(&(&b.session, &b.secret)));
        }
        prop_assert_eq!(was, is);
    }
}
