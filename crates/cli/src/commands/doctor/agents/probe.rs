//! One of svault's own processes as a client starts it: what it is told, what it says, and its end in any case.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What the leanest client passes on, and what Windows programs need to start at all.
const VARIABLES: &[&str] = &[
    "HOME",
    "PATH",
    "LANG",
    "USER",
    "SHELL",
    "TERM",
    "SystemRoot",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "TEMP",
];

/// A line or an answer that is longer is none of ours, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// How long a process may take in all.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// A running process. It ends when this is dropped.
pub(super) struct Probe {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    until: Instant,
}

impl Probe {
    /// Starts it.
    ///
    /// # Errors
    /// What keeps it from starting.
    pub fn start(mut command: Command, folder: &Path) -> Result<Self, String> {
        let kept: Vec<_> = VARIABLES.iter().filter_map(|v| Some((v, std::env::var_os(v)?))).collect();
        let own: Vec<_> = command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
        command.env_clear().envs(kept);
        command.envs(own.into_iter().filter_map(|(k, v)| Some((k, v?))));
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| format!("does not start: {e}"))?;
        let (sender, lines) = channel();
        let stdin = child.stdin.take();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out.take(LONGEST)).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { child, stdin, lines, until: Instant::now() + LIMIT })
    }

    /// Says something to it.
    pub fn say(&mut self, text: &str) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("takes no input")?;
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).map_err(|_| "ended early".to_owned())
    }

    /// Its next line; none at its end.
    ///
    /// # Errors
    /// When its time is over.
    pub fn line(&mut self) -> Result<Option<String>, String> {
        let left = self.until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(format!("does not answer within {} s", LIMIT.as_secs())),
        }
    }

    /// All that it says after the end of its input, and its exit code; none where a signal ended it.
    ///
    /// # Errors
    /// When its time is over.
    pub fn end(mut self) -> Result<(String, Option<i32>), String> {
        self.stdin = None;
        let mut all = String::new();
        while let Some(line) = self.line()? {
            all.push_str(&line);
            all.push('\n');
        }
        // Its output has ended, so it is about to.
        while Instant::now() < self.until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Ok((all, status.code()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("does not end".to_owned())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // The whole group: a shell may have started it.
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
