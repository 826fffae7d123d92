//! Tells a human that a request waits: a bell on the unlocking terminal, a notice on the desktop.
//! A process of its own, started before the daemon holds a key, since the daemon starts nothing afterwards. It is
//! told the id of the request and the name of the caller, nothing else.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use words::{CallerName, Id};

/// The longest line the helper takes.
const LONGEST: u64 = 4096;
/// Where notices are sent from, in this order. By full path: the helper's PATH is nobody's to choose.
const NOTIFIERS: &[&str] = &["/usr/bin/notify-send", "/usr/local/bin/notify-send", "/bin/notify-send"];

/// How to start the helper: a program and arguments that end in [`main`].
#[derive(Debug, Clone)]
pub struct Start {
    /// The program, such as /proc/self/exe.
    pub program: PathBuf,
    /// Its arguments, such as `daemon ring`.
    pub args: Vec<String>,
}

/// The daemon's end of the helper.
#[derive(Debug)]
pub struct Ring {
    pipe: Mutex<Option<ChildStdin>>,
    // Kept so that the pipe's other end is a child of this process and not a zombie's; it ends with the pipe.
    _child: Child,
}

impl Ring {
    /// Starts the helper; `bell` is the terminal it may ring on.
    ///
    /// # Errors
    /// When it can't be started. The daemon works without.
    pub fn start(how: &Start, bell: Option<OwnedFd>) -> io::Result<Self> {
        let mut child = Command::new(&how.program)
            .args(&how.args)
            .stdin(Stdio::piped())
            .stdout(bell.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()?;
        let pipe = child.stdin.take();
        if let Some(pipe) = &pipe {
            // A helper that hangs must not hold up the daemon: what doesn't fit is not told.
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { pipe: Mutex::new(pipe), _child: child })
    }

    /// Whether the helper rings the bell, or only sends notices.
    pub fn bell(&self, on: bool) {
        self.tell(if on { "bell\n" } else { "quiet\n" });
    }

    /// Another program to tell, by its absolute path: the user's own, from the store's settings. None: no other one.
    pub fn notify_with(&self, program: Option<&str>) {
        let program = program.unwrap_or_default();
        if (program.is_empty() || program.starts_with('/')) && !program.contains('\n') {
            self.tell(&format!("notify {program}\n"));
        }
    }

    /// A request waits for a human.
    pub fn ring(&self, id: Id, caller: Option<&CallerName>) {
        self.tell(&format!("ring {id} {}\n", caller.map_or("unknown", CallerName::as_str)));
    }

    fn tell(&self, line: &str) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |e: io::Error| e.kind() != io::ErrorKind::WouldBlock;
        if pipe.as_mut().is_some_and(|p| p.write_all(line.as_bytes()).is_err_and(failed)) {
            *pipe = None;
        }
    }
}

/// The helper itself: reads lines from standard input until it ends.
///
/// # Errors
/// When standard input can't be read.
pub fn main() -> io::Result<()> {
    let _ = secret::harden();
    let notifier = NOTIFIERS.iter().map(Path::new).find(|p| p.exists());
    let bell =
        io::stdout().is_terminal().then(|| rustix::io::dup(io::stdout()).map(File::from)).transpose()?;
    serve(io::stdin().lock(), bell, notifier)
}

fn serve(mut lines: impl BufRead, mut bell: Option<impl Write>, notifier: Option<&Path>) -> io::Result<()> {
    let mut loud = false;
    let mut own: Option<PathBuf> = None;
    let mut notices: Vec<Child> = Vec::new();
    loop {
        let mut line = Vec::new();
        if (&mut lines).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        notices.retain_mut(|n| matches!(n.try_wait(), Ok(None)));
        match parse(&line) {
            Some(Line::Loud(on)) => loud = on,
            Some(Line::Notify(program)) => own = program,
            Some(Line::Ring(id, caller)) => {
                if loud && bell.as_mut().is_some_and(|tty| tty.write_all(b"\x07").is_err()) {
                    bell = None;
                }
                // A notifier that hangs is not started again and again.
                if notices.len() < 8 {
                    notices.extend(notifier.and_then(|path| notice(path, id, &caller)));
                    let (id, caller) = (id.to_string(), caller.to_string());
                    notices.extend(own.as_ref().and_then(|path| start(path, &[&id, &caller])));
                }
            }
            None => {}
        }
    }
}

fn notice(notifier: &Path, id: Id, caller: &CallerName) -> Option<Child> {
    let text = format!("{caller} asks, request {id}. See: svault pending");
    start(notifier, &["--app-name=svault", "--", "svault: a request waits for you", &text])
}

fn start(program: &Path, args: &[&str]) -> Option<Child> {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

enum Line {
    Loud(bool),
    /// None: no program of the user's.
    Notify(Option<PathBuf>),
    Ring(Id, CallerName),
}

/// Only words that this house prints are taken further: an id and a caller's name can't hold anything odd.
fn parse(line: &[u8]) -> Option<Line> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    if let Some(program) = text.strip_prefix("notify ") {
        return Some(Line::Notify(program.starts_with('/').then(|| program.into())));
    }
    match text.split(' ').collect::<Vec<_>>()[..] {
        ["bell"] => Some(Line::Loud(true)),
        ["quiet"] => Some(Line::Loud(false)),
        ["ring", id, caller] => Some(Line::Ring(id.parse().ok()?, caller.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &str) -> Vec<u8> {
        let mut tty = Vec::new();
        serve(lines.as_bytes(), Some(&mut tty), None).unwrap();
        tty
    }

    #[test]
    fn it_rings_once_for_each_request_and_prints_nothing_else() {
        assert_eq!(heard("bell\nring 7K2MQ9XA claude-code\nring 7K2MQ9XB unknown\n"), b"\x07\x07");
    }

    #[test]
    fn it_is_quiet_where_no_terminal_was_handed_over() {
        assert_eq!(heard("ring 7K2MQ9XA claude-code\n"), b"");
        assert_eq!(heard("quiet\nring 7K2MQ9XA claude-code\n"), b"");
    }

    #[test]
    fn the_users_program_gets_the_id_and_the_caller() {
        let folder = tempfile::tempdir().unwrap();
        let (program, heard) = (folder.path().join("my program"), folder.path().join("heard"));
        std::fs::write(&program, format!("#!/bin/sh\necho \"$#\" \"$@\" > {}\n", heard.display())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&program, mode).unwrap();
        let lines = format!("notify {}\nring 7K2MQ9XA robot\n", program.display());
        serve(lines.as_bytes(), None::<Vec<u8>>, None).unwrap();
        for _ in 0..200 {
            if std::fs::read_to_string(&heard).is_ok_and(|text| text == "2 7K2MQ9XA robot\n") {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("it was not told");
    }

    #[test]
    fn odd_lines_are_nothing() {
        let long = format!("bell\nring {}\nring 7K2MQ9XA x\x1b[2J\nring rubbish! x\n", "A".repeat(5000));
        assert_eq!(heard(&long), b"");
    }

    #[test]
    fn a_helper_that_is_gone_costs_nothing() {
        let ring = Ring::start(&Start { program: "/bin/true".into(), args: vec![] }, None).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        for _ in 0..3 {
            ring.ring(Id::from_bits(1), None);
        }
    }

    #[test]
    fn a_helper_that_hangs_holds_nobody_up() {
        let start = Start { program: "/bin/sleep".into(), args: vec!["5".into()] };
        let ring = Ring::start(&start, None).unwrap();
        let begun = std::time::Instant::now();
        for _ in 0..10_000 {
            ring.ring(Id::from_bits(1), None);
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    }
}
