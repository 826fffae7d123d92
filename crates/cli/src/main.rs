//! The `svault` command.
#![forbid(unsafe_code)]

mod app;
mod args;
mod card;
mod class_args;
mod commands;
mod demo;
mod diff;
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
mod strength;
mod table;
mod template;
mod times;
mod value;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(match args::Cli::try_parse() {
        Ok(cli) => app::App::main(cli),
        Err(e) => report::bad_usage(&e),
    })
}
