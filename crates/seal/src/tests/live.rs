//! How many bytes of a file are of use: what is left over decides when it is written anew.

use crate::index::Index;
use crate::{Meta, Op, RecordId, ValueAt};

fn record(n: u8) -> RecordId {
    RecordId([n; 16])
}

fn put(index: &mut Index, n: u8, version: u64, value_len: u32) -> u64 {
    let before = index.live_bytes();
    let body = [7; 100];
    let meta = Meta { op: Op::Put, kind: 1, record: record(n), version, body: &body };
    let at = ValueAt { offset: 0, meta_len: 128, value_len, record: record(n), version };
    index.take(&meta, Some(at), 0).unwrap();
    index.live_bytes().wrapping_sub(before)
}

fn remove(index: &mut Index, n: u8, version: u64) {
    let meta = Meta { op: Op::Remove, kind: 1, record: record(n), version, body: &[] };
    index.take(&meta, None, 0).unwrap();
}

#[test]
fn what_is_removed_or_replaced_is_of_no_use_any_more() {
    let mut index = Index::with_capacity(4);
    assert_eq!(index.live_bytes(), 0);
    let a = put(&mut index, 1, 1, 1000);
    let b = put(&mut index, 2, 1, 50);
    assert_eq!(a - b, 950, "a value counts by its length");
    assert_eq!(index.live_bytes(), a + b);
    put(&mut index, 1, 2, 50);
    assert_eq!(index.live_bytes(), 2 * b, "replaced");
    remove(&mut index, 1, 3);
    assert_eq!(index.live_bytes(), b);
    remove(&mut index, 2, 2);
    assert_eq!(index.live_bytes(), 0);
}
