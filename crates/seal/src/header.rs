//! The header: which file this is, which generation of it, and its slots. Everything is checked here before any KDF runs.

use crate::{
    codec::{Reader, Write},
    error::{At, Error, Result},
    factor::Factor,
    hash,
    ids::{FileId, SlotId},
    keys::FileKeys,
    slot::{Place, Slot},
};

const MAGIC: &[u8; 7] = b"SVAULT\0";
/// The version of the format, part of the magic: there is no negotiation.
pub const VERSION: u8 = 1;
/// Bytes before the header.
pub const PREAMBLE: usize = 12;
/// The longest header.
pub const MAX_HEADER: usize = 64 * 1024;
/// The most slots.
pub const MAX_SLOTS: usize = 16;
/// Bytes of the MAC after the header.
pub const HEADER_MAC: usize = 32;
/// The longest preamble, header and MAC together: read this much and no more to parse one.
pub const MAX_HEAD: usize = PREAMBLE + MAX_HEADER + HEADER_MAC;

const FIXED: usize = 1 + 16 + 3 * 8 + 32 + 1;

/// What a sealed file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FileKind {
    /// The store: keys, policy, seals.
    Store = 1,
    /// One vault's secrets.
    Vault = 2,
    /// A segment of the trail.
    Trail = 3,
    /// Secrets on their way to somewhere else.
    Bundle = 4,
}

impl FileKind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Store, Self::Vault, Self::Trail, Self::Bundle].into_iter().find(|k| *k as u8 == byte)
    }
}

/// A parsed header. Nothing in it is to be believed before its MAC was checked, which needs the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What the file is.
    pub kind: FileKind,
    /// Which file, in all its generations.
    pub file_id: FileId,
    /// Counts root keys.
    pub epoch: u64,
    /// Counts rewrites of the file.
    pub generation: u64,
    /// When this generation was made: seconds since 1970.
    pub created: u64,
    /// Of a trail segment the last chain of the one before; of others the last chain of the previous generation; of a
    /// first file or a bundle zeros.
    pub parent_chain: [u8; 32],
    /// Who can open it.
    pub slots: Vec<Slot>,
}

/// A header's MAC as it stands in the file, and the bytes it covers.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mac: [u8; HEADER_MAC],
}

impl Header {
    /// Parses the front of a file, of which `bytes` are the first [`MAX_HEAD`] or all; also says at which offset the
    /// first frame begins.
    ///
    /// # Errors
    /// `BadMagic`, `Version`, `Bounds`, `Slot`, `Kdf`; no KDF has been run.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize)> {
        Self::parse_sealed(bytes).map(|(header, sealed)| (header, sealed.bytes.len() + HEADER_MAC))
    }

    pub(crate) fn parse_sealed(bytes: &[u8]) -> Result<(Self, Sealed)> {
        let mut r = Reader::new(bytes);
        if r.bytes(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(Error::BadMagic { at: At::default() });
        }
        let found = r.u8()?;
        if found != VERSION {
            return Err(Error::Version { at: At::default(), found });
        }
        let len = r.u32()? as usize;
        if !(FIXED..=MAX_HEADER).contains(&len) {
            return Err(Error::bounds("the header's length"));
        }
        let (body, mac) = (r.bytes(len)?, r.array()?);
        let sealed = Sealed { bytes: bytes[..PREAMBLE + len].to_vec(), mac };
        Ok((Self::read(body)?, sealed))
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = FileKind::from_byte(r.u8()?).ok_or(Error::bounds("unknown kind of file"))?;
        let mut header = Self {
            kind,
            file_id: FileId(r.array()?),
            epoch: r.u64()?,
            generation: r.u64()?,
            created: r.u64()?,
            parent_chain: r.array()?,
            slots: Vec::new(),
        };
        let count = usize::from(r.u8()?);
        if !(1..=MAX_SLOTS).contains(&count) {
            return Err(Error::bounds("a file has 1 to 16 slots"));
        }
        for _ in 0..count {
            header.slots.push(Slot::read(&mut r)?);
        }
        r.end()?;
        header.check()?;
        Ok(header)
    }

    /// Which slot may be in which kind of file.
    fn check(&self) -> Result<()> {
        let [first, rest @ ..] = self.slots.as_slice() else {
            return Err(Error::bounds("a file has 1 to 16 slots"));
        };
        if rest.len() >= MAX_SLOTS {
            return Err(Error::bounds("a file has 1 to 16 slots"));
        }
        for (i, slot) in self.slots.iter().enumerate() {
            slot.spec.check()?;
            if self.slots[..i].iter().any(|other| other.spec.id == slot.spec.id) {
                return Err(Error::slot("two slots with one id"));
            }
        }
        let alone = rest.is_empty().then_some(first.spec.factors.as_slice());
        let store_key = |slot: &Slot| slot.spec.factors.contains(&Factor::Store);
        match (self.kind, alone) {
            (FileKind::Store, _) if self.slots.iter().any(store_key) => {
                Err(Error::slot("the store itself has slots of humans only"))
            }
            (FileKind::Store, _) => Ok(()),
            (FileKind::Vault | FileKind::Trail, Some([Factor::Store])) => Ok(()),
            (FileKind::Vault | FileKind::Trail, _) => Err(Error::slot("it has one slot, with a store key")),
            (FileKind::Bundle, Some([Factor::Passphrase(_) | Factor::Recovery])) => Ok(()),
            (FileKind::Bundle, _) => {
                Err(Error::slot("it has one slot, with a passphrase or a recovery code"))
            }
        }
    }

    /// Preamble, header and MAC, as they stand at the front of the file.
    ///
    /// # Errors
    /// `Bounds`, `Slot` or `Kdf` when it could not be read back.
    pub(crate) fn encode(&self, keys: &FileKeys) -> Result<Sealed> {
        self.check()?;
        let mut header = Vec::with_capacity(512);
        header.put_u8(self.kind as u8).put(&self.file_id.0);
        header.put_u64(self.epoch).put_u64(self.generation).put_u64(self.created);
        header.put(&self.parent_chain).put_u8(self.slots.len() as u8);
        self.slots.iter().for_each(|slot| slot.put(&mut header));
        if header.len() > MAX_HEADER {
            return Err(Error::bounds("the header's length"));
        }
        let mut bytes = Vec::with_capacity(PREAMBLE + header.len());
        bytes.put(MAGIC).put_u8(VERSION).put_u32(header.len() as u32).put(&header);
        let mac = hash::mac(&keys.mac, &[&bytes]);
        Ok(Sealed { bytes, mac })
    }

    /// The slot with this id.
    ///
    /// # Errors
    /// `Slot` when there is none.
    pub fn slot(&self, id: &SlotId) -> Result<&Slot> {
        self.slots.iter().find(|slot| slot.spec.id == *id).ok_or(Error::slot("no such slot in this file"))
    }

    /// What its slots are bound to.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place { kind: self.kind, file_id: &self.file_id, epoch: self.epoch }
    }
}

impl Sealed {
    /// Whether the MAC holds.
    pub(crate) fn holds(&self, keys: &FileKeys) -> bool {
        hash::same(&hash::mac(&keys.mac, &[&self.bytes]), &self.mac)
    }
}
