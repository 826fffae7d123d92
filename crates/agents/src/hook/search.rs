//! Tools that search: a protected file as their place or their filter, or one in the folder that they go through.

use super::guard::Guard;
use super::shell::{self, Look, Stop};
use super::tools;
use serde_json::Value;
use std::path::Path;

/// Why a search is stopped, if it is.
#[must_use]
pub fn judge(look: &Look, input: &Value) -> Option<Stop> {
    let text = |keys: &[&str]| keys.iter().find_map(|k| input.get(k)?.as_str());
    let place = text(&["path", "dir_path", "directory", "file_path", "includePattern", "paths"]);
    if let Some(stop) = place.and_then(|p| tools::reads(look, p)) {
        return Some(stop);
    }
    let mode = text(&["output_mode", "outputMode"]);
    if mode.is_some_and(|m| m != "content") {
        return None;
    }
    let filter = text(&["glob", "include", "include_pattern", "file_pattern", "include_glob"]);
    let folder = tools::folder(look, place);
    let quiet = ignored(&folder);
    let reads = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match filter {
            Some(filter) => shell::fits(filter.rsplit('/').next().unwrap_or(filter), &name),
            // Searchers leave out what git ignores.
            None => !quiet.iter().any(|pattern| shell::fits(pattern, &name)),
        }
    };
    let guard: &Guard = look.guard;
    guard.in_tree(&folder, false, reads).map(Stop::Searches)
}

/// The names that `.gitignore` leaves out, in this folder and the ones above it up to the repository's.
fn ignored(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for folder in folder.ancestors().take(16) {
        let text = std::fs::read_to_string(folder.join(".gitignore")).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', '!']));
        let names = lines.map(|l| l.trim_start_matches("**/").trim_matches('/'));
        all.extend(names.filter(|n| !n.contains('/')).map(str::to_owned));
        if folder.join(".git").exists() {
            break;
        }
    }
    all
}
