//! A sealed file on a disk that strangers write to, and behind its tags, where only a wrong writer could write.

use seal::sim::SimDisk;
use seal::vectors::{Behind, Plain};
use seal::{Error, HeadRule, Header, Log, Opened, RecordId, Table};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The vault's file, which opens with known keys, and bytes that are put behind it (first byte 0), that change what it has (1),
/// or that are the contents of more frames, encrypted and linked as they must be (2).
pub fn sealed(input: &[u8]) {
    let Some((&how, bytes)) = input.split_first() else { return };
    MADE.with(|made| match how % 3 {
        0 => behind_the_end(made, bytes),
        1 => in_place(made, bytes),
        _ => in_frames(made, bytes),
    });
}

thread_local! {
    static MADE: Behind = Behind::new().expect("locked memory");
}

const PATH: &str = "/vault.svault";

/// Record, its version and body, and its value, where that holds.
type Rows = BTreeMap<RecordId, (u64, Vec<u8>, Option<Vec<u8>>)>;

fn on_disk(bytes: &[u8]) -> SimDisk {
    let disk = SimDisk::new();
    disk.put(Path::new(PATH), bytes);
    disk
}

fn open(made: &Behind, disk: &SimDisk, rule: HeadRule) -> Result<(Rows, Opened), Error> {
    let unlock = |header: &Header| made.unlock(header);
    let (table, opened) = Table::open(Arc::new(disk.clone()), Path::new(PATH), unlock, rule)?;
    let value = |record| table.value(&record).ok().flatten().map(|value| value.expose().to_vec());
    let rows = table.rows().map(|row| (row.record, (row.version, row.body.to_vec(), value(row.record))));
    Ok((rows.collect(), opened))
}

fn is_whole(made: &Behind, disk: &SimDisk) -> bool {
    let unlock = |header: &Header| made.unlock(header);
    Log::open(Arc::new(disk.clone()), Path::new(PATH), unlock, HeadRule::Whole(None), |_| Ok(())).is_ok()
}

/// Nobody without the keys can add a frame: what lies behind the end goes, and all else stays.
fn behind_the_end(made: &Behind, tail: &[u8]) {
    let (before, _) = open(made, &on_disk(made.bytes()), HeadRule::AtLeast(made.head())).expect("as it was");
    let disk = on_disk(&[made.bytes(), tail].concat());
    assert_eq!(is_whole(made, &disk), tail.is_empty());
    let (rows, opened) = open(made, &disk, HeadRule::AtLeast(made.head())).expect("a tail is no harm");
    assert_eq!(rows, before);
    assert!(opened.rolled_forward == 0 && opened.set_aside.is_some() != tail.is_empty(), "{opened:?}");
    assert!(is_whole(made, &disk), "the tail is still there");
}

/// Two bytes of a place, and what is changed from there on: nothing else comes of it than what was, or an error.
fn in_place(made: &Behind, bytes: &[u8]) {
    let Some((&[low, high], changes)) = bytes.split_first_chunk::<2>() else { return };
    let mut file = made.bytes().to_vec();
    let at = usize::from(u16::from_le_bytes([low, high])) % file.len();
    file[at..].iter_mut().zip(changes).for_each(|(byte, change)| *byte ^= change);
    let (as_it_was, disk) = (file == made.bytes(), on_disk(&file));
    assert_eq!(is_whole(made, &disk), as_it_was);
    let (before, _) = open(made, &on_disk(made.bytes()), HeadRule::AtLeast(made.head())).expect("as it was");
    // Below the head values are looked at when they are asked for.
    let Ok((rows, _)) = open(made, &disk, HeadRule::AtLeast(made.head())) else { return };
    assert!(rows.keys().eq(before.keys()));
    for ((version, body, value), was) in rows.values().zip(before.values()) {
        assert!(*version == was.0 && *body == was.1 && (value.is_none() || *value == was.2), "{was:?}");
    }
}

/// Frames with right tags: an error, or records that are the same when they are read once more.
fn in_frames(made: &Behind, mut bytes: &[u8]) {
    let mut file = made.bytes().to_vec();
    for _ in 0..16 {
        let Some((&[shape, tx_count, meta, value], rest)) = bytes.split_first_chunk::<4>() else { break };
        let (meta, rest) = rest.split_at(usize::from(meta).min(rest.len()));
        let (value, rest) = rest.split_at(usize::from(value).min(rest.len()));
        let frame = Plain {
            flags: u8::from(shape & 4 != 0),
            tx_count: tx_count.into(),
            meta,
            value: (shape & 1 != 0).then_some(value),
            padded: shape & 2 == 0,
        };
        (file, bytes) = (made.with(file, &frame).expect("a short frame"), rest);
    }
    let disk = on_disk(&file);
    let whole = is_whole(made, &disk);
    for rule in [HeadRule::AtLeast(made.head()), HeadRule::Accept, HeadRule::Look] {
        let disk = on_disk(&file);
        let Ok((rows, opened)) = open(made, &disk, rule) else { continue };
        assert!(!whole || (opened.discarded == 0 && opened.set_aside.is_none()), "{opened:?}");
        let (again, opened) = open(made, &disk, rule).expect("it was opened before");
        assert!(again == rows && opened.discarded == 0 && opened.set_aside.is_none(), "{opened:?}");
    }
}
