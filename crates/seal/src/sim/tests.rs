//! The simulated disk loses what a real one may lose, and nothing else.

use super::*;

fn disk_with_file() -> (SimDisk, Arc<dyn File>) {
    let disk = SimDisk::new();
    let file = disk.open(Path::new("/f"), Open::CreateNew).unwrap();
    file.write_at(&[1; 2000], 0).unwrap();
    file.sync_all().unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    (disk, file)
}

fn found(disk: &SimDisk) -> Vec<u8> {
    disk.bytes(Path::new("/f")).unwrap()
}

#[test]
fn what_was_synced_stays_and_the_rest_may_go_in_any_part() {
    let (disk, file) = disk_with_file();
    file.write_at(&[2; 1500], 500).unwrap();
    assert_eq!(found(&disk.crash(0)), [1; 2000]);
    assert_eq!(found(&disk.crash(1))[500..], [2; 1500]);
    let mixed = (2..40).map(|seed| found(&disk.crash(seed))).filter(|bytes| {
        assert_eq!(bytes[..500], [1; 500]);
        bytes[500..].contains(&1) && bytes[500..].contains(&2)
    });
    assert!(mixed.count() > 10);
    file.sync_data().unwrap();
    assert!((0..40).all(|seed| found(&disk.crash(seed))[500..] == [2; 1500]));
}

#[test]
fn lengths_and_names_may_go_too() {
    let (disk, file) = disk_with_file();
    file.set_len(100).unwrap();
    let lens: BTreeSet<usize> = (0..20).map(|seed| found(&disk.crash(seed)).len()).collect();
    assert_eq!(lens, BTreeSet::from([100, 2000]));
    disk.open(Path::new("/g"), Open::CreateNew).unwrap();
    disk.rename(Path::new("/g"), Path::new("/f")).unwrap();
    let replaced = |disk: &SimDisk| found(disk).is_empty();
    assert!(!replaced(&disk.crash(0)) && replaced(&disk.crash(1)));
    disk.sync_dir(Path::new("/")).unwrap();
    assert!((0..20).all(|seed| replaced(&disk.crash(seed))));
}

#[test]
fn a_failed_sync_loses_data_that_a_later_one_does_not_bring_back() {
    let (disk, file) = disk_with_file();
    file.write_at(&[3; 10], 0).unwrap();
    disk.fail_sync(0);
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert_eq!(found(&disk)[..10], [3; 10]);
    assert_eq!(found(&disk.crash(0))[..10], [1; 10]);
    file.write_at(&[3; 10], 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(found(&disk.crash(0))[..10], [3; 10]);
}

#[test]
fn a_full_disk_takes_what_fits() {
    let (disk, file) = disk_with_file();
    disk.set_capacity(Some(2100));
    assert_eq!(file.write_at(&[4; 300], 2000).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(found(&disk).len(), 2100);
    file.write_at(&[5; 300], 0).unwrap();
}

#[test]
fn the_power_goes_at_the_named_operation() {
    let (disk, file) = disk_with_file();
    let cut = disk.ops() + 1;
    disk.crash_at(cut);
    file.write_at(&[6; 10], 0).unwrap();
    assert!(file.sync_data().is_err());
    assert!(file.read_at(&mut [0], 0).is_err());
    assert_eq!(found(&disk.crash(0))[..10], [1; 10]);
}

#[test]
fn cuts_are_before_each_operation_and_after_the_last() {
    let (disk, file) = disk_with_file();
    disk.record();
    file.write_at(&[7; 10], 0).unwrap();
    file.sync_data().unwrap();
    let cuts = disk.cuts();
    let states: Vec<u8> = cuts.iter().map(|cut| found(&cut.crash(0))[0]).collect();
    assert_eq!(states, [1, 1, 7]);
    // A killed process loses nothing, but what it had not synced is still at risk.
    assert_eq!(found(&cuts[1].killed())[0], 7);
    assert_eq!(found(&cuts[1].killed().crash(0))[0], 1);
}

#[test]
fn a_disk_that_turns_read_only_refuses_open_files_too_and_can_be_read() {
    let (disk, file) = disk_with_file();
    let path = Path::new("/f");
    disk.only_read_after(1);
    file.write_at(&[4; 10], 0).unwrap();
    assert!(!disk.has_refused());
    let opened = disk.open(path, Open::Write).map(|_| ());
    for refused in [file.write_at(&[5; 10], 0), file.sync_data(), disk.remove(path), opened] {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
    }
    assert!(disk.has_refused() && disk.open(path, Open::Read).is_ok());
    assert_eq!(found(&disk)[..10], [4; 10]);
    assert_eq!(found(&disk.crash(0))[..10], [1; 10]);
    disk.killed().open(path, Open::Write).unwrap();
}
