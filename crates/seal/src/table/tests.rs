//! The rules of versions, transactions and new generations of a table.

use super::*;
use crate::sim::SimDisk;
use crate::tests::*;

const A: RecordId = RecordId([0xA; 16]);
const B: RecordId = RecordId([0xB; 16]);

fn put<'a>(record: RecordId, body: &'a [u8], value: &'a [u8]) -> Change<'a> {
    Change::Put { kind: 1, record, body, value: Some(value) }
}

fn table(disk: &SimDisk) -> Table {
    Table::new(new_vault(disk, path(), 1, 5))
}

fn reopen(disk: &SimDisk, head: Head) -> Result<Table> {
    Table::open(arc(disk), path(), unlock(5), HeadRule::AtLeast(head)).map(|(table, _)| table)
}

fn value(table: &Table, record: &RecordId) -> Option<Vec<u8>> {
    table.value(record).unwrap().map(|value| value.expose().to_vec())
}

fn why(result: Result<Position>) -> &'static str {
    match result {
        Err(Error::Record { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

/// Writes frames as no table would, and opens the file with a table.
fn forged(frames: &[Meta<'_>]) -> Result<Table> {
    let disk = disk();
    let mut log = new_vault(&disk, path(), 1, 5);
    for meta in frames {
        let value = (meta.op == Op::Put).then_some(b"sk-test".as_slice());
        log.append(&[New { meta: *meta, value }]).unwrap();
    }
    let head = log.close().unwrap();
    reopen(&disk, head)
}

fn frame(op: Op, version: u64) -> Meta<'static> {
    Meta { op, kind: 1, record: A, version, body: b"" }
}

const NAMES_1: Op = Op::Meta { names_version: 1 };

#[test]
fn a_file_that_breaks_a_rule_of_versions_is_refused() {
    let put = |version| frame(Op::Put, version);
    let good: [&[Meta<'_>]; 6] = [
        &[put(1), put(2), put(3)],
        &[put(900), put(901)],
        &[put(0), put(1)],
        &[put(1), frame(NAMES_1, 2), frame(NAMES_1, 3), put(4), frame(Op::Meta { names_version: 4 }, 5)],
        &[put(1), frame(Op::Remove, 2), put(3)],
        &[put(u64::MAX)],
    ];
    for frames in good {
        forged(frames).unwrap();
    }
    let other_kind = Meta { kind: 2, ..put(2) };
    let bad: [&[Meta<'_>]; 13] = [
        &[put(1), put(3)],
        &[put(1), put(1)],
        &[put(2), put(1)],
        &[put(u64::MAX), put(0)],
        &[frame(NAMES_1, 1)],
        &[frame(Op::Remove, 1)],
        &[put(1), frame(Op::Meta { names_version: 2 }, 2)],
        &[put(1), put(2), frame(NAMES_1, 3)],
        &[put(1), frame(NAMES_1, 2), frame(Op::Meta { names_version: 2 }, 3)],
        &[put(1), frame(Op::Remove, 2), frame(Op::Remove, 3)],
        &[put(1), frame(Op::Remove, 2), frame(NAMES_1, 3)],
        &[put(1), frame(Op::Remove, 2), put(1)],
        &[put(1), other_kind],
    ];
    for (n, frames) in bad.into_iter().enumerate() {
        let Err(e) = forged(frames) else { panic!("{n} was taken") };
        assert_eq!(e.name(), "Record", "{n}: {e}");
        assert!(e.to_string().starts_with("/v.svault"), "{e}");
    }
}

#[test]
fn a_record_lives_and_comes_back() {
    let disk = disk();
    let mut table = table(&disk);
    table.commit(&[put(A, b"name", b"sk-test-1"), put(B, b"b", b"")]).unwrap();
    table.commit(&[Change::Meta { record: A, body: b"renamed" }]).unwrap();
    table.commit(&[Change::Put { kind: 2, record: RecordId([0xC; 16]), body: b"", value: None }]).unwrap();
    let head = table.sync().unwrap();
    for table in [table, reopen(&disk, head).unwrap()] {
        let row = Row { record: A, kind: 1, version: 2, value_version: 1, body: b"renamed", has_value: true };
        assert_eq!(table.get(&A), Some(row));
        assert_eq!(value(&table, &A).unwrap(), b"sk-test-1");
        assert_eq!(value(&table, &B).unwrap(), b"", "an empty value is a value");
        assert_eq!(value(&table, &RecordId([0xC; 16])), None);
        assert_eq!(value(&table, &RecordId([0xD; 16])), None);
        assert_eq!((table.len(), table.iter(1).count(), table.iter(2).count()), (3, 2, 1));
    }
}

#[test]
fn a_refused_transaction_changes_nothing() {
    let disk = disk();
    let mut table = table(&disk);
    table.commit(&[put(A, b"a", b"1")]).unwrap();
    let end = table.log().end();
    let missing = [put(A, b"x", b"2"), Change::Meta { record: B, body: b"" }];
    assert_eq!(why(table.commit(&missing)), "there is no such record");
    assert_eq!(why(table.commit(&[Change::Remove { record: B }])), "there is no such record");
    let other_kind = Change::Put { kind: 2, record: A, body: b"", value: None };
    assert_eq!(why(table.commit(&[other_kind])), "a record's kind can't change");
    let huge = vec![0; crate::MAX_FRAME];
    assert_eq!(table.commit(&[put(B, b"b", b"1"), put(A, b"a", &huge)]).unwrap_err().name(), "TooBig");
    disk.set_capacity(Some(disk.used() + 300));
    assert_eq!(table.commit(&[put(B, b"b", b"1"), put(A, b"x", b"2")]).unwrap_err().name(), "Full");
    assert_eq!(table.log().end(), end);
    assert_eq!((table.len(), table.get(&A).unwrap().body), (1, b"a".as_slice()));
    assert_eq!(table.commit(&[]).unwrap(), end);
}

#[test]
fn changes_of_one_record_in_one_transaction_follow_each_other() {
    let disk = disk();
    let mut table = table(&disk);
    let changes = [
        put(A, b"1", b"one"),
        Change::Meta { record: A, body: b"2" },
        Change::Remove { record: A },
        put(A, b"4", b"four"),
        Change::Meta { record: A, body: b"5" },
    ];
    table.commit(&changes).unwrap();
    let gone_twice = [Change::Remove { record: A }, Change::Remove { record: A }];
    assert_eq!(why(table.commit(&gone_twice)), "there is no such record");
    let head = table.sync().unwrap();
    for table in [table, reopen(&disk, head).unwrap()] {
        let row = table.get(&A).unwrap();
        assert_eq!((row.version, row.value_version, row.body), (5, 4, b"5".as_slice()));
        assert_eq!(value(&table, &A).unwrap(), b"four");
    }
}

#[test]
fn a_new_generation_has_one_frame_for_each_record() {
    let disk = disk();
    let mut table = table(&disk);
    for n in 0..5 {
        table.commit(&[put(A, &[n], b"sk-test-old"), put(B, b"keep", b"sk-test-b")]).unwrap();
    }
    let (c, d) = (RecordId([0xC; 16]), RecordId([0xD; 16]));
    table.commit(&[put(c, b"c", b"sk-test-c"), Change::Meta { record: B, body: b"kept" }]).unwrap();
    assert!(table.garbage() > 1000);
    let before = disk.bytes(path()).unwrap().len();
    let slots = table.log().header().slots.clone();
    let changes = [
        Change::Meta { record: A, body: b"new body" },
        Change::Remove { record: c },
        Change::Put { kind: 3, record: d, body: b"d", value: Some(b"sk-test-d") },
    ];
    let next = Next { root: None, created: 0, slots: slots.clone() };
    table.rewrite(next, &changes, &mut |_| Ok(())).unwrap();
    assert_eq!(table.garbage(), 0);
    let after = disk.bytes(path()).unwrap().len();
    assert!(after < before - 1000, "{before} {after}");
    table.commit(&[Change::Meta { record: B, body: b"goes on" }]).unwrap();
    assert!(table.garbage() > 0);
    let head = table.sync().unwrap();
    for table in [&table, &reopen(&disk, head).unwrap()] {
        let seen = |record: &RecordId| {
            let row = table.get(record).unwrap();
            (row.kind, row.version, row.value_version, row.body.to_vec(), value(table, record).unwrap())
        };
        assert_eq!(seen(&A), (1, 6, 6, b"new body".to_vec(), b"sk-test-old".to_vec()));
        assert_eq!(seen(&B), (1, 7, 6, b"goes on".to_vec(), b"sk-test-b".to_vec()));
        assert_eq!(seen(&d), (3, 1, 1, b"d".to_vec(), b"sk-test-d".to_vec()));
        assert_eq!((table.get(&c), table.len()), (None, 3));
    }
    // Refused as a whole: nothing is rewritten.
    let twice = [Change::Remove { record: A }, put(A, b"", b"")];
    for bad in [&twice[..], &[Change::Meta { record: c, body: b"" }]] {
        let next = Next { root: None, created: 0, slots: slots.clone() };
        let e = table.rewrite(next, bad, &mut |_| panic!("heads were written")).unwrap_err();
        assert_eq!(e.name(), "Record");
    }
    assert_eq!(table.log().header().generation, 2);
}

#[test]
fn a_failed_rewrite_leaves_the_table_working() {
    let disk = disk();
    let mut table = table(&disk);
    table.commit(&[put(A, b"a", b"sk-test-a")]).unwrap();
    let slots = table.log().header().slots.clone();
    disk.set_capacity(Some(disk.used() + 100));
    let next = Next { root: None, created: 0, slots };
    let e = table.rewrite(next, &[Change::Remove { record: A }], &mut |_| Ok(())).unwrap_err();
    assert_eq!(e.name(), "Full");
    disk.set_capacity(None);
    assert_eq!(value(&table, &A).unwrap(), b"sk-test-a");
    table.commit(&[put(B, b"b", b"sk-test-b")]).unwrap();
    let head = table.sync().unwrap();
    assert_eq!(reopen(&disk, head).unwrap().len(), 2);
}

#[test]
fn a_store_is_read_before_its_head_is_known() {
    let disk = disk();
    let mut table = table(&disk);
    let head_key = [7; 32];
    table.commit(&[put(A, b"K_heads", &head_key), put(B, b"x", b"")]).unwrap();
    let head = table.sync().unwrap();
    let opening = Table::begin(arc(&disk), path(), unlock(5)).unwrap();
    assert_eq!(opening.iter(1).count(), 2);
    assert_eq!(opening.get(&A).unwrap().body, b"K_heads");
    assert_eq!(opening.value(&A).unwrap().unwrap().expose(), head_key);
    assert!(opening.value(&RecordId([0; 16])).unwrap().is_none());
    let (table, _) = opening.finish(HeadRule::AtLeast(head)).unwrap();
    assert_eq!(table.len(), 2);

    let mut other = Table::new(new_vault(&disk, Path::new("/other"), 2, 6));
    other.commit(&[put(A, b"a", b"")]).unwrap();
    let other_head = other.sync().unwrap();
    let opening = Table::begin(arc(&disk), path(), unlock(5)).unwrap();
    assert_eq!(opening.finish(HeadRule::AtLeast(other_head)).map(|_| ()).unwrap_err().name(), "Beside");
}

#[test]
fn a_sync_elsewhere_counts_what_was_written_before_it() {
    let disk = disk();
    let mut table = table(&disk);
    let first = table.commit(&[put(A, b"a", b"1")]).unwrap();
    let job = table.sync_job().unwrap();
    table.commit(&[put(B, b"b", b"2")]).unwrap();
    table.note_synced(job.run()).unwrap();
    assert_eq!(table.log().head().place().bytes, first.bytes());
    table.sync().unwrap();
    assert!(table.sync_job().is_none());
}

#[test]
fn a_row_says_whether_it_has_a_value() {
    let disk = disk();
    let mut table = table(&disk);
    assert!(table.is_empty());
    let without = Change::Put { kind: 1, record: B, body: b"b", value: None };
    table.commit(&[put(A, b"a", b"sk-test"), without]).unwrap();
    assert!(table.get(&A).unwrap().has_value && !table.get(&B).unwrap().has_value);
    assert_eq!((value(&table, &B), table.is_empty(), table.rows().count()), (None, false, 2));
}
