//! The table: a row for each thing that is measured, with its floor, the ratio and the bar.

use std::time::{Duration, Instant};

/// How thorough to be.
pub struct Run {
    /// A minute instead of many.
    pub quick: bool,
}

impl Run {
    /// Prints the head of the table.
    pub fn begin(quick: bool) -> Self {
        println!("{:<50} {:>12} {:>12} {:>8}  {:<10}", "what", "measured", "floor", "ratio", "bar");
        Self { quick }
    }

    /// `full` of something, or `quick`.
    pub fn of(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

/// The bar of a row.
#[derive(Clone, Copy)]
pub enum Bar {
    /// The ratio is at most this.
    AtMost(f64),
    /// The ratio is at least this.
    AtLeast(f64),
    /// None.
    Open,
}

impl Bar {
    fn text(self, ratio: f64) -> String {
        let (holds, text) = match self {
            Bar::AtMost(bar) => (ratio <= bar, format!("<= {bar}")),
            Bar::AtLeast(bar) => (ratio >= bar, format!(">= {bar}")),
            Bar::Open => return String::new(),
        };
        format!("{text}{}", if holds { "" } else { "  MISSED" })
    }
}

/// A row of two medians.
pub fn row(what: &str, times: &mut [Duration], floor: &mut [Duration], bar: Bar) {
    let (took, least) = (median(times), median(floor));
    numbers(what, &time(took), &time(least), took.as_secs_f64() / least.as_secs_f64(), bar);
}

/// A row of anything.
pub fn numbers(what: &str, measured: &str, floor: &str, ratio: f64, bar: Bar) {
    println!("{what:<50} {measured:>12} {floor:>12} {ratio:>8.2}  {}", bar.text(ratio));
}

/// A row that is held against a number and not against a floor.
pub fn against(what: &str, measured: f64, bar: f64, unit: &str, at_most: bool) {
    let missed = if (measured <= bar) == at_most { "" } else { "  MISSED" };
    let sign = if at_most { "<=" } else { ">=" };
    println!(
        "{what:<50} {:>12} {:>12} {:>8}  {sign} {bar} {unit}{missed}",
        format!("{measured:.2} {unit}"),
        "",
        ""
    );
}

/// Something that is said below a row.
pub fn note(text: &str) {
    println!("  {text}");
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// For people.
pub fn time(t: Duration) -> String {
    match t.as_micros() {
        us if us < 10_000 => format!("{us} µs"),
        us => format!("{:.1} ms", us as f64 / 1000.0),
    }
}

/// How long something takes.
pub fn timed(run: impl FnOnce()) -> Duration {
    let since = Instant::now();
    run();
    since.elapsed()
}
