//! An import: many new secrets and new values of one vault, all or nothing.
//!
//! The items come in parts before the want. The act has their number, their digest and which of them exist; it is
//! built anew before anything is written, so what is stored is what was shown.

use super::acts::{done, entry, record, undone};
use super::answer::Reply;
use super::change::{self, Turn};
use super::connection::Line;
use super::facts;
use crate::clock::Clock;
use secret::Bytes;
use std::collections::HashSet;
use std::rc::Rc;
use vault::{Found, Import, NewSecret, Secret};
use wire::act::{Act, Facts, Label};
use wire::{Failure, IMPORT_MAX, ImportItem, Known, Want, code, exit};
use words::{SecretRef, Tier, VaultName};

/// How many names an error tells.
const TOLD: usize = 10;

/// What is asked for.
pub(super) struct Asked {
    pub(super) vault: VaultName,
    pub(super) update: bool,
    pub(super) items: Vec<ImportItem>,
}

/// A part of the items came.
///
/// # Errors
/// Without presence, or where there are too many.
pub(super) fn collect(line: &mut Line, items: Vec<ImportItem>) -> Result<(), Failure> {
    line.presence.collects(line.state.now_ms())?;
    if line.items.len() + items.len() > IMPORT_MAX {
        line.presence.spend();
        line.items = Vec::new();
        let text = format!("more than {IMPORT_MAX} secrets in one import");
        return Err(Failure::new(code::OUT_OF_ORDER, exit::FAILED, text));
    }
    line.items.extend(items);
    Ok(())
}

/// What a human should know: which names exist, and how many there are of each tier.
///
/// # Errors
/// A shut vault, a name twice, a proposal in the way.
pub(super) fn facts(
    line: &Line,
    vault: &VaultName,
    items: &[ImportItem],
    facts: &mut Facts,
) -> Result<(), Failure> {
    facts::open_vault(line, vault)?;
    let bad = |text: String| Failure::new("bad_import", exit::FAILED, text);
    if items.is_empty() {
        return Err(bad("an import of nothing".into()));
    }
    let mut names = HashSet::with_capacity(items.len());
    if let Some(twice) = items.iter().find(|i| !names.insert(&i.name)) {
        return Err(bad(format!("{} is in the import twice", twice.name)));
    }
    if items.iter().any(|i| i.class.proposed_by.is_some()) {
        return Err(bad("a human's import can't make a proposal".into()));
    }
    let mut known = Known::default();
    for (place, item) in items.iter().enumerate() {
        if let Some(secret) = existing(line, vault, item)? {
            if secret.class.proposed_by.is_some() {
                return Err(bad(format!("{} was proposed, and nobody has confirmed it", item.name))
                    .hint(format!("look at it first: svault edit svault://{vault}/{}", item.name)));
            }
            known.0.push((place, secret.version));
        }
    }
    facts.exists = known.text();
    for tier in [Tier::High, Tier::Medium, Tier::Low] {
        let count = items.iter().filter(|i| i.class.tier == tier).count();
        if count > 0 {
            facts.notes.push(format!("tier {tier}: {count}"));
        }
    }
    let wide = items.iter().filter(|i| i.class.is_wider_than_tier()).count();
    if wide > 0 {
        facts.notes.push(format!("wider than their tier gives: {wide}"));
    }
    Ok(())
}

fn existing(line: &Line, vault: &VaultName, item: &ImportItem) -> Result<Option<Secret>, Failure> {
    let wanted = SecretRef { vault: Some(vault.clone()), name: item.name.clone() };
    match line.state.store.borrow().find(&wanted).map_err(|e| facts::failure(&e))? {
        Found::One(secret) => Ok(Some(secret)),
        Found::None | Found::Ambiguous(_) => Ok(None),
    }
}

