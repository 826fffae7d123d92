//! Processes of a sandbox, found through /proc by the path of its store. Never by a name: other people's daemons live.

use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;

/// Processes with this path, or a path below it, as an argument.
#[must_use]
pub fn with_argument(path: &Path) -> Vec<i32> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let ours = |arg: &String| Path::new(arg).starts_with(&real) || Path::new(arg).starts_with(path);
    all().into_iter().filter(|&pid| arguments(pid).iter().any(ours)).collect()
}

/// A process's arguments; none for one that is gone.
#[must_use]
pub fn arguments(pid: i32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let parts = bytes.split(|b| *b == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// The kernel's word on a process, such as `VmLck` or `NoNewPrivs` of `/proc/PID/status`.
#[must_use]
pub fn status_line(pid: i32, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|l| Some(l.strip_prefix(key)?.strip_prefix(':')?.trim().to_owned()))
}

/// Its children.
#[must_use]
pub fn children(pid: i32) -> Vec<i32> {
    let parent = |child: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
    };
    all().into_iter().filter(|child| parent(*child) == Some(pid)).collect()
}

/// Whether a process lives: any of its threads. One that is dead and waited for by nobody doesn't.
#[must_use]
pub fn lives(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map(|d| d.flatten().collect::<Vec<_>>());
    threads.unwrap_or_default().iter().any(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}

/// SIGKILL.
pub fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

/// Any signal.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

fn all() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries.iter().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}
