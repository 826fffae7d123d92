//! Torn, altered, exchanged and lost heads files.

use super::*;
use crate::sim::SimDisk;

const PATH: &str = "/heads";

fn head(n: u64) -> Head {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    Head { file_id: FileId(id), epoch: 1, generation: 1, frames: n, bytes: n, chain: [n as u8; 32] }
}

fn moved(n: u64, frames: u64) -> Head {
    Head { frames, ..head(n) }
}

fn shared(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn key() -> secret::Key {
    secret::Key::copy_from(&[7; 32]).unwrap()
}

fn store() -> FileId {
    FileId([9; 16])
}

fn open(disk: &SimDisk) -> Result<HeadsFile> {
    HeadsFile::open(disk, Path::new(PATH), store(), key())
}

fn create(heads: &[Head]) -> (SimDisk, HeadsFile) {
    let disk = SimDisk::new();
    let file = HeadsFile::create(&shared(&disk), Path::new(PATH), store(), key(), heads).unwrap();
    (disk, file)
}

fn bytes(disk: &SimDisk) -> Vec<u8> {
    disk.bytes(Path::new(PATH)).unwrap()
}

#[test]
fn what_was_set_comes_back() {
    let (disk, mut file) = create(&[head(1), head(2)]);
    file.set(moved(1, 8)).unwrap();
    file.remove(&head(2).file_id);
    file.set(head(3)).unwrap();
    file.write().unwrap();
    let again = open(&disk.killed()).unwrap();
    assert_eq!(again.iter().copied().collect::<Vec<_>>(), [moved(1, 8), head(3)]);
    assert_eq!(again.get(&head(3).file_id), Some(&head(3)));
    assert_eq!(bytes(&disk).len(), MAX_SLOT + STEP);
}

#[test]
fn any_number_of_heads_fits_into_its_slot() {
    for count in 0..110 {
        let heads: Vec<Head> = (0..count).map(head).collect();
        let (disk, _file) = create(&heads);
        assert!(open(&disk.killed()).unwrap().iter().eq(&heads), "{count}");
    }
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let (disk, mut file) = create(&[head(1)]);
    let before = disk.ops();
    file.set(head(1)).unwrap();
    file.write().unwrap();
    file.sync().unwrap();
    assert_eq!(disk.ops(), before);
}

#[test]
fn what_is_forgotten_stays_so_whatever_was_set_before() {
    let (disk, mut file) = create(&[head(1), head(2)]);
    file.remove(&head(2).file_id);
    file.write().unwrap();
    assert_eq!(open(&disk.killed()).unwrap().get(&head(2).file_id), None);
    file.set(moved(1, 8)).unwrap();
    file.remove(&head(7).file_id);
    file.write().unwrap();
    assert_eq!(open(&disk.killed()).unwrap().get(&head(1).file_id), Some(&moved(1, 8)));
}

#[test]
fn opening_writes_what_is_there_to_the_place_where_it_is() {
    let (disk, mut file) = create(&[head(1)]);
    for frames in 5..8 {
        file.set(moved(1, frames)).unwrap();
        file.sync().unwrap();
        let before = bytes(&disk);
        let _ = open(&disk).unwrap();
        assert!(bytes(&disk) == before, "after {frames}");
    }
}

#[test]
fn all_vaults_fit_and_no_more() {
    let all: Vec<Head> = (0..MAX_HEADS as u64).map(head).collect();
    let (disk, mut file) = create(&all);
    assert_eq!(open(&disk.crash(0)).unwrap().iter().count(), MAX_HEADS);
    assert_eq!(file.set(head(5000)).unwrap_err().name(), "Heads");
    file.set(moved(3, 77)).unwrap();
    // The slots grew to their end without touching each other.
    file.sync().unwrap();
    let found = bytes(&disk);
    assert_eq!(found.len(), 2 * MAX_SLOT);
    for slot in 0..2 {
        let slot = &found[slot * MAX_SLOT..(slot + 1) * MAX_SLOT];
        assert!(parse(slot, store(), &key()).is_some());
    }
    assert!(open(&disk.killed()).is_ok());
}

#[test]
fn each_power_cut_leaves_the_heads_of_the_last_sync_or_later() {
    let (disk, mut file) = create(&(0..200).map(head).collect::<Vec<_>>());
    disk.record();
    let mut synced = vec![(disk.ops(), 0)];
    for round in 1..=6 {
        for n in 0..3 {
            file.set(moved(n, 1000 + round)).unwrap();
            file.write().unwrap();
        }
        file.sync().unwrap();
        synced.push((disk.ops(), 1000 + round));
    }
    for cut in disk.cuts() {
        let least = synced.iter().rev().find(|(ops, _)| *ops <= cut.ops()).unwrap().1;
        for seed in 0..12 {
            let found = open(&cut.crash(seed)).unwrap();
            for n in 0..3 {
                let frames = found.get(&head(n).file_id).unwrap().frames;
                assert!(frames >= least, "cut {} seed {seed}: {frames} < {least}", cut.ops());
            }
        }
    }
}

#[test]
fn a_restart_does_not_endanger_the_last_synced_slot() {
    let (disk, mut file) = create(&[head(1)]);
    file.set(moved(1, 5)).unwrap();
    file.sync().unwrap();
    // Written, not synced; the process is killed; the next one writes on and then the power goes.
    file.set(moved(1, 6)).unwrap();
    file.write().unwrap();
    let disk = disk.killed();
    let mut file = open(&disk).unwrap();
    file.set(moved(1, 7)).unwrap();
    file.write().unwrap();
    for seed in 0..50 {
        assert!(open(&disk.crash(seed)).unwrap().get(&head(1).file_id).unwrap().frames >= 6);
    }
}

#[test]
fn a_failed_sync_poisons_and_opening_writes_again() {
    let (disk, mut file) = create(&[head(1)]);
    file.set(moved(1, 5)).unwrap();
    disk.fail_sync(0);
    assert!(!file.is_poisoned());
    assert_eq!(file.sync().unwrap_err().name(), "Io");
    assert!(file.is_poisoned());
    file.set(moved(1, 6)).unwrap();
    assert_eq!(file.write().unwrap_err().name(), "Poisoned");
    assert_eq!(file.sync().unwrap_err().name(), "Poisoned");
    // The new process reads 5 from the cache, though the disk never got it; from then on it must be there.
    let disk = disk.killed();
    let again = open(&disk).unwrap();
    assert_eq!(again.get(&head(1).file_id), Some(&moved(1, 5)));
    assert_eq!(open(&disk.crash(0)).unwrap().get(&head(1).file_id), Some(&moved(1, 5)));
}

#[test]
fn a_sync_on_another_thread_counts_only_for_what_was_written_before() {
    let (disk, mut file) = create(&[head(1)]);
    file.set(moved(1, 5)).unwrap();
    let job = file.begin_sync().unwrap().unwrap();
    file.set(moved(1, 6)).unwrap();
    file.write().unwrap();
    let result = job.run();
    assert!(!file.synced(&job, result).unwrap(), "one more sync is needed");
    let safe = file.safe;
    file.sync().unwrap();
    assert_ne!(file.safe, safe);
    // What was only set, and not written, wants another one, too; what came to rest wants none.
    file.set(moved(1, 7)).unwrap();
    let job = file.begin_sync().unwrap().unwrap();
    file.set(moved(1, 6)).unwrap();
    let result = job.run();
    assert!(!file.synced(&job, result).unwrap());
    let job = file.begin_sync().unwrap().unwrap();
    let result = job.run();
    assert!(file.synced(&job, result).unwrap());
    assert!(file.begin_sync().unwrap().is_none());
    assert_eq!(open(&disk.crash(0)).unwrap().get(&head(1).file_id), Some(&moved(1, 6)));
}

#[test]
fn a_changed_bit_never_gives_heads_that_were_not_written() {
    let (disk, mut file) = create(&[head(1), head(2)]);
    file.set(moved(1, 5)).unwrap();
    file.sync().unwrap();
    let good = bytes(&disk);
    let (old, new) = ([head(1), head(2)], [moved(1, 5), head(2)]);
    let places = (0..STEP).step_by(3).chain(MAX_SLOT..MAX_SLOT + STEP).chain(0..FIXED + 2 * HEAD_LEN);
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let disk = disk.killed();
        disk.put(Path::new(PATH), &bad);
        let found: Vec<Head> = open(&disk).unwrap().iter().copied().collect();
        // The slot that was left alone counts: the newer one, or the one of the sync before.
        assert!(found == old || found == new);
    }
    file.write_both().unwrap();
    let good = bytes(&disk);
    for at in (0..STEP).step_by(5).chain(0..FIXED) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let disk = disk.killed();
        disk.put(Path::new(PATH), &bad);
        assert_eq!(
            open(&disk).unwrap().iter().copied().collect::<Vec<_>>(),
            new,
            "after a lock nothing older"
        );
        bad[MAX_SLOT + at] ^= 1;
        disk.put(Path::new(PATH), &bad);
        assert_eq!(open(&disk).map(|_| ()).unwrap_err().name(), "Heads");
    }
}

