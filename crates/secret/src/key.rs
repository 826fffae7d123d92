//! A key: 32 secret bytes in locked memory.

use crate::{Error, Result, arena::Block};
use std::fmt;
use subtle::ConstantTimeEq;

/// 32 bytes in locked memory; wiped on drop. No `Clone`, and a `Debug` that shows nothing.
pub struct Key(Block);

impl Key {
    /// Bytes in a key.
    pub const LEN: usize = 32;

    /// A key of zeros, to be filled through [`Key::expose_mut`].
    ///
    /// # Errors
    /// When no (locked) memory can be had.
    pub fn zeroed() -> Result<Self> {
        Block::zeroed(Self::LEN).map(Self)
    }

    /// A key from the kernel's randomness.
    ///
    /// # Errors
    /// When no (locked) memory or no randomness can be had.
    pub fn random() -> Result<Self> {
        let mut key = Self::zeroed()?;
        getrandom::fill(key.expose_mut()).map_err(Error::NoRandomness)?;
        Ok(key)
    }

    /// A copy of `from`. Whoever owns `from` wipes it.
    ///
    /// # Errors
    /// When no (locked) memory can be had.
    pub fn copy_from(from: &[u8; Self::LEN]) -> Result<Self> {
        let mut key = Self::zeroed()?;
        key.expose_mut().copy_from_slice(from);
        Ok(key)
    }

    /// The key. Don't copy it out of here.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        self.0.array()
    }

    /// The key, to be written.
    pub fn expose_mut(&mut self) -> &mut [u8; Self::LEN] {
        self.0.array_mut()
    }

    /// Whether the keys are the same, in constant time.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8; Self::LEN]) -> bool {
        self.expose().ct_eq(other).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", Key::copy_from(&[7; 32]).unwrap()), "Key(..)");
    }

    #[test]
    fn random_keys_differ() {
        let (a, b) = (Key::random().unwrap(), Key::random().unwrap());
        assert!(!a.ct_eq(b.expose()));
        assert!(a.ct_eq(a.expose()));
    }
}
