//! What install would change, and doing it.

use super::MARK;
use super::disk::{Found, Trouble};
use super::record::{Known, Record, hash};
use crate::clients::{Content, Place, Target, spec};
use crate::config::{self, Format, Op};
use crate::{Client, Machine, Svault};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A change of one file.
#[derive(Debug, Clone)]
pub struct Change {
    /// The file as it was found.
    pub found: Found,
    /// What shall be in it; nothing where it shall go.
    pub new: Option<Vec<u8>>,
    /// For which clients.
    pub clients: Vec<Client>,
    /// What uninstall puts back: the bytes without anything of ours; nothing where there was no file.
    before: Option<Vec<u8>>,
    /// Whether it takes something back.
    back: bool,
    mode: u32,
}

impl Change {
    /// Whether the file itself changes; else only the record does.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.new != self.found.bytes
    }

    pub(super) fn back(found: Found, new: Option<Vec<u8>>, clients: Vec<Client>) -> Self {
        Self { found, new, clients, before: None, back: true, mode: 0o600 }
    }
}

/// What a run would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// The files, in the order of the clients.
    pub changes: Vec<Change>,
    /// Clients that are left alone, and why.
    pub troubles: Vec<(Client, Trouble)>,
    /// Things worth saying.
    pub notes: Vec<String>,
    /// Files that stay for other clients.
    pub(super) stays: Vec<Known>,
    /// The project whose files they are.
    pub(super) project: Option<PathBuf>,
}

impl Plan {
    /// Whether anything is done or can't be done for a client.
    #[must_use]
    pub fn concerns(&self, client: Client) -> bool {
        self.changes.iter().any(|c| c.clients.contains(&client))
            || self.troubles.iter().any(|(c, _)| *c == client)
    }
}

/// What is to be installed.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Whose settings.
    pub place: Place<'a>,
    /// For which clients.
    pub clients: &'a [Client],
    /// Whether the user's Codex is to take svault's hooks for trusted, without its user's look at them.
    pub trust_codex: bool,
}

/// What has to change so that these clients use this svault. A client one of whose files can't be changed is left
/// alone as a whole.
#[must_use]
pub fn install(machine: &Machine, svault: &Svault, record: &Record, wish: Wish<'_>) -> Plan {
    let Wish { place, clients, trust_codex } = wish;
    let project = match place {
        Place::User => None,
        Place::Project(folder) => Some(folder.to_owned()),
    };
    let mut plan = Plan { project, ..Plan::default() };
    for &client in clients {
        let targets = spec(client).targets(machine, svault, place);
        let mut changes = plan.changes.clone();
        let mut all = targets.iter().try_for_each(|t| add(&mut changes, client, t, machine, record, place));
        if all.is_ok() && trust_codex && client == Client::Codex && place == Place::User {
            let trusted = trusted(machine, &changes);
            all = trusted.iter().try_for_each(|t| add(&mut changes, client, t, machine, record, place));
        }
        match all {
            Ok(()) => plan.changes = changes,
            Err(trouble) => plan.troubles.push((client, trouble)),
        }
    }
    plan
}

/// Codex's notes of trust, for the hooks as they will be.
fn trusted(machine: &Machine, changes: &[Change]) -> Option<Target> {
    let hooks = changes
        .iter()
        .find(|c| c.found.path.ends_with(crate::trust::HOOKS) && c.clients.contains(&Client::Codex))?;
    crate::trust::target(machine, std::str::from_utf8(hooks.new.as_deref()?).ok()?)
}

/// Where a target may really lie: in its own folder, and for the user's own settings anywhere in the home. A folder of
/// the home that is a link out of it is not followed; one elsewhere that a variable names is.
pub(super) fn find(path: &Path, base: &Path, machine: &Machine, place: Place<'_>) -> Result<Found, Trouble> {
    match place {
        Place::User if machine.is_in_home(base) => Found::read(path, &[&machine.home]),
        Place::User => Found::read(path, &[base, &machine.home]),
        Place::Project(_) => Found::read(path, &[base]),
    }
}

