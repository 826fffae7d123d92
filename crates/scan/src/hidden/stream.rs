//! A text in pieces, searched for hidden values piece by piece. Nothing is read twice but a little of its end.

use super::reading::{Around, Reading, State};
use super::work::{LOOK, TooMuchWork, Work};
use super::{Hidden, Sighting};
use crate::decode::Form;
use crate::lines;
use crate::search::search;
use secret::Bytes;
use std::collections::HashSet;
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes of text that are kept: a start is seen when all of its first characters are there, in the longest form.
const KEPT: usize = 1024;
/// Readings that are kept, and bytes that they have, at most.
const MOST_READINGS: usize = 4096;
const MOST_BYTES: usize = 4 << 20;

/// How far the text of one stream has been searched.
#[derive(Default)]
pub struct Stream {
    /// The set that the readings are of.
    of: u64,
    readings: Vec<Reading>,
    /// The end of the text.
    kept: Zeroizing<Vec<u8>>,
    len: usize,
    work: u64,
}

impl Stream {
    /// Bytes of the text so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there was no text yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Units of work that the last piece took.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Goes on behind so many bytes that are not searched.
    pub fn skip(&mut self, bytes: usize) {
        *self = Self { len: self.len.saturating_add(bytes), ..Self::default() };
    }

    /// The text at hand: what was kept, and what is new.
    fn with(&self, new: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(self.kept.len() + new.len()));
        text.extend_from_slice(&self.kept);
        text.extend_from_slice(new);
        text
    }

    /// Keeps what the next piece needs.
    fn keep(&mut self, text: &[u8], new: usize) -> Result<(), TooMuchWork> {
        let from = text.len().saturating_sub(KEPT);
        self.kept = Zeroizing::new(text[from..].to_vec());
        self.len = self.len.saturating_add(new);
        self.readings.iter_mut().for_each(|reading| reading.shift(from));
        let bytes: usize = self.readings.iter().map(Reading::holds).sum();
        if self.readings.len() > MOST_READINGS || bytes > MOST_BYTES { Err(TooMuchWork) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({})", self.len)
    }
}

impl Hidden {
    /// Every whole value that ends in the next piece of a text, in order of their starts and the longest first, also where
    /// they are in one another or the same: [`apart`] is for those. Places are counted from the beginning of the stream.
    /// `open` gives the value of an id, to be compared; none where it can't be had, which is no sighting.
    ///
    /// # Errors
    /// [`TooMuchWork`] when the piece needs more than [`super::work_allowed`]; the stream then goes on behind it.
    pub fn search(
        &self,
        stream: &mut Stream,
        new: &[u8],
        open: impl FnMut(u32) -> Option<Bytes>,
    ) -> Result<Vec<Sighting>, TooMuchWork> {
        if std::mem::replace(&mut stream.of, self.id) != self.id {
            stream.readings.clear();
        }
        let text = stream.with(new);
        let mut piece = Piece {
            set: self,
            text: &text,
            base: stream.len - stream.kept.len(),
            work: Work::new(new.len()),
            live: Vec::new(),
            found: Vec::new(),
            forks: Vec::new(),
            open,
        };
        if !self.is_empty() {
            piece.read(std::mem::take(&mut stream.readings), stream.kept.len());
        }
        let Piece { work, live, mut found, .. } = piece;
        stream.readings = live;
        let was = stream.len;
        let kept = stream.keep(&text, new.len());
        if work.is_over() || kept.is_err() {
            stream.skip(0);
        }
        stream.work = work.done();
        if work.is_over() {
            return Err(TooMuchWork);
        }
        kept?;
        found.retain(|s| s.range.end > was);
        found.sort_by_key(|s| (s.range.start, std::cmp::Reverse(s.range.end), s.id));
        // One place may be read in several forms.
        found.dedup();
        Ok(found)
    }
}

/// One piece, while it is searched.
struct Piece<'a, O> {
    set: &'a Hidden,
    text: &'a [u8],
    /// Where the text at hand begins in the stream.
    base: usize,
    work: Work,
    live: Vec<Reading>,
    found: Vec<Sighting>,
    forks: Vec<Reading>,
    open: O,
}

impl<O: FnMut(u32) -> Option<Bytes>> Piece<'_, O> {
    /// Goes on with what has begun, then looks at all starts, of which those before `new` may have begun already.
    fn read(&mut self, begun: Vec<Reading>, new: usize) {
        let starts: HashSet<(Form, usize)> = begun.iter().map(|r| (r.form, r.start)).collect();
        begun.into_iter().for_each(|reading| self.follow(reading));
        let (set, text) = (self.set, self.text);
        search(&set.filter, text, 0, |form, start| {
            let has_begun = start < new && starts.contains(&(form, self.base + start));
            if !has_begun
                && self.work.take(LOOK)
                && let Some(reading) = Reading::new(form, text, start, self.base)
            {
                self.follow(reading);
            }
        });
    }

    /// Reads on, in the form of a reading and in those that it turns out to be.
    fn follow(&mut self, reading: Reading) {
        self.forks.push(reading);
        while let Some(mut reading) = self.forks.pop() {
            let start = reading.start;
            let inside = |s: &&Sighting| s.range.contains(&start) && s.range.start < start;
            let inside = self.found.last().filter(inside).map(|s| s.id);
            let mut tell = |id, bytes: &[u8], end: usize| {
                if (self.open)(id).is_some_and(|value| is_same(&value, bytes)) {
                    self.found.push(Sighting { range: start..self.base + end, id });
                }
            };
            let state = reading.advance(&mut Around {
                set: self.set,
                text: self.text,
                work: &mut self.work,
                inside,
                tell: &mut tell,
                forks: &mut self.forks,
            });
            if state == State::Live {
                self.live.push(reading);
            }
        }
    }
}

/// Whether a value is this text with plain line ends.
fn is_same(value: &Bytes, plain: &[u8]) -> bool {
    match lines::plain(value.expose()) {
        Some(value) => Bytes::from_vec(value.to_vec()).is_ok_and(|value| value.ct_eq(plain)),
        None => value.ct_eq(plain),
    }
}

/// Of places in order of their starts, longest first, what stands in one before is taken off the later ones, and what
/// stands in one as a whole is left out.
pub fn apart<T>(found: &mut Vec<T>, range: impl Fn(&mut T) -> &mut Range<usize>) {
    let mut end = 0;
    found.retain_mut(|one| {
        let range = range(one);
        range.start = range.start.max(end);
        end = end.max(range.end);
        range.start < range.end
    });
}
