//! Text without secrets: where values of the store are, the daemon says; values of `.env` files that lie here, and what
//! looks like a credential, are found in this process.

use client::Connection;
use scan::{Needles, Redactor, Rules};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::ScanHit;

/// After a no to more text, the daemon isn't asked for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// Text without a pause in it is held back for about so long, or until all is said of it; but its last bytes, which most
/// values are shorter than, longer.
const LONG: Duration = Duration::from_secs(1);
/// So many of them.
const LAST: u64 = 16 << 10;

/// Masks a stream of text.
pub struct Scrubber {
    daemon: Option<Connection>,
    rules: Redactor<'static>,
    held: Held,
    /// Until when the daemon isn't asked.
    paused: Option<Instant>,
    note: Option<String>,
    noted: bool,
}

/// Text that the daemon has seen and that isn't out yet.
#[derive(Default)]
struct Held {
    text: Vec<u8>,
    /// Where it begins in the daemon's text.
    start: u64,
    /// What is in it: places in the daemon's text.
    hits: Vec<ScanHit>,
    /// Up to where a mask is out for.
    masked: u64,
    /// Up to where the text has been there for long.
    old: u64,
    /// How much of it was there when.
    mark: Option<(Instant, u64)>,
}

impl Scrubber {
    /// At the start of a text; without a daemon there are the rules and these values alone.
    pub fn new(daemon: Option<Connection>, values: Option<Arc<Needles>>) -> Self {
        let rules = Redactor::new(Some(Rules::built_in()), values);
        Self { daemon, rules, held: Held::default(), paused: None, note: None, noted: false }
    }

    /// Takes text, and appends to `out` what can go out.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.paused.is_some_and(|until| Instant::now() < until) {
            return self.rules.feed(input, out);
        }
        self.paused = None;
        self.held.text.extend_from_slice(input);
        let end = self.ask(input, false);
        let old = self.held.old(Instant::now());
        self.let_go(end.max(old), out);
    }

    /// Nothing came for a while: everything goes out.
    pub fn idle(&mut self, out: &mut Vec<u8>) {
        self.let_go(u64::MAX, out);
        self.rules.idle(out);
    }

    /// The end of the text.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.held.text.is_empty() {
            self.ask(b"", true);
        }
        self.let_go(u64::MAX, out);
        self.rules.finish(out);
    }

    /// What a human should know, once.
    pub fn note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// Asks the daemon about what came in: up to where in its text all is said.
    fn ask(&mut self, input: &[u8], end: bool) -> u64 {
        let Some(daemon) = &mut self.daemon else { return u64::MAX };
        match daemon.scan(input, end) {
            Ok(found) if found.rules_only => {
                self.say("masking by rules only for now: too much text, too many secrets in it, or a session that is suspended");
                self.held.hits.extend(found.hits);
                self.pause();
                u64::MAX
            }
            Ok(found) => {
                self.held.hits.extend(found.hits);
                found.decided
            }
            Err(e) => {
                self.say(&format!("masking by rules only from here on: {e}"));
                self.daemon = None;
                u64::MAX
            }
        }
    }

    /// Ends the daemon's text: what follows is another.
    fn pause(&mut self) {
        self.paused = Some(Instant::now() + PAUSE);
        if let Some(daemon) = &mut self.daemon
            && daemon.scan(b"", true).is_err()
        {
            self.daemon = None;
        }
    }

    fn say(&mut self, note: &str) {
        if !self.noted {
            self.note = Some(note.to_owned());
            self.noted = true;
        }
    }

    fn let_go(&mut self, end: u64, out: &mut Vec<u8>) {
        let mut text = Vec::new();
        self.held.let_go(end, &mut text);
        if self.paused.is_some() {
            self.held = Held::default();
        }
        self.rules.feed(&text, out);
    }
}

impl Held {
    /// Up to where the text has been held back for long enough.
    fn old(&mut self, now: Instant) -> u64 {
        let all = self.start + self.text.len() as u64;
        let (at, there) = *self.mark.get_or_insert((now, all));
        if now.duration_since(at) >= LONG {
            self.old = there;
            self.mark = Some((now, all));
        }
        self.old.min(all.saturating_sub(LAST))
    }

