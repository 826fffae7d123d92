//! Exact values in a stream: holds back what may be the start of one, masks what is one, lets everything else go.

use crate::cursor::{Cursor, Head, State};
use crate::decode::Form;
use crate::filter::HEAD;
use crate::needles::Needles;
use crate::piece::Piece;
use crate::search::{BREAKS, search, tail};
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of text that stay although they are out: what stands before an occurrence of base64, a character and line breaks.
const CONTEXT: usize = 1 + BREAKS;

/// A value of more bytes is not looked for inside of itself.
pub(crate) const LONG: usize = 4096;

/// Takes what goes out.
pub(crate) type Out<'a> = &'a mut dyn FnMut(&[u8]);

/// An occurrence: where it is, and the value's place in the order of the needles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) place: usize,
}

/// Occurrences that are complete, and those that may go on.
#[derive(Default)]
pub(crate) struct Matches {
    pub(crate) open: Vec<Cursor>,
    pub(crate) found: Vec<Found>,
}

impl Matches {
    /// Looks at all starts from `from` on, after what was open has been read on.
    pub(crate) fn look(&mut self, needles: &Needles, text: &[u8], from: usize) {
        for mut cursor in std::mem::take(&mut self.open) {
            let was = cursor.at;
            let state = cursor.advance(text, needles);
            self.settle(needles, text, cursor, state, was);
        }
        search(needles.filter(), text, from, |form, start| {
            let Some(cursor) = Cursor::new(form, text, start, needles) else { return };
            let mut cursor = match cursor.with_head(text, needles) {
                Head::Is(cursor) => cursor,
                Head::Short => return self.try_form(needles, text, form, start),
                Head::No => return,
            };
            if !self.repeats(needles, &cursor) {
                let state = cursor.advance(text, needles);
                self.settle(needles, text, cursor, state, start);
            }
        });
        tail(needles.filter(), text, from, |form, start| self.try_form(needles, text, form, start));
    }

    /// Whether this can only be a long value that has just been found, once more inside of itself. To compare it at each
    /// of its periods would take its length squared.
    fn repeats(&self, needles: &Needles, cursor: &Cursor) -> bool {
        let inside = |found: &&Found| found.range.contains(&cursor.start) && found.range.start < cursor.start;
        self.found.last().filter(inside).is_some_and(|found| {
            cursor.only() == Some(found.place) && needles.value(found.place).len() > LONG
        })
    }

    fn try_form(&mut self, needles: &Needles, text: &[u8], form: Form, start: usize) {
        if let Some(mut cursor) = Cursor::new(form, text, start, needles) {
            let state = cursor.advance(text, needles);
            self.settle(needles, text, cursor, state, start);
        }
    }

    /// Keeps what came of a cursor. What looked raw up to an escape is tried in the forms of that escape.
    fn settle(&mut self, needles: &Needles, text: &[u8], cursor: Cursor, state: State, was: usize) {
        let (form, start, at) = (cursor.form, cursor.start, cursor.at);
        let same = |other: &Cursor| other.form == form && other.start == start;
        match (state, cursor.best) {
            (State::Open, _) if self.open.iter().any(same) => return,
            (State::Open, _) => self.open.push(cursor),
            (State::Closed, Some((end, place))) => {
                let found = Found { range: start..end, place };
                if self.found.last() != Some(&found) {
                    self.found.push(found);
                }
            }
            (State::Closed, None) => {}
        }
        if form == Form::Raw {
            let read = &text[was.min(text.len())..text.len().min(at + 1)];
            for form in Form::ESCAPES {
                if read.iter().any(|&b| form.marks(b)) {
                    self.try_form(needles, text, form, start);
                }
            }
        }
    }

    /// There is no more text: what is complete is found, what is open is nothing.
    pub(crate) fn end(&mut self) {
        for cursor in self.open.drain(..) {
            let found = |(end, place)| Found { range: cursor.start..end, place };
            self.found.extend(cursor.best.map(found));
        }
    }

    /// Puts what is found in order and makes one of what overlaps; the label is that of the first and longest.
    pub(crate) fn merge(&mut self) {
        self.found.sort_by_key(|found| (found.range.start, Reverse(found.range.end)));
        self.found.dedup_by(|next, last| {
            let overlaps = next.range.start < last.range.end;
            if overlaps {
                last.range.end = last.range.end.max(next.range.end);
            }
            overlaps
        });
    }

    /// The text before `by` has been cut off.
    fn shift(&mut self, by: usize) {
        self.open.iter_mut().for_each(|cursor| cursor.shift(by));
        for found in &mut self.found {
            found.range = found.range.start - by..found.range.end - by;
        }
    }
}

