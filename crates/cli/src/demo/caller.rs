//! A caller of the demo: a copy of this program that runs svault commands as its children, as an agent would.
//! A line in, a line out, both JSON.

use crate::args::weak_flag;
use crate::report::{Error, Outcome};
use crate::signals::Signals;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What came of a command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saw {
    /// Its exit code.
    pub exit: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Saw {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Result<Self, Error> {
        let done = command.stdin(Stdio::null()).output().map_err(|e| Error::failed("can't run svault", e))?;
        Ok(Self {
            exit: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// Both streams as a person sees them, remarks first, without the last newline.
    pub fn text(&self) -> String {
        format!("{}{}", self.stderr, self.stdout).trim_end().to_owned()
    }

    /// The id that a denial or a waiting request names.
    pub fn id(&self) -> Option<String> {
        let (_, rest) = self.stderr.split_once('(')?;
        rest.split_once(')').map(|(id, _)| id.to_owned())
    }
}

/// The caller itself: runs what comes on stdin, until it ends.
pub fn serve(program: &Path) -> Outcome {
    for line in std::io::stdin().lock().lines() {
        let args: Vec<String> =
            serde_json::from_str(&line?).map_err(|e| Error::failed("no command line", e))?;
        let saw = Saw::of(Command::new(program).args(weak_flag()).args(args))?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&saw).unwrap_or_default())?;
        out.flush()?;
    }
    Ok(wire::exit::DONE)
}

/// The demo's end of a caller.
pub struct Caller {
    /// Its registered name.
    pub name: &'static str,
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Caller {
    /// Starts the copy at `exe`, which runs `program`.
    pub fn start(
        name: &'static str,
        exe: &Path,
        program: &Path,
        store: &Path,
        signals: &Signals,
    ) -> Result<Self, Error> {
        let gone = || Error::failed("can't start a caller", "it has no pipes");
        let mut command = Command::new(exe);
        signals.not_for(&mut command);
        let mut process = command
            .args(weak_flag())
            .args(["demo", "--caller"])
            .arg(program)
            .env("SVAULT_HOME", store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| Error::failed("can't start a caller", e))?;
        let to = process.stdin.take().ok_or_else(gone)?;
        let from = BufReader::new(process.stdout.take().ok_or_else(gone)?);
        Ok(Self { name, process, to, from })
    }

    /// Has it run `svault ARGS`; the answer is read with [`Caller::hear`].
    pub fn ask(&mut self, args: &[&str]) -> Result<(), Error> {
        let line = serde_json::to_string(args).unwrap_or_default();
        writeln!(self.to, "{line}")
            .and_then(|()| self.to.flush())
            .map_err(|e| Error::failed("a caller ended", e))
    }

    /// Has it run a command to its end.
    pub fn runs(&mut self, args: &[&str]) -> Result<Saw, Error> {
        self.ask(args)?;
        self.hear()
    }

    /// What came of it.
    pub fn hear(&mut self) -> Result<Saw, Error> {
        let mut line = String::new();
        self.from.read_line(&mut line).map_err(|e| Error::failed("a caller ended", e))?;
        serde_json::from_str(&line).map_err(|e| Error::failed("a caller ended", e))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
