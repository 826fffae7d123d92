//! The command line: what the words of a command mean, what is asked and printed.
#![forbid(unsafe_code)]

mod app;
mod args;
mod card;
mod class_args;
mod commands;
mod demo;
mod diff;
mod editing;
mod env_files;
mod gather;
mod hooks;
mod import;
mod input;
mod nearby;
mod new_keys;
mod output;
mod prompt;
mod report;
mod scrubbing;
mod signals;
mod strength;
mod table;
mod template;
mod times;
mod value;

use clap::Parser;
use std::process::ExitCode;

/// Does what the command line of this process says; its exit status is that of `docs/guide`.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(match args::Cli::try_parse() {
        Ok(cli) => app::App::main(cli),
        Err(e) => report::bad_usage(&e),
    })
}
