//! `svault get NAME`.

use crate::app::{App, released};
use crate::args::{Asking, Which};
use crate::report::Outcome;
use crate::value;
use clap::Args;
use wire::{Ask, AskItem};

/// Ask for a value, as a caller
///
/// Goes through the gate: policy decides, it is recorded, and for some secrets a human is asked. Only what policy lets
/// an agent read comes back; to use a secret without reading it: 'svault run'.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault get SENTRY_DSN --scope monitoring --reason 'send a test event'")]
pub struct Get {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    asking: Asking,
}

impl Get {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let secret = self.which.reference()?;
        let ask = Ask {
            client: String::new(),
            sets: String::new(),
            items: vec![AskItem::value(secret.clone())],
            scope: self.asking.scope.clone(),
            reason: self.asking.reason.clone(),
            argv: Vec::new(),
            cwd: String::new(),
            wait: self.asking.wait,
        };
        let mut connection = app.connect(self.asking.caller.clone())?;
        let answer = connection.ask(&ask, |id| app.out.note(&waiting(id)))?;
        let (id, items) = released(answer, Some(self.asking.about(&secret)))?;
        let [(_, bytes)] = items.as_slice() else { return Err(crate::app::unexpected()) };
        value::write(&app.out, id, bytes)?;
        Ok(wire::exit::DONE)
    }
}

/// What a caller reads while a human is asked.
pub fn waiting(id: &words::Id) -> String {
    format!("waiting for a human: svault approve {id}")
}
