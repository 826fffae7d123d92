//! New key slots for the store: a new passphrase, a new recovery code. A new epoch, so that an old copy of the file
//! with the old passphrase opens nothing of today.

use super::acts::{done, entry, record, undone};
use super::answer::Reply;
use super::connection::Line;
use super::facts;
use crate::clock::Clock;
use crate::presence::Windows;
use crate::state::segments::Lent;
use jiff::Timestamp;
use seal::{SlotKeys, SlotSpec};
use secret::{Bytes, Key};
use vault::SlotChange;
use wire::act::Facts;
use wire::{Failure, HexBytes, Want, code, exit};

/// Whether these slots can be the store's, and what a human should know of it.
///
/// # Errors
/// For another epoch than the next one, or slots that can't be read.
pub(crate) fn check(line: &Line, want: &Want, facts: &mut Facts) -> Result<(), Failure> {
    let Want::Slots { epoch, slots } = want else { return Ok(()) };
    specs(slots)?;
    is_next(line, *epoch)?;
    let store = line.state.store.borrow();
    facts.notes.push(format!(
        "{} key slots end: their passphrases and codes open nothing any more",
        store.slots().len()
    ));
    facts.notes.push("who held the old keys can still read the trail up to now".into());
    Ok(())
}

fn is_next(line: &Line, epoch: u64) -> Result<(), Failure> {
    if epoch == line.state.store.borrow().epoch() + 1 {
        return Ok(());
    }
    let text = "the store's slots have changed meanwhile; repeat it";
    Err(Failure::new(code::ACT_CHANGED, exit::FAILED, text))
}

fn specs(slots: &[HexBytes]) -> Result<Vec<SlotSpec>, Failure> {
    let read = |s: &HexBytes| {
        SlotSpec::decode(&s.0).map_err(|e| Failure::new("bad_slots", exit::FAILED, e.to_string()))
    };
    slots.iter().map(read).collect()
}

fn key(bytes: &Bytes) -> Result<Key, Failure> {
    let bad = || Failure::new("bad_slots", exit::FAILED, "a slot's key must have 32 bytes");
    let array: &[u8; Key::LEN] = bytes.expose().try_into().map_err(|_| bad())?;
    Key::copy_from(array).map_err(|e| Failure::new("machine", exit::FAILED, e.to_string()))
}

/// Changes the slots. Values: wrap key, commit and K_p for each.
///
/// # Errors
/// Where it can't be recorded or written.
pub(crate) async fn serve(
    line: &Line,
    epoch: u64,
    slots: &[HexBytes],
    values: Vec<Bytes>,
) -> Result<Reply, Failure> {
    let mut new = Vec::new();
    for (spec, keys) in specs(slots)?.into_iter().zip(values.chunks_exact(3)) {
        let keys = SlotKeys { wrap: key(&keys[0])?, commit: key(&keys[1])?, presence: key(&keys[2])? };
        new.push((spec, keys));
    }
    drop(values);
    let _turn = super::change::turn(&line.state).await;
    // Another change may have come first. Keys for an epoch that is not the next one would open nothing ever again.
    is_next(line, epoch)?;
    let mut e = entry(line, "slots");
    e.note = format!("{} new slots, epoch {epoch}", new.len());
    let id = record(line, e.clone()).await?;
    let snapshot = line.state.limits.borrow().snapshot();
    let now = line.state.clock.wall();
    let changed = line.state.store.borrow_mut().change_slots(&new, now).map_err(|e| facts::failure(&e));
    let changed = match changed {
        Err(why) if line.state.store.borrow().epoch() != epoch => return undone(line, &e, Err(why)),
        changed => changed,
    };
    // Whatever comes now, the old keys are no longer the store's: what was opened or said yes to with them is shut.
    *line.state.windows.borrow_mut() = Windows::new();
    line.state.approvals.slots_changed();
    let Some(but) = rest(line, changed, &snapshot, now) else { return Ok(done(id)) };
    let text = format!("the old passphrases and codes have ended, the new ones open the store; but {but}");
    Err(Failure::new(code::SLOTS_BUT, exit::FAILED, text).hint("see 'svault vault list' and 'svault status'"))
}

/// What there is to do once the new slots are in force. None: all of it is done; else what is not, for people.
fn rest(
    line: &Line,
    changed: Result<SlotChange, Failure>,
    snapshot: &[u8],
    now: Timestamp,
) -> Option<String> {
    let change = match changed {
        Ok(change) => change,
        Err(why) => {
            return Some(format!("the rest of the change is made at the next unlock: {}", why.message));
        }
    };
    let mut store = line.state.store.borrow_mut();
    let begun = line.state.trail.borrow_mut().new_segment(&mut Lent(&mut store), snapshot, None, now);
    if let Err(e) = begun {
        return Some(format!(
            "the trail goes on in a file that the old keys can read until the next unlock: {e}"
        ));
    }
    let shut = change.not_rotated.first()?;
    Some(format!("vault '{shut}' can't be written and keeps its old key until the next unlock"))
}
