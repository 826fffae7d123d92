//! The guard: the process between svault and the command. It has one thread, starts the command, passes signals on and
//! tells its end. When svault has gone, however, it ends everything that was started, and puts svault's terminal back
//! as it was.

use super::link::{FromGuard, ToGuard, receive_fds, receive_value};
use super::{family, memfile};
use crate::inputs::Kind;
use nix::sys::signal::{SigSet, SigmaskHow, Signal as NixSignal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group, set_child_subreaper,
    set_parent_process_death_signal, wait,
};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use wire::frame::{read_control, write_control};

/// What the guard has: its line to svault, and svault's terminal as it was.
struct Guard {
    link: UnixStream,
    before: Option<(OwnedFd, Termios)>,
    /// The command, as long as it was not waited for.
    command: Option<Pid>,
    /// It has a terminal of its own, and so a process group of its own.
    terminal: bool,
}

/// Is the guard. Its line to svault is descriptor 0. Gives an exit code.
#[must_use]
pub fn guard() -> u8 {
    // It stays readable to others of its user: the daemon must see who the command's parents are, and what it has for a
    // moment the command has as long as it runs.
    let Ok(link) = secret::fd::take(0) else { return 1 };
    let mut link = UnixStream::from(link);
    // The command can stop the guard: it is woken where svault ends, and sees then that svault has gone.
    let _ = set_parent_process_death_signal(Some(Signal::CONT));
    let said = match Guard::begin(link.try_clone()) {
        Ok(guard) => {
            guard.watch();
            return 0;
        }
        Err(why) => FromGuard::CantStart(why),
    };
    let _ = write_control(&mut link, &said);
    1
}

fn text(e: impl std::fmt::Display) -> String {
    e.to_string()
}

impl Guard {
    fn begin(link: std::io::Result<UnixStream>) -> Result<Self, String> {
        let mut link = link.map_err(text)?;
        let fds = receive_fds(&link).map_err(text)?;
        let message = read_control::<ToGuard>(&mut link).map_err(text)?;
        let Some(ToGuard::Start { argv, cwd, vars, terminal }) = message else {
            return Err("not told what to start".into());
        };
        set_child_subreaper(Some(getpid())).map_err(text)?;
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or("a descriptor is missing");
        let stdio = [next()?, next()?, next()?];
        let slave = if terminal { Some(next()?) } else { None };
        let outer = if terminal { Some(next()?) } else { None };
        let before = outer.and_then(|fd| tcgetattr(&fd).ok().map(|was| (fd, was)));
        if let Some(slave) = &slave {
            rustix::process::setsid().map_err(text)?;
            rustix::process::ioctl_tiocsctty(slave).map_err(text)?;
        }
        let (program, args) = argv.split_first().ok_or("no command")?;
        let mut command = Command::new(program);
        command.args(args).current_dir(cwd);
        let files = fill(&mut command, &mut link, vars)?;
        let [stdin, stdout, stderr] = stdio.map(Stdio::from);
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        if terminal {
            command.process_group(0);
        }
        secret::dies_with_us(&mut command, slave.as_ref().map(AsFd::as_fd));
        // Nothing but SIGKILL ends the guard before the command; the command has the mask from before this line.
        SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).map_err(text)?;
        let child = command.spawn().map_err(text)?;
        drop((command, files));
        // Where svault has gone already, that is seen where it is watched for, and what runs is ended there.
        let _ = write_control(&mut link, &FromGuard::Started);
        Ok(Self { link, before, command: Some(Pid::from_child(&child)), terminal })
    }

    /// Until svault says that it is over, or has gone.
    fn watch(mut self) {
        let Ok(ended) = SignalFd::with_flags(
            &SigSet::from(NixSignal::SIGCHLD),
            SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK,
        ) else {
            return family::end_all();
        };
        loop {
            self.reap();
            let mut fds = [PollFd::new(&self.link, PollFlags::IN), PollFd::new(&ended, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return family::end_all(),
            }
            let told = !fds[0].revents().is_empty();
            while let Ok(Some(_)) = ended.read_signal() {}
            if told && self.obey().is_none() {
                return;
            }
        }
    }

    /// Does what svault says. None: it is over.
    fn obey(&mut self) -> Option<()> {
        match read_control::<ToGuard>(&mut self.link) {
            Ok(Some(ToGuard::Signal(n))) => self.signal(Signal::from_named_raw(n)?),
            Ok(Some(ToGuard::Continue)) => self.signal(Signal::CONT),
            Ok(Some(ToGuard::Leave)) => return None,
            Ok(Some(ToGuard::Kill)) => {
                family::end_all();
                return None;
            }
            Ok(Some(ToGuard::Start { .. } | ToGuard::Var { .. }) | None) | Err(_) => {
                family::end_all();
                if let Some((terminal, was)) = &self.before {
                    let _ = tcsetattr(terminal, OptionalActions::Now, was);
                }
                return None;
            }
        }
        Some(())
    }

    fn signal(&self, signal: Signal) {
        // It was not waited for, so the number is still its own.
        let Some(pid) = self.command else { return };
        let _ = if self.terminal { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
    }

    /// Takes ended processes off the table, and tells the command's end and its stops.
    fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if Some(pid) == self.command => self.tell(status),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn tell(&mut self, status: WaitStatus) {
        let said = if status.stopped() {
            // Without a terminal of its own it is in svault's process group, which a shell stops and continues.
            if !self.terminal {
                return;
            }
            FromGuard::Stopped
        } else {
            self.command = None;
            FromGuard::Ended { exit: status.exit_status(), signal: status.terminating_signal() }
        };
        let _ = write_control(&mut self.link, &said);
    }
}

/// Puts the variables into the command. Gives the files in memory, which must stay open until it was started.
fn fill(command: &mut Command, link: &mut UnixStream, vars: usize) -> Result<Vec<OwnedFd>, String> {
    let mut files = Vec::new();
    for _ in 0..vars {
        let message = read_control::<ToGuard>(link).map_err(text)?;
        let Some(ToGuard::Var { name, kind, bytes }) = message else {
            return Err("not told a variable".into());
        };
        let value = receive_value(link, bytes).map_err(text)?;
        match kind {
            Kind::Env => {
                command.env(name, std::ffi::OsStr::from_bytes(value.expose()));
            }
            Kind::File => {
                let file = memfile::make(value.expose()).map_err(text)?;
                command.env(name, memfile::hand_on(&file).map_err(text)?);
                files.push(file);
            }
        }
    }
    Ok(files)
}

use std::os::unix::ffi::OsStrExt;
