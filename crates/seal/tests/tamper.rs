//! Promise 6 on a closed vault: whichever bit is changed, the file is refused, at the latest when its values are read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may, its helpers too

extern crate svault_seal as seal;

mod common;

use common::{FILE, House, content, open, record, same_epoch, unlock};
use seal::sim::SimDisk;
use seal::{Change, Disk, HeadRule, Log};
use std::path::Path;
use std::sync::Arc;

#[test]
fn each_bit_of_a_closed_vault() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut house = House::create(disk.clone(), Path::new("/"));
    let put = |n: u64, value: &'static [u8]| Change::Put {
        kind: 1,
        record: record(n),
        body: b"name",
        value: Some(value),
    };
    house.table.commit(&[put(1, b"sk-test-one"), put(2, b"sk-test-two")]).unwrap();
    house.table.commit(&[Change::Meta { record: record(1), body: b"renamed" }]).unwrap();
    let next = same_epoch(&house.table);
    house.rewrite(next, &[put(3, b"sk-test-three")]).unwrap();
    house.table.commit(&[Change::Remove { record: record(2) }, put(4, b"")]).unwrap();
    house.acknowledge().unwrap();
    house.heads.write_both().unwrap();

    let (path, head) = (house.vault.clone(), *house.heads.get(&FILE).unwrap());
    let good = sim.bytes(&path).unwrap();
    let truth = content(&house.table).unwrap();
    drop(house);
    let mut dead = 0;
    let mut names = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            sim.put(&path, &bad);
            let refused = match open(disk.clone(), &path, &head).and_then(|(table, _)| content(&table)) {
                Err(e) => e,
                // Only in the value of a removed record, which nobody can ask for: a check of the whole file finds it.
                Ok(found) => {
                    assert_eq!(found, truth, "bit {bit} of byte {at}");
                    dead += 1;
                    let whole = Log::open(disk.clone(), &path, unlock, HeadRule::Whole(None), |_| Ok(()));
                    whole.map(|_| ()).expect_err(&format!("bit {bit} of byte {at} was taken"))
                }
            };
            *names.entry(refused.name()).or_default() += 1;
        }
    }
    for name in names.keys() {
        let known = ["BadMagic", "Version", "Bounds", "Slot", "WrongKey", "HeaderMac", "Damaged"];
        assert!(known.contains(name), "{names:?}");
    }
    assert_eq!(dead, 32 * 8, "the padded value of one removed record");
    sim.put(&path, &good);
    let (table, _) = open(disk, &path, &head).unwrap();
    assert_eq!(content(&table).unwrap(), truth);
}
