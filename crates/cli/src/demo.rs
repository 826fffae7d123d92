//! The demo: a throw-away store, two callers, one human, and every command for real.
//!
//! It calls no code of its own for the job: each step runs this same program as a user would, with SVAULT_HOME set to
//! a temporary folder and the passphrase on a file descriptor.

#[cfg(unix)]
pub mod caller;
#[cfg(unix)]
mod stage;
#[cfg(unix)]
mod story;
#[cfg(unix)]
mod tamper;

use crate::app::App;
use crate::report::{Error, Outcome};

/// Runs it.
#[cfg(unix)]
pub fn run(app: &App) -> Outcome {
    if let Some(agent) = client::under_agent() {
        return Err(client::Error::UnderAgent(agent.to_owned()).into());
    }
    if !cfg!(target_os = "linux") {
        return Err(not_here());
    }
    let mut stage = stage::Stage::open(app)?;
    story::play(&mut stage)?;
    tamper::play(&mut stage)?;
    let steps = stage.close();
    if app.out.json() {
        app.out.answer(serde_json::json!({"steps": steps}), |_| String::new())?;
    }
    Ok(wire::exit::DONE)
}

/// Runs it.
#[cfg(not(unix))]
pub fn run(_: &App) -> Outcome {
    Err(not_here())
}

#[cfg(not(unix))]
pub mod caller {
    //! A caller of the demo, which is not on this system yet.

    /// Runs nothing.
    pub fn serve(_: &std::path::Path) -> crate::report::Outcome {
        Err(super::not_here())
    }
}

fn not_here() -> Error {
    Error::failed("the demo can't run", "presence is not on this system yet")
}
