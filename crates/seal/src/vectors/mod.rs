//! Test vectors of the format: files made with a fixed source of bytes, and what a reader must say of each.
//!
//! Never part of the product: behind the feature `vectors`. `cargo xtask vectors` writes them to `spec/vectors`.

mod bad_frames;
mod bad_headers;
mod behind;
mod forge;
mod good;
mod text;

pub use behind::{Behind, Plain};

use crate::{
    At, Error, Factor, FactorOutput, FileKind, Frame, Head, HeadRule, Header, Log, RecordId, RecoveryCode,
    Result, Root, SlotKeys, derive, index::Known, passphrase_output, random::Random, sim::SimDisk,
};
use secret::{Bytes, Key};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fs, path::Path, sync::Arc};

/// What opens a file: which of its slots, and what is presented for each factor.
#[derive(Debug, Clone)]
pub struct Unlock {
    /// The slot, from 0.
    pub slot: usize,
    /// In the order of the slot's factors.
    pub given: Vec<Given>,
}

/// What is presented for one factor. Never a real one.
#[derive(Debug, Clone)]
pub enum Given {
    /// A passphrase.
    Passphrase(&'static str),
    /// The 20 bytes of a recovery code.
    Recovery([u8; 20]),
    /// A key that would be a record in a store.
    Kek([u8; 32]),
}

/// One file and what a reader must say of it.
pub struct Case {
    /// Its name, without `.svault`.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// What to open it with.
    pub unlock: Unlock,
    /// The head it must reach; without one, every byte must be good.
    pub head: Option<Head>,
    /// The name of the error, or how many frames must be read.
    pub expected: Result<u64, &'static str>,
}

/// Every vector, always the same.
///
/// # Errors
/// Only when locked memory or memory for Argon2id can't be had.
pub fn all() -> Result<Vec<Case>> {
    let made = good::all()?;
    let mut cases = bad_headers::all(&made)?;
    cases.extend(bad_frames::all(&made)?);
    Ok(made.iter().map(good::Made::case).chain(cases).collect())
}

/// Writes all vectors into `dir`, each file beside `vectors.toml`, which says what they are.
///
/// # Errors
/// `Io` and as [`all`].
pub fn write_all(dir: &Path) -> Result<()> {
    let io = |e| Error::io(dir, "write vectors", e);
    fs::create_dir_all(dir).map_err(io)?;
    for (name, bytes) in files()? {
        fs::write(dir.join(name), bytes).map_err(io)?;
    }
    Ok(())
}

/// The names and contents of all files that [`write_all`] writes.
///
/// # Errors
/// As [`all`].
pub fn files() -> Result<Vec<(String, Vec<u8>)>> {
    let (made, cases) = (good::all()?, all()?);
    let mut files = vec![("vectors.toml".to_owned(), text::vectors(&made, &cases)?.into_bytes())];
    files.extend(cases.into_iter().map(|case| (format!("{}.svault", case.name), case.bytes)));
    Ok(files)
}

impl Case {
    /// Opens the file as a reader does: how many frames it has, or the error.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(&self) -> Result<u64> {
        let (disk, path) = (SimDisk::new(), Path::new("/vector.svault"));
        disk.put(path, &self.bytes);
        let rule = self.head.map_or(HeadRule::Whole(None), HeadRule::AtLeast);
        let (mut frames, mut records) = (Vec::new(), HashMap::<RecordId, Known>::new());
        let visit = |frame: Frame<'_>| {
            let record = frame.meta.record;
            let known = Known::follow(records.get(&record).copied(), &frame.meta);
            let wrong = |what| Error::Record { at: At::default(), offset: frame.offset, what };
            records.insert(record, known.map_err(wrong)?);
            frames.push(frame.value_at);
            Ok(())
        };
        let unlock = |header: &Header| self.unlock.root(header);
        let (log, _) = Log::open(Arc::new(disk), path, unlock, rule, visit)?;
        for at in frames.iter().flatten() {
            log.read_value(at)?;
        }
        Ok(frames.len() as u64)
    }
}

impl Unlock {
    fn root(&self, header: &Header) -> Result<Root> {
        let slot = header.slots.get(self.slot).ok_or(Error::bounds("no such slot"))?;
        slot.unwrap(&self.keys(header.kind, header, slot)?, header.place())
    }

    fn keys(&self, kind: FileKind, header: &Header, slot: &crate::Slot) -> Result<SlotKeys> {
        let outputs = self.outputs(&slot.spec)?;
        derive(kind, &header.file_id, header.epoch, &slot.spec, &outputs)
    }

    fn outputs(&self, spec: &crate::SlotSpec) -> Result<Vec<FactorOutput>> {
        self.given.iter().map(|given| given.output(spec)).collect()
    }
}

impl Given {
    fn output(&self, spec: &crate::SlotSpec) -> Result<FactorOutput> {
        match self {
            Self::Passphrase(text) => passphrase_output(spec, &Bytes::copy_from(text.as_bytes())?),
            Self::Recovery(bytes) => {
                Ok(FactorOutput::recovery(RecoveryCode::from_bytes(Bytes::copy_from(bytes)?)?))
            }
            Self::Kek(key) => Ok(FactorOutput::Store(Key::copy_from(key)?)),
        }
    }

    fn factor(&self, params: crate::KdfParams) -> Factor {
        match self {
            Self::Passphrase(_) => Factor::Passphrase(params),
            Self::Recovery(_) => Factor::Recovery,
            Self::Kek(_) => Factor::Store,
        }
    }
}

/// Bytes that look random and are always the same: SHA-256(label | counter), one hash after the other.
pub(crate) struct Fixed {
    label: String,
    counter: u64,
}

impl Fixed {
    pub(crate) fn new(label: &str) -> Self {
        Self { label: format!("svault vectors: {label}"), counter: 0 }
    }
}

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        for part in out.chunks_mut(32) {
            let hash =
                Sha256::new().chain_update(&self.label).chain_update(self.counter.to_le_bytes()).finalize();
            part.copy_from_slice(&hash[..part.len()]);
            self.counter += 1;
        }
        Ok(())
    }
}
