//! The store's settings: the time zone that windows are in, and the user's own program that is told of waiting requests.

use super::acts::{changed, done, entry, record, undone};
use super::answer::Reply;
use super::connection::Line;
use super::{change, facts};
use jiff::tz::TimeZone;
use std::os::unix::fs::PermissionsExt;
use wire::act::{Act, Facts};
use wire::{Failure, SettingsRow, Want, exit};

/// The longest path of a program.
const PATH: usize = 1024;

/// As they are.
///
/// # Errors
/// When their record can't be read.
pub(crate) fn shown(line: &Line) -> Result<SettingsRow, Failure> {
    let settings = line.state.store.borrow().settings().map_err(|e| facts::failure(&e))?;
    Ok(SettingsRow { zone: settings.zone, notify: settings.notify })
}

/// What a human is to know before they change: what they are now.
///
/// # Errors
/// Where they can't be changed so, and why.
pub(super) fn facts(
    line: &Line,
    zone: Option<&str>,
    notify: Option<&str>,
    facts: &mut Facts,
) -> Result<(), Failure> {
    if zone.is_none() && notify.is_none() {
        let hint = "svault settings set --zone ZONE, --notify PROGRAM or --no-notify";
        return Err(Failure::new("no_setting", exit::USAGE, "no setting is named").hint(hint));
    }
    let now = shown(line)?;
    if let Some(zone) = zone {
        known(zone)?;
        facts.notes.push(format!("the zone is {} now", now.zone));
    }
    if let Some(program) = notify {
        startable(program)?;
        let now = now.notify.unwrap_or_else(|| "nothing".into());
        facts.notes.push(format!("told of requests is {now} now"));
    }
    Ok(())
}

/// Puts them in place. Windows count in the new zone from the next look on. `act` is what was shown.
///
/// # Errors
/// Where it is no longer what was shown, or can't be recorded or written: nothing is changed then.
pub(super) async fn set(line: &Line, want: Want, act: &Act) -> Result<Reply, Failure> {
    let _turn = change::turn(&line.state).await;
    facts::still(line, &want, act)?;
    let Want::SettingsSet { zone, notify } = want else { return Err(changed()) };
    let found = zone.as_deref().map(known).transpose()?;
    let mut settings = line.state.store.borrow().settings().map_err(|e| facts::failure(&e))?;
    let mut e = entry(line, "settings_set");
    let said = [zone.as_ref().map(|z| format!("zone {z}")), notify.as_ref().map(|n| format!("notify {n}"))];
    e.note = said.into_iter().flatten().collect::<Vec<_>>().join(", ").trim_end().to_owned();
    let id = record(line, e.clone()).await?;
    settings.zone = zone.unwrap_or(settings.zone);
    if let Some(program) = notify {
        settings.notify = Some(program).filter(|program| !program.is_empty());
    }
    let set = line.state.store.borrow_mut().set_settings(&settings).map_err(|e| facts::failure(&e));
    undone(line, &e, set)?;
    if let Some(zone) = found {
        line.state.rules.borrow_mut().zone = zone;
    }
    line.state.life.notify_with(settings.notify.as_deref());
    Ok(done(id))
}

/// The zone of this name.
fn known(zone: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(zone).map_err(|e| {
        Failure::new("no_zone", exit::USAGE, format!("this time zone is not known here: {e}"))
            .hint("name one as in Europe/Berlin")
    })
}

/// Whether a program can be started by this path; none at all is no program.
fn startable(program: &str) -> Result<(), Failure> {
    let no = |why: &str| {
        Err(Failure::new("no_program", exit::USAGE, format!("the program to tell {why}"))
            .hint("name one by its absolute path; it gets the request's id and its caller as arguments"))
    };
    if program.is_empty() {
        return Ok(());
    }
    if !program.starts_with('/') || program.len() > PATH || program.contains(char::is_control) {
        return no("needs an absolute path");
    }
    match std::fs::metadata(program) {
        Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => no("is no program that can be started"),
        Err(e) => no(&format!("can't be found: {e}")),
    }
}
