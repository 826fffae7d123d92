//! From an opened store to everything that serves it: the trail checked, counters restored, the unlock recorded.

use super::segments::Lent;
use super::{Rules, State};
use crate::approve::Approvals;
use crate::clock::{Clock, RealClock};
use crate::life::failure::{named, of_audit};
use crate::life::{Opened, Refusal};
use crate::limits::{Due, Limits, Seal};
use crate::peer::Peer;
use crate::presence::{Windows, under_agent};
use crate::session::Sessions;
use audit::{Durable, Entry, Event, Restored, Start, Trail};
use jiff::tz::TimeZone;
use policy::Policy;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use vault::{OpenReport, Store};
use wire::{Failure, RefusedVault, Rollback, Seen, UnlockReport, exit};
use words::Id;

impl State {
    /// Opens the trail, restores the counters and records the unlock.
    ///
    /// # Errors
    /// For the human who unlocks; nothing is served.
    pub(crate) fn from_opened(opened: Opened) -> Result<(Rc<Self>, UnlockReport), Refusal> {
        let Opened { mut store, mut report, rollback, disk, dir, starter, weak_memory, watch, life, .. } =
            opened;
        let clock = RealClock;
        // Also what was accepted by an unlock that then came to nothing.
        let accepted = store.accepted();
        let start = start(&rollback, accepted.is_some());
        let (mut trail, restored) =
            Trail::open(disk, dir.real(), &Lent(&mut store), start).map_err(of_audit)?;
        let text = store.policy().map_err(|e| damaged(&e))?;
        let policy = Policy::parse(&text.toml).map_err(|e| damaged(&e))?;
        let sessions = Sessions::new();
        may_open(starter.as_ref(), &sessions, &policy)?;
        let (limits, due) = counters(&store, &restored, &policy)?;
        // What a killed daemon leaves; also what is left when trail and heads are put back behind its back.
        if !restored.given_up && restored.entries.last().is_some_and(|e| e.event != Event::Lock) {
            report.notes.push(
                "it was not locked last time: the daemon was killed, the machine stopped, or an unlock failed on a full disk"
                    .to_owned(),
            );
        }
        let past = Past::find(&restored, &mut trail, &mut store)?;
        let first = accepted.as_deref().map(|files| note(files, &restored));
        // Before the unlock is recorded: where these don't hold there is none.
        let settings = store.settings().map_err(|e| damaged(&e))?;
        let zone = zone(&settings.zone)?;
        begin(&mut trail, &mut store, &limits, &restored, first, weak_memory, clock.wall())?;
        life.notify_with(settings.notify.as_deref());
        life.set_limits(policy.lock.into());
        report.notes.extend(weak_memory.then(|| "keys are not in locked memory".to_owned()));
        let unlocked =
            unlock_report(&store, report, &restored, past, text.changed.to_string(), accepted.is_some());
        let state = Rc::new(Self {
            store: RefCell::new(store),
            trail: RefCell::new(trail),
            limits: RefCell::new(limits),
            rules: RefCell::new(Rules { policy: Rc::new(policy), zone }),
            approvals: Approvals::default(),
            windows: RefCell::new(Windows::new()),
            shells: RefCell::new(Vec::new()),
            sessions,
            watch,
            clock,
            anchors: RefCell::new(HashMap::new()),
            writing: Arc::default(),
            life,
            verified: Rc::default(),
            looks: std::cell::RefCell::default(),
            wishes: std::cell::RefCell::default(),
            watched: super::watched::Watched::default(),
            locked_by: RefCell::default(),
            syncs: super::disk::Syncs::default(),
            connections: Cell::new(0),
        });
        state.keep_sealed(due);
        state.look_back();
        Ok((state, unlocked))
    }

    /// Reads the trail from its beginning: unlocking has read the open segment, and of the others only how they end.
    fn look_back(self: &Rc<Self>) {
        let state = Rc::clone(self);
        tokio::task::spawn_local(async move { drop(crate::serve::status::verify(&state).await) });
    }

    /// Seals that the trail calls for but that did not get into the store before it was last closed.
    fn keep_sealed(self: &Rc<Self>, due: Vec<Due>) {
        if due.is_empty() {
            return;
        }
        let state = Rc::clone(self);
        tokio::task::spawn_local(async move { state.keep(due).await });
    }
}

