//! A vault file on some disk, with a key slot that needs no KDF, for the tests of this folder.
#![allow(dead_code)]

use seal::{
    Disk, Factor, FactorOutput, FileId, FileKind, Head, HeadRule, Header, HeadsFile, Log, NewFile, Next,
    Opened, OsRandom, RecordId, Result, Root, Slot, SlotKeys, SlotPlace, SlotSpec, Table, derive,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const FILE: FileId = FileId([0xF1; 16]);
pub const STORE: FileId = FileId([0x50; 16]);

/// The key in the slot: another one for each epoch.
pub fn keys(spec: &SlotSpec, epoch: u64) -> SlotKeys {
    let kek = secret::Key::copy_from(&[epoch as u8; 32]).unwrap();
    derive(FileKind::Vault, &FILE, epoch, spec, &[FactorOutput::Store(kek)]).unwrap()
}

pub fn slot(root: &Root, epoch: u64) -> Slot {
    let spec = SlotSpec::new(vec![Factor::Store], &mut OsRandom).unwrap();
    let place = SlotPlace { kind: FileKind::Vault, file_id: &FILE, epoch };
    Slot::seal(&spec, &keys(&spec, epoch), root, place, &mut OsRandom).unwrap()
}

pub fn unlock(header: &Header) -> Result<Root> {
    header.slots[0].unwrap(&keys(&header.slots[0].spec, header.epoch), header.place())
}

pub fn create(disk: Arc<dyn Disk>, path: &Path) -> Table {
    let root = Root::random(&mut OsRandom).unwrap();
    let slots = vec![slot(&root, 1)];
    let kind = FileKind::Vault;
    let new = NewFile { kind, file_id: FILE, epoch: 1, generation: 1, created: 0, parent_chain: [0; 32] };
    Table::new(Log::create(disk, path, new, root, slots).unwrap())
}

pub fn open(disk: Arc<dyn Disk>, path: &Path, head: &Head) -> Result<(Table, Opened)> {
    Table::open(disk, path, unlock, HeadRule::AtLeast(*head))
}

/// The same epoch, with the slots that the file has.
pub fn same_epoch(table: &Table) -> Next {
    Next { root: None, created: 1, slots: table.log().header().slots.clone() }
}

/// A new root under a new key.
pub fn next_epoch(table: &Table) -> Next {
    let epoch = table.log().header().epoch + 1;
    let root = Root::random(&mut OsRandom).unwrap();
    let slots = vec![slot(&root, epoch)];
    Next { root: Some((root, epoch)), created: 1, slots }
}

pub fn heads_key() -> secret::Key {
    secret::Key::copy_from(&[0x77; 32]).unwrap()
}

/// Everything that a table says, values too.
pub type Content = BTreeMap<RecordId, Record>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: u8,
    pub version: u64,
    pub body: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

pub fn content(table: &Table) -> Result<Content> {
    table
        .rows()
        .map(|row| {
            let value = table.value(&row.record)?.map(|value| value.expose().to_vec());
            let record = Record { kind: row.kind, version: row.version, body: row.body.to_vec(), value };
            Ok((row.record, record))
        })
        .collect()
}

pub fn record(n: u64) -> RecordId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_le_bytes());
    RecordId(id)
}

/// A vault and the heads beside it.
pub struct House {
    pub disk: Arc<dyn Disk>,
    pub vault: PathBuf,
    pub heads_path: PathBuf,
    pub table: Table,
    pub heads: HeadsFile,
}

impl House {
    pub fn create(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        let (vault, heads_path) = (dir.join("v.svault"), dir.join("heads"));
        let table = create(disk.clone(), &vault);
        let heads = HeadsFile::create(&disk, &heads_path, STORE, heads_key(), &[table.log().head()]).unwrap();
        Self { disk, vault, heads_path, table, heads }
    }

    /// Opens both, as a new process does.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<(Self, Opened)> {
        let (vault, heads_path) = (dir.join("v.svault"), dir.join("heads"));
        let mut heads = HeadsFile::open(&*disk, &heads_path, STORE, heads_key())?;
        let head = *heads.get(&FILE).unwrap();
        let (table, opened) = open(disk.clone(), &vault, &head)?;
        heads.set(table.log().head())?;
        heads.write()?;
        Ok((Self { disk, vault, heads_path, table, heads }, opened))
    }

    /// What a commit ends with before it is answered: the file synced, the heads written.
    pub fn acknowledge(&mut self) -> Result<()> {
        let head = self.table.sync()?;
        self.heads.set(head)?;
        self.heads.write()
    }

    pub fn rewrite(&mut self, next: Next, changes: &[seal::Change<'_>]) -> Result<()> {
        let heads = &mut self.heads;
        self.table.rewrite(next, changes, &mut |head| {
            heads.set(*head)?;
            heads.sync()
        })
    }
}
