//! What a caller may ask for: the rows that policy would allow or ask a human for, and nothing of the rest.
//! It decides no request and counts as none; how often it may be asked is metered, and that it was is recorded.

use super::answer::Reply;
use super::connection::Line;
use super::facts;
use crate::clock::Clock;
use crate::gate::Asker;
use audit::{Durable, Event};
use policy::{SecretFacts, Standing};
use std::collections::HashMap;
use std::path::Path;
use vault::Secret;
use wire::{Failure, FromDaemon, MineRow, Report, exit};
use words::{Exposure, Scope};

/// So often may one session ask within [`WINDOW_MS`]: each look goes over the whole store.
const MOST: u32 = 100;
/// The meter's window.
const WINDOW_MS: u64 = 10_000;
/// One record of a session's looks for so long.
const RECORD_MS: u64 = 60_000;
/// Sessions that are remembered; when there are more, all begin anew.
const SESSIONS: usize = 1024;

/// How often each session has looked lately.
#[derive(Debug, Default)]
pub(crate) struct Meter(HashMap<String, Looks>);

#[derive(Debug)]
struct Looks {
    begun: u64,
    count: u32,
    recorded: Option<u64>,
}

/// What the meter says.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Look,
    LookAndRecord,
    TooOften,
}

impl Meter {
    fn turn(&mut self, session: &str, now: u64) -> Turn {
        if self.0.len() >= SESSIONS && !self.0.contains_key(session) {
            self.0.clear();
        }
        let fresh = || Looks { begun: now, count: 0, recorded: None };
        let looks = self.0.entry(session.to_owned()).or_insert_with(fresh);
        if now.saturating_sub(looks.begun) >= WINDOW_MS {
            (looks.begun, looks.count) = (now, 0);
        }
        if looks.count >= MOST {
            return Turn::TooOften;
        }
        looks.count += 1;
        if looks.recorded.is_some_and(|at| now.saturating_sub(at) < RECORD_MS) {
            return Turn::Look;
        }
        looks.recorded = Some(now);
        Turn::LookAndRecord
    }
}

/// Serves the list.
pub(crate) fn serve(line: &Line, scope: Option<&Scope>) -> Reply {
    rows(line, scope).map_or_else(Reply::from, |rows| FromDaemon::Report(Box::new(Report::Mine(rows))).into())
}

fn rows(line: &Line, scope: Option<&Scope>) -> Result<Vec<MineRow>, Failure> {
    let state = &line.state;
    let by = line.asker_now();
    let session = by.session().unwrap_or_default().to_owned();
    let turn = state.looks.borrow_mut().turn(&session, state.now_ms());
    match turn {
        Turn::Look => {}
        Turn::LookAndRecord => record(line, &by, scope)?,
        Turn::TooOften => {
            let text = "this session has asked for its list too often";
            return Err(Failure::new("too_often", exit::FAILED, text).hint("wait ten seconds"));
        }
    }
    let list = state.store.borrow().list().map_err(|e| facts::failure(&e))?;
    let rules = state.rules.borrow();
    let limits = state.limits.borrow();
    let now = state.clock.wall().to_zoned_datetime(rules.zone.clone());
    let standing = Standing {
        callers: &by.callers,
        door: by.door,
        now: &now,
        program_fixed: &|path| crate::program::is_fixed(Path::new(path)),
    };
    let closed = |s: &Secret| limits.is_closed(&rules.policy, &by, s.name.as_str());
    let row = |s: Secret| {
        let facts = SecretFacts { vault: &s.key.vault, name: &s.name, class: &s.class };
        let exposure = policy::reach(&rules.policy, &standing, facts)?;
        (!closed(&s)).then(|| shown(s, exposure))
    };
    Ok(list
        .into_iter()
        .filter(|s| scope.is_none_or(|scope| s.class.scope == *scope))
        .filter_map(row)
        .collect())
}

fn shown(s: Secret, exposure: Exposure) -> MineRow {
    MineRow {
        name: s.name,
        vault: s.key.vault,
        scope: s.class.scope,
        tier: s.class.tier,
        exposure,
        description: s.class.description,
    }
}

fn record(line: &Line, by: &Asker, scope: Option<&Scope>) -> Result<(), Failure> {
    let mut entry = line.state.entry(Event::Read);
    entry.caller = by.callers.first().map_or("unknown", |c| c.name.as_str()).to_owned();
    entry.evidence = by.callers.first().map(|c| c.evidence);
    entry.session = by.session().unwrap_or_default().to_owned();
    entry.door = Some(by.door);
    entry.scope = scope.map(ToString::to_string).unwrap_or_default();
    entry.process.clone_from(&by.process);
    line.state.append(&entry, Durable::Later).map(|_| ()).map_err(|_| super::acts::no_record())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_looks_so_often_and_leaves_one_record_a_minute() {
        let mut meter = Meter::default();
        assert_eq!(meter.turn("a", 5), Turn::LookAndRecord);
        for _ in 1..MOST {
            assert_eq!(meter.turn("a", 6), Turn::Look);
        }
        assert_eq!(meter.turn("a", 7), Turn::TooOften);
        assert_eq!(meter.turn("b", 7), Turn::LookAndRecord, "others are not held up");
        assert_eq!(meter.turn("a", 5 + WINDOW_MS), Turn::Look);
        assert_eq!(meter.turn("a", 5 + RECORD_MS), Turn::LookAndRecord);
    }

    #[test]
    fn many_sessions_are_not_remembered_for_ever() {
        let mut meter = Meter::default();
        for n in 0..3 * SESSIONS {
            let _ = meter.turn(&n.to_string(), 0);
        }
        assert!(meter.0.len() <= SESSIONS);
    }
}
