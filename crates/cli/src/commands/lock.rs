//! `svault lock`.

use crate::app::App;
use crate::report::Outcome;
use clap::Args;
use serde_json::json;

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

/// Locks; the same for `daemon stop`.
pub fn lock(app: &App) -> Outcome {
    let connection = match app.connect(None) {
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
