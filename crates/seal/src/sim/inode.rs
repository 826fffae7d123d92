//! One simulated file: what a read sees, what is surely on the disk, and every state in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is written or lost as one.
pub const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

#[derive(Clone, Default)]
pub(super) struct Inode {
    /// What a read sees.
    pub(super) data: Arc<Vec<u8>>,
    /// What is surely on the disk.
    durable: Arc<Vec<u8>>,
    /// Every content a sector has had since the last sync.
    dirty: BTreeMap<usize, Vec<Sector>>,
    /// Of a sync that failed: no later sync writes these.
    forsaken: BTreeMap<usize, Vec<Sector>>,
    /// Every length since the last sync.
    lens: Vec<usize>,
}

impl Inode {
    pub(super) fn settled(bytes: Vec<u8>) -> Self {
        let data = Arc::new(bytes);
        Self { durable: Arc::clone(&data), data, ..Self::default() }
    }

    fn sector(bytes: &[u8], index: usize) -> Sector {
        let mut sector = [0; SECTOR];
        let from = bytes.get(index * SECTOR..).unwrap_or_default();
        let len = from.len().min(SECTOR);
        sector[..len].copy_from_slice(&from[..len]);
        sector
    }

    /// Notes that bytes `from..to` changed.
    fn touch(&mut self, from: usize, to: usize) {
        for index in from / SECTOR..to.div_ceil(SECTOR) {
            let now = Self::sector(&self.data, index);
            self.dirty.entry(index).or_default().push(now);
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        if bytes.is_empty() {
            return;
        }
        let data = Arc::make_mut(&mut self.data);
        let end = offset + bytes.len();
        if data.len() < end {
            data.resize(end, 0);
            self.lens.push(end);
        }
        data[offset..end].copy_from_slice(bytes);
        self.touch(offset, end);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        let before = self.data.len();
        Arc::make_mut(&mut self.data).resize(len, 0);
        self.lens.push(len);
        if len < before {
            self.touch(len, before);
        }
    }

    pub(super) fn sync(&mut self) {
        let durable = Arc::make_mut(&mut self.durable);
        durable.resize(self.data.len(), 0);
        for (index, _) in std::mem::take(&mut self.dirty) {
            let start = (index * SECTOR).min(durable.len());
            let end = (start + SECTOR).min(durable.len());
            durable[start..end].copy_from_slice(&self.data[start..end]);
            self.forsaken.remove(&index);
        }
        self.lens.clear();
    }

    pub(super) fn fail_sync(&mut self) {
        for (index, versions) in std::mem::take(&mut self.dirty) {
            self.forsaken.entry(index).or_default().extend(versions);
        }
    }

    pub(super) fn after_power_cut(&self, dice: &mut Dice) -> Vec<u8> {
        let mut lens = vec![self.durable.len()];
        lens.extend(&self.lens);
        let len = lens[dice.pick(lens.len())];
        let mut bytes = self.durable.to_vec();
        let unsure: BTreeSet<usize> = self.dirty.keys().chain(self.forsaken.keys()).copied().collect();
        for index in unsure {
            let mut versions = vec![Self::sector(&self.durable, index)];
            versions.extend(self.forsaken.get(&index).into_iter().flatten());
            versions.extend(self.dirty.get(&index).into_iter().flatten());
            let end = (index + 1) * SECTOR;
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[end - SECTOR..end].copy_from_slice(&versions[dice.pick(versions.len())]);
        }
        bytes.resize(len, 0);
        bytes
    }
}

/// What chance decides at a power cut (splitmix64).
pub(super) struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Which of `count` states in time order is on the disk: the first is what was synced.
    fn pick(&mut self, count: usize) -> usize {
        match self.seed {
            0 => 0,
            1 => count - 1,
            _ => (self.next() % count as u64) as usize,
        }
    }

    pub(super) fn keeps(&mut self) -> bool {
        self.pick(2) == 1
    }
}
