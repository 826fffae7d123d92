//! `cargo xtask fuzz`: every fuzz target under `fuzz/`, two at a time. What it finds lies in `fuzz/artifacts` and
//! belongs, once mended, into `fuzz/found/TARGET`, where the ordinary tests try it again.

use crate::run::{Done, cargo, is_there, must, target, top};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Targets at once.
const AT_ONCE: usize = 2;

/// Each target for `args[0]` seconds; `args[1]` may name one. Without targets or without cargo-fuzz it fails and says so.
pub fn fuzz(args: &[String]) -> Done {
    let seconds = match args.first() {
        Some(n) => n.parse::<u32>().map_err(|_| format!("'{n}' is no number of seconds"))?,
        None => 60,
    };
    let mut targets = targets()?;
    targets.retain(|t| args.get(1).is_none_or(|only| only == t));
    if targets.is_empty() {
        return Err("there is no such target in fuzz/fuzz_targets".into());
    }
    if !is_there("cargo", &["fuzz", "--version"]) {
        return Err("needs cargo-fuzz: cargo install cargo-fuzz".into());
    }
    build()?;
    let mut failed = Vec::new();
    for some in targets.chunks(AT_ONCE) {
        eprintln!("xtask: {}, {seconds} s", some.join(" and "));
        let running: Vec<_> = some.iter().map(|t| start(t, seconds)).collect::<Done<_>>()?;
        for (name, child) in some.iter().zip(running) {
            if !ended_well(name, child)? {
                failed.push(name.as_str());
            }
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(format!("found something in {}: see fuzz/artifacts", names.join(", "))),
    }
}

/// Builds all of them. No sanitizer of memory: what they call has no `unsafe`, and the pinned compiler can't link it.
fn build() -> Done {
    let words = ["fuzz", "build", "--sanitizer", "none", "--features", "fuzzer"];
    let mut build = cargo(&words);
    // cargo-fuzz wants unstable flags of the compiler; this lets the pinned one take them.
    build.env("RUSTC_BOOTSTRAP", "1");
    build.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_STRIP", "none");
    must(build.stderr(Stdio::inherit()))
}

/// Starts one. New inputs go to the corpus, which is not kept; the seeds are only read.
fn start(name: &str, seconds: u32) -> Done<Child> {
    let folder = |kind: &str| format!("fuzz/{kind}/{name}");
    let (corpus, seeds, found) = (folder("corpus"), folder("seeds"), folder("artifacts"));
    for folder in [&corpus, &found] {
        std::fs::create_dir_all(top().join(folder)).map_err(|e| format!("{folder}: {e}"))?;
    }
    let host = crate::release::host()?;
    let mut run = Command::new(target().join(host).join("release").join(name));
    run.current_dir(top()).args([&corpus, &seeds]);
    run.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={found}/"));
    // Nobody reads a pipe while another one is waited for.
    let log = log(name);
    let said = std::fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    run.args(["-timeout=10", "-print_final_stats=1"]).stdin(Stdio::null()).stderr(said);
    run.spawn().map_err(|e| format!("{name}: {e}"))
}

/// Says how many inputs it took, or all that it said.
fn ended_well(name: &str, mut child: Child) -> Done<bool> {
    let status = child.wait().map_err(|e| format!("{name}: {e}"))?;
    let said = std::fs::read(log(name)).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    if !status.success() {
        eprintln!("{said}");
        return Ok(false);
    }
    let inputs = said.lines().find_map(|l| l.strip_prefix("stat::number_of_executed_units:"));
    println!("{name}: {} inputs, nothing found", inputs.map_or("?", str::trim));
    Ok(true)
}

/// Where a target writes what it says.
fn log(name: &str) -> PathBuf {
    target().join(format!("fuzz-{name}.log"))
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
