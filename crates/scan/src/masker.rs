//! The stream of exact values alone, read into its own buffer and written from it.

use crate::needles::Needles;
use crate::piece::Piece;
use crate::values::Values;
use std::sync::Arc;

/// Bytes that are read at once, at least.
const ROOM: usize = 128 * 1024;

/// Masks exact values in a stream as [`crate::Redactor`] does, and copies no text in which there is nothing to mask: it is
/// read into [`Masker::room`] and comes out in a [`Piece`], whose buffer is the next room.
pub struct Masker(Values);

impl Masker {
    /// At the start of a stream.
    #[must_use]
    pub fn new(needles: Arc<Needles>) -> Self {
        Self(Values::new(needles))
    }

    /// Where input is to be put, from its start on: 128 KiB or more. It may have any text in it.
    pub fn room(&mut self) -> &mut [u8] {
        self.0.room(ROOM)
    }

    /// So many bytes were put into the room. `out` is then what can go out; what it was before is dropped.
    pub fn filled(&mut self, bytes: usize, out: &mut Piece) {
        self.0.filled(bytes, out);
    }

    /// To be called when there was no input for 50 ms, as [`crate::Redactor::idle`].
    pub fn idle(&mut self, out: &mut Piece) {
        out.clear();
        self.0.idle(&mut |text| out.push(text));
    }

    /// To be called at the end of the stream, as [`crate::Redactor::finish`].
    pub fn finish(&mut self, out: &mut Piece) {
        out.clear();
        self.0.finish(&mut |text| out.push(text));
    }

    /// Whether something is held back, so that [`Masker::idle`] has something to do.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.holds()
    }
}
