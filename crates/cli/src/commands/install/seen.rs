//! What an executable is at this moment: where it really lies, a hash of it, and the store that is asked about it.

use crate::app::App;
use crate::report::Error;
use agents::install::Seen;
use client::StoreHeader;
use std::path::Path;

/// Looks at an executable.
///
/// # Errors
/// When it can't be read.
pub(in crate::commands) fn look(caller: &str, path: &Path, store: &str) -> Result<Seen, Error> {
    let failed = |e: std::io::Error| Error::io("read", path, &e);
    let (file, sha256) = agents::install::fingerprint(path).map_err(failed)?;
    Ok(Seen { caller: caller.to_owned(), path: path.to_owned(), file, sha256, store: store.to_owned() })
}

/// Names the store, whether it is unlocked or not; empty where there is none, or none that can be read.
pub(in crate::commands) fn store(app: &App) -> String {
    let header = app.store().ok().and_then(|store| StoreHeader::read(&store).ok());
    header.map_or_else(String::new, |h| h.file_id().to_string())
}
