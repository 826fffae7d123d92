//! `svault guard`: what `svault run` puts between itself and a command. Nobody types it.

use crate::report::Outcome;
use clap::Args;

/// Keep a command for 'svault run'
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  'svault run' starts it; it is of no use by itself")]
pub struct Guard {}

impl Guard {
    /// Is it.
    pub fn run(&self) -> Outcome {
        Ok(run::guard())
    }
}
