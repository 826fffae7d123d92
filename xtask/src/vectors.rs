//! `cargo xtask vectors`: writes `spec/vectors` again, from the code.

use crate::run::{Done, cargo, must, top};

/// Runs the generator of the sealed file's crate, its feature `vectors`.
pub fn write() -> Done {
    let manifest = top().join("crates").join("seal").join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).map_err(|e| format!("{}: {e}", manifest.display()))?;
    if !text.lines().any(|l| l.trim_start().starts_with("vectors =")) {
        return Err("crates/seal has no feature 'vectors': there is nothing that writes them".into());
    }
    let out = top().join("spec").join("vectors");
    let mut run = cargo(&["run", "--quiet", "--package", "svault-seal", "--features", "vectors"]);
    must(run.args(["--example", "vectors", "--"]).arg(&out))
}
