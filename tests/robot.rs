//! A registered agent that lives for a while: a shell of the sandbox's own, which runs one command line after another.

use crate::command::Output;
use crate::sandbox::Sandbox;
use crate::scratch::own;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running agent.
pub struct Robot<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    lines: ChildStdin,
    number: usize,
}

impl<'a> Robot<'a> {
    /// Its executable: what a caller's `exe` names.
    #[must_use]
    pub fn executable(sandbox: &Sandbox) -> PathBuf {
        let path = sandbox.path("robot");
        if !path.exists() {
            std::fs::copy("/bin/bash", &path).expect("copy");
            own(&path, sandbox.uid());
        }
        path
    }

    /// Starts one.
    #[must_use]
    pub fn start(sandbox: &'a Sandbox) -> Self {
        let mut command = Command::new(Self::executable(sandbox));
        command.args(["--norc", "-s"]).env_clear().envs(sandbox.env()).env("SVAULT", sandbox.binary());
        command.current_dir(sandbox.home()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            command.uid(sandbox.uid()).gid(sandbox.uid());
        }
        let mut child = command.spawn().expect("a shell");
        let lines = child.stdin.take().expect("stdin");
        Self { sandbox, child, lines, number: 0 }
    }

    /// Has it run `svault ARGS`, without waiting for the end.
    pub fn begins(&mut self, args: &[&str]) -> Promise<'a> {
        let quoted: Vec<String> = args.iter().map(|a| format!("'{}'", a.replace('\'', "'\\''"))).collect();
        self.begins_line(&format!("\"$SVAULT\" {}", quoted.join(" ")))
    }

    /// The same for another command of a shell.
    pub fn begins_line(&mut self, command: &str) -> Promise<'a> {
        self.number += 1;
        let base = self.sandbox.home().join(format!("robot-{}-{}", self.child.id(), self.number));
        let at = base.display();
        let line = format!(
            "{{ {command} </dev/null >{at}.out 2>{at}.err; echo $? >{at}.new; mv {at}.new {at}.code; }} &\n"
        );
        self.lines.write_all(line.as_bytes()).expect("the agent lives");
        Promise { sandbox: self.sandbox, base }
    }

    /// Has it run `svault ARGS`.
    pub fn runs(&mut self, args: &[&str]) -> Output {
        self.begins(args).ends()
    }
}

impl Drop for Robot<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that an agent has begun.
pub struct Promise<'a> {
    sandbox: &'a Sandbox,
    base: PathBuf,
}

impl Promise<'_> {
    /// Whether it has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.base.with_extension("code").exists()
    }

    /// Waits for its end.
    #[track_caller]
    #[must_use]
    pub fn ends(self) -> Output {
        self.sandbox.wait_for("the agent's command", || self.is_done());
        let read = |extension: &str| std::fs::read(self.part(extension).as_path()).unwrap_or_default();
        let code = String::from_utf8_lossy(&read("code")).trim().parse().expect("a code");
        Output { code, out: read("out"), err: String::from_utf8_lossy(&read("err")).into_owned() }
    }

    fn part(&self, extension: &str) -> PathBuf {
        Path::new(&self.base).with_extension(extension)
    }
}
