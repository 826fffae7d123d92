//! Processes as Linux shows them: SO_PEERPIDFD and /proc.
//! Every process is read through a folder descriptor of its /proc/PID, which the kernel binds to the process and
//! not to the number, so nothing here can mix up two processes that had the same id.

use super::{Exe, Held, Namespaces, PeerError, Process, Watch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// What one look finds.
pub struct Seen {
    pub me: Process,
    pub line: Vec<Process>,
    pub last: Option<(u32, u64)>,
    pub foreign: bool,
}

/// The walk over parents ends here; real lines are below 20.
const DEEPEST: usize = 64;

/// Programs that run somebody else's file: the script says more than they do.
const INTERPRETERS: &[&str] = &[
    "node", "nodejs", "bun", "deno", "python", "pypy", "ruby", "perl", "php", "bash", "dash", "sh", "zsh",
    "fish", "java",
];

fn io(what: &'static str) -> impl Fn(Errno) -> PeerError {
    move |e| match e {
        Errno::SRCH | Errno::NOENT => PeerError::Gone,
        e => PeerError::Io { what, source: e.into() },
    }
}

/// /proc/PID of one process.
struct Dir(OwnedFd);

impl Dir {
    fn open(pid: u32) -> Result<Self, PeerError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat(CWD, format!("/proc/{pid}"), flags, Mode::empty()).map(Self).map_err(io("/proc/PID"))
    }

    /// A small file, up to the buffer's size. The kernel makes each of these in one piece, so what is shorter than the
    /// buffer is whole.
    fn read<'a>(&self, name: &'static str, buffer: &'a mut [u8]) -> Result<&'a [u8], PeerError> {
        let file =
            openat(&self.0, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(io(name))?;
        let len = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut *buffer)).map_err(io(name))?;
        Ok(&buffer[..len])
    }

    fn namespace(&self, name: &'static str) -> Result<u64, PeerError> {
        statat(&self.0, name, AtFlags::empty()).map(|s| s.st_ino).map_err(io(name))
    }

    fn namespaces(&self) -> Result<Namespaces, PeerError> {
        Ok(Namespaces {
            pid: self.namespace("ns/pid")?,
            mnt: self.namespace("ns/mnt")?,
            user: self.namespace("ns/user")?,
        })
    }

    fn exe(&self) -> Result<Exe, PeerError> {
        let stat = statat(&self.0, "exe", AtFlags::empty()).map_err(io("exe"))?;
        let path = readlinkat(&self.0, "exe", Vec::new()).map_err(io("exe"))?;
        Ok(exe_of(&stat, path.to_string_lossy().into_owned()))
    }

    /// The first words of an interpreter's command line.
    fn argv(&self, exe: &Exe) -> Vec<String> {
        let base = exe.path.rsplit('/').next().unwrap_or("");
        if !INTERPRETERS.contains(&base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')) {
            return Vec::new();
        }
        let mut buffer = [0; 1024];
        let text = String::from_utf8_lossy(self.read("cmdline", &mut buffer).unwrap_or(&[])).into_owned();
        text.split('\0').take(8).map(str::to_owned).collect()
    }

    /// Everything that any user may read.
    fn stat(&self) -> Result<Process, PeerError> {
        let mut buffer = [0; 1024];
        parse_stat(self.read("stat", &mut buffer)?)
            .ok_or(PeerError::Io { what: "stat", source: std::io::ErrorKind::InvalidData.into() })
    }

    fn is_of(&self, uid: u32) -> bool {
        fstat(&self.0).is_ok_and(|s| s.st_uid == uid)
    }
}

fn exe_of(stat: &Stat, path: String) -> Exe {
    let root_owned = stat.st_uid == 0 && stat.st_mode & 0o022 == 0;
    Exe { dev: stat.st_dev, ino: stat.st_ino, root_owned, path }
}

/// The file at a path, links followed, as the daemon sees it.
pub fn file(path: &Path) -> Option<Exe> {
    let stat = statat(CWD, path, AtFlags::empty()).ok()?;
    let regular = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
    regular.then(|| exe_of(&stat, path.to_string_lossy().into_owned()))
}

/// proc(5), `/proc/PID/stat`. The name may hold anything, so fields count from the last bracket.
fn parse_stat(bytes: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(bytes);
    let (head, tail) = text.rsplit_once(')')?;
    let (pid, name) = head.split_once(" (")?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let signed = |n: usize| fields.get(n - 3)?.parse::<i64>().ok();
    let number = |n: usize| Some(u32::try_from(signed(n)?).unwrap_or(0));
    Some(Process {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        parent: number(4)?,
        group: number(5)?,
        session: number(6)?,
        tty: signed(7)? as u32,
        foreground: number(8)?,
        start: fields.get(22 - 3)?.parse().ok()?,
        exe: None,
        argv: Vec::new(),
        namespaces: None,
    })
}

/// This process's namespaces.
pub fn own_namespaces() -> Result<Namespaces, PeerError> {
    Dir::open(std::process::id())?.namespaces()
}

/// This process's user.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the process of a pidfd has not ended; a zombie has.
pub fn alive(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut fds, Some(&now)), Ok(0))
}

/// Who connected: the user, and the process by pidfd (SO_PEERPIDFD, Linux 6.5).
/// Older kernels tell the number only; there it is opened at once, before any answer.
pub fn connected(stream: BorrowedFd<'_>) -> Result<(u32, OwnedFd), PeerError> {
    let cred = rustix::net::sockopt::socket_peercred(stream).map_err(io("SO_PEERCRED"))?;
    let pidfd = match nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerPidfd) {
        Ok(fd) => fd,
        Err(nix::errno::Errno::ENOPROTOOPT | nix::errno::Errno::EINVAL) => {
            pidfd_open(cred.pid, PidfdFlags::empty()).map_err(io("pidfd"))?
        }
        Err(nix::errno::Errno::ESRCH | nix::errno::Errno::ENODATA) => return Err(PeerError::Gone),
        Err(e) => return Err(PeerError::Io { what: "SO_PEERPIDFD", source: e.into() }),
    };
    Ok((cred.uid.as_raw(), pidfd))
}

