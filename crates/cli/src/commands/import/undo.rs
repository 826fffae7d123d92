//! From one of the vault's backups back into the file, byte for byte.

use super::Import;
use crate::app::{App, Consent, Human, unexpected};
use crate::import::backup::Backup;
use crate::import::source::{FILE_MAX, Place, Source};
use crate::import::{backup, parse, text};
use crate::report::{Error, Outcome};
use crate::table::Table;
use crate::{output, prompt};
use secret::Bytes;
use serde_json::{Value, json};
use wire::{Report, Want, exit};
use words::{Name, SecretRef};

pub(super) fn run(call: &Import, app: &App) -> Outcome {
    let place = Place::of(&call.file)?;
    let now = place.read_if_there()?;
    let mut human = app.human(call.proof);
    human.ready()?;
    let Report::Secrets(rows) = human.read_proved(Want::List)? else { return Err(unexpected()) };
    let path = output::foreign(&place.path.display().to_string(), 300);
    let all = backup::all(&rows, &call.vault, &place.path);
    let chosen = chosen(call, &all, &path)?;
    if call.dry_run {
        return only_told(call, app, &all, chosen, &path);
    }
    if !call.yes && call.proof.passphrase_fd.is_none() && prompt::possible() {
        let question = format!("Write the old values back into {path}, readable to every program of yours?");
        if !prompt::confirm(&question)? {
            return Err(Error::cancelled());
        }
    }
    let old = read(&mut human, call, &chosen.names)?;
    let same = now.as_ref().is_some_and(|now| now.bytes.ct_eq(old.expose()));
    if !same {
        if let (Some(now), false) = (&now, call.force) {
            untouched(&old, now, &path)?;
        }
        place.put(text(&old)?, now.as_ref(), &mut |_| Ok(()))?;
    }
    let object = json!({
        "restored": place.path.display().to_string(), "changed": !same, "vault": call.vault,
        "backup": chosen.names, "date": chosen.date, "backups": listed(&all),
    });
    app.out.answer(object, |_| said(call, &all, chosen, same, &path))?;
    Ok(exit::DONE)
}

/// The backup that was named, else the newest.
fn chosen<'b>(call: &Import, all: &'b [Backup], path: &str) -> Result<&'b Backup, Error> {
    let found = match &call.backup {
        None => all.first(),
        Some(date) => all.iter().find(|b| b.date == *date),
    };
    found.ok_or_else(|| {
        let which = match &call.backup {
            Some(date) if !all.is_empty() => format!(" of {}", output::foreign(date, 64)),
            _ => String::new(),
        };
        let text = format!("there is no backup{which} of {path} in vault '{}'", call.vault);
        let hint = if which.is_empty() {
            "another vault? --vault VAULT; see 'svault list'".to_owned()
        } else {
            format!("'{} --dry-run' shows those that are there", call.way_back())
        };
        Error::new("no_backup", exit::FAILED, text).hint(hint)
    })
}

/// Nothing but values was changed in the file since the backup.
fn untouched(old: &Bytes, now: &Source, path: &str) -> Result<(), Error> {
    let old = text(old)?;
    if text(&now.bytes).is_ok_and(|now| parse(old).is_ok_and(|f| backup::came_from(&f, now))) {
        return Ok(());
    }
    let text = format!("{path} has changed since it was replaced; it was left as it is");
    Err(Error::new("file_changed", exit::FAILED, text)
        .hint("what was changed would be lost: --force, or copy it first"))
}

fn only_told(call: &Import, app: &App, all: &[Backup], chosen: &Backup, path: &str) -> Outcome {
    let object = json!({
        "dry_run": true, "file": path, "vault": call.vault, "backup": chosen.names, "date": chosen.date,
        "backups": listed(all),
    });
    app.out.answer(object, |_| {
        let mut table = Table::new(&["BACKUP", "MADE", "PARTS", "NOTE"], 3);
        for backup in all {
            let note = if backup == chosen { "would be written back" } else { "" };
            let parts = backup.names.len().to_string();
            table.row(vec![backup.date.clone(), backup.time(), parts, note.to_owned()]);
        }
        format!("{}\nanother of them: {} --backup DATE\n", table.text(&app.out), call.way_back())
    })?;
    Ok(exit::DONE)
}

fn listed(all: &[Backup]) -> Vec<Value> {
    all.iter().map(|b| json!({"date": b.date, "made": b.time(), "names": b.names})).collect()
}

fn said(call: &Import, all: &[Backup], chosen: &Backup, same: bool, path: &str) -> String {
    let (date, made) = (&chosen.date, chosen.time());
    let mut text = if same {
        format!("{path} is already as backup {date} has it (made {made}); nothing was changed.\n")
    } else {
        format!("{path} is as it was before 'import --replace' of {made} (backup {date}).\n")
    };
    let older = all.iter().skip_while(|b| *b != chosen).nth(1);
    if let Some(older) = older {
        text.push_str(&format!("One step further back: {} --backup {}\n", call.way_back(), older.date));
    }
    text.push_str(&format!(
        "Its secrets and its backups stay in vault {}; 'svault remove' ends them.\n",
        call.vault
    ));
    text
}

/// The parts, each through the gate, put together in locked memory.
fn read(human: &mut Human<'_>, call: &Import, names: &[Name]) -> Result<Bytes, Error> {
    let mut parts = Vec::with_capacity(names.len());
    for name in names {
        let secret = SecretRef { vault: Some(call.vault.clone()), name: name.clone() };
        parts.extend(human.act(Want::Show { secret }, Vec::new(), Consent::Named)?.released()?.1);
    }
    backup::joined(&parts.iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), FILE_MAX)
}
