//! The values that are looked for without keeping them: keyed hashes of their first bytes and of all of them.
//! Where a text has a whole value by its hash, the caller opens that value, and it is compared byte by byte.

use crate::decode::{Bits, Form, Unit, unit};
use crate::filter::Filter;
use crate::search::{before, search};
use crate::values::LONG;
use secret::Bytes;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// Bytes of a value's head. A text that has them makes work; one that has less can't be told from any other.
const HEAD: usize = 12;
/// Of longer values so many bytes are compared before all of it is: what many begin with (`-----BEGIN …`) is no work.
const MIDDLE: usize = 64;

/// The shortest value that is looked for, in bytes.
pub const SHORTEST_HIDDEN: usize = HEAD;
/// A value that can be guessed with less than this many bits is not looked for.
pub const LEAST_BITS: f64 = 60.0;

/// Values that are looked for, as hashes under a random key of this set.
pub struct Hidden {
    key: RandomState,
    filter: Filter,
    /// By the hash of their heads.
    heads: HashMap<u64, Vec<Row>>,
    room: usize,
    len: usize,
}

struct Row {
    id: u32,
    len: usize,
    middle: u64,
    whole: u64,
}

/// A value that was found: where, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// Its id.
    pub id: u32,
}

/// How many bits it takes to guess a value, by its length and how often each byte is in it: an estimate.
#[must_use]
pub fn bits_to_guess(value: &[u8]) -> f64 {
    crate::rules::bits(value) * value.len() as f64
}

impl Hidden {
    /// A set with room for this many values; more make it slower, no less right.
    ///
    /// # Errors
    /// When the kernel gives no randomness for its key.
    pub fn new(room: usize) -> Result<Self, getrandom::Error> {
        let filter = Filter::new(room, SHORTEST_HIDDEN, getrandom::u64()?);
        Ok(Self { key: RandomState::new(), filter, heads: HashMap::new(), room, len: 0 })
    }

    /// Adds a value. False: it is shorter than [`SHORTEST_HIDDEN`], longer than [`crate::LONGEST`], or takes less than
    /// [`LEAST_BITS`] bits to guess; it is not looked for.
    pub fn add(&mut self, id: u32, value: &[u8]) -> bool {
        let fits = (SHORTEST_HIDDEN..=crate::LONGEST).contains(&value.len());
        if !fits || bits_to_guess(value) < LEAST_BITS {
            return false;
        }
        self.filter.add(value);
        let hash = |len: usize| self.key.hash_one(&value[..len.min(value.len())]);
        let row = Row { id, len: value.len(), middle: hash(MIDDLE), whole: hash(value.len()) };
        self.heads.entry(hash(HEAD)).or_default().push(row);
        self.len += 1;
        true
    }

    /// Forgets a value. Its traces in the filter stay until the next set.
    pub fn remove(&mut self, id: u32) {
        self.heads.retain(|_, rows| {
            rows.retain(|row| row.id != id);
            !rows.is_empty()
        });
        self.len = self.heads.values().map(Vec::len).sum();
    }

    /// How many values are looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there are so many more values than there was room for that a new set would be faster.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.len > 2 * self.room.max(64)
    }

    /// Every whole value in a text, in order and apart. `open` gives the value of an id, to be compared; none where it
    /// can't be had, which is no sighting.
    pub fn find(&self, text: &[u8], mut open: impl FnMut(u32) -> Option<Bytes>) -> Vec<Sighting> {
        let mut found: Vec<Sighting> = Vec::new();
        if self.is_empty() {
            return found;
        }
        search(&self.filter, text, 0, |form, start| {
            let longest = self.look(text, form, start, &mut open, &mut found);
            let forms: &[Form] = if form == Form::Raw { &Form::ESCAPES } else { &[] };
            for &form in forms {
                // What looks raw may have its first escape behind its head, or anywhere if the head is known.
                let near = &text[start..text.len().min(start + 12 * longest.unwrap_or(HEAD))];
                if near.iter().any(|&b| form.marks(b)) {
                    self.look(text, form, start, &mut open, &mut found);
                }
            }
        });
        found.sort_by_key(|s| (s.range.start, std::cmp::Reverse(s.range.end)));
        apart(&mut found);
        found
    }

    /// Looks for the values with the head that is here. If it is known: how long the longest of them is.
    fn look(
        &self,
        text: &[u8],
        form: Form,
        start: usize,
        open: &mut impl FnMut(u32) -> Option<Bytes>,
        found: &mut Vec<Sighting>,
    ) -> Option<usize> {
        let mut read = Reading::new(form, text, start)?;
        let rows = self.heads.get(&self.key.hash_one(read.upto(HEAD)?))?;
        let mut by_length: Vec<&Row> = rows.iter().collect();
        by_length.sort_by_key(|row| row.len);
        let longest = by_length.last().map(|row| row.len);
        // A long value inside of itself: to hash it at each of its periods would take its length squared.
        let inside = |s: &&Sighting| s.range.contains(&start) && s.range.start < start;
        let around = found.last().filter(inside).map(|s| s.id);
        let mut sighting = None;
        for row in by_length.into_iter().filter(|row| around != Some(row.id) || row.len <= LONG) {
            let Some(middle) = read.upto(row.len.min(MIDDLE)) else { break };
            if self.key.hash_one(middle) != row.middle {
                continue;
            }
            let Some(whole) = read.upto(row.len) else { break };
            if self.key.hash_one(whole) == row.whole && open(row.id).is_some_and(|value| value.ct_eq(whole)) {
                sighting = Some(Sighting { range: start..read.at, id: row.id });
            }
        }
        found.extend(sighting);
        longest
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hidden({})", self.len)
    }
}

/// Of sightings in order of their starts, longest first, what stands in one before is taken off the later ones, and what
/// stands in one as a whole is left out.
fn apart(found: &mut Vec<Sighting>) {
    let mut end = 0;
    found.retain_mut(|sighting| {
        sighting.range.start = sighting.range.start.max(end);
        end = end.max(sighting.range.end);
        !sighting.range.is_empty()
    });
}

/// A text read as one form from one start.
struct Reading<'t> {
    form: Form,
    text: &'t [u8],
    at: usize,
    started: bool,
    bits: Bits,
    bytes: zeroize::Zeroizing<Vec<u8>>,
}

impl<'t> Reading<'t> {
    fn new(form: Form, text: &'t [u8], start: usize) -> Option<Self> {
        let at = match form {
            Form::Base64(2 | 4) => before(text, start)?,
            _ => start,
        };
        let bytes = zeroize::Zeroizing::new(Vec::with_capacity(MIDDLE + 4));
        Some(Self { form, text, at, started: false, bits: Bits::default(), bytes })
    }

    /// The first so many bytes of the value that the text may be; none where the text ends or is something else.
    fn upto(&mut self, len: usize) -> Option<&[u8]> {
        while self.bytes.len() < len {
            let first = !self.started;
            let Unit::Bytes(bytes, n, width) = unit(self.form, self.text, self.at, first, &mut self.bits)
            else {
                return None;
            };
            self.bytes.extend_from_slice(&bytes[..usize::from(n)]);
            self.at += width;
            self.started = true;
        }
        self.bytes.get(..len)
    }
}
