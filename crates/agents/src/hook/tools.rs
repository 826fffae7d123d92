//! From a tool and its arguments to what it would touch, whatever the client calls it.

use super::guard::Secret;
use super::lines;
use super::many;
use super::payload::Event;
use super::search;
use super::shell::{self, Look, Stop};
use super::urls;
use crate::Client;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::path::Path;

/// How deep arguments are looked through.
pub const DEPTH: usize = 6;

/// What a tool does with the paths in its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Gives what is in them.
    Read,
    /// Changes them, and shows what was there.
    Edit,
    /// Makes them.
    Write,
    /// Searches them.
    Search,
    /// Lists names.
    Names,
}

const TOOLS: &[(Does, &[&str])] = &[
    (
        Does::Names,
        &[
            "glob",
            "ls",
            "list",
            "list_directory",
            "list_dir",
            "list_files",
            "find_files",
            "file_search",
            "listdirectory",
            "filesearch",
            "directory_tree",
        ],
    ),
    (
        Does::Search,
        &[
            "grep",
            "search_file_content",
            "grep_search",
            "ripgrep",
            "rg",
            "search_files",
            "textsearch",
            "findtextinfiles",
            "search",
            "search_codebase",
        ],
    ),
    (
        Does::Write,
        &[
            "write",
            "write_file",
            "create",
            "create_file",
            "write_to_file",
            "createfile",
            "new_file",
            "save_file",
            "write_code",
            "create_or_update_file",
        ],
    ),
    (
        Does::Edit,
        &[
            "edit",
            "multiedit",
            "notebookedit",
            "replace",
            "edit_file",
            "editfiles",
            "str_replace",
            "str_replace_editor",
            "str_replace_based_edit_tool",
            "apply_patch",
            "insert",
            "delete_file",
            "delete",
            "move_file",
            "update",
            "patch",
            "replace_in_file",
            "replace_string_in_file",
            "multi_replace_string_in_file",
            "insert_edit_into_file",
        ],
    ),
];

const PATHS: &[&str] = &[
    "path",
    "file_path",
    "filepath",
    "filePath",
    "file",
    "files",
    "filename",
    "fileName",
    "file_name",
    "paths",
    "file_paths",
    "filePaths",
    "notebook_path",
    "absolute_path",
    "absolutePath",
    "relative_path",
    "relativePath",
    "target_file",
    "targetFile",
    "uri",
    "source",
    "destination",
    "include",
    "attachments",
    "resource_uri",
    "TargetFile",
    "AbsolutePath",
    "old_path",
    "new_path",
    "dir_path",
];
const PATTERNS: &[&str] = &["paths", "include", "files", "file_paths"];

/// Keys that name a file within an object that is one of several files.
const NAMES: &[&str] = &["name", "Name"];
/// Keys of what is in a file: an object with one of them brings its text along.
const TEXTS: &[&str] = &["content", "contents", "text", "data", "body", "blob"];

/// The last part of a tool's name, in small letters: `mcp__fs__read_file` is `read_file`.
fn bare(tool: &str) -> String {
    let last = tool.rsplit("__").next().unwrap_or(tool);
    last.rsplit([':', '.']).next().unwrap_or(last).to_ascii_lowercase()
}

/// What a tool does, by its name, or by the end of it: clients put a server's name before it, `fs_write_file`,
/// `fs-write_file`. A single word is an end only of a `server`'s tool: `web_search` is none that searches files.
fn does(tool: &str, server: bool) -> Does {
    let name = bare(tool);
    let all = TOOLS.iter().flat_map(|(does, names)| names.iter().map(|known| (*does, *known)));
    let ends = |known: &str| {
        let before = name.strip_suffix(known).filter(|_| server || known.contains('_'));
        before.is_some_and(|before| before.ends_with(['_', '-']))
    };
    let exact = all.clone().find(|(_, known)| *known == name);
    let found = exact.or_else(|| all.filter(|(_, known)| ends(known)).max_by_key(|(_, known)| known.len()));
    found.map_or(Does::Read, |(does, _)| does)
}

