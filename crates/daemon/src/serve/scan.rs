//! Where values of the store are in a text: whole values and nothing less, for anybody, within a meter. No value leaves
//! here, nothing is said about pieces of one, and every sighting is in the trail before it is told.

use super::answer::Reply;
use super::connection::{Line, value};
use crate::clock::Clock;
use crate::conn::ConnError;
use crate::gate::{Asker, NoRecord};
use crate::limits::{Exposure as Sighted, TOO_MANY_SECRETS, TOO_MUCH_TEXT};
use crate::state::State;
use crate::state::watched::Seen;
use audit::{Durable, Entry, Event};
use policy::{SecretFacts, Standing};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use vault::Secret;
use wire::{Failure, FromDaemon, ScanHit, code, exit};
use zeroize::Zeroizing;

/// What is nearer to the end of a text than this may be told of later. A fixed number: a value has no say in it.
const UNDECIDED: u64 = 16 << 10;
/// The longest form of a value has so many bytes for each of its own.
const LONGEST_FORM: usize = 7;
/// Bytes of text that are kept at most, to find what goes on in the next.
const KEPT: usize = 128 << 10;
/// How long an answer takes at least, and for each byte: longer than looking does, so that its time says nothing.
const LEAST: Duration = Duration::from_millis(1);
const FOR_EACH_BYTE: Duration = Duration::from_nanos(30);

/// The text of one connection so far.
#[derive(Default)]
pub(crate) struct Text {
    /// Its end.
    kept: Zeroizing<Vec<u8>>,
    /// How long it is in all.
    len: u64,
}

/// Serves a text; it follows its message.
pub(crate) async fn serve(line: &mut Line, end: bool) -> Result<Reply, ConnError> {
    let text = value(line, Duration::from_secs(10)).await?;
    let (began, takes) =
        (Instant::now(), LEAST + FOR_EACH_BYTE * u32::try_from(text.len()).unwrap_or(u32::MAX));
    let by = line.asker();
    let found = look(line, &by, text.expose(), end).await;
    let spent = began.elapsed().as_nanos() / takes.as_nanos().max(1);
    sleep_until(began + takes * (u32::try_from(spent).unwrap_or(0) + 1)).await;
    let reply = found.map_err(|NoRecord| {
        Failure::new(code::NO_RECORD, exit::FAILED, "what was found can't be recorded, so it is not told")
            .hint("free some disk space: svault status")
    });
    Ok(reply.map_or_else(Reply::from, Reply::from))
}

async fn look(line: &mut Line, by: &Asker, new: &[u8], end: bool) -> Result<FromDaemon, NoRecord> {
    let state = Rc::clone(&line.state);
    let was = line.text.len;
    let text = line.text.with(new);
    let len = line.text.len;
    let decided = if end { len } else { len.saturating_sub(UNDECIDED) };
    let answer = |hits| match hits {
        Some(hits) => FromDaemon::Scanned { hits, decided, rules_only: false },
        None => FromDaemon::Scanned { hits: Vec::new(), decided, rules_only: true },
    };
    let session = by.session().unwrap_or_default();
    let now = state.clock.wall();
    let open = state.limits.borrow().scan_meter(session, now).is_ok();
    let room = open && state.limits.borrow_mut().scan_text(session, new.len(), now).is_ok();
    if !room {
        line.text.keep(text, 0, end);
        if open {
            meter(&state, by, TOO_MUCH_TEXT).await?;
        }
        return Ok(answer(None));
    }
    state.watched.refresh(&state).await;
    let start = len - u64::try_from(text.len()).unwrap_or(0);
    let found = state.watched.find(&state, &text, start);
    let seen: Vec<Seen> = found.into_iter().filter(|seen| seen.end > was).collect();
    line.text.keep(text, state.watched.longest() * LONGEST_FORM, end);
    if !record(&state, by, &seen).await? {
        return Ok(answer(None));
    }
    let hit =
        |seen: &Seen| ScanHit { start: seen.start, end: seen.end, label: label(line, by, &seen.secret) };
    Ok(answer(Some(seen.iter().map(hit).collect())))
}

/// Records every secret that was found, durable before this returns. False: there are too many, and nothing is told.
async fn record(state: &Rc<State>, by: &Asker, seen: &[Seen]) -> Result<bool, NoRecord> {
    let mut each: BTreeMap<String, (&Secret, u64)> = BTreeMap::new();
    for Seen { secret, .. } in seen {
        each.entry(format!("{}/{}", secret.key.vault, secret.name)).or_insert((&**secret, 0)).1 += 1;
    }
    if each.is_empty() {
        return Ok(true);
    }
    for (shown, (secret, count)) in each {
        let now = state.clock.wall();
        let sighted = state.limits.borrow().scan_exposure(by.session().unwrap_or_default(), &shown, now);
        match sighted {
            Sighted::Recorded => continue,
            Sighted::Due => {}
            Sighted::TooMany => {
                meter(state, by, TOO_MANY_SECRETS).await?;
                return Ok(false);
            }
        }
        let mut entry = entry(state, by, Event::Exposed);
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
    state.roll_trail();
    Ok(true)
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
    entry.door = Some(by.door);
    entry.process.clone_from(&by.process);
    entry
}

/// The secret's name where policy would let this caller ask for it in some way, else a word that says nothing.
fn label(line: &Line, by: &Asker, secret: &Secret) -> String {
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

impl Text {
    /// The text that is kept with what follows it.
    fn with(&mut self, new: &[u8]) -> Zeroizing<Vec<u8>> {
        self.len += u64::try_from(new.len()).unwrap_or(0);
        let mut text = std::mem::take(&mut self.kept);
        // In one piece from the start: a vector that grows leaves what it had behind.
        let mut all = Zeroizing::new(Vec::with_capacity(text.len() + new.len()));
        all.extend_from_slice(&text);
        all.extend_from_slice(new);
        text.clear();
        all
    }

    /// Keeps the last `most` bytes, or nothing at the end of a text.
    fn keep(&mut self, text: Zeroizing<Vec<u8>>, most: usize, end: bool) {
        if end {
            *self = Self::default();
            return;
        }
        let from = text.len().saturating_sub(most.min(KEPT));
        self.kept = Zeroizing::new(text[from..].to_vec());
    }
}
