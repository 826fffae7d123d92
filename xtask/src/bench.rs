//! `cargo xtask bench`: the speed of the whole product beside its floor, measured in one run.

use crate::run::{Done, cargo, must, target};

/// Builds the release binary with cheap KDF parameters (the KDF is slow by design and not what is measured), then
/// runs `benches/product.rs` on it.
pub fn bench(args: &[String]) -> Done {
    let folder = target().join("test-kdf");
    let mut build = cargo(&["build", "--release", "--package", "svault", "--features", "test-kdf"]);
    must(build.arg("--target-dir").arg(&folder))?;
    let binary = folder.join("release").join(format!("svault{}", std::env::consts::EXE_SUFFIX));
    let mut run = cargo(&["bench", "--quiet", "--package", "svault-tests", "--bench", "product", "--"]);
    must(run.args(args).env("SVAULT_TEST_BIN", binary))?;
    println!("\nThe sealed file alone:");
    let mut seal = cargo(&["test", "--quiet", "--release", "--package", "svault-seal", "--test", "speed"]);
    must(seal.args(["--", "--ignored", "--nocapture"]))
}
