//! Opening in two steps, heads, and what is done beyond them.

use super::*;

#[test]
fn rolled_forward_on_the_same_chain() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let first = log.head();
    add(&mut log, 1);
    let second = log.sync().unwrap();
    add(&mut log, 2);
    drop(log);
    for (rule, forward) in
        [(HeadRule::AtLeast(first), 2), (HeadRule::AtLeast(second), 1), (HeadRule::Accept, 2)]
    {
        let (log, opened, seen) = open(&disk, rule).unwrap();
        assert_eq!((seen, opened.rolled_forward), (vec![1, 2], forward));
        assert_eq!(log.head().frames, 2);
    }
}

#[test]
fn what_was_rolled_forward_is_durable_before_a_head_names_it() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let head = log.head();
    add(&mut log, 1);
    drop(log);
    let killed = disk.killed();
    let (log, ..) = open(&killed, HeadRule::AtLeast(head)).unwrap();
    let head = log.head();
    assert_eq!(open(&killed.crash(0), HeadRule::AtLeast(head)).unwrap().2, [1]);
}

#[test]
fn a_key_in_the_file_finds_its_head() {
    let (disk, head, _) = vault_with(&[1, 2]);
    let mut opening = Log::begin(arc(&disk), path(), unlock(5)).unwrap();
    let mut at = None;
    opening
        .read(None, &mut |frame| {
            at = at.or(frame.value_at);
            Ok(())
        })
        .unwrap();
    assert!(opening.read_value(&at.unwrap()).unwrap().ct_eq(b"sk-test-value"));
    assert_eq!(opening.header().generation, 1);
    let (log, opened) = opening.finish(HeadRule::AtLeast(head)).unwrap();
    assert_eq!((opened.rolled_forward, log.head()), (0, head));
}

#[test]
fn a_visitor_can_refuse() {
    let (disk, head, _) = vault_with(&[1, 2]);
    let visit =
        |frame: Frame<'_>| Err(Error::Record { at: crate::At::default(), offset: frame.offset, what: "no" });
    let Err(e) = Log::open(arc(&disk), path(), unlock(5), HeadRule::AtLeast(head), visit) else { panic!() };
    assert_eq!(e.name(), "Record");
}

#[test]
fn frames_of_every_length_cross_the_borders_of_reads() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let long = vec![7; 1_040_000];
    for n in 0..40_u8 {
        let value = &long[..usize::from(n) * 26_000];
        let meta = Meta { body: &long[..usize::from(n) * 200], ..put(n, 1) };
        log.append(&[New { meta, value: Some(value) }]).unwrap();
    }
    let head = log.close().unwrap();
    let all: Vec<u8> = (0..40).collect();
    assert_eq!(open(&disk, HeadRule::AtLeast(head)).unwrap().2, all);
    assert_eq!(open(&disk, HeadRule::Whole(None)).unwrap().2, all);
}

#[test]
fn a_place_that_cannot_be_read_is_an_error() {
    let (disk, head, cuts) = vault_with(&[1, 2]);
    let last = *cuts.last().unwrap() as u64;
    for place in (0..last).step_by(97).chain([last - 1]) {
        let bad = disk.killed();
        bad.fail_reads_of(place);
        assert_eq!(fails(&bad, HeadRule::AtLeast(head)).name(), "Io", "{place}");
    }
}

#[test]
fn missing_and_empty_files_have_names() {
    let disk = disk();
    assert_eq!(fails(&disk, HeadRule::Accept).name(), "Missing");
    disk.put(path(), b"");
    assert_eq!(fails(&disk, HeadRule::Accept).name(), "BadMagic");
    let e = fails(&disk, HeadRule::Accept);
    assert!(e.to_string().starts_with(PATH), "{e}");
}

#[test]
fn a_stray_temporary_file_is_swept() {
    let (disk, head, _) = vault_with(&[1]);
    disk.put(Path::new("/v.svault.new"), b"left over");
    open(&disk, HeadRule::AtLeast(head)).unwrap();
    assert_eq!(disk.list(Path::new("/")).unwrap(), ["v.svault"]);
}

