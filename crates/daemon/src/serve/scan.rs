//! Where values of the store are in a text: whole values and nothing less, for anybody, within a meter. No value leaves
//! here, nothing is said about pieces of one, and every sighting is in the trail before it is told.

use super::answer::Reply;
use super::connection::Line;
use crate::clock::Clock;
use crate::conn::ConnError;
use crate::gate::{Asker, NoRecord};
use crate::limits::{Exposure as Sighted, TOO_MANY_SECRETS, TOO_MUCH_TEXT, TOO_MUCH_WORK};
use crate::state::State;
use crate::state::watched::Seen;
use audit::{Durable, Entry, Event};
use policy::{SecretFacts, Standing};
use scan::TooMuchWork;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use vault::Secret;
use wire::{Failure, FromDaemon, ScanHit, code, exit};

/// What is nearer to the end of a text than this may be told of later: about the longest form of the longest value. A
/// fixed number: a value has no say in it.
const UNDECIDED: u64 = 6 * scan::LONGEST as u64;
/// How long an answer takes at least: several times what a text takes that is not made of beginnings of values. Answers
/// leave at multiples of this, by the length of the text alone.
const FOR_EACH_TEXT: Duration = Duration::from_micros(50);
/// The same for each byte of it.
const FOR_EACH_BYTE: Duration = Duration::from_nanos(80);

/// The least time of an answer about a text of so many bytes.
fn floor(len: usize) -> Duration {
    FOR_EACH_TEXT + FOR_EACH_BYTE * u32::try_from(len).unwrap_or(u32::MAX)
}

/// When an answer leaves: after the first multiple of `floor` that is not over yet.
fn leaves(floor: Duration, spent: Duration) -> Duration {
    let times = spent.as_nanos() / floor.as_nanos().max(1);
    floor * u32::try_from(times).unwrap_or(u32::MAX - 1).saturating_add(1)
}

/// Serves a text; it follows its message.
pub(crate) async fn serve(line: &mut Line, end: bool) -> Result<Reply, ConnError> {
    let text = line.conn.value(Duration::from_secs(10)).await?;
    let (began, takes) = (Instant::now(), floor(text.len()));
    let by = line.asker_now();
    let found = look(line, &by, text.expose(), end).await;
    sleep_until(began + leaves(takes, began.elapsed())).await;
    let reply = found.map_err(|NoRecord| {
        Failure::new(code::NO_RECORD, exit::FAILED, "what was found can't be recorded, so it is not told")
            .hint("free some disk space: svault status")
    });
    Ok(reply.map_or_else(Reply::from, Reply::from))
}

async fn look(line: &mut Line, by: &Asker, new: &[u8], end: bool) -> Result<FromDaemon, NoRecord> {
    let state = Rc::clone(&line.state);
    let len = u64::try_from(line.text.len() + new.len()).unwrap_or(u64::MAX);
    let decided = if end { len } else { len.saturating_sub(UNDECIDED) };
    let answer = |hits, rules_only| FromDaemon::Scanned { hits, decided, rules_only };
    let now = state.clock.wall();
    let mut text = std::mem::take(&mut line.text);
    let open = !is_closed(&state, by, "") && state.limits.borrow().scan_meter(by, now).is_ok();
    let room = open && state.limits.borrow_mut().scan_text(by, new.len(), now).is_ok();
    let found = if room {
        state.watched.refresh(&state).await;
        state.watched.find(&state, &mut text, new).map_err(|TooMuchWork| TOO_MUCH_WORK)
    } else {
        text.skip(new.len());
        Err(TOO_MUCH_TEXT)
    };
    if !end {
        line.text = text;
    }
    let mut seen = match found {
        Ok(seen) => seen,
        Err(cause) => {
            if open {
                meter(&state, by, cause).await?;
            }
            return Ok(answer(Vec::new(), true));
        }
    };
    let told = record(&state, by, &seen).await?;
    let all = seen.len();
    seen.retain(|seen| told.contains(&shown(&seen.secret)));
    let rules_only = seen.len() < all;
    scan::apart(&mut seen, |seen| &mut seen.range);
    let at = |n: usize| u64::try_from(n).unwrap_or(0);
    let hit = |seen: &Seen| ScanHit {
        start: at(seen.range.start),
        end: at(seen.range.end),
        label: label(line, by, &seen.secret),
    };
    Ok(answer(seen.iter().map(hit).collect(), rules_only))
}

