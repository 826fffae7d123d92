//! `cargo xtask release`: the binary that is handed out: static where the system allows it, stripped, and with the list of
//! its dependencies inside where cargo-auditable is installed.

use crate::run::{Done, cargo, is_there, must, target};
use std::process::Command;

/// Builds it and says where it is and how large.
pub fn release() -> Done {
    let host = host()?;
    let auditable = is_there("cargo", &["auditable", "--version"]);
    let verb: &[&str] = if auditable { &["auditable", "build"] } else { &["build"] };
    let mut build = cargo(verb);
    // Without a target of its own the flag would reach procedural macros too, which can't be static.
    build.args(["--release", "--locked", "--package", "svault", "--target", &host]);
    if host.contains("linux") || host.contains("windows") {
        // Nothing that is preloaded has a hold on a static program.
        build.env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    must(&mut build)?;
    let name = format!("svault{}", std::env::consts::EXE_SUFFIX);
    let binary = target().join(&host).join("release").join(name);
    let bytes = std::fs::metadata(&binary).map_err(|e| format!("{}: {e}", binary.display()))?.len();
    println!("{}: {:.1} MB", binary.display(), bytes as f64 / 1e6);
    if !auditable {
        println!("without the list of its dependencies: cargo install cargo-auditable");
    }
    Ok(())
}

/// The target that this machine builds for.
pub fn host() -> Done<String> {
    let said = Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc: {e}"))?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it builds for".to_owned())
}
