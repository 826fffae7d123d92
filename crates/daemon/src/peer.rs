//! Who is at the other end of a connection: what the kernel says, never what the message says.
//! Not here: what it may do (policy), and which session it counts for (`session`).

use crate::files;
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

mod pins;
mod window;
pub use window::{NoShell, Shell};

/// Clients whose hello was seen and which still run; more are not remembered.
const MOST_KNOWN: usize = 2048;

/// Why nothing is known about a peer. The connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It ended, or the kernel hides it.
    #[error("the process at the other end has ended")]
    Gone,
    /// It belongs to somebody else.
    #[error("the process at the other end belongs to user {uid}, not to this one")]
    OtherUser {
        /// Whose it is.
        uid: u32,
    },
    /// It can't be seen from here: a namespace beside or above the daemon's.
    #[error("the process at the other end is in a namespace that can't be seen from here")]
    Hidden,
    /// This platform has no way yet.
    #[error("svault can't tell processes apart on this platform yet")]
    Unsupported,
    /// The kernel refused.
    #[error("reading {what} of the process at the other end: {source}")]
    Io {
        /// What was read.
        what: &'static str,
        /// The cause.
        source: std::io::Error,
    },
}

/// What is different about a peer since it was first looked at. Its request is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Changed {
    /// It has ended.
    #[error("the process that asked has ended")]
    Ended,
    /// It runs another program now.
    #[error("the process that asked runs another program now")]
    Program,
    /// Its parents, or the programs they run, are others.
    #[error("the parents of the process that asked have changed")]
    Parents,
}

/// The file that a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exe {
    /// Device of the file.
    pub dev: u64,
    /// Inode of the file.
    pub ino: u64,
    /// Owned by root and writable by root alone.
    pub root_owned: bool,
    /// The path as the process's own mount namespace has it: for people, never compared.
    pub path: String,
}

impl Exe {
    /// Whether it is the same file.
    #[must_use]
    pub fn same(&self, other: &Exe) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

/// The namespaces of a process, by their inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespaces {
    /// Process ids.
    pub pid: u64,
    /// Mounts. Recorded, not compared: a package's mount namespace is no sign of a forgery.
    pub mnt: u64,
    /// Users.
    pub user: u64,
}

impl Namespaces {
    /// Whether processes and users mean the same in both.
    #[must_use]
    pub fn same_view(&self, other: &Namespaces) -> bool {
        (self.pid, self.user) == (other.pid, other.user)
    }
}

/// One process of the line.
#[derive(Debug, Clone)]
pub struct Process {
    /// Process id as the daemon sees it.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start: u64,
    /// Parent's process id.
    pub parent: u32,
    /// Controlling terminal; 0: none.
    pub tty: u32,
    /// Its terminal session's leader.
    pub session: u32,
    /// Its process group.
    pub group: u32,
    /// The foreground group of its terminal.
    pub foreground: u32,
    /// The name it has given itself, as `ps` shows it. Never trusted.
    pub name: String,
    /// What it runs; `None` where the kernel doesn't say.
    pub exe: Option<Exe>,
    /// For interpreters the first words of the command line, the script among them. Recorded, never trusted.
    pub argv: Vec<String>,
    /// Its namespaces; `None` where the kernel doesn't say.
    pub namespaces: Option<Namespaces>,
}

impl Process {
    /// Process id and start time: no other process ever has both.
    #[must_use]
    pub fn key(&self) -> (u32, u64) {
        (self.pid, self.start)
    }

    fn same_evidence(&self, other: &Process) -> bool {
        let exe = |p: &Process| p.exe.as_ref().map(|e| (e.dev, e.ino));
        self.key() == other.key() && exe(self) == exe(other) && self.namespaces == other.namespaces
    }

    /// The script that an interpreter runs, as far as its command line says. Code given on the command line is none:
    /// it may hold anything, and this goes into the trail.
    #[must_use]
    pub fn script(&self) -> Option<&str> {
        let inline = |word: &str| {
            matches!(word, "-e" | "-E" | "-p" | "-r" | "--eval" | "--print" | "--command")
                || (word.starts_with('-') && !word.starts_with("--") && word.contains('c'))
        };
        let words = self.argv.iter().skip(1).map(String::as_str).take_while(|word| !inline(word));
        words.into_iter().find(|word| !word.is_empty() && !word.starts_with('-'))
    }

