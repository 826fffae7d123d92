//! What others ask of a policy beside its decisions.

#![allow(clippy::unwrap_used)] // helpers of tests are no tests to clippy

use svault_policy::{Cause, Decision, Policy, Rate, Verdict};
use words::Exposure;

fn policy() -> Policy {
    Policy::parse(
        "[callers.one]\nrate = '7/hour'\n[callers.two]\n[callers.three]\nrate = '40/10min'\n\
         [limits]\nburst_per_session = '5/10s'\nburst_per_secret = '10/10s'\n",
    )
    .unwrap()
}

#[test]
fn every_name_brings_its_rate() {
    let policy = policy();
    let names = ["one", "two", "nobody", "three"].map(|n| n.parse().unwrap());
    let rates: Vec<u32> = policy.rates(names.iter()).map(|r| r.count).collect();
    assert_eq!(rates, [7, 40]);
}

#[test]
fn as_much_is_remembered_as_the_largest_rate_counts() {
    assert_eq!(policy().longest_memory(), 40);
    assert_eq!(
        Policy::parse("[limits]\nburst_per_session = '9/10s'\nburst_per_secret = '3/10s'")
            .unwrap()
            .longest_memory(),
        9
    );
    assert_eq!(
        Policy::parse("[limits]\nburst_per_session = '2/10s'\nburst_per_secret = '8/10s'")
            .unwrap()
            .longest_memory(),
        8
    );
}

#[test]
fn a_rate_is_written_as_it_was_read() {
    let rate: Rate = "7/90s".parse().unwrap();
    assert_eq!((String::from(rate.clone()), rate.to_string()), ("7/90s".to_owned(), "7/90s".to_owned()));
}

#[test]
fn so_many_callers_and_no_more() {
    let text = |n: usize| (0..n).map(|i| format!("[callers.c{i}]\n")).collect::<String>();
    assert_eq!(Policy::parse(&text(64)).unwrap().callers.len(), 64);
    assert!(Policy::parse(&text(65)).unwrap_err().to_string().contains("64"));
}

#[test]
fn a_decision_says_whether_it_is_a_denial() {
    let of = |verdict| Decision { verdict, exposure: Exposure::Env, rule: String::new(), narrower: None };
    assert_eq!(of(Verdict::Deny(Cause::Rate)).denied(), Some(Cause::Rate));
    assert_eq!((of(Verdict::Allow).denied(), of(Verdict::Ask).denied()), (None, None));
}

#[test]
fn causes_count_towards_a_seal_but_for_what_was_taken_back_and_the_houses_own() {
    let own = [
        Cause::NotYours,
        Cause::NotAll,
        Cause::Cancelled,
        Cause::Locked,
        Cause::NoRecord,
        Cause::NoValue,
        Cause::NoMemory,
    ];
    for cause in Cause::ALL {
        assert_eq!(cause.counts(), !own.contains(cause), "{cause}");
        assert_eq!(cause.to_string(), cause.as_str());
    }
}
