//! `svault demo`.

use crate::app::App;
use crate::demo;
use crate::report::Outcome;
use clap::Args;
use std::path::PathBuf;

/// Show the main job, for real, in a throw-away store
///
/// Makes a store in a temporary folder, starts its daemon, asks for secrets as two callers over the real socket, and
/// shows what each caller saw beside what the trail recorded. It runs the same commands that you would type, and leaves
/// nothing behind.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault demo")]
pub struct Demo {
    /// Be one of the demo's callers: runs commands of this program that come on stdin
    #[arg(long, hide = true, value_name = "PROGRAM")]
    caller: Option<PathBuf>,
}

impl Demo {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self.caller {
            Some(program) => demo::caller::serve(&program),
            None => demo::run(app),
        }
    }
}
