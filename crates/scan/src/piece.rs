//! A buffer that text comes into at its end and goes out of at its beginning, without a copy between.

use std::ops::Deref;
use zeroize::Zeroize;

/// A piece of a text. As a slice it is what is not out yet. Wiped when it is dropped.
#[derive(Default)]
pub struct Piece {
    /// All of it can be written to; what is behind `end` is nothing.
    bytes: Vec<u8>,
    /// How much of the text is out.
    out: usize,
    end: usize,
}

impl Piece {
    /// The text, with what is out.
    pub(crate) fn all(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// How much of the text is out.
    pub(crate) fn out(&self) -> usize {
        self.out
    }

    /// The text is out up to here.
    pub(crate) fn let_go(&mut self, end: usize) {
        self.out = end;
    }

    /// At least so many bytes of room behind the text.
    pub(crate) fn room(&mut self, least: usize) -> &mut [u8] {
        let needed = self.end + least;
        if needed > self.bytes.len() {
            // A little more, for what is held back when as much is to come again.
            let mut bytes = vec![0; (needed + needed / 8).max(2 * self.bytes.len())];
            bytes[..self.end].copy_from_slice(self.all());
            std::mem::swap(&mut self.bytes, &mut bytes);
            bytes.zeroize();
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes of the room are text now.
    pub(crate) fn filled(&mut self, bytes: usize) {
        self.end = self.bytes.len().min(self.end + bytes);
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.room(text.len())[..text.len()].copy_from_slice(text);
        self.filled(text.len());
    }

    /// No text any more; the buffer stays.
    pub fn clear(&mut self) {
        (self.out, self.end) = (0, 0);
    }

    /// Drops the first bytes, which are out.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.bytes.copy_within(bytes..self.end, 0);
        (self.out, self.end) = (self.out - bytes, self.end - bytes);
    }

    /// Leaves the text up to `end` in `to`, and goes on in the buffer of that, with the text from `keep` on.
    pub(crate) fn hand_over(&mut self, keep: usize, end: usize, to: &mut Self) {
        to.clear();
        to.push(&self.all()[keep..]);
        to.out = end - keep;
        std::mem::swap(self, to);
        to.end = end;
    }

    pub(crate) fn wipe(&mut self) {
        self.bytes.zeroize();
        self.clear();
    }
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.out..self.end]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
