//! `cargo xtask soak`: the crash tests with many more random sequences than the everyday run has.

use crate::run::{Done, cargo, must};

/// Runs the crash tests of the sealed file, and of store, vaults and trail, for long. `SVAULT_SEQUENCES` may say how long.
pub fn soak() -> Done {
    let sequences = std::env::var("SVAULT_SEQUENCES").unwrap_or_else(|_| "10000".into());
    eprintln!("xtask: {sequences} random sequences, each cut at every point");
    let mut run = cargo(&["test", "--release", "--package", "svault-seal", "--package", "svault-vault"]);
    must(run.args(["--test", "crash"]).env("SVAULT_SEQUENCES", &sequences))
}
