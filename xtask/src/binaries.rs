//! The two binaries that the product tests drive: one with cheap KDF parameters, and the ordinary one.
//!
//! Both are copied to a folder that every user of the machine can read: the tests drop to an ordinary user, who may
//! not be able to enter the folder of the sources.

use crate::run::{Done, cargo, must, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the binaries are; the folder is removed at the end.
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The cheap one alone, as fast as a release: for what is measured.
    pub fn fast() -> Done<Self> {
        let folder = cheap(&["--release"])?;
        let binaries = Self::empty();
        binaries.fill(&[("cheap", &folder.join("release"))])?;
        Ok(binaries)
    }

    /// Builds both.
    pub fn build() -> Done<Self> {
        let folder = cheap(&["--quiet"])?;
        must(&mut cargo(&["build", "--quiet", "--package", "svault"]))?;
        let binaries = Self::empty();
        binaries.fill(&[("cheap", &folder.join("debug")), ("plain", &target().join("debug"))])?;
        Ok(binaries)
    }

    fn empty() -> Self {
        Self { folder: std::env::temp_dir().join(format!("svault-bin-{}", std::process::id())) }
    }

    fn fill(&self, all: &[(&str, &Path)]) -> Done {
        let name = format!("svault{}", std::env::consts::EXE_SUFFIX);
        for (to, from) in all {
            let to = self.folder.join(to);
            std::fs::create_dir_all(&to).map_err(|e| format!("{}: {e}", to.display()))?;
            let from = from.join(&name);
            std::fs::copy(&from, to.join(&name)).map_err(|e| format!("{}: {e}", from.display()))?;
        }
        open_up(&self.folder)?;
        all.iter().try_for_each(|(to, _)| open_up(&self.folder.join(to)))
    }

    /// The one with cheap parameters.
    pub fn cheap(&self) -> PathBuf {
        self.folder.join("cheap").join(format!("svault{}", std::env::consts::EXE_SUFFIX))
    }

    /// Tells a test runner where they are.
    pub fn name_in(&self, command: &mut Command) {
        let name = format!("svault{}", std::env::consts::EXE_SUFFIX);
        command.env("SVAULT_TEST_BIN", self.cheap());
        command.env("SVAULT_PLAIN_BIN", self.folder.join("plain").join(&name));
    }
}

/// Builds the one with cheap parameters; its folder. It is one of its own, so that this binary is never the one that
/// `target/debug/svault` names; what it is built from is shared with the ordinary one.
fn cheap(how: &[&str]) -> Done<PathBuf> {
    let folder = target().join("test-kdf");
    let mut build = cargo(&["build", "--package", "svault", "--features", "test-kdf"]);
    build.args(how).arg("--target-dir").arg(&folder).env("CARGO_BUILD_BUILD_DIR", target());
    must(&mut build)?;
    Ok(folder)
}

/// Lets every user of the machine in.
#[cfg(unix)]
fn open_up(path: &Path) -> Done {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(not(unix))]
fn open_up(_path: &Path) -> Done {
    Ok(())
}

impl Drop for Binaries {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
