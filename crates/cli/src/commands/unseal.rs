//! `svault unseal ID`.

use crate::app::{App, Consent};
use crate::args::Proof;
use crate::report::Outcome;
use clap::Args;
use serde_json::json;
use wire::Want;
use words::Id;

/// Open a seal, or end a suspension
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault unseal 7K2MQ9XA")]
pub struct Unseal {
    /// Which one; see 'svault seals'
    id: Id,
    #[command(flatten)]
    proof: Proof,
}

impl Unseal {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let id = self.id;
        app.human(self.proof).act(Want::Unseal { id }, Vec::new(), Consent::Card("Open it?"))?;
        app.out.answer(json!({"id": id}), |_| format!("opened {id}\n"))?;
        Ok(wire::exit::DONE)
    }
}
