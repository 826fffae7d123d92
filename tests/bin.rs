//! Where the binaries under test are.

use std::path::{Path, PathBuf};

/// The binary that takes cheap KDF parameters: what nearly every test drives.
#[must_use]
pub fn cheap() -> PathBuf {
    find("SVAULT_TEST_BIN", "target/test-kdf/debug/svault")
}

/// The ordinary binary, as a user builds it.
#[must_use]
pub fn plain() -> PathBuf {
    find("SVAULT_PLAIN_BIN", "target/debug/svault")
}

fn find(variable: &str, built: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let path = top.join(built);
    assert!(path.exists(), "{} is missing: run the tests with `cargo xtask test`", path.display());
    path
}
