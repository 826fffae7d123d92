//! `svault hook`: what an agent's client runs before and after each tool.

use crate::app::App;
use crate::hooks::{self, Watch};
use crate::report::{Error, Outcome};
use agents::Client;
use clap::Args;

/// Answer an agent's hook: keep files with secrets from it, mask what its tools print
///
/// 'svault install' puts this into the client's settings. It reads what the client says on stdin and answers in that
/// client's form. It needs no unlocked store: locked, it stops what it would stop and masks by rules alone. Whatever
/// it can't read or finish in time is stopped.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  echo '{\"hook_event_name\": \"PreToolUse\", \"tool_name\": \"Read\", \"tool_input\": \
                  {\"file_path\": \".env\"}}' |\n    svault hook --client claude"
)]
pub struct Hook {
    /// The client whose settings this stands in
    #[arg(long)]
    pub client: Client,
    /// Leave shell commands as they are; else their output goes through 'svault scrub'
    #[arg(long)]
    pub no_rewrite: bool,
}

impl Hook {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        if !agents::hook::has_hooks(self.client) {
            let hint = match self.client {
                Client::Aider => "start it as: svault run -- aider",
                _ => "'svault install' gives it svault's MCP server, and the settings that it has",
            };
            return Err(Error::usage(format!("{} has no hooks", self.client)).hint(hint));
        }
        let watch = Watch::begin(self.client);
        let reply = hooks::answer(self.client, !self.no_rewrite);
        Ok(watch.tell(&app.out, &reply))
    }
}
