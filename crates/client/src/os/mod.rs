//! What differs between systems: the stream, who this process is, who its parents are.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Process, Program, ancestors, is_daemon_of, me, program, state};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Process, ancestors, is_daemon_of, me, state};
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use other::{Program, program};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Child, Stream, connect, silent_for, start};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{Child, Stream, connect, silent_for, start};

/// One of the processes above this one, as far as it can be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ancestor {
    /// The printed path of its executable.
    pub exe: Option<String>,
    /// Its arguments.
    pub argv: Vec<String>,
}
