//! The keys that files are opened with: the store's by a human's slot, a vault's by its KEK.

use crate::Result;
use seal::{
    At, Factor, FactorOutput, FileId, FileKind, Header, OsRandom, Root, Slot, SlotId, SlotKeys, SlotPlace,
    SlotSpec,
};
use secret::{Bytes, Key};

/// Unwraps the store's root key with one slot's keys.
pub(crate) fn unlock_store(header: &Header, slot: &SlotId, keys: &SlotKeys) -> seal::Result<Root> {
    kind(header, FileKind::Store, "it is no store")?;
    header.slot(slot)?.unwrap(keys, header.place())
}

/// Unwraps a vault's root key with its KEK. A file of another vault is told apart from one that was altered: no key of
/// this vault is tried on it.
pub(crate) fn unlock_vault(header: &Header, file_id: &FileId, kek: &Key) -> seal::Result<Root> {
    kind(header, FileKind::Vault, "it is no vault")?;
    if header.file_id != *file_id {
        return Err(seal::Error::Beside { at: At::default(), what: "it is the file of another vault" });
    }
    let slot = header.slots.first().ok_or(seal::Error::WrongKey { at: At::default() })?;
    let keys = seal::derive(header.kind, &header.file_id, header.epoch, &slot.spec, &output(kek)?)?;
    slot.unwrap(&keys, header.place())
}

/// A vault's one slot, for a root key that is wrapped under a KEK.
pub(crate) fn vault_slot(file_id: &FileId, epoch: u64, root: &Root, kek: &Key) -> Result<Slot> {
    let (kind, spec) = (FileKind::Vault, SlotSpec::new(vec![Factor::Store], &mut OsRandom)?);
    let keys = seal::derive(kind, file_id, epoch, &spec, &output(kek)?)?;
    Ok(Slot::seal(&spec, &keys, root, SlotPlace { kind, file_id, epoch }, &mut OsRandom)?)
}

/// The key in a record's value.
pub(crate) fn from_value(value: &Bytes) -> Option<Result<Key>> {
    let bytes = value.expose().try_into().ok()?;
    Some(Key::copy_from(bytes).map_err(Into::into))
}

fn kind(header: &Header, kind: FileKind, what: &'static str) -> seal::Result<()> {
    if header.kind == kind { Ok(()) } else { Err(seal::Error::Beside { at: At::default(), what }) }
}

fn output(kek: &Key) -> seal::Result<[FactorOutput; 1]> {
    Ok([FactorOutput::Store(Key::copy_from(kek.expose())?)])
}
