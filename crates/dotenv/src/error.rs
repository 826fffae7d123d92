//! What can be wrong with a file: where, and which rule. Never the text, since that may be a secret.

/// A file that is not read, with the place of the first thing wrong in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The rule that is broken.
    pub what: What,
}

/// The rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// Neither an assignment nor a comment.
    #[error("expected NAME=value, a comment or an empty line")]
    NotALine,
    /// A name with nothing behind it, and not written as variables mostly are.
    #[error(
        "no '=': if this is the rest of the value above, put all of it in quotes; a variable from outside is 'export NAME' or in capitals"
    )]
    Alone,
    /// The name has characters that names don't have, or too many.
    #[error("not a name: 1 to 128 of A-Z a-z 0-9 _ . - and the first of A-Z a-z 0-9 _")]
    Name,
    /// A quote without its end.
    #[error("a quote that is never closed")]
    Unclosed,
    /// Something behind the closing quote.
    #[error("text after the closing quote (in single quotes and backticks nothing is an escape)")]
    AfterQuote,
    /// A backslash at the end of the line, in a value without quotes.
    #[error(
        "a backslash at the end of a line: a shell goes on with the next line there, and others don't; put the value in quotes"
    )]
    Continued,
    /// `$(…)`.
    #[error("command substitution is not run: put the value in single quotes if it is meant literally")]
    Command,
    /// A backtick inside an unquoted or double-quoted value.
    #[error("a backtick would run a command: put the value in single quotes if it is meant literally")]
    Backtick,
    /// `${` without `}`, or with an operator that is not `:-`, `-`, `:+` or `+`.
    #[error("an expansion that can't be read: only $NAME and ${{NAME}}, with :- - :+ or + and a text")]
    Expansion,
    /// Defaults inside of defaults inside of defaults.
    #[error("expansions nested too deeply")]
    Deep,
    /// A value that grows beyond [`crate::VALUE_MAX`].
    #[error("a value of more than 64 KiB")]
    Long,
    /// A NUL, which no environment can hold.
    #[error("a NUL byte")]
    Nul,
}

/// What is wrong, and at which byte of the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) byte: usize,
    pub(crate) what: What,
}

/// An error at a byte of the text.
pub(crate) fn at(text: &str, byte: usize, what: What) -> Error {
    let before = text.get(..byte).unwrap_or(text);
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    let mut line = 1;
    let mut begin = 0;
    let bytes = before.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        if *b == b'\n' || (*b == b'\r' && text.as_bytes().get(byte - bytes.len() + i + 1) != Some(&b'\n')) {
            line += 1;
            begin = i + 1;
        }
    }
    Error { line, column: before[begin..].chars().count() + 1, what }
}