/// As [`does`], for tools that say in their arguments what they do.
fn does_here(event: &Event, server: bool) -> Does {
    if server && bare(&event.tool).ends_with("search_files") {
        // The servers that have it find names by it.
        return Does::Names;
    }
    let does = does(&event.tool, server);
    match event.input.get("command").and_then(Value::as_str) {
        Some("view") if does == Does::Edit => Does::Read,
        Some("create") if does == Does::Edit => Does::Write,
        _ => does,
    }
}

/// Whether the tool is a shell, by its name.
#[must_use]
pub fn is_shell(tool: &str) -> bool {
    let shells = [
        "bash",
        "shell",
        "run_shell_command",
        "run_commands",
        "exec_command",
        "run_in_terminal",
        "runinterminal",
        "local_shell",
    ];
    shells.contains(&bare(tool).as_str())
}

/// Whether the tool searches files, by its name.
#[must_use]
pub fn is_search(tool: &str) -> bool {
    does(tool, false) == Does::Search
}

/// Whether the tool is one of an MCP server: the client says so, or names it as it names those.
fn is_servers(event: &Event) -> bool {
    let tool = event.tool.to_ascii_lowercase();
    let named = match event.real {
        Client::Copilot => tool.contains('-'),
        Client::Opencode => tool.contains('_'),
        _ => false,
    };
    let prefixed = tool.starts_with("mcp_") || tool.starts_with("mcp:");
    event.of_server || named || prefixed || event.name.to_ascii_lowercase().contains("mcp")
}

/// Why the call is stopped, if it is.
#[must_use]
pub fn judge(look: &Look, event: &Event) -> Option<Stop> {
    let server = is_servers(event);
    let does = does_here(event, server);
    if let Some(stop) = typed(look, event) {
        return Some(stop);
    }
    let input = &keyed(event, does);
    let name = bare(&event.tool);
    if let Some(stop) = many::judge(look, &name, input).or_else(|| many::by_git(look, &name, input)) {
        return Some(stop);
    }
    if does == Does::Search {
        let names = event.real == Client::Claude && event.tool == "Grep";
        let visible = event.tool == "search_codebase";
        let stop = search::judge(look, input, search::Tool { names, server, visible });
        let stop = stop.or_else(|| lines::judge(look, input, 0));
        return stop.or_else(|| if server { paths(look, does, input, 0) } else { None });
    }
    lines::judge(look, input, 0)
        .or_else(|| if does == Does::Names { None } else { paths(look, does, input, 0) })
}

/// The arguments with a key where there is none: a string or a list has lines for a shell, patterns for a search, and
/// paths for another tool.
fn keyed(event: &Event, does: Does) -> Cow<'_, Value> {
    match &event.input {
        Value::String(text) if lines::is_patch(text) => Cow::Borrowed(&event.input),
        Value::String(_) | Value::Array(_) => {
            let key = match does {
                _ if is_shell(&event.tool) => "commands",
                Does::Search => "queries",
                _ => "files",
            };
            Cow::Owned(json!({key: event.input}))
        }
        _ => Cow::Borrowed(&event.input),
    }
}

/// Text that is typed into a shell that runs, or into another program.
fn typed(look: &Look, event: &Event) -> Option<Stop> {
    let name = bare(&event.tool);
    if !(matches!(name.as_str(), "write_bash" | "write_powershell" | "write_stdin")
        || name.starts_with("send_"))
    {
        return None;
    }
    let mut texts = ["input", "chars"].iter().filter_map(|key| event.input.get(*key)?.as_str());
    texts.find_map(|text| shell::line_or_code(look, &text.replace("{enter}", "\n").replace('\r', "\n")))
}

