//! One frame: its layout, its two encryptions and its link in the chain.

use crate::{
    cipher::{Cipher, NONCE, TAG},
    codec::Reader,
    error::{At, Error, Result},
    hash::{self, Hasher},
    ids::{FileId, RecordId},
    keys::FileKeys,
    meta::{Meta, New, Op, ValueAt, padded_meta, padded_value, unpad},
    random::Random,
};
use secret::Bytes;

/// Bytes of a frame's fixed front.
pub(crate) const FRONT: usize = 16;
/// Bytes of a link of the chain.
pub(crate) const CHAIN: usize = 32;
/// The longest frame, all of it.
pub const MAX_FRAME: usize = 1 << 20;
/// The longest file.
pub const MAX_FILE: u64 = 4 << 30;

/// The fixed front of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) meta_len: u32,
    pub(crate) value_len: u32,
    pub(crate) tx_count: u32,
}

impl Front {
    /// Parses and checks every bound; the rest of the frame has not been looked at.
    pub(crate) fn parse(bytes: &[u8; FRONT]) -> Result<Self, &'static str> {
        let [m0, m1, m2, m3, v0, v1, v2, v3, flags @ .., t0, t1, t2, t3] = *bytes;
        let front = Self {
            meta_len: u32::from_le_bytes([m0, m1, m2, m3]),
            value_len: u32::from_le_bytes([v0, v1, v2, v3]),
            tx_count: u32::from_le_bytes([t0, t1, t2, t3]),
        };
        if flags != [0; 4] {
            return Err("unknown flags of a frame");
        }
        let limit = MAX_FRAME as u32;
        if front.meta_len == 0 || !front.meta_len.is_multiple_of(64) || front.meta_len > limit {
            return Err("a frame's meta length");
        }
        if front.value_len > limit || front.len() > MAX_FRAME {
            return Err("a frame's value length");
        }
        Ok(front)
    }

    fn encode(self) -> [u8; FRONT] {
        let mut out = [0; FRONT];
        out[0..4].copy_from_slice(&self.meta_len.to_le_bytes());
        out[4..8].copy_from_slice(&self.value_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.tx_count.to_le_bytes());
        out
    }

    /// Bytes of the whole frame.
    pub(crate) fn len(self) -> usize {
        let value = if self.value_len == 0 { 0 } else { NONCE + self.value_len as usize + TAG };
        FRONT + NONCE + self.meta_len as usize + TAG + value + CHAIN
    }
}

/// A frame's bytes, cut into its fields.
pub(crate) struct Parts<'a> {
    pub(crate) front: Front,
    front_bytes: &'a [u8],
    pub(crate) meta: Sealed<'a>,
    pub(crate) value: Option<Sealed<'a>>,
    pub(crate) chain: [u8; CHAIN],
}

/// A nonce, what is encrypted under it, and its tag.
pub(crate) struct Sealed<'a> {
    pub(crate) nonce: [u8; NONCE],
    bytes: &'a [u8],
    pub(crate) tag: [u8; TAG],
}

impl<'a> Parts<'a> {
    /// `bytes` are exactly the frame, as long as its front says.
    pub(crate) fn split(front: Front, bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let front_bytes = r.bytes(FRONT)?;
        let meta = Sealed::read(&mut r, front.meta_len)?;
        let value = (front.value_len > 0).then(|| Sealed::read(&mut r, front.value_len)).transpose()?;
        let parts = Self { front, front_bytes, meta, value, chain: r.array()? };
        r.end()?;
        Ok(parts)
    }
}

impl<'a> Sealed<'a> {
    fn read(r: &mut Reader<'a>, len: u32) -> Result<Self> {
        Ok(Self { nonce: r.array()?, bytes: r.bytes(len as usize)?, tag: r.array()? })
    }
}

/// The expanded keys of one file and epoch. Short-lived: on the stack of one call.
pub(crate) struct Crypt {
    meta: Cipher,
    value: Cipher,
    chain: Hasher,
    /// file_id | epoch
    bound_to: [u8; 24],
}

/// What sealing a frame gives besides its bytes.
pub(crate) struct Placed {
    pub(crate) chain: [u8; CHAIN],
    pub(crate) value_at: Option<ValueAt>,
}

