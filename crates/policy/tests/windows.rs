//! Windows across midnight and the change to and from summer time, and against a plain reference.

#![allow(clippy::unwrap_used)] // helpers of tests are no tests to clippy

use jiff::{Timestamp, ToSpan, ZonedDateTime, tz::TimeZone};
use proptest::prelude::*;
use svault_policy::{Window, parse_windows};

fn open(window: &str, at: &str) -> bool {
    let now: ZonedDateTime = at.parse().unwrap();
    window.parse::<Window>().unwrap().contains(&now)
}

#[test]
fn working_hours() {
    let w = "mon-fri 09:00-18:00";
    assert!(open(w, "2026-11-23T09:00:00[Europe/Berlin]"));
    assert!(open(w, "2026-11-23T17:59:59.999[Europe/Berlin]"));
    assert!(!open(w, "2026-11-23T18:00:00[Europe/Berlin]"));
    assert!(!open(w, "2026-11-23T08:59:59.999[Europe/Berlin]"));
    assert!(open(w, "2026-11-27T12:00:00[Europe/Berlin]"));
    assert!(!open(w, "2026-11-28T12:00:00[Europe/Berlin]"));
    // The zone is the moment's own: 12:00 there may be night here.
    assert!(!open(w, "2026-11-23T12:00:00Z[Asia/Tokyo]"));
}

#[test]
fn across_midnight_it_belongs_to_the_day_it_begins_on() {
    let w = "fri 22:00-06:00";
    assert!(!open(w, "2026-11-27T05:00:00[Europe/Berlin]"));
    assert!(open(w, "2026-11-27T22:00:00[Europe/Berlin]"));
    assert!(open(w, "2026-11-28T00:00:00[Europe/Berlin]"));
    assert!(open(w, "2026-11-28T05:59:59[Europe/Berlin]"));
    assert!(!open(w, "2026-11-28T06:00:00[Europe/Berlin]"));
    assert!(!open(w, "2026-11-28T22:00:00[Europe/Berlin]"));
    assert!(open("sun 23:00-01:00", "2026-11-30T00:30:00[Europe/Berlin]"));
}

#[test]
fn days_wrap_and_list() {
    assert!(open("fri-mon 10:00-11:00", "2026-11-29T10:30:00[UTC]"));
    assert!(!open("fri-mon 10:00-11:00", "2026-11-25T10:30:00[UTC]"));
    assert!(open("sat,sun 10:00-11:00", "2026-11-29T10:30:00[UTC]"));
    assert!(open("mon,wed-thu 00:00-24:00", "2026-11-25T23:59:00[UTC]"));
    assert!(open("daily 00:00-24:00", "2026-11-25T00:00:00[UTC]"));
    assert!(open("10:00-11:00", "2026-11-25T10:00:00[UTC]"));
    assert!(open("tue 18:00-00:00", "2026-11-24T23:59:00[UTC]"));
    assert!(!open("tue 18:00-00:00", "2026-11-25T00:00:00[UTC]"));
}

/// Berlin, 29 March 2026: 02:00 becomes 03:00.
#[test]
fn into_summer_time() {
    let at = |utc: &str| {
        let t: Timestamp = utc.parse().unwrap();
        t.to_zoned_datetime(TimeZone::get("Europe/Berlin").unwrap())
    };
    let open = |w: &str, utc: &str| w.parse::<Window>().unwrap().contains(&at(utc));
    // Begins in the hour that is skipped: from the same wall clock after it.
    assert!(!open("sun 02:30-05:00", "2026-03-29T01:29:59Z"));
    assert!(open("sun 02:30-05:00", "2026-03-29T01:30:00Z"));
    // Ends in the hour that is skipped: at the skip, not later.
    assert!(open("sun 01:00-02:30", "2026-03-29T00:59:59Z"));
    assert!(!open("sun 01:00-02:30", "2026-03-29T01:00:00Z"));
    // All of it is skipped: never.
    assert!(!open("sun 02:10-02:50", "2026-03-29T00:59:59Z"));
    assert!(!open("sun 02:10-02:50", "2026-03-29T01:00:00Z"));
    assert!(!open("sun 02:10-02:50", "2026-03-29T01:20:00Z"));
    // Over the night: seven hours instead of eight.
    assert!(open("sat 22:00-06:00", "2026-03-28T21:00:00Z"));
    assert!(open("sat 22:00-06:00", "2026-03-29T03:59:59Z"));
    assert!(!open("sat 22:00-06:00", "2026-03-29T04:00:00Z"));
    // Working hours the day after follow the clock.
    assert!(open("mon 09:00-18:00", "2026-03-30T07:00:00Z"));
}

