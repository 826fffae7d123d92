//! Which denials fold, and what those count for.

use super::*;

#[test]
fn what_may_still_close_something_is_never_folded() {
    let mut desk = Desk::new();
    // As fast as they come: each has an entry until the pair is sealed, also for the name that is claimed.
    for n in 0..12 {
        assert!(!desk.folds(UNKNOWN, &format!("main/N{n}"), "wrong_scope"));
        desk.deny(UNKNOWN, &format!("main/N{n}"));
    }
    for _ in 0..3 {
        assert!(!desk.folds(UNKNOWN, "main/LOW", "wrong_scope"));
        desk.deny(UNKNOWN, "main/LOW");
    }
    assert_eq!(desk.check("LOW", claimed("codex", 1), Counts::Nothing), Err(Cause::Sealed));
    assert!(!desk.folds(UNKNOWN, "main/LOW", "sealed"), "the name that it claims is not closed yet");
    for _ in 0..3 {
        let mut e = desk.entry(Event::Deny, UNKNOWN, "main/LOW");
        (e.cause, e.caller, e.evidence) = ("sealed".into(), "codex".into(), Some(Evidence::Claimed));
        desk.limits.count(&desk.policy, &e);
    }
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Sealed));
    assert!(desk.folds(UNKNOWN, "main/LOW", "sealed"), "nothing is left to close");
    assert!(!desk.folds(UNKNOWN, "main/OTHER", "wrong_scope"));
}

#[test]
fn where_denials_are_forgotten_at_once_a_burst_of_them_folds() {
    let mut desk = Desk::new();
    let brief = |window| POLICY.replace("3 denials/5min", &format!("20 denials/{window}"));
    for n in 0..6 {
        desk.deny("matched:codex", &format!("main/N{n}"));
    }
    desk.policy = Policy::parse(&brief("10s")).unwrap();
    assert!(!desk.folds("matched:codex", "main/LOW", "wrong_scope"));
    desk.policy = Policy::parse(&brief("9s")).unwrap();
    assert!(desk.folds("matched:codex", "main/LOW", "wrong_scope"));
}

#[test]
fn a_flood_of_denials_suspends_and_then_folds() {
    let mut desk = Desk::new();
    let mut records = 0;
    for n in 0..200 {
        if !desk.folds("matched:codex", &format!("N{n}"), "wrong_scope") {
            records += 1;
            desk.deny("matched:codex", &format!("N{n}"));
        }
        desk.now += 1;
    }
    assert_eq!(records, 67, "64 names are remembered, three more are too many");
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Suspended));
    let at = desk.at();
    assert_eq!(desk.limits.due_folds(at, false, || Id::from_bits(1)), [], "not yet");
    desk.now += FOLD_MS;
    let folds = desk.limits.due_folds(desk.at(), false, || Id::from_bits(1));
    assert_eq!(folds.iter().map(|f| f.count).collect::<Vec<_>>(), [Some(200 - records)]);
    assert_eq!(desk.limits.due_folds(desk.at(), true, || Id::from_bits(1)), []);
}

#[test]
fn a_flood_on_a_sealed_pair_suspends() {
    let mut desk = Desk::new();
    for _ in 0..6 {
        desk.deny("matched:codex", "main/LOW");
    }
    for _ in 0..3 {
        assert!(desk.folds("matched:codex", "main/LOW", "sealed"));
    }
    assert_eq!(desk.flush(), [due("matched:codex", None)]);
}

#[test]
fn what_counts_towards_no_seal_doesn_t_when_it_is_folded() {
    let mut desk = Desk::new();
    for n in 0..6 {
        desk.deny("matched:codex", &format!("main/N{n}"));
    }
    for _ in 0..20 {
        assert!(desk.folds("matched:codex", "main/LOW", "cancelled"));
    }
    assert_eq!(desk.flush(), []);
}

/// However many secrets it is for: no number of them is one that is recorded for nothing.
#[test]
fn after_a_request_for_many_secrets_more_denials_fold() {
    for count in 67..=crate::gate::MAX_ITEMS {
        let mut desk = Desk::new();
        for n in 0..count {
            desk.deny("matched:codex", &format!("N{n}"));
        }
        assert!(desk.folds("matched:codex", "main/LOW", "suspended"), "after {count}");
    }
}

#[test]
fn one_request_for_many_secrets_is_paid_for_in_full() {
    let mut desk = Desk::new();
    for n in 0..67 {
        desk.deny("launched:x", &format!("N{n}"));
    }
    assert!(desk.folds("launched:x", "main/LOW", "suspended"));
    assert!(!desk.folds("matched:codex", "main/LOW", "suspended"), "another session");
    desk.now += 12_650;
    assert!(!desk.folds("launched:x", "main/LOW", "suspended"));
}
