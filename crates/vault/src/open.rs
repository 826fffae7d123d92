//! Opening a store: its own file, its heads, then every vault. What is done about it is in `settle.rs`.

use crate::error::{Error, FileState, Result, RowState, Shut};
use crate::keys;
use crate::lockline::LastLock;
use crate::mark::Mark;
use crate::policy::decode_policy;
use crate::record::{SegmentState, VaultRecord, kind, next_kek_id, only, vault_id};
use crate::store::{Records, Store, mark_at};
use crate::types::{OpenReport, Rollback};
use crate::vault::Vault;
use jiff::{Timestamp, Unit};
use seal::{At, Disk, FileId, Head, HeadRule, HeadsFile, Log, SlotId, SlotKeys, Table, TableOpening};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The store's own file.
const STORE: &str = "store.svault";

impl Store {
    /// Opens the store with the keys of one of its slots. The caller holds the store's lock.
    ///
    /// A vault that is not as it was stays shut and is reported; a store that is not as it was is refused. After
    /// [`Rollback::AcceptAll`] or [`Rollback::Accept`] a new segment of the trail must be begun.
    ///
    /// # Errors
    /// `NoStore`; `WrongKey` and its like; `Refused` with every file that is not what it was.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        slot: &SlotId,
        slot_keys: &SlotKeys,
        how: &Rollback,
        now: Timestamp,
    ) -> Result<(Store, OpenReport)> {
        if !Self::exists(&*disk, dir)? {
            return Err(Error::NoStore(dir.to_path_buf()));
        }
        let look = Look { disk, dir, slot, slot_keys, how };
        let mut found = Found::default();
        let opening = look.begin()?;
        let heads = look.heads(&opening, &mut found)?;
        if heads.is_none() && !look.accepts_all() {
            return Err(look.refused(&opening, None, found));
        }
        let table = look.finish(opening, heads.as_ref(), &mut found)?;
        let expected = look.expected(&table, heads.as_ref())?;
        let vaults = look.all(&table, Some(&table.log().head()), &expected, &mut found)?;
        if found.of_store && !look.accepts_all() {
            return Err(found.refused());
        }
        look.check(&found)?;
        let era = table.era(&look.path())?;
        Self::settle(look, Parts { table, heads, expected, vaults, era }, found, now)
    }
}

/// What there is to look at, and how.
pub(crate) struct Look<'a> {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: &'a Path,
    slot: &'a SlotId,
    slot_keys: &'a SlotKeys,
    pub(crate) how: &'a Rollback,
}

/// What is not as it was, and what was put aside.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<FileState>,
    /// One of them is the store's own.
    of_store: bool,
    /// Where each file ends, for those that can be read.
    ends: Vec<(String, Option<Head>)>,
    first: Option<Error>,
    pub(crate) set_aside: Vec<PathBuf>,
}

/// A store whose parts are found good, or accepted.
pub(crate) struct Parts {
    pub(crate) table: Table,
    pub(crate) heads: Option<HeadsFile>,
    pub(crate) expected: HashMap<FileId, Head>,
    pub(crate) vaults: Vec<FoundVault>,
    pub(crate) era: u64,
}

/// A vault, as far as it could be opened.
pub(crate) struct FoundVault {
    pub(crate) record: VaultRecord,
    pub(crate) state: Result<Vault, Shut>,
    /// How far the store was when it was last written.
    mark: Mark,
}

impl Found {
    /// Takes down what is wrong with a file.
    pub(crate) fn note(&mut self, path: &str, e: Error) {
        self.of_store |= path == STORE;
        self.files.push(FileState { path: path.into(), state: e.state(), detail: e.to_string() });
        self.first.get_or_insert(e);
    }

