//! A simulated disk for tests: what was not synced may be lost, in any part and in any order, when the power goes.
//!
//! Data is lost by sectors of 512 bytes, each for itself; a file's length and the names in a folder by themselves.
//! A failed sync behaves as on Linux: the data stays readable, and no later sync writes it.

mod inode;

use crate::disk::{Disk, File, Open, Stat};
use inode::{Dice, Inode};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use inode::SECTOR;

/// A simulated disk. Clones are the same disk; [`SimDisk::killed`] and [`SimDisk::crash`] are copies of it.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    files: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    pending: Vec<Naming>,
    dirs: BTreeSet<PathBuf>,
    next: u64,
    ops: u64,
    off_at: Option<u64>,
    failing_sync: Option<u64>,
    failing_op: Option<u64>,
    writable_for: Option<u64>,
    refused: bool,
    bad_byte: Option<u64>,
    capacity: Option<u64>,
    record: bool,
    cuts: Vec<SimDisk>,
}

/// A change of names that no sync of its folder has made durable yet.
#[derive(Clone)]
enum Naming {
    Made { path: PathBuf, file: u64 },
    Removed { path: PathBuf },
    Renamed { from: PathBuf, to: PathBuf, file: u64 },
}

impl SimDisk {
    /// An empty disk with the folder `/`.
    #[must_use]
    pub fn new() -> Self {
        let disk = Self::default();
        disk.lock().dirs.insert(PathBuf::from("/"));
        disk
    }

    /// How many changing operations (writes, cuts, syncs, names) there were.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.lock().ops
    }

    /// Switches the power off at the changing operation with this number: it and everything later fails.
    pub fn crash_at(&self, op: u64) {
        self.lock().off_at = Some(op);
    }

    /// Lets the `nth` sync from now (0 = the next) fail.
    pub fn fail_sync(&self, nth: u64) {
        self.lock().failing_sync = Some(nth);
    }

    /// Lets the `nth` changing operation from now (0 = the next) fail, once: nothing of it is done, of a write half.
    pub fn fail_op(&self, nth: u64) {
        self.lock().failing_op = Some(nth);
    }

    /// Whether the operation that was to fail has not come.
    #[must_use]
    pub fn is_to_fail(&self) -> bool {
        self.lock().failing_op.is_some()
    }

    /// After so many more changing operations the disk is read-only, also for files that are open for writing.
    pub fn only_read_after(&self, ops: u64) {
        self.lock().writable_for = Some(ops);
    }

    /// Whether it has refused something for that.
    #[must_use]
    pub fn has_refused(&self) -> bool {
        self.lock().refused
    }

    /// Lets each read fail that takes in the byte at this place, of any file.
    pub fn fail_reads_of(&self, place: u64) {
        self.lock().bad_byte = Some(place);
    }

    /// Limits the bytes of all files together; a write beyond it is done in part.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().capacity = bytes;
    }

    /// How many bytes all files have together.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.lock().used()
    }

    /// From now on a copy of the disk is kept before each changing operation: see [`SimDisk::cuts`].
    pub fn record(&self) {
        self.lock().record = true;
    }

    /// The copies kept since [`SimDisk::record`], and one of now. Each is to be asked for its `crash` or `killed`.
    #[must_use]
    pub fn cuts(&self) -> Vec<SimDisk> {
        let mut state = self.lock();
        state.record = false;
        let mut cuts = std::mem::take(&mut state.cuts);
        cuts.push(Self(Arc::new(Mutex::new(state.clone()))));
        cuts
    }

    /// The disk as the next process finds it when this one is killed now: nothing is lost, but what was not synced
    /// still is not. Faults are gone.
    #[must_use]
    pub fn killed(&self) -> SimDisk {
        let mut state = self.lock().clone();
        state.calm();
        Self(Arc::new(Mutex::new(state)))
    }

    /// The disk after the power went now. Seed 0: everything that was not synced is lost; 1: nothing is;
    /// others: any part of it.
    #[must_use]
    pub fn crash(&self, seed: u64) -> SimDisk {
        let mut state = self.lock().clone();
        state.calm();
        let mut dice = Dice::new(seed);
        for naming in std::mem::take(&mut state.pending) {
            if dice.keeps() {
                naming.apply(&mut state.durable_names);
            }
        }
        state.names = state.durable_names.clone();
        let named: BTreeSet<u64> = state.names.values().copied().collect();
        state.files.retain(|id, _| named.contains(id));
        for file in state.files.values_mut() {
            *file = Inode::settled(file.after_power_cut(&mut dice));
        }
        Self(Arc::new(Mutex::new(state)))
    }

    /// The bytes of a file as a read sees them, past all faults.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.lock();
        let id = state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.files.get(id).map(|file| file.data.to_vec()).unwrap_or_default())
    }

    /// Puts bytes in place of a file's, durable at once, past all faults: for tests that tamper.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.lock();
        let id = state.names.get(path).copied().unwrap_or(state.next);
        state.next = state.next.max(id + 1);
        state.files.insert(id, Inode::settled(bytes.to_vec()));
        state.names.insert(path.to_path_buf(), id);
        state.durable_names.insert(path.to_path_buf(), id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a changing operation. `Err` when the power is off; `false` when it goes off with this one.
    fn change(&self) -> io::Result<(MutexGuard<'_, State>, bool)> {
        let mut state = self.lock();
        state.power()?;
        if state.fails() {
            return Err(fault());
        }
        state.writes()?;
        if state.record {
            let mut copy = state.clone();
            (copy.record, copy.cuts) = (false, Vec::new());
            state.cuts.push(Self(Arc::new(Mutex::new(copy))));
        }
        state.ops += 1;
        let on = state.power().is_ok();
        Ok((state, on))
    }

    fn handle(&self, file: u64, writable: bool) -> Arc<dyn File> {
        Arc::new(SimFile { disk: self.clone(), file, writable })
    }
}

