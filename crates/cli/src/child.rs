//! Starting a command and being its stand-in: its signals, its exit code.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

use crate::report::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Whose processes are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphans {
    /// The command's own business.
    Leave,
    /// What the command leaves behind becomes our child, for as long as the command runs.
    Adopt,
}

/// Starts it, passes signals on, and gives its exit code: its own, or 128+n when a signal ended it.
///
/// # Errors
/// When it can't be started.
pub fn run(command: Command, orphans: Orphans) -> Result<u8, Error> {
    system::run(command, orphans)
}

fn cannot_start(command: &Command, e: &std::io::Error) -> Error {
    Error::failed(format!("can't start {}", Path::new(command.get_program()).display()), e)
}

fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(wire::exit::FAILED)
}

/// A command as it is asked for, shown and started: the program by its absolute path, everything as text.
#[derive(Debug, Clone)]
pub struct Line {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The folder it runs in.
    pub cwd: String,
}

impl Line {
    /// Finds the program as a shell would.
    ///
    /// # Errors
    /// When there is no such program, or an argument is no text.
    pub fn find(argv: &[OsString]) -> Result<Self, Error> {
        let no_text = || Error::usage("the command has an argument that is not UTF-8 text");
        let (program, rest) = argv.split_first().ok_or_else(|| Error::usage("no command is given"))?;
        let here = std::env::current_dir().map_err(|e| Error::failed("can't tell the current folder", e))?;
        let program = find(program, &here)?;
        let text = |s: &OsStr| s.to_str().map(str::to_owned).ok_or_else(no_text);
        let mut all = vec![text(program.as_os_str())?];
        for arg in rest {
            all.push(text(arg)?);
        }
        Ok(Self { argv: all, cwd: text(here.as_os_str())? })
    }

    /// Ready to be started.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).current_dir(&self.cwd);
        command
    }
}

fn find(program: &OsStr, here: &Path) -> Result<PathBuf, Error> {
    let named = Path::new(program);
    if named.components().count() > 1 {
        let path = here.join(named);
        return if runs(&path) { Ok(path) } else { Err(not_found(named)) };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| endings().iter().map(move |e| folder.join(format!("{}{e}", named.display()))))
        .find(|p| runs(p))
        .ok_or_else(|| not_found(named))
}

fn endings() -> &'static [&'static str] {
    if cfg!(windows) { &["", ".exe", ".cmd", ".bat"] } else { &[""] }
}

fn not_found(program: &Path) -> Error {
    Error::new("no_command", wire::exit::FAILED, format!("no such command: {}", program.display()))
        .hint("nothing was asked for or released; name a program that is on the PATH, or its path")
}

fn runs(path: &Path) -> bool {
    let Ok(meta) = path.metadata() else { return false };
    #[cfg(unix)]
    let executable = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    #[cfg(not(unix))]
    let executable = true;
    meta.is_file() && executable
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_their_absolute_path() {
        let line = Line::find(&["sh".into(), "-c".into(), "exit 3".into()]).unwrap();
        assert!(line.argv[0].starts_with('/') && line.argv[0].ends_with("/sh"), "{line:?}");
        assert_eq!(Line::find(&["no-such-program-x".into()]).unwrap_err().code, "no_command");
        assert_eq!(Line::find(&["./no-such".into()]).unwrap_err().code, "no_command");
        assert_eq!(Line::find(&["/".into()]).unwrap_err().code, "no_command");
        assert_eq!(Line::find(&[]).unwrap_err().exit, wire::exit::USAGE);
    }
}
