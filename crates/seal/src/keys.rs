//! The root key of a file and the four keys made from it.

use crate::{error::Result, hash::hkdf_key, ids::FileId, random::Random};
use secret::Key;

/// R: 32 random bytes for one epoch of one file. On disk it is only ever wrapped, in slots.
#[derive(Debug)]
pub struct Root(pub(crate) Key);

impl Root {
    /// A fresh root key.
    ///
    /// # Errors
    /// When there is no locked memory or no randomness.
    pub fn random(random: &mut dyn Random) -> Result<Self> {
        let mut key = Key::zeroed()?;
        random.fill(key.expose_mut())?;
        Ok(Self(key))
    }

    /// The keys of a file in an epoch.
    ///
    /// # Errors
    /// When there is no locked memory.
    pub fn file_keys(&self, file_id: &FileId, epoch: u64) -> Result<FileKeys> {
        let mut salt = [0; 24];
        salt[..16].copy_from_slice(&file_id.0);
        salt[16..].copy_from_slice(&epoch.to_le_bytes());
        let key = |name: &[u8]| hkdf_key(&salt, self.0.expose(), &[b"svault/1/", name]);
        Ok(FileKeys { mac: key(b"mac")?, chain: key(b"chain")?, meta: key(b"meta")?, value: key(b"value")? })
    }
}

/// The keys of one file in one epoch.
#[derive(Debug)]
pub struct FileKeys {
    /// Of the header.
    pub(crate) mac: Key,
    /// Of the chain.
    pub(crate) chain: Key,
    /// Of what is read at unlock.
    pub(crate) meta: Key,
    /// Of what stays ciphertext until asked for.
    pub(crate) value: Key,
}
