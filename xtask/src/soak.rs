//! `cargo xtask soak`: the crash tests and random cases with many more draws and kills than the everyday run has, the storm
//! of bad peers for half an hour. And `cargo xtask soak mutants`: whether a test notices each change of the code that decides.

use crate::binaries::Binaries;
use crate::mutants::mutants;
use crate::run::{Done, cargo, must};
use crate::skips::Skips;
use std::process::Command;

/// Everything, or what is named.
pub fn soak(args: &[String]) -> Done {
    match args.first().map(String::as_str) {
        None => {
            let done = [crashes(), kills(), random(), load(None)];
            let failed: Vec<String> = done.into_iter().filter_map(Result::err).collect();
            if failed.is_empty() { Ok(()) } else { Err(failed.join("\nxtask: ")) }
        }
        Some("crashes") => crashes(),
        Some("kills") => kills(),
        Some("random") => random(),
        Some("load") => load(args.get(1)),
        Some("mutants") => mutants(args.get(1).map(String::as_str)),
        Some(other) => Err(format!("no soak '{other}': crashes, kills, random, load, mutants")),
    }
}

/// The sealed file, and store, vaults and trail, on a simulated disk that is cut at every point. `SVAULT_SEQUENCES` may
/// say how many sequences.
fn crashes() -> Done {
    let sequences = std::env::var("SVAULT_SEQUENCES").unwrap_or_else(|_| "10000".into());
    eprintln!("xtask: {sequences} random sequences, each cut at every point");
    let mut run = cargo(&["test", "--release", "--package", "svault-seal", "--package", "svault-vault"]);
    must(run.args(["--test", "crash"]).env("SVAULT_SEQUENCES", &sequences))
}

/// The daemon killed for real, also on a disk that fills up and on one that breaks. `SVAULT_ROUNDS` may say how often.
fn kills() -> Done {
    let rounds = std::env::var("SVAULT_ROUNDS").unwrap_or_else(|_| "300".into());
    eprintln!(
        "xtask: {rounds} kills under load, as many with a full disk, and with one that turns read-only"
    );
    let binaries = Binaries::build()?;
    let mut run = cargo(&["test", "--package", "svault-tests", "--test", "promises", "--", "crash::"]);
    binaries.name_in(&mut run);
    all_of(run.env("SVAULT_ROUNDS", &rounds))
}

/// The tests that draw their cases, with new ones and more of them. `PROPTEST_CASES` may say how many.
fn random() -> Done {
    let cases = std::env::var("PROPTEST_CASES").unwrap_or_else(|_| "20000".into());
    eprintln!("xtask: {cases} random cases for each property");
    let mut run = cargo(&["test", "--release", "--no-fail-fast", "--lib", "--tests"]);
    for package in ["agents", "daemon", "dotenv", "policy", "scan", "secret", "wire"] {
        run.args(["--package", &format!("svault-{package}")]);
    }
    must(run.env("PROPTEST_CASES", &cases).env_remove("PROPTEST_RNG_SEED"))
}

/// A caller beside a storm of bad peers, for so many minutes (default 30): a table of memory, descriptors and times.
fn load(minutes: Option<&String>) -> Done {
    let minutes = minutes.map_or("30", String::as_str);
    minutes.parse::<f64>().map_err(|_| format!("'{minutes}' is no number of minutes"))?;
    eprintln!("xtask: {minutes} minutes of load");
    let binaries = Binaries::fast()?;
    let mut run = cargo(&["test", "--package", "svault-tests", "--test", "promises", "--"]);
    run.args(["--nocapture", "storm::"]);
    binaries.name_in(&mut run);
    all_of(run.env("SVAULT_MINUTES", minutes))
}

/// Runs tests of which none may be left out: who asks for a soak is not told that all is well where half of it was skipped.
fn all_of(run: &mut Command) -> Done {
    let skips = Skips::new();
    skips.name_in(run);
    must(run)?;
    match skips.tell() {
        0 => Ok(()),
        n => Err(format!("{n} of these tests could not run here")),
    }
}
