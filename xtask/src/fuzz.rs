//! `cargo xtask fuzz`: every fuzz target under `fuzz/`, one after the other.

use crate::run::{Done, cargo, is_there, must, top};

/// Each target for `args[0]` seconds. Without targets or without cargo-fuzz it fails and says so.
pub fn fuzz(args: &[String]) -> Done {
    let seconds = match args.first() {
        Some(n) => n.parse::<u32>().map_err(|_| format!("'{n}' is no number of seconds"))?,
        None => 60,
    };
    let targets = targets()?;
    if targets.is_empty() {
        return Err("nothing to fuzz yet: there is no target in fuzz/fuzz_targets".into());
    }
    if !is_there("cargo", &["fuzz", "--version"]) {
        return Err("needs cargo-fuzz: cargo install cargo-fuzz".into());
    }
    for target in targets {
        eprintln!("xtask: {target}, {seconds} s");
        // cargo-fuzz wants unstable flags of the compiler; this lets the pinned one take them.
        let mut run = cargo(&["fuzz", "run", &target, "--", &format!("-max_total_time={seconds}")]);
        must(run.env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(())
}

fn targets() -> Done<Vec<String>> {
    let folder = top().join("fuzz").join("fuzz_targets");
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        if path.extension().is_some_and(|e| e == "rs")
            && let Some(stem) = path.file_stem()
        {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
