//! `svault seals`.

use crate::app::{App, unexpected};
use crate::args::Proof;
use crate::output::{Out, foreign};
use crate::report::Outcome;
use crate::table::Table;
use crate::times;
use clap::Args;
use serde_json::json;
use wire::{Report, SealRow, Want};

/// List seals and suspended sessions
///
/// Repeated denials seal a session off from a secret, and two seals suspend the session, until a human opens them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault seals")]
pub struct Seals {
    #[command(flatten)]
    proof: Proof,
}

impl Seals {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let Report::Seals(rows) = app.human(self.proof).read(Want::Seals)? else { return Err(unexpected()) };
        app.out.answer(json!({"seals": rows}), |out| {
            if rows.is_empty() { "nothing is sealed\n".to_owned() } else { table(&rows, out) }
        })?;
        Ok(wire::exit::DONE)
    }
}

fn table(rows: &[SealRow], out: &Out) -> String {
    let mut table = Table::new(&["ID", "SESSION", "SECRET", "SINCE"], 1);
    for r in rows {
        let secret = r.secret.as_deref().map_or("all: suspended".to_owned(), |s| foreign(s, 200));
        table.row(vec![r.id.to_string(), foreign(&r.session, 80), secret, times::shown(&r.since)]);
    }
    format!("{}open one with: svault unseal ID\n", table.text(out))
}
