//! The old text of a file that was replaced: kept in the vault as secrets of their own, in parts that fit, so that it
//! is encrypted, listed, shown through the gate and removed like every other secret.

use crate::report::Error;
use jiff::Timestamp;
use secret::Bytes;
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use wire::SecretRow;
use words::{Class, Name, Scope, Tier, VaultName};

/// What every backup's name begins with.
const PREFIX: &str = "env-backup";
/// Its scope. No caller has it unless a human gives it.
const SCOPE: &str = "svault-backup";
/// Bytes in one part.
const PART: usize = 60 * 1024;

/// A part of a backup.
pub struct Part {
    /// Its name: `env-backup.FILE.DATE.1of1`.
    pub name: Name,
    /// Scope `svault-backup`, tier high.
    pub class: Class,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Which file, in 16 hex digits of the SHA-256 of its path.
fn file_key(path: &Path) -> String {
    let hash: [u8; 32] = Sha256::digest(path.as_os_str().as_bytes()).into();
    wire::hex::encode(&hash[..8])
}

/// The parts of a file's backup.
///
/// # Errors
/// When no locked memory can be had.
pub fn parts(path: &Path, text: &Bytes, now: Timestamp) -> Result<Vec<Part>, Error> {
    let bad = |e: words::BadWord| Error::usage(e.to_string());
    let scope: Scope = SCOPE.parse().map_err(bad)?;
    let count = text.len().div_ceil(PART);
    let date = now.strftime("%Y%m%dT%H%M%S%.3fZ");
    let mut parts = Vec::with_capacity(count);
    for (i, bytes) in text.expose().chunks(PART).enumerate() {
        let mut class = Class::new(scope.clone(), Tier::High);
        let shown = crate::output::foreign(&path.display().to_string(), 300);
        class.description = format!("{shown} before svault import --replace");
        let name = format!("{PREFIX}.{}.{date}.{}of{count}", file_key(path), i + 1);
        parts.push(Part { name: name.parse().map_err(bad)?, class, bytes: Bytes::copy_from(bytes)? });
    }
    Ok(parts)
}

/// A backup as the vault lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// When it was made, as its name says it, such as `20260102T030405.678Z`. No two of a file have the same.
    pub date: String,
    /// Its parts, in order.
    pub names: Vec<Name>,
}

impl Backup {
    /// When it was made, for people and in JSON; as the name has it where it is no date.
    #[must_use]
    pub fn time(&self) -> String {
        let read = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%.fZ", &self.date);
        let time = read.and_then(|t| jiff::tz::TimeZone::UTC.to_timestamp(t));
        time.map_or_else(|_| self.date.clone(), |t| t.to_string())
    }
}

/// The whole backups of a file, the newest first.
#[must_use]
pub fn all(rows: &[SecretRow], vault: &VaultName, path: &Path) -> Vec<Backup> {
    let begins = format!("{PREFIX}.{}.", file_key(path));
    let own = rows.iter().filter(|r| r.vault == *vault && r.class.scope.as_str() == SCOPE);
    let mut found: Vec<(&str, usize, usize, &Name)> = own
        .filter(|r| r.class.proposed_by.is_none())
        .filter_map(|r| {
            let (date, part) = r.name.as_str().strip_prefix(&begins)?.rsplit_once('.')?;
            let (n, of) = part.split_once("of")?;
            Some((date, n.parse().ok()?, of.parse().ok()?, &r.name))
        })
        .collect();
    found.sort_unstable();
    let whole = |parts: &[(&str, usize, usize, &Name)]| {
        let complete = parts.iter().enumerate().all(|(i, f)| f.1 == i + 1 && f.2 == parts.len());
        complete.then(|| Backup {
            date: parts[0].0.to_owned(),
            names: parts.iter().map(|f| f.3.clone()).collect(),
        })
    };
    found.chunk_by(|a, b| a.0 == b.0).rev().filter_map(whole).collect()
}

