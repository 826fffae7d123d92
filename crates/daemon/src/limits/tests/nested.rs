//! A caller that runs below another one: the session is that one's, but it is still the same caller.

use super::*;

/// Claude, started by codex.
fn below() -> Asker {
    Asker { account: crate::gate::Account::Session("matched:codex".into()), ..claude() }
}

impl Desk {
    /// An entry of claude below codex.
    fn of_below(&mut self, event: Event, secret: &str) -> Vec<Due> {
        let mut e = self.entry(event, "matched:codex", secret);
        (e.caller, e.evidence, e.cause) = ("claude".into(), Some(Evidence::Matched), "wrong_scope".into());
        self.limits.count(&self.policy, &e)
    }
}

#[test]
fn a_seal_of_its_own_holds_there() {
    let mut desk = Desk::new();
    for _ in 0..3 {
        desk.deny("matched:claude", "main/LOW");
    }
    assert_eq!(desk.check("LOW", claude(), Counts::Nothing), Err(Cause::Sealed));
    assert_eq!(desk.check("LOW", below(), Counts::Nothing), Err(Cause::Sealed));
    assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Ok(()), "the other one is not closed off");
    for _ in 0..3 {
        desk.deny("matched:claude", "main/MEDIUM");
    }
    assert_eq!(desk.check("HIGH", below(), Counts::Nothing), Err(Cause::Suspended));
    assert_eq!(desk.check("HIGH", codex(), Counts::Nothing), Ok(()));
}

#[test]
fn what_it_is_denied_there_counts_for_both() {
    let mut desk = Desk::new();
    assert_eq!(desk.of_below(Event::Deny, "main/LOW"), []);
    assert_eq!(desk.of_below(Event::Deny, "main/LOW"), []);
    let both = [due("matched:codex", Some("LOW")), due("matched:claude", Some("LOW"))];
    assert_eq!(desk.of_below(Event::Deny, "main/LOW"), both);
    for by in [claude(), codex(), below()] {
        assert_eq!(desk.check("LOW", by, Counts::Nothing), Err(Cause::Sealed));
    }
}

#[test]
fn its_rate_is_not_another_one_there() {
    let mut desk = Desk::new();
    for n in 0..4 {
        assert_eq!(desk.check("LOW", below(), Counts::Release), Ok(()), "{n}");
        desk.of_below(Event::Allow, "main/LOW");
        desk.now += 60_000;
    }
    for by in [below(), claude()] {
        assert_eq!(desk.check("LOW", by, Counts::Release), Err(Cause::Rate), "4/hour");
    }
    // What it used by itself counts there, and what codex used by itself does not count for it.
    let mut desk = Desk::new();
    for _ in 0..4 {
        assert_eq!(desk.release(claude()), Ok(()));
        desk.now += 60_000;
    }
    assert_eq!(desk.check("LOW", below(), Counts::Release), Err(Cause::Rate));
    let mut desk = Desk::new();
    for _ in 0..4 {
        assert_eq!(desk.release(codex()), Ok(()));
        desk.now += 60_000;
    }
    assert_eq!(desk.check("LOW", claude(), Counts::Release), Ok(()));
    assert_eq!(desk.check("LOW", codex(), Counts::Release), Ok(()));
}

#[test]
fn a_restart_changes_nothing_of_it() {
    let mut desk = Desk::new();
    desk.of_below(Event::Deny, "main/LOW");
    desk.of_below(Event::Allow, "main/MEDIUM");
    let saved = desk.limits.snapshot();
    let (restored, due) = Limits::restore(Some(&saved), &[], Vec::new(), &desk.policy).unwrap();
    assert!(due.is_empty());
    assert_eq!(restored.snapshot(), saved);
}
