//! Linux: switches of the process against dumps, tracers and new privileges.

use crate::Protection;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::{process::dumpable_behavior, thread};

/// Memory that only this process can read: not the kernel, not a tracer, not root through `/proc/PID/mem`, and no swap
/// or hibernation image either (the system can't hibernate while there is some). `None` where there is none to be had.
///
/// Each page costs the kernel some 10 µs and a change of its own page tables, so it is for what lasts.
#[allow(unsafe_code)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) fn map_unseen(len: usize) -> Option<*mut u8> {
    use rustix::fd::{FromRawFd, OwnedFd};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap};
    // SAFETY: takes one integer and touches no memory of ours; the result is checked.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the kernel has just made this descriptor for us, and nothing else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::fs::ftruncate(&fd, len as u64).ok()?;
    let (rights, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists. The file has no name and
    // its only descriptor ends here, so nobody else can change or cut it.
    let at = unsafe { mmap(std::ptr::null_mut(), len, rights, flags, &fd, 0) }.ok()?;
    // A child would share it. SAFETY: the mapping is ours, and the advice changes none of its bytes.
    let alone = unsafe { madvise(at, len, Advice::LinuxDontFork) };
    if alone.is_err() {
        // SAFETY: the mapping was made above and nobody knows of it.
        let _ = unsafe { rustix::mm::munmap(at, len) };
        return None;
    }
    Some(at.cast())
}

/// No number for the call is known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn map_unseen(_: usize) -> Option<*mut u8> {
    None
}

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
            holds: !traced(),
            fix: Some("stop the debugger or tracer that is attached"),
        },
        Protection {
            name: "tracing limited by the kernel (Yama)",
            holds: number("/proc/sys/kernel/yama/ptrace_scope").is_some_and(|scope| scope >= 1),
            fix: Some("sudo sysctl kernel.yama.ptrace_scope=1"),
        },
    ]
}

/// Whether others of the user can read this process. What the kernel doesn't say counts as yes.
pub(crate) fn dumpable() -> bool {
    !dumpable_behavior().is_ok_and(|found| found != DumpableBehavior::Dumpable)
}

/// Whether another process traces this one. What the kernel doesn't say counts as yes.
pub(crate) fn traced() -> bool {
    tracer() != Some(0)
}

/// The pid of who traces this process; 0: nobody.
fn tracer() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().parse().ok()
}

fn number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
