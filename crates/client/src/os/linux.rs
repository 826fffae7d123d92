//! This process and its parents, from /proc (proc(5)).

use super::Ancestor;
use crate::{Error, Result};
use std::path::PathBuf;
use wire::Peer;

/// How many parents are looked at.
const DEPTH: usize = 64;

/// A program to start, and what its path hangs on.
pub(crate) struct Program {
    pub path: PathBuf,
    _copy: Option<std::os::fd::OwnedFd>,
}

impl Program {
    /// One that lies somewhere.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, _copy: None }
    }
}

/// This very program, whatever has become of its path, so that what is started from it is never readable to others.
///
/// A process closes itself as one of its first acts, but between its start and that act others of its user could open
/// its memory, and keep it open. The kernel closes a process from its first moment where the program's file can be
/// executed and not read: this is a copy of that kind in memory, which has no name for others to reach it by. Where
/// the kernel has no such files, or runs no programs from them, it is the program itself, and the daemon says so.
///
/// # Errors
/// When there could be a copy and it can't be made: that could be somebody's wish.
pub(crate) fn program() -> std::io::Result<Program> {
    use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};
    use rustix::io::Errno;
    let own = PathBuf::from("/proc/self/exe");
    let make = |more| memfd_create("svault", MemfdFlags::CLOEXEC | more);
    let copy = match make(MemfdFlags::EXEC) {
        // Kernels before 6.3 don't know the flag, and need none.
        Err(Errno::INVAL) => make(MemfdFlags::empty()),
        other => other,
    };
    let copy = match copy {
        Ok(fd) => fd,
        Err(Errno::NOSYS | Errno::INVAL | Errno::ACCESS) => return Ok(Program::at(own)),
        Err(e) => return Err(e.into()),
    };
    fchmod(&copy, Mode::XUSR)?;
    let (mut from, mut to) = (std::fs::File::open(own)?, std::fs::File::from(copy));
    may_be_as_long_as(from.metadata()?.len())?;
    std::io::copy(&mut from, &mut to)?;
    let copy = std::os::fd::OwnedFd::from(to);
    let path = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&copy)));
    Ok(Program { path, _copy: Some(copy) })
}

/// Raises the limit on the length of files as far as it may be raised, for the daemon as well. Past it the kernel would end
/// this process without a word.
fn may_be_as_long_as(len: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Fsize).maximum;
    let _ = setrlimit(Resource::Fsize, Rlimit { current: most, maximum: most });
    match most {
        Some(most) if most < len => Err(std::io::Error::other(format!(
            "a file may have {most} bytes here, and svault's program has {len}; raise 'ulimit -f'"
        ))),
        _ => Ok(()),
    }
}

/// Whether a process was started as the daemon of a store. What it was started with is its own word: good enough to
/// tell it from a bystander, no proof.
pub(crate) fn is_daemon_of(pid: u32, store: &std::path::Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let argv = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let args: Vec<&[u8]> = argv.split(|b| *b == 0).skip(1).take(4).collect();
    args == [&b"daemon"[..], b"run", b"--store", store.as_os_str().as_bytes()]
}

/// This process as the daemon must see it.
pub(crate) fn me() -> Result<Peer> {
    let what = "/proc/self/stat";
    let text = std::fs::read(what).map_err(|source| Error::Me { what, source })?;
    let malformed = || Error::Me { what, source: std::io::ErrorKind::InvalidData.into() };
    stat(&text).ok_or_else(malformed)
}

/// Fields 1, 4, 7 and 22. The name in field 2 may hold anything but ends at the last parenthesis.
fn stat(text: &[u8]) -> Option<Peer> {
    let text = String::from_utf8_lossy(text);
    let (front, back) = text.rsplit_once(')')?;
    let pid = front.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = back.split_ascii_whitespace().collect();
    // `fields[0]` is field 3. tty_nr is printed as a signed number.
    let tty: i32 = fields.get(4)?.parse().ok()?;
    Some(Peer {
        pid,
        start: fields.get(19)?.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        tty: u32::from_ne_bytes(tty.to_ne_bytes()),
    })
}

/// Another process, held so that its end is noticed even when nobody has collected it.
pub(crate) struct Process(Option<std::os::fd::OwnedFd>);

impl Process {
    pub(crate) fn of(pid: u32) -> Self {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        Self(pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()))
    }

    /// Asks it to end, as a daemon that locks does.
    pub(crate) fn terminate(&self) -> Result<()> {
        self.signal(rustix::process::Signal::TERM)
    }

    /// Ends it by force.
    pub(crate) fn kill(&self) -> Result<()> {
        self.signal(rustix::process::Signal::KILL)
    }

    fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let Some(held) = &self.0 else { return Ok(()) };
        match rustix::process::pidfd_send_signal(held, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(e) => Err(Error::Kill(e.into())),
        }
    }

    /// Waits for its end. True where it had ended before, or can't be seen.
    pub(crate) fn ends_within(&self, time: std::time::Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let Some(held) = &self.0 else { return true };
        let Ok(limit) = Timespec::try_from(time) else { return false };
        loop {
            match poll(&mut [PollFd::new(held, PollFlags::IN)], Some(&limit)) {
                Ok(n) => return n > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }
}

/// What a process does, in words (proc(5), field 3 of `stat`).
pub(crate) fn state(pid: u32) -> Option<&'static str> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    match text.rsplit_once(')')?.1.trim_start().chars().next()? {
        'T' | 't' => Some("stopped"),
        'D' => Some("waiting for the disk"),
        'Z' | 'X' => Some("ended"),
        _ => Some("running"),
    }
}

/// The parents, nearest first. Ends at the first that can't be read.
pub(crate) fn ancestors() -> Vec<Ancestor> {
    let mut found = Vec::new();
    let mut pid = me().map(|m| m.parent).unwrap_or(0);
    while pid > 0 && found.len() < DEPTH {
        let Some(stat) = std::fs::read(format!("/proc/{pid}/stat")).ok().and_then(|t| stat(&t)) else {
            break;
        };
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let args = line.strip_suffix(b"\0").unwrap_or(&line).split(|b| *b == 0);
        found.push(Ancestor {
            exe: exe.map(|p| p.to_string_lossy().into_owned()),
            argv: args.map(|a| String::from_utf8_lossy(a).into_owned()).collect(),
        });
        pid = stat.parent;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_read_right() {
        let text = b"77 (a) b (c) S 5 77 9 34816 77 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 1 2";
        let peer = stat(text).unwrap();
        assert_eq!(peer, Peer { pid: 77, start: 123_456, parent: 5, tty: 34816 });
        assert_eq!(stat(b"77 (x"), None);
    }

    #[test]
    fn this_process_and_its_parents_are_read() {
        let me = me().unwrap();
        assert_eq!(me.pid, std::process::id());
        assert_eq!(me.parent, std::os::unix::process::parent_id());
        assert!(!ancestors().is_empty());
    }
}
