//! A secret of any length in locked memory.

use crate::{Error, Result, arena::Block};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Bytes in locked memory, of a length that never grows; wiped on drop.
///
/// No `Clone`, no `PartialEq` (use [`Bytes::ct_eq`]), and a `Debug` that shows nothing.
pub struct Bytes(Block);

impl Bytes {
    /// `len` zero bytes, to be filled through [`Bytes::expose_mut`].
    ///
    /// # Errors
    /// When no (locked) memory can be had.
    pub fn zeroed(len: usize) -> Result<Self> {
        Block::zeroed(len).map(Self)
    }

    /// A copy of `from`. Whoever owns `from` wipes it.
    ///
    /// # Errors
    /// When no (locked) memory can be had.
    pub fn copy_from(from: &[u8]) -> Result<Self> {
        let mut to = Self::zeroed(from.len())?;
        to.expose_mut().copy_from_slice(from);
        Ok(to)
    }

    /// Takes over a vector: its bytes are copied, then its whole capacity is wiped, also when this fails.
    ///
    /// # Errors
    /// When no (locked) memory can be had.
    pub fn from_vec(from: Vec<u8>) -> Result<Self> {
        let from = Zeroizing::new(from);
        Self::copy_from(&from)
    }

    /// `len` random bytes from the kernel.
    ///
    /// # Errors
    /// When no (locked) memory or no randomness can be had.
    pub fn random(len: usize) -> Result<Self> {
        let mut to = Self::zeroed(len)?;
        getrandom::fill(to.expose_mut()).map_err(Error::NoRandomness)?;
        Ok(to)
    }

    /// The secret. Don't copy it out of here.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The secret, to be written.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        self.0.bytes_mut()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.bytes().len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first `len` bytes and wipes the rest; does nothing when it is no longer than that.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.0.bytes_mut().get_mut(len..) {
            rest.zeroize();
            self.0.shorten(len);
        }
    }

    /// Whether the bytes are the same, in a time that depends on the lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.expose().ct_eq(other).into()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_printed_not_even_the_length() {
        let b = Bytes::copy_from(b"sk-test-abc").unwrap();
        assert_eq!(format!("{b:?}"), "Bytes(..)");
        assert_eq!(format!("{b:#?}"), "Bytes(..)");
    }

    #[test]
    fn truncate_wipes_what_it_cuts_off() {
        let mut b = Bytes::copy_from(b"sk-test-abc").unwrap();
        b.truncate(100);
        assert_eq!(b.len(), 11);
        b.truncate(3);
        assert_eq!(b.expose(), b"sk-");
        assert_eq!(b.0.whole(), &{
            let mut all = [0; 32];
            all[..3].copy_from_slice(b"sk-");
            all
        });
        b.truncate(0);
        assert!(b.is_empty());
    }

    #[test]
    fn comparing_looks_at_length_and_content() {
        let b = Bytes::copy_from(b"sk-test-abc").unwrap();
        assert!(b.ct_eq(b"sk-test-abc"));
        assert!(!b.ct_eq(b"sk-test-abd"));
        assert!(!b.ct_eq(b"sk-test-ab"));
        assert!(Bytes::zeroed(0).unwrap().ct_eq(b""));
    }

    #[test]
    fn a_vector_with_spare_room_is_taken_over() {
        let mut v = Vec::with_capacity(4096);
        v.extend_from_slice(b"sk-test-abc");
        assert_eq!(Bytes::from_vec(v).unwrap().expose(), b"sk-test-abc");
    }
}
