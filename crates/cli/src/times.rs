//! Times: RFC 3339 UTC on the wire and in JSON, the machine's zone for people, and what people write in filters.

use crate::report::Error;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// A wire time for people: `2026-11-23 15:28:07`, or as it is where it can't be read.
#[must_use]
pub fn shown(rfc3339: &str) -> String {
    rfc3339.parse::<Timestamp>().map_or_else(|_| crate::output::foreign(rfc3339, 40), stamp)
}

/// The same for a timestamp.
#[must_use]
pub fn stamp(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Seconds for people: `14 min`, `7 h 05 min`.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A length such as `90s`, `15m`, `15min`, `8h`, `2d`, in seconds.
///
/// # Errors
/// A line that says what is expected.
pub fn seconds(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .filter(|n| *n > 0)
        .ok_or_else(|| "a length such as 90s, 15m, 8h or 2d".to_owned())
}

/// A moment: RFC 3339, a day, a day and time in the machine's zone, `today`, or how long ago (`2h`).
///
/// # Errors
/// A line that says what is expected.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let zone = TimeZone::system();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let civil = match text {
        "today" => Some(now.to_zoned_datetime(zone.clone()).date().to_datetime(civil::Time::midnight())),
        _ => text.parse::<civil::DateTime>().ok(),
    };
    if let Some(at) = civil
        && let Ok(at) = zone.to_timestamp(at)
    {
        return Ok(at);
    }
    seconds(text)
        .ok()
        .and_then(|s| i64::try_from(s).ok())
        .and_then(|s| now.checked_sub(SignedDuration::from_secs(s)).ok())
        .ok_or_else(|| {
            Error::usage(format!("'{}' is no time", crate::output::foreign(text, 40))).hint(
                "write 2026-11-23, '2026-11-23 09:00', 2026-11-23T09:00:00Z, today, or how long ago: 2h",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("15min"), Ok(900));
        assert_eq!(seconds("2d"), Ok(172_800));
        for bad in ["", "m", "0s", "-1s", "15", "1y", "99999999999999999999s", "20000000000000000000d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!((span(59), span(61), span(7500)), ("59 s".into(), "2 min".into(), "2 h 05 min".into()));
    }

    #[test]
    fn moments() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2h", now).unwrap().to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(moment("2026-11-23T09:00:00Z", now).unwrap().to_string(), "2026-11-23T09:00:00Z");
        assert!(moment("2026-11-23", now).is_ok());
        assert!(moment("2026-11-23 09:30", now).is_ok());
        assert!(moment("yesterday-ish", now).is_err());
    }
}