fn paths(look: &Look, does: Does, value: &Value, depth: usize) -> Option<Stop> {
    if depth > DEPTH {
        return None;
    }
    match value {
        Value::Object(map) => in_folder(look, does, map).or_else(|| {
            map.iter().find_map(|(key, inner)| match inner {
                Value::String(path) if PATHS.contains(&key.as_str()) => {
                    one(look, does, path, PATTERNS.contains(&key.as_str()))
                }
                Value::String(url) => {
                    urls::file(url).filter(|_| urls::is_key(key)).and_then(|p| one(look, does, &p, false))
                }
                Value::Array(all) if urls::is_key(key) => {
                    let mut files = all.iter().filter_map(Value::as_str).filter_map(urls::file);
                    let found = files.find_map(|p| one(look, does, &p, false));
                    found.or_else(|| paths(look, does, inner, depth + 1))
                }
                Value::Array(all) if PATHS.contains(&key.as_str()) => {
                    let text = all.iter().filter_map(Value::as_str).find_map(|p| one(look, does, p, true));
                    let named = || all.iter().find_map(|file| named(look, does, key, file));
                    text.or_else(named).or_else(|| paths(look, does, inner, depth + 1))
                }
                Value::Array(all) => {
                    let named = all.iter().find_map(|file| named(look, does, key, file));
                    named.or_else(|| paths(look, does, inner, depth + 1))
                }
                inner => named(look, does, key, inner).or_else(|| paths(look, does, inner, depth + 1)),
            })
        }),
        Value::Array(all) => all.iter().find_map(|inner| paths(look, does, inner, depth + 1)),
        _ => None,
    }
}

/// A folder under one key and a name under another: `{"dir": …, "name": …}`. The file has to be there.
fn in_folder(look: &Look, does: Does, map: &Map<String, Value>) -> Option<Stop> {
    let text = |key: &&str| map.get(*key)?.as_str();
    let folder = search::SIGNS.iter().chain(search::PLACES).find_map(text)?;
    let name = NAMES.iter().find_map(text).filter(|_| !TEXTS.iter().any(|text| map.contains_key(*text)))?;
    let path = Path::new(folder).join(name);
    let stop = one(look, does, &path.to_string_lossy(), false)?;
    stop.secret().is_some_and(|secret| secret.path.exists()).then_some(stop)
}

/// An object that stands for a file, by the key that it is under: `{"files": [{"name": …}]}`.
fn named(look: &Look, does: Does, key: &str, value: &Value) -> Option<Stop> {
    let ends = |ends: &[&str]| ends.iter().any(|end| key.ends_with(end));
    let is_file = matches!(key, "file" | "files" | "attachments" | "documents")
        || ends(&["_file", "_files", "-files", "File", "Files"]);
    let file = value.as_object().filter(|f| is_file && !TEXTS.iter().any(|text| f.contains_key(*text)))?;
    let mut names = NAMES.iter().filter_map(|name| file.get(*name)?.as_str());
    names.find_map(|name| one(look, does, name, false))
}

fn one(look: &Look, does: Does, path: &str, pattern: bool) -> Option<Stop> {
    let url = urls::file(path);
    let secret = find(look, url.as_deref().unwrap_or(path), pattern)?;
    match does {
        Does::Read | Does::Search | Does::Names => Some(Stop::Reads(secret)),
        Does::Edit => Some(Stop::Writes(secret)),
        Does::Write => shell::writes(&secret).then_some(Stop::Writes(secret)),
    }
}

/// A path as written, and as a pattern where the tool takes patterns.
fn find(look: &Look, path: &str, pattern: bool) -> Option<Secret> {
    // Some tools take off what stands around a path.
    let bare = Some(path.trim()).filter(|bare| bare.len() < path.len());
    let plain = shell::path(look, path, false).or_else(|| shell::path(look, bare?, false));
    plain.or_else(|| if pattern { shell::path(look, path, true) } else { None })
}

/// Whether a path, in the folder of a look, leads to something protected.
#[must_use]
pub fn reads(look: &Look, path: &str) -> Option<Stop> {
    one(look, Does::Read, path, false)
}

/// As [`reads`], in text for people: what could be a field in code, `request.env`, has to be there.
#[must_use]
pub fn mentions(look: &Look, path: &str) -> Option<Stop> {
    reads(look, path).filter(shell::counts_in_code)
}

/// The folder that a path names.
#[must_use]
pub fn folder(look: &Look, path: Option<&str>) -> std::path::PathBuf {
    look.cwd.join(Path::new(path.unwrap_or(".")))
}

#[cfg(test)]
mod tests;
