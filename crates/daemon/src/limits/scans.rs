//! What a session may learn from texts that it has searched for values: so many bytes, and so many different values.

use super::accounts;
use crate::gate::Asker;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of text in a minute.
const BYTES: u64 = 10 << 20;
/// A text counts for at least so many bytes.
const LEAST: u64 = 4 << 10;
const MINUTE_MS: i64 = 60_000;
/// Different secrets in a day.
const SECRETS: usize = 20;
const DAY_MS: i64 = 86_400_000;

/// The cause of an entry that says that there was too much text.
pub const TOO_MUCH_TEXT: &str = "scan_bytes";
/// The cause of an entry that says that a text made too much work.
pub const TOO_MUCH_WORK: &str = "scan_work";
/// The cause of an entry that says that there were too many secrets in it.
pub const TOO_MANY_SECRETS: &str = "scan_secrets";

/// One session's account.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scans {
    /// Secrets that were in its texts, and when that was recorded last.
    exposed: BTreeMap<String, i64>,
    /// Until when its texts are not searched, and since when.
    closed: Option<(i64, i64)>,
    /// A minute's beginning and its bytes. Not in the trail: what it comes to in the end is.
    #[serde(skip)]
    bytes: (i64, u64),
}

/// What a value in a text means for the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// It was recorded less than a minute ago: nothing new.
    Recorded,
    /// It must be recorded before anything is said of it.
    Due,
    /// One too many: nothing is said of it.
    TooMany,
}

impl Scans {
    pub fn is_open(&self, now: i64) -> bool {
        // What was closed after now was closed by a clock that has been set back: that opens nothing.
        self.closed.is_none_or(|(since, until)| now >= until || now.saturating_add(DAY_MS) < since)
    }

    /// Takes a text of this length. False: it is too much.
    pub fn text(&mut self, len: usize, now: i64) -> bool {
        let (since, bytes) = if self.is_metering(now) { self.bytes } else { (now, 0) };
        let bytes = bytes.saturating_add(u64::try_from(len).unwrap_or(u64::MAX).max(LEAST));
        self.bytes = (since, bytes);
        bytes <= BYTES
    }

    pub fn exposure(&self, secret: &str, now: i64) -> Exposure {
        match self.exposed.get(secret) {
            Some(at) if now >= *at && now - at < MINUTE_MS => Exposure::Recorded,
            Some(_) => Exposure::Due,
            None if self.exposed.values().filter(|at| now - **at < DAY_MS).count() >= SECRETS => {
                Exposure::TooMany
            }
            None => Exposure::Due,
        }
    }

    pub fn expose(&mut self, secret: &str, at: i64) {
        self.exposed.insert(secret.to_owned(), at);
    }

    pub fn close(&mut self, cause: &str, at: i64) {
        let long = if cause == TOO_MANY_SECRETS { DAY_MS } else { MINUTE_MS };
        let until = at.saturating_add(long);
        if self.closed.is_none_or(|(_, was)| was < until) {
            self.closed = Some((at, until));
        }
    }

    pub fn forget(&mut self, now: i64) {
        self.exposed.retain(|_, at| now - *at < DAY_MS);
        self.closed = self.closed.filter(|_| !self.is_open(now));
    }

    /// Whether the trail has nothing of it.
    pub fn is_empty(&self) -> bool {
        self.exposed.is_empty() && self.closed.is_none()
    }

    /// Whether it may be forgotten: a minute that has begun would begin anew, with all its bytes.
    pub fn is_quiet(&self, now: i64) -> bool {
        self.is_empty() && !self.is_metering(now)
    }

    /// Whether a minute has begun and is not over.
    fn is_metering(&self, now: i64) -> bool {
        let (since, bytes) = self.bytes;
        bytes > 0 && now >= since && now - since < MINUTE_MS
    }

