//! `svault vault create|list`.

use crate::app::{App, Consent};
use crate::args::Proof;
use crate::output::Out;
use crate::report::Outcome;
use crate::table::Table;
use clap::{Args, Subcommand};
use serde_json::json;
use wire::{Report, VaultRow, Want};
use words::VaultName;

/// Create and list vaults
#[derive(Debug, Subcommand)]
pub enum Vault {
    Create(Create),
    List(List),
}

/// Create a vault: a named set of secrets in a file of its own
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault vault create work")]
pub struct Create {
    /// Its name
    name: VaultName,
    #[command(flatten)]
    proof: Proof,
}

/// List the vaults
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault vault list")]
pub struct List {
    #[command(flatten)]
    proof: Proof,
}

impl Vault {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Vault::Create(c) => c.run(app),
            Vault::List(c) => c.run(app),
        }
    }
}

impl Create {
    fn run(self, app: &App) -> Outcome {
        let want = Want::VaultCreate { name: self.name.clone() };
        let id = app.human(self.proof).act(want, Vec::new(), Consent::Named)?.id();
        app.out
            .answer(json!({"id": id, "vault": self.name}), |_| format!("created vault {}\n", self.name))?;
        Ok(wire::exit::DONE)
    }
}

impl List {
    fn run(self, app: &App) -> Outcome {
        let Report::Vaults(rows) = app.human(self.proof).read(Want::VaultList)? else {
            return Err(crate::app::unexpected());
        };
        app.out.answer(json!({"vaults": rows}), |out| table(&rows, out))?;
        Ok(wire::exit::DONE)
    }
}

fn table(rows: &[VaultRow], out: &Out) -> String {
    let mut table = Table::new(&["VAULT", "SECRETS", "STATE"], 2);
    for r in rows {
        table.row(vec![r.name.to_string(), r.secrets.to_string(), r.state.clone()]);
    }
    table.text(out)
}
