//! From what a human presents to the keys of a slot. The KDF runs here, in the client; what was typed goes no further.

use crate::{Error, Result};
use seal::{
    Disk, Factor, FactorOutput, FileId, FileKind, Header, KdfParams, MAX_HEAD, Open, OsRandom, RealDisk,
    RecoveryCode, SlotKeys, SlotSpec,
};
use secret::{Bytes, Key};
use wire::paths::StoreDir;
use wire::{HexBytes, Want};

/// What a human presents.
pub enum Presented {
    /// A passphrase.
    Passphrase(Bytes),
    /// A recovery code.
    Recovery(RecoveryCode),
}

/// The header of a store file, read without keys: nothing in it is to be believed but for what the commitment of a
/// slot says about what was typed.
#[derive(Debug, Clone)]
pub struct StoreHeader(pub(crate) Header);

impl StoreHeader {
    /// Reads the header of a store.
    ///
    /// # Errors
    /// [`Error::NoStore`], or what is wrong with the file.
    pub fn read(store: &StoreDir) -> Result<Self> {
        let path = store.file();
        let file = match RealDisk.open(&path, Open::Read) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NoStore(store.real().into()));
            }
            Err(e) => return Err(seal::Error::io(&path, "opening it", e).into()),
        };
        let mut bytes = vec![0; MAX_HEAD];
        let mut have = 0;
        while have < bytes.len() {
            match file.read_at(&mut bytes[have..], have as u64) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) => return Err(seal::Error::io(&path, "reading it", e).into()),
            }
        }
        Self::parse(&bytes[..have]).map_err(|e| e.at(&path))
    }

    /// The header of these bytes, of a store.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (header, _) = Header::parse(bytes)?;
        if header.kind != FileKind::Store {
            return Err(seal::Error::Bounds { at: seal::At::default(), what: "not a store's file" }.into());
        }
        Ok(Self(header))
    }

    /// The store file's id.
    #[must_use]
    pub fn file_id(&self) -> &FileId {
        &self.0.file_id
    }

    /// Its epoch; new slots are made for the next one.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The slots, as they can be shown.
    pub fn slots(&self) -> impl Iterator<Item = &SlotSpec> {
        self.0.slots.iter().map(|s| &s.spec)
    }

    /// The slot that opens with what was presented. Runs Argon2id for each slot that takes a passphrase, up to the
    /// one that fits; which fits is told by the commitment.
    ///
    /// # Errors
    /// [`Error::WrongPassphrase`], [`Error::WrongRecoveryCode`], [`Error::NoSlot`].
    pub fn open(&self, presented: &Presented) -> Result<SlotOpened> {
        let mut fitting = 0;
        for slot in &self.0.slots {
            let output = match (slot.spec.factors.as_slice(), presented) {
                // No slot was made with none: it is as wrong as another one.
                ([Factor::Passphrase(_)], Presented::Passphrase(p)) if p.is_empty() => {
                    fitting += 1;
                    continue;
                }
                ([Factor::Passphrase(_)], Presented::Passphrase(p)) => {
                    seal::passphrase_output(&slot.spec, p)?
                }
                ([Factor::Recovery], Presented::Recovery(code)) => recovery_output(code)?,
                _ => continue,
            };
            fitting += 1;
            let keys = seal::derive(self.0.kind, &self.0.file_id, self.0.epoch, &slot.spec, &[output])?;
            if slot.check_commit(&keys) {
                return Ok(SlotOpened {
                    store: self.0.file_id,
                    epoch: self.0.epoch,
                    slot: slot.spec.id.0,
                    keys,
                });
            }
        }
        Err(match (presented, fitting) {
            (Presented::Passphrase(_), 0) => Error::NoSlot("passphrase"),
            (Presented::Recovery(_), 0) => Error::NoSlot("recovery code"),
            (Presented::Passphrase(_), _) => Error::WrongPassphrase,
            (Presented::Recovery(_), _) => Error::WrongRecoveryCode,
        })
    }
}

/// The output of a recovery factor; the code itself stays with who presented it, for a further slot.
fn recovery_output(code: &RecoveryCode) -> Result<FactorOutput> {
    Ok(FactorOutput::recovery(RecoveryCode::parse(&code.to_text()?)?))
}

