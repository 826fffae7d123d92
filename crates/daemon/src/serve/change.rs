//! Changes of secrets: recorded, then written, then durable before the answer. From the last look at what was shown to
//! the write nobody else changes anything.

use super::acts::{done, entry, no_record, record, undone};
use super::answer::Reply;
use super::connection::Line;
use super::facts;
use crate::clock::Clock;
use crate::gate::SecretId;
use crate::state::State;
use audit::{Durable, Entry};
use secret::Bytes;
use std::rc::Rc;
use tokio::sync::OwnedMutexGuard;
use vault::{Change, NewSecret, Secret};
use wire::act::Act;
use wire::{Failure, Want, exit};
use words::Class;

/// The right to change secrets, until the last copy of it is dropped.
pub(super) type Turn = Rc<OwnedMutexGuard<()>>;

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
    let want = match want {
        Want::Add { name, vault, class } => {
            let [value] = values else { return Err(no_value()) };
            let new = NewSecret { vault, name: name.clone(), class, created_by: None };
            add(line, &turn, &e, new, value).await?;
            line.state.wishes.borrow_mut().added(&name);
            return Ok(done(e.id));
        }
        want => want,
    };
    let id = record(line, e.clone()).await?;
    let made = make(line, &turn, want, existing.as_ref(), values).await;
    undone(line, &e, made)?;
    if let Some(was) = &existing {
        line_changed(line, was);
    }
    Ok(done(id))
}

async fn make(
    line: &Line,
    turn: &Turn,
    want: Want,
    existing: Option<&Secret>,
    values: &[Bytes],
) -> Result<(), Failure> {
    match (want, existing, values) {
        (Want::Replace { .. }, Some(was), [value]) => {
            let change = match &was.class.proposed_by {
                None => Change::Replace(&was.key, value),
                Some(_) => Change::Confirm(&was.key, value),
            };
            written(line, turn, change).await?;
        }
        (Want::Edit { class, .. }, Some(was), _) => {
            written(line, turn, Change::Edit(&was.key, class)).await?;
        }
        (Want::Remove { .. }, Some(was), _) => {
            line_changed(line, was);
            written(line, turn, Change::Remove(&was.key)).await?;
        }
        _ => return Err(no_value()),
    }
    Ok(())
}

fn no_value() -> Failure {
    Failure::new("bad_act", exit::FAILED, "this act came without its value")
}

/// Adds a secret: its record is written before it, and both are durable before this returns. They wait for the disk
/// together: a new secret changes nothing that was there, so a power cut may leave either of the two alone. Where only
/// the secret fails, the trail says so under the same id.
///
/// # Errors
/// When it can't be recorded, and the store's.
pub(crate) async fn add(
    line: &Line,
    turn: &Turn,
    recorded: &Entry,
    new: NewSecret,
    value: &Bytes,
) -> Result<(), Failure> {
    let state = &line.state;
    let (ticket, due) = state.append(recorded, Durable::Now).map_err(|_| no_record())?;
    let (durable, made) = tokio::join!(state.durable(ticket), write(state, turn, Change::Add(new, value)));
    let made = undone(line, recorded, made.map_err(|e| facts::failure(&e)));
    state.keep(due).await;
    made?;
    durable.map_err(|_| {
        let text = "it was added, but its record in the trail may be lost: the disk failed";
        Failure::new("record_in_doubt", exit::FAILED, text)
            .hint("svault lock, then svault unlock and svault list")
    })
}

fn described(class: &Class) -> String {
    format!("scope {}, tier {}, exposure {}", class.scope, class.tier, class.exposure())
}

/// Yeses that were given for it are void.
pub(super) fn line_changed(line: &Line, was: &Secret) {
    let id = SecretId { vault: was.key.vault.clone(), record: was.key.record.0 };
    let void = line.state.approvals.secret_changed(&id);
    line.state.ended(void, "its secret was changed");
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
