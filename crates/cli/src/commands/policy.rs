//! `svault policy show|edit|explain|test`.

mod edit;
mod test;

use crate::app::{App, unexpected};
use crate::args::Proof;
use crate::output::foreign;
use crate::report::{Error, Outcome};
use crate::times;
use ::policy::ParseError;
use clap::{Args, Subcommand};
use serde_json::json;
use wire::{Report, Want};
use words::Id;

/// Read, change, explain and test the policy
#[derive(Debug, Subcommand)]
pub enum Policy {
    Show(Show),
    Edit(edit::Edit),
    Explain(Explain),
    Test(test::Test),
}

/// Print the policy
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault policy show > policy.toml")]
pub struct Show {
    #[command(flatten)]
    proof: Proof,
}

/// Say why a request was decided as it was
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault policy explain 7K2MQ9XA")]
pub struct Explain {
    /// The id that the caller was told
    id: Id,
    #[command(flatten)]
    proof: Proof,
}

impl Policy {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Policy::Show(c) => c.run(app),
            Policy::Edit(c) => c.run(app),
            Policy::Explain(c) => c.run(app),
            Policy::Test(c) => c.run(app),
        }
    }
}

impl Show {
    fn run(self, app: &App) -> Outcome {
        let Report::Policy(row) = app.human(self.proof).read(Want::PolicyShow)? else {
            return Err(unexpected());
        };
        app.out.note(&format!("# in force since {}", times::shown(&row.since)));
        app.out.answer(json!({"toml": row.toml, "since": row.since}), |_| row.toml.clone())?;
        Ok(wire::exit::DONE)
    }
}

impl Explain {
    fn run(self, app: &App) -> Outcome {
        let Report::Explained(row) = app.human(self.proof).read(Want::Explain { id: self.id })? else {
            return Err(unexpected());
        };
        app.out.answer(json!({"id": self.id, "entry": row.entry, "steps": row.steps}), |out| {
            let mut text = super::audit::details(&row.entry, out);
            text.push_str("\ntried in this order:\n");
            for step in &row.steps {
                text.push_str(&format!("  {}\n", foreign(step, 400)));
            }
            text
        })?;
        Ok(wire::exit::DONE)
    }
}

/// A policy that can't be read, with its place.
pub fn parse_error(e: &ParseError) -> Error {
    Error::new("bad_policy", wire::exit::FAILED, e.to_string())
        .hint(e.hint.clone())
        .with("line", json!(e.line))
        .with("column", json!(e.column))
}
