//! `cargo xtask bench [--quick] [--only ROW] [--peers]`: the whole product beside its floors, measured in one run.

use crate::run::{Done, cargo, must, target};

/// Builds the release binary with cheap KDF parameters (the KDF is slow by design and not what is measured), then
/// runs `benches/product` on it, from a folder that every user can read: the rows are measured as an ordinary one.
pub fn bench(args: &[String]) -> Done {
    let folder = target().join("test-kdf");
    let mut build = cargo(&["build", "--release", "--package", "svault", "--features", "test-kdf"]);
    must(build.arg("--target-dir").arg(&folder))?;
    let name = format!("svault{}", std::env::consts::EXE_SUFFIX);
    let shared = Shared::with(&folder.join("release").join(&name))?;
    let mut run = cargo(&["bench", "--quiet", "--package", "svault-tests", "--features", "bench"]);
    run.args(["--bench", "product", "--"]).args(args).env("SVAULT_TEST_BIN", shared.0.join(&name));
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

/// A folder with the binary; gone at the end.
struct Shared(std::path::PathBuf);

impl Shared {
    fn with(binary: &std::path::Path) -> Done<Self> {
        let shared = Self(std::env::temp_dir().join(format!("svault-bench-{}", std::process::id())));
        let said = |e: std::io::Error| format!("{}: {e}", shared.0.display());
        std::fs::create_dir_all(&shared.0).map_err(said)?;
        std::fs::copy(binary, shared.0.join(binary.file_name().unwrap_or_default())).map_err(said)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&shared.0, mode).map_err(said)?;
        }
        Ok(shared)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
