//! What the operating system gives: a mapping of locked memory, and switches of the process.
//! One file per system, with the same functions.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{dumpable, harden, set_dumpable, traced};
#[cfg(target_os = "macos")]
pub(crate) use macos::{harden, set_dumpable};
#[cfg(unix)]
pub(crate) use unix::{Mapping, lock_limit, map};
#[cfg(windows)]
pub(crate) use windows::{Mapping, harden, lock_limit, map, set_dumpable};

/// Asked on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn dumpable() -> bool {
    true
}

/// Asked on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn traced() -> bool {
    false
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
compile_error!("svault runs on Linux, macOS and Windows");