fn add(
    changes: &mut Vec<Change>,
    client: Client,
    target: &Target,
    machine: &Machine,
    record: &Record,
    place: Place<'_>,
) -> Result<(), Trouble> {
    let found = find(&target.path, &target.base, machine, place)?;
    if let Some(other) = changes.iter_mut().find(|c| c.found.real == found.real) {
        // Another client of this run writes there too: on top of that.
        let text = other.new.as_deref().map(|b| String::from_utf8_lossy(b).into_owned());
        other.new = Some(wanted(target, text.as_deref(), record)?.into_bytes());
        if !other.clients.contains(&client) {
            other.clients.push(client);
        }
        return Ok(());
    }
    let new = wanted(target, found.text()?, record)?;
    let before = before(target, &found, record);
    let mode = match (&target.content, place) {
        (Content::Whole { executable: true, .. }, _) => 0o755,
        (_, Place::User) => 0o600,
        (_, Place::Project(_)) => 0o644,
    };
    let new = Some(new.into_bytes());
    changes.push(Change { found, new, clients: vec![client], before, back: false, mode });
    Ok(())
}

fn wanted(target: &Target, now: Option<&str>, record: &Record) -> Result<String, Trouble> {
    let broken = |error| Trouble::Config { path: target.path.clone(), error };
    match &target.content {
        Content::Edits(format, edits) => {
            let now = now.unwrap_or_default();
            let tree = config::read(*format, now).map_err(broken)?;
            let ops = config::plan(&tree, edits).map_err(broken)?;
            let new = config::write(*format, now, &ops).map_err(broken)?;
            // A new file ends as files do; one that is there ends as its owner likes.
            Ok(if now.is_empty() && !new.is_empty() { format!("{}\n", new.trim()) } else { new })
        }
        Content::Whole { text, .. } => {
            let known =
                |now: &str| record.file(&target.path).is_some_and(|k| k.after == hash(now.as_bytes()));
            match now {
                Some(now) if now != text && !now.contains(MARK) && !known(now) => {
                    Err(Trouble::Foreign(target.path.clone()))
                }
                _ => Ok(text.clone()),
            }
        }
    }
}

/// The file without anything of ours. Where it can't be told, as it is now: that is still what the user knows. Of a file
/// that no record tells about an entry that starts svault is the user's own, but for one as install writes it.
fn before(target: &Target, found: &Found, record: &Record) -> Option<Vec<u8>> {
    let now = found.bytes.as_deref()?;
    let Content::Edits(format, edits) = &target.content else { return None };
    if let Some(known) = record.file(&found.path) {
        let kept = known.before.as_ref().and_then(|h| record.kept(h));
        if known.after != hash(now) {
            if let Some(text) = taken_back(*format, known, record, now) {
                return text.map(String::into_bytes);
            }
        } else if known.before.is_none() || kept.is_some() {
            // A copy that is lost doesn't mean that there was no file.
            return kept;
        }
    }
    let left = if record.file(&found.path).is_some() { config::left_over } else { config::installed };
    let bare = without(*format, now, |tree| left(tree, edits)).ok().flatten();
    Some(bare.unwrap_or_else(|| now.to_vec()))
}

/// A file that was changed since, with our part of it taken back; `Some(None)` where nothing is left of a file that
/// install made. None where it can't be told.
pub(super) fn taken_back(
    format: Format,
    known: &Known,
    record: &Record,
    now: &[u8],
) -> Option<Option<String>> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let before = match &known.before {
        Some(hash) => text(&record.kept(hash)?)?,
        None => String::new(),
    };
    let (after, now) = (text(&record.kept(&known.after)?)?, text(now)?);
    let read = |t: &str| config::read(format, t).ok();
    let ops = config::undo(&read(&before)?, &read(&after)?, &read(&now)?);
    let new = config::write(format, &now, &ops).ok()?;
    let left = read(&new)?;
    // The same, in the very bytes where those who changed it since changed other places than install did.
    let new = config::merged(&before, &after, &now).find(|t| read(t).as_ref() == Some(&left)).unwrap_or(new);
    let empty = left.as_object().is_some_and(serde_json::Map::is_empty) || left == read("")?;
    Some((known.before.is_some() || !empty || has_comments(&new)).then_some(new))
}

