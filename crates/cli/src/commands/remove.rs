//! `svault remove NAME`.

use crate::app::{App, Consent};
use crate::args::{Proof, Which};
use crate::report::Outcome;
use clap::Args;
use wire::Want;

/// Remove a secret
///
/// Its name is free again. The old value stays in the vault file, encrypted, until the file is next rewritten.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault remove OLD_TOKEN")]
pub struct Remove {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    proof: Proof,
}

impl Remove {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let secret = self.which.reference()?;
        let want = Want::Remove { secret: secret.clone() };
        let id = app.human(self.proof).act(want, Vec::new(), Consent::Named)?.id();
        app.out.answer(crate::args::changed(id, &secret), |_| format!("removed {secret}\n"))?;
        Ok(wire::exit::DONE)
    }
}
