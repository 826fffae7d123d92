//! `svault import --undo`: every backup of a file can be reached, and what was done is said as it is.

use crate::import::{file, human, read};
use svault_tests::Sandbox;

const ONE: &str = "A_KEY=sk-test-a\n";
const TWO: &str = "A_KEY=svault://main/A_KEY\nB_KEY=sk-test-b\n";

/// A file that was replaced twice: with one secret in it, and with a second one added.
fn twice(sandbox: &Sandbox) -> std::path::PathBuf {
    let path = file(sandbox, ONE);
    let _ = human(sandbox, &["import", ".env", "--replace"]).ok();
    std::fs::write(&path, TWO).expect("write");
    let _ = human(sandbox, &["import", ".env", "--replace"]).ok();
    assert_eq!(read(&path), "A_KEY=svault://main/A_KEY\nB_KEY=svault://main/B_KEY\n");
    path
}

#[test]
fn every_backup_is_listed_and_can_be_written_back() {
    let sandbox = Sandbox::ready();
    let path = twice(&sandbox);
    let listed = human(&sandbox, &["import", "--undo", ".env", "--dry-run", "--json"]).ok().json();
    let dates: Vec<&str> = listed["backups"]
        .as_array()
        .expect("backups")
        .iter()
        .map(|b| b["date"].as_str().expect("a date"))
        .collect();
    assert!(dates.len() == 2 && dates[0] > dates[1], "the newest first: {dates:?}");
    assert_eq!(listed["date"], dates[0]);
    assert!(read(&path).contains("svault://main/B_KEY"), "a dry run writes nothing");
    let table = human(&sandbox, &["import", "--undo", ".env", "--dry-run"]).ok().text();
    assert!(dates.iter().all(|date| table.contains(date)), "{table}");

    let said = human(&sandbox, &["import", "--undo", ".env"]).ok().text();
    assert_eq!(read(&path), TWO);
    assert!(said.contains(dates[0]) && said.contains(&format!("--backup {}", dates[1])), "{said}");
    // What lies between the two is an edit of the human's: it is not lost without a word.
    let back = ["import", "--undo", ".env", "--backup", dates[1]];
    let _ = human(&sandbox, &back).exits(1).says("has changed");
    assert_eq!(read(&path), TWO);
    let said = human(&sandbox, &[&back[..], &["--force"]].concat()).ok().text();
    assert_eq!(read(&path), ONE);
    assert!(said.contains(dates[1]) && !said.contains("further back"), "{said}");
    let _ = human(&sandbox, &["import", "--undo", ".env", "--backup", "19700101T000000.000Z"])
        .exits(1)
        .says("no backup of 19700101T000000.000Z")
        .says("--dry-run");
}

#[test]
fn a_file_that_is_as_the_backup_already_is_said_to_be() {
    let sandbox = Sandbox::ready();
    let path = twice(&sandbox);
    let _ = human(&sandbox, &["import", "--undo", ".env"]).ok();
    let before = std::fs::metadata(&path).expect("the file");
    let said = human(&sandbox, &["import", "--undo", ".env"]).ok().text();
    assert!(said.contains("already") && said.contains("nothing was changed"), "{said}");
    assert!(said.contains("further back"), "{said}");
    assert_eq!(read(&path), TWO);
    use std::os::unix::fs::MetadataExt;
    assert_eq!(std::fs::metadata(&path).expect("the file").ino(), before.ino(), "it is the same file");
    let json = human(&sandbox, &["import", "--undo", ".env", "--json"]).ok().json();
    assert_eq!(json["changed"], false);
}
