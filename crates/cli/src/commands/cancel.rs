//! `svault cancel ID`.

use crate::app::{App, Consent, refused};
use crate::args::Proof;
use crate::report::{Error, Outcome};
use clap::Args;
use client::Answer;
use serde_json::json;
use wire::Want;
use words::Id;

/// Take back a waiting request
///
/// One's own, from the process that asked or within the same run of its agent, needs no proof; with --any a human takes
/// back anybody's.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault cancel 7K2MQ9XA")]
pub struct Cancel {
    /// Which request
    id: Id,
    /// Also another session's: takes presence
    #[arg(long)]
    any: bool,
    #[command(flatten)]
    proof: Proof,
}

impl Cancel {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let id = self.id;
        if self.any {
            app.human(self.proof).act(Want::CancelAny { id }, Vec::new(), Consent::Named)?;
        } else if self.proof.passphrase_fd.is_some() {
            return Err(Error::usage("one's own request takes no proof").hint("for another's: --any"));
        } else {
            match app.connect(None)?.cancel(id)? {
                Answer::Done { .. } => {}
                other => return Err(refused(other)),
            }
        }
        app.out.answer(json!({"id": id, "decision": "cancel"}), |_| format!("cancelled {id}\n"))?;
        Ok(wire::exit::DONE)
    }
}
