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
    let mut entries = Vec::new();
    for secret in ["main/LOW", "main/LOW", "main/LOW"] {
        let e = desk.of_a_line(Event::Deny, secret);
        desk.limits.count(&desk.policy, &e);
        entries.push(e);
    }
    let kept = desk.limits.seals();
    let (restored, due) = Limits::restore(None, &entries, kept, &desk.policy).unwrap();
    assert!(due.is_empty());
    assert_eq!(restored.snapshot(), desk.limits.snapshot());
    desk.limits = restored;
    for by in [claude(), codex(), of_name("gemini"), line()] {
        assert_eq!(desk.check("LOW", by, Counts::Nothing), Err(Cause::Sealed));
    }
}

/// Started by gemini, which codex started, and which is claude: as each of the three it is what it is alone.
fn line() -> Asker {
    let named = |name: &str| policy::Named { name: name.parse().unwrap(), evidence: Evidence::Matched };
    Asker { callers: ["claude", "gemini", "codex"].map(named).to_vec(), ..below() }
}

fn of_name(name: &str) -> Asker {
    let named = policy::Named { name: name.parse().unwrap(), evidence: Evidence::Matched };
    let account = crate::gate::Account::Session(format!("matched:{name}"));
    Asker { account, callers: vec![named], ..claude() }
}

impl Desk {
    fn of_a_line(&mut self, event: Event, secret: &str) -> Entry {
        let mut e = self.entry(event, "matched:codex", secret);
        (e.caller, e.evidence, e.cause) = ("claude".into(), Some(Evidence::Matched), "wrong_scope".into());
        e.also = line().also();
        e
    }
}

#[test]
fn a_seal_of_one_in_the_middle_holds() {
    for name in ["claude", "gemini", "codex"] {
        let mut desk = Desk::new();
        for _ in 0..3 {
            desk.deny(&format!("matched:{name}"), "main/LOW");
        }
        assert_eq!(desk.check("LOW", line(), Counts::Nothing), Err(Cause::Sealed), "{name}");
        assert!(desk.limits.is_closed(&desk.policy, &line(), "LOW"), "{name}");
        for _ in 0..3 {
            desk.deny(&format!("matched:{name}"), "main/MEDIUM");
        }
        assert_eq!(desk.check("HIGH", line(), Counts::Nothing), Err(Cause::Suspended), "{name}");
        assert!(desk.limits.may_ask(&desk.policy, &line(), desk.at()).is_err(), "{name}");
    }
    // It runs another program that is the outermost one's again: what is in between is still there.
    let back = Asker { callers: line().callers.into_iter().rev().collect(), ..below() };
    let mut desk = Desk::new();
    for _ in 0..3 {
        desk.deny("matched:gemini", "main/LOW");
    }
    assert_eq!(desk.check("LOW", back, Counts::Nothing), Err(Cause::Sealed));
    // And below a start by a human, which is a session of its own.
    let launch = crate::gate::Account::Session("launched:7K2MQ9XA".into());
    let started = policy::Named { name: "codex".parse().unwrap(), evidence: Evidence::Launched };
    let callers = [vec![started], of_name("gemini").callers].concat();
    let by = Asker { account: launch, callers, ..claude() };
    assert_eq!(desk.check("LOW", by, Counts::Nothing), Err(Cause::Sealed));
}

#[test]
fn the_rate_of_one_in_the_middle_is_used_up_by_the_others() {
    let mut desk = Desk::new();
    for n in 0..4 {
        let mut e = desk.entry(Event::Allow, "matched:codex", "main/LOW");
        (e.caller, e.evidence, e.also) = ("gemini".into(), Some(Evidence::Matched), vec!["claude".into()]);
        assert_eq!(desk.check("LOW", claude(), Counts::Release), Ok(()), "{n}");
        desk.limits.count(&desk.policy, &e);
        desk.now += 60_000;
    }
    assert_eq!(desk.check("LOW", claude(), Counts::Release), Err(Cause::Rate), "4/hour");
    assert!(desk.limits.may_ask(&desk.policy, &line(), desk.at()).is_err());
    assert_eq!(desk.check("LOW", codex(), Counts::Release), Ok(()));
}

/// Codex is closed: an honest claude below it does not pay for that.
#[test]
fn what_another_one_is_closed_for_is_not_its_own_doing() {
    for cause in ["sealed", "suspended", "rate", "burst"] {
        let mut desk = Desk::new();
        for secret in ["main/LOW", "main/MEDIUM", "main/HIGH"].repeat(5) {
            let mut e = desk.of_a_line(Event::Deny, secret);
            e.cause = cause.into();
            desk.limits.count(&desk.policy, &e);
        }
        assert_eq!(desk.check("LOW", claude(), Counts::Nothing), Ok(()), "{cause}");
        assert_eq!(desk.check("LOW", codex(), Counts::Nothing), Err(Cause::Suspended), "{cause}");
    }
}

#[test]
fn texts_of_one_in_the_middle_are_searched_on_its_own_account_too() {
    let mut desk = Desk::new();
    for n in 0..20 {
        let mut e = desk.entry(Event::Exposed, "matched:gemini", &format!("main/S{n}"));
        (e.caller, e.evidence) = ("gemini".into(), Some(Evidence::Matched));
        desk.limits.count(&desk.policy, &e);
    }
    assert_eq!(desk.limits.scan_exposure(&line(), "main/NEW", desk.at()), Exposure::TooMany);
    assert_eq!(desk.limits.scan_exposure(&line(), "main/S1", desk.at()), Exposure::Due);
    assert_eq!(desk.limits.scan_exposure(&codex(), "main/NEW", desk.at()), Exposure::Due);
    // And the other way round.
    let mut e = desk.of_a_line(Event::Metered, "");
    e.cause = TOO_MUCH_TEXT.into();
    desk.limits.count(&desk.policy, &e);
    for by in [claude(), codex(), of_name("gemini"), line()] {
        assert_eq!(desk.limits.scan_meter(&by, desk.at()), Err(UsedUp));
    }
    desk.now += 60_000;
    while desk.limits.scan_text(&of_name("gemini"), 65_536, desk.at()).is_ok() {}
    assert!(desk.limits.scan_text(&line(), 1, desk.at()).is_err());
    assert!(desk.limits.scan_text(&codex(), 1, desk.at()).is_ok());
}
