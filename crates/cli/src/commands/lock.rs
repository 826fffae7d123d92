//! `svault lock`.

use crate::app::App;
use crate::report::Outcome;
use clap::Args;
use serde_json::json;
use std::time::Duration;

/// Lock now: the keys are wiped and the daemon ends
///
/// Needs no proof. On a locked store it does nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault lock")]
pub struct Lock {}

impl Lock {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        lock(app)
    }
}

/// A daemon that says nothing for so long is ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends a daemon that does not answer. It has acknowledged nothing that is not on the disk.
fn by_force(app: &App) -> Outcome {
    let store = app.store()?;
    let pid = client::end_by_force(&store, client::listener(&store)?)?;
    app.out.answer(json!({"state": "locked", "was": "unlocked", "killed": pid}), |_| {
        format!(
            "locked: the daemon (process {pid}) did not answer and was killed; nothing acknowledged is lost\n"
        )
    })?;
    Ok(wire::exit::DONE)
}

/// Locks; the same for `daemon stop`.
pub fn lock(app: &App) -> Outcome {
    let connection = match app.connect_within(None, PATIENCE) {
        Err(e) if e.code == "no_answer" => return by_force(app),
        Err(e) if e.code == "locked" => {
            app.out.answer(json!({"state": "locked", "was": "locked"}), |_| "locked already\n".to_owned())?;
            return Ok(wire::exit::DONE);
        }
        other => other?,
    };
    connection.lock()?;
    app.out.answer(json!({"state": "locked", "was": "unlocked"}), |_| "locked\n".to_owned())?;
    Ok(wire::exit::DONE)
}
