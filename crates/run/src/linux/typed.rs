//! Where keys for a command's terminal come from, and whether they are ours to take: where stdin is no terminal, others
//! of our process group may read from it, too.

use super::family::{lives, state_and_parent};
use super::outputs::own;
use super::terminal::in_foreground;
use crate::Result;
use nix::unistd::{getpgid, getpgrp};
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::process::{Pid, Signal, getpid};
use rustix::termios::isatty;
use std::io::stdin;

/// A terminal where somebody types.
pub(super) struct Typed {
    terminal: OwnedFd,
    share: Share,
}

/// Who else of our process group may be the one that what is typed is meant for.
enum Share {
    /// Nobody: the terminal is our stdin.
    Nobody,
    /// Whoever runs beside us. Who is above us has put a file in our stdin's place, and waits.
    Beside,
    /// Whoever else is in it: the rest of a pipeline, a program that gave us a pipe or nothing to read and goes on.
    All,
}

impl Typed {
    /// Our stdin, or our controlling terminal. None: there is neither, or a script has started us in its background.
    pub(super) fn find() -> Result<Option<Self>> {
        if isatty(stdin()) {
            return Ok(Some(Self { terminal: own(stdin())?, share: Share::Nobody }));
        }
        if ignores_interrupts() {
            return Ok(None);
        }
        let file = fstat(stdin()).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile);
        let share = if file { Share::Beside } else { Share::All };
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = open("/dev/tty", flags, Mode::empty());
        Ok(terminal.ok().map(|terminal| Self { terminal, share }))
    }

    pub(super) fn at(&self) -> &OwnedFd {
        &self.terminal
    }

    /// Whether what is typed now is ours.
    pub(super) fn is_ours(&self) -> bool {
        in_foreground(&self.terminal)
            && match self.share {
                Share::Nobody => true,
                Share::Beside => !lives_in(getpgrp().as_raw(), &[&[getpid()], &*above(getpid())].concat()),
                Share::All => !lives_in(getpgrp().as_raw(), &[getpid()]),
            }
    }
}

/// A shell without job control has what it starts in the background ignore Ctrl-C (POSIX, 2.11 of the shell's language):
/// nothing else tells it from what it waits for.
fn ignores_interrupts() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, Signal::INT))
}

/// Whether a process does, by what proc(5) has of it: signal 1 is the lowest bit.
fn ignores(status: &str, signal: Signal) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let set = ignored.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    set >> (signal.as_raw() - 1) & 1 == 1
}

/// The parents of a process, as far as they are of its process group.
fn above(pid: Pid) -> Vec<Pid> {
    let group = group(pid);
    let parent = |pid: &Pid| Pid::from_raw(state_and_parent(*pid)?.1);
    std::iter::successors(parent(&pid), parent).take_while(|pid| self::group(*pid) == group).collect()
}

/// A process's group. None: there is no such process. One that lies outside our namespace of processes is 0.
fn group(pid: Pid) -> Option<i32> {
    let pid = nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get());
    getpgid(Some(pid)).ok().map(nix::unistd::Pid::as_raw)
}

/// Whether a process group has others that live.
fn lives_in(group: i32, but: &[Pid]) -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    pids.any(|pid| !but.contains(&pid) && self::group(pid) == Some(group) && lives(pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn who_else_lives_in_a_process_group_is_seen_and_who_is_above() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 600 & echo $!; wait; read x"]).process_group(0);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let sleeps = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        let leader = Pid::from_child(&shell);
        let group = leader.as_raw_nonzero().get();
        assert_eq!((above(sleeps), above(leader)), (vec![leader], vec![]));
        assert!(lives_in(group, &[leader]) && lives_in(group, &[sleeps]));
        assert!(!lives_in(group, &[leader, sleeps]));
        rustix::process::kill_process(sleeps, Signal::KILL).unwrap();
        while lives(sleeps) {
            std::thread::yield_now();
        }
        assert!(!lives_in(group, &[leader]));
        shell.kill().unwrap();
        shell.wait().unwrap();
    }

    #[test]
    fn a_signal_that_is_ignored_is_found() {
        let status =
            |set: &str| format!("Name:\tsvault\nSigBlk:\t0000000000000002\nSigIgn:\t{set}\nSigCgt:\t0\n");
        assert!(ignores(&status("0000000000000006"), Signal::INT));
        assert!(!ignores(&status("0000000000001005"), Signal::INT));
        assert!(!ignores("", Signal::INT));
    }
}
