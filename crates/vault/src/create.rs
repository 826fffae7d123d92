//! Making a store: everything is there before `store.svault` gets its name, so a crash leaves a store or none.

use crate::error::{Error, Result};
use crate::policy::{encode_policy, encode_settings};
use crate::record::{Checkpoint, VaultRecord, kind, only, presence_id, vault_id};
use crate::slots::seal_slots;
use crate::store::{Pace, Slotted, Store, seconds};
use crate::types::Settings;
use crate::vault::Vault;
use jiff::Timestamp;
use seal::{
    Change, Disk, FileId, FileKind, HeadsFile, Log, NewFile, Open, OsRandom, Root, SlotKeys, SlotSpec, Table,
};
use secret::Key;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::VaultName;

/// The vault that every store begins with.
const FIRST: &str = "main";

impl Store {
    /// Makes a store with an empty vault `main`, durable, and leaves it open. The slots' keys are derived for `file_id`
    /// and epoch 1. The caller holds the store's lock; the folder's parent must exist.
    ///
    /// # Errors
    /// `StoreExists`; `Leftovers` where files of a lost store lie around; `Slots`; whatever keeps it from being written.
    pub fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        file_id: FileId,
        slots: &[(SlotSpec, SlotKeys)],
        settings: &Settings,
        policy_toml: &str,
        now: Timestamp,
    ) -> Result<Store> {
        if Self::exists(&*disk, dir)? {
            return Err(Error::StoreExists(dir.to_path_buf()));
        }
        let (policy, settings) = (encode_policy(policy_toml, now)?, encode_settings(settings)?);
        prepare(&*disk, dir)?;
        let mut store = build(disk.clone(), dir, file_id, slots, now)?;
        let put = |kind, body| Change::Put { kind, record: only(kind), body, value: None };
        store.commit_with_checkpoint(&[put(kind::POLICY, &policy), put(kind::SETTINGS, &settings)])?;
        store.heads.write_both()?;
        store.table.move_to(&Self::path(dir))?;
        unmark(&*disk, dir)?;
        Ok(store)
    }
}

/// The file that says that a store is being made.
fn marker(dir: &Path) -> PathBuf {
    dir.join("state").join("init")
}

/// The store is made: from now on nothing of it may be swept.
pub(crate) fn unmark(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let marker = marker(dir);
    match disk.remove(&marker) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(|e| seal::Error::io(&marker, "remove", e))?,
    }
    let state = dir.join("state");
    Ok(disk.sync_dir(&state).map_err(|e| seal::Error::io(&state, "sync", e))?)
}

/// Folders, and a mark that says: what lies here is of a store that is being made. Leftovers of one are swept.
fn prepare(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let io = |path: &Path, doing| {
        let path = path.to_path_buf();
        move |e| seal::Error::io(&path, doing, e)
    };
    let folders = ["vaults", "trail", "state"].map(|name| dir.join(name));
    for folder in [dir.to_path_buf()].iter().chain(&folders) {
        disk.mkdir(folder).map_err(io(folder, "make"))?;
    }
    disk.sync_dir(dir).map_err(io(dir, "sync"))?;
    if let Some(parent) = dir.parent() {
        // Others may own it: then its owner's file system has to be enough.
        let _ = disk.sync_dir(parent);
    }
    let marker = marker(dir);
    if disk.stat(&marker).map_err(io(&marker, "look for"))?.is_none() {
        let lost = |folder: &PathBuf| -> Result<bool> {
            let names = disk.list(folder).map_err(io(folder, "list"))?;
            Ok(names.iter().any(|name| name.ends_with(".svault")))
        };
        if lost(&folders[0])? || lost(&folders[1])? {
            return Err(Error::Leftovers(dir.to_path_buf()));
        }
        disk.open(&marker, Open::CreateNew)
            .and_then(|file| file.sync_all())
            .map_err(io(&marker, "create"))?;
        disk.sync_dir(&folders[2]).map_err(io(&folders[2], "sync"))?;
    }
    let swept = [Vault::path(dir, &first()?), aside(dir), Store::heads_path(dir)];
    for path in &swept {
        match disk.remove(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io(path, "remove")(e).into()),
            _ => {}
        }
    }
    Ok(())
}

/// The store under its other name, with keys, the first vault, and heads.
fn build(
    disk: Arc<dyn Disk>,
    dir: &Path,
    file_id: FileId,
    slots: &[(SlotSpec, SlotKeys)],
    now: Timestamp,
) -> Result<Store> {
    let (root, epoch, created) = (Root::random(&mut OsRandom)?, 1, seconds(now));
    let sealed = seal_slots(slots, &root, &file_id, epoch)?;
    let (kind, parent_chain) = (FileKind::Store, [0; 32]);
    let new = NewFile { kind, file_id, epoch, generation: 1, created, parent_chain };
    let mut table = Table::new(Log::create(disk.clone(), &aside(dir), new, root, sealed)?);

    let (name, file, kek, heads_key) =
        (first()?, FileId::random(&mut OsRandom)?, Key::random()?, Key::random()?);
    let vault = Vault::create(&disk, &Vault::path(dir, &name), file, &kek, created)?;
    let record = VaultRecord { file, ready: true, created: now, name: name.clone() }.encode();
    let points = Checkpoint { heads: vec![vault.table.log().head()] }.encode();
    let put = |kind, record, body, value| Change::Put { kind, record, body, value };
    let key = |key| Some(Key::expose(key).as_slice());
    let mut changes = vec![
        put(kind::HEADS_KEY, only(kind::HEADS_KEY), &[], key(&heads_key)),
        put(kind::VAULT, vault_id(&file), &record, key(&kek)),
        put(kind::CHECKPOINT, only(kind::CHECKPOINT), &points, None),
    ];
    for (spec, keys) in slots {
        changes.push(put(kind::PRESENCE, presence_id(&spec.id), &[], key(&keys.presence)));
    }
    table.commit(&changes)?;
    let head = table.sync()?;
    let heads = [head, vault.table.log().head()];
    let heads = HeadsFile::create(&disk, &Store::heads_path(dir), file_id, heads_key, &heads)?;
    let presence = slots
        .iter()
        .map(|(spec, keys)| Ok((spec.id, Key::copy_from(keys.presence.expose())?)))
        .collect::<Result<_>>()?;
    let vaults = BTreeMap::from([(name, Slotted { file, state: Ok(vault) })]);
    let dir = dir.to_path_buf();
    Ok(Store { disk, dir, table, heads, vaults, presence, era: 0, pace: Pace::default() })
}

fn aside(dir: &Path) -> PathBuf {
    dir.join("store.svault.init")
}

fn first() -> Result<VaultName> {
    FIRST.parse().map_err(|_| Error::TooBig { what: "the first vault's name" })
}
