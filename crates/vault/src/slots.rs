//! Changing who can open the store: a new root key in a new epoch, and new keys for every vault.

use crate::error::{Error, Result};
use crate::record::{Rotation, SegmentState, kind, only, presence_id, segment_id};
use crate::settle::{presence_keys, unless_full};
use crate::store::{Store, seconds};
use crate::trail::rotation_change;
use crate::types::SlotChange;
use jiff::Timestamp;
use seal::{Change, FileId, FileKind, MAX_SLOTS, Next, OsRandom, Root, Slot, SlotKeys, SlotPlace, SlotSpec};
use secret::Key;
use words::VaultName;

impl Store {
    /// Puts these slots in place of all that are there: a new epoch, so that an old copy of the store with an old
    /// passphrase opens nothing that is written from now on. The keys are derived for the store's epoch + 1. Every open
    /// vault gets a new root key as well. Afterwards a new segment of the trail must be begun.
    ///
    /// After a crash in between, the next opening finishes it.
    ///
    /// # Errors
    /// `Slots` when they can't be a store's; whatever keeps it from being written. Where [`Store::epoch`] is the new one
    /// all the same, the new slots are in force, and the next opening finishes the rest.
    pub fn change_slots(&mut self, slots: &[(SlotSpec, SlotKeys)], now: Timestamp) -> Result<SlotChange> {
        check(slots)?;
        let header = self.table.log().header();
        let (file_id, epoch) = (header.file_id, header.epoch + 1);
        let old: Vec<SlotSpec> = header.slots.iter().map(|slot| slot.spec.clone()).collect();
        let root = Root::random(&mut OsRandom)?;
        let sealed = seal_slots(slots, &root, &file_id, epoch)?;
        let presence = slots
            .iter()
            .map(|(spec, keys)| Ok((spec.id, Key::copy_from(keys.presence.expose())?)))
            .collect::<Result<_>>()?;
        let next = Next { root: Some((root, epoch)), created: seconds(now), slots: sealed };
        let made = self.new_epoch(next, slots, &old);
        if self.epoch() == epoch {
            // Also where something failed after the new file was in its place: who has the old keys proves nothing.
            self.presence = presence;
        }
        made?;
        let not_rotated = self.rotate_vaults(now);
        let gone = |spec: &SlotSpec| slots.iter().all(|(new, _)| new.id != spec.id);
        let dropped = old.into_iter().filter(gone).collect();
        Ok(SlotChange { epoch, dropped, not_rotated })
    }

    /// Adds a slot: a new generation of the same epoch. The keys are derived for the store's epoch.
    ///
    /// # Errors
    /// As [`Store::change_slots`].
    pub fn add_slot(&mut self, spec: &SlotSpec, keys: &SlotKeys, now: Timestamp) -> Result<()> {
        let header = self.table.log().header();
        if header.slots.len() >= MAX_SLOTS || header.slots.iter().any(|slot| slot.spec.id == spec.id) {
            return Err(Error::Slots { what: "there are 16 already, or one of that id" });
        }
        let mut slots = header.slots.clone();
        slots.push(self.table.seal_slot(spec, keys)?);
        let put = Change::Put {
            kind: kind::PRESENCE,
            record: presence_id(&spec.id),
            body: &[],
            value: Some(keys.presence.expose()),
        };
        self.rewrite(Next { root: None, created: seconds(now), slots }, &[put])
    }

    /// Finishes what a crash has left of a change of slots; what could not be done, for people.
    pub(crate) fn resume_rotation(&mut self, now: Timestamp) -> Result<Option<String>> {
        let names: Vec<VaultName> = self.vaults.keys().cloned().collect();
        for name in names.iter().filter(|name| self.vault(name).is_ok()).collect::<Vec<_>>() {
            unless_full(self.promote(name))?;
        }
        if self.rotation()?.vaults.is_empty() {
            return Ok(None);
        }
        let left = self.rotate_vaults(now);
        let names: Vec<&str> = left.iter().map(VaultName::as_str).collect();
        let note = || {
            format!(
                "these vaults still have their key from before the slots were changed: {}",
                names.join(", ")
            )
        };
        Ok((!left.is_empty()).then(note))
    }

