//! The tools: what they are called, what they take, and what each does. One file for each.

mod args;
mod get;
mod list;
mod request;
mod run;
mod schema;
mod status;

use crate::calls::Call;
use crate::era::Era;
use crate::message::{Problem, Request};
use crate::out::Said;
use crate::server::Server;
use args::Args;
use client::Error;
use wire::card::visible;
use words::Id;

pub use schema::list;

/// A tool with its arguments, checked.
pub enum Tool {
    /// `svault_get_secret`.
    Get(get::Get),
    /// `svault_list_secrets`.
    List(list::List),
    /// `svault_request_secret`.
    Request(request::Wish),
    /// `svault_run`.
    Run(run::Run),
    /// `svault_status`.
    Status,
}

/// The tool that a request calls; none: it calls none.
pub fn of(request: &Request, _era: Era) -> Option<Result<Tool, Problem>> {
    (request.method == "tools/call").then(|| {
        let args = Args::of(request)?;
        match args.tool() {
            "svault_get_secret" => get::Get::of(args).map(Tool::Get),
            "svault_list_secrets" => list::List::of(args).map(Tool::List),
            "svault_request_secret" => request::Wish::of(args).map(Tool::Request),
            "svault_run" => run::Run::of(args).map(Tool::Run),
            "svault_status" => args.none().map(|()| Tool::Status),
            _ => Err(Problem::params("no such tool")),
        }
    })
}

/// Runs it.
///
/// # Errors
/// A protocol error.
pub fn run(server: &Server, call: &Call, tool: Tool) -> Result<Said, Problem> {
    Ok(match tool {
        Tool::Get(get) => get.run(server, call),
        Tool::List(list) => list.run(server),
        Tool::Request(wish) => wish.run(server),
        Tool::Run(run) => run.run(server, call),
        Tool::Status => status::run(server),
    })
}

/// What went wrong, as the model is told.
fn failed(e: &Error) -> Said {
    Said::wrong(told(e))
}

fn told(e: &Error) -> String {
    match e {
        Error::Locked => "locked: a human must run 'svault unlock'. Tell the user, then call again.".into(),
        Error::NoStore(_) => "there is no svault store yet: a human must run 'svault init'".into(),
        Error::Daemon(f) => match &f.hint {
            Some(hint) => format!("{} ({hint})", f.message),
            None => f.message.clone(),
        },
        other => format!("svault can't be asked: {}", visible(other.to_string().as_bytes())),
    }
}

/// The one line of every denial: the same for every cause but for the id and what the caller itself has named.
fn denied(id: Id, what: &str) -> String {
    format!(
        "denied ({id}): {what}. Tell the user this id: 'svault policy explain {id}' says why. Don't look for a way \
         around it."
    )
}

/// What is told of a request that no human has decided yet.
fn pending(id: Id) -> String {
    format!(
        "waiting for a human: request {id} is not decided yet. Tell the user to run 'svault approve {id}' (or \
         'svault deny {id}'), then call this tool again with exactly the same arguments."
    )
}
