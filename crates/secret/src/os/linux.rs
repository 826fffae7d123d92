//! Linux: switches of the process against dumps, tracers and new privileges.

use crate::Protection;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::{process::dumpable_behavior, thread};

/// Makes this process readable to others of its user, or not.
pub(crate) fn set_dumpable(on: bool) -> bool {
    let want = if on { DumpableBehavior::Dumpable } else { DumpableBehavior::NotDumpable };
    // Its failure shows in the next line.
    let _ = set_dumpable_behavior(want);
    dumpable_behavior().is_ok_and(|found| found == want)
}

/// Switches on what there is and says what holds.
pub(crate) fn harden() -> Vec<Protection> {
    let not_dumpable = set_dumpable(false);
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Their failures show in what is read back.
    let _ = setrlimit(Resource::Core, none);
    let _ = thread::set_no_new_privs(true);
    let core = getrlimit(Resource::Core);
    vec![
        Protection {
            name: "not readable by other processes of the user",
            holds: not_dumpable,
            fix: Some("run outside of a sandbox that forbids prctl"),
        },
        Protection {
            name: "no core files",
            holds: core.current == Some(0),
            fix: Some("run outside of a sandbox that forbids setrlimit"),
        },
        Protection {
            name: "no new privileges",
            holds: thread::no_new_privs().unwrap_or(false),
            fix: Some("run outside of a sandbox that forbids prctl"),
        },
        Protection {
            name: "not traced",
            holds: tracer() == Some(0),
            fix: Some("stop the debugger or tracer that is attached"),
        },
        Protection {
            name: "tracing limited by the kernel (Yama)",
            holds: number("/proc/sys/kernel/yama/ptrace_scope").is_some_and(|scope| scope >= 1),
            fix: Some("sudo sysctl kernel.yama.ptrace_scope=1"),
        },
    ]
}

/// The pid of who traces this process; 0: nobody.
fn tracer() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().parse().ok()
}

fn number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
