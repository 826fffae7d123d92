//! Other people's config files: changed where svault has something to say, and left as they are everywhere else.
//!
//! What shall be in a file is a list of [`Edit`]s; on its parsed tree they become [`Op`]s; a format carries those out in
//! the text, so that comments, order and unknown keys stay.

mod edit;
mod json;
mod lines;
mod merge;
mod op;
mod toml;
mod undo;
mod yaml;

pub(crate) use edit::starting;
pub use edit::{Edit, is_ours, plan};
pub(crate) use merge::merged;
pub use merge::words;
pub use op::{Op, Path, Step};
pub(crate) use op::{look, shown};
pub use undo::{installed, left_over, undo};

use serde_json::Value;

/// Larger files are left alone, in bytes.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, with comments and trailing commas where the file has them.
    Json,
    /// TOML.
    Toml,
    /// YAML with one level of keys.
    Yaml,
    /// One pattern on each line, such as an ignore file.
    Lines,
}

/// Why a file was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It can't be parsed.
    #[error("line {line}, column {column}: {what}")]
    Broken {
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is well-formed, but something else stands where ours should be.
    #[error("{at} is {found}, not {wanted}{}", as_list(found, wanted))]
    Shape {
        /// The keys that lead there.
        at: String,
        /// What is there.
        found: &'static str,
        /// What belongs there.
        wanted: &'static str,
    },
    /// What was written would not read back as meant.
    #[error("it is written in a way that svault can't change safely")]
    Unsafe,
}

/// A single value where several may stand is often meant as a list of one.
fn as_list(found: &str, wanted: &str) -> &'static str {
    if (found, wanted) == ("a text", "an array") { ": write it as a list, [VALUE]" } else { "" }
}

/// The file as a tree of values.
///
/// # Errors
/// When it is broken, or has a key twice: clients differ in which one they take.
pub fn read(format: Format, text: &str) -> Result<Value, Error> {
    match format {
        Format::Json => json::read(text),
        Format::Toml => toml::read(text),
        Format::Yaml => yaml::read(text),
        Format::Lines => Ok(lines::read(text)),
    }
}

/// The text with the changes made. It is read back, and must say what was meant.
///
/// # Errors
/// When it is broken, or the changes can't be made in it.
pub fn write(format: Format, text: &str, ops: &[Op]) -> Result<String, Error> {
    if ops.is_empty() {
        return Ok(text.to_owned());
    }
    let mut meant = read(format, text)?;
    for op in ops {
        op.apply(&mut meant)?;
    }
    let new = match format {
        Format::Json => json::write(text, ops)?,
        Format::Toml => toml::write(text, ops)?,
        Format::Yaml => yaml::write(text, ops)?,
        Format::Lines => lines::write(text, ops),
    };
    let said = read(format, &new)?;
    if format == Format::Toml {
        toml::forget_implied(&mut meant, &said, ops)?;
    }
    if said == meant { Ok(new) } else { Err(Error::Unsafe) }
}

/// Line and column, both from 1, of a byte.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
