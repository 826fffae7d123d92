//! When something happened lately: a short list of moments, oldest first.

use policy::Rate;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Moments in milliseconds of the wall clock.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ring(VecDeque<i64>);

impl Ring {
    /// Adds a moment and forgets what is older than `window` by then, or above `most` in number. A clock that was set
    /// back puts it where it belongs, and what was counted by the clock that was ahead makes it no older.
    pub fn push(&mut self, at: i64, window: i64, most: usize) {
        let place = self.0.partition_point(|t| *t <= at);
        self.0.insert(place, at);
        self.forget(at, window);
        while self.0.len() > most.max(1) {
            self.0.pop_front();
        }
    }

    /// Forgets what is older than `window`.
    pub fn forget(&mut self, now: i64, window: i64) {
        while self.0.front().is_some_and(|t| now.saturating_sub(*t) >= window) {
            self.0.pop_front();
        }
    }

    /// Whether `more` would be above the rate. What lies after `now` counts: the clock was set back.
    pub fn is_full(&self, rate: &Rate, now: i64, more: usize) -> bool {
        self.within(rate, now) + more > rate.count as usize
    }

    /// How many lie within the rate's window.
    pub fn within(&self, rate: &Rate, now: i64) -> usize {
        let window = i64::try_from(rate.window_ms).unwrap_or(i64::MAX);
        self.0.len() - self.0.partition_point(|t| now.saturating_sub(*t) >= window)
    }

    /// The latest moment.
    pub fn last(&self) -> Option<i64> {
        self.0.back().copied()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_lies_in_the_window_and_forgets_the_rest() {
        let rate: Rate = "3/10s".parse().unwrap();
        let mut ring = Ring::default();
        for at in [0, 4_000, 8_000] {
            assert!(!ring.is_full(&rate, at, 1));
            ring.push(at, 10_000, 100);
        }
        assert!(ring.is_full(&rate, 8_000, 1));
        assert!(ring.is_full(&rate, 9_999, 1));
        assert!(!ring.is_full(&rate, 10_000, 1));
        assert!(ring.is_full(&rate, 10_000, 2));
        ring.push(18_000, 10_000, 100);
        assert_eq!(ring.0, [18_000]);
    }

    #[test]
    fn a_clock_set_back_opens_nothing() {
        let rate: Rate = "2/10s".parse().unwrap();
        let mut ring = Ring::default();
        ring.push(1_000_000, 10_000, 100);
        ring.push(1_000_001, 10_000, 100);
        assert!(ring.is_full(&rate, 5, 1));
        ring.push(999_990, 10_000, 100);
        assert_eq!(ring.0, [999_990, 1_000_000, 1_000_001]);
    }

    #[test]
    fn a_clock_that_is_put_right_goes_on_counting() {
        const HOUR: i64 = 3_600_000;
        let rate: Rate = "3/hour".parse().unwrap();
        let mut ring = Ring::default();
        let now = 1_000 * HOUR;
        ring.push(now + 2 * HOUR, HOUR, 100);
        ring.push(now, HOUR, 100);
        assert!(!ring.is_full(&rate, now, 1));
        ring.push(now + 1, HOUR, 100);
        assert!(ring.is_full(&rate, now + 2, 1));
        assert_eq!(ring.0, [now, now + 1, now + 2 * HOUR]);
        ring.push(now + HOUR, HOUR, 100);
        assert_eq!(ring.0, [now + 1, now + HOUR, now + 2 * HOUR]);
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let mut ring = Ring::default();
        (0..1000).for_each(|at| ring.push(at, i64::MAX, 7));
        assert_eq!(ring.0.len(), 7);
        assert_eq!(ring.last(), Some(999));
    }
}