/// The number of a pidfd's process, as this namespace has it.
fn number(pidfd: &OwnedFd) -> Result<u32, PeerError> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let text = std::fs::read_to_string(path).map_err(|source| PeerError::Io { what: "fdinfo", source })?;
    let line = text.lines().find_map(|l| l.strip_prefix("Pid:")).unwrap_or("-1");
    match line.trim().parse::<i64>() {
        Ok(0) => Err(PeerError::Hidden),
        Ok(pid) if pid > 0 => u32::try_from(pid).map_err(|_| PeerError::Gone),
        _ => Err(PeerError::Gone),
    }
}

/// The process of a pidfd and its line of parents, now. A parent that ends while it is being read makes the line begin
/// anew; only the end of the process itself is an error.
pub fn look(pidfd: &OwnedFd, watch: &Watch) -> Result<Seen, PeerError> {
    let mut tries = 0;
    loop {
        match look_once(pidfd, watch) {
            Err(PeerError::Gone) if tries < 8 && alive(pidfd) => tries += 1,
            other => return other,
        }
    }
}

fn look_once(pidfd: &OwnedFd, watch: &Watch) -> Result<Seen, PeerError> {
    let dir = Dir::open(number(pidfd)?)?;
    if !alive(pidfd) {
        // Only a living process makes sure that the folder just opened is its own.
        return Err(PeerError::Gone);
    }
    let mut me = dir.stat()?;
    me.exe = dir.exe().ok();
    me.namespaces = dir.namespaces().ok();
    let foreign = is_foreign(&dir, &me, watch)?;
    let (line, last) = parents(dir, &me, watch)?;
    Ok(Seen { me, line, last, foreign })
}

/// Whether the peer lives in another pid or user namespace. A client that has made itself unreadable hides its
/// namespaces too; its nested ids and its uid map stay readable and say the same.
fn is_foreign(dir: &Dir, me: &Process, watch: &Watch) -> Result<bool, PeerError> {
    if let Some(n) = &me.namespaces {
        return Ok(!n.same_view(&watch.own));
    }
    let mut buffer = [0; 4096];
    let status = String::from_utf8_lossy(dir.read("status", &mut buffer)?).into_owned();
    let nested = status.lines().find_map(|l| l.strip_prefix("NSpid:")).unwrap_or("");
    let mut theirs = [0; 4096];
    let mut ours = [0; 4096];
    let same_users =
        dir.read("uid_map", &mut theirs)? == Dir::open(std::process::id())?.read("uid_map", &mut ours)?;
    Ok(nested.split_whitespace().count() != 1 || !same_users)
}

type Line = (Vec<Process>, Option<(u32, u64)>);

/// The parents that are this user's and readable, and the one at which that ended.
fn parents(mut child: Dir, me: &Process, watch: &Watch) -> Result<Line, PeerError> {
    let mut line: Vec<Process> = Vec::new();
    let (mut parent, mut born) = (me.parent, me.start);
    while line.len() < DEEPEST && parent != 0 {
        let dir = match Dir::open(parent) {
            Ok(dir) => dir,
            // Hidden by the mount options of /proc: it is not this user's.
            Err(PeerError::Gone) if child.stat()?.parent == parent => return Ok((line, None)),
            Err(PeerError::Gone) => return Err(PeerError::Gone),
            Err(e) => return Err(e),
        };
        let mut process = dir.stat()?;
        // What was there before the child has had this number all the time, so it is the parent. What may be younger
        // is the parent only if it still is, now that its folder is open.
        if process.start >= born && child.stat()?.parent != parent {
            return Err(PeerError::Gone);
        }
        born = process.start;
        let readable = dir.is_of(watch.uid)
            && match (dir.exe(), dir.namespaces()) {
                (Ok(exe), Ok(namespaces)) => {
                    process.argv = dir.argv(&exe);
                    process.exe = Some(exe);
                    process.namespaces = Some(namespaces);
                    true
                }
                _ => false,
            };
        if !readable && !watch.knows(process.key()) {
            return Ok((line, Some(process.key())));
        }
        parent = process.parent;
        child = dir;
        line.push(process);
    }
    Ok((line, None))
}

/// The process with this id and start time, held.
pub fn hold(key: (u32, u64)) -> Result<Held, PeerError> {
    let pid = i32::try_from(key.0).ok().and_then(Pid::from_raw).ok_or(PeerError::Gone)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(io("pidfd"))?;
    let start = Dir::open(key.0)?.stat()?.start;
    if start != key.1 || !alive(&pidfd) {
        return Err(PeerError::Gone);
    }
    Ok(Held { pid: key.0, start, pidfd })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_trap() {
        let text = b"42 (a) R 1 1 1 0 (x) S 7 8 9 34816 10 4194304 1 2 3 4 5 6 7 8 20 0 1 0 150060 313 386 1";
        let p = parse_stat(text).unwrap();
        assert_eq!((p.pid, p.parent, p.group, p.session), (42, 7, 8, 9));
        assert_eq!((p.tty, p.foreground, p.start), (34816, 10, 150_060));
        assert_eq!(p.name, "a) R 1 1 1 0 (x");
        assert!(parse_stat(b"42 (a) R 1").is_none());
    }
}