    pub fn latest(&self) -> Option<i64> {
        let (since, bytes) = self.bytes;
        let minute = (bytes > 0).then_some(since);
        self.exposed.values().copied().chain(self.closed.map(|(since, _)| since)).chain(minute).max()
    }
}

/// The session has used up what it may have searched for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much text, or too many secrets in it")]
pub struct UsedUp;

impl super::Limits {
    /// Whether texts of somebody are searched for values now.
    ///
    /// # Errors
    /// [`UsedUp`].
    pub fn scan_meter(&self, by: &Asker, now: Timestamp) -> Result<(), UsedUp> {
        let is_open = |account: &String| {
            let scans = self.state.sessions.get(account).map(|s| &s.scans);
            scans.is_none_or(|scans| scans.is_open(now.as_millisecond()))
        };
        if accounts::of_line(by).iter().all(is_open) { Ok(()) } else { Err(UsedUp) }
    }

    /// Charges for a text of so many bytes. On `Err` an entry with [`TOO_MUCH_TEXT`] is due.
    ///
    /// # Errors
    /// [`UsedUp`].
    pub fn scan_text(&mut self, by: &Asker, len: usize, now: Timestamp) -> Result<(), UsedUp> {
        let now = now.as_millisecond();
        let mut charge = |account: &String| self.state.session(account, now).scans.text(len, now);
        // Each of them, also where one has no more.
        let free = accounts::of_line(by).iter().filter(|account| !charge(account)).count() == 0;
        if free { Ok(()) } else { Err(UsedUp) }
    }

    /// What it means that a secret, as `vault/name`, is in somebody's text.
    #[must_use]
    pub fn scan_exposure(&self, by: &Asker, secret: &str, now: Timestamp) -> Exposure {
        let of_account = |account: &String| {
            let scans = self.state.sessions.get(account).map(|s| &s.scans);
            scans.map_or(Exposure::Due, |scans| scans.exposure(secret, now.as_millisecond()))
        };
        let each: Vec<Exposure> = accounts::of_line(by).iter().map(of_account).collect();
        let is = |exposure| each.contains(&exposure);
        if is(Exposure::TooMany) {
            Exposure::TooMany
        } else if is(Exposure::Due) {
            Exposure::Due
        } else {
            Exposure::Recorded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_text_in_a_minute_and_small_texts_are_not_free() {
        let mut scans = Scans::default();
        assert!((0..BYTES / 65536).all(|_| scans.text(65536, 1000)));
        assert!(!scans.text(1, 1000 + MINUTE_MS - 1));
        assert!(scans.text(1, 1000 + MINUTE_MS));
        let mut scans = Scans::default();
        assert_eq!((0..1_000_000).take_while(|_| scans.text(1, 5)).count() as u64, BYTES / LEAST);
    }

    #[test]
    fn so_many_secrets_in_a_day() {
        let mut scans = Scans::default();
        for n in 0..SECRETS {
            assert_eq!(scans.exposure(&format!("main/S{n}"), 0), Exposure::Due);
            scans.expose(&format!("main/S{n}"), 0);
        }
        assert_eq!(scans.exposure("main/S0", 59_999), Exposure::Recorded);
        assert_eq!(scans.exposure("main/S0", MINUTE_MS), Exposure::Due);
        assert_eq!(scans.exposure("main/NEW", DAY_MS - 1), Exposure::TooMany);
        assert_eq!(scans.exposure("main/NEW", DAY_MS), Exposure::Due);
        scans.forget(DAY_MS);
        assert!(scans.is_empty());
    }

    #[test]
    fn closed_is_closed_also_when_the_clock_is_set_back() {
        let mut scans = Scans::default();
        scans.close(TOO_MANY_SECRETS, 1_000_000);
        scans.close(TOO_MUCH_TEXT, 1_000_001);
        for now in [1_000_000, 1_000_000 + DAY_MS - 1, 999_000] {
            assert!(!scans.is_open(now), "{now}");
        }
        assert!(scans.is_open(1_000_000 + DAY_MS));
    }
}
