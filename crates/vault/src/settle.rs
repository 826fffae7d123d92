//! After a store was found good, or accepted: finishing what a crash interrupted, and writing down how it is now.

use crate::error::{Error, FileState, Result};
use crate::open::{Found, FoundVault, Look, Parts};
use crate::record::{SegmentState, kind, only, vault_id};
use crate::store::{Pace, Records, Slotted, Store};
use crate::types::{OpenReport, Rollback};
use crate::vault::Vault;
use jiff::Timestamp;
use seal::{Change, Head, HeadsFile, SlotId, Table};
use secret::Key;
use std::collections::BTreeMap;
use std::path::Path;

impl Store {
    pub(crate) fn settle(
        look: Look<'_>,
        parts: Parts,
        found: Found,
        now: Timestamp,
    ) -> Result<(Store, OpenReport)> {
        let refused = parts
            .vaults
            .iter()
            .filter_map(|v| Some((v.record.name.clone(), v.state.as_ref().err()?.clone())));
        let mut report = OpenReport {
            refused: refused.collect(),
            seen: found.seen(),
            files: found.files,
            set_aside: found.set_aside,
            ..OpenReport::default()
        };
        let how = look.how.clone();
        let mut store = Self::assemble(look, parts)?;
        report.last_lock = store.last_lock()?;
        if how != Rollback::Refuse {
            store.accept(&how, &report.files, now)?;
        }
        unless_full(store.undo_creation())?;
        if how != Rollback::Refuse {
            store.heads.write_both()?;
        }
        store.heads.sync()?;
        crate::create::unmark(&*store.disk, &store.dir)?;
        report.notes.extend(store.resume_rotation(now)?);
        report.notes.extend(store.strangers());
        Ok((store, report))
    }

    fn assemble(look: Look<'_>, parts: Parts) -> Result<Store> {
        let Parts { table, heads, expected, vaults, era } = parts;
        let path = look.path();
        let presence = presence_keys(&table, &path)?;
        let mut all: Vec<Head> = vec![table.log().head()];
        for FoundVault { record, state, .. } in &vaults {
            let open = state.as_ref().ok().map(|vault| vault.table.log().head());
            all.extend(open.or_else(|| expected.get(&record.file).copied()));
        }
        let open_segment = table.segments(&path)?.into_iter().find_map(|segment| match segment.state {
            SegmentState::Open(head) => Some(head),
            _ => None,
        });
        all.extend(open_segment.map(|begun| *expected.get(&begun.file_id()).unwrap_or(&begun)));
        let heads = match heads {
            Some(mut heads) => {
                let gone: Vec<_> = heads.iter().map(Head::file_id).collect();
                gone.iter()
                    .filter(|id| all.iter().all(|head| head.file_id() != **id))
                    .for_each(|id| heads.remove(id));
                all.into_iter().try_for_each(|head| heads.set(head))?;
                heads
            }
            None => {
                let key = table.key(&path, &only(kind::HEADS_KEY), "the key of state/heads")?;
                let id = table.log().header().file_id;
                HeadsFile::create(&look.disk, &Self::heads_path(look.dir), id, key, &all)?
            }
        };
        let slotted = |v: FoundVault| (v.record.name, Slotted { file: v.record.file, state: v.state });
        let vaults: BTreeMap<_, _> = vaults.into_iter().map(slotted).collect();
        let dir = look.dir.to_path_buf();
        Ok(Self { disk: look.disk, dir, table, heads, vaults, presence, era, pace: Pace::default() })
    }

    /// Writes down that a rollback was accepted, and of what; it stays until the trail has it. Where everything was
    /// accepted, what was written before is older than all that comes, wherever it may turn up.
    fn accept(&mut self, how: &Rollback, files: &[FileState], now: Timestamp) -> Result<()> {
        // A store from a backup doesn't know how many were accepted since; the clock is beyond any count.
        let clock = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let era = match how {
            Rollback::AcceptAll(_) => clock.max(self.era.saturating_add(1)),
            _ => self.era,
        };
        let (number, text) = (era.to_le_bytes(), accepted_text(files));
        let put = |kind, body| Change::Put { kind, record: only(kind), body, value: None };
        self.commit_with_checkpoint(&[put(kind::ERA, &number), put(kind::ACCEPTED, text.as_bytes())])?;
        self.era = era;
        Ok(())
    }

    /// The files of an accepted rollback that the trail does not tell of yet, in words; empty where only the trail
    /// itself was not as it was.
    #[must_use]
    pub fn accepted(&self) -> Option<String> {
        let body = self.table.body(&only(kind::ACCEPTED))?;
        Some(String::from_utf8_lossy(body).into_owned())
    }

    /// The trail tells of the accepted rollback now.
    ///
    /// # Errors
    /// Those of writing the store.
    pub fn accepted_is_recorded(&mut self) -> Result<()> {
        self.commit(&[Change::Remove { record: only(kind::ACCEPTED) }])
    }

    /// Vaults whose making was interrupted are undone: nobody was told of them, and nothing is in them.
    pub(crate) fn undo_creation(&mut self) -> Result<()> {
        let records = self.table.vault_records(&Self::path(&self.dir))?;
        let (made, begun): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.ready);
        for record in begun {
            // Where another vault has been made under that name since, the file is that one's.
            if made.iter().all(|other| other.name != record.name) {
                self.remove_vault_file(&record.name)?;
            }
            self.commit(&[Change::Remove { record: vault_id(&record.file) }])?;
        }
        Ok(())
    }

    fn remove_vault_file(&self, name: &words::VaultName) -> Result<()> {
        let (file, folder) = (Vault::path(&self.dir, name), Vault::folder(&self.dir));
        match self.disk.remove(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(seal::Error::io(&file, "remove", e).into());
            }
            _ => {}
        }
        // Else the file could come back with a power cut, when nobody remembers it.
        Ok(self.disk.sync_dir(&folder).map_err(|e| seal::Error::io(&folder, "sync", e))?)
    }

    /// Files that lie among the vaults and are none of this store.
    fn strangers(&self) -> Vec<String> {
        let names = self.disk.list(&Vault::folder(&self.dir)).unwrap_or_default();
        let stranger = |name: &String| {
            let vault = name.strip_suffix(".svault").map(str::to_owned);
            vault.is_some_and(|vault| self.vaults.keys().all(|known| known.as_str() != vault))
        };
        names
            .into_iter()
            .filter(stranger)
            .map(|name| format!("vaults/{name} is no vault of this store"))
            .collect()
    }
}

/// Each file with what was wrong with it, at most 512 bytes.
fn accepted_text(files: &[FileState]) -> String {
    let mut text =
        files.iter().map(|f| format!("{} {}", f.path, f.state.as_str())).collect::<Vec<_>>().join(", ");
    text.truncate(text.floor_char_boundary(512));
    text
}

/// What a full disk keeps from being tidied up is left for the next time: it opens all the same.
pub(crate) fn unless_full(done: Result<()>) -> Result<()> {
    match done {
        Err(Error::Seal(seal::Error::Full { .. })) => Ok(()),
        done => done,
    }
}

/// K_p of every slot.
pub(crate) fn presence_keys(table: &Table, path: &Path) -> Result<Vec<(SlotId, Key)>> {
    let read = |(record, _): (seal::RecordId, &[u8])| {
        let mut slot = [0; 8];
        slot.copy_from_slice(&record.0[8..]);
        Ok((SlotId(slot), table.key(path, &record, "a slot's key of presence")?))
    };
    table.bodies(kind::PRESENCE).into_iter().map(read).collect()
}
