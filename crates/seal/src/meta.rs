//! What a frame says about a record, its encoding, and the padding that hides lengths.

use crate::{codec::Reader, ids::RecordId};

/// What a frame does to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// A new version; its value, if it has one, is in this frame.
    Put,
    /// A new version with a new body and an older version's value.
    Meta {
        /// The version whose frame holds the value.
        names_version: u64,
    },
    /// The record is gone.
    Remove,
}

/// What is read at unlock. The body is what the crates above make of it; it is no place for keys or values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta<'a> {
    /// What the frame does.
    pub op: Op,
    /// Kind of record; the numbers belong to the crates above.
    pub kind: u8,
    /// Which record.
    pub record: RecordId,
    /// The record's version after this frame.
    pub version: u64,
    /// Whatever else there is to say.
    pub body: &'a [u8],
}

/// Where a value lies in a file. Good for the generation it was read or written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueAt {
    pub(crate) offset: u64,
    pub(crate) meta_len: u32,
    pub(crate) value_len: u32,
    pub(crate) record: RecordId,
    pub(crate) version: u64,
}

/// A frame to be written.
#[derive(Clone, Copy)]
pub struct New<'a> {
    /// What is read at unlock.
    pub meta: Meta<'a>,
    /// What stays ciphertext until asked for; only a put has one.
    pub value: Option<&'a [u8]>,
}

/// A frame that was read.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What it says.
    pub meta: Meta<'a>,
    /// Where its value is, when it has one.
    pub value_at: Option<ValueAt>,
    /// Where it begins in the file.
    pub offset: u64,
    /// Whether a transaction ends here.
    pub tx_end: bool,
}

const PUT: u8 = 1;
const META: u8 = 2;
const REMOVE: u8 = 3;

impl<'a> Meta<'a> {
    /// Bytes of the encoding, without length and padding.
    pub(crate) fn encoded_len(&self) -> usize {
        26 + if matches!(self.op, Op::Meta { .. }) { 8 } else { 0 } + self.body.len()
    }

    /// Length, encoding and zeros, into `out`, which has exactly [`padded_meta`] bytes and is zero.
    pub(crate) fn encode_padded(&self, out: &mut Vec<u8>) {
        use crate::codec::Write;
        let len = self.encoded_len();
        out.put_u32(len as u32);
        out.put_u8(match self.op {
            Op::Put => PUT,
            Op::Meta { .. } => META,
            Op::Remove => REMOVE,
        });
        out.put_u8(self.kind).put(&self.record.0).put_u64(self.version);
        if let Op::Meta { names_version } = self.op {
            out.put_u64(names_version);
        }
        out.put(self.body);
        out.resize(out.len() + padded_meta(len) - 4 - len, 0);
    }

    /// Reads a padded encoding; `None` when any byte of it is not as it would have been written.
    pub(crate) fn decode_padded(plain: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(unpad(plain, padded_meta)?);
        let (op, kind) = (r.u8().ok()?, r.u8().ok()?);
        let (record, version) = (RecordId(r.array().ok()?), r.u64().ok()?);
        let op = match op {
            PUT => Op::Put,
            META => Op::Meta { names_version: r.u64().ok()? },
            REMOVE => Op::Remove,
            _ => return None,
        };
        Some(Self { op, kind, record, version, body: r.rest() })
    }
}

/// The length of a meta's plaintext of `len` bytes with its length field and padding: a multiple of 64.
pub(crate) fn padded_meta(len: usize) -> usize {
    (4 + len).next_multiple_of(64)
}

/// The same for a value: a power of two from 32 to 1024, then Padmé (Nikitin et al., PETS 2019): at most 12 % more.
pub(crate) fn padded_value(len: usize) -> usize {
    let n = 4 + len;
    if n <= 1024 {
        return n.next_power_of_two().max(32);
    }
    let exponent = n.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    n.next_multiple_of(1 << (exponent - kept_bits))
}

/// The bytes inside a padding: the length must be the one that gives just this padding, and the rest zeros.
pub(crate) fn unpad(plain: &[u8], padded: fn(usize) -> usize) -> Option<&[u8]> {
    let (len, rest) = plain.split_first_chunk::<4>()?;
    let (bytes, zeros) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    let right = padded(bytes.len()) == plain.len() && zeros.iter().fold(0, |all, z| all | z) == 0;
    right.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_padded_in_few_steps() {
        let of = |n: usize| padded_value(n - 4);
        assert_eq!([4, 31, 32, 33, 64, 65, 1000, 1024].map(of), [32, 32, 32, 64, 64, 128, 1024, 1024]);
        assert_eq!([1025, 1088, 1089, 2049, 100_000].map(of), [1088, 1088, 1152, 2176, 100_352]);
        for n in (4..70_000).step_by(7) {
            let padded = of(n);
            assert!(padded >= n && (n <= 1024 || (padded - n) as f64 / (n as f64) < 0.12), "{n} {padded}");
            assert_eq!(of(padded), padded);
        }
    }

    #[test]
    fn meta_comes_back_and_nothing_else_is_taken() {
        for op in [Op::Put, Op::Meta { names_version: 3 }, Op::Remove] {
            let meta = Meta { op, kind: 9, record: RecordId([7; 16]), version: 4, body: b"body" };
            let mut plain = Vec::new();
            meta.encode_padded(&mut plain);
            assert_eq!(plain.len(), 64);
            assert_eq!(Meta::decode_padded(&plain), Some(meta));
            for (at, byte) in [(63, 1), (4, 4), (0, 61), (3, 1), (0, 5)] {
                let mut bad = plain.clone();
                bad[at] = byte;
                assert_eq!(Meta::decode_padded(&bad), None, "{at} {byte}");
            }
            let mut longer = plain.clone();
            longer.extend([0; 64]);
            assert_eq!(Meta::decode_padded(&longer), None);
        }
        assert_eq!(Meta::decode_padded(&[]), None);
        assert_eq!(Meta::decode_padded(&[0; 64]), None);
    }
}
