//! Is an AI agent among the parents of this process? A guard rail that keeps a human from typing a passphrase into an
//! agent's terminal; no boundary: a program that wants to be missed starts svault another way.

use crate::{Connection, Error, Result, os};
use wire::paths::StoreDir;
use words::Door;

/// The agent that this process runs under, as [`wire::agents`] knows them.
#[must_use]
pub fn under_agent() -> Option<&'static str> {
    os::ancestors().iter().find_map(|p| wire::agents::named(p.exe.as_deref(), &p.argv))
}

/// To be called before a passphrase, code or value is asked for or read.
///
/// # Errors
/// [`Error::UnderAgent`].
pub fn may_type() -> Result<()> {
    match under_agent() {
        Some(agent) => Err(Error::UnderAgent(agent.to_owned())),
        None => Ok(()),
    }
}

/// The same for a store that may be unlocked: its daemon knows the callers of the policy too.
///
/// # Errors
/// [`Error::UnderAgent`].
pub fn may_type_for(store: &StoreDir) -> Result<()> {
    may_type()?;
    // Where nobody answers, or somebody else, what follows says so.
    Connection::open(store, Door::Cli, None).map_or(Ok(()), Connection::may_prove)
}
