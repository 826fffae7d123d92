//! `svault deny ID`.

use crate::app::{App, Consent};
use crate::args::Proof;
use crate::report::Outcome;
use clap::Args;
use serde_json::json;
use wire::Want;
use words::Id;

/// Say no to a waiting request
///
/// Denies it once and makes no rule. A request that nobody answers is denied by itself.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault deny 7K2MQ9XA")]
pub struct Deny {
    /// Which request; see 'svault pending'
    id: Id,
    #[command(flatten)]
    proof: Proof,
}

impl Deny {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let id = self.id;
        app.human(self.proof).act(Want::Deny { id }, Vec::new(), Consent::Named)?;
        app.out.answer(json!({"id": id, "decision": "deny"}), |_| format!("denied {id}\n"))?;
        Ok(wire::exit::DONE)
    }
}
