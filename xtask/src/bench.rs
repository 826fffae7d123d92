//! `cargo xtask bench [--quick] [--only ROW] [--peers]`: the whole product beside its floors, measured in one run.

use crate::binaries::Binaries;
use crate::run::{Done, cargo, must};

/// Builds the release binary with cheap KDF parameters (the KDF is slow by design and not what is measured), then
/// runs `benches/product` on it, from a folder that every user can read: the rows are measured as an ordinary one.
pub fn bench(args: &[String]) -> Done {
    let binaries = Binaries::fast()?;
    let mut run = cargo(&["bench", "--quiet", "--package", "svault-tests", "--features", "bench"]);
    run.args(["--bench", "product", "--"]).args(args).env("SVAULT_TEST_BIN", binaries.cheap());
    must(&mut run)?;
    if args.iter().any(|a| a == "--only" || a == "--quick") {
        return Ok(());
    }
    println!("\nThe sealed file alone:");
    let mut seal = cargo(&["test", "--quiet", "--release", "--package", "svault-seal", "--test", "speed"]);
    must(seal.args(["--", "--ignored", "--nocapture"]))?;
    println!("\nRedaction alone:");
    must(&mut cargo(&["bench", "--quiet", "--package", "svault-scan", "--bench", "pipe"]))
}
