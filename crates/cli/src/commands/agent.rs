//! `svault agent start NAME -- CMD`.

use crate::app::{App, Consent};
use crate::args::Proof;
use crate::report::{Error, Outcome};
use clap::{Args, Subcommand};
use std::ffi::OsString;
use wire::Want;
use words::CallerName;

/// Start agents
#[derive(Debug, Subcommand)]
pub enum Agent {
    Start(Start),
}

/// Start an agent as a launched caller
///
/// What it starts is that caller beyond doubt, and all its processes are one session. The session ends with the
/// command: what it leaves running has no more rights than anybody.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault agent start claude-code -- claude")]
pub struct Start {
    /// The registered caller that it is
    #[arg(value_name = "NAME")]
    caller: CallerName,
    #[command(flatten)]
    proof: Proof,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Agent {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Agent::Start(c) => c.run(app),
        }
    }
}

impl Start {
    fn run(self, app: &App) -> Outcome {
        let here = std::env::current_dir().map_err(|e| Error::failed("can't tell the current folder", e))?;
        let job = run::Job::new(&self.command, &here, Vec::new())?;
        let want = Want::AgentStart { caller: self.caller, argv: job.argv.clone(), cwd: job.cwd.clone() };
        let mut human = app.human(self.proof.not_stdin("the command reads stdin")?);
        // The session lives as long as this connection.
        let session = human.act(want, Vec::new(), Consent::Named)?;
        drop(human);
        let code = run::inherit(&job);
        drop(session);
        Ok(code?.0)
    }
}
