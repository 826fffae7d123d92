//! `svault replace NAME`.

use crate::app::{App, Consent};
use crate::args::{Proof, Which};
use crate::report::Outcome;
use clap::Args;
use wire::Want;

/// Give a secret a new value
///
/// The value is typed twice, hidden, or read from stdin. Open approvals and grants for it end.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault replace DB_URL\n  svault replace TLS_KEY < key.pem")]
pub struct Replace {
    #[command(flatten)]
    which: Which,
    /// Keep a final newline of stdin
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    proof: Proof,
}

impl Replace {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let secret = self.which.reference()?;
        let mut human = app.human(crate::value::not_stdin(self.proof)?);
        human.ready()?;
        let value = crate::value::read(&secret.name, self.raw)?;
        // A new value confirms a proposal, whose classification somebody else chose.
        let consent = Consent::Noted("Confirm this proposal, with the new value, as it is shown?");
        let id = human.act(Want::Replace { secret: secret.clone() }, vec![value], consent)?.id();
        app.out.answer(crate::args::changed(id, &secret), |_| format!("replaced {secret}\n"))?;
        Ok(wire::exit::DONE)
    }
}
