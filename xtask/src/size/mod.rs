//! `cargo xtask size`: a file is one idea. No file over 500 lines, no function of 60 lines or more, and the first
//! line of each says what it is. Tests and tables of data don't count.

mod items;
mod tokens;

use crate::run::{Done, top};
use items::{Measured, measure};
use std::path::{Path, PathBuf};

const FILE_LIMIT: usize = 500;
const FUNCTION_LIMIT: usize = 60;

/// Reads every source file of the workspace.
pub fn check() -> Done {
    let top = top();
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "tests", "benches", "fuzz"] {
        rust_files(&top.join(folder), &mut files)?;
    }
    files.sort();
    let mut said = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(&top).unwrap_or(path);
        said.extend(complaints(&name.to_string_lossy(), &text, is_test(name)));
    }
    if said.is_empty() {
        eprintln!("xtask: {} files are within their size", files.len());
        return Ok(());
    }
    Err(format!("too long, or without a first line:\n  {}", said.join("\n  ")))
}

/// What is wrong with one file.
fn complaints(name: &str, text: &str, test: bool) -> Vec<String> {
    let mut said = Vec::new();
    if !text.starts_with("//!") && !text.starts_with("#!") {
        said.push(format!("{name}:1: the first line must say what the file is (`//! …`)"));
    }
    if test {
        return said;
    }
    let Measured { lines, functions } = measure(text);
    if lines > FILE_LIMIT {
        said.push(format!("{name}: {lines} lines (at most {FILE_LIMIT}, without tests and tables)"));
    }
    for f in functions {
        if f.lines >= FUNCTION_LIMIT {
            said.push(format!(
                "{name}:{}: fn {} has {} lines (under {FUNCTION_LIMIT})",
                f.at, f.name, f.lines
            ));
        }
    }
    said
}

/// Whether a file is nothing but tests.
fn is_test(name: &Path) -> bool {
    let mut parts = name.components().map(|c| c.as_os_str().to_string_lossy());
    parts.any(|p| p == "tests" || p == "tests.rs" || p == "benches" || p.ends_with("_tests.rs"))
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> Done {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                rust_files(&path, into)?;
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(n: usize) -> String {
        format!("//! What it is.\nfn f() {{\n{}}}\n", "    g();\n".repeat(n))
    }

    #[test]
    fn the_bounds_are_where_they_are_said_to_be() {
        assert_eq!(complaints("a.rs", &long(57), false), Vec::<String>::new());
        assert_eq!(complaints("a.rs", &long(58), false), ["a.rs:2: fn f has 60 lines (under 60)"]);
        let table = format!("//! A table.\nconst T: &[u8] = &[\n{}];\n", "    0,\n".repeat(600));
        assert_eq!(complaints("a.rs", &table, false), Vec::<String>::new());
        let many = format!("//! Long.\n{}", "use a;\n".repeat(500));
        assert_eq!(complaints("a.rs", &many, false).len(), 1);
        let tested = format!("//! Short.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn g() {}\n".repeat(500));
        assert_eq!(complaints("a.rs", &tested, false), Vec::<String>::new());
    }

    #[test]
    fn a_first_line_is_wanted() {
        assert_eq!(complaints("a.rs", "use b;\n", true).len(), 1);
    }
}
