//! Whose run of which agent a connection belongs to. Limits, seals and grants hang on the answer.
//! Not here: what the callers may do (policy decides on the names that this finds).

use crate::peer::{Changed, Exe, Held, Peer};
use policy::{Caller, Named};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use words::{CallerName, Evidence, Id};

/// Agents that a human starts and that run at the same time; more are refused.
const MOST_LAUNCHES: usize = 256;

/// The callers that policy registers.
pub type Callers = BTreeMap<CallerName, Caller>;

/// What limits hang on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Session {
    /// One start of an agent by a human, with all its descendants.
    Launched(Id),
    /// A registered caller, with all its processes.
    Matched(CallerName),
    /// Everything else, together.
    Unknown,
}

impl Session {
    /// How the trail, seals and limits name it: `launched:ID`, `matched:NAME`, `unknown`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Session::Launched(id) => format!("launched:{id}"),
            Session::Matched(name) => format!("matched:{name}"),
            Session::Unknown => "unknown".into(),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Who {
    /// What limits hang on.
    pub session: Session,
    /// Every name that counts; rights are those that all of them have. Empty: nobody known, nothing claimed.
    /// The strongest evidence first.
    pub named: Vec<Named>,
    /// The process and its parents as `pid exe`, nearest first.
    pub process: Vec<String>,
    /// What a grant lives by: the launcher or the matched process. None in the unknown session.
    pub anchor: Option<Arc<Held>>,
}

impl Who {
    /// The name under which it is shown and recorded: the strongest, or `unknown`.
    #[must_use]
    pub fn caller(&self) -> &str {
        self.named.first().map_or("unknown", |n| n.name.as_str())
    }

    /// The strongest evidence; a connection that names nobody claims nothing more.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.named.first().map_or(Evidence::Claimed, |n| n.evidence)
    }
}

/// An agent that a human started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Its session.
    pub id: Id,
    /// Who it is.
    pub caller: CallerName,
    /// The launcher: a child subreaper, so nothing it started gets out from under it.
    pub launcher: Arc<Held>,
}

