//! Whether clients still do what install told them: their files as they are now, what those start, and what in a
//! project stands before them. Nothing here starts or writes anything.

pub mod canary;
mod files;
mod project;

use crate::clients::spec;
use crate::{Client, Machine};

pub use crate::trust::{Trust, codex_trust};
pub use files::{Files, Hook, Server, files};
pub use project::{Shadow, hooks_off, shadows};

/// What a human still has to do, one line each.
#[must_use]
pub fn clicks(machine: &Machine, client: Client) -> &'static [&'static str] {
    let trusted = client == Client::Codex && codex_trust(machine).is_some_and(|trust| trust.holds());
    if trusted {
        &["restart running sessions: hooks and servers are read at the start"]
    } else {
        spec(client).clicks
    }
}
