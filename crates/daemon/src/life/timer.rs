//! When the daemon locks by itself. Pure: the clocks are arguments.

use std::time::Duration;

/// The two clocks of the machine, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks {
    /// Since boot, counting sleep.
    pub boot: u64,
    /// Since boot, without sleep.
    pub awake: u64,
}

impl Ticks {
    /// As they are now.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn now() -> Self {
        use rustix::time::{ClockId, Timespec, clock_gettime};
        let ms = |t: Timespec| {
            let (s, n) = (u64::try_from(t.tv_sec).unwrap_or(0), u64::try_from(t.tv_nsec).unwrap_or(0));
            s * 1000 + n / 1_000_000
        };
        Self { boot: ms(clock_gettime(ClockId::Boottime)), awake: ms(clock_gettime(ClockId::Monotonic)) }
    }

    /// As they are now. Here sleep is seen by the wall clock running ahead.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn now() -> Self {
        use rustix::time::{ClockId, Timespec, clock_gettime};
        let ms = |t: Timespec| {
            let (s, n) = (u64::try_from(t.tv_sec).unwrap_or(0), u64::try_from(t.tv_nsec).unwrap_or(0));
            s * 1000 + n / 1_000_000
        };
        Self { boot: ms(clock_gettime(ClockId::Realtime)), awake: ms(clock_gettime(ClockId::Monotonic)) }
    }
}

/// A difference between the two clocks that grows by more than this is sleep.
const SLEEP_MS: u64 = 1000;

/// How long the store stays unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without an act of a human.
    pub idle: Duration,
    /// At all.
    pub hard: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(15 * 60), hard: Duration::from_secs(8 * 3600) }
    }
}

/// Why the store is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody said so.
    Asked,
    /// No human has done anything for a while.
    Idle,
    /// It was unlocked for as long as policy allows.
    Hard,
    /// The machine slept.
    Suspend,
    /// The system wants the process to end: shutdown, logout.
    Signal,
    /// The socket is gone, as at logout: nobody could lock any more.
    Unreachable,
    /// The store was moved, or its lock exchanged: another process may hold it. No last words are written.
    NotOurs,
    /// Something broke that only a fresh start can mend.
    Failed,
}

impl Why {
    /// A stable word, for the trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Asked => "asked",
            Why::Idle => "idle",
            Why::Hard => "hard",
            Why::Suspend => "suspend",
            Why::Signal => "signal",
            Why::Unreachable => "unreachable",
            Why::NotOurs => "not_ours",
            Why::Failed => "failed",
        }
    }
}

/// Counts towards the idle lock and the hard lock, and notices sleep.
#[derive(Debug)]
pub struct LockTimer {
    limits: Limits,
    began: u64,
    human: u64,
    last: Ticks,
}

impl LockTimer {
    /// Starts now: the store has just been unlocked, by a human.
    #[must_use]
    pub fn new(limits: Limits, now: Ticks) -> Self {
        Self { limits, began: now.boot, human: now.boot, last: now }
    }

    /// Other limits, as after a change of policy; they count from the same starts.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// A human has proved presence or done an act with it. Nothing else moves the idle clock.
    pub fn human_act(&mut self, now: Ticks) {
        self.human = self.human.max(now.boot);
    }

    /// Whether it is time to lock. Asked each second, and before each request.
    pub fn due(&mut self, now: Ticks) -> Option<Why> {
        let gone = now.boot.saturating_sub(self.last.boot);
        let awake = now.awake.saturating_sub(self.last.awake);
        self.last = now;
        if gone > awake.saturating_add(SLEEP_MS) {
            Some(Why::Suspend)
        } else if now.boot.saturating_sub(self.began) >= ms(self.limits.hard) {
            Some(Why::Hard)
        } else if now.boot.saturating_sub(self.human) >= ms(self.limits.idle) {
            Some(Why::Idle)
        } else {
            None
        }
    }

    /// How long until it locks, if nobody does anything.
    #[must_use]
    pub fn left(&self, now: Ticks) -> Duration {
        let idle = self.human.saturating_add(ms(self.limits.idle));
        let hard = self.began.saturating_add(ms(self.limits.hard));
        Duration::from_millis(idle.min(hard).saturating_sub(now.boot))
    }
}

fn ms(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn at(minutes: u64) -> Ticks {
        Ticks { boot: minutes * MINUTE, awake: minutes * MINUTE }
    }

    #[test]
    fn idle_counts_from_the_last_act_of_a_human() {
        let mut t = LockTimer::new(Limits::default(), at(100));
        assert_eq!(t.due(at(114)), None);
        t.human_act(at(114));
        assert_eq!(t.due(at(128)), None);
        assert_eq!(t.left(at(128)), Duration::from_secs(60));
        assert_eq!(t.due(at(129)), Some(Why::Idle));
    }

    #[test]
    fn the_hard_limit_moves_for_nobody() {
        let mut t = LockTimer::new(Limits::default(), at(0));
        for minute in 1..480 {
            t.human_act(at(minute));
            assert_eq!(t.due(at(minute)), None, "{minute}");
        }
        assert_eq!(t.due(at(480)), Some(Why::Hard));
    }

    #[test]
    fn sleep_locks_however_short_the_idle_time() {
        let mut t = LockTimer::new(Limits::default(), at(0));
        assert_eq!(t.due(Ticks { boot: 5000, awake: 4500 }), None);
        assert_eq!(t.due(Ticks { boot: 9000, awake: 5500 }), Some(Why::Suspend));
    }

    #[test]
    fn a_drift_that_grows_slowly_is_no_sleep() {
        let mut t = LockTimer::new(Limits::default(), at(0));
        for second in 1..600 {
            let now = Ticks { boot: second * 1001, awake: second * 1000 };
            assert_eq!(t.due(now), None, "{second}");
        }
    }

    #[test]
    fn a_clock_that_jumps_back_wins_no_time() {
        let mut t = LockTimer::new(Limits::default(), at(100));
        t.human_act(at(110));
        t.human_act(at(20));
        assert_eq!(t.due(at(124)), None);
        assert_eq!(t.due(at(125)), Some(Why::Idle));
    }

    #[test]
    fn tighter_limits_count_from_the_same_start() {
        let mut t = LockTimer::new(Limits::default(), at(0));
        t.set_limits(Limits { idle: Duration::from_secs(60), hard: Duration::from_secs(600) });
        assert_eq!(t.due(at(1)), Some(Why::Idle));
        t.human_act(at(10));
        assert_eq!(t.due(at(10)), Some(Why::Hard));
    }

    #[test]
    fn real_clocks_run_together() {
        let (a, b) = (Ticks::now(), Ticks::now());
        assert!(b.boot >= a.boot && b.awake >= a.awake);
    }
}