/// A slot whose keys were made and fit.
#[derive(Debug)]
pub struct SlotOpened {
    store: FileId,
    epoch: u64,
    slot: [u8; 8],
    keys: SlotKeys,
}

impl SlotOpened {
    /// Its id.
    #[must_use]
    pub fn slot(&self) -> [u8; 8] {
        self.slot
    }

    /// The three values of a hand-over: wrap key, commit, K_p.
    pub(crate) fn values(&self) -> [&[u8]; 3] {
        values(&self.keys)
    }

    /// What proves presence; the other keys are wiped.
    #[must_use]
    pub fn into_prover(self) -> Prover {
        Prover { store: self.store.0, epoch: self.epoch, slot: self.slot, kp: self.keys.presence }
    }
}

fn values(keys: &SlotKeys) -> [&[u8]; 3] {
    [keys.wrap.expose(), keys.commit.expose(), keys.presence.expose()]
}

/// K_p of one slot, good for one proof and one act.
#[derive(Debug)]
pub struct Prover {
    pub(crate) store: [u8; 16],
    pub(crate) epoch: u64,
    pub(crate) slot: [u8; 8],
    pub(crate) kp: Key,
}

impl Prover {
    /// From what a human presents, with the slot parameters of the store's file.
    ///
    /// # Errors
    /// As [`StoreHeader::read`] and [`StoreHeader::open`].
    pub fn of(store: &StoreDir, presented: &Presented) -> Result<Self> {
        Ok(StoreHeader::read(store)?.open(presented)?.into_prover())
    }

    /// From its parts.
    #[must_use]
    pub fn from_parts(store: [u8; 16], epoch: u64, slot: [u8; 8], kp: Key) -> Self {
        Self { store, epoch, slot, kp }
    }
}

/// A slot to be: made by the client, wrapped by the daemon.
#[derive(Debug)]
pub struct NewSlot {
    store: FileId,
    epoch: u64,
    spec: SlotSpec,
    keys: SlotKeys,
}

impl NewSlot {
    /// A slot that opens with a passphrase. Runs Argon2id.
    ///
    /// # Errors
    /// Where the parameters are out of bounds, or there is no memory or randomness.
    pub fn passphrase(store: FileId, epoch: u64, params: KdfParams, passphrase: &Bytes) -> Result<Self> {
        let spec = SlotSpec::new(vec![Factor::Passphrase(params)], &mut OsRandom)?;
        let output = seal::passphrase_output(&spec, passphrase)?;
        Self::of(store, epoch, spec, output)
    }

    /// A slot that opens with a recovery code.
    ///
    /// # Errors
    /// Where there is no memory or randomness.
    pub fn recovery(store: FileId, epoch: u64, code: &RecoveryCode) -> Result<Self> {
        let spec = SlotSpec::new(vec![Factor::Recovery], &mut OsRandom)?;
        Self::of(store, epoch, spec, recovery_output(code)?)
    }

    fn of(store: FileId, epoch: u64, spec: SlotSpec, output: FactorOutput) -> Result<Self> {
        let keys = seal::derive(FileKind::Store, &store, epoch, &spec, &[output])?;
        Ok(Self { store, epoch, spec, keys })
    }

    /// The act that puts these slots in place of the store's.
    #[must_use]
    pub fn want(epoch: u64, slots: &[Self]) -> Want {
        Want::Slots { epoch, slots: slots.iter().map(Self::spec).collect() }
    }

    /// The values that follow the yes to [`NewSlot::want`]: for each slot wrap key, commit, K_p.
    ///
    /// # Errors
    /// Where there is no locked memory.
    pub fn want_values(slots: &[Self]) -> Result<Vec<Bytes>> {
        let all = slots.iter().flat_map(|s| values(&s.keys));
        Ok(all.map(Bytes::copy_from).collect::<Result<_, _>>()?)
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> &SlotKeys {
        &self.keys
    }

    pub(crate) fn spec(&self) -> HexBytes {
        HexBytes(self.spec.encode())
    }

    pub(crate) fn values(&self) -> [&[u8]; 3] {
        values(&self.keys)
    }

    /// What proves presence with it, once the daemon has it; the other keys are wiped.
    #[must_use]
    pub fn into_prover(self) -> Prover {
        Prover { store: self.store.0, epoch: self.epoch, slot: self.spec.id.0, kp: self.keys.presence }
    }
}