/// Compares, records, writes, and waits for the disk.
///
/// # Errors
/// Where it is no longer what was shown, a name has another value, or it can't be recorded or written. Nothing has
/// changed then.
pub(super) async fn serve(line: &Line, asked: &Asked, act: &Act, values: &[Bytes]) -> Result<Reply, Failure> {
    let turn = change::turn(&line.state).await;
    let Asked { vault, update, items } = asked;
    let want = Want::Import { vault: vault.clone(), update: *update, items: items.clone() };
    facts::still(line, &want, act)?;
    if values.len() != items.len() || values.iter().any(Bytes::is_empty) {
        return Err(Failure::new("bad_act", exit::FAILED, "this act came without its values"));
    }
    let mut others = Vec::new();
    let mut fresh = Vec::new();
    for (item, value) in items.iter().zip(values) {
        match existing(line, vault, item)? {
            None => fresh.push((item, value)),
            Some(was) => {
                let same = line.state.store.borrow().holds(&was, value).map_err(|e| facts::failure(&e))?;
                if !same {
                    others.push((was, value));
                }
            }
        }
    }
    if !others.is_empty() && !update {
        return Err(differ(&others));
    }
    let mut e = entry(line, "import");
    let text = |label| act.values(label).next().map(String::from_utf8_lossy).unwrap_or_default();
    e.note = format!(
        "vault {vault}: {} new, {} new versions, {} as they were; digest {}",
        fresh.len(),
        others.len(),
        items.len() - fresh.len() - others.len(),
        text(Label::Digest)
    );
    // What had another value comes first.
    let names =
        others.iter().map(|(was, _)| was.name.as_str()).chain(fresh.iter().map(|(i, _)| i.name.as_str()));
    e.secret = names.take(TOLD).collect::<Vec<_>>().join(", ");
    e.secret.truncate(e.secret.floor_char_boundary(256));
    let id = record(line, e.clone()).await?;
    others.iter().for_each(|(was, _)| change::line_changed(line, was));
    let written = write(line, &turn, vault, &fresh, &others).await;
    undone(line, &e, written)?;
    others.iter().for_each(|(was, _)| change::line_changed(line, was));
    let mut wishes = line.state.wishes.borrow_mut();
    fresh.iter().for_each(|(item, _)| wishes.added(&item.name));
    Ok(done(id))
}

fn differ(others: &[(Secret, &Bytes)]) -> Failure {
    let mut names: Vec<&str> = others.iter().take(TOLD).map(|(was, _)| was.name.as_str()).collect();
    if others.len() > TOLD {
        names.push("…");
    }
    let text = format!("in the vault with another value: {}; nothing was imported", names.join(", "));
    Failure::new("differs", exit::FAILED, text)
        .hint("give them new versions with --update, or import into another vault with --vault")
}

/// Writes, and waits for the disk on another thread. Runs to its end even if nobody waits for it any more.
async fn write(
    line: &Line,
    turn: &Turn,
    vault: &VaultName,
    fresh: &[(&ImportItem, &Bytes)],
    others: &[(Secret, &Bytes)],
) -> Result<(), Failure> {
    let new = |item: &ImportItem| NewSecret {
        vault: vault.clone(),
        name: item.name.clone(),
        class: item.class.clone(),
        created_by: None,
    };
    let mut imports: Vec<Import<'_>> = fresh.iter().map(|(i, value)| Import::New(new(i), value)).collect();
    imports.extend(others.iter().map(|(was, value)| Import::Value(&was.key, value)));
    if imports.is_empty() {
        return Ok(());
    }
    let state = &line.state;
    let importing = state.store.borrow_mut().import(vault, imports, state.clock.wall());
    let importing = importing.map_err(|e| facts::failure(&e))?;
    let (turn, state) = (Rc::clone(turn), Rc::clone(state));
    let task = tokio::task::spawn_local(async move {
        let _turn = turn;
        let imported = tokio::task::spawn_blocking(move || importing.run()).await.ok()?;
        Some(state.store.borrow_mut().imported(imported))
    });
    // Neither task panics; one that was dropped has written nothing that counts.
    let written = task.await.ok().flatten().unwrap_or(Err(vault::Error::NotFound));
    written.map_err(|e| facts::failure(&e))
}
