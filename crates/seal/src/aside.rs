//! What was found after the last good entry of a file, kept beside it for a human to look at: at most four of them.

use crate::{
    disk::{Disk, File, Open},
    error::{Error, Result},
    temp::sync_folder,
};
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

/// So much of a tail is kept: more than anything that is written at once.
const MOST: u64 = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// How many are kept for one file; the oldest makes room.
pub const MAX_ASIDE: usize = 4;

/// The names that tails of the file at `path` may have, the oldest first.
#[must_use]
pub fn aside_paths(path: &Path) -> [PathBuf; MAX_ASIDE] {
    [1, 2, 3, 4].map(|n| beside(path, &format!("aside-{n}")))
}

/// Copies a part of `file` beside it, durably, and says where to; of a long one the beginning. Where that fails, nothing is
/// left of it, and what was kept before stays.
pub(crate) fn keep(disk: &dyn Disk, path: &Path, file: &dyn File, part: Range<u64>) -> Result<PathBuf> {
    let to = beside(path, "aside-new");
    match disk.remove(&to) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(&to, "remove", e)),
        _ => {}
    }
    if let Err(e) = copy(disk, path, file, part, &to) {
        // Else a disk that is full stays so.
        let _ = disk.remove(&to);
        return Err(e);
    }
    let name = free_name(disk, path)?;
    disk.rename(&to, &name).map_err(|e| Error::io(&to, "rename", e))?;
    sync_folder(disk, path)?;
    Ok(name)
}

fn copy(disk: &dyn Disk, path: &Path, file: &dyn File, part: Range<u64>, to: &Path) -> Result<()> {
    let out = disk.open(to, Open::CreateNew).map_err(|e| Error::io(to, "create", e))?;
    let mut buf = vec![0; 64 * 1024];
    let (mut at, end) = (part.start, part.end.min(part.start.saturating_add(MOST)));
    while at < end {
        let len = buf.len().min(usize::try_from(end - at).unwrap_or(buf.len()));
        let chunk = &mut buf[..len];
        file.read_exact_at(chunk, at).map_err(|e| Error::io(path, "read", e))?;
        out.write_at(chunk, at - part.start).map_err(|e| Error::io(to, "write", e))?;
        at += len as u64;
    }
    out.sync_all().map_err(|e| Error::io(to, "sync", e))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".{end}"));
    name.into()
}

fn free_name(disk: &dyn Disk, path: &Path) -> Result<PathBuf> {
    let names = aside_paths(path);
    for name in &names {
        if disk.stat(name).map_err(|e| Error::io(name, "look for", e))?.is_none() {
            return Ok(name.clone());
        }
    }
    disk.remove(&names[0]).map_err(|e| Error::io(&names[0], "remove", e))?;
    for pair in names.windows(2) {
        disk.rename(&pair[1], &pair[0]).map_err(|e| Error::io(&pair[1], "rename", e))?;
    }
    Ok(names[MAX_ASIDE - 1].clone())
}
