//! One possible occurrence: from a start on, in one form, as far as the text goes.

use crate::decode::{Bits, Form, Unit, unit};
use crate::filter::HEAD;
use crate::lines::{self, Ends};
use crate::needles::Needles;
use crate::search::before;
use std::ops::Range;

/// Reads one form from one start and keeps to the values that still fit.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    pub(crate) form: Form,
    /// Whether something has been read.
    started: bool,
    /// Where the occurrence begins: behind a first character of base64 that has bits of something else too.
    pub(crate) start: usize,
    /// Where the next unit is.
    pub(crate) at: usize,
    depth: usize,
    fits: Range<usize>,
    bits: Bits,
    ends: Ends,
    /// The longest value that is complete: its end and place in the order.
    pub(crate) best: Option<(usize, usize)>,
    padding: u8,
}

/// What a place has of the head of a value.
pub(crate) enum Head {
    /// All of it.
    Is(Cursor),
    /// The text ends before.
    Short,
    /// None that is known.
    No,
}

/// Where reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The text ended, and a value (a longer one) may go on.
    Open,
    /// No value goes on from here. What is complete is complete.
    Closed,
}

impl Cursor {
    /// A cursor for an occurrence whose first whole character is at `start`.
    pub(crate) fn new(form: Form, text: &[u8], start: usize, needles: &Needles) -> Option<Self> {
        let at = match form {
            Form::Base64(2 | 4) => before(text, start)?,
            _ => start,
        };
        Some(Self {
            form,
            start,
            at,
            started: false,
            depth: 0,
            fits: needles.all(),
            bits: Bits::default(),
            ends: Ends::default(),
            best: None,
            padding: 0,
        })
    }

    /// Reads the first [`HEAD`] bytes, if they are the head of a value.
    pub(crate) fn with_head(mut self, text: &[u8], needles: &Needles) -> Head {
        let mut head = [0; HEAD + 4 * (lines::MOST + 1)];
        let mut len = 0;
        while len < HEAD {
            let (bytes, n) = match self.unit(text) {
                Unit::Bytes(bytes, n, width) => {
                    self.at += width;
                    self.started = true;
                    (bytes, usize::from(n))
                }
                Unit::More => return Head::Short,
                Unit::No => return Head::No,
            };
            for &byte in &bytes[..n] {
                let (plain, n) = self.ends.push(byte);
                head[len..len + n].copy_from_slice(&plain[..n]);
                len += n;
            }
        }
        let first = head.first_chunk().and_then(|first| needles.with_head(*first));
        let Some(fits) = first else { return Head::No };
        (self.fits, self.depth) = (fits, HEAD);
        self.complete(self.at, needles);
        for &byte in &head[HEAD..len] {
            self.step(byte, self.at, needles);
        }
        Head::Is(self)
    }

    /// The place in the order of the only value that this can be.
    pub(crate) fn only(&self) -> Option<usize> {
        (self.best.is_none() && self.fits.len() == 1).then_some(self.fits.start)
    }

    /// Reads on.
    pub(crate) fn advance(&mut self, text: &[u8], needles: &Needles) -> State {
        while !self.fits.is_empty() {
            if self.form == Form::Raw
                && self.fits.len() == 1
                && !self.ends.holds()
                && let Some(state) = self.compare(text, needles)
            {
                return state;
            }
            match self.unit(text) {
                Unit::Bytes(bytes, len, width) => {
                    for &byte in &bytes[..usize::from(len)] {
                        self.take(byte, self.at + width, needles);
                    }
                    self.at += width;
                    self.started = true;
                }
                Unit::More if self.may_go_on(text, needles) => return State::Open,
                Unit::More | Unit::No => break,
            }
        }
        self.pad(text)
    }

    fn unit(&mut self, text: &[u8]) -> Unit {
        unit(self.form, text, self.at, !self.started, &mut self.bits)
    }