    /// `pid path` or `pid path script`, for people; control characters made visible.
    #[must_use]
    pub fn line(&self) -> String {
        let mut text = format!("{} {}", self.pid, self.exe.as_ref().map_or(&*self.name, |e| &*e.path));
        if let Some(script) = self.script() {
            text.push(' ');
            text.push_str(script);
        }
        visible(&text, 160)
    }
}

/// A process held by its pidfd: its id can't be given to another one without this noticing.
#[derive(Debug)]
pub struct Held {
    pid: u32,
    start: u64,
    pidfd: OwnedFd,
}

impl Held {
    /// Process id and start time.
    #[must_use]
    pub fn key(&self) -> (u32, u64) {
        (self.pid, self.start)
    }

    /// Whether it still runs.
    #[must_use]
    pub fn alive(&self) -> bool {
        system::alive(&self.pidfd)
    }
}

/// How the daemon looks at processes: its own namespaces, and the clients that it has seen.
#[derive(Debug)]
pub struct Watch {
    own: Namespaces,
    /// The map of users in them.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    users: Vec<u8>,
    uid: u32,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    pins: pins::Pins,
    known: Mutex<HashMap<(u32, u64), Arc<Held>>>,
    most_known: usize,
}

impl Watch {
    /// A fresh one, in this process's namespaces.
    ///
    /// # Errors
    /// When the kernel doesn't tell this process its own namespaces.
    pub fn new() -> Result<Arc<Self>, PeerError> {
        let (own, users) = system::own_namespaces()?;
        let (pins, known, most_known) = (pins::Pins::default(), Mutex::default(), files::share(MOST_KNOWN));
        Ok(Arc::new(Self { own, users, uid: system::own_uid(), pins, known, most_known }))
    }

    /// The user whose processes are served.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(u32, u64), Arc<Held>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(target_os = "linux")]
    fn knows(&self, key: (u32, u64)) -> bool {
        self.known().contains_key(&key)
    }

    fn remember(&self, held: &Arc<Held>) {
        let mut known = self.known();
        if known.len() >= self.most_known {
            known.retain(|_, held| held.alive());
        }
        if known.len() < self.most_known {
            known.insert(held.key(), Arc::clone(held));
        }
    }
}

/// What of the parents is compared where nothing else has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    Programs,
    Namespaces,
}

/// The process that made a connection, and its parents.
#[derive(Debug)]
pub struct Peer {
    watch: Arc<Watch>,
    held: Arc<Held>,
    me: Process,
    line: Vec<Process>,
    last: Option<(u32, u64)>,
    foreign: bool,
    /// The parents, held: with them it is cheap to see that nothing has changed.
    pins: Option<Vec<Arc<pins::Pin>>>,
}

impl Peer {
    /// Who made this connection.
    ///
    /// # Errors
    /// [`PeerError`]: nothing is known, so nothing is answered.
    pub fn of(stream: &impl AsFd, watch: &Arc<Watch>) -> Result<Self, PeerError> {
        let system::Connected { uid, pid, pidfd } = system::connected(stream.as_fd())?;
        if uid != watch.uid {
            return Err(PeerError::OtherUser { uid });
        }
        let system::Seen { me, line, last, foreign, pins } = system::look(pid, &pidfd, watch)?;
        let held = Arc::new(Held { pid, start: me.start, pidfd });
        Ok(Self { watch: Arc::clone(watch), held, me, line, last, foreign, pins })
    }

    /// Looks again, as before a release: the process is the same and runs, its parents are the same with the
    /// same programs. A client that has made itself unreadable in between has not changed.
    ///
    /// # Errors
    /// [`Changed`] says what is different; anything that can't be read counts as different.
    pub fn recheck(&self) -> Result<(), Changed> {
        self.recheck_for(Evidence::Namespaces)
    }

    /// The same, but for the namespaces of its parents, and so for half the price: before something is written down that
    /// nothing comes of without [`Peer::recheck`].
    ///
    /// # Errors
    /// As [`Peer::recheck`].
    pub fn recheck_programs(&self) -> Result<(), Changed> {
        self.recheck_for(Evidence::Programs)
    }

