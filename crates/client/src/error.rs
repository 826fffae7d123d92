//! What can go wrong in a client, each with its stable word, its exit code and what to do.

use std::io;
use std::path::{Path, PathBuf};
use wire::{Failure, RollbackFile, act, exit, frame, paths, proof};

/// Errors of this crate. A denial is none: it is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens: no daemon, so the store is locked.
    #[error("locked: a human must run 'svault unlock'")]
    Locked,
    /// There is no store.
    #[error("no store at {}", .0.display())]
    NoStore(PathBuf),
    /// There is one already.
    #[error("there is a store at {} already", .0.display())]
    Exists(PathBuf),
    /// A folder or socket that must not be trusted.
    #[error(transparent)]
    Path(#[from] paths::Error),
    /// The daemon says so.
    #[error(transparent)]
    Daemon(Failure),
    /// What listens there belongs to another user.
    #[error("what listens at {} belongs to another user", .0.display())]
    NotOurs(PathBuf),
    /// What listens there does not hold the store.
    #[error("what listens there (process {}) is not the daemon of this store; nothing was given to it", pid_text(*.pid))]
    NotTheDaemon {
        /// Its process, as the kernel says.
        pid: Option<u32>,
    },
    /// It was told to lock, and has not ended.
    #[error("the daemon (process {pid}) was told to lock and has not ended yet")]
    StillThere {
        /// Its process.
        pid: u32,
    },
    /// It took the connection and says nothing.
    #[error("the daemon (process {}) does not answer", pid_text(*.pid))]
    NoAnswer {
        /// Its process, as the kernel says.
        pid: Option<u32>,
    },
    /// It could not be ended.
    #[error("the daemon can't be ended: {0}")]
    Kill(io::Error),
    /// The daemon talks to somebody in between.
    #[error("another process stands between this one and the daemon; nothing was given to it")]
    Relay,
    /// Another process holds the store's lock and can't prove that it is the daemon.
    #[error("the store is held by process {}, which can't prove that it is its daemon", pid_text(*.pid))]
    Held {
        /// Which one, where the kernel says so.
        pid: Option<u32>,
    },
    /// A passphrase or code under an agent.
    #[error("a passphrase is not taken under an AI agent ({0})")]
    UnderAgent(String),
    /// No slot opens with this passphrase.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// No slot opens with this recovery code.
    #[error("wrong recovery code")]
    WrongRecoveryCode,
    /// The store has no slot for what was presented.
    #[error("this store has no {0} that this svault can use")]
    NoSlot(&'static str),
    /// The daemon's act is not what was asked for.
    #[error(transparent)]
    Differs(#[from] act::Disagrees),
    /// The daemon's act can't be shown.
    #[error(transparent)]
    Act(#[from] act::Error),
    /// The human said no.
    #[error("not confirmed; nothing was done")]
    NotConfirmed,
    /// The caller of this library gave more or fewer values than the act takes.
    #[error("an act of {wants} values was given {got}")]
    Values {
        /// How many it takes.
        wants: usize,
        /// How many it was given.
        got: usize,
    },
    /// An answer that has no place there.
    #[error("the daemon answered something unexpected")]
    Unexpected,
    /// The connection.
    #[error(transparent)]
    Frame(#[from] frame::Error),
    /// The sealed channel.
    #[error(transparent)]
    Channel(#[from] proof::Error),
    /// Files are not what they were.
    #[error(transparent)]
    RolledBack(Box<RolledBack>),
    /// A vault was named to go back to, and it is as it was left.
    #[error("there is nothing to go back to for vault {0}: no such vault is other than it was left")]
    NotBehind(words::VaultName),
    /// The daemon could not be started.
    #[error("can't start the daemon: {0}")]
    Start(io::Error),
    /// The daemon ended before it was ready.
    #[error("the daemon ended before it was ready")]
    Ended,
    /// The store file.
    #[error(transparent)]
    Store(#[from] seal::Error),
    /// Locked memory.
    #[error(transparent)]
    Memory(#[from] secret::Error),
    /// The kernel gives no randomness.
    #[error("the kernel gives no randomness: {0}")]
    Random(getrandom::Error),
    /// What this process is can't be read.
    #[error("can't read {what}: {source}")]
    Me {
        /// Which file.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A passphrase is needed, and there is nobody to ask.
    #[error("a passphrase is needed, and there is no terminal to ask for it")]
    NoWayToAsk,
    /// The surface failed to ask.
    #[error("{0}")]
    Ask(io::Error),
    /// Not on this system yet.
    #[error("{0} is not possible on this system yet")]
    Platform(&'static str),
}

/// Files that are not what they were, and the daemon's line about them.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct RolledBack {
    /// Each of them.
    pub files: Vec<RollbackFile>,
    /// The line.
    pub error: Failure,
    /// What accepts just these, where they were asked for.
    pub seen: Option<wire::Seen>,
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(|| "unknown".to_owned(), |p| p.to_string())
}

impl Error {
    /// Under an agent that only the daemon knows.
    pub(crate) fn of_the_policy() -> Self {
        Self::UnderAgent("a caller of the policy".to_owned())
    }

    /// Says which file an error is about that was read from bytes.
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Error::Store(e) => Error::Store(e.at(path)),
            other => other,
        }
    }

    /// Whether it is that no memory can be locked for a secret, wherever that came up.
    #[must_use]
    pub fn is_no_locked_memory(&self) -> bool {
        let memory = match self {
            Error::Memory(e)
            | Error::Frame(frame::Error::Memory(e))
            | Error::Channel(proof::Error::Memory(e))
            | Error::Store(seal::Error::Memory(e)) => e,
            _ => return false,
        };
        matches!(memory, secret::Error::NoLockedMemory { .. })
    }

    /// The stable word, for `--json`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            _ if self.is_no_locked_memory() => "no_locked_memory",
            Error::Locked => "locked",
            Error::NoStore(_) | Error::Path(paths::Error::Missing(_)) => "no_store",
            Error::Exists(_) => "exists",
            Error::Path(_) | Error::NotOurs(_) => "path",
            Error::Daemon(f) => &f.code,
            Error::NotTheDaemon { .. } => "not_the_daemon",
            Error::StillThere { .. } => "still_there",
            Error::NoAnswer { .. } => "no_answer",
            Error::Kill(_) => wire::code::MACHINE,
            Error::Relay => "relay",
            Error::Held { .. } => "held",
            Error::UnderAgent(_) => wire::code::UNDER_AGENT,
            Error::WrongPassphrase => "wrong_passphrase",
            Error::WrongRecoveryCode => "wrong_recovery_code",
            Error::NoSlot(_) => "no_slot",
            Error::Differs(_) => wire::code::ACT_CHANGED,
            Error::Act(_) => "act",
            Error::NotConfirmed => "not_confirmed",
            Error::NoWayToAsk => wire::code::PRESENCE_NEEDED,
            Error::Values { .. } | Error::Unexpected | Error::Frame(_) | Error::Channel(_) => "protocol",
            Error::RolledBack(r) => &r.error.code,
            Error::NotBehind(_) => "not_behind",
            Error::Start(_) | Error::Ended => "daemon_start",
            Error::Store(_) => "store",
            Error::Memory(_) | Error::Random(_) | Error::Me { .. } | Error::Ask(_) => wire::code::MACHINE,
            Error::Platform(_) => "platform",
        }
    }

    /// The exit code of the command line.
    #[must_use]
    pub fn exit(&self) -> u8 {
        use seal::Error as S;
        match self {
            Error::Locked | Error::NoStore(_) | Error::Path(paths::Error::Missing(_)) => exit::LOCKED,
            Error::UnderAgent(_) | Error::NoWayToAsk => exit::DENIED,
            // Whoever answers may say anything, but not that an error is none.
            Error::Daemon(f) => f.exit.max(exit::FAILED),
            Error::RolledBack(r) => r.error.exit,
            Error::Store(S::Missing { .. }) => exit::LOCKED,
            Error::Store(
                S::BadMagic { .. }
                | S::Version { .. }
                | S::Bounds { .. }
                | S::Kdf { .. }
                | S::Slot { .. }
                | S::HeaderMac { .. }
                | S::Damaged { .. }
                | S::RolledBack { .. }
                | S::Beside { .. },
            ) => exit::DAMAGED,
            _ => exit::FAILED,
        }
    }

    /// What to do, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            _ if self.is_no_locked_memory() => "raise 'ulimit -l' (LimitMEMLOCK), or give --weak-memory",
            Error::NoStore(_) | Error::Path(paths::Error::Missing(_)) => {
                "run 'svault init', or set SVAULT_HOME to the store's folder"
            }
            Error::Path(paths::Error::CantMake { .. }) => {
                "set SVAULT_HOME to a folder that can be made, on a disk of your own"
            }
            Error::Path(paths::Error::Relative(_)) => "give the whole path: export SVAULT_HOME=\"$PWD/…\"",
            Error::Path(paths::Error::NoHome) => "export SVAULT_HOME=/path/of/the/store",
            Error::Path(paths::Error::Open { path, .. }) => {
                // As it can be pasted into a shell, whatever the name.
                let quoted = path.display().to_string().replace('\'', "'\\''");
                return Some(format!("chmod 700 '{quoted}': whoever may enter it can put files there"));
            }
            Error::Path(paths::Error::NotOurs(_)) => "run svault as the owner of the store",
            Error::Path(paths::Error::Not { .. }) => {
                "svault follows no links: put there what was there before"
            }
            Error::Exists(_) => "unlock it with 'svault unlock', or set SVAULT_HOME to another folder",
            Error::Daemon(f) => return f.hint.clone(),
            Error::RolledBack(r) => return r.error.hint.clone(),
            Error::StillThere { .. } => "wait a moment and look with 'svault status'; its disk may be slow",
            Error::NotTheDaemon { .. } | Error::Relay | Error::Held { .. } => {
                "find out what that process is before you type anything; the real daemon answers after 'svault unlock'"
            }
            Error::NoAnswer { .. } => "'svault lock' ends it, whatever it does; nothing acknowledged is lost",
            Error::NotOurs(_) => "run svault as the store's owner",
            Error::NotBehind(_) => "'svault unlock' says what is; without a name all of it is shown",
            Error::UnderAgent(_) => "run the command in your own terminal, not in the agent's",
            Error::NoWayToAsk => "run it in your own terminal, or give --passphrase-fd",
            Error::WrongPassphrase => {
                "the passphrase is the one that was set last; a lost one: 'svault recover'"
            }
            Error::NoSlot(_) => {
                "'svault recover' opens it with the recovery code; else restore store.svault from a backup"
            }
            Error::WrongRecoveryCode => "only the newest recovery code counts",
            Error::Differs(_) | Error::Act(_) => {
                "nothing was done; compare 'svault --version' with the daemon's"
            }
            Error::Frame(frame::Error::Io(e)) if timed_out(e) => "the daemon does not answer; try again",
            Error::Ended => "try again; 'svault doctor' shows what this machine lacks",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

fn timed_out(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_somebody_sends_is_never_a_success() {
        for (sent, told) in
            [(exit::DONE, exit::FAILED), (exit::LOCKED, exit::LOCKED), (exit::DENIED, exit::DENIED)]
        {
            assert_eq!(Error::Daemon(Failure::new("x", sent, "x")).exit(), told);
        }
    }
}