/// Now that the policy's callers are known: whoever took the passphrase knows none of them.
fn may_open(starter: Option<&Peer>, sessions: &Sessions, policy: &Policy) -> Result<(), Failure> {
    let agents = starter.map(|starter| sessions.agents_above(starter, &policy.callers));
    agents.unwrap_or_default().first().map_or(Ok(()), |agent| Err(under_agent(agent)))
}

/// How the trail is to be opened.
fn start(rollback: &Rollback, accepted: bool) -> Start {
    match rollback {
        Rollback::Accept { vaults, seen: Seen { trail: Some(end), .. } } if vaults.is_empty() => {
            Start::AcceptRollback(end.0)
        }
        // Named vaults are about vaults: the trail must hold all the same.
        _ if accepted => Start::NewSegment,
        _ => Start::Verify,
    }
}

/// The counters as they were, from the trail and from the store's seals.
fn counters(store: &Store, restored: &Restored, policy: &Policy) -> Result<(Limits, Vec<Due>), Failure> {
    let seal = |s: vault::SealRecord| Seal { id: s.id, session: s.session, secret: s.secret, since: s.since };
    let seals = store.seals().map_err(|e| damaged(&e))?.into_iter().map(seal).collect();
    Limits::restore(restored.snapshot.as_deref(), &restored.entries, seals, policy).map_err(|e| damaged(&e))
}

fn damaged(e: &dyn std::error::Error) -> Failure {
    Failure::new("damaged", exit::DAMAGED, e.to_string())
}

fn zone(name: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(name).map_err(|e| {
        Failure::new(
            "no_zone",
            exit::FAILED,
            format!("the store's time zone '{name}' is not known here: {e}"),
        )
        .hint("install the system's time zone data (tzdata)")
    })
}

/// What the trail says of an unlock that came to nothing after it was recorded.
const UNLOCK_FAILED: &str = "unlock_failed";

/// What happened since the unlock before this one.
#[derive(Default)]
struct Past {
    since: Option<String>,
    uses: u64,
    denials: u64,
    /// A file that can't be read, and whatever lies behind it: not counted.
    unread: Option<String>,
}

impl Past {
    /// By the order of entries and not by their times: a clock that was set back hides nothing.
    fn count(&mut self, entries: &[Entry]) {
        let nothing =
            |after: Option<&Entry>| after.is_some_and(|e| e.event == Event::Lock && e.note == UNLOCK_FAILED);
        let came = |at: &usize| entries[*at].event == Event::Unlock && !nothing(entries.get(at + 1));
        let at = (0..entries.len()).rev().find(came);
        self.since = at.map(|at| entries[at].at.to_string());
        for e in &entries[at.unwrap_or(0)..] {
            match e.event {
                Event::Allow => self.uses += 1,
                Event::Deny if e.cause == policy::Cause::Cancelled.as_str() => {}
                Event::Deny | Event::Folded => self.denials += e.count.unwrap_or(1),
                _ => {}
            }
        }
    }

    /// From the open segment, and from closed ones back to that unlock. One of those that can't be read is told and ends
    /// the count: what it does to the trail is for the reading that follows each unlock.
    fn find(restored: &Restored, trail: &mut Trail, store: &mut Store) -> Result<Self, Refusal> {
        let mut past = Self::default();
        past.count(&restored.entries);
        if past.since.is_some() || restored.total == 0 {
            return Ok(past);
        }
        past = Self::default();
        for (file, entries) in trail.reader(&mut Lent(store)).map_err(of_audit)?.back() {
            match entries {
                Ok(entries) => past.count(&entries),
                Err(_) => past.unread = Some(file),
            }
            if past.since.is_some() || past.unread.is_some() {
                break;
            }
        }
        Ok(past)
    }
}

