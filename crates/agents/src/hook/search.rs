//! Tools that search: a protected file as their place or their filter, or one in the folder that they go through.

use super::guard::{TREE, normal};
use super::ignore::Ignored;
use super::shell::{self, Look, Stop};
use super::tools;
use super::wanted::{Syntax, Wanted};
use serde_json::Value;
use std::path::Path;

/// What is known of a tool that searches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tool {
    /// It prints names alone unless it is told otherwise.
    pub names: bool,
    /// It is a server's: one that is told no place may search anything.
    pub server: bool,
    /// It leaves out what is hidden.
    pub visible: bool,
}

/// Keys of the place that a search goes through.
pub const PLACES: &[&str] = &["path", "dir_path", "directory", "file_path", "includePattern", "paths"];
/// Other keys that say that files are searched.
pub const SIGNS: &[&str] = &["root", "folder", "dir", "cwd", "workdir", "base_path", "basePath", "repo_path"];
/// Keys of a pattern for the names of files.
const FILTERS: &[&str] = &["glob", "include", "include_pattern", "file_pattern", "include_glob"];

/// Keys of what is searched for.
const WANTED: &[&str] = &["pattern", "query", "regex", "queries"];

/// Why a search is stopped, if it is.
#[must_use]
pub fn judge(look: &Look, input: &Value, tool: Tool) -> Option<Stop> {
    let text = |keys: &[&str]| keys.iter().find_map(|k| input.get(k)?.as_str());
    let place = text(PLACES);
    if let Some(stop) = place.and_then(|p| tools::reads(look, p)) {
        return Some(stop);
    }
    let mode = text(&["output_mode", "outputMode"]);
    if mode.map_or(tool.names, |m| m != "content") {
        return None;
    }
    let has = |keys: &[&str]| keys.iter().any(|key| input.get(*key).is_some_and(|value| !value.is_null()));
    if tool.server && ![PLACES, SIGNS, FILTERS].into_iter().any(has) {
        return None;
    }
    let filter = text(FILTERS).map(|f| shell::patterns(f.rsplit('/').next().unwrap_or(f)));
    // In the files of a language there is none.
    let is_typed = filter.is_none() && text(&["type"]).is_some_and(shell::is_language);
    let folder = normal(&tools::folder(look, place));
    let quiet = Ignored::of(&folder);
    let wanted = wanted(input);
    let reads = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let met = match &filter {
            Some(filter) => shell::fits_any(filter, &name),
            // Searchers leave out what git ignores.
            None => !(quiet.leaves_out(path) || (tool.visible && is_hidden(&folder, path))),
        };
        met && !is_typed && wanted.prints(path)
    };
    look.guard.in_tree(&folder, false, &mut { TREE }, reads).map(Stop::Searches)
}

/// What a search looks for; anything where that can't be known.
fn wanted(input: &Value) -> Wanted {
    let patterns = match WANTED.iter().find_map(|key| input.get(*key).filter(|value| !value.is_null())) {
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        one => one.and_then(Value::as_str).map(|one| vec![one]),
    };
    // Whether a tool takes them as text or as patterns is not known of each.
    let both = |pattern: &str| [pattern.to_owned(), regex::escape(pattern)];
    let all = |patterns: Vec<&str>| patterns.into_iter().flat_map(both).collect::<Vec<_>>();
    patterns.map_or_else(Wanted::default, |patterns| Wanted::new(&all(patterns), Syntax::Extended, false))
}

/// Whether a name below a folder begins with a dot.
fn is_hidden(folder: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.iter().any(|part| part.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::guard::Guard;
    use serde_json::json;

    #[test]
    fn a_key_in_the_folder_stops_what_would_print_a_line_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = "-----BEGIN PRIVATE KEY-----\nabc+/x9\n-----END PRIVATE KEY-----\n";
        std::fs::write(dir.path().join("server.key"), key).unwrap();
        let guard = Guard::default();
        let look = Look { guard: &guard, cwd: dir.path(), env: &|_| None };
        let stops = |input: Value| judge(&look, &input, Tool::default()).is_some();
        let content = |pattern: &str| json!({"pattern": pattern, "output_mode": "content"});
        for input in
            [content("KEY"), content("."), content("a("), content("("), json!({"output_mode": "content"})]
        {
            assert!(stops(input.clone()), "{input}");
        }
        for input in
            [content("foo"), content("fn \\w+\\("), json!({"pattern": "KEY", "output_mode": "count"})]
        {
            assert!(!stops(input.clone()), "{input}");
        }
        std::fs::write(dir.path().join(".env"), "A=sk-test-1").unwrap();
        assert!(stops(content("foo")));
        let typed = |kind: &str| json!({"pattern": "foo", "output_mode": "content", "type": kind});
        assert!(!stops(typed("js")) && !stops(typed("rust")));
        assert!(stops(typed("all")) && stops(typed("sh")));
        assert!(stops(json!({"pattern": "A", "output_mode": "content", "type": "js", "glob": ".env"})));
        std::fs::write(dir.path().join(".gitignore"), ".env\n*.key\n").unwrap();
        assert!(stops(content("KEY")), "no repository");
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        assert!(!stops(content("KEY")));
        assert!(stops(json!({"pattern": "KEY", "output_mode": "content", "glob": "*.key"})));
    }
}
