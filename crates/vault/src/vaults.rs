//! The store's vaults: making one, listing them, compacting one.

use crate::error::{Error, Result};
use crate::keys;
use crate::record::{VaultRecord, kind, next_kek_id, vault_id};
use crate::store::{Records, Slotted, Store, seconds};
use crate::types::VaultInfo;
use crate::vault::Vault;
use jiff::Timestamp;
use seal::{Change, FileId, MAX_HEADS, Next, OsRandom, Root};
use secret::Key;
use words::VaultName;

impl Store {
    /// Makes an empty vault, durable.
    ///
    /// # Errors
    /// `VaultExists` when there is one, or a file of that name; `TooManyVaults`; whatever keeps it from being written.
    pub fn vault_create(&mut self, name: &VaultName, now: Timestamp) -> Result<()> {
        // What an earlier attempt left: its file would be in the way, and its record would go on claiming the name.
        self.undo_creation()?;
        let path = Vault::path(&self.dir, name);
        let there = self.disk.stat(&path).map_err(|e| seal::Error::io(&path, "look for", e))?.is_some();
        if there || self.vaults.contains_key(name) {
            return Err(Error::VaultExists(path));
        }
        if self.vaults.len() >= MAX_HEADS - 2 {
            return Err(Error::TooManyVaults);
        }
        let (file, kek) = (FileId::random(&mut OsRandom)?, Key::random()?);
        let mut record = VaultRecord { file, ready: false, created: now, name: name.clone() };
        let (body, value) = (record.encode(), Some(kek.expose().as_slice()));
        self.commit(&[Change::Put { kind: kind::VAULT, record: vault_id(&file), body: &body, value }])?;
        record.ready = true;
        let made = Vault::create(&self.disk, &path, file, &kek, seconds(now));
        let done = made.and_then(|vault| self.made(record, vault));
        let ready =
            self.table.body(&vault_id(&file)).and_then(VaultRecord::decode).is_none_or(|record| record.ready);
        if done.is_err() && !ready {
            // So that it can be tried again; what can't be undone now is undone when the store is next opened.
            let _ = self.undo_creation();
        }
        done
    }

    /// A vault's file is there: from now on it must be.
    pub(crate) fn made(&mut self, record: VaultRecord, vault: Vault) -> Result<()> {
        let body = record.encode();
        self.heads.set(vault.table.log().head())?;
        let ready = [Change::Meta { record: vault_id(&record.file), body: &body }];
        let done = self.heads.sync().map_err(Into::into).and_then(|()| self.commit_with_checkpoint(&ready));
        done.inspect_err(|_| self.heads.remove(&record.file))?;
        self.vaults.insert(record.name, Slotted { file: record.file, state: Ok(vault) });
        Ok(())
    }

    /// All vaults, by name.
    #[must_use]
    pub fn vaults(&self) -> Vec<VaultInfo> {
        let info = |(name, slotted): (&VaultName, &Slotted)| VaultInfo {
            name: name.clone(),
            secrets: slotted.state.as_ref().map_or(0, |vault| vault.table.len()),
            shut: slotted.state.as_ref().err().cloned(),
        };
        self.vaults.iter().map(info).collect()
    }

    /// Rewrites a vault without its history.
    pub(crate) fn compact_vault(&mut self, name: &VaultName, now: Timestamp) -> Result<()> {
        self.rewrite_vault(name, None, now)?;
        self.commit_with_checkpoint(&[])
    }

    /// Gives a vault a new root key under a new KEK. The old ones are worth nothing for what it has from now on.
    pub(crate) fn rotate_vault(&mut self, name: &VaultName, now: Timestamp) -> Result<()> {
        self.promote(name)?;
        let log = self.vault(name)?.table.log();
        // It may be under the next key already: another next one would be the loss of it.
        if log.is_poisoned() {
            let at = seal::At(Vault::path(&self.dir, name));
            return Err(seal::Error::Poisoned { at }.into());
        }
        let file = log.header().file_id;
        let kek = Key::random()?;
        let (next, value) = (next_kek_id(&file), Some(kek.expose().as_slice()));
        self.commit(&[Change::Put { kind: kind::NEXT_KEK, record: next, body: &file.0, value }])?;
        self.rewrite_vault(name, Some(&kek), now)?;
        self.promote(name)
    }

    /// A vault that is under its next key: that is its key now.
    pub(crate) fn promote(&mut self, name: &VaultName) -> Result<()> {
        let vault = self.vault(name)?;
        if !vault.with_next {
            return Ok(());
        }
        let (file, store) = (vault.table.log().header().file_id, Self::path(&self.dir));
        let (record, next) = (vault_id(&file), next_kek_id(&file));
        let key = self.table.key(&store, &next, "a vault's next key")?;
        let body = self.table.body(&record).ok_or_else(|| self.bad("a vault"))?.to_vec();
        let value = Some(key.expose().as_slice());
        self.commit_with_checkpoint(&[
            Change::Put { kind: kind::VAULT, record, body: &body, value },
            Change::Remove { record: next },
        ])?;
        self.vault_mut(name)?.with_next = false;
        Ok(())
    }

    fn rewrite_vault(&mut self, name: &VaultName, kek: Option<&Key>, now: Timestamp) -> Result<()> {
        let slotted = self.vaults.get_mut(name).ok_or_else(|| Error::NoVault(name.clone()))?;
        let vault = match &mut slotted.state {
            Ok(vault) => vault,
            Err(shut) => return Err(Error::VaultShut { name: name.clone(), why: shut.why.clone() }),
        };
        let header = vault.table.log().header();
        let (root, slots) = match kek {
            None => (None, header.slots.clone()),
            Some(kek) => {
                let (root, epoch) = (Root::random(&mut OsRandom)?, header.epoch + 1);
                let slots = vec![keys::vault_slot(&header.file_id, epoch, &root, kek)?];
                (Some((root, epoch)), slots)
            }
        };
        let heads = &mut self.heads;
        let next = Next { root, created: seconds(now), slots };
        vault.table.rewrite(next, &[], &mut |head| {
            heads.set(*head)?;
            heads.sync()
        })?;
        vault.dirty = false;
        vault.with_next |= kek.is_some();
        Ok(())
    }
}
