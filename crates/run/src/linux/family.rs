//! Ending everything that was started from here: children, and what has become one because its own parent ended (we
//! are the subreaper, so that is every descendant in the end).

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};
use std::time::{Duration, Instant};

/// So long is tried; what can't be killed (a setuid program, one that hangs in the kernel) is left behind then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills all descendants and takes them off the table.
pub(super) fn end_all() {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return, // no child is left
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The children of this process. None of the numbers can be another process's: we have not waited for them.
fn children() -> Vec<Pid> {
    let mut all = Vec::new();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut listed = false;
    for task in tasks {
        if let Ok(text) = std::fs::read_to_string(task.path().join("children")) {
            listed = true;
            all.extend(text.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
        }
    }
    if listed { all } else { by_search() }
}

/// The same where the kernel was built without lists of children.
fn by_search() -> Vec<Pid> {
    let me = getpid().as_raw_nonzero().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: std::fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // pid (name) state ppid: the name may have anything in it.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.to_owned();
        (parent == me).then(|| Pid::from_raw(pid)).flatten()
    };
    entries.filter_map(child).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn children_are_found_both_ways() {
        let mut child = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(children().contains(&pid));
        assert!(by_search().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children().contains(&pid));
    }
}
