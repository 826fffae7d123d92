//! `svault show NAME`.

use crate::app::{App, Consent};
use crate::args::{Proof, Which};
use crate::report::Outcome;
use crate::value;
use clap::Args;
use wire::Want;

/// Show a value, to a human
///
/// Takes presence each time, and is recorded. Prints exactly the bytes, and a newline only on a terminal.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault show DB_URL")]
pub struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    proof: Proof,
}

impl Show {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let want = Want::Show { secret: self.which.reference()? };
        let (id, items) = app.human(self.proof).act(want, Vec::new(), Consent::Named)?.released()?;
        let [(_, bytes)] = items.as_slice() else { return Err(crate::app::unexpected()) };
        value::write(&app.out, id, bytes)?;
        Ok(wire::exit::DONE)
    }
}
