//! One open vault: its records, and its names.

use crate::error::{Error, Result};
use crate::keys;
use crate::mark::Mark;
use crate::record::kind;
use crate::secret::{Front, Secret};
use seal::{Disk, FileId, FileKind, HeadRule, Log, NewFile, Opened, OsRandom, RecordId, Root, Table};
use secret::Key;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::{CallerName, VaultName};

/// A vault that is open.
pub(crate) struct Vault {
    pub(crate) table: Table,
    /// Every name in it.
    pub(crate) names: HashMap<Box<str>, RecordId>,
    /// What nobody has confirmed yet, and who proposed it.
    pub(crate) proposals: HashMap<RecordId, CallerName>,
    /// Something was written that no sync has covered: marks of values seen.
    pub(crate) dirty: bool,
    /// Its file is under the next KEK, which the store has not made its KEK yet. Another next one would lose it.
    pub(crate) with_next: bool,
}

impl Vault {
    /// The file of a vault.
    pub(crate) fn path(store: &Path, name: &VaultName) -> PathBuf {
        Self::folder(store).join(format!("{name}.svault"))
    }

    /// The folder of all vaults' files.
    pub(crate) fn folder(store: &Path) -> PathBuf {
        store.join("vaults")
    }

    /// Makes its file, durable. There must be none.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        file_id: FileId,
        kek: &Key,
        created: u64,
    ) -> Result<Self> {
        let (epoch, root) = (1, Root::random(&mut OsRandom)?);
        let slots = vec![keys::vault_slot(&file_id, epoch, &root, kek)?];
        let kind = FileKind::Vault;
        let new = NewFile { kind, file_id, epoch, generation: 1, created, parent_chain: [0; 32] };
        let table = Table::new(Log::create(disk.clone(), path, new, root, slots)?);
        let (names, proposals) = (HashMap::new(), HashMap::new());
        Ok(Self { table, names, proposals, dirty: false, with_next: false })
    }

    /// Opens its file; also says what was found and how far the store was when it was last written.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        path: &Path,
        file_id: &FileId,
        kek: &Key,
        rule: HeadRule,
    ) -> Result<(Self, Opened, Mark)> {
        let unlock = |header: &seal::Header| keys::unlock_vault(header, file_id, kek);
        let (table, opened) = Table::open(disk.clone(), path, unlock, rule)?;
        let bad = |what| Error::Record { path: path.to_path_buf(), what };
        let (mut names, mut last) = (HashMap::with_capacity(table.len()), Mark::default());
        let mut proposals = HashMap::new();
        for row in table.rows() {
            if row.kind != kind::SECRET {
                return Err(bad("of an unknown kind"));
            }
            let front = Front::read(row.body).ok_or_else(|| bad("a secret"))?;
            last = last.max(front.mark);
            if front.is_proposal() {
                let by = front.proposer().ok_or_else(|| bad("a proposal"))?;
                proposals.insert(row.record, by);
            }
            if names.insert(front.name.into(), row.record).is_some() {
                return Err(bad("two secrets of one name"));
            }
        }
        Ok((Self { table, names, proposals, dirty: false, with_next: false }, opened, last))
    }

    /// A secret is as it says from now on.
    pub(crate) fn holds(&mut self, secret: &Secret) {
        let record = secret.key.record;
        self.names.insert(secret.name.as_str().into(), record);
        match &secret.class.proposed_by {
            Some(by) => self.proposals.insert(record, by.clone()),
            None => self.proposals.remove(&record),
        };
    }

    /// A secret is gone.
    pub(crate) fn lost(&mut self, secret: &Secret) {
        self.names.remove(secret.name.as_str());
        self.proposals.remove(&secret.key.record);
    }

    /// The record of a name; a proposal counts only where it is asked for by its vault's name.
    pub(crate) fn find(&self, name: &str, with_proposals: bool) -> Option<RecordId> {
        let record = *self.names.get(name)?;
        if with_proposals {
            return Some(record);
        }
        let proposal = Front::read(self.table.get(&record)?.body)?.is_proposal();
        (!proposal).then_some(record)
    }
}
