//! What anybody of this user may know: that the daemon runs, and whether the trail holds.

use super::connection::Line;
use crate::clock::Clock;
use crate::state::State;
use std::rc::Rc;
use wire::{FromDaemon, StatusReport};

/// How the daemon is, and what this connection is taken for.
pub(crate) fn report(line: &Line) -> StatusReport {
    let state = &line.state;
    let who = line.who_now();
    let (caller, evidence) = (who.caller().to_owned(), who.evidence());
    let by = line.on_account_of(who);
    let mut wishes = state.wishes.borrow_mut();
    let (trail_lost, trail_damage) = match state.verified.latest() {
        Some(Ok(lost)) => (lost, None),
        Some(Err(why)) => (Vec::new(), Some(why)),
        None => (Vec::new(), None),
    };
    let shut = state.store.borrow().vaults().iter().filter(|v| v.shut.is_some()).count();
    let waiting = state.approvals.waiting().len() + wishes.all(state.now_ms()).len();
    let mut own_waiting = state.approvals.waiting_of(&by);
    own_waiting.extend(wishes.of(&by));
    StatusReport {
        pid: std::process::id(),
        since: state.life.since().to_string(),
        locks_in: state.life.locks_in().as_secs(),
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        own_waiting,
        trail_ok: trail_damage.is_none() && state.trail.borrow().takes_records(),
        trail_damage,
        trail_lost,
        vaults_shut: u32::try_from(shut).unwrap_or(u32::MAX),
        memory_locked: secret::memory().locked,
        rules_only: state.limits.borrow().scan_meter(&by, state.clock.wall()).is_err(),
        caller,
        evidence,
        protection: state
            .life
            .protection()
            .iter()
            .map(|p| wire::ProtectionRow { name: p.name.to_owned(), holds: p.holds })
            .collect(),
    }
}

/// Reads the whole trail on another thread. Anybody may ask for it, so there is one reading at a time, whose answer
/// is for all who asked before it began: it never keeps more than one of the threads that syncs need too.
pub(crate) async fn verify(state: &Rc<State>) -> FromDaemon {
    let reading = Rc::clone(state);
    let read = state.verified.share(|| async move {
        let reader = reading.reader().map_err(|e| e.to_string())?;
        let read = tokio::task::spawn_blocking(move || reader.verify().map_err(|e| e.to_string()));
        read.await.map_err(|e| e.to_string())?.map(|found| found.lost)
    });
    match read.await.unwrap_or_else(|| Err("its reading has broken off".to_owned())) {
        Ok(lost) => FromDaemon::Verified { ok: true, why: None, lost },
        Err(why) => FromDaemon::Verified { ok: false, why: Some(why), lost: Vec::new() },
    }
}
