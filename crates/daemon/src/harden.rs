//! What the daemon takes away from itself before it holds a key.
//!
//! The system call filter is a list of what is refused, not of what is allowed: it stops a broken-into daemon from
//! starting programs, reading other processes, loading code into the kernel, changing namespaces and talking to the
//! network. It does not stop it from reading and writing the user's files.

use crate::files;
use secret::Protection;

/// Not dumpable, no core files, no new privileges, room for connections, private files.
#[must_use]
pub fn process() -> Vec<Protection> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // `unlock` starts it from a copy that can be executed and not read: no process could open its memory before here.
    let born_closed = !secret::dumpable();
    let mut holds = secret::harden();
    holds.push(Protection {
        name: "not readable from its first moment",
        holds: born_closed,
        fix: Some("a Linux kernel that runs programs from memory (vm.memfd_noexec below 2)"),
    });
    holds.push(files::raise());
    holds
}

/// Refuses system calls that the daemon never makes, for all its threads, for good. Programs can't be started after
/// it: helpers come before.
#[must_use]
pub fn system_calls() -> Protection {
    let fix = Some("a Linux kernel with seccomp filters (CONFIG_SECCOMP_FILTER)");
    Protection { name: "system call filter", holds: filter::install(), fix }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod filter {
    pub fn install() -> bool {
        false
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter {
    use libc::*;
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op,
        SeccompCondition, SeccompFilter, SeccompRule, apply_filter_all_threads,
    };
    use std::collections::BTreeMap;

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Refused whatever the arguments.
    const NEVER: &[i64] = &[
        // other processes
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_kcmp,
        SYS_pidfd_getfd,
        SYS_process_madvise,
        // other programs
        SYS_execve,
        SYS_execveat,
        SYS_personality,
        // the kernel
        SYS_bpf,
        SYS_perf_event_open,
        SYS_userfaultfd,
        SYS_init_module,
        SYS_finit_module,
        SYS_delete_module,
        SYS_kexec_load,
        SYS_reboot,
        SYS_swapon,
        SYS_swapoff,
        SYS_acct,
        SYS_quotactl,
        // its keyrings
        SYS_keyctl,
        SYS_add_key,
        SYS_request_key,
        // rings that do work past this filter
        SYS_io_uring_setup,
        SYS_io_uring_enter,
        SYS_io_uring_register,
        // namespaces and mounts
        SYS_setns,
        SYS_unshare,
        SYS_mount,
        SYS_umount2,
        SYS_pivot_root,
        SYS_chroot,
        SYS_move_mount,
        SYS_open_tree,
        SYS_fsopen,
        SYS_fsconfig,
        SYS_fsmount,
        SYS_fspick,
        SYS_mount_setattr,
        // files by handle, past folders' rights
        SYS_open_by_handle_at,
    ];

    #[cfg(target_arch = "x86_64")]
    const NEVER_HERE: &[i64] =
        &[SYS_fork, SYS_vfork, SYS_kexec_file_load, SYS_ioperm, SYS_iopl, SYS_modify_ldt];
    #[cfg(target_arch = "aarch64")]
    const NEVER_HERE: &[i64] = &[SYS_kexec_file_load];

    /// x86-64 has a second numbering of the same calls (x32); refused there too.
    #[cfg(target_arch = "x86_64")]
    const NUMBERINGS: &[i64] = &[0, 0x4000_0000];
    #[cfg(target_arch = "aarch64")]
    const NUMBERINGS: &[i64] = &[0];

    const PR_SET_PTRACER_: u64 = 0x5961_6d61;

    pub fn install() -> bool {
        refused().is_ok_and(|p| apply_filter_all_threads(&p).is_ok())
            && absent().is_ok_and(|p| apply_filter_all_threads(&p).is_ok())
    }

    fn program(rules: Rules, errno: i32) -> Result<BpfProgram, BackendError> {
        let arch = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()), arch)?
            .try_into()
    }

    fn when(arg: u8, len: Len, op: Op, value: u64) -> Result<SeccompRule, BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(arg, len, op, value)?])
    }

    /// Everything that gets EPERM.
    fn refused() -> Result<BpfProgram, BackendError> {
        let mut rules = Rules::new();
        for base in NUMBERINGS {
            for call in NEVER.iter().chain(NEVER_HERE) {
                rules.insert(base | call, Vec::new());
            }
            // Threads, but no children.
            let thread = CLONE_THREAD as u64;
            rules.insert(base | SYS_clone, vec![when(0, Len::Qword, Op::MaskedEq(thread), 0)?]);
            // Local sockets, but no network.
            rules.insert(base | SYS_socket, vec![when(0, Len::Dword, Op::Ne, AF_UNIX as u64)?]);
            // It stays unreadable to its own user.
            let dumpable = when(0, Len::Dword, Op::Eq, PR_SET_DUMPABLE as u64)?;
            let tracer = when(0, Len::Dword, Op::Eq, PR_SET_PTRACER_)?;
            rules.insert(base | SYS_prctl, vec![dumpable, tracer]);
        }
        program(rules, EPERM)
    }

    /// clone3 keeps its flags where a filter can't look; told that it doesn't exist, libraries use clone.
    fn absent() -> Result<BpfProgram, BackendError> {
        program(NUMBERINGS.iter().map(|base| (base | SYS_clone3, Vec::new())).collect(), ENOSYS)
    }
}
