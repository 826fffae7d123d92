//! Systems other than Linux: no guard and no terminal of the command's own. The command is in our process group, which
//! is how a terminal's signals reach it; its output goes through pipes and is masked. Files in memory and captured
//! commands are not there yet.

use crate::inputs::Kind;
use crate::pump::{self, Ready, Source};
use crate::{Captured, Code, Error, Inputs, Job, Limits, Passed, Result, error::system};
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Ends a captured command from elsewhere.
#[derive(Debug, Clone)]
pub struct Cancel;

impl Cancel {
    /// One that has not been used.
    ///
    /// # Errors
    /// None here.
    pub fn new() -> Result<Self> {
        Ok(Self)
    }

    /// Ends the command.
    pub fn cancel(&self) {}
}

/// There is no guard here.
#[must_use]
pub fn guard() -> u8 {
    1
}

/// See the Linux side.
///
/// # Errors
/// When it can't be started.
pub fn pass(job: &Job, inputs: Inputs) -> Result<Passed> {
    let (vars, needles) = inputs.split();
    let mut command = command(job)?;
    for var in vars {
        if var.kind == Kind::File {
            return Err(Error::NotHere("a value as a file"));
        }
        command.env(&var.name, text(var.value.expose())?);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let stdout = secret::direct::stdout().map_err(system("copy a descriptor"))?;
    let mut child = spawn(&mut command, job)?;
    drop(command);
    let pumped = |from: Option<Pipe>, mut to: Box<dyn io::Write + Send>| {
        let needles = Arc::clone(&needles);
        from.map(|mut from| std::thread::spawn(move || pump::run(&mut from, needles, &mut to)))
    };
    let out = pumped(child.stdout.take().map(Pipe::new), Box::new(stdout));
    let err = pumped(child.stderr.take().map(Pipe::new), Box::new(io::stderr()));
    let status = child.wait().map_err(system("wait for the command"))?;
    let mut lost = None;
    for thread in [out, err].into_iter().flatten() {
        lost = lost.or(thread.join().ok().and_then(pump::lost));
    }
    Ok(Passed { code: code(status), lost })
}

/// See the Linux side.
///
/// # Errors
/// When it can't be started.
pub fn inherit(job: &Job) -> Result<Code> {
    let mut child = spawn(&mut command(job)?, job)?;
    Ok(code(child.wait().map_err(system("wait for the command"))?))
}

pub(crate) fn capture(_: &Job, _: Inputs, _: &Limits, _: &Cancel) -> Result<Captured> {
    Err(Error::NotHere("a captured command"))
}

fn command(job: &Job) -> Result<Command> {
    let (program, args) = job.argv.split_first().ok_or(Error::Empty)?;
    let mut command = Command::new(program);
    command.args(args).current_dir(&job.cwd);
    Ok(command)
}

fn spawn(command: &mut Command, job: &Job) -> Result<std::process::Child> {
    command.spawn().map_err(|e| Error::Start {
        program: job.argv.first().cloned().unwrap_or_default(),
        cause: e.to_string(),
    })
}

#[cfg(unix)]
fn text(bytes: &[u8]) -> Result<&std::ffi::OsStr> {
    Ok(std::os::unix::ffi::OsStrExt::from_bytes(bytes))
}

#[cfg(not(unix))]
fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::NoText)
}

#[cfg(unix)]
fn code(status: std::process::ExitStatus) -> Code {
    Code::of(status.code(), std::os::unix::process::ExitStatusExt::signal(&status))
}

#[cfg(not(unix))]
fn code(status: std::process::ExitStatus) -> Code {
    Code(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(u8::MAX))
}

/// An output whose silence is seen by a thread that reads it.
struct Pipe {
    parts: std::sync::mpsc::Receiver<Vec<u8>>,
    next: Vec<u8>,
}

impl Pipe {
    fn new(mut from: impl Read + Send + 'static) -> Self {
        let (send, parts) = std::sync::mpsc::sync_channel(4);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                if send.send(buffer.get(..n).unwrap_or_default().to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { parts, next: Vec::new() }
    }
}

impl Read for Pipe {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.next.is_empty() {
            self.next = self.parts.recv().unwrap_or_default();
        }
        let n = self.next.len().min(to.len());
        to[..n].copy_from_slice(&self.next[..n]);
        self.next.drain(..n);
        Ok(n)
    }
}

impl Source for Pipe {
    fn ready(&mut self, most: Option<Duration>) -> Ready {
        let Some(most) = most.filter(|_| self.next.is_empty()) else { return Ready::Yes };
        match self.parts.recv_timeout(most) {
            Ok(part) => {
                self.next = part;
                Ready::Yes
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Ready::Late,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Ready::Yes,
        }
    }
}
