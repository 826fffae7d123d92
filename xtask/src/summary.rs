//! What a test runner said at its end: the numbers of nextest's `Summary` or of libtest's `test result` lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Instant;

/// How nextest's last line begins.
const SUMMARY: &str = "     Summary [";

/// Tests by how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Ran and held.
    pub passed: usize,
    /// Ran and did not hold, or ran out of time.
    pub failed: usize,
    /// Did not run, or could not do here what they are for.
    pub skipped: usize,
}

impl Counts {
    /// Adds the numbers of one line, where it has some. Ratios in the line's front (`3/5 tests run`) don't count, nor
    /// does what nextest shows of a failed test's own output, which is indented.
    pub fn add_line(&mut self, line: &str) {
        let line = plain(line);
        let numbers = match (line.strip_prefix("test result:"), line.strip_prefix(SUMMARY)) {
            (Some(rest), _) => rest,
            (_, Some(rest)) => rest.split_once("run:").map_or("", |(_, rest)| rest),
            _ => return,
        };
        for part in numbers.split([',', ';', '.', '(', ')']) {
            let mut words = part.split_whitespace();
            let (Some(n), Some(word)) = (words.next().and_then(|w| w.parse::<usize>().ok()), words.next())
            else {
                continue;
            };
            match word {
                "passed" => self.passed += n,
                "failed" | "timed" => self.failed += n,
                "skipped" | "ignored" => self.skipped += n,
                _ => {}
            }
        }
    }

    /// Moves tests that ended early for want of something from passed to skipped.
    pub fn skip(&mut self, n: usize) {
        let n = n.min(self.passed);
        self.passed -= n;
        self.skipped += n;
    }

    /// The closing line, in nextest's words.
    pub fn line(&self, since: Instant) -> String {
        let run = self.passed + self.failed;
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped);
        let seconds = since.elapsed().as_secs_f32();
        format!(
            "Summary [{seconds:8.3}s] {run} tests run: {passed} passed, {failed} failed, {skipped} skipped"
        )
    }
}

/// Passes a runner's output on, line by line, and counts. nextest's own summary is held back: the numbers come at the end.
pub fn pass_on(from: impl Read, mut to: impl Write) -> Counts {
    let mut counts = Counts::default();
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        let text = String::from_utf8_lossy(&line);
        counts.add_line(&text);
        if !plain(&text).starts_with(SUMMARY) {
            let _ = to.write_all(&line);
        }
        line.clear();
    }
    counts
}

/// A line without colours.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &str) -> Counts {
        pass_on(lines.as_bytes(), std::io::sink())
    }

    #[test]
    fn both_runners_are_understood() {
        let nextest =
            "     Summary [   1.2s] 7 tests run: 5 passed (1 slow), 1 failed, 1 timed out, 3 skipped\n";
        assert_eq!(counted(nextest), Counts { passed: 5, failed: 2, skipped: 3 });
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m passed, 0 skipped\n";
        assert_eq!(counted(coloured), Counts { passed: 2, failed: 0, skipped: 0 });
        let libtest = "test result: FAILED. 5 passed; 1 failed; 2 ignored; 0 measured; 9 filtered out; finished in 0.00s\n";
        assert_eq!(counted(&libtest.repeat(2)), Counts { passed: 10, failed: 2, skipped: 4 });
        let cut_short = "     Summary [ 0.1s] 2/9 tests run: 1 passed, 1 failed, 0 skipped\n";
        assert_eq!(counted(cut_short), Counts { passed: 1, failed: 1, skipped: 0 });
    }

    #[test]
    fn output_of_tests_is_passed_on_and_not_counted() {
        let mut seen = Vec::new();
        let output = "3 passed, 1 failed\n    test result: FAILED. 0 passed; 1 failed\n";
        let all = format!("{output}     Summary [ 1s] 1 test run: 1 passed, 0 skipped\n");
        let counts = pass_on(all.as_bytes(), &mut seen);
        assert_eq!(counts, Counts { passed: 1, failed: 0, skipped: 0 });
        assert_eq!(seen, output.as_bytes());
    }
}
