//! Names of variables that a builtin goes through once more: what is substituted in their brackets runs.

use super::Stop;
use super::glob;
use super::roles::Call;
use super::settings;
use super::walk::Walk;

/// Builtins that take names of variables.
const BUILTINS: &[&str] = &[
    "test",
    "[",
    "[[",
    "read",
    "declare",
    "typeset",
    "local",
    "readonly",
    "export",
    "unset",
    "let",
    "mapfile",
    "readarray",
    "wait",
    "getopts",
    "integer",
    "float",
];

/// `test -v 'x[$(…)]'`, `printf -v 'x[$(…)]' …`
pub fn run(walk: &mut Walk, call: &Call) -> Option<Stop> {
    let words = match call.name {
        "printf" if call.word(0) == "-v" => call.args.get(1..2).unwrap_or_default(),
        "printf" => call.args.get(..1).filter(|first| first[0].iter().any(|f| f.starts_with("-v")))?,
        name if BUILTINS.contains(&name) => call.args,
        _ => return None,
    };
    let named = words.iter().flatten().filter_map(|form| glob::literal(form));
    let named: Vec<String> = named.filter(|text| text.contains('[')).collect();
    named.iter().find_map(|text| settings::expanded(walk, text))
}
