//! Unix sockets: connecting to a daemon, and starting one with a private pair.

use super::Program;
use crate::{Error, Result};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use wire::paths::{Socket, StoreDir};

pub(crate) type Stream = UnixStream;

/// Connects, if somebody of our user listens. Also gives the listener's process, where the kernel tells.
pub(crate) fn connect(socket: &Socket) -> Result<Option<(Stream, Option<u32>)>> {
    if !socket.check()? {
        return Ok(None);
    }
    let stream = match socket.with_address(|at| connect_within(at, PATIENCE)) {
        Ok(stream) => stream,
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Err(Error::NoAnswer { pid: None }),
        Err(e)
            if matches!(e.kind(), std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound) =>
        {
            return Ok(None);
        }
        Err(source) => return Err(wire::paths::Error::Io { path: socket.path(), source }.into()),
    };
    let pid = listener(&stream, socket)?;
    Ok(Some((stream, pid)))
}

/// So long whoever listens may leave a connection waiting to be taken.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Connects, unless the queue of those who wait stays full for so long.
#[cfg(target_os = "linux")]
fn connect_within(at: &std::path::Path, time: std::time::Duration) -> std::io::Result<Stream> {
    use rustix::net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
    };
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(time))?;
    let address = SocketAddrUnix::new(at)?;
    rustix::io::retry_on_intr(|| connect(&socket, &address))?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, None)?;
    Ok(socket.into())
}

/// Elsewhere a full queue refuses at once.
#[cfg(not(target_os = "linux"))]
fn connect_within(at: &std::path::Path, _time: std::time::Duration) -> std::io::Result<Stream> {
    UnixStream::connect(at)
}

/// The credentials of the process that listens: its user must be ours.
#[cfg(target_os = "linux")]
fn listener(stream: &Stream, socket: &Socket) -> Result<Option<u32>> {
    use nix::sys::socket::{getsockopt, sockopt};
    let of = getsockopt(stream, sockopt::PeerCredentials)
        .map_err(|e| wire::paths::Error::Io { path: socket.path(), source: e.into() })?;
    if of.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::NotOurs(socket.path()));
    }
    // 0: it runs in a namespace that can't be seen from here.
    Ok(u32::try_from(of.pid()).ok().filter(|pid| *pid != 0))
}

/// Where the kernel's word is not asked for, the owner of socket and folder must do (checked before).
#[cfg(not(target_os = "linux"))]
fn listener(_stream: &Stream, _socket: &Socket) -> Result<Option<u32>> {
    Ok(None)
}

/// Whether nothing comes for so long. What comes is left to be read.
pub(crate) fn silent_for(stream: &Stream, time: std::time::Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let Ok(limit) = Timespec::try_from(time) else { return false };
    matches!(poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&limit)), Ok(0))
}

/// A daemon that was started, and our end of the pair.
pub(crate) struct Child {
    pub stream: Stream,
    /// None in tests, where a thread is the daemon.
    pub process: Option<std::process::Child>,
}

impl Child {
    /// Waits for its end, so that the store's lock is free again. Our end is closed first.
    pub(crate) fn end(mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        if let Some(process) = &mut self.process {
            let _ = process.wait();
        }
    }
}

/// What of our environment a daemon gets.
fn passes(name: &str) -> bool {
    name == "HOME" || name == "LANG" || name.starts_with("XDG_")
}

/// Starts `svault daemon run --store REALPATH` with one end of a pair as its stdin.
pub(crate) fn start(store: &StoreDir, program: Option<&Path>, bell: Option<File>) -> Result<Child> {
    let (ours, theirs) = UnixStream::pair().map_err(Error::Start)?;
    let given = program.map(|p| Program::at(p.to_owned()));
    // Our own lives as long as it takes to start it.
    let program = given.map_or_else(super::program, Ok).map_err(Error::Start)?;
    let process = Command::new(&program.path)
        .arg0("svault")
        .args(["daemon", "run", "--store"])
        .arg(store.real())
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(passes)))
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(bell.map_or_else(Stdio::null, Stdio::from))
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::Start)?;
    Ok(Child { stream: ours, process: Some(process) })
}
