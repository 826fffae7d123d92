//! `svault mcp`.

use crate::app::App;
use crate::report::{Error, Outcome};
use clap::Args;
use secret::direct;
use words::CallerName;

/// Serve an AI agent over MCP, on stdin and stdout
///
/// An agent's client starts it: see docs/guide/mcp.md for the entry in its configuration. It decides nothing by itself:
/// what the agent asks for goes through the gate, like everything else.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  claude mcp add-json -s user svault '{\"command\":\"/usr/local/bin/svault\",\"args\":[\"mcp\"]}'"
)]
pub struct Mcp {
    /// The caller it says it is; what counts more is the program that started it
    #[arg(long)]
    caller: Option<CallerName>,
    /// How long a call waits for a human before it answers that it does; clients give up on a call after 60 seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=600))]
    wait: u32,
}

/// Variables in which clients name their session: Claude Code and Copilot CLI. Recorded, never gone by.
const SESSIONS: [&str; 2] = ["CLAUDE_CODE_SESSION_ID", "COPILOT_AGENT_SESSION_ID"];

impl Mcp {
    /// Runs it until its client has gone.
    pub fn run(self, _app: &App) -> Outcome {
        let session = SESSIONS.iter().find_map(|name| std::env::var(name).ok());
        let config = mcp::Config { caller: self.caller, wait: self.wait, session };
        let doing = |e| Error::failed("can't read from the client", e);
        let (input, output) = (direct::stdin().map_err(doing)?, direct::stdout().map_err(doing)?);
        mcp::serve(config, input, output).map_err(doing)?;
        Ok(wire::exit::DONE)
    }
}
