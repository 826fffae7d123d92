//! The vectors: each does what it says, they are always the same, and those in the repository are these.

use crate::vectors::{all, files};
use std::{collections::BTreeSet, path::Path};

#[test]
fn every_vector_says_what_it_must() {
    let mut bad = 0;
    for case in all().unwrap() {
        if cfg!(feature = "test-kdf") && case.name.starts_with("bad-kdf-") {
            continue;
        }
        let found = case.read();
        bad += u32::from(case.expected.is_err());
        let found = found.as_ref().copied().map_err(crate::Error::name);
        assert_eq!(found, case.expected, "{}", case.name);
    }
    assert!(bad >= 100, "{bad}");
}

#[test]
fn names_are_unique_and_no_two_files_are_the_same() {
    let cases = all().unwrap();
    let names: BTreeSet<_> = cases.iter().map(|c| &c.name).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn the_files_in_the_repository_are_these() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors");
    let files = files().unwrap();
    for (name, bytes) in &files {
        let found = std::fs::read(dir.join(name)).unwrap_or_default();
        assert!(found == *bytes, "{name} differs: run `cargo xtask vectors`");
    }
    // The wire has its vectors in the same folder.
    let sealed = |name: &std::ffi::OsStr| name.as_encoded_bytes().ends_with(b".svault");
    let there = std::fs::read_dir(dir).unwrap().filter(|e| sealed(&e.as_ref().unwrap().file_name())).count();
    assert_eq!(there, files.len() - 1);
}
