//! Secrets: finding, reading and changing them.

use crate::error::{Error, Result};
use crate::record::kind;
use crate::secret::{Found, MAX_VALUE, Secret, SecretKey};
use crate::store::Store;
use crate::types::{Change, NewSecret, Write, Written};
use crate::vault::Vault;
use jiff::Timestamp;
use seal::{OsRandom, RecordId};
use secret::Bytes;
use words::{CallerName, Class, SecretRef, VaultName};

impl Store {
    /// What a reference stands for. A name without a vault never finds a proposal. One lookup per vault, whatever their
    /// size.
    ///
    /// # Errors
    /// `NotFound`-like cases are no errors but [`Found::None`]; a record that can't be read is one.
    pub fn find(&self, what: &SecretRef) -> Result<Found> {
        let qualified = what.vault.is_some();
        let mut hits = Vec::new();
        for (name, slotted) in &self.vaults {
            if what.vault.as_ref().is_some_and(|wanted| wanted != name) {
                continue;
            }
            let Ok(vault) = &slotted.state else { continue };
            let record = vault.find(what.name.as_str(), qualified);
            hits.extend(record.map(|record| SecretKey { vault: name.clone(), record }));
        }
        match hits.as_slice() {
            [] => Ok(Found::None),
            [one] => self.get(one).map(Found::One),
            many => Ok(Found::Ambiguous(many.iter().map(|key| key.vault.clone()).collect())),
        }
    }

    /// A secret by its key.
    ///
    /// # Errors
    /// `NotFound` when it is gone, or its vault is.
    pub fn get(&self, key: &SecretKey) -> Result<Secret> {
        let vault = self.vault(&key.vault)?;
        let row = vault.table.get(&key.record).ok_or(Error::NotFound)?;
        let path = || Vault::path(&self.dir, &key.vault);
        Secret::decode(key.clone(), row.body).ok_or_else(|| Error::Record { path: path(), what: "a secret" })
    }

    /// All secrets of all open vaults, by vault and name.
    ///
    /// # Errors
    /// When a record can't be read.
    pub fn list(&self) -> Result<Vec<Secret>> {
        let mut all = Vec::new();
        for (name, slotted) in &self.vaults {
            let Ok(vault) = &slotted.state else { continue };
            let start = all.len();
            for record in vault.names.values() {
                all.push(self.get(&SecretKey { vault: name.clone(), record: *record })?);
            }
            all[start..].sort_by(|a: &Secret, b: &Secret| a.name.cmp(&b.name));
        }
        Ok(all)
    }

    /// What nobody has confirmed yet, in all open vaults: where, and who proposed it.
    pub fn proposals(&self) -> impl Iterator<Item = (&VaultName, &CallerName)> {
        let open =
            self.vaults.iter().filter_map(|(name, slotted)| Some((name, slotted.state.as_ref().ok()?)));
        open.flat_map(|(name, vault)| vault.proposals.values().map(move |by| (name, by)))
    }

    /// A secret's value, in locked memory.
    ///
    /// # Errors
    /// `Changed` when it is no longer at `version`; `NotFound`; what reading it says.
    pub fn open_value(&self, key: &SecretKey, version: u64) -> Result<Bytes> {
        let found = self.get(key)?.version;
        if found != version {
            return Err(Error::Changed { wanted: version, found });
        }
        self.vault(&key.vault)?.table.value(&key.record)?.ok_or(Error::NotFound)
    }

    /// Adds a secret, durable.
    ///
    /// # Errors
    /// `Exists`, `TooBig`, `NoVault`, `VaultShut`, and what writing says.
    pub fn add(&mut self, new: NewSecret, value: &Bytes, now: Timestamp) -> Result<Secret> {
        self.change(Change::Add(new, value), now)
    }

    /// Gives a secret a new value, durable. The old one stays in the file until its next generation.
    ///
    /// # Errors
    /// `NotFound`, `TooBig`, and what writing says.
    pub fn replace(&mut self, key: &SecretKey, value: &Bytes, now: Timestamp) -> Result<Secret> {
        self.change(Change::Replace(key, value), now)
    }

    /// Gives a secret another classification, durable. Without `proposed_by` in it, a proposal is confirmed.
    ///
    /// # Errors
    /// As [`Store::replace`].
    pub fn edit(&mut self, key: &SecretKey, class: Class, now: Timestamp) -> Result<Secret> {
        self.change(Change::Edit(key, class), now)
    }

    /// Removes a secret, durable.
    ///
    /// # Errors
    /// As [`Store::replace`].
    pub fn remove(&mut self, key: &SecretKey, now: Timestamp) -> Result<Secret> {
        self.change(Change::Remove(key), now)
    }

