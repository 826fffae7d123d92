//! `cargo xtask soak`: the crash tests and random cases with many more draws and kills than the everyday run has, the storm
//! of bad peers for half an hour. And `cargo xtask soak mutants`: whether a test notices each change of the code that decides.

use crate::binaries::Binaries;
use crate::run::{Done, cargo, in_ci, is_there, must, target, top};

/// What is changed line by line: whole crates, and the gate. `.cargo/mutants.toml` has what is left out, and why.
const DECIDE: &[(&str, &str)] = &[
    ("svault-policy", "crates/policy/src/**"),
    ("svault-seal", "crates/seal/src/**"),
    ("svault-daemon", "crates/daemon/src/gate.rs"),
];

/// So many mutants of a change are tried in CI.
const MOST_IN_CI: usize = 12;

/// Everything, or what is named.
pub fn soak(args: &[String]) -> Done {
    match args.first().map(String::as_str) {
        None => crashes().and_then(|()| kills()).and_then(|()| random()).and_then(|()| load(None)),
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

/// The daemon killed for real, with and without a disk that fills up. `SVAULT_ROUNDS` may say how often.
fn kills() -> Done {
    let rounds = std::env::var("SVAULT_ROUNDS").unwrap_or_else(|_| "300".into());
    eprintln!("xtask: {rounds} kills under load, and as many with the disk full or read-only");
    let binaries = Binaries::build()?;
    let mut run = cargo(&["test", "--package", "svault-tests", "--test", "promises", "--", "crash::"]);
    binaries.name_in(&mut run);
    must(run.env("SVAULT_ROUNDS", &rounds))
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
    must(run.env("SVAULT_MINUTES", minutes))
}

/// Each mutant against the tests of its own crate; what those don't notice, against the daemon's too.
fn mutants(of: Option<&str>) -> Done {
    if !is_there("cargo", &["mutants", "--version"]) {
        return Err("needs cargo-mutants: cargo install cargo-mutants".into());
    }
    let diff = match of {
        Some("diff") => Some(last_change()?),
        _ => None,
    };
    if diff.as_deref() == Some("") {
        eprintln!("xtask: the last commit changed nothing that decides");
        return Ok(());
    }
    let file = target().join("last-change.diff");
    if let Some(diff) = &diff {
        std::fs::write(&file, diff).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let run = |more: &[&str]| {
        let mut run = cargo(&["mutants", "--no-shuffle", "--timeout", "60", "--test-tool", "nextest"]);
        for (package, path) in DECIDE {
            run.args(["--package", package, "--file", path]);
        }
        if diff.is_some() {
            run.arg("--in-diff").arg(&file);
        }
        run.args(more);
        run
    };
    let few = match in_ci() {
        true => a_few(&mut run(&["--list"]))?,
        false => Vec::new(),
    };
    let run = |more: &[&str]| {
        let mut run = run(more);
        run.args(&few);
        run
    };
    // The first ends with an error where there is something left for the second.
    must(&mut run(&[])).or_else(|_| must(&mut run(&["--iterate", "--test-package", "svault-daemon"])))
}

/// In CI the checkout itself is changed, which saves a build of everything, and of many mutants some are tried: the
/// arguments for both.
fn a_few(list: &mut std::process::Command) -> Done<Vec<String>> {
    let said = list.output().map_err(|e| format!("cargo mutants: {e}"))?;
    let shards = said.stdout.iter().filter(|&&byte| byte == b'\n').count().div_ceil(MOST_IN_CI).max(1);
    let args = ["--in-place", "--baseline", "skip", "--sharding", "round-robin", "--shard"];
    Ok(args.into_iter().map(str::to_owned).chain([format!("0/{shards}")]).collect())
}

/// What the last commit changed of the code that decides; nothing where there is no commit before it.
fn last_change() -> Done<String> {
    let mut git = std::process::Command::new("git");
    git.current_dir(top()).args(["diff", "HEAD~1", "HEAD", "--"]);
    git.args(DECIDE.iter().map(|(_, path)| path.trim_end_matches("/**")));
    let said = git.output().map_err(|e| format!("git: {e}"))?;
    Ok(if said.status.success() { String::from_utf8_lossy(&said.stdout).into_owned() } else { String::new() })
}
