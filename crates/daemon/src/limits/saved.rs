//! The counters as bytes, for the beginning of a trail segment (which seals and authenticates them).

use super::Seal;
use super::ring::Ring;
use super::state::{Session, State};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

const VERSION: u32 = 1;

/// Why a snapshot can't be read. Unlock fails then: counters never start at zero by accident.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trail's snapshot of counters can't be read: {0}")]
pub struct BadSnapshot(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved<'a> {
    version: u32,
    counted: u32,
    sessions: Cow<'a, BTreeMap<String, Session>>,
    secrets: Cow<'a, BTreeMap<String, Ring>>,
    seals: Cow<'a, [Seal]>,
}

pub(super) fn write(state: &State) -> Vec<u8> {
    let saved = Saved {
        version: VERSION,
        counted: state.counted,
        sessions: Cow::Borrowed(&state.sessions),
        secrets: Cow::Borrowed(&state.secrets),
        seals: Cow::Borrowed(&state.seals),
    };
    // Maps with text keys, numbers and text: this can't fail, and an empty snapshot could not be read back.
    serde_json::to_vec(&saved).unwrap_or_default()
}

pub(super) fn read(bytes: &[u8]) -> Result<State, BadSnapshot> {
    let saved: Saved<'_> = serde_json::from_slice(bytes).map_err(|e| BadSnapshot(e.to_string()))?;
    if saved.version != VERSION {
        return Err(BadSnapshot(format!("its version is {}", saved.version)));
    }
    Ok(State {
        sessions: saved.sessions.into_owned(),
        secrets: saved.secrets.into_owned(),
        seals: saved.seals.into_owned(),
        counted: saved.counted,
        ..State::default()
    })
}
