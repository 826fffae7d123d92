//! XAES-256-GCM (C2SP): AES-256-GCM under a key derived from the first half of a 24-byte nonce.
//!
//! The associated data goes to the inner AES-256-GCM unchanged, as C2SP has it.

use crate::error::{Error, Result};
use secret::Key;
use xaes_256_gcm::{
    Xaes256Gcm,
    aead::{AeadInOut, KeyInit, inout::InOutBuf},
};

/// Bytes of a nonce.
pub const NONCE: usize = 24;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// An expanded key. Its schedule lies in ordinary memory and is wiped on drop: keep it on the stack, for one call.
pub(crate) struct Cipher(Xaes256Gcm);

impl Cipher {
    pub(crate) fn new(key: &Key) -> Self {
        Self(Xaes256Gcm::new(key.expose().into()))
    }

    /// Encrypts `plain` into `out`, which has the same length.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE],
        ad: &[u8],
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<[u8; TAG]> {
        let buffer = InOutBuf::new(plain, out).map_err(|_| Error::bounds("buffers differ in length"))?;
        let tag = self.0.encrypt_inout_detached(nonce.into(), ad, buffer);
        tag.map(Into::into).map_err(|_| Error::bounds("too long for one encryption"))
    }

    /// Decrypts `sealed` into `out`, which has the same length; `false` (and an unchanged `out`) when the tag is wrong.
    #[must_use]
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE],
        ad: &[u8],
        sealed: &[u8],
        tag: &[u8; TAG],
        out: &mut [u8],
    ) -> bool {
        InOutBuf::new(sealed, out)
            .is_ok_and(|buffer| self.0.decrypt_inout_detached(nonce.into(), ad, buffer, tag.into()).is_ok())
    }
}
