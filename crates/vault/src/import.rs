//! Many secrets at once: one transaction of one vault, so that after a crash all of them are there or none.

use crate::error::{Error, Result};
use crate::record::kind;
use crate::secret::{MAX_VALUE, Secret, SecretKey};
use crate::store::Store;
use crate::types::{Change, NewSecret};
use jiff::Timestamp;
use seal::{SyncJob, Synced};
use secret::Bytes;
use words::{Name, VaultName};

/// One value of an import.
pub enum Import<'a> {
    /// A new secret.
    New(NewSecret, &'a Bytes),
    /// Another value for one that exists.
    Value(&'a SecretKey, &'a Bytes),
}

/// An import that was written and is not durable yet: run it where it may block, then hand it to
/// [`Store::imported`].
#[must_use = "nothing is durable before the import was run and handed back"]
pub struct Importing {
    job: Option<SyncJob>,
    vault: VaultName,
}

/// An import that was run.
#[must_use = "only Store::imported makes it count"]
pub struct Imported {
    done: Option<Synced>,
    vault: VaultName,
}

impl Importing {
    /// Waits for the disk.
    pub fn run(self) -> Imported {
        Imported { done: self.job.map(SyncJob::run), vault: self.vault }
    }
}

impl Store {
    /// Writes all of an import as one transaction; it counts after [`Store::imported`].
    ///
    /// # Errors
    /// As [`Store::change`] for any of them, and nothing is written then; `Exists` for a name that comes twice.
    pub fn import(
        &mut self,
        vault: &VaultName,
        imports: Vec<Import<'_>>,
        now: Timestamp,
    ) -> Result<Importing> {
        let mark = self.mark()?;
        let mut rows = Vec::with_capacity(imports.len());
        for import in imports {
            let change = match import {
                Import::New(new, value) => Change::Add(new, value),
                Import::Value(key, value) => Change::Replace(key, value),
            };
            let (secret, value, _) = self.plan(change, now)?;
            let value = value.filter(|_| secret.key.vault == *vault).ok_or(Error::NotFound)?;
            if value.len() > MAX_VALUE {
                return Err(Error::TooBig { what: "a secret has at most 64 KiB" });
            }
            let body =
                secret.encode(&mark).ok_or(Error::TooBig { what: "a classification has at most 64 KiB" })?;
            rows.push((secret, body, value));
        }
        let mut names: Vec<&Name> = rows.iter().map(|row| &row.0.name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::Exists);
        }
        let changes: Vec<seal::Change<'_>> = rows
            .iter()
            .map(|(secret, body, value)| seal::Change::Put {
                kind: kind::SECRET,
                record: secret.key.record,
                body,
                value: Some(value.expose()),
            })
            .collect();
        let to = self.vault_mut(vault)?;
        to.table.commit(&changes)?;
        for (secret, ..) in &rows {
            to.holds(secret);
        }
        Ok(Importing { job: to.table.sync_job(), vault: vault.clone() })
    }

    /// The last step: what was written is durable, and named by the heads.
    ///
    /// # Errors
    /// When the sync failed: the vault takes and gives nothing until it was opened again.
    pub fn imported(&mut self, imported: Imported) -> Result<()> {
        let vault = self.vault_mut(&imported.vault)?;
        if let Some(done) = imported.done {
            vault.table.note_synced(done)?;
        }
        let head = vault.table.log().head();
        self.follows(head)
    }

    /// Whether a secret's value at that version is this one. The value stays in here.
    ///
    /// # Errors
    /// As [`Store::open_value`].
    pub fn holds(&self, secret: &Secret, value: &Bytes) -> Result<bool> {
        let found = self.open_value(&secret.key, secret.version)?;
        Ok(found.ct_eq(value.expose()))
    }
}