    /// One byte of the text further.
    fn take(&mut self, byte: u8, end: usize, needles: &Needles) {
        if self.ends.passes(byte) {
            return self.step(byte, end, needles);
        }
        if !self.ends.holds() && !self.goes_on(b'\r', b'\r', needles) {
            self.fits = 0..0;
        }
        let (bytes, n) = self.ends.push(byte);
        bytes[..n].iter().for_each(|&byte| self.step(byte, end, needles));
    }

    /// One byte of a value further.
    fn step(&mut self, byte: u8, end: usize, needles: &Needles) {
        if !self.fits.is_empty() {
            self.fits = needles.narrow(self.fits.clone(), self.depth, byte, byte);
            self.depth += 1;
            self.complete(end, needles);
        }
    }

    /// Notes the values that are complete, and goes on with the longer ones.
    fn complete(&mut self, end: usize, needles: &Needles) {
        while !self.fits.is_empty() && needles.value(self.fits.start).len() == self.depth {
            if self.best.is_none_or(|(best, _)| best < end) {
                self.best = Some((end, self.fits.start));
                self.padding = match self.form {
                    Form::Base64(_) if self.bits.are_zero() => self.bits.count() / 2,
                    _ => 0,
                };
            }
            self.fits.start += 1;
        }
    }

    /// The rest of a single value, as it is. None: a line end may be written in another way here.
    fn compare(&mut self, text: &[u8], needles: &Needles) -> Option<State> {
        let value = &needles.value(self.fits.start)[self.depth..];
        let text = &text[self.at.min(text.len())..];
        let len = value.len().min(text.len());
        let equal = value[..len] == text[..len];
        let same = if equal { len } else { value.iter().zip(text).take_while(|(a, b)| a == b).count() };
        self.at += same;
        self.depth += same;
        self.complete(self.at, needles);
        match text.get(same) {
            _ if self.fits.is_empty() => Some(State::Closed),
            None => Some(State::Open),
            Some(b'\r') => None,
            Some(_) => {
                self.fits = 0..0;
                Some(State::Closed)
            }
        }
    }

    /// Whether a byte from `low` to `high` can be the next.
    fn goes_on(&self, low: u8, high: u8, needles: &Needles) -> bool {
        let narrow = |low, high| !needles.narrow(self.fits.clone(), self.depth, low, high).is_empty();
        narrow(low, high) || ((low..=high).contains(&b'\r') && narrow(b'\n', b'\n'))
    }

    /// Whether the unit that has begun at the end of the text can be the next of a value.
    fn may_go_on(&self, text: &[u8], needles: &Needles) -> bool {
        let rest = &text[self.at.min(text.len())..];
        let (low, high) = match (self.form, rest) {
            (Form::Base64(2 | 4), []) if self.at <= self.start => return false,
            _ if self.ends.holds() => return true,
            (Form::Hex | Form::Base64(_), _) if self.bits.count() > 0 => self.bits.bounds(),
            (Form::Quoted, [b'\'', ..]) => (b'\'', b'\''),
            _ => return true,
        };
        self.goes_on(low, high, needles)
    }

    /// Padding of base64 behind a value that is complete.
    fn pad(&mut self, text: &[u8]) -> State {
        while let (Some((end, _)), 1..) = (&mut self.best, self.padding) {
            match text.get(*end) {
                Some(b'=') => *end += 1,
                Some(_) => break,
                None => {
                    self.fits = 0..0;
                    return State::Open;
                }
            }
            self.padding -= 1;
        }
        State::Closed
    }

    /// Whether at least one byte of a value is there.
    pub(crate) fn has_begun(&self) -> bool {
        self.depth > 0
    }

    /// The place in the order of a value that is or may become this occurrence.
    pub(crate) fn candidate(&self) -> usize {
        if self.fits.is_empty() { self.best.map_or(0, |(_, place)| place) } else { self.fits.start }
    }

    /// The text before `by` is not needed any more and has been cut off.
    pub(crate) fn shift(&mut self, by: usize) {
        self.start -= by;
        self.at -= by;
        if let Some((end, _)) = &mut self.best {
            *end -= by;
        }
    }
}
