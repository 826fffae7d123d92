//! How much a search for hidden values may do: by the length of the text alone, so that neither a text nor a value can
//! make it long.

/// Units for a text of any length: what has begun before it goes on in it.
const LEAST: u64 = 128 << 10;
/// Units for each byte of a text. A text that is made of heads of a value, or of half of one, needs no more than this
/// unless the value repeats itself from its beginning on.
const FOR_EACH_BYTE: u64 = 40;

/// What a look at one start takes besides the bytes that it reads, and a look-up by a hash.
pub(super) const LOOK: u64 = 8;

/// Units of work that a search of a text of so many bytes does at most. One unit is one character of a form that is read.
#[must_use]
pub const fn work_allowed(len: usize) -> u64 {
    LEAST + FOR_EACH_BYTE * len as u64
}

/// There was more to look at in a text than is ever done: not all of its values were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuchWork;

/// What is left of it.
pub(super) struct Work {
    allowed: u64,
    done: u64,
}

impl Work {
    pub(super) fn new(len: usize) -> Self {
        Self { allowed: work_allowed(len), done: 0 }
    }

    /// Takes so many units. False: there are none left.
    pub(super) fn take(&mut self, units: u64) -> bool {
        if self.is_over() {
            return false;
        }
        self.done = self.done.saturating_add(units);
        !self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        self.done > self.allowed
    }

    pub(super) fn done(&self) -> u64 {
        self.done
    }
}
