//! What a window of presence hangs on: a login shell, as the kernel shows it.
//! Not here: how long a window lasts and what it serves (`presence`).

use super::{Exe, Held, Peer, PeerError, system};
use std::path::Path;

/// A shell of the system that leads the session of its terminal, held.
#[derive(Debug)]
pub struct Shell {
    held: Held,
    exe: Exe,
}

impl Shell {
    /// Whether a peer is a direct child of this very shell, which still runs the same program, and in the
    /// foreground of its terminal. (An agent among the parents is looked for by `session`.)
    #[must_use]
    pub fn serves(&self, peer: &Peer) -> bool {
        self.held.alive()
            && peer.in_foreground()
            && peer
                .shell_process(&listed_shells())
                .is_ok_and(|(pid, exe)| pid == self.held.key() && exe.same(&self.exe))
    }

    /// Process id and start time of the shell.
    #[must_use]
    pub fn key(&self) -> (u32, u64) {
        self.held.key()
    }

    /// The file it runs: device and inode.
    #[must_use]
    pub fn file(&self) -> (u64, u64) {
        (self.exe.dev, self.exe.ino)
    }

    /// Whether it still runs.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.held.alive()
    }
}

/// Why a proof serves its one act only and opens no window.
#[derive(Debug, thiserror::Error)]
pub enum NoShell {
    /// There is no terminal.
    #[error("no terminal")]
    NoTerminal,
    /// The parent is something else than the terminal's first process.
    #[error("not started straight from a login shell")]
    NotTheLeader,
    /// The parent is not one of the system's shells.
    #[error("the shell is not one of /etc/shells that root owns")]
    NotAShell,
    /// Another namespace.
    #[error("another namespace")]
    Foreign,
    /// It ended in the meantime.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

impl Peer {
    /// The shell that a window can hang on: the peer's parent, where it leads the session of the peer's terminal
    /// and runs a shell of /etc/shells that only root can write.
    ///
    /// # Errors
    /// [`NoShell`] says which part is missing.
    pub fn shell(&self) -> Result<Shell, NoShell> {
        let (key, exe) = self.shell_process(&listed_shells())?;
        Ok(Shell { held: system::hold(key)?, exe })
    }

    /// Whether the peer is in the foreground of its terminal.
    #[must_use]
    pub fn in_foreground(&self) -> bool {
        let me = self.process();
        me.tty != 0 && me.group != 0 && me.group == me.foreground
    }

    /// Whether it runs as a job of its own, and not as part of its parent: bash starts `$(svault …)` as a direct child
    /// in the shell's own process group.
    #[must_use]
    pub fn own_job(&self) -> bool {
        self.parents().first().is_some_and(|parent| parent.group != self.process().group)
    }

    fn shell_process(&self, shells: &[Exe]) -> Result<((u32, u64), Exe), NoShell> {
        let me = self.process();
        if self.foreign() {
            return Err(NoShell::Foreign);
        }
        if me.tty == 0 {
            return Err(NoShell::NoTerminal);
        }
        let parent = self.parents().first().ok_or(NoShell::NotTheLeader)?;
        if parent.pid != me.session || parent.session != parent.pid || parent.tty != me.tty {
            return Err(NoShell::NotTheLeader);
        }
        let exe = parent.exe.as_ref().ok_or(NoShell::NotAShell)?;
        let ours = parent.namespaces.is_some_and(|n| n.same_view(self.daemon_namespaces()));
        if !ours || !exe.root_owned || !shells.iter().any(|shell| shell.same(exe)) {
            return Err(NoShell::NotAShell);
        }
        Ok((parent.key(), exe.clone()))
    }
}

/// The files that /etc/shells names. tmux and screen are listed by some systems and are no shells.
fn listed_shells() -> Vec<Exe> {
    let text = std::fs::read_to_string("/etc/shells").unwrap_or_default();
    text.lines()
        .map(str::trim)
        .filter(|line| line.starts_with('/'))
        .filter(|line| !matches!(line.rsplit('/').next(), Some("tmux" | "screen")))
        .filter_map(|line| system::file(Path::new(line)))
        .filter(|exe| exe.root_owned)
        .collect()
}
