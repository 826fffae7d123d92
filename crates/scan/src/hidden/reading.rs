//! A text read as one form from one start, for as long as it may be a value: at checkpoints it is compared, by hash, with
//! how values begin.

use super::work::{LOOK, Work};
use super::{HEAD, Hidden};
use crate::decode::{Bits, Form, Unit, unit};
use crate::lines::Ends;
use crate::search::before;
use crate::values::LONG;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use zeroize::Zeroizing;

/// What came of reading on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The text ended, and it may still be a value.
    Live,
    /// No value goes on from here.
    Over,
}

/// One reading. Whatever it has read that is no value costs at most twice what the value and the text have in common.
pub(super) struct Reading {
    pub(super) form: Form,
    /// Where it began, counted from the beginning of the stream.
    pub(super) start: usize,
    /// Where the next unit is, in the text at hand.
    at: usize,
    started: bool,
    bits: Bits,
    ends: Ends,
    /// What has been read.
    bytes: Zeroizing<Vec<u8>>,
    hasher: Option<DefaultHasher>,
    hashed: usize,
    /// The last checkpoint that was passed: the hash there.
    node: Option<u64>,
    /// So many bytes are read before anything is looked up.
    next: usize,
    /// The next checkpoint.
    checkpoint: usize,
    /// Which escaped forms have been split off.
    forked: u8,
}

/// What a reading needs from around it, and what it tells.
pub(super) struct Around<'a> {
    pub(super) set: &'a Hidden,
    pub(super) text: &'a [u8],
    pub(super) work: &'a mut Work,
    /// The value that was found around the start.
    pub(super) inside: Option<u32>,
    /// Takes an id, what may be its value, and where that ends in the text at hand.
    pub(super) tell: &'a mut dyn FnMut(u32, &[u8], usize),
    /// What the same text may be in other forms.
    pub(super) forks: &'a mut Vec<Reading>,
}

impl Reading {
    /// A reading from `start` on in a text that begins at `base` of the stream.
    pub(super) fn new(form: Form, text: &[u8], start: usize, base: usize) -> Option<Self> {
        let at = match form {
            Form::Base64(2 | 4) => before(text, start)?,
            _ => start,
        };
        Some(Self {
            form,
            start: base + start,
            at,
            started: false,
            bits: Bits::default(),
            ends: Ends::default(),
            bytes: Zeroizing::new(Vec::with_capacity(HEAD)),
            hasher: None,
            hashed: 0,
            node: None,
            next: HEAD,
            checkpoint: HEAD,
            forked: 0,
        })
    }

    /// Reads on to the end of the text, or to where it is no value any more.
    pub(super) fn advance(&mut self, around: &mut Around<'_>) -> State {
        loop {
            if self.form == Form::Raw && self.plain(around) == State::Over {
                return State::Over;
            }
            if !around.work.take(1) {
                return State::Over;
            }
            match unit(self.form, around.text, self.at, !self.started, &mut self.bits) {
                Unit::Bytes(bytes, n, width) => {
                    self.at += width;
                    self.started = true;
                    for &byte in &bytes[..usize::from(n)] {
                        if self.take(byte, around) == State::Over {
                            return State::Over;
                        }
                    }
                }
                Unit::More => return State::Live,
                Unit::No => return State::Over,
            }
        }
    }

    /// Reads raw text up to what must be looked at byte by byte. Other forms go their own way from their first mark on,
    /// which have been as the raw one until there.
    fn plain(&mut self, around: &mut Around<'_>) -> State {
        let rest = around.text.get(self.at..).unwrap_or_default();
        let most = if self.ends.holds() { 1 } else { self.next - self.bytes.len() };
        let rest = &rest[..rest.len().min(most)];
        let special = |&byte: &u8| byte == b'\r' || self.forks_at(byte);
        let len = rest.iter().position(special).unwrap_or(rest.len());
        match rest.get(len) {
            Some(&mark) if self.forks_at(mark) => {
                self.read(&rest[..len], around);
                self.fork(mark, around);
                return self.plain(around);
            }
            Some(_) => self.read(&rest[..len], around),
            // The last byte may end a value, and is read by itself.
            None => self.read(&rest[..len.saturating_sub(1)], around),
        }
        if around.work.is_over() { State::Over } else { State::Live }
    }