    /// Says of the store's own file, which was noted last, how old that is what can be read of it: a human who accepts it goes
    /// back to that policy.
    fn would_be(&mut self, records: &dyn Records) {
        let shown = |at: Timestamp| at.round(Unit::Second).unwrap_or(at).to_string();
        let policy = records.body(&only(kind::POLICY)).and_then(decode_policy);
        let locked = records.body(&only(kind::LAST_LOCK)).and_then(LastLock::decode);
        let policy = policy.map_or("none".into(), |policy| shown(policy.changed));
        let locked = locked.map_or("none".into(), |lock| shown(lock.at));
        let vaults =
            records.bodies(kind::VAULT).into_iter().filter_map(|(_, body)| VaultRecord::decode(body));
        let mut vaults: Vec<String> = vaults.map(|vault| vault.name.to_string()).collect();
        vaults.sort();
        let vaults = if vaults.is_empty() { "none".to_owned() } else { vaults.join(", ") };
        if let Some(file) = self.files.last_mut() {
            let left =
                format!("; what is left of it: policy of {policy}, last lock {locked}, vaults {vaults}");
            file.detail.push_str(&left);
        }
    }

    /// A digest of what is wrong, and of what every file is.
    pub(crate) fn seen(&self) -> [u8; 32] {
        let mut seen = seal::Seen::of("store");
        self.files.iter().for_each(|f| seen.row(&f.path, f.state.as_str(), &f.detail));
        self.ends.iter().for_each(|(path, head)| seen.end(path, head.as_ref()));
        seen.digest()
    }

    fn refused(self) -> Error {
        let seen = self.seen();
        self.refused_as(seen)
    }

    fn refused_as(self, seen: [u8; 32]) -> Error {
        match self.first {
            Some(first) => Error::Refused { source: Box::new(first), files: self.files, seen },
            None => Error::Seal(seal::Error::Missing { at: At::default() }),
        }
    }
}

