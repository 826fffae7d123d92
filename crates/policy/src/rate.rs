//! How often something may happen: `20/hour`, `5/10s`, `5 denials/5min`.

use crate::span::parse_span;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use words::BadWord;

/// The largest count a rate may have: the daemon remembers that many events.
pub const MAX_COUNT: u32 = 1000;
/// The longest window of a rate: counters reach back no further.
pub const MAX_WINDOW_MS: u64 = 86_400_000;

const RULE: &str = "COUNT/TIME with 1 to 1000 in 1s to 1day, such as 20/hour or 5/10s";

/// At most `count` within any `window_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many, from 1.
    pub count: u32,
    /// Within how many milliseconds.
    pub window_ms: u64,
    text: String,
}

impl FromStr for Rate {
    type Err = BadWord;
    fn from_str(text: &str) -> Result<Self, BadWord> {
        let bad = BadWord { what: "rate", rule: RULE };
        let (count, window) = text.split_once('/').ok_or(bad.clone())?;
        let count = count.trim();
        let count = ["denials", "denial", "requests", "releases"]
            .iter()
            .find_map(|word| count.strip_suffix(word).map(str::trim_end))
            .unwrap_or(count);
        let ok = !count.is_empty() && count.bytes().all(|c| c.is_ascii_digit());
        let count: u32 = if ok { count.parse().map_err(|_| bad.clone())? } else { return Err(bad) };
        let window_ms = parse_span(window).map_err(|_| bad.clone())?;
        if (1..=MAX_COUNT).contains(&count) && (1_000..=MAX_WINDOW_MS).contains(&window_ms) {
            Ok(Self { count, window_ms, text: text.trim().to_owned() })
        } else {
            Err(bad)
        }
    }
}

impl TryFrom<String> for Rate {
    type Error = BadWord;
    fn try_from(text: String) -> Result<Self, BadWord> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        rate.text
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_them() {
        let of = |t: &str| t.parse::<Rate>().map(|r| (r.count, r.window_ms));
        assert_eq!(of("20/hour"), Ok((20, 3_600_000)));
        assert_eq!(of("5/10s"), Ok((5, 10_000)));
        assert_eq!(of("5 denials/5min"), Ok((5, 300_000)));
        assert_eq!("5 denials/5min".parse::<Rate>().unwrap().to_string(), "5 denials/5min");
        for bad in
            ["", "5", "0/s", "/s", "5/", "-1/s", "5/0s", "1001/h", "5/2days", "x/s", "5 cats/s", "+5/s"]
        {
            assert!(of(bad).is_err(), "{bad:?}");
        }
    }
}
