//! SHA-256 as HMAC and HKDF, with results in locked memory where they are keys.

use crate::error::{Error, Result};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use secret::Key;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// HKDF-SHA-256 (RFC 5869): extract and expand in one, a 32-byte key.
pub(crate) fn hkdf_key(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> Result<Key> {
    let (prk, mut key) = (extract(salt, ikm)?, Key::zeroed()?);
    expand(&prk, info, key.expose_mut())?;
    Ok(key)
}

/// HKDF-Extract alone: the pseudorandom key S of a slot.
pub(crate) fn extract(salt: &[u8], ikm: &[u8]) -> Result<Key> {
    let mut prk = Key::zeroed()?;
    let (mut out, _) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    prk.expose_mut().copy_from_slice(&out);
    out.as_mut_slice().zeroize();
    Ok(prk)
}

/// HKDF-Expand of a key made by [`extract`].
pub(crate) fn expand(prk: &Key, info: &[&[u8]], out: &mut [u8]) -> Result<()> {
    let hkdf = Hkdf::<Sha256>::from_prk(prk.expose()).map_err(|_| Error::bounds("a key is too short"))?;
    hkdf.expand_multi_info(info, out).map_err(|_| Error::bounds("a derived key is too long"))
}

/// HMAC-SHA-256 (RFC 2104) under one key, many times. Holds key material: keep it on the stack and short-lived.
pub(crate) struct Hasher(Hmac<Sha256>);

impl Hasher {
    pub(crate) fn new(key: &Key) -> Self {
        // HMAC fills a key up with zeros to one block of the hash (RFC 2104): the same thing, without an error path.
        let mut block = [0; 64];
        block[..32].copy_from_slice(key.expose());
        let mac = Hmac::new(&block.into());
        block.zeroize();
        Self(mac)
    }

    /// The MAC over the concatenation of `parts`.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// One MAC.
pub(crate) fn mac(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    Hasher::new(key).mac(parts)
}

/// Compares two MACs or commitments in constant time.
#[must_use]
pub(crate) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}
