//! When a secret may be used: `mon-fri 09:00-18:00`, in the store's zone.
//!
//! A window belongs to the day it begins on, and one that ends at or before its beginning ends on the next
//! day. Both ends are turned into instants, so a change to or from summer time neither opens a window twice nor
//! stretches it: an end that the clock shows twice is the first one, an end that it skips is the skip itself.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use std::str::FromStr;
use words::BadWord;

const RULE: &str = "DAYS HH:MM-HH:MM, such as mon-fri 09:00-18:00, sat,sun 22:00-06:00 or daily 00:00-24:00";
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Some hours of some weekdays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Monday first.
    days: [bool; 7],
    /// Minutes of the day, below 24:00.
    from: u16,
    /// Minutes of the day, from 00:01 up to 24:00.
    to: u16,
}

/// Every window of a secret; one that can't be read is an error, never skipped.
///
/// # Errors
/// [`BadWord`] with the rule.
pub fn parse_windows(texts: &[String]) -> Result<Vec<Window>, BadWord> {
    texts.iter().map(|t| t.parse()).collect()
}

impl Window {
    /// Whether this moment lies in it, by the clock of the moment's zone.
    #[must_use]
    pub fn contains(&self, now: &ZonedDateTime) -> bool {
        let today = now.date();
        let days = [today.checked_sub(1.day()).ok(), Some(today)];
        days.into_iter().flatten().any(|day| self.holds_from(day, now))
    }

    fn holds_from(&self, day: Date, now: &ZonedDateTime) -> bool {
        let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        if !self.days.get(weekday).copied().unwrap_or(false) {
            return false;
        }
        let last = if self.to <= self.from { day.checked_add(1.day()).ok() } else { Some(day) };
        let start = instant(now.time_zone(), Some(day), self.from, false);
        let end = instant(now.time_zone(), last, self.to, true);
        matches!((start, end), (Some(s), Some(e)) if s <= now.timestamp() && now.timestamp() < e)
    }
}

/// The moment at which the clock shows these minutes of that day.
fn instant(zone: &TimeZone, day: Option<Date>, minutes: u16, is_end: bool) -> Option<Timestamp> {
    let (day, minutes) = match minutes {
        1440.. => (day?.checked_add(1.day()).ok()?, 0),
        m => (day?, m),
    };
    let time = Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()?;
    let at = zone.to_ambiguous_timestamp(day.to_datetime(time));
    match at.offset() {
        AmbiguousOffset::Gap { .. } if is_end => {
            let before = at.earlier().ok()?;
            zone.following(before).next().map(|skip| skip.timestamp())
        }
        _ => at.compatible().ok(),
    }
}

impl FromStr for Window {
    type Err = BadWord;
    fn from_str(text: &str) -> Result<Self, BadWord> {
        let bad = BadWord { what: "window", rule: RULE };
        let mut parts = text.split_whitespace();
        let (days, hours) = match (parts.next(), parts.next(), parts.next()) {
            (Some(hours), None, None) => ("daily", hours),
            (Some(days), Some(hours), None) => (days, hours),
            _ => return Err(bad),
        };
        let (from, to) = hours.split_once('-').ok_or(bad.clone())?;
        let from = minutes(from).filter(|m| *m < 1440).ok_or(bad.clone())?;
        let to = minutes(to).ok_or(bad.clone())?;
        let to = if to == 0 { 1440 } else { to };
        if from == to {
            return Err(bad);
        }
        Ok(Self { days: weekdays(days).ok_or(bad)?, from, to })
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (h, m) = text.split_once(':')?;
    let two = |s: &str| s.len() == 2 && s.bytes().all(|c| c.is_ascii_digit());
    if !two(h) || !two(m) {
        return None;
    }
    let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
    (m < 60 && h * 60 + m <= 1440).then_some(h * 60 + m)
}

fn weekdays(text: &str) -> Option<[bool; 7]> {
    let index = |d: &str| DAYS.iter().position(|x| *x == d);
    let mut days = [false; 7];
    if text == "daily" {
        return Some([true; 7]);
    }
    for part in text.split(',') {
        let (a, b) = part.split_once('-').unwrap_or((part, part));
        let (mut i, last) = (index(a)?, index(b)?);
        loop {
            *days.get_mut(i)? = true;
            if i == last {
                break;
            }
            i = (i + 1) % 7;
        }
    }
    Some(days)
}
