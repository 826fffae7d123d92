//! Ending everything that was started from here: children, and what has become one because its own parent ended (we
//! are the subreaper, so that is every descendant in the end).

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait, waitpid};
use std::time::{Duration, Instant};

/// So long is tried; what can't be killed (a setuid program, one that hangs in the kernel) is left behind then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills all descendants and takes them off the table.
pub(super) fn end_all() {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        for child in children(getpid()) {
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

/// Kills all children but these, and what becomes a child by that, and takes them off the table. Nobody else may wait for
/// any of them.
pub(super) fn end_all_but(keep: &[Pid]) {
    let since = Instant::now();
    // A list may miss one while others end.
    let mut none = 0;
    while none < 2 && since.elapsed() < PATIENCE {
        let others: Vec<Pid> = children(getpid()).into_iter().filter(|pid| !keep.contains(pid)).collect();
        none = if others.is_empty() { none + 1 } else { 0 };
        for pid in others {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills all descendants of a child of ours, which adopts what loses its parent there, and which is stopped for that:
/// so it takes none of its children off the table, and none of their numbers can become another process's.
pub(super) fn end_below(child: Pid) {
    let since = Instant::now();
    let _ = kill_process(child, Signal::STOP);
    while since.elapsed() < PATIENCE {
        let living: Vec<Pid> = children(child).into_iter().filter(|pid| lives(*pid)).collect();
        if living.is_empty() {
            return;
        }
        for pid in living {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The children of a process. None of the numbers can be another process's as long as it has not waited for them.
fn children(of: Pid) -> Vec<Pid> {
    let mut all = Vec::new();
    let tasks = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let mut listed = false;
    for task in tasks {
        if let Ok(text) = std::fs::read_to_string(task.path().join("children")) {
            listed = true;
            all.extend(text.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
        }
    }
    if listed { all } else { by_search(of) }
}

/// The same where the kernel was built without lists of children.
fn by_search(of: Pid) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: std::fs::DirEntry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let parent: i32 = state_and_parent(pid)?.1;
        (parent == of.as_raw_nonzero().get()).then_some(pid)
    };
    entries.filter_map(child).collect()
}

/// Whether it has not ended: also what has ended stands there until its parent has waited for it.
pub(super) fn lives(pid: Pid) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

pub(super) fn state_and_parent(pid: Pid) -> Option<(char, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid: the name may have anything in it.
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn children_are_found_both_ways() {
        let mut child = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(children(getpid()).contains(&pid));
        assert!(by_search(getpid()).contains(&pid));
        assert!(lives(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children(getpid()).contains(&pid) && !lives(pid));
    }

    #[test]
    fn what_is_below_a_child_is_ended_and_the_child_is_not() {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "sleep 600 & sleep 600 & wait"])
            .stdin(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        while children(pid).len() < 2 {
            std::thread::yield_now();
        }
        let below = children(pid);
        end_below(pid);
        assert!(lives(pid) && !below.into_iter().any(lives));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
