//! Writing what the real writer never would, with right keys: frames and headers byte by byte.

use super::good::Made;
use crate::{Head, Header, RecordId, Result, cipher::Cipher, codec::Write, frame, hash, ids::FileId};

/// A frame to be forged: each field as it will stand in the file.
pub(super) struct Forged<'a> {
    pub(super) flags: [u8; 4],
    pub(super) tx_count: u32,
    /// With length and padding.
    pub(super) meta: &'a [u8],
    /// With length and padding.
    pub(super) value: Option<&'a [u8]>,
    /// What the value is bound to.
    pub(super) record: RecordId,
    pub(super) version: u64,
}

impl Default for Forged<'_> {
    fn default() -> Self {
        Self { flags: [0; 4], tx_count: 1, meta: &[], value: None, record: RecordId([1; 16]), version: 1 }
    }
}

/// The file with one more frame whose encryption and link are right.
pub(super) fn with_frame(made: &Made, forged: &Forged<'_>) -> Result<Vec<u8>> {
    frame_after(made, made.bytes.clone(), forged)
}

/// The same behind other frames of that file.
pub(super) fn frame_after(made: &Made, mut out: Vec<u8>, forged: &Forged<'_>) -> Result<Vec<u8>> {
    let previous: [u8; 32] = out[out.len() - 32..].try_into().map_err(|_| crate::Error::bounds("a chain"))?;
    let start = out.len();
    let value_len = forged.value.map_or(0, <[u8]>::len) as u32;
    out.put_u32(forged.meta.len() as u32).put_u32(value_len).put(&forged.flags).put_u32(forged.tx_count);
    let front = out[start..].to_vec();
    let bound = frame::bound_to(&made.header.file_id, made.header.epoch);
    let lens = frame::Front { meta_len: forged.meta.len() as u32, value_len, tx_count: 0 };
    let (meta_nonce, value_nonce) = ([0x6d; 24], [0x76; 24]);
    let mut sealed = vec![0; forged.meta.len()];
    let meta_tag = Cipher::new(&made.keys.meta).seal(
        &meta_nonce,
        &frame::meta_ad(&bound, lens),
        forged.meta,
        &mut sealed,
    )?;
    out.put(&meta_nonce).put(&sealed).put(&meta_tag);
    let mut link = vec![previous.to_vec(), front, meta_nonce.to_vec()];
    let mut tags = vec![meta_tag.to_vec()];
    if let Some(value) = forged.value {
        let ad = frame::value_ad(&bound, lens, &forged.record, forged.version);
        let mut sealed = vec![0; value.len()];
        let tag = Cipher::new(&made.keys.value).seal(&value_nonce, &ad, value, &mut sealed)?;
        out.put(&value_nonce).put(&sealed).put(&tag);
        link.push(value_nonce.to_vec());
        tags.push(tag.to_vec());
    }
    link.extend(tags);
    out.put(&hash::mac(&made.keys.chain, &[&link.concat()]));
    Ok(out)
}

/// Length, bytes and `zeros` bytes of padding.
pub(super) fn padded(bytes: &[u8], total: usize) -> Vec<u8> {
    let mut out = (bytes.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(bytes);
    out.resize(total, 0);
    out
}

/// A header without regard for any rule, MACed with the file's key, and the file's frames behind it.
pub(super) fn with_header(made: &Made, header: &Header) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_u8(header.kind as u8).put(&header.file_id.0).put_u64(header.epoch).put_u64(header.generation);
    body.put_u64(header.created).put(&header.parent_chain).put_u8(header.slots.len() as u8);
    header.slots.iter().for_each(|slot| slot.put(&mut body));
    with_body(made, &body)
}

/// The same with the header's bytes as they are.
pub(super) fn with_body(made: &Made, body: &[u8]) -> Vec<u8> {
    let mut out = b"SVAULT\0\x01".to_vec();
    out.put_u32(body.len() as u32).put(body);
    let mac = hash::mac(&made.keys.mac, &[&out]);
    out.put(&mac).put(&made.bytes[made.cuts[0]..]);
    out
}

/// The header's bytes of a file.
pub(super) fn body(made: &Made) -> Vec<u8> {
    made.bytes[12..made.cuts[0] - 32].to_vec()
}

/// The head of another file.
pub(super) fn foreign(head: Head) -> Head {
    Head { file_id: FileId([0xee; 16]), ..head }
}
