//! Frames that no writer would write, with right tags and links: what lies behind them is read all the same, and a reader
//! must stand it. For the fuzzer, which could never guess a key.

use super::{
    forge::{Forged, frame_after, padded},
    good::{self, Made},
};
use crate::{
    Head, Header, RecordId, Result, Root,
    frame::MAX_FRAME,
    meta::{padded_meta, padded_value},
};

/// A vault whose keys are known.
pub struct Behind(Made);

/// One frame, as it will stand in the file.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a> {
    /// Any byte but 0 is an unknown one.
    pub flags: u8,
    /// How many frames the transaction has that ends here; 0: it goes on.
    pub tx_count: u32,
    /// What is encrypted as its meta.
    pub meta: &'a [u8],
    /// What is encrypted as its value.
    pub value: Option<&'a [u8]>,
    /// Whether both are padded as a writer does it; else they are taken as they are, length and padding included.
    pub padded: bool,
}

impl Behind {
    /// The vault of the vectors, which has every operation.
    ///
    /// # Errors
    /// When locked memory can't be had.
    pub fn new() -> Result<Self> {
        good::vault().map(Self)
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Its end.
    #[must_use]
    pub fn head(&self) -> Head {
        self.0.head
    }

    /// Its root key.
    ///
    /// # Errors
    /// Where it is not this file's header.
    pub fn unlock(&self, header: &Header) -> Result<Root> {
        self.0.unlock.root(header)
    }

    /// A file that begins as this one does, with one more frame.
    ///
    /// # Errors
    /// When it is longer than a frame may be.
    pub fn with(&self, file: Vec<u8>, frame: &Plain<'_>) -> Result<Vec<u8>> {
        let (meta, value) = match frame.padded {
            true => (
                padded(frame.meta, padded_meta(frame.meta.len())),
                frame.value.map(|value| padded(value, padded_value(value.len()))),
            ),
            false => (frame.meta.to_vec(), frame.value.map(<[u8]>::to_vec)),
        };
        if meta.len() + value.as_ref().map_or(0, Vec::len) > MAX_FRAME / 2 {
            return Err(crate::Error::bounds("a forged frame"));
        }
        // A value is bound to the record and version of its meta: operation, kind, record, version.
        let said = |from: usize, to: usize| meta.get(4 + from..4 + to);
        let record = said(2, 18).and_then(|id| id.try_into().ok()).unwrap_or_default();
        let version = said(18, 26).and_then(|n| n.try_into().ok()).map_or(0, u64::from_le_bytes);
        let forged = Forged {
            flags: [frame.flags, 0, 0, 0],
            tx_count: frame.tx_count,
            meta: &meta,
            value: value.as_deref().filter(|value| !value.is_empty()),
            record: RecordId(record),
            version,
        };
        frame_after(&self.0, file, &forged)
    }
}
