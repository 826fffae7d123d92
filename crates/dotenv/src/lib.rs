//! `.env` files, read as the common loaders read them, with every byte kept so that values can be replaced in place.
//! Pure: no files, no environment, and nothing is ever run. Errors say where, and never what stands there.
//!
//! Loaders disagree. Where most of them agree we follow most; where a value would be cut short, or three loaders
//! read three values, the file is refused with its line and column: a secret that is stored wrong is found too late.
//! `tests/corpus.json` has each rule as cases, with what python-dotenv, node's dotenv and `sh` make of them.
//!
//! | where they disagree | node | python | compose | sh | here, and why |
//! |---|---|---|---|---|---|
//! | `A=x#y` | `x` | `x#y` | `x#y` | `x#y` | `x#y`: a comment needs white space before it; nothing is cut from a password |
//! | `A=x y` | `x y` | `x y` | `x y` | runs `y` | `x y`: only sh differs |
//! | `A = x` | `x` | `x` | `x` | an error | `x`: only sh differs |
//! | `A: x` | `x` | not read | `x` | an error | `x`, with white space after the colon |
//! | `A` alone, `export A` | not read | no value | from outside | no value | no entry; the line is kept, and told in [`File::alone`] |
//! | `a` alone, `Ab3` alone | not read | no value | from outside | run | refused: the rest of a value that was broken in two looks like that |
//! | other lines | not read | a warning | an error | run | refused |
//! | `'it\'s'` | `it\'s` | `it's` | `it's` | an error | refused: in single quotes nothing is an escape, as in sh |
//! | `"a\"b"` | `a\"b` | `a"b` | `a"b` | `a"b` | `a"b` |
//! | `"a\nb"` | a line break | a line break | a line break | `a\nb` | a line break |
//! | `"a\tb"` | `a\tb` | a tab | a tab | `a\tb` | a tab |
//! | `"a\xb"`, other letters | kept | kept | kept | kept | kept, the backslash too |
//! | `a\` at the end of a line | `a\` | `a\` | `a\` | joined with the next line | refused: the rest of the value would be no value |
//! | the same in double quotes | kept | kept | kept | joined | kept: only sh differs |
//! | `` `a` `` | `a` | with backticks | with backticks | runs `a` | `a`, as node: nothing is an escape in it |
//! | `"a"b`, `"a` | literal | a warning | an error | `ab`, reads on | refused |
//! | `a"b"` | literal | literal | literal | `ab` | literal: quotes count only around the whole value |
//! | `$B`, `${B}` | literal (dotenv-expand: value) | `${B}` only | value | value | value, unquoted and in double quotes |
//! | `'$B'`, `'${B}'` | literal (dotenv-expand: value) | value of `${B}` | literal | literal | literal |
//! | `${B}` of both file and environment | environment | environment | environment | the file's | the file's: what the file says doesn't change with where it is read |
//! | `${B}` that nothing sets | empty | empty | empty | empty | empty, and said in [`Value::unset`]; the caller decides |
//! | `$(c)`, and `` `c` `` inside a value | literal | literal | literal | run | refused, never run |
//! | a name twice | last | last | last | last | last; both are reported |
//! | line ends in quotes | `\n` | `\n` | kept | kept | `\n`; CRLF, LF and CR all end a line |

mod error;
mod pieces;
mod scan;
mod values;
mod write;

pub use error::{Error, What};
pub use scan::{Entry, File, Note, Quote, parse, parse_readable};
pub use values::{Part, Value};
pub use write::quote;

/// The longest name, in bytes.
pub const NAME_MAX: usize = 128;
/// The longest value after expansion, in bytes. Expansion multiplies: without an end, 30 lines make a gigabyte.
pub const VALUE_MAX: usize = 64 * 1024;

/// All values of a file together, as expanded.
pub const VALUES_MAX: usize = 16 << 20;