/// The stream.
pub(crate) struct Values {
    needles: Arc<Needles>,
    matches: Matches,
    /// What may still be needed: what is held back, and a little that is out.
    text: Piece,
    /// Whether what is out ends with a mask that may go on.
    masked: bool,
}

impl Values {
    pub(crate) fn new(needles: Arc<Needles>) -> Self {
        Self { needles, matches: Matches::default(), text: Piece::default(), masked: false }
    }

    pub(crate) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.needles.is_empty() {
            return out.extend_from_slice(input);
        }
        let from = self.text.all().len();
        self.text.push(input);
        let end = self.look(from);
        self.write(end, &mut |text| out.extend_from_slice(text));
    }

    /// Room for at least so many bytes of input.
    pub(crate) fn room(&mut self, least: usize) -> &mut [u8] {
        self.text.room(least)
    }

    /// Takes so many bytes from the room, and makes `out` what can go out. Where nothing of it is masked, it is not
    /// copied: `out` is the buffer that it was read into, and what `out` was before is the next one.
    pub(crate) fn filled(&mut self, bytes: usize, out: &mut Piece) {
        let from = self.text.all().len();
        self.text.filled(bytes);
        let end = self.look(from);
        self.matches.merge();
        let (keep, is_out) = (self.needed(end), self.text.out());
        let masks = |found: &Found| found.range.start < end && found.range.end > is_out;
        // What is held is copied: of that there must not be more than of what goes out, each time.
        let held = self.text.all().len() - keep;
        if held > end.saturating_sub(is_out) || self.matches.found.iter().any(masks) {
            out.clear();
            return self.write(end, &mut |text| out.push(text));
        }
        self.masked &= is_out == end;
        self.text.hand_over(keep, end, out);
        self.matches.found.retain(|found| found.range.end > end);
        self.matches.shift(keep);
    }

    /// Looks at the text from `from` on; up to where all of it is decided.
    fn look(&mut self, from: usize) -> usize {
        let text = self.text.all();
        if self.needles.is_empty() {
            return text.len();
        }
        self.matches.look(&self.needles, text, from);
        self.matches.open.iter().map(|cursor| cursor.start).min().unwrap_or(text.len())
    }

    /// Masks a start of [`HEAD`] bytes or more, and lets everything go. What goes on to match is still masked.
    pub(crate) fn idle(&mut self, out: Out<'_>) {
        let end = self.text.all().len();
        let started =
            self.matches.open.iter().filter(|cursor| cursor.has_begun() && end - cursor.start >= HEAD);
        let started = started.map(|cursor| Found { range: cursor.start..end, place: cursor.candidate() });
        self.matches.found.extend(started);
        self.write(end, out);
    }

    /// Whether something is held back.
    pub(crate) fn holds(&self) -> bool {
        !self.text.is_empty()
    }

    pub(crate) fn finish(&mut self, out: Out<'_>) {
        self.idle(out);
        self.matches.open.clear();
        self.text.wipe();
        self.masked = false;
    }

    /// Writes the text up to `end`, with masks in place of what is found.
    fn write(&mut self, end: usize, out: Out<'_>) {
        self.matches.merge();
        let (text, mut at) = (self.text.all(), self.text.out());
        for found in &self.matches.found {
            let Range { start, end: found_end } = found.range;
            if start >= end || found_end <= at {
                continue;
            }
            if at < start {
                out(&text[at..start]);
                self.masked = false;
            }
            if !(self.masked && start < at) {
                mask(self.needles.label(found.place), out);
            }
            self.masked = true;
            at = found_end.min(end);
        }
        if at < end {
            out(&text[at..end]);
            (at, self.masked) = (end, false);
        }
        self.text.let_go(at);
        self.matches.found.retain(|found| found.range.end > at);
        let keep = self.needed(at);
        if keep > 0 {
            self.text.forget(keep);
            self.matches.shift(keep);
        }
    }

    /// From where on the text is needed when it is out up to `out`.
    fn needed(&self, out: usize) -> usize {
        let starts = self.matches.open.iter().map(|cursor| cursor.start);
        let found = self.matches.found.iter().filter(|found| found.range.end > out);
        let starts = starts.chain(found.map(|found| found.range.start));
        starts.chain([out]).min().unwrap_or(0).saturating_sub(CONTEXT)
    }
}

/// What is shown in place of a value or of what a rule found.
pub(crate) fn mask(label: &str, out: Out<'_>) {
    [b"[svault:", label.as_bytes(), b"]"].into_iter().for_each(out);
}
