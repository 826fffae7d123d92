//! `svault_request_secret`: asks the human for a secret that isn't there. The value never comes through the agent.

use super::args::Args;
use super::{denied, failed};
use crate::message::Problem;
use crate::out::Said;
use crate::server::Server;
use client::Answer;
use words::{Name, Scope};

/// The arguments.
pub struct Wish {
    name: Name,
    scope: Scope,
    why: String,
}

impl Wish {
    /// Checks them.
    ///
    /// # Errors
    /// What is wrong.
    pub fn of(mut args: Args<'_>) -> Result<Self, Problem> {
        let name = Args::need("name", args.word("name")?)?;
        let scope = Args::need("scope", args.word("scope")?)?;
        let why = args.reason("why")?;
        args.none()?;
        Ok(Self { name, scope, why })
    }

    /// Asks.
    pub fn run(self, server: &Server) -> Said {
        let Self { name, scope, why } = self;
        match server.pool.request_secret(&name, &scope, &why) {
            Ok(Answer::Done { id: Some(id) }) => Said::text(format!(
                "asked the user for {name} (request {id}). They see it with 'svault pending' and enter the value \
                 themselves with 'svault add {name} --scope {scope}'; never ask for the value here. Go on with \
                 something else, or end your turn and say what you wait for."
            )),
            Ok(Answer::Denied { id, .. }) => {
                Said::wrong(denied(id, &format!("the user was not asked for {name}")))
            }
            Ok(_) => failed(&client::Error::Unexpected),
            Err(e) => failed(&e),
        }
    }
}