    fn read(&mut self, bytes: &[u8], around: &mut Around<'_>) {
        around.work.take(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self.at += bytes.len();
        self.started |= !bytes.is_empty();
    }

    /// One byte of the text further.
    fn take(&mut self, byte: u8, around: &mut Around<'_>) -> State {
        if self.ends.passes(byte) {
            return self.step(byte, around);
        }
        let (bytes, n) = self.ends.push(byte);
        let over = bytes[..n].iter().any(|&byte| self.step(byte, around) == State::Over);
        if over { State::Over } else { State::Live }
    }

    /// One byte of a value further. What lies between two look-ups may be anything.
    fn step(&mut self, byte: u8, around: &mut Around<'_>) -> State {
        self.bytes.push(byte);
        if self.bytes.len() < self.next { State::Live } else { self.look_up(around) }
    }

    fn look_up(&mut self, around: &mut Around<'_>) -> State {
        let len = self.bytes.len();
        let hasher = self.hasher.get_or_insert_with(|| around.set.hasher());
        hasher.write(&self.bytes[self.hashed..]);
        self.hashed = len;
        let hash = hasher.finish();
        if len == self.checkpoint {
            self.node = Some(hash);
            self.checkpoint *= 2;
        }
        let Some(node) = self.node.and_then(|node| around.set.nodes.get(&node)) else { return State::Over };
        // A long value inside of itself is not looked for: it may begin again at each of its periods.
        let again = |id| around.inside == Some(id) && around.set.len_of(id) > LONG;
        if node.only().is_some_and(again) {
            return State::Over;
        }
        let first = node.ends.partition_point(|row| row.len < len);
        let here = node.ends[first..].iter().take_while(|row| row.len == len);
        let mut rows = 0;
        for row in here {
            rows += 1;
            if row.whole == hash {
                (around.tell)(row.id, &self.bytes, self.at);
            }
        }
        let row = node.ends.get(first + rows).map(|row| row.len);
        let deeper = node.goes_on().then_some(self.checkpoint);
        let next = row.into_iter().chain(deeper).min();
        if !around.work.take(LOOK + rows as u64) {
            return State::Over;
        }
        next.map_or(State::Over, |next| {
            self.reserve(next);
            State::Live
        })
    }

    /// Room for so many bytes. A vector that grows by itself leaves what it had behind.
    fn reserve(&mut self, next: usize) {
        self.next = next;
        if self.bytes.capacity() < next {
            let mut bytes = Zeroizing::new(Vec::with_capacity(self.checkpoint.max(next)));
            bytes.extend_from_slice(&self.bytes);
            self.bytes = bytes;
        }
    }

    /// Whether this byte is the first mark of a form.
    fn forks_at(&self, byte: u8) -> bool {
        matches!(byte, b'%' | b'+' | b'\'' | b'\\' | b'&') && self.new_forms(byte).next().is_some()
    }

    fn new_forms(&self, mark: u8) -> impl Iterator<Item = (usize, Form)> + use<> {
        let forked = self.forked;
        let all = Form::ESCAPES.into_iter().enumerate();
        all.filter(move |(n, form)| form.marks(mark) && forked & 1 << n == 0)
    }

    fn fork(&mut self, mark: u8, around: &mut Around<'_>) {
        for (n, form) in self.new_forms(mark) {
            self.forked |= 1 << n;
            around.work.take(LOOK + self.bytes.len() as u64 / 16);
            around.forks.push(self.split(form));
        }
    }

    fn split(&self, form: Form) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.bytes.capacity()));
        bytes.extend_from_slice(&self.bytes);
        Self { form, bytes, hasher: self.hasher.clone(), ..*self }
    }

    /// How many bytes it holds.
    pub(super) fn holds(&self) -> usize {
        self.bytes.capacity()
    }

    /// The text before `by` has been cut off.
    pub(super) fn shift(&mut self, by: usize) {
        self.at -= by;
    }
}
