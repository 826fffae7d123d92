//! Lengths of time as people write them: `90s`, `15min`, `8h`, `1 day`.

use words::BadWord;

const RULE: &str = "a number and one of ms, s, min, h, day, such as 15min";

/// The length in milliseconds. Zero is refused, and so is more than 366 days.
///
/// # Errors
/// [`BadWord`] with the rule.
pub fn parse_span(text: &str) -> Result<u64, BadWord> {
    let bad = BadWord { what: "duration", rule: RULE };
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = if number.is_empty() { 1 } else { number.parse().map_err(|_| bad.clone())? };
    let unit = match unit.trim() {
        "ms" => 1,
        "s" | "sec" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return Err(bad),
    };
    match number.checked_mul(unit) {
        Some(ms) if (1..=366 * 86_400_000).contains(&ms) => Ok(ms),
        _ => Err(bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_them() {
        assert_eq!(parse_span("15min"), Ok(900_000));
        assert_eq!(parse_span("8h"), Ok(28_800_000));
        assert_eq!(parse_span("250ms"), Ok(250));
        assert_eq!(parse_span("366days"), Ok(366 * 86_400_000));
        assert_eq!(parse_span("hour"), Ok(3_600_000));
        assert_eq!(parse_span(" 10 s "), Ok(10_000));
        for bad in ["", "0s", "15", "-1s", "1w", "1.5h", "99999999999999999999h", "367days", "1 h x"] {
            assert!(parse_span(bad).is_err(), "{bad:?}");
        }
    }
}
