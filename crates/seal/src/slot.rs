//! Slots: the root key wrapped under what a human knows or holds, or under a key in the store.

use crate::{
    cipher::{Cipher, NONCE, TAG},
    codec::{Reader, Write},
    error::{At, Error, Result},
    factor::{Factor, FactorOutput, Factors},
    hash,
    header::FileKind,
    ids::{FileId, SlotId},
    kdf,
    keys::Root,
    random::Random,
};
use secret::{Bytes, Key};

/// Slot flag: the FIDO2 or Touch ID factor of this slot verifies the human, so the slot may stand alone.
pub const FLAG_USER_VERIFIED: u8 = 1;

/// What a slot needs to be opened, without the wrapped key. Its canonical bytes travel in wire messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSpec {
    /// Which slot.
    pub id: SlotId,
    /// [`FLAG_USER_VERIFIED`] or 0.
    pub flags: u8,
    /// What must be presented, all of it, in ascending order of number.
    pub factors: Vec<Factor>,
    /// 32 random bytes.
    pub salt: [u8; 32],
}

impl SlotSpec {
    /// A new slot of these factors.
    ///
    /// # Errors
    /// `Slot` or `Kdf` when the factors are not allowed together, or no randomness.
    pub fn new(factors: Vec<Factor>, random: &mut dyn Random) -> Result<Self> {
        let mut salt = [0; 32];
        random.fill(&mut salt)?;
        let spec = Self { id: SlotId::random(random)?, flags: 0, factors, salt };
        spec.check()?;
        Ok(spec)
    }

    /// The canonical bytes: slot_id, flags, factors, salt.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.put(&self.id.0).put_u8(self.flags);
        self.put_factors(&mut out);
        out.put(&self.salt);
        out
    }

    /// Reads what [`SlotSpec::encode`] wrote, and nothing after it.
    ///
    /// # Errors
    /// `Bounds`, `Slot` or `Kdf`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let spec = Self::read(&mut r)?;
        r.end()?;
        Ok(spec)
    }

    /// The passphrase factor's cost, when there is one.
    #[must_use]
    pub fn passphrase(&self) -> Option<kdf::KdfParams> {
        self.factors.iter().find_map(|f| if let Factor::Passphrase(p) = f { Some(*p) } else { None })
    }

    /// Whether this build can present all its factors.
    #[must_use]
    pub fn usable(&self) -> bool {
        !self.factors.iter().any(|f| matches!(f, Factor::Other { .. }))
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        let (id, flags) = (SlotId(r.array()?), r.u8()?);
        let factors = Factors::read(r)?;
        let spec = Self { id, flags, factors, salt: r.array()? };
        spec.check()?;
        Ok(spec)
    }

    pub(crate) fn put_factors(&self, out: &mut Vec<u8>) {
        Factors::put(&self.factors, out);
    }

    /// The rules that hold in every kind of file.
    pub(crate) fn check(&self) -> Result<()> {
        Factors::check(&self.factors, self.flags & FLAG_USER_VERIFIED != 0)?;
        if self.flags & !FLAG_USER_VERIFIED != 0 {
            return Err(Error::slot("unknown flags"));
        }
        Ok(())
    }

    /// What the wrapped key is bound to: HKDF info and associated data alike.
    fn binding(&self, place: Place<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.put(b"svault/1/slot").put_u8(place.kind as u8).put(&place.file_id.0).put_u64(place.epoch);
        out.put(&self.id.0).put_u8(self.flags);
        self.put_factors(&mut out);
        out
    }
}

/// The file and epoch a slot belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Kind of file.
    pub kind: FileKind,
    /// Which file.
    pub file_id: &'a FileId,
    /// Epoch of its root key.
    pub epoch: u64,
}

/// The keys made from a slot's factors. They never go to disk.
#[derive(Debug)]
pub struct SlotKeys {
    /// Wraps the root key.
    pub wrap: Key,
    /// Says whether these are the right keys, before anything is unwrapped.
    pub commit: Key,
    /// K_p: proves presence to the daemon.
    pub presence: Key,
}

