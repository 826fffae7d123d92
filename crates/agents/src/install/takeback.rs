//! What uninstall would change.

use super::MARK;
use super::disk::{Found, Trouble};
use super::plan::{Change, Plan, find, taken_back, without};
use super::record::{Known, Record, hash};
use crate::clients::{Content, Place, Target, spec};
use crate::config::{self, Format};
use crate::{Client, Machine, Svault};
use std::path::Path;

/// What has to change so that nothing of install is left for these clients. A file that is as install left it gets its
/// old bytes back; in one that was changed since, only what is ours goes.
#[must_use]
pub fn uninstall(
    machine: &Machine,
    svault: &Svault,
    record: &Record,
    place: Place<'_>,
    clients: &[Client],
) -> Plan {
    let project = match place {
        Place::User => None,
        Place::Project(folder) => Some(folder),
    };
    let mut plan = Plan { project: project.map(Path::to_owned), ..Plan::default() };
    let targets: Vec<(Client, Target)> = clients
        .iter()
        .flat_map(|&c| spec(c).targets(machine, svault, place).into_iter().map(move |t| (c, t)))
        .collect();
    for known in record.files().iter().filter(|k| k.project.as_deref() == project) {
        let leaving = |name: &String| clients.iter().any(|c| c.as_str() == name);
        let Some(client) = known.clients.iter().find(|n| leaving(n)).and_then(|n| n.parse().ok()) else {
            continue;
        };
        let stays: Vec<String> = known.clients.iter().filter(|n| !leaving(n)).cloned().collect();
        if !stays.is_empty() {
            plan.notes.push(format!("{} stays: {} uses it too", known.path.display(), stays.join(", ")));
            plan.stays.push(Known { clients: stays, ..known.clone() });
            continue;
        }
        match from_record(&mut plan, known, &targets, machine, record, place) {
            Ok(()) => {}
            Err(trouble) => plan.troubles.push((client, trouble)),
        }
    }
    for (client, target) in &targets {
        let done = plan.changes.iter().any(|c| c.found.path == target.path);
        if !done && record.file(&target.path).is_none() {
            match from_what_is_there(&mut plan, *client, target, machine, place) {
                Ok(()) => {}
                Err(trouble) => plan.troubles.push((*client, trouble)),
            }
        }
    }
    plan
}

fn from_record(
    plan: &mut Plan,
    known: &Known,
    targets: &[(Client, Target)],
    machine: &Machine,
    record: &Record,
    place: Place<'_>,
) -> Result<(), Trouble> {
    let clients: Vec<Client> = known.clients.iter().filter_map(|n| n.parse().ok()).collect();
    let target = targets.iter().map(|(_, t)| t).find(|t| t.path == known.path);
    // Settings may have been moved by a variable since: then the record alone tells.
    let base = target.map_or(known.path.as_path(), |t| t.base.as_path());
    let found = find(&known.path, base, machine, place)?;
    let Some(now) = found.bytes.clone() else {
        plan.notes.push(format!(
            "{} is gone; if it was moved, svault's entries went with it",
            known.path.display()
        ));
        plan.changes.push(Change::back(found, None, clients));
        return Ok(());
    };
    if known.after == hash(&now) {
        let lost =
            || Trouble::io(&known.path)(std::io::Error::other("the copy of what was there before is gone"));
        let before = known.before.as_ref().map(|h| record.kept(h).ok_or_else(lost)).transpose()?;
        plan.changes.push(Change::back(found, before, clients));
        return Ok(());
    }
    let format = format_of(target, &known.path);
    // What can't be read now can be taken back when it has been mended.
    format.map_or(Ok(()), |format| readable(format, &found))?;
    let new = match format.and_then(|f| taken_back(f, known, record, &now)) {
        Some(new) => new.map(String::into_bytes),
        None if known.before.as_ref().is_some_and(|h| *h == hash(&now)) => Some(now),
        None => {
            plan.notes.push(format!(
                "{} was changed since and is left as it is; look for svault in it",
                known.path.display()
            ));
            Some(now)
        }
    };
    plan.changes.push(Change::back(found, new, clients));
    Ok(())
}

/// Fails where a file can't be read as what it should be.
fn readable(format: Format, found: &Found) -> Result<(), Trouble> {
    let Some(text) = found.text()? else { return Ok(()) };
    config::read(format, text).map(drop).map_err(|error| Trouble::Config { path: found.path.clone(), error })
}

fn format_of(target: Option<&Target>, path: &Path) -> Option<Format> {
    match target.map(|t| &t.content) {
        Some(Content::Edits(format, _)) => Some(*format),
        Some(Content::Whole { .. }) => None,
        None => match path.extension()?.to_str()? {
            "json" | "jsonc" => Some(Format::Json),
            "toml" => Some(Format::Toml),
            "yml" | "yaml" => Some(Format::Yaml),
            _ => None,
        },
    }
}

/// A file of which no record tells: what starts svault goes.
fn from_what_is_there(
    plan: &mut Plan,
    client: Client,
    target: &Target,
    machine: &Machine,
    place: Place<'_>,
) -> Result<(), Trouble> {
    let found = match find(&target.path, &target.base, machine, place) {
        Ok(found) => found,
        // Nothing of ours is where install would not have written.
        Err(Trouble::Link { .. } | Trouble::NotFile(_) | Trouble::TooLarge(_) | Trouble::NotOurs(_)) => {
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    let Some(now) = &found.bytes else { return Ok(()) };
    if let Content::Edits(format, _) = &target.content
        && String::from_utf8_lossy(now).contains("svault")
    {
        readable(*format, &found)?;
    }
    let new = match &target.content {
        Content::Edits(format, edits) => without(*format, now, |tree| config::left_over(tree, edits))
            .map_err(|error| Trouble::Config { path: target.path.clone(), error })?
            .map(Some),
        Content::Whole { .. } => String::from_utf8_lossy(now).contains(MARK).then_some(None),
    };
    if let Some(new) = new {
        plan.notes.push(format!(
            "{}: there is no record of what was there before; only what starts svault is taken out",
            target.path.display()
        ));
        plan.changes.push(Change::back(found, new, vec![client]));
    }
    Ok(())
}
