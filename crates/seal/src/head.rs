//! A head: the point up to which a file is known to be on disk. Heads are what a rollback is noticed by.

use crate::{error::Place, ids::FileId};

/// The end of a file's last transaction that is known to be synced.
///
/// Only [`crate::Log::head`] makes a new one, and only of bytes that an fdatasync has covered; [`crate::heads`] and
/// the store's checkpoints carry it on. So a head never names bytes that a power cut could take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub(crate) file_id: FileId,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) chain: [u8; 32],
}

/// Bytes of an encoded head.
pub const HEAD_LEN: usize = 16 + 4 * 8 + 32;

impl Head {
    /// The file it is of.
    #[must_use]
    pub fn file_id(&self) -> FileId {
        self.file_id
    }

    /// The epoch of that file's root key.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where it is in the file.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { generation: self.generation, frames: self.frames, bytes: self.bytes }
    }

    /// The chain value there.
    #[must_use]
    pub fn chain(&self) -> &[u8; 32] {
        &self.chain
    }

    /// Its canonical bytes: for the heads file and for the store's checkpoint records.
    #[must_use]
    pub fn encode(&self) -> [u8; HEAD_LEN] {
        let mut out = [0; HEAD_LEN];
        let fields: [&[u8]; 6] = [
            &self.file_id.0,
            &self.epoch.to_le_bytes(),
            &self.generation.to_le_bytes(),
            &self.frames.to_le_bytes(),
            &self.bytes.to_le_bytes(),
            &self.chain,
        ];
        let mut at = 0;
        for field in fields {
            out[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        out
    }

    /// Reads what [`Head::encode`] wrote. Call it only on bytes that were authenticated: under the MAC of the heads
    /// file, or in a record of the store.
    ///
    /// # Errors
    /// `Bounds` when the length differs.
    pub fn decode(bytes: &[u8]) -> crate::Result<Self> {
        let mut r = crate::codec::Reader::new(bytes);
        let head = Self {
            file_id: FileId(r.array()?),
            epoch: r.u64()?,
            generation: r.u64()?,
            frames: r.u64()?,
            bytes: r.u64()?,
            chain: r.array()?,
        };
        r.end()?;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encode_and_decode_agree() {
        let head =
            Head { file_id: FileId([1; 16]), epoch: 2, generation: 3, frames: 4, bytes: 5, chain: [6; 32] };
        assert_eq!(Head::decode(&head.encode()).unwrap(), head);
        assert_eq!(Head::decode(&head.encode()[1..]).unwrap_err().name(), "Bounds");
    }
}
