//! `svault completions SHELL`.

use crate::app::App;
use crate::args::Cli;
use crate::report::Outcome;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  svault completions bash > ~/.local/share/bash-completion/completions/svault"
)]
pub struct Completions {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "svault", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        app.out.answer(serde_json::json!({"shell": self.shell.to_string(), "script": script}), |_| {
            script.clone()
        })?;
        Ok(wire::exit::DONE)
    }
}
