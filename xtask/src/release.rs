//! `cargo xtask release`: the binary that is handed out: static where the system allows it, stripped, and with the list of
//! its dependencies inside where cargo-auditable is installed.

use crate::run::{Done, cargo, is_there, must, target, top};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What it may have, in MB.
const MOST: f64 = 8.0;

/// Builds it and says where it is, and whether it is as small as it should be.
pub fn release() -> Done {
    let (binary, auditable) = build()?;
    let megabytes = size(&binary)? as f64 / 1e6;
    let missed = if megabytes <= MOST { "" } else { "  MISSED" };
    println!("{}: {megabytes:.2} MB, <= {MOST} MB{missed}", binary.display());
    if !auditable {
        println!("without the list of its dependencies: cargo install cargo-auditable");
    }
    Ok(())
}

/// Builds it. Where it is, and whether it has the list of its dependencies.
fn build() -> Done<(PathBuf, bool)> {
    let host = host()?;
    let auditable = is_there("cargo", &["auditable", "--version"]);
    let verb: &[&str] = if auditable { &["auditable", "build"] } else { &["build"] };
    let mut build = cargo(verb);
    // Without a target of its own the flag would reach procedural macros too, which can't be static.
    build.args(["--release", "--locked", "--package", "svault", "--target", &host]);
    build.env("CARGO_ENCODED_RUSTFLAGS", flags(&host).join("\u{1f}"));
    must(&mut build)?;
    let name = format!("svault{}", std::env::consts::EXE_SUFFIX);
    let binary = target().join(&host).join("release").join(name);
    // A static program puts its own addresses right before it begins: that it does is seen by starting it.
    must(Command::new(&binary).arg("--version").stdout(Stdio::null()))?;
    Ok((binary, auditable))
}

/// What the compiler is told beside the profile.
fn flags(host: &str) -> Vec<String> {
    let mut flags = Vec::new();
    if host.contains("linux") || host.contains("windows") {
        // Nothing that is preloaded has a hold on a static program.
        flags.push("-Ctarget-feature=+crt-static".to_owned());
    }
    // Where the linker is known to be lld: its own relocations in short form, and no tables for unwinding.
    if host == "x86_64-unknown-linux-gnu" {
        let script = top().join("crates/svault/no-unwinding.ld");
        for arg in ["-z", "pack-relative-relocs", "--no-eh-frame-hdr", "-T", &script.to_string_lossy()] {
            flags.push(format!("-Clink-arg=-Wl,{arg}"));
        }
    }
    flags
}

/// Bytes of the binary that is handed out, and of the one that `cargo build --release` makes; builds both.
pub fn sizes() -> Done<[u64; 2]> {
    let (binary, _) = build()?;
    must(&mut cargo(&["build", "--quiet", "--release", "--locked", "--package", "svault"]))?;
    let name = format!("svault{}", std::env::consts::EXE_SUFFIX);
    Ok([size(&binary)?, size(&target().join("release").join(name))?])
}

fn size(binary: &Path) -> Done<u64> {
    std::fs::metadata(binary).map(|found| found.len()).map_err(|e| format!("{}: {e}", binary.display()))
}

/// The target that this machine builds for.
pub fn host() -> Done<String> {
    let said = Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc: {e}"))?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it builds for".to_owned())
}