/// A secret as entries name it.
fn shown(secret: &Secret) -> String {
    format!("{}/{}", secret.key.vault, secret.name)
}

/// Records every secret that was found, durable before this returns, until there are too many for its session. Those
/// that may be told.
async fn record(state: &Rc<State>, by: &Asker, seen: &[Seen]) -> Result<BTreeSet<String>, NoRecord> {
    let mut each: BTreeMap<String, (&Secret, u64)> = BTreeMap::new();
    for Seen { secret, .. } in seen {
        each.entry(shown(secret)).or_insert((&**secret, 0)).1 += 1;
    }
    let mut told = BTreeSet::new();
    if each.is_empty() {
        return Ok(told);
    }
    let mut too_many = false;
    for (shown, (secret, count)) in each {
        let now = state.clock.wall();
        match state.limits.borrow().scan_exposure(by, &shown, now) {
            Sighted::Recorded => {
                told.insert(shown);
                continue;
            }
            Sighted::Due => {}
            Sighted::TooMany => {
                too_many = true;
                continue;
            }
        }
        let mut entry = entry(state, by, Event::Exposed);
        told.insert(shown.clone());
        (entry.secret, entry.version, entry.count) = (shown, Some(secret.version), Some(count));
        let (ticket, _) = state.append(&entry, Durable::Now)?;
        *state.watched.recorded.borrow_mut() = Some(ticket);
        // A mark that is lost is found in the trail.
        let _ = state.store.borrow_mut().mark_seen(&secret.key);
    }
    let recorded = *state.watched.recorded.borrow();
    if let Some(ticket) = recorded {
        state.durable(ticket).await?;
    }
    if too_many {
        meter(state, by, TOO_MANY_SECRETS).await?;
    }
    state.roll_trail();
    Ok(told)
}

/// Records that a session has had its share, and tells a human.
async fn meter(state: &Rc<State>, by: &Asker, cause: &str) -> Result<(), NoRecord> {
    let mut entry = entry(state, by, Event::Metered);
    entry.cause = cause.to_owned();
    let id = state.record(entry).await?;
    state.life.ring(id, by.callers.first().map(|c| &c.name));
    Ok(())
}

fn entry(state: &State, by: &Asker, event: Event) -> Entry {
    let mut entry = state.entry(event);
    entry.caller = by.callers.first().map_or("unknown", |c| c.name.as_str()).to_owned();
    entry.evidence = by.callers.first().map(|c| c.evidence);
    entry.session = by.session().unwrap_or_default().to_owned();
    entry.also = by.also();
    entry.door = Some(by.door);
    entry.process.clone_from(&by.process);
    entry
}

/// Whether the asker is suspended, or closed to a secret of this name.
fn is_closed(state: &State, by: &Asker, name: &str) -> bool {
    state.limits.borrow().is_closed(&state.rules.borrow().policy, by, name)
}

/// The secret's name where policy would let this caller ask for it in some way, else a word that says nothing.
fn label(line: &Line, by: &Asker, secret: &Secret) -> String {
    if is_closed(&line.state, by, secret.name.as_str()) {
        return "secret".to_owned();
    }
    let rules = line.state.rules.borrow();
    let now = line.state.clock.wall().to_zoned_datetime(rules.zone.clone());
    let program_fixed = &|path: &str| crate::program::is_fixed(Path::new(path));
    let standing = Standing { callers: &by.callers, door: by.door, now: &now, program_fixed };
    let facts = SecretFacts { vault: &secret.key.vault, name: &secret.name, class: &secret.class };
    match policy::reach(&rules.policy, &standing, facts) {
        Some(_) => secret.name.to_string(),
        None => "secret".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_like_any_other_is_answered_after_the_same_time_whatever_it_matches() {
        /// What a unit of work takes, and some.
        const UNIT: Duration = Duration::from_nanos(12);
        for len in [4096, wire::frame::RAW_MAX] {
            let least = floor(len);
            // A look at every tenth byte, for heads that are there and for heads that are not.
            for looks in [0, len / 1000, len / 100, len / 10] {
                let spent = UNIT * u32::try_from(len + 32 * looks).unwrap();
                assert_eq!(leaves(least, spent), least, "{len} bytes, {looks} looks");
            }
        }
    }

    #[test]
    fn what_takes_longer_leaves_at_a_multiple() {
        let least = floor(65_536);
        for (spent, times) in [(least - Duration::from_nanos(1), 1), (least, 2), (least * 5 / 2, 3)] {
            assert_eq!(leaves(least, spent), least * times);
        }
    }
}
