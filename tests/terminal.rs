//! A terminal with a login shell in it, as a person has one. `script` makes the terminal.

use crate::sandbox::Sandbox;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A shell on a terminal.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    seen: Arc<Mutex<Vec<u8>>>,
    read: usize,
}

/// At a line's end: what it exits with is what [`Terminal::ends`] waits for.
pub const MARK: &str = "; echo \"=$?=\"\n";

impl Terminal {
    /// A shell of /etc/shells, in the sandbox's home. `svault` is the binary.
    #[must_use]
    pub fn shell(sandbox: &Sandbox) -> Self {
        let line = "exec /bin/bash --noprofile --norc -i";
        let mut terminal = Self::open(sandbox, line);
        terminal.types("bind 'set enable-bracketed-paste off' 2>/dev/null; PS1='\\$> '\n");
        terminal.waits_for("$> ");
        terminal.waits_for("$> ");
        let alias = format!("alias svault='{}'\n", sandbox.binary().display());
        terminal.types(&alias);
        terminal.waits_for("$> ");
        terminal
    }

    /// A program on a terminal.
    #[must_use]
    pub fn open(sandbox: &Sandbox, line: &str) -> Self {
        let mut command = Command::new("script");
        command.args(["-qfec", line, "/dev/null"]).env_clear().envs(sandbox.env());
        command.env("SHELL", "/bin/bash").current_dir(sandbox.home());
        if rustix::process::geteuid().is_root() {
            command.uid(sandbox.uid()).gid(sandbox.uid());
        }
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = started.expect("script");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (child.stdout.take().expect("stdout"), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                to.lock().expect("lock").extend_from_slice(&buffer[..n]);
            }
        });
        let keys = child.stdin.take().expect("stdin");
        Self { child, keys, seen, read: 0 }
    }

    /// Types the sandbox's passphrase at the prompt of what was typed before.
    pub fn types_passphrase(&mut self) {
        self.waits_for("assphrase:");
        // The prompt takes the terminal before it shows itself; what is typed later than that is hidden.
        self.types(&format!("{}\n", crate::sandbox::PASSPHRASE));
    }

    /// Types.
    pub fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("the terminal is open");
        self.keys.flush().expect("the terminal is open");
    }

    /// Waits until this is seen, after what was waited for before; everything up to it.
    #[track_caller]
    pub fn waits_for(&mut self, text: &str) -> String {
        let since = Instant::now();
        loop {
            let all = self.seen.lock().expect("lock").clone();
            let new = &all[self.read..];
            if let Some(at) = new.windows(text.len()).position(|w| w == text.as_bytes()) {
                let end = at + text.len();
                self.read += end;
                return String::from_utf8_lossy(&new[..end]).into_owned();
            }
            let late = since.elapsed() > Duration::from_secs(30);
            assert!(!late, "waited in vain for '{text}'; seen:\n{}", String::from_utf8_lossy(&all));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a command in the shell; what it wrote and its exit code.
    #[track_caller]
    pub fn runs(&mut self, line: &str) -> (String, i32) {
        self.types(&format!("{line}; echo \"=$?=\"\n"));
        self.ends()
    }

    /// As [`Self::runs`], for a command that has been typed already, with `; echo "=$?="` behind it.
    #[track_caller]
    pub fn ends(&mut self) -> (String, i32) {
        let mut text = String::new();
        loop {
            text += &self.waits_for("\n=");
            let code = self.waits_for("=");
            if let Ok(code) = code.trim_end_matches('=').parse() {
                self.waits_for("$> ");
                return (text.replace('\r', "").trim_end_matches('=').to_owned(), code);
            }
            text += &code;
        }
    }

    /// The shell's process.
    #[must_use]
    pub fn shell_pid(&self) -> i32 {
        let script = i32::try_from(self.child.id()).expect("pid");
        crate::processes::children(script).first().copied().expect("a shell")
    }

    /// Everything seen so far.
    #[must_use]
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("lock")).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