    /// Changes one secret, durable: as it is afterwards, or as it was before it was removed.
    ///
    /// # Errors
    /// As the calls for each change.
    pub fn change(&mut self, change: Change<'_>, now: Timestamp) -> Result<Secret> {
        let write = self.write(change, now)?;
        self.written(write.run())
    }

    /// The first step of a change whose sync runs elsewhere: it shows at once, and counts after [`Store::written`].
    ///
    /// # Errors
    /// As [`Store::change`].
    pub fn write(&mut self, change: Change<'_>, now: Timestamp) -> Result<Write> {
        let mark = self.mark()?;
        let (secret, value, op) = self.plan(change, now)?;
        if value.is_some_and(|value| value.len() > MAX_VALUE) {
            return Err(Error::TooBig { what: "a secret has at most 64 KiB" });
        }
        let body =
            secret.encode(&mark).ok_or(Error::TooBig { what: "a classification has at most 64 KiB" })?;
        let record = secret.key.record;
        let change = match op {
            Op::Put => {
                seal::Change::Put { kind: kind::SECRET, record, body: &body, value: value.map(Bytes::expose) }
            }
            Op::Meta => seal::Change::Meta { record, body: &body },
            Op::Remove => seal::Change::Remove { record },
        };
        let vault = self.vault_mut(&secret.key.vault)?;
        vault.table.commit(&[change])?;
        match op {
            Op::Remove => vault.lost(&secret),
            _ => vault.holds(&secret),
        }
        Ok(Write { job: vault.table.sync_job(), secret })
    }

    /// The last step: what was written is durable, and named by the heads.
    ///
    /// # Errors
    /// When the sync failed: the vault takes and gives nothing until it was opened again.
    pub fn written(&mut self, written: Written) -> Result<Secret> {
        let name = &written.secret.key.vault;
        let vault = self.vault_mut(name)?;
        if let Some(done) = written.done {
            vault.table.note_synced(done)?;
        }
        let head = vault.table.log().head();
        self.follows(head)?;
        Ok(written.secret)
    }

    /// Notes that a value has left. Nothing waits for it: durable with the next [`Store::tick`] or change of that vault.
    ///
    /// # Errors
    /// `NotFound`, and what writing says.
    pub fn mark_seen(&mut self, key: &SecretKey) -> Result<()> {
        let mut secret = self.get(key)?;
        if secret.seen {
            return Ok(());
        }
        secret.seen = true;
        let body = secret.encode(&self.mark()?).ok_or(Error::NotFound)?;
        let vault = self.vault_mut(&key.vault)?;
        vault.table.commit(&[seal::Change::Meta { record: key.record, body: &body }])?;
        vault.dirty = true;
        self.pace.active = true;
        Ok(())
    }

    /// The secret after a change, and what of it is written.
    pub(crate) fn plan<'a>(
        &self,
        change: Change<'a>,
        now: Timestamp,
    ) -> Result<(Secret, Option<&'a Bytes>, Op)> {
        match change {
            Change::Add(new, value) => Ok((self.new_secret(new, now)?, Some(value), Op::Put)),
            Change::Replace(key, value) => {
                let mut secret = self.get(key)?;
                (secret.version, secret.revision) = (secret.version + 1, secret.revision + 1);
                (secret.changed, secret.seen) = (now, false);
                Ok((secret, Some(value), Op::Put))
            }
            Change::Confirm(key, value) => {
                let (mut secret, value, op) = self.plan(Change::Replace(key, value), now)?;
                secret.class.proposed_by = None;
                Ok((secret, value, op))
            }
            Change::Edit(key, class) => {
                let mut secret = self.get(key)?;
                (secret.class, secret.revision) = (class, secret.revision + 1);
                Ok((secret, None, Op::Meta))
            }
            Change::Remove(key) => Ok((self.get(key)?, None, Op::Remove)),
        }
    }

    fn new_secret(&self, new: NewSecret, now: Timestamp) -> Result<Secret> {
        let NewSecret { vault, name, class, created_by } = new;
        if self.vault(&vault)?.names.contains_key(name.as_str()) {
            return Err(Error::Exists);
        }
        let key = SecretKey { vault, record: RecordId::random(&mut OsRandom)? };
        Ok(Secret { key, name, class, version: 1, revision: 1, changed: now, seen: false, created_by })
    }

    /// Which vault a new secret of this name would clash in; for messages to humans.
    #[must_use]
    pub fn has_name(&self, vault: &VaultName, name: &words::Name) -> bool {
        self.vault(vault).is_ok_and(|vault| vault.names.contains_key(name.as_str()))
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Op {
    Put,
    Meta,
    Remove,
}