/// Why an agent can't be launched.
#[derive(Debug, thiserror::Error)]
pub enum NoLaunch {
    /// Too many run already.
    #[error("{MOST_LAUNCHES} started agents run already; end one of them first")]
    TooMany,
    /// One process is one launch.
    #[error("this process is a launcher already")]
    Already,
    /// A process from another namespace.
    #[error("agents are started from the daemon's own namespaces")]
    Foreign,
    /// It isn't what it was.
    #[error(transparent)]
    Changed(#[from] Changed),
}

/// The launches that run.
#[derive(Debug, Default)]
pub struct Sessions {
    launches: Mutex<Vec<Launch>>,
}

impl Sessions {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn launches(&self) -> MutexGuard<'_, Vec<Launch>> {
        let mut all = self.launches.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|l| l.launcher.alive());
        all
    }

    /// Makes a connection's process a launcher: from now on all its descendants are this caller, launched, in the
    /// session of this fresh id.
    /// Call it only for an act with presence.
    ///
    /// # Errors
    /// [`NoLaunch`].
    pub fn launch(&self, peer: &Peer, caller: CallerName, id: Id) -> Result<Launch, NoLaunch> {
        if peer.foreign() {
            return Err(NoLaunch::Foreign);
        }
        peer.recheck()?;
        let mut all = self.launches();
        if all.iter().any(|l| l.launcher.key() == peer.held().key()) {
            return Err(NoLaunch::Already);
        }
        if all.len() >= MOST_LAUNCHES {
            return Err(NoLaunch::TooMany);
        }
        let launch = Launch { id, caller, launcher: Arc::clone(peer.held()) };
        all.push(launch.clone());
        Ok(launch)
    }

    /// The launches that run.
    #[must_use]
    pub fn running(&self) -> Vec<Launch> {
        self.launches().clone()
    }

    /// Who a peer is, by its parents, by policy's callers and by what it says itself.
    ///
    /// Parents count up to the outermost launcher: what stands above it was there when the human vouched for the
    /// launch. A claim never replaces a match and never adds a right: it is one more name in the intersection.
    #[must_use]
    pub fn who(&self, peer: &Peer, callers: &Callers, claim: Option<&CallerName>) -> Who {
        let mut found = Found::default();
        self.launched(peer, &mut found);
        matched(peer, callers, &mut found);
        let mut named = found.named;
        if let Some(name) = claim.filter(|name| named.iter().all(|n| n.name != **name)) {
            named.push(Named { name: name.clone(), evidence: Evidence::Claimed });
        }
        named.sort_by_key(|n| Reverse(n.evidence));
        Who { session: found.session, named, process: peer.lines(12), anchor: found.anchor }
    }

    /// The agents that a peer is, as far as it can be read, or has among its parents, whatever namespace it is in:
    /// launchers, registered callers, and programs of the built-in list. For the rule that no window serves and no passphrase is taken under an agent; looser
    /// than [`Sessions::who`] on purpose, since here a false name only costs a prompt.
    #[must_use]
    pub fn agents_above(&self, peer: &Peer, callers: &Callers) -> Vec<String> {
        let mut found = Found::default();
        self.launched(peer, &mut found);
        let mut names: Vec<String> = found.named.iter().map(|n| n.name.to_string()).collect();
        let registered = stat_all(callers);
        for (depth, process) in std::iter::once(peer.process()).chain(peer.parents()).enumerate() {
            let exe = process.exe.as_ref();
            names.extend(wire::agents::named(exe.map(|e| &*e.path), &process.argv).map(str::to_owned));
            let same = registered.iter().filter(|(file, _)| exe.is_some_and(|e| file.same(e)));
            // Whoever registers svault itself must not be shut out by it for good.
            let same = same.filter(|(file, _)| depth > 0 || !file.path.ends_with("/svault"));
            names.extend(same.map(|(_, name)| name.to_string()));
        }
        names.sort();
        names.dedup();
        names
    }

    fn launched(&self, peer: &Peer, found: &mut Found) {
        let all = self.launches();
        let line = peer.parents().iter().map(|p| p.key()).chain(peer.line_ends_at());
        for (depth, key) in line.enumerate() {
            if let Some(launch) = all.iter().find(|l| l.launcher.key() == key) {
                found.name(&launch.caller, Evidence::Launched);
                found.session = Session::Launched(launch.id);
                found.anchor = Some(Arc::clone(&launch.launcher));
                found.below = Some(depth);
            }
        }
    }
}

struct Found {
    named: Vec<Named>,
    session: Session,
    anchor: Option<Arc<Held>>,
    /// How many parents lie below the outermost launcher.
    below: Option<usize>,
}

impl Default for Found {
    fn default() -> Self {
        Self { named: Vec::new(), session: Session::Unknown, anchor: None, below: None }
    }
}

impl Found {
    fn name(&mut self, name: &CallerName, evidence: Evidence) {
        match self.named.iter_mut().find(|n| n.name == *name) {
            Some(n) => n.evidence = n.evidence.max(evidence),
            None => self.named.push(Named { name: name.clone(), evidence }),
        }
    }
}

/// Matches parents by the inode they run. The session is the outermost match's, so that an agent which starts
/// another registered one wins no fresh counters. A peer in another pid or user namespace is never matched, and
/// nothing is at or above a parent in one.
fn matched(peer: &Peer, callers: &Callers, found: &mut Found) {
    if peer.foreign() || callers.is_empty() {
        return;
    }
    let registered = stat_all(callers);
    for parent in peer.parents().iter().take(found.below.unwrap_or(usize::MAX)) {
        if parent.namespaces.is_some_and(|n| !n.same_view(peer.daemon_namespaces())) {
            return;
        }
        let Some(exe) = &parent.exe else { continue };
        for (_, name) in registered.iter().filter(|(file, _)| file.same(exe)) {
            found.name(name, Evidence::Matched);
            if found.below.is_none() {
                found.session = Session::Matched((*name).clone());
                found.anchor = peer.hold(parent).ok().map(Arc::new);
            }
        }
    }
}

/// Every registered executable that is there, as it is now.
fn stat_all(callers: &Callers) -> Vec<(Exe, &CallerName)> {
    let paths = callers.iter().flat_map(|(name, caller)| caller.exe.iter().map(move |path| (path, name)));
    paths.filter_map(|(path, name)| Some((crate::peer::file(Path::new(path))?, name))).collect()
}