fn off() -> io::Error {
    io::Error::other("the simulated power is off")
}

fn fault() -> io::Error {
    io::Error::other("a simulated fault")
}

fn done(on: bool) -> io::Result<()> {
    if on { Ok(()) } else { Err(off()) }
}

impl State {
    fn power(&self) -> io::Result<()> {
        done(self.off_at.is_none_or(|at| self.ops <= at))
    }

    fn calm(&mut self) {
        (self.off_at, self.failing_sync, self.capacity, self.record) = (None, None, None, false);
        (self.failing_op, self.bad_byte) = (None, None);
        (self.writable_for, self.refused) = (None, false);
        self.cuts = Vec::new();
    }

    fn used(&self) -> u64 {
        self.files.values().map(|file| file.data.len() as u64).sum()
    }

    fn inode(&mut self, id: u64) -> io::Result<&mut Inode> {
        self.files.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Takes one of the operations that are left before the disk is read-only.
    fn writes(&mut self) -> io::Result<()> {
        match &mut self.writable_for {
            Some(0) => {
                self.refused = true;
                Err(io::ErrorKind::ReadOnlyFilesystem.into())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether this operation is the one that fails.
    fn fails(&mut self) -> bool {
        let fails = self.failing_op == Some(0);
        self.failing_op = self.failing_op.and_then(|n| n.checked_sub(1));
        fails
    }

    /// Whether this sync is the one that fails.
    fn sync_fails(&mut self) -> bool {
        let fails = self.failing_sync == Some(0);
        self.failing_sync = self.failing_sync.and_then(|n| n.checked_sub(1));
        fails
    }

    fn parent_exists(&self, path: &Path) -> io::Result<()> {
        let known = path.parent().is_some_and(|dir| self.dirs.contains(dir));
        if known { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn rename_now(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending.push(naming);
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Made { path, file } => {
                names.insert(path.clone(), *file);
            }
            Self::Removed { path } => {
                names.remove(path);
            }
            Self::Renamed { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Made { path, .. } | Self::Removed { path } => path.parent() == Some(dir),
            Self::Renamed { from, to, .. } => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        if how != Open::CreateNew {
            let state = self.lock();
            state.power()?;
            if how == Open::Write && state.writable_for == Some(0) {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            let file = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
            return Ok(self.handle(file, how == Open::Write));
        }
        let (mut state, on) = self.change()?;
        state.parent_exists(path)?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.next;
        state.next += 1;
        state.files.insert(file, Inode::default());
        state.rename_now(Naming::Made { path: path.to_path_buf(), file });
        done(on).map(|()| self.handle(file, true))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut state, on) = self.change()?;
        state.parent_exists(to)?;
        let file = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.rename_now(Naming::Renamed { from: from.to_path_buf(), to: to.to_path_buf(), file });
        done(on)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut state, on) = self.change()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename_now(Naming::Removed { path: path.to_path_buf() });
        done(on)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let (mut state, on) = self.change()?;
        done(on)?;
        if state.sync_fails() {
            return Err(io::Error::other("a simulated sync failed"));
        }
        let (here, elsewhere) =
            std::mem::take(&mut state.pending).into_iter().partition::<Vec<_>, _>(|n| n.is_in(dir));
        for naming in here {
            naming.apply(&mut state.durable_names);
        }
        state.pending = elsewhere;
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.lock();
        state.power()?;
        if !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let all = state.names.keys().chain(&state.dirs).filter(|path| path.parent() == Some(dir));
        let mut names: Vec<String> =
            all.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Folders are durable at once: no test is about losing one.
    fn mkdir(&self, dir: &Path) -> io::Result<()> {
        let (mut state, on) = self.change()?;
        if state.names.contains_key(dir) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        if !state.dirs.contains(dir) {
            state.parent_exists(dir)?;
            state.dirs.insert(dir.to_path_buf());
        }
        done(on)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let state = self.lock();
        state.power()?;
        if state.dirs.contains(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let file = state.names.get(path).and_then(|id| state.files.get(id));
        Ok(file.map(|file| Stat { len: file.data.len() as u64 }))
    }
}

struct SimFile {
    disk: SimDisk,
    file: u64,
    writable: bool,
}

impl SimFile {
    fn change(&self) -> io::Result<(MutexGuard<'_, State>, bool)> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.disk.change()
    }

    /// Whether the next operation is the one that fails; then it has been.
    fn fails(&self) -> bool {
        let mut state = self.disk.lock();
        state.failing_op == Some(0) && state.fails()
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.lock();
        state.power()?;
        if state.bad_byte.is_some_and(|bad| (offset..offset + buf.len() as u64).contains(&bad)) {
            return Err(io::Error::other("a bad sector"));
        }
        let data = &state.inode(self.file)?.data;
        let from = data.get(offset as usize..).unwrap_or_default();
        let len = from.len().min(buf.len());
        buf[..len].copy_from_slice(&from[..len]);
        Ok(len)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        if self.fails() {
            self.disk.lock().inode(self.file)?.write(&buf[..buf.len() / 2], offset as usize);
            return Err(fault());
        }
        let (mut state, on) = self.change()?;
        let (used, capacity) = (state.used(), state.capacity);
        let file = state.inode(self.file)?;
        let grows = (offset + buf.len() as u64).saturating_sub(file.data.len() as u64);
        let short = capacity.map_or(0, |capacity| (used + grows).saturating_sub(capacity).min(grows));
        let fits = buf.len().saturating_sub(short as usize);
        file.write(&buf[..fits], offset as usize);
        done(on)?;
        if short > 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.lock();
        state.power()?;
        Ok(state.inode(self.file)?.data.len() as u64)
    }

    fn is_at(&self, path: &Path) -> bool {
        self.disk.lock().names.get(path) == Some(&self.file)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let (mut state, on) = self.change()?;
        state.inode(self.file)?.set_len(len as usize);
        done(on)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.fails() {
            self.disk.lock().inode(self.file)?.fail_sync();
            return Err(fault());
        }
        let (mut state, on) = self.disk.change()?;
        done(on)?;
        let fails = state.sync_fails();
        let file = state.inode(self.file)?;
        if fails {
            file.fail_sync();
            return Err(io::Error::other("a simulated sync failed"));
        }
        file.sync();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(test)]
mod tests;
