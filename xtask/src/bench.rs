//! `cargo xtask bench [--quick] [--only ROW] [--peers]`: the whole product beside its floors, measured in one run.

use crate::binaries::Binaries;
use crate::release;
use crate::run::{Done, cargo, must};

/// Builds the release binary with cheap KDF parameters (the KDF is slow by design and not what is measured), then
/// runs `benches/product` on it, from a folder that every user can read: the rows are measured as an ordinary one.
pub fn bench(args: &[String]) -> Done {
    let binaries = Binaries::fast()?;
    let mut run = cargo(&["bench", "--quiet", "--package", "svault-tests", "--features", "bench"]);
    run.args(["--bench", "product", "--"]).args(args).env("SVAULT_TEST_BIN", binaries.cheap());
    let only = args.iter().position(|a| a == "--only").and_then(|at| args.get(at + 1));
    let quick = args.iter().any(|a| a == "--quick");
    // The binary that is measured is built for it, and each takes minutes.
    if only.map_or(!quick, |row| row == "binary") {
        let [handed_out, plain] = release::sizes()?;
        run.env("SVAULT_RELEASE_BYTES", handed_out.to_string()).env("SVAULT_PLAIN_BYTES", plain.to_string());
    }
    must(&mut run)?;
    if quick || only.is_some() {
        return Ok(());
    }
    println!("\nThe sealed file alone:");
    let mut seal = cargo(&["test", "--quiet", "--release", "--package", "svault-seal", "--test", "speed"]);
    must(seal.args(["--", "--ignored", "--nocapture"]))?;
    println!("\nRedaction alone:");
    must(&mut cargo(&["bench", "--quiet", "--package", "svault-scan", "--bench", "pipe"]))
}
