//! Factors: what must be presented to open a slot, and the rules of which may stand together.

use crate::{
    codec::{Reader, Write},
    error::{Error, Result},
    kdf::KdfParams,
    recovery::RecoveryCode,
};
use secret::{Bytes, Key};

/// The most parameter bytes a factor may have (a FIDO2 credential id has up to 1023).
pub const MAX_PARAMS: usize = 2048;

const PASSPHRASE: u8 = 1;
const RECOVERY: u8 = 2;
const FIDO2: u8 = 4;
const TOUCH_ID: u8 = 5;
const LAST: u8 = 8;
const STORE: u8 = 8;

/// One factor of a slot. The numbers are those of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Factor {
    /// 1: a passphrase, through Argon2id.
    Passphrase(KdfParams),
    /// 2: a recovery code.
    Recovery,
    /// 8: a random 32-byte key that is a record in the store.
    Store,
    /// A factor of the format that this build can't present: 3 YubiKey HMAC-SHA1, 4 FIDO2 hmac-secret, 5 Touch ID,
    /// 6 the system's keychain, 7 TPM2. Listed, never usable.
    Other {
        /// Its number.
        number: u8,
        /// Its parameters as they stand in the file.
        params: Vec<u8>,
    },
}

impl Factor {
    /// Its number in the format.
    #[must_use]
    pub fn number(&self) -> u8 {
        match self {
            Self::Passphrase(_) => PASSPHRASE,
            Self::Recovery => RECOVERY,
            Self::Store => STORE,
            Self::Other { number, .. } => *number,
        }
    }

    /// Its name for humans.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.number() {
            PASSPHRASE => "passphrase",
            RECOVERY => "recovery code",
            3 => "YubiKey",
            FIDO2 => "FIDO2 key",
            TOUCH_ID => "Touch ID",
            6 => "system keychain",
            7 => "TPM",
            _ => "store",
        }
    }
}

/// A list of factors: its codec and its rules.
pub(crate) struct Factors;

impl Factors {
    pub(crate) fn put(factors: &[Factor], out: &mut Vec<u8>) {
        // Checked to be 1 to 3, and parameters to fit, before anything is written.
        out.put_u8(factors.len() as u8);
        for factor in factors {
            out.put_u8(factor.number());
            match factor {
                Factor::Passphrase(k) => {
                    out.put_u16(12).put_u32(k.m_kib).put_u32(k.t).put_u32(k.p);
                }
                Factor::Recovery | Factor::Store => {
                    out.put_u16(0);
                }
                Factor::Other { params, .. } => {
                    out.put_u16(params.len() as u16).put(params);
                }
            }
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Vec<Factor>> {
        let count = r.u8()?;
        if !(1..=3).contains(&count) {
            return Err(Error::slot("a slot has 1 to 3 factors"));
        }
        (0..count).map(|_| Self::read_one(r)).collect()
    }

    fn read_one(r: &mut Reader<'_>) -> Result<Factor> {
        let (number, len) = (r.u8()?, usize::from(r.u16()?));
        if len > MAX_PARAMS {
            return Err(Error::slot("a factor's parameters are too long"));
        }
        let params = r.bytes(len)?;
        match (number, len) {
            (PASSPHRASE, 12) => {
                let mut p = Reader::new(params);
                KdfParams { m_kib: p.u32()?, t: p.u32()?, p: p.u32()? }.check().map(Factor::Passphrase)
            }
            (RECOVERY, 0) => Ok(Factor::Recovery),
            (STORE, 0) => Ok(Factor::Store),
            (PASSPHRASE | RECOVERY | STORE, _) => {
                Err(Error::slot("a factor's parameters have the wrong length"))
            }
            (1..=LAST, _) => Ok(Factor::Other { number, params: params.to_vec() }),
            _ => Err(Error::slot("unknown factor")),
        }
    }

    /// The rules that hold in every kind of file; `verified` is the slot's flag.
    pub(crate) fn check(factors: &[Factor], verified: bool) -> Result<()> {
        if !(1..=3).contains(&factors.len()) {
            return Err(Error::slot("a slot has 1 to 3 factors"));
        }
        let numbers: Vec<u8> = factors.iter().map(Factor::number).collect();
        if !numbers.is_sorted_by(|a, b| a < b) {
            return Err(Error::slot("factors must ascend, each at most once"));
        }
        for factor in factors {
            match factor {
                Factor::Passphrase(params) => drop(params.check()?),
                Factor::Other { number, params }
                    if params.len() > MAX_PARAMS || !(3..=7).contains(number) =>
                {
                    return Err(Error::slot("a factor is not well formed"));
                }
                _ => {}
            }
        }
        let has = |n: u8| numbers.contains(&n);
        if has(STORE) && numbers.len() > 1 {
            return Err(Error::slot("a store key stands alone"));
        }
        if verified && !has(FIDO2) && !has(TOUCH_ID) {
            return Err(Error::slot("unknown flags"));
        }
        // Something in a human's head, or a verified human: a thing that malware can ask by itself is not enough.
        if has(PASSPHRASE) || has(RECOVERY) || has(STORE) || verified {
            Ok(())
        } else {
            Err(Error::slot("this factor must stand together with a passphrase"))
        }
    }
}

/// What was presented for one factor.
#[derive(Debug)]
pub enum FactorOutput {
    /// What Argon2id made of the passphrase: [`crate::passphrase_output`].
    Passphrase(Key),
    /// The recovery code's 20 bytes.
    Recovery(Bytes),
    /// The KEK from the store.
    Store(Key),
}

impl FactorOutput {
    /// The output for a recovery factor.
    #[must_use]
    pub fn recovery(code: RecoveryCode) -> Self {
        Self::Recovery(code.0)
    }

    /// The outputs as HKDF-Extract takes them: for each factor its number, the length of its output, its output.
    pub(crate) fn concat(factors: &[Factor], outputs: &[Self]) -> Result<Bytes> {
        if factors.len() != outputs.len() {
            return Err(Error::slot("all of its factors must be presented"));
        }
        let mut all = Bytes::zeroed(outputs.iter().map(|o| 3 + o.bytes().len()).sum())?;
        let mut left = all.expose_mut();
        for (factor, output) in factors.iter().zip(outputs) {
            let bytes = output.bytes();
            let fits = match output {
                Self::Passphrase(_) => factor.number() == PASSPHRASE,
                Self::Recovery(bytes) => factor.number() == RECOVERY && bytes.len() == 20,
                Self::Store(_) => factor.number() == STORE,
            };
            let room = left.split_at_mut_checked(3 + bytes.len()).filter(|_| fits);
            let (head, tail) = room.ok_or(Error::slot("it needs other factors than were presented"))?;
            head[0] = factor.number();
            head[1..3].copy_from_slice(&(bytes.len() as u16).to_le_bytes());
            head[3..].copy_from_slice(bytes);
            left = tail;
        }
        Ok(all)
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Passphrase(key) | Self::Store(key) => key.expose(),
            Self::Recovery(bytes) => bytes.expose(),
        }
    }
}