#[test]
fn the_real_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("v.svault");
    let real: Arc<dyn Disk> = Arc::new(crate::RealDisk);
    let (kind, file_id) = (FileKind::Vault, FileId([1; 16]));
    let root = Root::random(&mut OsRandom).unwrap();
    let slots = vec![store_slot(&root, kind, &file_id, 1, 5)];
    let new = NewFile { kind, file_id, epoch: 1, generation: 1, created: 0, parent_chain: [0; 32] };
    let mut log = Log::create(real.clone(), &at, new, root, slots).unwrap();
    add(&mut log, 1);
    add(&mut log, 2);
    let head = log.close().unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(&at)
        .and_then(|mut f| std::io::Write::write_all(&mut f, b"xx"))
        .unwrap();
    let (_, opened) = Log::open(real, &at, unlock(5), HeadRule::AtLeast(head), |_| Ok(())).unwrap();
    assert_eq!(std::fs::read(opened.set_aside.unwrap()).unwrap(), b"xx");
    #[cfg(unix)]
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_that_is_being_written_is_read_up_to_a_head_and_left_alone() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let first = log.sync().unwrap();
    add(&mut log, 2);
    let second = log.sync().unwrap();
    let mut bytes = disk.bytes(path()).unwrap();
    bytes.extend(b"half a frame");
    disk.put(path(), &bytes);
    let before = disk.ops();
    let (other, _, seen) = open(&disk, HeadRule::UpTo(first)).unwrap();
    assert_eq!((seen, other.end().frames()), (vec![1], 1));
    let (_, _, seen) = open(&disk, HeadRule::UpTo(second)).unwrap();
    assert_eq!(seen, [1, 2]);
    let opening = Log::begin(arc(&disk), path(), unlock(5)).unwrap();
    assert_eq!(opening.finish(HeadRule::UpTo(first)).unwrap().0.end().frames(), 1);
    // Only the sweep of a stray temporary file that `begin` does.
    assert!(disk.ops() <= before + 1);
    assert_eq!(disk.bytes(path()).unwrap(), bytes);
    assert_eq!(fails(&disk, HeadRule::UpTo(Head { chain: [0; 32], ..second })).name(), "Beside");
    assert_eq!(fails(&disk, HeadRule::UpTo(Head { bytes: second.bytes - 1, ..second })).name(), "Damaged");
    disk.put(path(), &bytes[..first.bytes as usize]);
    assert_eq!(fails(&disk, HeadRule::UpTo(second)).name(), "RolledBack");
}

#[cfg(unix)]
#[test]
fn a_file_may_have_4_gib_and_not_a_byte_more() {
    let dir = tempfile::tempdir().unwrap();
    let (at, sim) = (dir.path().join("v.svault"), vault_with(&[1]).0);
    std::fs::write(&at, sim.bytes(path()).unwrap()).unwrap();
    // Sparse: it takes no room.
    let grown = |len| {
        std::fs::OpenOptions::new().write(true).open(&at).unwrap().set_len(len).unwrap();
        Log::begin(Arc::new(crate::RealDisk), &at, unlock(5)).map(drop)
    };
    grown(crate::MAX_FILE).unwrap();
    for more in [1, crate::MAX_FILE] {
        assert_eq!(grown(crate::MAX_FILE + more).unwrap_err().name(), "Bounds");
    }
}

#[test]
fn what_was_cut_off_stays_so_after_a_power_cut() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    add(&mut log, 1);
    let head = log.close().unwrap();
    let good = disk.bytes(path()).unwrap();
    disk.put(path(), &[&good[..], &[7; 900]].concat());
    let (_, opened, _) = open(&disk, HeadRule::AtLeast(head)).unwrap();
    assert!(opened.set_aside.is_some());
    assert_eq!(disk.crash(0).bytes(path()).unwrap(), good);
}

#[test]
fn all_that_was_rolled_forward_is_written_again_after_a_failed_sync() {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    let head = log.head();
    let value = vec![b'v'; 300_000];
    for n in 1..4 {
        log.append(&[New { meta: put(n, 1), value: Some(&value) }]).unwrap();
    }
    disk.fail_sync(0);
    assert_eq!(log.close().unwrap_err().name(), "Io");
    let written = disk.bytes(path()).unwrap();
    assert_ne!(disk.crash(0).bytes(path()).unwrap(), written, "the kernel takes it for clean");
    let (log, opened, seen) = open(&disk.killed(), HeadRule::AtLeast(head)).unwrap();
    assert_eq!((seen, opened.rolled_forward), (vec![1, 2, 3], 3));
    drop(log);
    let killed = disk.killed();
    drop(open(&killed, HeadRule::AtLeast(head)).unwrap());
    assert_eq!(killed.crash(0).bytes(path()).unwrap(), written);
}