    /// Writes the text up to `end` with masks in place of what is in it. What began before the text is masked from its
    /// beginning on.
    fn let_go(&mut self, end: u64, out: &mut Vec<u8>) {
        let all = self.start + self.text.len() as u64;
        let mut end = end.min(all).max(self.start);
        self.hits.sort_by_key(|hit| hit.start);
        let mut at = self.start;
        for hit in &self.hits {
            if hit.start >= end || hit.end <= at {
                continue;
            }
            out.extend_from_slice(self.part(at, hit.start.max(at)));
            // What goes on where a mask is the last that went out needs none of its own.
            if hit.start >= self.masked || self.masked < at {
                out.extend_from_slice(format!("[svault:{}]", hit.label).as_bytes());
            }
            at = hit.end.min(all);
            self.masked = at;
        }
        end = end.max(at);
        out.extend_from_slice(self.part(at, end));
        let gone = usize::try_from(end - self.start).unwrap_or(usize::MAX).min(self.text.len());
        self.text.drain(..gone);
        self.start = end;
        self.hits.retain(|hit| hit.end > end);
    }

    fn part(&self, from: u64, to: u64) -> &[u8] {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.text.get(place(from)..place(to)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(start: u64, end: u64) -> ScanHit {
        ScanHit { start, end, label: "A".into() }
    }

    /// Text in, up to where it goes out, and hits as they become known: what comes out.
    fn run(steps: &[(&str, u64, &[ScanHit])]) -> String {
        let (mut held, mut out) = (Held::default(), Vec::new());
        for (text, end, hits) in steps {
            held.text.extend_from_slice(text.as_bytes());
            held.hits.extend(hits.iter().cloned());
            held.let_go(*end, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_masked_wherever_they_lie() {
        assert_eq!(run(&[("abcdef", 6, &[hit(2, 4)])]), "ab[svault:A]ef");
        assert_eq!(run(&[("abcdef", 6, &[hit(0, 2), hit(2, 6)])]), "[svault:A][svault:A]");
        assert_eq!(run(&[("abcdef", 3, &[]), ("ghi", 9, &[hit(4, 8)])]), "abcd[svault:A]i");
        assert_eq!(run(&[("abcdef", 3, &[hit(2, 6)]), ("ghi", 9, &[])]), "ab[svault:A]ghi");
    }

    #[test]
    fn what_is_masked_late_has_a_mask_also_where_one_is_out_before_it() {
        let steps: &[(&str, u64, &[ScanHit])] =
            &[("abcdef", u64::MAX, &[hit(1, 3)]), ("ghi", u64::MAX, &[hit(2, 8)])];
        assert_eq!(run(steps), "a[svault:A]def[svault:A]i");
        assert_eq!(run(&[("abcdef", 6, &[hit(1, 4), hit(3, 5)])]), "a[svault:A]f");
        assert_eq!(run(&[("abc", 3, &[hit(1, 3)]), ("def", 6, &[hit(2, 5)])]), "a[svault:A]f");
    }

    #[test]
    fn a_text_without_pauses_is_not_held_back_for_ever() {
        let mut held = Held::default();
        let began = Instant::now();
        let mut more = |ms: u64, bytes: u64| {
            held.text.resize(held.text.len() + usize::try_from(bytes).unwrap(), b'x');
            held.old(began + Duration::from_millis(ms))
        };
        assert_eq!(more(0, 2 * LAST), 0);
        assert_eq!(more(900, 2 * LAST), 0);
        assert_eq!(more(1000, 10), 2 * LAST);
        assert_eq!(more(1990, 10), 2 * LAST);
        assert_eq!(more(2000, 10), 3 * LAST + 30, "the last bytes stay");
        let mut short = Held { text: vec![b'x'; 100], ..Held::default() };
        assert_eq!((short.old(began), short.old(began + 5 * LONG)), (0, 0));
    }

    #[test]
    fn the_rest_of_what_began_in_text_that_is_out_is_masked() {
        assert_eq!(run(&[("abcdef", u64::MAX, &[]), ("ghi", 9, &[hit(4, 8)])]), "abcdef[svault:A]i");
    }
}
