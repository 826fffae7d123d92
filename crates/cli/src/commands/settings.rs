//! `svault settings show|set`.

use crate::app::{App, Consent, unexpected};
use crate::args::Proof;
use crate::output::{Out, foreign};
use crate::report::Outcome;
use crate::table::Table;
use clap::{Args, Subcommand};
use serde_json::json;
use wire::{Report, SettingsRow, Want};

/// Read and change the store's settings
#[derive(Debug, Subcommand)]
pub enum Settings {
    Show(Show),
    Set(Set),
}

/// Print the settings
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault settings show")]
pub struct Show {
    #[command(flatten)]
    proof: Proof,
}

/// Change settings; what is not named stays
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svault settings set --zone Europe/Berlin\n  \
                        svault settings set --notify \"$HOME/bin/tell-my-phone\"")]
#[group(id = "what", required = true, multiple = true)]
pub struct Set {
    /// The time zone that windows are in, as in Europe/Berlin
    #[arg(long, group = "what")]
    zone: Option<String>,
    /// A program that is told of each waiting request, by its absolute path: it gets the request's
    /// id and its caller as arguments
    #[arg(long, value_name = "PROGRAM", group = "what", conflicts_with = "no_notify")]
    notify: Option<String>,
    /// Tell no program of waiting requests
    #[arg(long, group = "what")]
    no_notify: bool,
    #[command(flatten)]
    proof: Proof,
}

impl Settings {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Settings::Show(c) => c.run(app),
            Settings::Set(c) => c.run(app),
        }
    }
}

impl Show {
    fn run(self, app: &App) -> Outcome {
        let Report::Settings(row) = app.human(self.proof).read(Want::SettingsShow)? else {
            return Err(unexpected());
        };
        app.out.answer(json!({"zone": row.zone, "notify": row.notify}), |out| table(&row, out))?;
        Ok(wire::exit::DONE)
    }
}

fn table(row: &SettingsRow, out: &Out) -> String {
    let mut table = Table::new(&["SETTING", "VALUE"], 1);
    table.row(vec!["zone".into(), foreign(&row.zone, 100)]);
    table.row(vec!["notify".into(), row.notify.as_ref().map_or_else(|| "-".into(), |n| foreign(n, 1024))]);
    table.text(out)
}

impl Set {
    fn run(self, app: &App) -> Outcome {
        let notify = if self.no_notify { Some(String::new()) } else { self.notify };
        let want = Want::SettingsSet { zone: self.zone.clone(), notify: notify.clone() };
        let id = app.human(self.proof).act(want, Vec::new(), Consent::Named)?.id();
        let mut said = json!({"id": id});
        if let Some(zone) = &self.zone {
            said["zone"] = json!(zone);
        }
        if let Some(notify) = &notify {
            said["notify"] = json!(Some(notify).filter(|program| !program.is_empty()));
        }
        app.out.answer(said, |_| {
            let zone = self.zone.iter().map(|zone| format!("windows are in {zone} now\n"));
            let told = notify.iter().map(|program| match program.as_str() {
                "" => "no program is told of waiting requests any more\n".to_owned(),
                program => format!("{program} is told of waiting requests now\n"),
            });
            zone.chain(told).collect()
        })?;
        Ok(wire::exit::DONE)
    }
}
