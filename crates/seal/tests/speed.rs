//! How fast it is: run with `cargo test --release -p svault-seal --test speed -- --ignored --nocapture`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{hint::black_box, path::Path, sync::Arc, time::Instant};
use svault_seal::{
    Disk, Factor, FactorOutput, FileId, FileKind, HeadRule, Header, Log, Meta, New, NewFile, Op, OsRandom,
    RealDisk, RecordId, Result, Root, Slot, SlotKeys, SlotPlace, SlotSpec, derive,
};

const FILE: FileId = FileId([1; 16]);

fn keys(spec: &SlotSpec) -> SlotKeys {
    let kek = FactorOutput::Store(secret::Key::copy_from(&[5; 32]).unwrap());
    derive(FileKind::Vault, &FILE, 1, spec, &[kek]).unwrap()
}

fn create(path: &Path) -> Log {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let root = Root::random(&mut OsRandom).unwrap();
    let spec = SlotSpec::new(vec![Factor::Store], &mut OsRandom).unwrap();
    let place = SlotPlace { kind: FileKind::Vault, file_id: &FILE, epoch: 1 };
    let slot = Slot::seal(&spec, &keys(&spec), &root, place, &mut OsRandom).unwrap();
    let new = NewFile {
        kind: FileKind::Vault,
        file_id: FILE,
        epoch: 1,
        generation: 1,
        created: 0,
        parent_chain: [0; 32],
    };
    Log::create(disk, path, new, root, vec![slot]).unwrap()
}

fn unlock(header: &Header) -> Result<Root> {
    header.slots[0].unwrap(&keys(&header.slots[0].spec), header.place())
}

#[test]
#[ignore = "measures"]
fn speed() {
    const N: u32 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.svault");
    let mut log = create(&path);
    let value = [b'v'; 1020];
    let mut places = Vec::new();
    let start = Instant::now();
    for n in 0..N {
        let mut record = [0; 16];
        record[..4].copy_from_slice(&n.to_le_bytes());
        let meta =
            Meta { op: Op::Put, kind: 1, record: RecordId(record), version: 1, body: b"name and such" };
        places.extend(log.append(&[New { meta, value: Some(&value) }]).unwrap().values);
    }
    println!("append: {:?} each", start.elapsed() / N);
    let start = Instant::now();
    let head = log.sync().unwrap();
    println!("sync of all: {:?}; {} MiB", start.elapsed(), head.place().bytes >> 20);
    for _ in 0..3 {
        let (start, mut seen) = (Instant::now(), 0);
        let visit = |frame: svault_seal::Frame<'_>| {
            seen += black_box(frame).meta.body.len();
            Ok(())
        };
        let (_, opened) =
            Log::open(Arc::new(RealDisk), &path, unlock, HeadRule::AtLeast(head), visit).unwrap();
        println!("open: {:?} ({seen}, {opened:?})", start.elapsed());
    }
    let start = Instant::now();
    for at in places.iter().flatten().step_by(10) {
        black_box(log.read_value(at).unwrap());
    }
    println!("read: {:?} each", start.elapsed() / (N / 10));
    let start = Instant::now();
    Log::open(Arc::new(RealDisk), &path, unlock, HeadRule::Whole(None), |_| Ok(())).unwrap();
    println!("open and verify every value: {:?}", start.elapsed());
}