    /// The store's own file under its new root key. Keys that whoever held the old one could know are marked as such in
    /// the same step.
    fn new_epoch(&mut self, next: Next, slots: &[(SlotSpec, SlotKeys)], old: &[SlotSpec]) -> Result<()> {
        let segments = self.segments()?;
        let trail = segments.iter().any(|s| matches!(s.state, SegmentState::Open(_)));
        let rotation = Rotation { trail, vaults: self.vaults.values().map(|vault| vault.file).collect() };
        let rotation_body = rotation.encode();
        let mut changes: Vec<Change<'_>> = slots
            .iter()
            .map(|(spec, keys)| Change::Put {
                kind: kind::PRESENCE,
                record: presence_id(&spec.id),
                body: &[],
                value: Some(keys.presence.expose()),
            })
            .collect();
        let gone = old.iter().filter(|spec| slots.iter().all(|(new, _)| new.id != spec.id));
        changes.extend(gone.map(|spec| Change::Remove { record: presence_id(&spec.id) }));
        // A file of a planned segment may lie there, so its number stays planned; its key does not stay.
        let planned: Vec<_> = segments.iter().filter(|s| s.state == SegmentState::Planned).collect();
        let keys = planned.iter().map(|_| Key::random()).collect::<Result<Vec<_>, _>>()?;
        let bodies: Vec<_> = planned.iter().map(|s| (segment_id(s.number), s.encode())).collect();
        changes.extend(bodies.iter().zip(&keys).map(|((record, body), key)| Change::Put {
            kind: kind::SEGMENT,
            record: *record,
            body,
            value: Some(key.expose()),
        }));
        changes.push(Change::Put {
            kind: kind::ROTATION,
            record: only(kind::ROTATION),
            body: &rotation_body,
            value: None,
        });
        self.rewrite(next, &changes)
    }

    fn rewrite(&mut self, next: Next, changes: &[Change<'_>]) -> Result<()> {
        let heads = &mut self.heads;
        self.table.rewrite(next, changes, &mut |head| {
            heads.set(*head)?;
            heads.sync()
        })?;
        self.presence = presence_keys(&self.table, &Self::path(&self.dir))?;
        unless_full(self.checkpoint())
    }

    /// New keys for the vaults that wait for them. Those that are shut, or can't be written now, are left for the next
    /// time the store is opened.
    fn rotate_vaults(&mut self, now: Timestamp) -> Vec<VaultName> {
        let waiting = self.rotation().map(|rotation| rotation.vaults).unwrap_or_default();
        let (mut left, mut done) = (Vec::new(), Vec::new());
        let all: Vec<_> = self.vaults.iter().map(|(name, vault)| (name.clone(), vault.file)).collect();
        for (name, file) in all.into_iter().filter(|(_, file)| waiting.contains(file)) {
            match self.rotate_vault(&name, now) {
                Ok(()) => done.push(file),
                Err(_) => left.push(name),
            }
        }
        // If this can't be written, they are rotated once more at the next opening.
        let _ = self.rotated(&done);
        left
    }

    fn rotated(&mut self, done: &[FileId]) -> Result<()> {
        let mut rest = self.rotation()?;
        let known: Vec<FileId> = self.vaults.values().map(|vault| vault.file).collect();
        rest.vaults.retain(|file| !done.contains(file) && known.contains(file));
        let body = rest.encode();
        self.commit_with_checkpoint(&[rotation_change(&rest, &body)])
    }
}

fn check(slots: &[(SlotSpec, SlotKeys)]) -> Result<()> {
    if slots.is_empty() || slots.len() > MAX_SLOTS {
        return Err(Error::Slots { what: "a store has 1 to 16" });
    }
    for (i, (spec, _)) in slots.iter().enumerate() {
        if !spec.usable() {
            return Err(Error::Slots { what: "this svault can't present all factors of one of them" });
        }
        if slots[..i].iter().any(|(other, _)| other.id == spec.id) {
            return Err(Error::Slots { what: "two of them have one id" });
        }
    }
    Ok(())
}

/// Wraps a root key under each slot of a store.
pub(crate) fn seal_slots(
    slots: &[(SlotSpec, SlotKeys)],
    root: &Root,
    file_id: &FileId,
    epoch: u64,
) -> Result<Vec<Slot>> {
    check(slots)?;
    let place = SlotPlace { kind: FileKind::Store, file_id, epoch };
    let seal = |(spec, keys): &(SlotSpec, SlotKeys)| Ok(Slot::seal(spec, keys, root, place, &mut OsRandom)?);
    slots.iter().map(seal).collect()
}
