//! From the vault's backup back into the file, byte for byte.

use super::Import;
use crate::app::{App, Consent, Human, unexpected};
use crate::import::source::{FILE_MAX, Place};
use crate::import::{backup, parse, text};
use crate::report::{Error, Outcome};
use crate::{output, prompt};
use secret::Bytes;
use serde_json::json;
use wire::{Report, Want, exit};
use words::{Name, SecretRef};

pub(super) fn run(call: &Import, app: &App) -> Outcome {
    let place = Place::of(&call.file)?;
    let now = place.read_if_there()?;
    let mut human = app.human(call.proof);
    human.ready()?;
    let Report::Secrets(rows) = human.read_proved(Want::List)? else { return Err(unexpected()) };
    let path = output::foreign(&place.path.display().to_string(), 300);
    let names = backup::newest(&rows, &call.vault, &place.path).ok_or_else(|| {
        let text = format!("there is no backup of {path} in vault '{}'", call.vault);
        Error::new("no_backup", exit::FAILED, text).hint("another vault? --vault VAULT; see 'svault list'")
    })?;
    if !call.yes && call.proof.passphrase_fd.is_none() && prompt::possible() {
        let question = format!("Write the old values back into {path}, readable to every program of yours?");
        if !prompt::confirm(&question)? {
            return Err(Error::cancelled());
        }
    }
    let old = read(&mut human, call, &names)?;
    let old_text = text(&old)?;
    if let (Some(now), false) = (&now, call.force) {
        let untouched =
            text(&now.bytes).is_ok_and(|now| parse(old_text).is_ok_and(|f| backup::came_from(&f, now)));
        if !untouched {
            let text = format!("{path} has changed since it was replaced; it was left as it is");
            return Err(Error::new("file_changed", exit::FAILED, text)
                .hint("what was changed would be lost: --force, or copy it first"));
        }
    }
    place.put(old_text, now.as_ref(), &mut |_| Ok(()))?;
    let object = json!({"restored": place.path.display().to_string(), "vault": call.vault, "backup": names});
    app.out.answer(object, |_| {
        format!(
            "{path} is as it was before. Its secrets and the backup stay in vault {}; 'svault remove' ends them.\n",
            call.vault
        )
    })?;
    Ok(exit::DONE)
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