/// Berlin, 25 October 2026: 03:00 becomes 02:00, so 02:00 to 03:00 comes twice.
#[test]
fn out_of_summer_time() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let open = |w: &str, utc: &str| {
        let t: Timestamp = utc.parse().unwrap();
        w.parse::<Window>().unwrap().contains(&t.to_zoned_datetime(zone.clone()))
    };
    // Ends at a time that comes twice: at the first.
    assert!(open("sun 01:00-02:30", "2026-10-25T00:29:59Z"));
    assert!(!open("sun 01:00-02:30", "2026-10-25T00:30:00Z"));
    assert!(!open("sun 01:00-02:30", "2026-10-25T01:10:00Z"));
    // Begins at a time that comes twice: from the first, without a break.
    assert!(!open("sun 02:30-04:00", "2026-10-25T00:29:59Z"));
    for utc in
        ["2026-10-25T00:30:00Z", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:59:59Z"]
    {
        assert!(open("sun 02:30-04:00", utc), "{utc}");
    }
    assert!(!open("sun 02:30-04:00", "2026-10-25T03:00:00Z"));
    // Within the hour that comes twice: once.
    assert!(open("sun 02:10-02:20", "2026-10-25T00:15:00Z"));
    assert!(!open("sun 02:10-02:20", "2026-10-25T01:15:00Z"));
    // Over the night: nine hours.
    assert!(open("sat 22:00-06:00", "2026-10-24T20:00:00Z"));
    assert!(open("sat 22:00-06:00", "2026-10-25T04:59:59Z"));
    assert!(!open("sat 22:00-06:00", "2026-10-25T05:00:00Z"));
}

#[test]
fn what_can_t_be_read_is_an_error_for_all_of_them() {
    let bad = [
        "",
        "mon",
        "mon 9:00-18:00",
        "mon 09:00",
        "mon 09:00-09:00",
        "mon 24:00-09:00",
        "mon 09:60-18:00",
        "mon 09:00-24:01",
        "xyz 09:00-10:00",
        "mon- 09:00-10:00",
        "mon,,tue 09:00-10:00",
        "Mon 09:00-10:00",
        "mon 09:60-10:00",
        "mon 09:00-10:00 x",
        "mon 09:00 - 10:00",
        "mon +9:00-10:00",
    ];
    for text in bad {
        assert!(text.parse::<Window>().is_err(), "{text:?}");
    }
    assert!(parse_windows(&["mon 09:00-10:00".into(), "never".into()]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Without changes of the clock a window is plain arithmetic on minutes of the week.
    #[test]
    fn as_plain_arithmetic_says(from in 0..1440_i64, to in 1..=1440_i64, days in prop::collection::vec(0..7_usize, 1..4), minute in 0..10080_i64) {
        prop_assume!(from != to && !(from == 0 && to == 0));
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let list: Vec<&str> = days.iter().map(|d| names[*d]).collect();
        let text = format!("{} {:02}:{:02}-{:02}:{:02}", list.join(","), from / 60, from % 60, to / 60, to % 60);
        let monday: ZonedDateTime = "2026-11-23T00:00:00[UTC]".parse().unwrap();
        let now = monday.checked_add(minute.minutes()).unwrap();
        let length = if to > from { to - from } else { to + 1440 - from };
        let expected = days.iter().any(|d| {
            let start = i64::try_from(*d).unwrap() * 1440 + from;
            (minute - start).rem_euclid(10080) < length
        });
        prop_assert_eq!(text.parse::<Window>().unwrap().contains(&now), expected, "{}", text);
    }
}