#[test]
fn another_key_another_store_nothing_and_too_much_are_refused() {
    let (disk, _) = create(&[head(1)]);
    let name =
        |store, key| HeadsFile::open(&disk, Path::new(PATH), store, key).map(|_| ()).unwrap_err().name();
    assert_eq!(name(FileId([1; 16]), key()), "Heads");
    assert_eq!(name(store(), secret::Key::copy_from(&[8; 32]).unwrap()), "Heads");
    let mut long = bytes(&disk);
    long.resize(2 * MAX_SLOT + 1, 0);
    for bad in [&[][..], &bytes(&disk)[..STEP - 1], &long] {
        disk.put(Path::new(PATH), bad);
        assert_eq!(name(store(), key()), "Heads");
    }
    disk.remove(Path::new(PATH)).unwrap();
    assert_eq!(name(store(), key()), "Missing");
}

#[test]
fn making_it_anew_is_all_or_nothing() {
    let (disk, mut file) = create(&[head(1)]);
    file.sync().unwrap();
    disk.record();
    HeadsFile::create(&shared(&disk), Path::new(PATH), store(), key(), &[head(2)]).unwrap();
    for cut in disk.cuts() {
        for seed in 0..8 {
            let found: Vec<Head> = open(&cut.crash(seed)).unwrap().iter().copied().collect();
            assert!(found == [head(1)] || found == [head(2)]);
        }
    }
    assert_eq!(disk.list(Path::new("/")).unwrap(), ["heads"]);
}

#[test]
fn made_anew_the_second_slot_is_the_newest_and_safe() {
    let (disk, made) = create(&[head(1)]);
    let again = open(&disk.killed()).unwrap();
    assert_eq!((made.sequence, made.safe), (2, 1));
    assert_eq!((again.sequence, again.safe), (2, 1));
    let slot = parse(&bytes(&disk)[..STEP], store(), &key()).unwrap();
    assert_eq!(slot.sequence, 1);
}
