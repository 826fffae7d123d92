//! Time: the wall clock for records and windows, boot time for everything that runs out.

use jiff::Timestamp;
use std::cell::Cell;

/// What time it is.
pub trait Clock {
    /// The wall clock, cut to whole milliseconds (as records have it).
    fn wall(&self) -> Timestamp;
    /// Milliseconds since boot, also while the machine sleeps. Nobody without root can set it.
    fn boot_ms(&self) -> u64;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealClock;

impl Clock for RealClock {
    fn wall(&self) -> Timestamp {
        whole_ms(Timestamp::now())
    }

    fn boot_ms(&self) -> u64 {
        boot_ms()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_ms() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000
}

// On macOS CLOCK_MONOTONIC goes on while the machine sleeps.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn boot_ms() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000
}

#[cfg(not(unix))]
fn boot_ms() -> u64 {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The same moment without what is below a millisecond: records keep no more, and counters that are read back
/// from records must be the same.
#[must_use]
pub fn whole_ms(t: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(t.as_millisecond()).unwrap_or(t)
}

/// Clocks that move when a test says so.
#[derive(Debug)]
pub struct FakeClock {
    wall: Cell<Timestamp>,
    boot: Cell<u64>,
}

impl FakeClock {
    /// At this moment, 1000 s after boot.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self { wall: Cell::new(whole_ms(wall)), boot: Cell::new(1_000_000) }
    }

    /// Both clocks go on.
    pub fn pass(&self, ms: u64) {
        self.boot.set(self.boot.get().saturating_add(ms));
        let wall = self.wall.get().as_millisecond().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        self.set_wall(Timestamp::from_millisecond(wall).unwrap_or(Timestamp::MAX));
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, wall: Timestamp) {
        self.wall.set(whole_ms(wall));
    }
}

impl Clock for FakeClock {
    fn wall(&self) -> Timestamp {
        self.wall.get()
    }

    fn boot_ms(&self) -> u64 {
        self.boot.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_one_goes_on() {
        let (a, b) = (RealClock.boot_ms(), RealClock.boot_ms());
        assert!(a > 0 && b >= a);
        assert_eq!(RealClock.wall().subsec_nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn the_fake_one_goes_when_told() {
        let c = FakeClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        c.pass(1500);
        assert_eq!(c.wall().to_string(), "2026-01-01T00:00:01.5Z");
        assert_eq!(c.boot_ms(), 1_001_500);
        c.set_wall("2025-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(c.boot_ms(), 1_001_500);
    }
}