/// The first entries of this unlock, durable.
fn begin(
    trail: &mut Trail,
    store: &mut Store,
    limits: &Limits,
    restored: &Restored,
    accepted: Option<String>,
    weak_memory: bool,
    now: jiff::Timestamp,
) -> Result<(), Failure> {
    let full = |e: &dyn std::fmt::Display| {
        Failure::new("no_record", exit::FAILED, format!("the unlock can't be recorded: {e}"))
            .hint("free some disk space, then unlock again")
    };
    // The store moves on first: every entry from here on has a mark that a store of before this unlock is behind.
    store.checkpoint().map_err(|e| full(&e))?;
    let id = || Id::random().map_err(|e| damaged(&e));
    if restored.must_begin {
        let first = match &accepted {
            Some(note) => Some(Entry { note: note.clone(), ..Entry::new(id()?, now, Event::AcceptRollback) }),
            None => None,
        };
        trail.new_segment(&mut Lent(store), &limits.snapshot(), first, now).map_err(|e| full(&e))?;
    }
    let entry_id = id()?;
    let mut entry = Entry::new(entry_id, now, Event::Unlock);
    if weak_memory {
        entry.note = "weak_memory".into();
    }
    let _ticket = trail.append(entry, &Lent(store), Durable::Now).map_err(|e| full(&e))?;
    trail.commit(&mut Lent(store)).map_err(|e| full(&e))?;
    // And the trail with it: one of before this unlock, which ends with a lock, is behind the store.
    let noted = store.checkpoint().map_err(|e| full(&e)).and_then(|()| {
        if accepted.is_some() { store.accepted_is_recorded().map_err(|e| damaged(&e)) } else { Ok(()) }
    });
    noted.inspect_err(|_| {
        let mut entry = Entry::new(entry_id, now, Event::Lock);
        entry.note = UNLOCK_FAILED.into();
        let _ = trail.append(entry, &Lent(store), Durable::Now).and_then(|_| trail.commit(&mut Lent(store)));
    })
}

/// What the record of a human's word says: which files of the store, and which of the trail, are not as they were.
fn note(of_store: &str, restored: &Restored) -> String {
    let of_trail = restored.files.iter().map(|f| format!("{} {}", f.path, f.state.as_str()));
    let all = Some(of_store.to_owned()).filter(|s| !s.is_empty()).into_iter().chain(of_trail);
    let mut note = all.collect::<Vec<_>>().join(", ");
    note.truncate(note.floor_char_boundary(512));
    note
}

/// A vault that stays shut, with the code and line that its error has everywhere.
fn refused((vault, shut): (words::VaultName, vault::Shut)) -> RefusedVault {
    let name = if shut.name == "WrongKey" { "Altered" } else { shut.name };
    let failure = named(name, shut.why);
    RefusedVault { vault, code: failure.code, message: failure.message }
}

fn relative(dir: &Path) -> String {
    dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unlock_report(
    store: &Store,
    report: OpenReport,
    restored: &Restored,
    past: Past,
    policy_date: String,
    accepted: bool,
) -> UnlockReport {
    let last = report.last_lock;
    let mut notes = report.notes;
    let aside = report.set_aside.iter().chain(&restored.set_aside);
    notes.extend(aside.map(|p| format!("an unfinished write was set aside: {}", relative(p))));
    let told = |path: &str, state: &str, detail: &str| format!("{path} {state}: {detail}");
    // Vaults that stay shut are told of as such.
    let accepted = report.files.iter().filter(|_| accepted);
    notes.extend(accepted.map(|f| told(&f.path, f.state.as_str(), &f.detail)));
    notes.extend(restored.files.iter().map(|f| told(&f.path, f.state.as_str(), &f.detail)));
    notes.extend(past.unread.map(|file| {
        format!(
            "uses and denials since the last unlock leave out {file} and what is before it: it can't be read"
        )
    }));
    UnlockReport {
        pid: std::process::id(),
        vaults: store.vaults().into_iter().filter(|v| v.shut.is_none()).map(|v| v.name).collect(),
        refused: report.refused.into_iter().map(refused).collect(),
        since: past.since,
        uses: past.uses,
        denials: past.denials,
        last_lock: last.as_ref().map(|l| l.at.to_string()),
        entries: last.as_ref().map_or(restored.total, |l| l.entries),
        policy_date: last.as_ref().map_or(policy_date, |l| l.policy_date.to_string()),
        word_pair: last.map(|l| l.word_pair).unwrap_or_default(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlock_that_came_to_nothing_hides_no_session() {
        let entry = |n: i64, event, note: &str| Entry {
            note: note.into(),
            ..Entry::new(Id::from_bits(1), jiff::Timestamp::from_second(n).unwrap(), event)
        };
        let session = [
            entry(1, Event::Unlock, ""),
            entry(2, Event::Allow, ""),
            entry(3, Event::Lock, "asked"),
            entry(4, Event::Unlock, "weak_memory"),
        ];
        let failed = [session.to_vec(), vec![entry(5, Event::Lock, UNLOCK_FAILED)]].concat();
        let of = |entries: &[Entry]| {
            let mut past = Past::default();
            past.count(entries);
            (past.since.is_some_and(|at| at.ends_with("01Z")), past.uses)
        };
        assert_eq!(of(&failed), (true, 1));
        assert_eq!(of(&session), (false, 0), "the last one that came to something");
    }
}
