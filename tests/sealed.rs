//! The layout of a sealed file, from the text of its format: where each field and each frame lies. It reads no secrets.

use std::ops::Range;
use std::path::Path;

/// A sealed file, taken apart.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// Every field of the header by name, in order. Fields of slots are `slot0.salt` and so on.
    pub fields: Vec<(String, Range<usize>)>,
    /// Every frame, in order.
    pub frames: Vec<Frame>,
}

/// Where a frame and its fields lie.
#[derive(Debug, Clone)]
pub struct Frame {
    /// All of it.
    pub all: Range<usize>,
    /// Its fields by name.
    pub fields: Vec<(String, Range<usize>)>,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: Vec<(String, Range<usize>)>,
}

impl Walk<'_> {
    fn field(&mut self, name: impl Into<String>, len: usize) -> &[u8] {
        let range = self.at..self.at + len;
        self.at += len;
        self.fields.push((name.into(), range.clone()));
        &self.bytes[range]
    }

    fn number(&mut self, name: impl Into<String>, len: usize) -> usize {
        let bytes = self.field(name, len);
        bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b))
    }
}

impl Sealed {
    /// Reads and takes apart; the file must be whole.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("the file");
        assert_eq!(&bytes[..7], b"SVAULT\0", "{}", path.display());
        let mut walk = Walk { bytes: &bytes, at: 0, fields: Vec::new() };
        walk.field("magic", 7);
        walk.field("version", 1);
        let len = walk.number("header_len", 4);
        let end = walk.at + len;
        for (name, len) in [("kind", 1), ("file_id", 16), ("epoch", 8), ("generation", 8), ("created", 8)] {
            walk.field(name, len);
        }
        walk.field("parent_chain", 32);
        let slots = walk.number("slot_count", 1);
        for slot in 0..slots {
            walk.field(format!("slot{slot}.id"), 8);
            walk.field(format!("slot{slot}.flags"), 1);
            let factors = walk.number(format!("slot{slot}.factor_count"), 1);
            for factor in 0..factors {
                walk.field(format!("slot{slot}.factor{factor}.number"), 1);
                let len = walk.number(format!("slot{slot}.factor{factor}.len"), 2);
                walk.field(format!("slot{slot}.factor{factor}.params"), len);
            }
            for (name, len) in [("salt", 32), ("commit", 32), ("nonce", 24), ("wrapped", 48)] {
                walk.field(format!("slot{slot}.{name}"), len);
            }
        }
        assert_eq!(walk.at, end, "the header's length");
        walk.field("header_mac", 32);
        let (start, fields) = (walk.at, walk.fields);
        let frames = frames(&bytes, start);
        Self { bytes, fields, frames }
    }

    /// Where a field of the header lies.
    #[track_caller]
    #[must_use]
    pub fn field(&self, name: &str) -> Range<usize> {
        self.fields.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no field {name}")).1.clone()
    }

    /// The bytes of the header, its MAC included.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.bytes[..self.field("header_mac").end]
    }

    /// The bytes of a frame.
    #[must_use]
    pub fn frame(&self, n: usize) -> &[u8] {
        &self.bytes[self.frames[n].all.clone()]
    }

    /// A file with this header and these frames.
    #[must_use]
    pub fn with_frames<'a>(&self, frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut bytes = self.header().to_vec();
        frames.into_iter().for_each(|f| bytes.extend_from_slice(f));
        bytes
    }

    /// The same with one bit changed in a byte.
    #[must_use]
    pub fn flipped(&self, at: usize, bit: u8) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[at] ^= 1 << bit;
        bytes
    }
}

fn frames(bytes: &[u8], start: usize) -> Vec<Frame> {
    let mut walk = Walk { bytes, at: start, fields: Vec::new() };
    let mut frames = Vec::new();
    while walk.at < bytes.len() {
        let from = walk.at;
        let meta = walk.number("meta_len", 4);
        let value = walk.number("value_len", 4);
        walk.field("flags", 1);
        walk.field("zero", 3);
        walk.field("tx_count", 4);
        walk.field("meta_nonce", 24);
        walk.field("meta_ct", meta);
        walk.field("meta_tag", 16);
        if value > 0 {
            walk.field("value_nonce", 24);
            walk.field("value_ct", value);
            walk.field("value_tag", 16);
        }
        walk.field("chain", 32);
        frames.push(Frame { all: from..walk.at, fields: std::mem::take(&mut walk.fields) });
    }
    frames
}
