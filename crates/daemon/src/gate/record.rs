//! The gate's entries in the trail: one for each secret of a request, counted as soon as they are written.

use super::frozen::{Frozen, FrozenItem};
use super::house::{House, NoRecord};
use super::look::{Look, No, Yes};
use crate::limits::{AFTER_ASK, Due, Seal};
use audit::{Entry, Event};
use policy::Cause;

/// When an entry must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// Before this returns.
    Now,
    /// With the next one that must: a power cut may cost the last second's denials.
    Later,
}

/// Appends and counts entries, and makes the seals that they call for. All of that is done when this is first polled,
/// and only the disk is waited for: no other request can slip in between, and dropping the future keeps no denial from
/// counting and no seal from being kept.
pub(super) async fn record(house: &impl House, entries: &[Entry], sync: Sync) -> Result<(), Cause> {
    let (ticket, seals) = write(house, entries);
    let durable = match (ticket, sync) {
        (Ok(ticket), Sync::Now) => house.durable(ticket).await,
        (Ok(_), Sync::Later) => Ok(()),
        (Err(e), _) => Err(e),
    };
    wait(house, seals).await;
    durable.map_err(|NoRecord| Cause::NoRecord)
}

/// Appends entries, counts them and keeps the seals that they call for: their ticket, and those of the seals.
fn write<H: House>(house: &H, entries: &[Entry]) -> (Result<H::Ticket, NoRecord>, Vec<H::Ticket>) {
    let ticket = house.append(entries);
    // What could not be written counts all the same, or a full disk would make attempts free.
    let due = entries.iter().flat_map(|e| house.count(e)).collect();
    (ticket, keep(house, due))
}

/// Writes seals that hold already into the trail and into the store, and waits until they are on the disk. Without any
/// it does nothing.
pub async fn keep_due(house: &impl House, due: Vec<Due>) {
    wait(house, keep(house, due)).await;
}

/// All of them, before anything is waited for: whoever hangs up in between loses none.
fn keep<H: House>(house: &H, due: Vec<Due>) -> Vec<H::Ticket> {
    let keep = |due: Due| {
        let event = if due.secret.is_some() { Event::Seal } else { Event::Suspend };
        let mut entry = Entry::new(house.fresh_id(), house.wall(), event);
        entry.session.clone_from(&due.session);
        entry.secret = due.secret.clone().unwrap_or_default();
        let ticket = house.append(std::slice::from_ref(&entry));
        house.count(&entry);
        let seal = Seal { id: entry.id, session: due.session, secret: due.secret, since: entry.at };
        // Where one of the two fails the seal holds in memory, and the other brings it back after a restart.
        let _ = house.keep_seal(&seal);
        ticket.ok()
    };
    due.into_iter().filter_map(keep).collect()
}

async fn wait<H: House>(house: &H, tickets: Vec<H::Ticket>) {
    for ticket in tickets {
        let _ = house.durable(ticket).await;
    }
}

/// Writes folded denials that are due (see [`crate::limits::Limits::due_folds`]). Call it every second, and for
/// all of them at lock.
pub async fn flush_folds(house: &impl House, folded: Vec<Entry>) {
    let write = |entry: &Entry| write(house, std::slice::from_ref(entry)).1;
    wait(house, folded.iter().flat_map(write).collect()).await;
}

pub(super) fn releases(house: &impl House, req: &Frozen, look: &Look, yes: Yes) -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        req.items.iter().map(|item| bare(house, req, Event::Allow, Some(item))).collect();
    fill(req, &mut entries);
    for (i, e) in entries.iter_mut().enumerate() {
        e.rule = look.rules.get(i).cloned().unwrap_or_default();
        match yes {
            Yes::NotGiven => {}
            Yes::Before(given) => e.note = format!("approved as {}", given.by),
            Yes::Now(given) => (e.act, e.note) = (AFTER_ASK.into(), format!("approved as {}", given.by)),
        }
    }
    entries
}

pub(super) fn waits(house: &impl House, req: &Frozen, rule: &str) -> Vec<Entry> {
    let each = |item| Entry { rule: rule.into(), ..bare(house, req, Event::Ask, Some(item)) };
    let mut entries: Vec<Entry> = req.items.iter().map(each).collect();
    fill(req, &mut entries);
    entries
}

/// So much of denials as decides whether they fold; [`fill`] adds the rest.
pub(super) fn denials(house: &impl House, req: &Frozen, no: &No) -> Vec<Entry> {
    let each = |(i, (cause, rule)): (usize, &(Cause, String))| {
        let mut e = bare(house, req, Event::Deny, req.items.get(i));
        (e.cause, e.rule) = (cause.as_str().into(), rule.clone());
        e
    };
    no.causes.iter().enumerate().map(each).collect()
}

/// What limits count it by.
fn bare(house: &impl House, req: &Frozen, event: Event, item: Option<&FrozenItem>) -> Entry {
    let mut e = Entry::new(req.id, house.wall(), event);
    e.caller = req.caller().into();
    e.evidence = req.evidence();
    e.session = req.session().unwrap_or_default().into();
    e.also = req.by.also();
    e.secret = item.map(FrozenItem::shown).unwrap_or_default();
    e
}

/// The rest of a request's entries, one for each of its items. The first alone has the command and its folder: they are
/// as long as their caller makes them.
pub(super) fn fill(req: &Frozen, entries: &mut [Entry]) {
    for (i, e) in entries.iter_mut().enumerate() {
        let item = req.items.get(i);
        e.door = Some(req.by.door);
        e.version = item.and_then(FrozenItem::seen).map(|s| s.version);
        e.scope = req.scope.as_ref().map(ToString::to_string).unwrap_or_default();
        e.reason = req.reason.clone().unwrap_or_default();
        e.exposure = item.map(|i| i.way.exposure());
        e.variable = item.and_then(|i| i.way.variable()).map(ToString::to_string).unwrap_or_default();
        e.process.clone_from(&req.by.process);
        e.client.clone_from(&req.client);
        let others: Vec<&str> = req.names().skip(1).map(words::CallerName::as_str).collect();
        e.also_goes_as(&others);
    }
    if let Some(first) = entries.first_mut() {
        first.argv.clone_from(&req.argv);
        first.cwd.clone_from(&req.cwd);
    }
}