impl Look<'_> {
    pub(crate) fn path(&self) -> PathBuf {
        Store::path(self.dir)
    }

    pub(crate) fn accepts_all(&self) -> bool {
        matches!(self.how, Rollback::AcceptAll(_))
    }

    fn accepts(&self, vault: &VaultRecord) -> bool {
        match self.how {
            Rollback::Refuse => false,
            Rollback::AcceptAll(_) => true,
            Rollback::Accept(names, _) => names.contains(&vault.name),
        }
    }

    /// Whether what was found is what a human has accepted.
    fn check(&self, found: &Found) -> Result<()> {
        match self.how {
            Rollback::AcceptAll(seen) | Rollback::Accept(_, seen) if *seen != found.seen() => {
                Err(Error::NotAsShown)
            }
            _ => Ok(()),
        }
    }

    fn begin(&self) -> Result<TableOpening> {
        let unlock = |header: &seal::Header| keys::unlock_store(header, self.slot, self.slot_keys);
        Ok(Table::begin(self.disk.clone(), &self.path(), unlock)?)
    }

    /// The heads, if they are valid and know the store.
    fn heads(&self, opening: &TableOpening, found: &mut Found) -> Result<Option<HeadsFile>> {
        let id = opening.header().file_id;
        if opening.get(&only(kind::HEADS_KEY)).is_none() {
            return Err(self.beheaded());
        }
        let key = opening.key(&self.path(), &only(kind::HEADS_KEY), "the key of state/heads")?;
        let source = match HeadsFile::open(&*self.disk, &Store::heads_path(self.dir), id, key) {
            Ok(heads) if heads.get(&id).is_some() => return Ok(Some(heads)),
            Ok(_) => {
                let at = At(Store::heads_path(self.dir));
                seal::Error::Heads { at, what: "the heads file does not know the store" }
            }
            Err(e @ (seal::Error::Missing { .. } | seal::Error::Heads { .. })) => e,
            Err(e) => return Err(e.into()),
        };
        let state = if source.name() == "Missing" { RowState::Missing } else { RowState::Damaged };
        let detail = source.to_string();
        found.files.push(FileState { path: "state/heads".into(), state, detail });
        found.first.get_or_insert(Error::NoHeads { source });
        Ok(None)
    }

    /// A store whose very first transaction, with the key of its heads, can't be read. Where it is bad is worth knowing.
    fn beheaded(&self) -> Error {
        let unlock = |header: &seal::Header| keys::unlock_store(header, self.slot, self.slot_keys);
        let whole = Log::open(self.disk.clone(), &self.path(), unlock, HeadRule::Whole(None), |_| Ok(()));
        let what = "its first entries are gone";
        whole.err().unwrap_or(seal::Error::Damaged { at: At(self.path()), offset: 0, what }).into()
    }

    /// Decides about the store's own file.
    fn finish(&self, opening: TableOpening, heads: Option<&HeadsFile>, found: &mut Found) -> Result<Table> {
        let head = heads.and_then(|heads| heads.get(&opening.header().file_id));
        let rule = head.map_or(HeadRule::Accept, |head| HeadRule::AtLeast(*head));
        let (table, opened) = match opening.finish(rule).map_err(Error::from) {
            Ok(done) => done,
            Err(e) if e.is_machine() => return Err(e),
            Err(e) => {
                found.note(STORE, e);
                let again = self.begin()?;
                found.would_be(&again);
                if !self.accepts_all() {
                    return Err(self.refused(&again, heads, std::mem::take(found)));
                }
                again.finish(HeadRule::Accept)?
            }
        };
        found.set_aside.extend(opened.set_aside);
        Ok(table)
    }

    /// The head that each file must reach: the later one of heads and last checkpoint.
    fn expected(&self, records: &dyn Records, heads: Option<&HeadsFile>) -> Result<HashMap<FileId, Head>> {
        let mut expected: HashMap<FileId, Head> = HashMap::new();
        let checkpoint = records.checkpoint(&self.path())?;
        for head in heads.into_iter().flat_map(HeadsFile::iter).copied().chain(checkpoint) {
            let known = expected.entry(head.file_id()).or_insert(head);
            let order = |head: &Head| (head.place().generation, head.place().bytes);
            if order(&head) > order(known) {
                *known = head;
            }
        }
        Ok(expected)
    }

    /// The store's own file and every vault, as far as they can be opened; what is wrong with them is in `found`.
    fn all(
        &self,
        records: &dyn Records,
        store: Option<&Head>,
        expected: &HashMap<FileId, Head>,
        found: &mut Found,
    ) -> Result<Vec<FoundVault>> {
        found.ends.push((STORE.into(), store.copied()));
        let vaults = self.vaults(records, expected, found)?;
        let era = records.era(&self.path())?;
        if let Some(head) = store.filter(|_| !found.of_store)
            && let Some(e) = self.behind(mark_at(era, head), &vaults)
        {
            found.note(STORE, e);
            found.would_be(records);
        }
        Ok(vaults)
    }

    /// Opens every vault that is to be there.
    fn vaults(
        &self,
        records: &dyn Records,
        expected: &HashMap<FileId, Head>,
        found: &mut Found,
    ) -> Result<Vec<FoundVault>> {
        // Not through a link: what it leads to is nobody's to lock or to look after.
        let folder = Vault::folder(self.dir);
        match self.disk.sync_dir(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(seal::Error::io(&folder, "open the folder", e).into());
            }
            _ => {}
        }
        let ready = |record: &VaultRecord| record.ready;
        let mut all = records.vault_records(&self.path())?;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.into_iter().filter(ready).map(|record| self.vault(records, record, expected, found)).collect()
    }

    fn vault(
        &self,
        records: &dyn Records,
        record: VaultRecord,
        expected: &HashMap<FileId, Head>,
        found: &mut Found,
    ) -> Result<FoundVault> {
        let at = At(Vault::path(self.dir, &record.name));
        let unknown = seal::Error::Beside { at, what: "the store knows no head of it" };
        let opened = match expected.get(&record.file) {
            Some(head) => self.try_keys(records, &record, HeadRule::AtLeast(*head), found),
            None => Err(unknown.into()),
        };
        let path = format!("vaults/{}.svault", record.name);
        let error = match opened {
            Ok((vault, mark)) => {
                found.ends.push((path, Some(vault.table.log().head())));
                return Ok(FoundVault { record, state: Ok(vault), mark });
            }
            Err(e @ Error::Seal(seal::Error::Memory(_))) => return Err(e),
            Err(e) => e,
        };
        let (name, why) = (error.name(), error.to_string());
        found.note(&path, error);
        let accepts = self.accepts(&record);
        let rule = if accepts { HeadRule::Accept } else { HeadRule::Look };
        let there = self.try_keys(records, &record, rule, found).ok();
        found.ends.push((path, there.as_ref().map(|(vault, _)| vault.table.log().head())));
        let why = Shut { name, why, acceptable: there.is_some() };
        Ok(match there {
            Some((vault, mark)) if accepts => FoundVault { record, state: Ok(vault), mark },
            Some((_, mark)) => FoundVault { record, state: Err(why), mark },
            None => FoundVault { record, state: Err(why), mark: Mark::default() },
        })
    }

    /// Opens a vault with its key, or with the one that was to become its key when the store was last open.
    fn try_keys(
        &self,
        records: &dyn Records,
        record: &VaultRecord,
        rule: HeadRule,
        found: &mut Found,
    ) -> Result<(Vault, Mark)> {
        let (store, path) = (self.path(), Vault::path(self.dir, &record.name));
        let kek = records.key(&store, &vault_id(&record.file), "a vault's key")?;
        let next = next_kek_id(&record.file);
        let (vault, opened, mark) = match Vault::open(&self.disk, &path, &record.file, &kek, rule) {
            Err(Error::Seal(seal::Error::WrongKey { .. })) if records.body(&next).is_some() => {
                let kek = records.key(&store, &next, "a vault's next key")?;
                let (mut vault, opened, mark) = Vault::open(&self.disk, &path, &record.file, &kek, rule)?;
                vault.with_next = true;
                (vault, opened, mark)
            }
            other => other?,
        };
        found.set_aside.extend(opened.set_aside);
        Ok((vault, mark))
    }

    /// Whether a vault was written when the store was further than it is now.
    fn behind(&self, now: Mark, vaults: &[FoundVault]) -> Option<Error> {
        let ahead = vaults.iter().find(|vault| vault.mark > now)?;
        let witness = format!("vaults/{}.svault", ahead.record.name);
        Some(Error::StoreBehind { path: self.path(), witness })
    }

    /// The refusal, with whatever else can be told of the other files.
    fn refused(&self, opening: &TableOpening, heads: Option<&HeadsFile>, mut found: Found) -> Error {
        let Ok(expected) = self.expected(opening, heads) else { return found.refused() };
        let _ = self.all(opening, opening.there().as_ref(), &expected, &mut found);
        let seen = found.seen();
        self.trail(opening, &expected, &mut found);
        found.refused_as(seen)
    }

    /// What lengths alone tell of the trail, for a human who looks at a store that is refused.
    fn trail(&self, records: &dyn Records, expected: &HashMap<FileId, Head>, found: &mut Found) {
        for segment in records.segments(&self.path()).unwrap_or_default() {
            let (head, closed) = match &segment.state {
                SegmentState::Open(head) => (expected.get(&head.file_id()).unwrap_or(head), false),
                SegmentState::Closed(head) => (head, true),
                SegmentState::Planned | SegmentState::Lost(_) => continue,
            };
            let name = format!("{:06}.svault", segment.number);
            let wanted = head.place().bytes;
            let (state, is) = match self.disk.stat(&self.dir.join("trail").join(&name)) {
                Ok(Some(stat)) if stat.len < wanted => (RowState::Older, format!("{} bytes", stat.len)),
                Ok(Some(stat)) if closed && stat.len > wanted => {
                    (RowState::Newer, format!("{} bytes", stat.len))
                }
                Ok(Some(_)) | Err(_) => continue,
                Ok(None) => (RowState::Missing, "nothing".into()),
            };
            let detail = format!("has {is}, should have {wanted}");
            found.files.push(FileState { path: format!("trail/{name}"), state, detail });
        }
    }
}
