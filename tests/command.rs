//! One run of a program in a sandbox: as an ordinary user, with an environment of its own, with pipes for passphrases,
//! and with a deadline.

use crate::sandbox::Sandbox;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No command may take longer than this.
const DEADLINE: Duration = Duration::from_secs(90);

/// A command to be run.
pub struct Cmd {
    command: Command,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    inherited: Vec<OwnedFd>,
    deadline: Duration,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; 128+n for a signal, as a shell gives it.
    pub code: i32,
    /// What it wrote to stdout.
    pub out: Vec<u8>,
    /// What it wrote to stderr.
    pub err: String,
}

impl Cmd {
    /// A program in a sandbox.
    #[must_use]
    pub fn new(program: &Path, sandbox: &Sandbox) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(sandbox.env()).current_dir(sandbox.home());
        if rustix::process::geteuid().is_root() {
            command.uid(sandbox.uid()).gid(sandbox.uid());
        }
        Self { command, args: Vec::new(), stdin: Vec::new(), inherited: Vec::new(), deadline: DEADLINE }
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: &[S]) -> Self {
        self.args.extend(args.iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The folder it runs in.
    #[must_use]
    pub fn cwd(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads from stdin; nothing otherwise.
    #[must_use]
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// A longer or shorter deadline.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Gives a secret through a pipe: `--flag N`, before a `--` where there is one.
    #[must_use]
    pub fn secret(mut self, flag: &str, text: &str) -> Self {
        let (read, write) = rustix::pipe::pipe().expect("pipe");
        let _ = rustix::io::fcntl_setfd(&write, rustix::io::FdFlags::CLOEXEC);
        std::fs::File::from(write)
            .write_all(format!("{text}\n").as_bytes())
            .expect("a pipe holds a passphrase");
        self.flag(flag, &read.as_raw_fd().to_string());
        self.inherited.push(read);
        self
    }

    /// Gives it a file to write to: `--flag N`.
    #[must_use]
    pub fn writes_to(mut self, flag: &str, path: &Path) -> Self {
        let file = std::fs::File::create(path).expect("create");
        let fd = OwnedFd::from(file);
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::empty()).expect("fcntl");
        self.flag(flag, &fd.as_raw_fd().to_string());
        self.inherited.push(fd);
        self
    }

    /// Proves presence with the sandbox's passphrase.
    #[must_use]
    pub fn human(self) -> Self {
        self.secret("--passphrase-fd", crate::sandbox::PASSPHRASE)
    }

    fn flag(&mut self, flag: &str, value: &str) {
        let at = self.args.iter().position(|a| a == "--").unwrap_or(self.args.len());
        self.args.splice(at..at, [flag.into(), value.into()]);
    }

    /// Starts it with pipes in the test's own hands.
    #[must_use]
    pub fn piped(mut self) -> (Child, ChildStdin, ChildStdout, ChildStderr) {
        self.command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            self.command.spawn().unwrap_or_else(|e| panic!("can't start {:?}: {e}", self.command));
        let input = child.stdin.take().expect("stdin");
        let (out, err) = (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
        (child, input, out, err)
    }

    /// Starts it.
    #[must_use]
    pub fn spawn(mut self) -> Running {
        self.command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(e) => panic!("can't start {:?}: {e}", self.command),
        };
        let mut pipe = child.stdin.take().expect("stdin");
        let bytes = self.stdin;
        std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        let out = reader(child.stdout.take().expect("stdout"));
        let err = reader(child.stderr.take().expect("stderr"));
        let shown = format!("{:?}", self.args);
        Running { child, out, err, shown, deadline: self.deadline }
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Output {
        self.spawn().end()
    }
}

type Collector = std::sync::mpsc::Receiver<Vec<u8>>;

fn reader(mut from: impl Read + Send + 'static) -> Collector {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 || send.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receive
}

/// A command that runs.
pub struct Running {
    /// The process.
    pub child: Child,
    out: Collector,
    err: Collector,
    shown: String,
    deadline: Duration,
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("pid")
    }

    /// Waits until it has written this to stdout; what it wrote so far is then gone.
    ///
    /// # Panics
    /// When it ends without, or takes too long.
    pub fn waits_for(&self, text: &str) {
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            match self.out.recv_timeout(Duration::from_secs(20)) {
                Ok(part) => seen.extend(part),
                Err(_) => panic!("{} did not say '{text}': {}", self.shown, String::from_utf8_lossy(&seen)),
            }
        }
    }

    /// Waits for its end; a process that outlives its deadline is killed and fails the test.
    #[must_use]
    pub fn end(mut self) -> Output {
        let since = Instant::now();
        let mut late = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            if since.elapsed() > self.deadline {
                late = true;
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        // A daemon never holds a client's pipes, so both end with the process; a second is for what is on its way.
        let out = drain(&self.out);
        let err = String::from_utf8_lossy(&drain(&self.err)).into_owned();
        assert!(
            !late,
            "{} did not end\nstdout: {}\nstderr: {err}",
            self.shown,
            String::from_utf8_lossy(&out)
        );
        Output { code: code(status), out, err }
    }
}

fn drain(from: &Collector) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(part) = from.recv_timeout(Duration::from_secs(1)) {
        all.extend(part);
    }
    all
}

/// The exit code; 128+n for a signal, as a shell gives it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

impl Output {
    /// Stdout as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Both streams and the code, as one would see them.
    #[must_use]
    pub fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.text(), self.err)
    }

    /// The same with the first lines of stdout only.
    #[must_use]
    pub fn head(mut self, lines: usize) -> Self {
        let text = self.text();
        self.out = text.lines().take(lines).map(|l| format!("{l}\n")).collect::<String>().into_bytes();
        self
    }

    /// It must have ended well.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// It must have ended with this code.
    #[track_caller]
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// Stdout as one JSON object.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.out) {
            Ok(value) => value,
            Err(e) => panic!("no JSON: {e}\n{}", self.all()),
        }
    }

    /// Must have been refused with the one opaque line, and nothing else; the id.
    #[track_caller]
    #[must_use]
    pub fn denied(&self) -> String {
        assert_eq!(self.code, 4, "{}", self.all());
        assert!(self.out.is_empty(), "{}", self.all());
        let id = self.err.strip_prefix("denied (").and_then(|rest| rest.strip_suffix(")\n"));
        match id {
            Some(id) if id.len() == 8 => id.to_owned(),
            _ => panic!("no opaque line\n{}", self.all()),
        }
    }

    /// The error line must hold this.
    #[track_caller]
    #[must_use]
    pub fn says(self, part: &str) -> Self {
        assert!(self.err.contains(part), "'{part}' is not said\n{}", self.all());
        self
    }
}
