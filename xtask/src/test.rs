//! `cargo xtask test`: every test, with what the product tests need; the last line is the runner's summary.

use crate::binaries::Binaries;
use crate::run::{Done, cargo, in_ci, is_there, shown};
use crate::skips::Skips;
use crate::summary::{Counts, pass_on};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Builds the binaries, runs the tests, tells what was skipped.
pub fn all(args: &[String]) -> Done {
    let since = Instant::now();
    let binaries = Binaries::build()?;
    let skips = Skips::new();
    let nextest = is_there("cargo", &["nextest", "--version"]);
    let mut ok = true;
    let mut counts = Counts::default();
    for mut command in commands(nextest, args) {
        // What lands is not left to luck: CI always draws the same cases. Everyone else, and `soak random`, draws new ones.
        if in_ci() && std::env::var_os("PROPTEST_RNG_SEED").is_none() {
            command.env("PROPTEST_RNG_SEED", "1");
        }
        binaries.name_in(&mut command);
        skips.name_in(&mut command);
        let (seen, held) = counted(&mut command)?;
        counts.passed += seen.passed;
        counts.failed += seen.failed;
        counts.skipped += seen.skipped;
        if !held {
            ok = false;
            eprintln!("xtask: {} failed", shown(&command));
        }
    }
    let skipped = skips.tell();
    counts.skip(skipped);
    if skipped > 0 && in_ci() {
        ok = false;
        eprintln!("xtask: in CI a skipped test is a failure");
    }
    if counts.passed + counts.failed == 0 {
        ok = false;
        eprintln!("xtask: no test ran");
    }
    drop((binaries, skips));
    println!("{}", counts.line(since));
    if ok { Ok(()) } else { Err(String::new()) }
}

/// With nextest: each test a process of its own, and doc tests apart, since nextest has none. Without: cargo's own runner.
fn commands(nextest: bool, args: &[String]) -> Vec<Command> {
    if !nextest {
        let mut all = cargo(&["test", "--workspace", "--no-fail-fast"]);
        all.args(args);
        return vec![all];
    }
    let mut tests = cargo(&["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"]);
    tests.args(["--final-status-level", "fail", "--no-tests", "pass"]).args(args);
    // With a filter only nextest runs: nobody names a doc test.
    if args.is_empty() {
        vec![tests, cargo(&["test", "--workspace", "--doc", "--quiet"])]
    } else {
        vec![tests]
    }
}

/// Runs it, and shows what it said only where it did not end well: crates without doc tests have a lot to say, too.
fn counted_quietly(command: &mut Command) -> Done<(Counts, bool)> {
    let said = command.output().map_err(|e| format!("can't start the doc tests: {e}"))?;
    let held = said.status.success();
    if !held {
        eprintln!("{}", String::from_utf8_lossy(&said.stderr));
    }
    let to: Box<dyn std::io::Write> =
        if held { Box::new(std::io::sink()) } else { Box::new(std::io::stdout()) };
    Ok((pass_on(said.stdout.as_slice(), to), held))
}

/// Runs it, passing its output on; what it counted, and whether it ended well.
fn counted(command: &mut Command) -> Done<(Counts, bool)> {
    let start = |e| format!("can't start the tests: {e}");
    if command.get_args().any(|a| a == "--doc") {
        return counted_quietly(command);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(start)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let other =
        std::thread::spawn(move || err.map(|pipe| pass_on(pipe, std::io::stderr())).unwrap_or_default());
    let mut counts = out.map(|pipe| pass_on(pipe, std::io::stdout())).unwrap_or_default();
    if let Ok(more) = other.join() {
        counts.passed += more.passed;
        counts.failed += more.failed;
        counts.skipped += more.skipped;
    }
    let status = child.wait().map_err(start)?;
    Ok((counts, status.success()))
}
