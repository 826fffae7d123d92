//! Each fuzz target with its kept seeds, with every case that was ever found, and with changes of both: what a fuzzer
//! does, in small, on every machine.

use std::path::Path;
use svault_fuzz::TARGETS;

/// Changes of each seed.
const CHANGES: u64 = 200;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for kind in ["seeds", "found"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
        let files = std::fs::read_dir(&folder).map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default();
        let mut paths: Vec<_> = files.iter().map(std::fs::DirEntry::path).collect();
        paths.sort();
        all.extend(paths.iter().map(|p| std::fs::read(p).expect("a seed")));
    }
    all
}

/// A small generator, the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).expect("small")
    }
}

fn changed(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.next(4) {
        let at = dice.next(bytes.len() + 1);
        match dice.next(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.next(8),
            1 if at < bytes.len() => bytes[at] = [0, 0xff, 0x7f, 0x80, b'"', b'\n', b'\\'][dice.next(7)],
            2 => bytes.truncate(at),
            3 => drop(
                bytes.splice(at..at, vec![u8::try_from(dice.next(256)).expect("a byte"); 1 + dice.next(9)]),
            ),
            4 => {
                let end = (at + dice.next(40)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            _ => {
                let end = (at + dice.next(40)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = dice.next(bytes.len() + 1);
                drop(bytes.splice(to..to, part));
            }
        }
    }
    bytes
}

#[test]
fn seeds_and_changes_of_them_hold() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 3, "{name} has too few seeds: cargo xtask vectors");
        target(b"");
        for (number, seed) in seeds.iter().enumerate() {
            target(seed);
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ number as u64);
            (0..CHANGES).for_each(|_| target(&changed(seed, &mut dice)));
        }
    }
}

#[test]
fn every_target_is_a_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the targets")
        .flatten()
        .map(|e| e.path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}
