//! Windows: for 15 minutes after a yes, the direct children of that login shell read names, trail and policy, and
//! repeat a run, without a new proof. `show` and whatever widens ask each time.
//!
//! A window is keyed by the shell's process and what it runs. Who holds the shell's pidfd is the caller's business:
//! it calls [`Windows::close`] when the shell ends.

use wire::Want;
use wire::act::Act;

/// How long a window is open, in milliseconds of boot time. It is not prolonged by use.
pub const WINDOW_MS: u64 = 15 * 60 * 1000;
/// How many windows there are at most; the oldest goes.
const MAX: usize = 64;
/// How many different runs a window repeats at most; the oldest goes.
const MAX_RUNS: usize = 64;

/// A shell that a window can hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shell {
    /// Process id.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start: u64,
    /// Its terminal (proc(5), field 7).
    pub tty: u32,
    /// Device and inode of what it runs: a shell may replace itself by another program under the same process id.
    pub exe: (u64, u64),
}

/// What the kernel says about a peer that wants to use or open a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowEvidence {
    /// The peer's parent, if it leads the session of the peer's terminal, runs a root-owned shell of /etc/shells, is in
    /// our namespaces, and is alive; else none.
    pub shell: Option<Shell>,
    /// The peer is in the foreground process group of that terminal.
    pub foreground: bool,
    /// The peer's process group is not the shell's: it was started as a job. `$(…)` runs in the shell's own group.
    pub own_job: bool,
    /// The agent among the peer's parents, from the built-in list or the policy's callers.
    pub agent: Option<String>,
}

impl WindowEvidence {
    /// The shell whose window this peer may open or use.
    #[must_use]
    pub fn eligible(&self) -> Option<Shell> {
        self.shell.filter(|s| s.tty != 0 && self.foreground && self.own_job && self.agent.is_none())
    }
}

struct Window {
    shell: Shell,
    until: u64,
    runs: Vec<[u8; 32]>,
}

/// All open windows.
#[derive(Default)]
pub struct Windows {
    open: Vec<Window>,
}

impl Windows {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// After a yes: opens the window of the peer's shell, or has it begin anew (runs stay). Says whether there is one;
    /// without one the proof has served its one act.
    pub fn open(&mut self, evidence: &WindowEvidence, now: u64) -> bool {
        self.expire(now);
        let Some(shell) = evidence.eligible() else { return false };
        let until = now.saturating_add(WINDOW_MS);
        if let Some(w) = self.open.iter_mut().find(|w| w.shell == shell) {
            w.until = until;
            return true;
        }
        if self.open.len() >= MAX {
            self.open.remove(0);
        }
        self.open.push(Window { shell, until, runs: Vec::new() });
        true
    }

    /// Whether a window serves this want of this peer. A run is served by [`Windows::serves_run`] only.
    #[must_use]
    pub fn serves(&mut self, evidence: &WindowEvidence, want: &Want, now: u64) -> bool {
        want.in_window() && !matches!(want, Want::Run(_)) && self.find(evidence, now).is_some()
    }

    /// Whether a window repeats this run: the same secrets in the same versions, variables, command and folder.
    /// `act` is the act of the run as it would be done now.
    #[must_use]
    pub fn serves_run(&mut self, evidence: &WindowEvidence, act: &Act, now: u64) -> bool {
        let key = act.run_key();
        act.word() == "run" && self.find(evidence, now).is_some_and(|w| w.runs.contains(&key))
    }

    /// After a run with a yes: the window will repeat it. Not to be called where a secret of tier high was in it: a
    /// human is asked for those each time.
    pub fn remember_run(&mut self, evidence: &WindowEvidence, act: &Act, now: u64) {
        let key = act.run_key();
        if act.word() != "run" {
            return;
        }
        let Some(window) = self.find(evidence, now) else { return };
        if window.runs.contains(&key) {
            return;
        }
        if window.runs.len() >= MAX_RUNS {
            window.runs.remove(0);
        }
        window.runs.push(key);
    }

    /// Closes the window of a shell that has ended.
    pub fn close(&mut self, pid: u32, start: u64) {
        self.open.retain(|w| (w.shell.pid, w.shell.start) != (pid, start));
    }

    /// The shells with a window, whose end the caller watches.
    pub fn shells(&self) -> impl Iterator<Item = Shell> {
        self.open.iter().map(|w| w.shell)
    }

    fn find(&mut self, evidence: &WindowEvidence, now: u64) -> Option<&mut Window> {
        self.expire(now);
        let shell = evidence.eligible()?;
        self.open.iter_mut().find(|w| w.shell == shell)
    }

    fn expire(&mut self, now: u64) {
        self.open.retain(|w| now < w.until);
    }
}