/// The parts put together, in locked memory.
///
/// # Errors
/// Where they have more than `most` bytes, or no locked memory can be had.
pub fn joined(parts: &[&Bytes], most: usize) -> Result<Bytes, Error> {
    let len = parts.iter().map(|part| part.len()).sum();
    if len > most {
        return Err(crate::app::unexpected());
    }
    let mut whole = Bytes::zeroed(len)?;
    let mut rest = whole.expose_mut();
    for part in parts {
        let (to, after) = rest.split_at_mut(part.len());
        to.copy_from_slice(part.expose());
        rest = after;
    }
    Ok(whole)
}

/// Whether `now` is `old` with references in place of some values, and no other difference.
#[must_use]
pub fn came_from(old: &dotenv::File<'_>, now: &str) -> bool {
    let Ok(new) = dotenv::parse(now) else { return false };
    let Ok(values) = new.values(|_| None) else { return false };
    let references: Vec<(usize, &str)> = values
        .iter()
        .enumerate()
        .filter(|(_, v)| v.text.starts_with("svault://"))
        .map(|(i, v)| (i, v.text.as_str()))
        .collect();
    old.replace(&references).as_str() == now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(part: &Part, vault: &str) -> SecretRow {
        SecretRow {
            name: part.name.clone(),
            vault: vault.parse().unwrap(),
            class: part.class.clone(),
            exposure: part.class.exposure(),
            wider: false,
            version: 1,
            changed: String::new(),
            seen: false,
        }
    }

    #[test]
    fn the_whole_backups_of_this_file_are_found_the_newest_first() {
        let main: VaultName = "main".parse().unwrap();
        let text = Bytes::copy_from(&[b'x'; PART * 11 + 1]).unwrap();
        let at =
            |path: &str, s: i64| parts(Path::new(path), &text, Timestamp::from_second(s).unwrap()).unwrap();
        let (old, new, other) = (at("/p/.env", 100), at("/p/.env", 200), at("/q/.env", 300));
        assert_eq!(old.iter().map(|p| p.bytes.len()).sum::<usize>(), text.len());
        let rows = |all: &[&[Part]]| -> Vec<SecretRow> {
            all.iter().flat_map(|parts| parts.iter().map(|p| row(p, "main"))).rev().collect()
        };
        let names = |parts: &[Part]| parts.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        let found = |rows: &[SecretRow], vault: &str, path: &Path| {
            let all = all(rows, &vault.parse().unwrap(), path);
            all.into_iter().map(|b| b.names).collect::<Vec<_>>()
        };
        let path = Path::new("/p/.env");
        assert_eq!(found(&rows(&[&old, &new, &other]), "main", path), [names(&new), names(&old)]);
        assert_eq!(found(&rows(&[&old, &new[1..], &other]), "main", path), [names(&old)]);
        assert!(found(&rows(&[&other]), "main", path).is_empty());
        assert!(found(&rows(&[&old]), "other", path).is_empty());
        // An agent may propose a secret of that name; its content is not put into a file.
        let mut proposed = rows(&[&old]);
        proposed.iter_mut().for_each(|r| r.class.proposed_by = Some("codex".parse().unwrap()));
        assert!(found(&proposed, "main", path).is_empty());
        let newest = all(&rows(&[&new]), &main, path).remove(0);
        assert_eq!(
            (newest.date.as_str(), newest.time().as_str()),
            ("19700101T000320.000Z", "1970-01-01T00:03:20Z")
        );
    }

    #[test]
    fn only_values_may_differ_and_only_by_references() {
        let old = dotenv::parse("# c\nA='x' # d\nB=1\n").unwrap();
        assert!(came_from(&old, "# c\nA='svault://main/A' # d\nB=1\n"));
        assert!(came_from(&old, "# c\nA='x' # d\nB=1\n"));
        for now in [
            "# c\nA='svault://main/A' # d\nB=2\n",
            "# c\nA='svault://main/A' # e\nB=1\n",
            "# c\nA='svault://main/A' # d\nB=1\nC=3\n",
            "A='svault://main/A'\nB=1\n",
            "# c\nA=svault://main/A # d\nB=1\n",
            "\"",
            "",
        ] {
            assert!(!came_from(&old, now), "{now}");
        }
    }
}
