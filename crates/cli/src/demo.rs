//! The demo: a throw-away store, two callers, one human, and every command for real.
//!
//! It calls no code of its own for the job: each step runs this same program as a user would, with SVAULT_HOME set to
//! a temporary folder and the passphrase on a file descriptor.

pub mod caller;
mod stage;
mod story;
mod tamper;

use crate::app::App;
use crate::report::{Error, Outcome};
use serde_json::json;
use stage::Stage;

/// Runs it.
pub fn run(app: &App) -> Outcome {
    if let Some(agent) = client::under_agent() {
        return Err(client::Error::UnderAgent(agent.to_owned()).into());
    }
    if !cfg!(target_os = "linux") {
        return Err(Error::failed("the demo can't run", "presence is not on this system yet"));
    }
    let mut stage = Stage::open(app)?;
    story::play(&mut stage)?;
    tamper::play(&mut stage)?;
    let steps = stage.close()?;
    if app.out.json() {
        app.out.answer(json!({"steps": steps}), |_| String::new())?;
    }
    Ok(wire::exit::DONE)
}
