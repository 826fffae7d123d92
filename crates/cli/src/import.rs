//! Bringing a `.env` file into a vault: the file, the plan, the backup, and where else the old text may be.
#![cfg(unix)]

pub mod backup;
pub mod guess;
pub mod leaks;
pub mod left;
pub mod plan;
pub mod put;
mod rights;
pub mod source;

use crate::report::Error;
use secret::Bytes;

/// The text of a file. Errors say where, and nothing of what stands there.
///
/// # Errors
/// Where it is not UTF-8.
pub fn text(bytes: &Bytes) -> Result<&str, Error> {
    std::str::from_utf8(bytes.expose()).map_err(|e| {
        let line = 1 + bytes.expose()[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
        Error::new("bad_file", wire::exit::FAILED, format!("line {line}: not UTF-8"))
            .hint("save the file as UTF-8")
    })
}

/// What is wrong with a file, and where.
fn unread(e: &dotenv::Error) -> Error {
    Error::new("bad_file", wire::exit::FAILED, e.to_string())
        .with("line", e.line.into())
        .with("column", e.column.into())
        .hint("nothing was imported; see docs/guide/dotenv.md for what is read how")
}

/// Reads the text as a `.env` file.
///
/// # Errors
/// With line, column and the rule.
pub fn parse(text: &str) -> Result<dotenv::File<'_>, Error> {
    dotenv::parse(text).map_err(|e| unread(&e))
}
