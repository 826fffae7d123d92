//! `svault status`.

use crate::app::App;
use crate::output::{Out, foreign, shown};
use crate::report::{Error, Outcome};
use crate::table::pairs;
use crate::times;
use clap::Args;
use serde_json::{Value, json};
use wire::StatusReport;

/// Say whether the store is unlocked, for how long, and what waits
///
/// Needs no proof and tells nothing about secrets. Exit code 3 when locked.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault status --json")]
pub struct Status {}

impl Status {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let store = app.store()?;
        let place = store.real().display().to_string();
        let status = match app.connect(None) {
            Err(e) if e.code == "locked" => return locked(app, &place),
            other => other?.status()?,
        };
        let mut object = serde_json::to_value(&status).unwrap_or_default();
        if let Value::Object(map) = &mut object {
            map.insert("state".into(), "unlocked".into());
            map.insert("store".into(), place.clone().into());
        }
        app.out.answer(object, |out| text(&status, &place, out))?;
        Ok(wire::exit::DONE)
    }
}

/// The state is the answer, the exit code says it too.
fn locked(app: &App, place: &str) -> Outcome {
    if app.out.json() {
        return Err(Error::locked().with("state", json!("locked")).with("store", json!(place)));
    }
    app.out.text(&pairs(&[
        ("state", "locked: a human must run 'svault unlock'".into()),
        ("store", shown(place)),
    ]))?;
    Ok(wire::exit::LOCKED)
}

fn text(s: &StatusReport, place: &str, out: &Out) -> String {
    let weak: Vec<&str> = s.protection.iter().filter(|p| !p.holds).map(|p| p.name.as_str()).collect();
    let mine: Vec<&str> = s.own_waiting.iter().map(words::Id::as_str).collect();
    pairs(&[
        ("state", format!("{}, locks in {}", out.style("unlocked", "34"), times::span(s.locks_in))),
        ("store", shown(place)),
        ("since", times::shown(&s.since)),
        ("daemon", format!("process {}", s.pid)),
        ("you are", format!("{} ({})", s.caller, s.evidence)),
        (
            "waiting",
            match s.waiting {
                0 => "nothing".to_owned(),
                n => format!("{n} for a human: svault pending"),
            },
        ),
        ("yours", mine.join(" ")),
        (
            "redaction",
            if s.rules_only { "rules only for now: too much text, or too many secrets in it" } else { "" }
                .to_owned(),
        ),
        ("trail", trail(s)),
        ("vaults", vaults(s).map_or_else(String::new, |shut| format!("{shut}: svault vault list"))),
        ("memory", if s.memory_locked { "locked" } else { "not locked: keys may reach the swap" }.to_owned()),
        (
            "missing",
            if weak.is_empty() { String::new() } else { format!("{}: svault doctor", weak.join(", ")) },
        ),
    ])
}

/// The vaults that can't be opened, where there are any.
pub fn vaults(s: &StatusReport) -> Option<String> {
    match s.vaults_shut {
        0 => None,
        1 => Some("one is shut".to_owned()),
        n => Some(format!("{n} are shut")),
    }
}

/// How the trail is, in a few words.
pub fn trail(s: &StatusReport) -> String {
    match (&s.trail_damage, s.trail_ok) {
        (Some(why), _) => format!("broken: {}", foreign(why, 200)),
        (None, false) => "takes no records: every request is denied".to_owned(),
        (None, true) => format!("ok{}", super::audit::but_for(&s.trail_lost)),
    }
}