impl Crypt {
    pub(crate) fn new(keys: &FileKeys, file_id: &FileId, epoch: u64) -> Self {
        Self {
            meta: Cipher::new(&keys.meta),
            value: Cipher::new(&keys.value),
            chain: Hasher::new(&keys.chain),
            bound_to: bound_to(file_id, epoch),
        }
    }

    /// The link that this frame must have after `previous`.
    pub(crate) fn link(&self, previous: &[u8; CHAIN], parts: &Parts<'_>) -> [u8; CHAIN] {
        let (meta, value) = (&parts.meta, parts.value.as_ref());
        let (value_nonce, value_tag): (&[u8], &[u8]) =
            value.map_or((&[], &[]), |v| (v.nonce.as_slice(), v.tag.as_slice()));
        self.chain.mac(&[previous, parts.front_bytes, &meta.nonce, value_nonce, &meta.tag, value_tag])
    }

    /// Whether the frame's link is the one that follows `previous`.
    pub(crate) fn linked(&self, previous: &[u8; CHAIN], parts: &Parts<'_>) -> bool {
        hash::same(&self.link(previous, parts), &parts.chain)
    }

    /// Decrypts and checks the meta into the end of `out`; what does not hold, if something does not.
    pub(crate) fn open_meta<'o>(
        &self,
        parts: &Parts<'_>,
        out: &'o mut Vec<u8>,
    ) -> Result<Meta<'o>, &'static str> {
        let (at, sealed) = (out.len(), &parts.meta);
        out.resize(at + sealed.bytes.len(), 0);
        let plain = &mut out[at..];
        if !self.meta.open(
            &sealed.nonce,
            &meta_ad(&self.bound_to, parts.front),
            sealed.bytes,
            &sealed.tag,
            plain,
        ) {
            return Err("a meta's tag");
        }
        let meta = Meta::decode_padded(&out[at..]).ok_or("a meta's encoding")?;
        if meta.op != Op::Put && parts.value.is_some() {
            return Err("a value where none may be");
        }
        Ok(meta)
    }

    /// Decrypts the value of a frame, when it has one.
    pub(crate) fn open_value(&self, parts: &Parts<'_>, meta: &Meta<'_>) -> Result<Option<Bytes>, Bad> {
        let Some(sealed) = &parts.value else { return Ok(None) };
        let ad = value_ad(&self.bound_to, parts.front, &meta.record, meta.version);
        open_value(&self.value, sealed, &ad).map(Some)
    }

    /// Seals a frame onto the end of `out`. `offset` is where `out` begins in the file.
    pub(crate) fn seal(
        &self,
        previous: &[u8; CHAIN],
        new: &New<'_>,
        tx_count: u32,
        offset: u64,
        random: &mut dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<Placed> {
        let front = Front {
            meta_len: fit(padded_meta(new.meta.encoded_len()))?,
            value_len: new.value.map_or(Ok(0), |v| fit(padded_value(v.len())))?,
            tx_count,
        };
        if front.len() > MAX_FRAME {
            return Err(too_big());
        }
        if new.meta.op != Op::Put && new.value.is_some() {
            return Err(Error::Record { at: At::default(), offset: 0, what: "only a put has a value" });
        }
        let start = out.len();
        let mut nonces = [0; 2 * NONCE];
        random.fill(&mut nonces[..if front.value_len > 0 { 2 * NONCE } else { NONCE }])?;
        let (meta_nonce, value_nonce) = nonces.split_at(NONCE);
        out.extend_from_slice(&front.encode());
        self.seal_meta(front, &new.meta, meta_nonce, out)?;
        if let Some(value) = new.value {
            self.seal_value(front, &new.meta, value, value_nonce, out)?;
        }
        out.extend_from_slice(&[0; CHAIN]);
        let chain = self.link(previous, &Parts::split(front, &out[start..])?);
        let end = out.len();
        out[end - CHAIN..].copy_from_slice(&chain);
        let value_at = (front.value_len > 0).then_some(ValueAt {
            offset: offset + start as u64,
            meta_len: front.meta_len,
            value_len: front.value_len,
            record: new.meta.record,
            version: new.meta.version,
        });
        Ok(Placed { chain, value_at })
    }

    fn seal_meta(&self, front: Front, meta: &Meta<'_>, nonce: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut plain = Vec::with_capacity(front.meta_len as usize);
        meta.encode_padded(&mut plain);
        seal_into(&self.meta, nonce, &meta_ad(&self.bound_to, front), &plain, out)
    }

    fn seal_value(
        &self,
        front: Front,
        meta: &Meta<'_>,
        value: &[u8],
        nonce: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut plain = Bytes::zeroed(front.value_len as usize)?;
        let (len, rest) = plain.expose_mut().split_at_mut(4);
        len.copy_from_slice(&(value.len() as u32).to_le_bytes());
        rest[..value.len()].copy_from_slice(value);
        seal_into(
            &self.value,
            nonce,
            &value_ad(&self.bound_to, front, &meta.record, meta.version),
            plain.expose(),
            out,
        )
    }
}

