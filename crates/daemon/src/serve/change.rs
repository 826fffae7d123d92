//! Changes of secrets: recorded, then written, then durable before the answer. From the last look at what was shown to
//! the write nobody else changes anything.

use super::acts::{done, entry, record};
use super::answer::Reply;
use super::connection::Line;
use super::facts;
use crate::clock::Clock;
use crate::gate::SecretId;
use crate::state::State;
use secret::Bytes;
use std::rc::Rc;
use tokio::sync::OwnedMutexGuard;
use vault::{Change, NewSecret, Secret};
use wire::act::Act;
use wire::{Failure, Want, exit};
use words::Class;

/// The right to change secrets, until the last copy of it is dropped.
type Turn = Rc<OwnedMutexGuard<()>>;

/// Waits for the right to change secrets.
pub(crate) async fn turn(state: &State) -> Turn {
    Rc::new(state.writing.clone().lock_owned().await)
}

/// Adds, replaces, edits or removes a secret. `act` is what was shown.
///
/// # Errors
/// Where it is no longer what was shown, or can't be recorded or written.
pub(crate) async fn serve(line: &Line, want: Want, act: &Act, values: &[Bytes]) -> Result<Reply, Failure> {
    let turn = turn(&line.state).await;
    facts::still(line, &want, act)?;
    let mut e = entry(line, want.word());
    let existing = match &want {
        Want::Add { name, vault, .. } => {
            e.secret = format!("{vault}/{name}");
            None
        }
        Want::Replace { secret } | Want::Remove { secret } | Want::Edit { secret, .. } => {
            let was = facts::found(line, secret)?;
            e.secret = format!("{}/{}", was.key.vault, was.name);
            e.version = Some(was.version);
            Some(was)
        }
        _ => None,
    };
    if let Want::Add { class, .. } | Want::Edit { class, .. } = &want {
        e.note = described(class);
    }
    let id = record(line, e).await?;
    match (want, &existing, values) {
        (Want::Add { name, vault, class }, None, [value]) => {
            let new = NewSecret { vault, name, class, created_by: None };
            written(line, &turn, Change::Add(new, value)).await?;
        }
        (Want::Replace { .. }, Some(was), [value]) => {
            written(line, &turn, Change::Replace(&was.key, value)).await?;
            if was.class.proposed_by.is_some() {
                let class = Class { proposed_by: None, ..was.class.clone() };
                written(line, &turn, Change::Edit(&was.key, class)).await?;
            }
        }
        (Want::Edit { class, .. }, Some(was), _) => {
            written(line, &turn, Change::Edit(&was.key, class)).await?;
        }
        (Want::Remove { .. }, Some(was), _) => {
            line_changed(line, was);
            written(line, &turn, Change::Remove(&was.key)).await?;
        }
        _ => return Err(Failure::new("bad_act", exit::FAILED, "this act came without its value")),
    }
    if let Some(was) = &existing {
        line_changed(line, was);
    }
    Ok(done(id))
}

fn described(class: &Class) -> String {
    format!("scope {}, tier {}, exposure {}", class.scope, class.tier, class.exposure())
}

/// Yeses that were given for it are void.
fn line_changed(line: &Line, was: &Secret) {
    let id = SecretId { vault: was.key.vault.clone(), record: was.key.record.0 };
    line.state.approvals.secret_changed(&id);
}

async fn written(line: &Line, turn: &Turn, change: Change<'_>) -> Result<Secret, Failure> {
    write(&line.state, turn, change).await.map_err(|e| facts::failure(&e))
}

/// Writes a change and waits for the disk on another thread. Runs to its end even if nobody waits for it any more.
///
/// # Errors
/// The store's.
pub(crate) async fn write(state: &Rc<State>, turn: &Turn, change: Change<'_>) -> vault::Result<Secret> {
    let turn = Rc::clone(turn);
    let write = state.store.borrow_mut().write(change, state.clock.wall())?;
    let state = Rc::clone(state);
    let task = tokio::task::spawn_local(async move {
        let _turn = turn;
        let written = tokio::task::spawn_blocking(move || write.run()).await.ok()?;
        Some(state.store.borrow_mut().written(written))
    });
    // Neither task panics; one that was dropped has written nothing that counts.
    task.await.ok().flatten().unwrap_or(Err(vault::Error::NotFound))
}
