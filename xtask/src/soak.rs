//! `cargo xtask soak`: the crash tests with many more random sequences than the everyday run has.

use crate::run::{Done, cargo, must};

/// Runs the property tests of the sealed file and of the vault for long. `SVAULT_SEQUENCES` may say how long.
pub fn soak() -> Done {
    let sequences = std::env::var("SVAULT_SEQUENCES").unwrap_or_else(|_| "10000".into());
    eprintln!("xtask: {sequences} random sequences, each cut at every point");
    let mut run = cargo(&["test", "--release", "--package", "svault-seal", "--package", "svault-vault"]);
    run.args(["--package", "svault-audit", "--", "crash"]);
    must(run.env("SVAULT_SEQUENCES", &sequences).env("PROPTEST_CASES", &sequences))
}
