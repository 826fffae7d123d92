//! What an executable is at this moment: where it really lies, and a hash of it.

use crate::report::Error;
use agents::install::Seen;
use std::path::Path;

/// Looks at an executable.
///
/// # Errors
/// When it can't be read.
pub(in crate::commands) fn look(caller: &str, path: &Path) -> Result<Seen, Error> {
    let failed = |e: std::io::Error| Error::io("read", path, &e);
    let (file, sha256) = agents::install::fingerprint(path).map_err(failed)?;
    Ok(Seen { caller: caller.to_owned(), path: path.to_owned(), file, sha256 })
}
