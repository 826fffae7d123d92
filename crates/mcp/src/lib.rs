//! The MCP server (`svault mcp`): JSON-RPC over stdio, in both eras of the Model Context Protocol. It is a door like the
//! command line: every value still comes through the gate in the daemon, and this process decides nothing.
//!
//! The protocol's own loop is here and not a library's, so that lines, calls and waits are bounded, no error repeats
//! what it was given, and a value goes from locked memory to the client without a copy that isn't wiped.

mod calls;
mod claims;
mod era;
mod input;
mod lines;
mod message;
mod out;
mod pool;
mod server;
mod tools;

use input::Input;
use out::Out;
use server::Server;
use std::io::{self, Read, Write};
use words::CallerName;

pub use input::Waited;

/// How a server runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The caller it says it is; evidence comes from its parents.
    pub caller: Option<CallerName>,
    /// How long a call waits for a human, in seconds, before it answers that it does. Clients give up after 60.
    pub wait: u32,
    /// The session that the client's environment names, for the trail.
    pub session: Option<String>,
}

/// Serves one client until its input ends, or nobody reads its output. Calls that still wait are given up then.
///
/// # Errors
/// When the input can't be read.
pub fn serve(
    config: Config,
    input: impl Read + Waited,
    output: impl Write + Waited + Send + 'static,
) -> io::Result<()> {
    let (listens, open) = io::pipe()?;
    let input = Input::new(input, listens, &output)?;
    Server::new(config, Out::new(Box::new(output), open)).run(input)
}
