//! The text of a `.env` file as it was before `svault import --replace`, where the backup and the file still agree.

use crate::app::{Human, unexpected};
use crate::import::source::{FILE_MAX, Place};
use crate::import::{backup, text};
use crate::report::Error;
use secret::Bytes;
use std::path::Path;
use wire::{Granted, Report, Want};
use words::SecretRef;

/// The parts of the newest backup of this file; none: it has none, or has no references that an import would leave.
///
/// # Errors
/// Where the names can't be read.
pub(super) fn backup(human: &mut Human<'_>, path: &Path, now: &[u8]) -> Result<Vec<SecretRef>, Error> {
    let Some(first) = std::str::from_utf8(now).ok().and_then(|now| references(now)?.into_iter().next())
    else {
        return Ok(Vec::new());
    };
    let Some(vault) = first.1.vault else { return Ok(Vec::new()) };
    let place = Place::of(path)?;
    let Report::Secrets(rows) = human.read_proved(Want::List)? else { return Err(unexpected()) };
    let newest = backup::all(&rows, &vault, &place.path).into_iter().next();
    let names = newest.map(|b| b.names).unwrap_or_default();
    Ok(names.into_iter().map(|name| SecretRef { vault: Some(vault.clone()), name }).collect())
}

/// The old text: where the file now is that text with references in the place of values, and each reference stands for
/// the value that was there.
///
/// # Errors
/// When no locked memory can be had.
pub(super) fn whole(
    now: &[u8],
    values: &[(Granted, Bytes)],
    parts: &[(Granted, Bytes)],
) -> Result<Option<Bytes>, Error> {
    if parts.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&Bytes> = parts.iter().map(|(_, bytes)| bytes).collect();
    let old = backup::joined(&parts, FILE_MAX)?;
    let (Ok(old_text), Ok(now)) = (text(&old), std::str::from_utf8(now)) else { return Ok(None) };
    Ok(agrees(old_text, now, values).then_some(old))
}

fn agrees(old: &str, now: &str, values: &[(Granted, Bytes)]) -> bool {
    let Ok(old) = dotenv::parse(old) else { return false };
    let (Ok(olds), Some(references)) = (old.values(|_| None), references(now)) else { return false };
    // Of a name that is there twice the last value was taken in.
    let taken_in = |i: usize| {
        let name = old.entries().get(i)?.name;
        olds.get(old.entries().iter().rposition(|entry| entry.name == name)?)
    };
    let same = |(i, reference): &(usize, SecretRef)| {
        let value = values.iter().find(|(g, _)| g.secret == *reference);
        taken_in(*i).zip(value).is_some_and(|(old, (_, new))| new.ct_eq(old.text.as_bytes()))
    };
    backup::came_from(&old, now) && references.iter().all(same)
}

/// The entries of a `.env` file that are references, with their places. None: it is no such file.
fn references(text: &str) -> Option<Vec<(usize, SecretRef)>> {
    let file = dotenv::parse(text).ok()?;
    let values = file.values(|_| None).ok()?;
    let whole = |(i, value): (usize, &dotenv::Value)| {
        let reference: SecretRef = value.text.parse().ok()?;
        reference.vault.is_some().then_some((i, reference))
    };
    Some(values.iter().enumerate().filter_map(whole).collect())
}
