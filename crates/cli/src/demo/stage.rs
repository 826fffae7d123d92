//! The demo's folder, its human, and what is shown. Everything is gone when it is dropped.

use super::caller::{Caller, Saw};
use crate::app::App;
use crate::output::{Out, command_line};
use crate::report::Error;
use crate::signals::Signals;
use seal::{OsRandom, RecoveryCode};
use secret::Bytes;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The folder, the human's passphrase, the steps so far.
pub struct Stage {
    out: Out,
    folder: tempfile::TempDir,
    /// This program.
    program: PathBuf,
    passphrase: Bytes,
    callers: Vec<Caller>,
    steps: Vec<Value>,
    /// The last to go: a signal ends the demo when nothing of it is left.
    signals: Signals,
}

/// So long may the path of the temporary folder be: 53 bytes of the demo's own come behind it, up to its socket.
const ROOM: usize = 46;

impl Stage {
    /// An empty folder with a short path: sockets have little room for theirs.
    pub fn open(app: &App) -> Result<Self, Error> {
        let signals = Signals::hold().map_err(|e| Error::failed("can't hold signals back", e))?;
        let top = top();
        let mut builder = tempfile::Builder::new();
        builder.prefix("svault-demo-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(&top).map_err(|e| Error::io("make a folder in", &top, &e))?;
        let program = std::env::current_exe().map_err(|e| Error::failed("can't find this program", e))?;
        // A passphrase that nobody needs to know.
        let passphrase = RecoveryCode::generate(&mut OsRandom)?.to_text()?;
        Ok(Self {
            out: app.out,
            folder,
            program,
            passphrase,
            callers: Vec::new(),
            steps: Vec::new(),
            signals,
        })
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store.
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Waits so long.
    ///
    /// A signal meanwhile, or since the last step, ends the demo.
    pub fn rest(&self, time: Duration) -> Result<(), Error> {
        if self.signals.come_within(time) { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) {
        self.steps.push(json!({"heading": text}));
        self.say(&format!("\n{}\n", self.out.style(text, "1")));
    }

    /// A line of explanation.
    pub fn remark(&mut self, text: &str) {
        self.steps.push(json!({"remark": text}));
        self.say(&format!("  {}\n", self.out.style(text, "2")));
    }

    fn say(&self, text: &str) {
        if !self.out.json() {
            let _ = self.out.text(text);
        }
    }

    /// Shows a command and what came of it.
    pub fn show(&mut self, who: &str, args: &[&str], saw: &Saw, recorded: Option<&str>) {
        self.show_for("", who, args, saw, recorded);
    }

    /// The same with something before the command. The folder's random name is shown as `demo`.
    pub fn show_for(&mut self, before: &str, who: &str, args: &[&str], saw: &Saw, recorded: Option<&str>) {
        let place = self.folder.path().display().to_string();
        let line: Vec<String> = ["svault"].iter().chain(args).map(|a| (*a).replace(&place, "demo")).collect();
        let line = format!("{before}{}", command_line(&line));
        let text = saw.text().replace(&place, "demo");
        let mut step = json!({"who": who, "command": line, "exit": saw.exit, "saw": text});
        let mut shown = format!("  {} {line}\n", self.out.style(&format!("{who}$"), "36"));
        let mut label = if recorded.is_some() { "saw" } else { "" };
        for text in text.lines() {
            shown.push_str(format!("    {label:10}{text}").trim_end());
            shown.push('\n');
            label = "";
        }
        if text.is_empty() {
            shown.push_str(&format!("    {label:10}(nothing, exit {})\n", saw.exit));
        }
        if let Some(recorded) = recorded {
            step["recorded"] = json!(recorded);
            shown.push_str(&format!("    {:10}{}\n", "recorded", self.out.style(recorded, "33")));
        }
        self.steps.push(step);
        self.say(&shown);
    }

    /// `svault ARGS` in a store, by the human, who gives the passphrase by descriptor.
    pub fn human_in(&self, store: &Path, args: &[&str], stdin: Option<&str>) -> Result<Saw, Error> {
        self.rest(Duration::ZERO)?;
        let (read, write) = rustix::pipe::pipe().map_err(|e| Error::failed("no pipe", e))?;
        rustix::io::fcntl_setfd(&write, rustix::io::FdFlags::CLOEXEC)
            .map_err(|e| Error::failed("no pipe", e))?;
        let mut to = std::fs::File::from(write);
        std::io::Write::write_all(&mut to, self.passphrase.expose())
            .map_err(|e| Error::failed("no pipe", e))?;
        drop(to);
        let fd = std::os::fd::AsRawFd::as_raw_fd(&read).to_string();
        let split = args.iter().position(|a| *a == "--").unwrap_or(args.len());
        let mut command = self.command(store);
        command.args(&args[..split]).args(["--passphrase-fd", &fd]).args(&args[split..]);
        match stdin {
            None => Saw::of(&mut command),
            Some(text) => fed(&mut command, text),
        }
    }

    /// The same in the demo's store, which must end well.
    pub fn human(&self, args: &[&str]) -> Result<Saw, Error> {
        well(args, self.human_in(&self.store(), args, None)?)
    }

    /// The same with a value on stdin.
    pub fn human_gives(&self, args: &[&str], value: &str) -> Result<Saw, Error> {
        well(args, self.human_in(&self.store(), args, Some(value))?)
    }

    /// `svault ARGS` in a store by nobody in particular.
    pub fn anybody(&self, store: &Path, args: &[&str]) -> Result<Saw, Error> {
        self.rest(Duration::ZERO)?;
        Saw::of(self.command(store).args(args))
    }

    fn command(&self, store: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(crate::args::weak_flag()).env("SVAULT_HOME", store).current_dir(self.folder.path());
        self.signals.not_for(&mut command);
        command
    }

    /// Makes a copy of this program, which is an executable of its own, and starts it.
    pub fn hire(&mut self, name: &'static str) -> Result<PathBuf, Error> {
        let exe = self.path(name);
        std::fs::copy(&self.program, &exe).map_err(|e| Error::io("copy this program to", &exe, &e))?;
        let caller = Caller::start(name, &exe, &self.program, &self.store(), &self.signals)?;
        self.callers.push(caller);
        Ok(exe)
    }

    /// A caller.
    pub fn caller(&mut self, name: &str) -> Result<&mut Caller, Error> {
        self.rest(Duration::ZERO)?;
        self.callers.iter_mut().find(|c| c.name == name).ok_or_else(crate::app::unexpected)
    }

    /// What the trail has, newest first, as the human reads it.
    pub fn trail(&self) -> Result<Vec<Value>, Error> {
        let listed = self.human(&["audit", "list", "--json", "--last", "60"])?;
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        Ok(listed["entries"].as_array().cloned().unwrap_or_default())
    }

    /// Ends the callers and the daemon and removes the folder; what was shown.
    pub fn close(mut self) -> Vec<Value> {
        self.callers.clear();
        std::mem::take(&mut self.steps)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.callers.clear();
        for store in ["store", "copy"] {
            if self.path(store).exists() {
                // Not of the terminal's foreground: a second Ctrl-C shall not end it.
                let mut lock = self.command(&self.path(store));
                let _ = Saw::of(std::os::unix::process::CommandExt::process_group(lock.arg("lock"), 0));
            }
        }
    }
}

/// Where temporary folders are made, unless its path is too long for a socket's.
fn top() -> PathBuf {
    let fits = |dir: &PathBuf| {
        let real = dir.canonicalize().ok().filter(|_| dir.is_absolute());
        real.is_some_and(|real| real.is_dir() && real.as_os_str().len() <= ROOM)
    };
    Some(std::env::temp_dir()).filter(fits).unwrap_or_else(|| "/tmp".into())
}

/// The decision as the trail has it, in one line.
pub fn decision(entry: &Value) -> String {
    let word = |key: &str| entry[key].as_str().unwrap_or_default();
    let mut line = word("event").to_owned();
    for (label, key) in [("", "cause"), ("", "secret"), ("by ", "caller"), ("rule ", "rule")] {
        if !word(key).is_empty() {
            line.push_str(&format!(" · {label}{}", word(key)));
        }
        if key == "caller" && !word("evidence").is_empty() {
            line.push_str(&format!(" ({})", word("evidence")));
        }
    }
    line
}

/// A step of the demo that must work, or the demo says what did not.
pub fn well(args: &[&str], saw: Saw) -> Result<Saw, Error> {
    if saw.exit == 0 {
        return Ok(saw);
    }
    let line = command_line(&args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
    Err(Error::failed(format!("the demo stopped at: svault {line}"), saw.text())
        .hint("'svault doctor' says what this machine lacks"))
}

/// A command with something on stdin.
fn fed(command: &mut Command, text: &str) -> Result<Saw, Error> {
    use std::process::Stdio;
    let cannot = |e| Error::failed("can't run svault", e);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut to) = child.stdin.take() {
        // It may end before it reads; then it says why.
        let _ = std::io::Write::write_all(&mut to, text.as_bytes());
    }
    let done = child.wait_with_output().map_err(cannot)?;
    Ok(Saw {
        exit: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}
