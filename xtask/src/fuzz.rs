//! `cargo xtask fuzz`: every fuzz target under `fuzz/`, one after the other. What it finds lies in `fuzz/artifacts` and
//! belongs, once mended, into `fuzz/found/TARGET`, where the ordinary tests try it again.

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
        // New inputs go to the corpus, which is not kept; the seeds are only read.
        let (corpus, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
        std::fs::create_dir_all(top().join(&corpus)).map_err(|e| format!("{corpus}: {e}"))?;
        let time = format!("-max_total_time={seconds}");
        let words =
            ["fuzz", "run", "--features", "fuzzer", &target, &corpus, &seeds, "--", &time, "-timeout=10"];
        // cargo-fuzz wants unstable flags of the compiler; this lets the pinned one take them.
        must(cargo(&words).env("RUSTC_BOOTSTRAP", "1"))?;
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