    fn recheck_for(&self, evidence: Evidence) -> Result<(), Changed> {
        if self.pins.as_ref().is_some_and(|pins| system::unchanged(self, pins, evidence)) {
            return Ok(());
        }
        let ended = |_| if self.held.alive() { Changed::Parents } else { Changed::Ended };
        let now = system::look(self.held.pid, &self.held.pidfd, &self.watch).map_err(ended)?;
        if now.me.key() != self.me.key() {
            return Err(Changed::Ended);
        }
        let other_program = match (&self.me.exe, &now.me.exe) {
            (Some(was), Some(is)) => !was.same(is),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if other_program || now.foreign != self.foreign {
            return Err(Changed::Program);
        }
        let same_line = now.line.len() == self.line.len()
            && now.line.iter().zip(&self.line).all(|(is, was)| is.same_evidence(was));
        if !same_line || now.last != self.last {
            return Err(Changed::Parents);
        }
        Ok(())
    }

    /// Its hello was seen: once it has made itself unreadable, its children's line still goes through it.
    pub fn saw_hello(&self) {
        self.watch.remember(&self.held);
    }

    /// The process itself. Its program is no evidence: it is the svault client, or says it is.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.me
    }

    /// Its parents, nearest first, up to the first that is not this user's or can't be read.
    #[must_use]
    pub fn parents(&self) -> &[Process] {
        &self.line
    }

    /// Process id and start time of the parent at which the line ended, where it has any.
    #[must_use]
    pub fn line_ends_at(&self) -> Option<(u32, u64)> {
        self.last
    }

    /// Whether it sees other processes or other users than the daemon: such a peer gives no presence and is
    /// never matched.
    #[must_use]
    pub fn foreign(&self) -> bool {
        self.foreign
    }

    /// The daemon's own namespaces.
    #[must_use]
    pub fn daemon_namespaces(&self) -> &Namespaces {
        &self.watch.own
    }

    /// The process, held.
    #[must_use]
    pub fn held(&self) -> &Arc<Held> {
        &self.held
    }

    /// One of the parents, held.
    ///
    /// # Errors
    /// [`PeerError::Gone`] where it has ended since.
    pub fn hold(&self, process: &Process) -> Result<Held, PeerError> {
        system::hold(process.key())
    }

    /// What a proof of presence is bound to.
    #[must_use]
    pub fn wire(&self) -> wire::Peer {
        wire::Peer { pid: self.me.pid, start: self.me.start, parent: self.me.parent, tty: self.me.tty }
    }

    /// The process and its parents for the trail, nearest first, at most `most` of them.
    #[must_use]
    pub fn lines(&self, most: usize) -> Vec<String> {
        std::iter::once(&self.me).chain(&self.line).take(most).map(Process::line).collect()
    }
}

/// The regular file at a path, links followed, as the daemon sees it now.
#[must_use]
pub fn file(path: &std::path::Path) -> Option<Exe> {
    system::file(path)
}

/// Text of a stranger for people: no control or direction characters, and not too long.
fn visible(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let odd = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if odd {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
        if out.len() >= most {
            out.push('…');
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(line: &str) -> Option<String> {
        let argv = line.split(' ').map(str::to_owned).collect();
        let exe = None;
        let (name, namespaces) = (String::new(), None);
        let p = Process {
            pid: 1,
            start: 1,
            parent: 0,
            tty: 0,
            session: 0,
            group: 0,
            foreground: 0,
            name,
            exe,
            argv,
            namespaces,
        };
        p.script().map(str::to_owned)
    }

    #[test]
    fn a_script_is_recorded_and_code_on_the_command_line_is_not() {
        assert_eq!(script("node --no-warnings /x/cli.js --key sk-test-1").as_deref(), Some("/x/cli.js"));
        assert_eq!(script("python3 -m aider sk-test-1").as_deref(), Some("aider"));
        for line in
            ["bash -c sk-test-1", "bash -lc sk-test-1", "node -e sk-test-1", "perl -e sk-test-1", "sh"]
        {
            assert_eq!(script(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_shows_no_control_characters() {
        assert_eq!(visible("a\x1b[2Jb\u{202e}c", 100), "a\\u{1b}[2Jb\\u{202e}c");
        assert!(visible(&"x".repeat(500), 160).len() < 170);
    }
}