/// Makes a slot's keys from what was presented for each of its factors, in the order of the factors.
///
/// # Errors
/// `Slot` when the outputs are not those of the factors.
pub fn derive(
    kind: FileKind,
    file_id: &FileId,
    epoch: u64,
    spec: &SlotSpec,
    outputs: &[FactorOutput],
) -> Result<SlotKeys> {
    spec.check()?;
    let ikm = FactorOutput::concat(&spec.factors, outputs)?;
    let s = hash::extract(&spec.salt, ikm.expose())?;
    let binding = spec.binding(Place { kind, file_id, epoch });
    let mut both = Bytes::zeroed(64)?;
    hash::expand(&s, &[&binding], both.expose_mut())?;
    let mut keys = SlotKeys { wrap: Key::zeroed()?, commit: Key::zeroed()?, presence: Key::zeroed()? };
    let (wrap, commit) = both.expose().split_at(32);
    keys.wrap.expose_mut().copy_from_slice(wrap);
    keys.commit.expose_mut().copy_from_slice(commit);
    let info: [&[u8]; 3] = [b"svault/1/presence", &spec.id.0, &epoch.to_le_bytes()];
    hash::expand(&s, &info, keys.presence.expose_mut())?;
    Ok(keys)
}

/// Runs Argon2id for a slot's passphrase factor, in the calling process.
///
/// # Errors
/// `Slot` when it has none; `Kdf`, `KdfMemory`, `Bounds` as [`kdf::argon2id`].
pub fn passphrase_output(spec: &SlotSpec, passphrase: &Bytes) -> Result<FactorOutput> {
    let params = spec.passphrase().ok_or(Error::slot("it takes no passphrase"))?;
    let salt = hash::hkdf_key(&spec.salt, &spec.id.0, &[b"svault/1/argon2"])?;
    kdf::argon2id(passphrase, salt.expose(), params).map(FactorOutput::Passphrase)
}

/// A slot as it stands in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What it needs.
    pub spec: SlotSpec,
    pub(crate) commit: [u8; 32],
    pub(crate) nonce: [u8; NONCE],
    pub(crate) wrapped: [u8; 32 + TAG],
}

impl Slot {
    /// Wraps `root` for one slot of one file and epoch.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(
        spec: &SlotSpec,
        keys: &SlotKeys,
        root: &Root,
        place: Place<'_>,
        random: &mut dyn Random,
    ) -> Result<Self> {
        spec.check()?;
        let (mut nonce, mut wrapped) = ([0; NONCE], [0; 32 + TAG]);
        random.fill(&mut nonce)?;
        let (sealed, tag_at) = wrapped.split_at_mut(32);
        let tag = Cipher::new(&keys.wrap).seal(&nonce, &spec.binding(place), root.0.expose(), sealed)?;
        tag_at.copy_from_slice(&tag);
        Ok(Self { spec: spec.clone(), commit: *keys.commit.expose(), nonce, wrapped })
    }

    /// Whether these are this slot's keys; a wrong passphrase shows here. Constant time.
    #[must_use]
    pub fn check_commit(&self, keys: &SlotKeys) -> bool {
        keys.commit.ct_eq(&self.commit)
    }

    /// The root key.
    ///
    /// # Errors
    /// `WrongKey` when the commitment does not hold; `HeaderMac` when it does and the tag does not: the keys are right,
    /// so it is the slot that is not as it was written.
    pub fn unwrap(&self, keys: &SlotKeys, place: Place<'_>) -> Result<Root> {
        if !self.check_commit(keys) {
            return Err(Error::WrongKey { at: At::default() });
        }
        let altered = || Error::HeaderMac { at: At::default() };
        let (sealed, tag) = self.wrapped.split_first_chunk::<32>().ok_or_else(altered)?;
        let tag: &[u8; TAG] = tag.try_into().map_err(|_| altered())?;
        let (mut root, ad) = (Key::zeroed()?, self.spec.binding(place));
        if Cipher::new(&keys.wrap).open(&self.nonce, &ad, sealed, tag, root.expose_mut()) {
            Ok(Root(root))
        } else {
            Err(altered())
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { spec: SlotSpec::read(r)?, commit: r.array()?, nonce: r.array()?, wrapped: r.array()? })
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.spec.encode());
        out.put(&self.commit).put(&self.nonce).put(&self.wrapped);
    }
}
