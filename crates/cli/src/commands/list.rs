//! `svault list`.

use crate::app::{App, unexpected};
use crate::args::Proof;
use crate::output::{Out, foreign};
use crate::report::Outcome;
use crate::table::Table;
use crate::times;
use clap::Args;
use serde_json::json;
use wire::{Report, SecretRow, Want};
use words::{Scope, VaultName};

/// List secrets: names and how they may be used, never values
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault list --scope database")]
pub struct List {
    /// Only this vault
    #[arg(long)]
    vault: Option<VaultName>,
    /// Only this scope
    #[arg(long)]
    scope: Option<Scope>,
    #[command(flatten)]
    proof: Proof,
}

impl List {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let Report::Secrets(mut rows) = app.human(self.proof).read(Want::List)? else {
            return Err(unexpected());
        };
        let none = rows.is_empty();
        rows.retain(|r| {
            self.vault.as_ref().is_none_or(|v| *v == r.vault)
                && self.scope.as_ref().is_none_or(|s| *s == r.class.scope)
        });
        app.out.answer(json!({"secrets": rows}), |out| match (none, rows.is_empty()) {
            (true, _) => "no secrets yet: svault add NAME --scope SCOPE\n".to_owned(),
            (_, true) => "no such secrets\n".to_owned(),
            _ => table(&rows, out),
        })?;
        Ok(wire::exit::DONE)
    }
}

fn table(rows: &[SecretRow], out: &Out) -> String {
    let mut table =
        Table::new(&["NAME", "VAULT", "SCOPE", "TIER", "EXPOSURE", "SEEN", "CHANGED", "NOTES"], 7);
    for r in rows {
        table.row(vec![
            r.name.to_string(),
            r.vault.to_string(),
            r.class.scope.to_string(),
            r.class.tier.to_string(),
            r.exposure.to_string(),
            if r.seen { "yes" } else { "no" }.to_owned(),
            times::shown(&r.changed),
            notes(r).join("; "),
        ]);
    }
    table.text(out)
}

fn notes(r: &SecretRow) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(by) = &r.class.proposed_by {
        notes.push(format!("proposed by {by}, not confirmed"));
    }
    if r.wider {
        notes.push("wider than its tier".to_owned());
    }
    for (n, one, many) in [
        (r.class.windows.len(), "window", "windows"),
        (r.class.commands.len(), "command", "commands"),
        (r.class.callers.len(), "caller", "callers"),
        (r.class.destinations.len(), "destination", "destinations"),
    ] {
        if n > 0 {
            notes.push(format!("{n} {}", if n == 1 { one } else { many }));
        }
    }
    if !r.class.description.is_empty() {
        notes.push(foreign(&r.class.description, 60));
    }
    notes
}
