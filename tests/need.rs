//! What a test wants beyond Rust and a C compiler. Where it is missing the test is skipped, and named at the end of
//! `cargo xtask test` with the command that brings it; with `CI=true` it fails.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something that is not on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Linux: /proc, pidfds, namespaces.
    Linux,
    /// The right to mount file systems and to become another user.
    Root,
    /// ext4 in a file: loop devices, and `mkfs.ext4`.
    Ext4,
    /// User namespaces for ordinary users.
    UserNamespaces,
    /// `script`, to have a terminal.
    Script,
    /// Core files of whoever allows them.
    Cores,
    /// `gdb`.
    Gdb,
    /// Python 3, for `spec/reader.py`, with what it imports.
    Reader,
    /// Python 3.
    Python,
    /// `curl`.
    Curl,
    /// `vim`, also the small one.
    Vim,
    /// `less`.
    Less,
    /// PostgreSQL, its server and `psql`.
    Postgres,
    /// python-dotenv, for a second opinion.
    PythonDotenv,
    /// node with its dotenv, for a second opinion.
    NodeDotenv,
}

impl Need {
    fn is_met(self) -> bool {
        match self {
            Need::Linux => cfg!(target_os = "linux"),
            Need::Root => rustix::process::geteuid().is_root(),
            Need::Ext4 => Path::new("/dev/loop-control").exists() && works("mkfs.ext4", &["-V"]),
            Need::UserNamespaces => works("unshare", &["--user", "--map-root-user", "--mount", "true"]),
            Need::Script => works("script", &["--version"]),
            Need::Cores => cores(),
            Need::Gdb => works("gdb", &["--version"]),
            Need::Python => works("/usr/bin/python3", &["--version"]),
            Need::Curl => works("curl", &["--version"]),
            Need::Vim => works("vim", &["--version"]),
            Need::Less => works("less", &["--version"]),
            Need::Postgres => postgres().is_some() && works("psql", &["--version"]),
            Need::Reader => works("python3", &["-c", "import argon2.low_level, cryptography, tomllib"]),
            Need::PythonDotenv => works("python3", &["-c", "import dotenv.main"]),
            Need::NodeDotenv => works("node", &["-e", "require('dotenv')"]),
        }
    }

    /// What is missing, and the command that brings it.
    fn told(self) -> (&'static str, &'static str) {
        match self {
            Need::Linux => ("Linux", "run them on Linux"),
            Need::Root => ("root, to mount and to become another user", "sudo -E cargo xtask test"),
            Need::Ext4 => {
                ("loop devices and mkfs.ext4", "sudo modprobe loop; sudo apt-get install -y e2fsprogs")
            }
            Need::UserNamespaces => ("user namespaces", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
            Need::Script => ("the 'script' tool", "sudo apt-get install -y bsdutils"),
            Need::Cores => ("core files", "sudo sysctl -w kernel.core_pattern=core"),
            Need::Gdb => ("gdb", "sudo apt-get install -y gdb"),
            Need::Python => ("Python 3", "sudo apt-get install -y python3"),
            Need::Curl => ("curl", "sudo apt-get install -y curl"),
            Need::Vim => ("vim", "sudo apt-get install -y vim"),
            Need::Less => ("less", "sudo apt-get install -y less"),
            Need::Postgres => ("PostgreSQL", "sudo apt-get install -y postgresql"),
            Need::Reader => {
                ("Python 3 with what spec/reader.py imports", "pip install -r spec/requirements.txt")
            }
            Need::PythonDotenv => ("python-dotenv", "pip install python-dotenv"),
            Need::NodeDotenv => ("node with dotenv", "npm install --no-save dotenv"),
        }
    }
}

/// The folder of PostgreSQL's server programs, which Debian keeps out of the PATH.
#[must_use]
pub fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = folders.chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

fn works(program: &str, args: &[&str]) -> bool {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut command = Command::new(program);
    command.args(args).current_dir(top).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|s| s.success())
}

/// Whether a process of the ordinary user that dies by a signal leaves a core.
fn cores() -> bool {
    let folder = crate::scratch::Scratch::new(crate::scratch::ordinary());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -c $(ulimit -H -c) && kill -SEGV $$"]).current_dir(folder.path());
    if rustix::process::geteuid().is_root() {
        command.uid(crate::scratch::ORDINARY).gid(crate::scratch::ORDINARY);
    }
    command.status().is_ok_and(|status| status.core_dumped())
}

/// Whether all of it is here. Where it is not, the calling test is written down as skipped and must return.
///
/// # Panics
/// In CI, where nothing may be left out.
#[must_use]
pub fn have(needs: &[Need]) -> bool {
    let Some(missing) = needs.iter().find(|n| !n.is_met()) else { return true };
    let (what, command) = missing.told();
    let test = test_name();
    let in_ci = std::env::var_os("CI").is_some_and(|v| v == "true" || v == "1");
    assert!(!in_ci, "{test} wants {what}: {command}");
    eprintln!("{test} is skipped, for want of {what}: {command}");
    if let Some(path) = std::env::var_os("SVAULT_SKIPS") {
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).open(path).expect("the list of skips");
        writeln!(file, "{test}\t{what}\t{command}").expect("the list of skips");
    }
    false
}

/// The name of the test that runs on this thread.
fn test_name() -> String {
    match std::env::var("NEXTEST_TEST_NAME") {
        Ok(name) => name,
        Err(_) => std::thread::current().name().unwrap_or("a test").to_owned(),
    }
}

/// Returns from the test, written down as skipped, unless all of it is here.
#[macro_export]
macro_rules! need {
    ($($need:ident),+ $(,)?) => {
        if !$crate::need::have(&[$($crate::need::Need::$need),+]) {
            return;
        }
    };
}
