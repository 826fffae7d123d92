//! Processes as Linux shows them: SO_PEERPIDFD and /proc.
//! Every process is pinned by its pidfd before it is read by its number, and all pins are looked at after the last
//! reading: a number can't go to another process while its own lives, so nothing here can mix up two processes.

use super::{Evidence, Exe, Held, Namespaces, Peer, PeerError, Process, Watch};
use crate::peer::pins::{self, Pin};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, readlinkat, readlinkat_raw, statat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

/// What one look finds.
pub struct Seen {
    pub me: Process,
    pub line: Vec<Process>,
    pub last: Option<(u32, u64)>,
    pub foreign: bool,
    /// The parents that were looked at, held: those of `line`, and the one of `last`. None: too many are held already,
    /// or they can't tell whether the line is still the same.
    pub pins: Option<Vec<Arc<Pin>>>,
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

/// /proc/PID of one process, which is alive as long as its pin says so.
struct Dir(u32);

impl Dir {
    fn path(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.0)
    }

    /// A small file, up to the buffer's size. The kernel makes each of these in one piece, so what is shorter than the
    /// buffer is whole.
    fn read<'a>(&self, name: &'static str, buffer: &'a mut [u8]) -> Result<&'a [u8], PeerError> {
        let file = openat(CWD, self.path(name), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let file = file.map_err(io(name))?;
        let len = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut *buffer)).map_err(io(name))?;
        Ok(&buffer[..len])
    }

    fn stat_of(&self, name: &'static str) -> Result<Stat, PeerError> {
        statat(CWD, self.path(name), AtFlags::empty()).map_err(io(name))
    }

    fn namespaces(&self) -> Result<Namespaces, PeerError> {
        let inode = |name| self.namespace(name);
        Ok(Namespaces { pid: inode("ns/pid")?, mnt: inode("ns/mnt")?, user: inode("ns/user")? })
    }

    /// The inode of a namespace, out of the text of its link, `user:[4026531837]`: to stat it makes the kernel build an
    /// inode first, which takes five times as long.
    fn namespace(&self, name: &'static str) -> Result<u64, PeerError> {
        let mut buffer = [MaybeUninit::uninit(); 64];
        let (link, _) = readlinkat_raw(CWD, self.path(name), &mut buffer).map_err(io(name))?;
        let number =
            std::str::from_utf8(link).ok().and_then(|link| link.split_once(":[")?.1.strip_suffix(']'));
        let inode = number.and_then(|number| number.parse().ok());
        inode.ok_or(PeerError::Io { what: name, source: std::io::ErrorKind::InvalidData.into() })
    }

    fn exe(&self) -> Result<Exe, PeerError> {
        let stat = self.stat_of("exe")?;
        let path = readlinkat(CWD, self.path("exe"), Vec::new()).map_err(io("exe"))?;
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
        self.stat_of("").is_ok_and(|s| s.st_uid == uid)
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

/// This process's namespaces, and its map of users.
pub fn own_namespaces() -> Result<(Namespaces, Vec<u8>), PeerError> {
    let own = Dir(std::process::id());
    let mut buffer = [0; 4096];
    Ok((own.namespaces()?, own.read("uid_map", &mut buffer)?.to_vec()))
}

/// This process's user.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the process of a pidfd has not ended; a zombie has.
pub fn alive(pidfd: &OwnedFd) -> bool {
    all_alive(&mut [PollFd::new(pidfd, PollFlags::IN)])
}

fn all_alive(fds: &mut [PollFd<'_>]) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(fds, Some(&now)), Ok(0))
}

/// The pidfd of the process that has this number now.
pub fn open(pid: u32) -> Result<OwnedFd, PeerError> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(PeerError::Gone)?;
    pidfd_open(pid, PidfdFlags::empty()).map_err(io("pidfd"))
}

/// Who connected.
pub struct Connected {
    pub uid: u32,
    /// As this namespace has it; it belongs to the process as long as that lives.
    pub pid: u32,
    pub pidfd: OwnedFd,
}

/// Who connected: user and number, and the process by pidfd (SO_PEERPIDFD, Linux 6.5): the kernel keeps one process for
/// both. Older kernels tell the number only; there it is opened at once, before any answer.
pub fn connected(stream: BorrowedFd<'_>) -> Result<Connected, PeerError> {
    use nix::errno::Errno as E;
    use nix::sys::socket::{getsockopt, sockopt};
    let failed = |what| move |e: E| PeerError::Io { what, source: e.into() };
    let cred = getsockopt(&stream, sockopt::PeerCredentials).map_err(failed("SO_PEERCRED"))?;
    let pid = match u32::try_from(cred.pid()) {
        Ok(0) => return Err(PeerError::Hidden),
        Ok(pid) => pid,
        Err(_) => return Err(PeerError::Gone),
    };
    let pidfd = match getsockopt(&stream, sockopt::PeerPidfd) {
        Ok(fd) => fd,
        Err(E::ENOPROTOOPT | E::EINVAL) => open(pid)?,
        Err(E::ESRCH | E::ENODATA) => return Err(PeerError::Gone),
        Err(e) => return Err(failed("SO_PEERPIDFD")(e)),
    };
    Ok(Connected { uid: cred.uid(), pid, pidfd })
}

/// The process of a pidfd and its line of parents, now. A parent that ends while it is being read makes the line begin
/// anew; only the end of the process itself is an error.
pub fn look(pid: u32, pidfd: &OwnedFd, watch: &Watch) -> Result<Seen, PeerError> {
    let mut tries = 0;
    loop {
        match look_once(pid, pidfd, watch) {
            Err(PeerError::Gone) if tries < 8 && alive(pidfd) => tries += 1,
            other => return other,
        }
    }
}

fn look_once(pid: u32, pidfd: &OwnedFd, watch: &Watch) -> Result<Seen, PeerError> {
    let dir = Dir(pid);
    let mut me = dir.stat()?;
    me.exe = dir.exe().ok();
    me.namespaces = dir.namespaces().ok();
    let foreign = is_foreign(&dir, &me, watch)?;
    let Line { line, last, pins, whole } = parents(&me, watch)?;
    if !still_alive(pidfd, &pins) {
        return Err(PeerError::Gone);
    }
    // Root reads everything, so that it could not tell by that whose a process is.
    let useful = whole && watch.uid != 0 && pins.iter().all(|pin| pin.counted());
    Ok(Seen { me, line, last, foreign, pins: useful.then_some(pins) })
}

fn still_alive(pidfd: &OwnedFd, pins: &[Arc<Pin>]) -> bool {
    let pinned = pins.iter().map(|pin| pin.pidfd());
    let mut fds: Vec<_> = pinned.chain([pidfd]).map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    all_alive(&mut fds)
}

/// Whether a peer is beyond doubt what it was: true means that another [`look`] would find nothing different, at the
/// price of a few calls. As long as all parents live, each is still its child's parent; what can change is what they
/// run, and who may read them.
pub fn unchanged(peer: &Peer, pins: &[Arc<Pin>], evidence: Evidence) -> bool {
    let own = Dir(peer.me.pid);
    let same_program = match (&peer.me.exe, own.stat_of("exe")) {
        (Some(was), Ok(is)) => is_file(was, &is),
        (None, Ok(_)) => false,
        (_, Err(_)) => true,
    };
    let same_users = match (&peer.me.namespaces, own.namespace("ns/user")) {
        (Some(was), Ok(is)) => was.user == is,
        (None, Ok(_)) => false,
        (_, Err(_)) => !peer.foreign && has_our_users(&own, &peer.watch).unwrap_or(false),
    };
    let still_ends = |last: (u32, u64)| Dir(last.0).stat_of("exe").is_err() && !peer.watch.knows(last);
    same_program
        && same_users
        && peer.line.iter().all(|parent| is_as_it_was(parent, evidence))
        && peer.last.is_none_or(still_ends)
        && still_alive(&peer.held.pidfd, pins)
}

/// Whether a parent, which lives, still runs the same program; and in the same namespaces, where those are asked for.
fn is_as_it_was(parent: &Process, evidence: Evidence) -> bool {
    let dir = Dir(parent.pid);
    match (&parent.exe, &parent.namespaces) {
        (Some(exe), Some(ns)) => {
            // It can't leave its pid namespace.
            let same = |name, was| dir.namespace(name).is_ok_and(|is| is == was);
            dir.stat_of("exe").is_ok_and(|is| is_file(exe, &is))
                && (evidence == Evidence::Programs || same("ns/user", ns.user) && same("ns/mnt", ns.mnt))
        }
        _ => dir.stat_of("exe").is_err(),
    }
}

fn is_file(was: &Exe, is: &Stat) -> bool {
    (was.dev, was.ino) == (is.st_dev, is.st_ino)
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
    Ok(nested.split_whitespace().count() != 1 || !has_our_users(dir, watch)?)
}

fn has_our_users(dir: &Dir, watch: &Watch) -> Result<bool, PeerError> {
    let mut theirs = [0; 4096];
    Ok(dir.read("uid_map", &mut theirs)? == watch.users)
}

#[derive(Default)]
struct Line {
    line: Vec<Process>,
    last: Option<(u32, u64)>,
    pins: Vec<Arc<Pin>>,
    /// Whether every process that the line depends on is pinned.
    whole: bool,
}

/// The parents that are this user's and readable, and the one at which that ended.
fn parents(me: &Process, watch: &Watch) -> Result<Line, PeerError> {
    let mut found = Line::default();
    let (mut child, mut above) = (me.clone(), None);
    while found.line.len() < DEEPEST && child.parent != 0 {
        let Some(step) = step(&child, above, found.line.is_empty(), watch)? else { return Ok(found) };
        if let Some(pin) = found.pins.last().filter(|_| child.exe.is_some()) {
            pin.see(&child, &step.pin);
        }
        found.pins.push(step.pin);
        if step.process.exe.is_none() && !watch.knows(step.process.key()) {
            (found.last, found.whole) = (Some(step.process.key()), true);
            return Ok(found);
        }
        above = step.above;
        found.line.push(step.process.clone());
        child = step.process;
    }
    // The parent of a process may be outside of this pid namespace, and be replaced by one that is inside.
    found.whole = child.pid == 1 || child.parent != 0;
    Ok(found)
}

/// One parent, pinned and read. What is not this user's, or can't be read, has no `exe`.
struct Step {
    pin: Arc<Pin>,
    process: Process,
    /// Its own parent, where that is known.
    above: Option<Arc<Pin>>,
}

/// The parent of a process. `above`: its pin, where it is known to be the parent. None: it is hidden by the mount
/// options of /proc, so it is not this user's. The first one is read anew each time: its terminal counts.
fn step(
    child: &Process,
    above: Option<Arc<Pin>>,
    first: bool,
    watch: &Watch,
) -> Result<Option<Step>, PeerError> {
    let (dir, linked) = (Dir(child.parent), above.is_some());
    let still_child = || Ok(Dir(child.pid).stat()?.parent == child.parent);
    let read = above.map_or_else(|| watch.pins.pin(child.parent), Ok).and_then(|pin| {
        // As long as its parent lives it has no other one.
        let use_it = |seen: &pins::Seen| !first && watch.uid != 0 && alive(seen.parent.pidfd());
        let seen = pin.seen().filter(use_it);
        match seen.filter(|seen| is_as_it_was(&seen.process, Evidence::Namespaces)) {
            Some(mut seen) => {
                seen.process.argv = seen.process.exe.as_ref().map(|exe| dir.argv(exe)).unwrap_or_default();
                Ok(Step { pin, process: seen.process, above: Some(seen.parent) })
            }
            None => Ok(Step { pin, process: dir.stat()?, above: None }),
        }
    });
    let mut step = match read {
        Ok(step) => step,
        Err(PeerError::Gone) if still_child()? => return Ok(None),
        Err(e) => return Err(e),
    };
    // What was there before the child has had this number all the time, so it is the parent. What may be younger
    // is the parent only if it still is, now that it is pinned.
    if !linked && step.process.start >= child.start && !still_child()? {
        return Err(PeerError::Gone);
    }
    if step.above.is_none()
        && dir.is_of(watch.uid)
        && let (Ok(exe), Ok(namespaces)) = (dir.exe(), dir.namespaces())
    {
        step.process.argv = dir.argv(&exe);
        (step.process.exe, step.process.namespaces) = (Some(exe), Some(namespaces));
    }
    Ok(Some(step))
}

/// The process with this id and start time, held.
pub fn hold(key: (u32, u64)) -> Result<Held, PeerError> {
    let pidfd = open(key.0)?;
    let start = Dir(key.0).stat()?.start;
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