/// Decrypts a value from its part of the frame: nonce, ciphertext, tag.
pub(crate) fn open_value_at(
    keys: &FileKeys,
    file_id: &FileId,
    epoch: u64,
    at: &ValueAt,
    bytes: &[u8],
) -> Result<Bytes, Bad> {
    let front = Front { meta_len: at.meta_len, value_len: at.value_len, tx_count: 0 };
    let sealed = Sealed::read(&mut Reader::new(bytes), at.value_len);
    let sealed = sealed.map_err(|_| Bad::What("a value's length"))?;
    let ad = value_ad(&bound_to(file_id, epoch), front, &at.record, at.version);
    open_value(&Cipher::new(&keys.value), &sealed, &ad)
}

fn open_value(cipher: &Cipher, sealed: &Sealed<'_>, ad: &[u8]) -> Result<Bytes, Bad> {
    let mut plain = Bytes::zeroed(sealed.bytes.len()).map_err(Bad::Memory)?;
    if !cipher.open(&sealed.nonce, ad, sealed.bytes, &sealed.tag, plain.expose_mut()) {
        return Err(Bad::What("a value's tag"));
    }
    let len = unpad(plain.expose(), padded_value).ok_or(Bad::What("a value's padding"))?.len();
    plain.expose_mut().copy_within(4..4 + len, 0);
    plain.truncate(len);
    Ok(plain)
}

pub(crate) fn bound_to(file_id: &FileId, epoch: u64) -> [u8; 24] {
    let mut out = [0; 24];
    out[..16].copy_from_slice(&file_id.0);
    out[16..].copy_from_slice(&epoch.to_le_bytes());
    out
}

pub(crate) fn meta_ad(bound_to: &[u8; 24], front: Front) -> [u8; 33] {
    let mut ad = [0; 33];
    ad[..24].copy_from_slice(bound_to);
    ad[24] = 1;
    ad[25..29].copy_from_slice(&front.meta_len.to_le_bytes());
    ad[29..33].copy_from_slice(&front.value_len.to_le_bytes());
    ad
}

pub(crate) fn value_ad(bound_to: &[u8; 24], front: Front, record: &RecordId, version: u64) -> [u8; 57] {
    let mut ad = [0; 57];
    ad[..33].copy_from_slice(&meta_ad(bound_to, front));
    ad[24] = 2;
    ad[33..49].copy_from_slice(&record.0);
    ad[49..].copy_from_slice(&version.to_le_bytes());
    ad
}

fn seal_into(cipher: &Cipher, nonce: &[u8], ad: &[u8], plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let nonce: &[u8; NONCE] = nonce.try_into().map_err(|_| Error::bounds("a nonce"))?;
    out.extend_from_slice(nonce);
    let at = out.len();
    out.resize(at + plain.len(), 0);
    let tag = cipher.seal(nonce, ad, plain, &mut out[at..])?;
    out.extend_from_slice(&tag);
    Ok(())
}

/// Why a value can't be had.
pub(crate) enum Bad {
    /// It does not hold.
    What(&'static str),
    /// There is no locked memory for it.
    Memory(secret::Error),
}

fn fit(len: usize) -> Result<u32> {
    if len <= MAX_FRAME { Ok(len as u32) } else { Err(too_big()) }
}

fn too_big() -> Error {
    Error::TooBig { at: At::default(), what: "one entry may have 1 MiB" }
}

/// The place of a frame's value within the frame.
pub(crate) fn value_range(at: &ValueAt) -> (u64, usize) {
    let before = FRONT + NONCE + at.meta_len as usize + TAG;
    (at.offset + before as u64, NONCE + at.value_len as usize + TAG)
}
