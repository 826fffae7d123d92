//! `svault list`.

use crate::app::{App, Human, unexpected};
use crate::args::Proof;
use crate::output::{Out, foreign};
use crate::report::{Error, Outcome};
use crate::table::Table;
use crate::times;
use clap::Args;
use serde_json::json;
use wire::{Report, SecretRow, VaultRow, Want};
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
        let mut human = app.human(self.proof);
        let Report::Secrets(mut rows) = human.read(Want::List)? else { return Err(unexpected()) };
        let none = rows.is_empty();
        rows.retain(|r| {
            self.vault.as_ref().is_none_or(|v| *v == r.vault)
                && self.scope.as_ref().is_none_or(|s| *s == r.class.scope)
        });
        let ask = rows.is_empty() || app.connect(None)?.status()?.vaults_shut > 0;
        let shut = if ask { shut(&mut human, self.vault.as_ref())? } else { Vec::new() };
        for row in &shut {
            let warning = app.out.err_style("warning:", "33");
            app.out.note(&format!("{warning} vault {} is shut: {}", row.name, row.state));
        }
        app.out.answer(json!({"secrets": rows}), |out| match (none && shut.is_empty(), rows.is_empty()) {
            (true, _) => "no secrets yet: svault add NAME --scope SCOPE\n".to_owned(),
            (_, true) => "no such secrets\n".to_owned(),
            _ => table(&rows, out),
        })?;
        Ok(wire::exit::DONE)
    }
}

/// Why a list may be empty: the vaults that are shut, of all or of this one.
///
/// # Errors
/// Where there is no such vault, with those that there are.
fn shut(human: &mut Human<'_>, of: Option<&VaultName>) -> Result<Vec<VaultRow>, Error> {
    let Report::Vaults(mut rows) = human.read(Want::VaultList)? else { return Err(unexpected()) };
    if let Some(vault) = of.filter(|vault| rows.iter().all(|r| r.name != **vault)) {
        let names: Vec<String> = rows.iter().map(|r| r.name.to_string()).collect();
        let error = Error::new("no_vault", wire::exit::FAILED, format!("there is no vault '{vault}'"));
        return Err(error.hint(format!("there is: {}", names.join(", "))));
    }
    rows.retain(|r| r.state != "open" && of.is_none_or(|vault| r.name == *vault));
    Ok(rows)
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
