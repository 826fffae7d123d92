//! Where nonces, ids and keys come from: the kernel, except where test vectors are made.

use crate::error::{Error, Result};

/// A source of randomness. The only one in the product is [`OsRandom`]; a deterministic one makes vectors.
pub trait Random: Send {
    /// Fills `out`.
    ///
    /// # Errors
    /// When there is no randomness; nothing may be sealed then.
    fn fill(&mut self, out: &mut [u8]) -> Result<()>;
}

/// The kernel's randomness, asked anew each time: nothing is kept, so a copied virtual machine repeats nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        getrandom::fill(out).map_err(Error::Random)
    }
}