/// Whether more than brackets and spaces is left of a text.
fn has_comments(text: &str) -> bool {
    text.contains(|c: char| !c.is_whitespace() && !"{}[]".contains(c))
}

/// A file that no record tells about, without what is left in it; none where nothing is, or where it can't be read.
///
/// # Errors
/// When something is left and can't be taken out.
pub(super) fn without(
    format: Format,
    now: &[u8],
    left: impl Fn(&Value) -> Vec<Op>,
) -> Result<Option<Vec<u8>>, config::Error> {
    let Ok(text) = std::str::from_utf8(now) else { return Ok(None) };
    let Ok(tree) = config::read(format, text) else { return Ok(None) };
    let ops = left(&tree);
    if ops.is_empty() {
        return Ok(None);
    }
    config::write(format, text, &ops).map(|new| Some(new.into_bytes()))
}

/// What could not be done.
#[derive(Debug)]
pub struct Failed {
    /// The clients that it concerns; none where it is the record alone.
    pub clients: Vec<Client>,
    /// The file that was not changed.
    pub path: Option<PathBuf>,
    /// Why.
    pub trouble: Trouble,
}

/// Does what was planned, and notes it. What fails is told, with the clients it concerns; the rest is done.
#[must_use]
pub fn commit(plan: &Plan, record: &mut Record) -> Vec<Failed> {
    let mut failed = Vec::new();
    for change in &plan.changes {
        let done = match &change.new {
            Some(new) if !change.back => put(change, new, plan.project.clone(), record),
            new => put_back(change, new.as_deref(), record),
        };
        if let Err(trouble) = done {
            let path = Some(change.found.path.clone());
            failed.push(Failed { clients: change.clients.clone(), path, trouble });
        }
    }
    let stays = plan.stays.iter().try_for_each(|known| record.note(known.clone()));
    if let Err(trouble) = stays.and_then(|()| record.tidy()) {
        failed.push(Failed { clients: Vec::new(), path: None, trouble });
    }
    record.sweep();
    failed
}

/// The record comes first: after a crash in between it says what the file was.
fn put(change: &Change, new: &[u8], project: Option<PathBuf>, record: &mut Record) -> Result<(), Trouble> {
    let path = &change.found.path;
    let old = record.file(path).cloned();
    if !change.changes() && old.is_none() {
        return Ok(()); // somebody wrote just this: it is theirs
    }
    let mut clients = old.as_ref().map(|k| k.clients.clone()).unwrap_or_default();
    clients.extend(change.clients.iter().map(|c| c.as_str().to_owned()));
    clients.sort();
    clients.dedup();
    if !change.changes() {
        let same = old.filter(|k| k.clients != clients);
        return same.map_or(Ok(()), |k| record.note(Known { clients, ..k }));
    }
    let before = change.before.as_deref().map(|b| record.keep(b)).transpose()?;
    let after = record.keep(new)?;
    let known = Known { path: path.clone(), project, clients, before, after };
    record.note(known)?;
    match change.found.replace(new, change.mode) {
        Ok(made) => record.made(made),
        Err(e) => {
            match old {
                Some(old) => record.note(old)?,
                None => record.forget(path)?,
            }
            Err(e)
        }
    }
}

fn put_back(change: &Change, new: Option<&[u8]>, record: &mut Record) -> Result<(), Trouble> {
    if change.changes() {
        match new {
            Some(new) => drop(change.found.replace(new, change.mode)?),
            None => change.found.remove()?,
        }
    }
    record.forget(&change.found.path)
}
