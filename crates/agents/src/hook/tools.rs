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
mod tests {
    use super::*;
    use crate::hook::guard::Guard;

    /// Whether a call is stopped in a folder with a `.env` that has a secret in it.
    fn stops(client: Client, payload: &Value) -> bool {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), "A=sk-test-1").unwrap();
        let event =
            Event::read(client, &|_| None, dir.path().to_owned(), payload.to_string().as_bytes()).unwrap();
        let guard = Guard::default();
        judge(&Look { guard: &guard, cwd: &event.cwd, env: &|_| None }, &event).is_some()
    }

    fn claude(tool: &str, input: Value) -> Value {
        json!({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input})
    }

    #[test]
    fn tools_of_servers_are_known_whatever_a_client_calls_them() {
        let new = json!({"path": "new/.env", "content": "A=1"});
        let search = json!({"path": ".", "pattern": "A", "query": "A"});
        let gemini = |tool: &str, input: &Value| json!({"hook_event_name": "BeforeTool", "tool_name": tool, "tool_input": input, "mcp_context": {}});
        let copilot = |tool: &str, input: &Value| json!({"toolName": tool, "toolArgs": input});
        let opencode = |tool: &str, input: &Value| json!({"tool": tool, "args": input});
        for (client, payload, is) in [
            (Client::Gemini, gemini("mcp_fs_write_file", &new), false),
            (Client::Gemini, gemini("mcp_fs_grep", &search), true),
            (Client::Gemini, gemini("mcp_docs_search", &json!({"query": "A"})), false),
            (Client::Gemini, gemini("fs_docs_search", &json!({"query": "A"})), false),
            (Client::Copilot, copilot("fs-write_file", &new), false),
            (Client::Copilot, copilot("fs-search_files", &search), false),
            (Client::Copilot, copilot("fs-grep", &search), true),
            (Client::Copilot, copilot("fs-read_file", &json!({"path": ".env"})), true),
            (Client::Copilot, copilot("web_search", &json!({"query": "A"})), false),
            (Client::Opencode, opencode("fs_write_file", &new), false),
            (Client::Opencode, opencode("fs_search_files", &search), false),
            (Client::Opencode, opencode("fs_list_directory", &json!({"path": ".env"})), false),
            (Client::Opencode, opencode("fs_edit_file", &json!({"path": ".env"})), true),
            (Client::Opencode, opencode("docs_search", &json!({"query": "A"})), false),
            (Client::Opencode, opencode("docs_search", &json!({"file": ".env"})), true),
        ] {
            assert_eq!(stops(client, &payload), is, "{payload}");
        }
    }

    #[test]
    fn a_field_in_code_of_another_language_is_no_file() {
        for (key, text, is) in [
            ("code", "cfg = settings.env\nprint(cfg)", false),
            ("script", "const k = event.key; use(k)", false),
            ("code", "cfg = settings.env\nprint(open('.env').read())", true),
            ("script", "cat .env", true),
            ("script", "x=.e; cat ${x}nv", true),
            ("command", "cat settings.env", true),
        ] {
            assert_eq!(
                stops(Client::Claude, &claude("mcp__ide__executeCode", json!({key: text}))),
                is,
                "{text}"
            );
        }
    }

    #[test]
    fn a_file_may_be_named_in_pieces_or_by_an_address() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), "A=sk-test-1").unwrap();
        let here = dir.path().display().to_string();
        for (input, is) in [
            (json!({"resource": format!("file://{here}/.env")}), true),
            (json!({"dir": here, "name": ".env"}), true),
            (json!({"directory": here, "name": ".env"}), true),
            (json!({"dir": here, "name": "prod.env"}), false),
            (json!({"dir": here, "name": "main.ts"}), false),
            (json!({"dir": here, "name": ".env", "content": "A=1"}), false),
            (json!({"name": ".env"}), false),
            (json!({"program": "cat", "arguments": ".env"}), true),
            (json!({"program": "cat", "arguments": "README.md"}), false),
            (json!({"program": "ls", "arguments": "-la .env"}), false),
            (json!({"path": ".env "}), true),
            (json!({"path": " .env"}), true),
            (json!({"path": " README.md"}), false),
            (json!({"path": "#.env#"}), true),
            (json!({"target": "--no-index /dev/null .env"}), false),
        ] {
            assert_eq!(stops(Client::Claude, &claude("mcp__x__get", input.clone())), is, "{input}");
        }
        let all = json!({"paths": ["**/*"], "useDefaultExcludes": false});
        assert!(stops(Client::Qwen, &claude("read_many_files", all)));
        let diff = json!({"repo_path": here, "target": "--no-index /dev/null .env"});
        assert!(stops(Client::Claude, &claude("mcp__git__git_diff", diff)));
    }

    #[test]
    fn text_for_a_shell_that_runs_is_a_line() {
        let copilot =
            |input: &str| json!({"toolName": "write_bash", "toolArgs": {"sessionId": "1", "input": input}});
        assert!(stops(Client::Copilot, &copilot("cat .env{enter}")));
        assert!(!stops(Client::Copilot, &copilot("y{enter}")));
        assert!(!stops(Client::Copilot, &copilot("print(settings.env){enter}")));
        let codex = claude("write_stdin", json!({"session_id": 1, "chars": "cat .env\r"}));
        assert!(stops(Client::Codex, &codex));
        assert!(!stops(Client::Claude, &claude("mcp__x__convert", json!({"input": "cat .env"}))));
    }

    #[test]
    fn a_file_may_be_made_by_any_tool_that_makes_files() {
        let windsurf =
            |path: &str| json!({"agent_action_name": "pre_write_code", "tool_info": {"file_path": path}});
        assert!(!stops(Client::Windsurf, &windsurf("new/.env")));
        assert!(stops(Client::Windsurf, &windsurf(".env")));
        for (tool, input, is) in [
            ("str_replace_editor", json!({"command": "create", "path": "new/.env"}), false),
            ("str_replace_editor", json!({"command": "create", "path": ".env"}), true),
            ("str_replace_based_edit_tool", json!({"command": "view", "path": ".env"}), true),
            ("str_replace_based_edit_tool", json!({"command": "view", "path": ".env.example"}), false),
            ("mcp__github__create_or_update_file", json!({"path": "new/.env", "content": "A=1"}), false),
            ("replace_in_file", json!({"path": ".env"}), true),
        ] {
            assert_eq!(stops(Client::Claude, &claude(tool, input.clone())), is, "{tool} {input}");
        }
    }

    #[test]
    fn a_shells_folder_may_be_called_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("packages/api")).unwrap();
        std::fs::write(dir.path().join(".env"), "A=svault://main/A").unwrap();
        std::fs::write(dir.path().join("packages/api/.env"), "A=sk-test-1").unwrap();
        let guard = Guard::default();
        let stops = |tool: &str, input: Value| {
            let payload = json!({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input});
            let folder = dir.path().to_owned();
            let event = Event::read(Client::Qwen, &|_| None, folder, payload.to_string().as_bytes()).unwrap();
            judge(&Look { guard: &guard, cwd: &event.cwd, env: &|_| None }, &event).is_some()
        };
        for (folder, is) in [("packages/api", true), (".", false)] {
            let input = json!({"command": "cat .env", "directory": folder});
            assert_eq!(stops("run_shell_command", input), is, "{folder}");
        }
        // Of a search it is the place that it goes through.
        assert!(stops("grep", json!({"pattern": "A", "directory": "packages"})));
    }

    #[test]
    fn a_search_of_the_code_leaves_out_what_is_hidden() {
        let cline = |input: Value| json!({"hookName": "tool_call", "tool_call": {"name": "search_codebase", "input": input}});
        let dir = tempfile::tempdir().unwrap();
        let stops = |input: Value| {
            let payload = cline(input).to_string();
            let event =
                Event::read(Client::Cline, &|_| None, dir.path().to_owned(), payload.as_bytes()).unwrap();
            let guard = Guard::default();
            judge(&Look { guard: &guard, cwd: &event.cwd, env: &|_| None }, &event).is_some()
        };
        let forms = |word: &str| {
            [
                json!({"queries": [word]}),
                json!({"queries": word}),
                json!({"query": word}),
                json!([word]),
                json!(word),
            ]
        };
        std::fs::write(dir.path().join(".env"), "A=sk-test-1").unwrap();
        std::fs::create_dir(dir.path().join(".deep")).unwrap();
        std::fs::write(dir.path().join(".deep/prod.env"), "A=sk-test-1").unwrap();
        for word in ["PASS", ".env", "src/.env"] {
            assert!(forms(word).into_iter().all(|form| !stops(form)), "{word}");
        }
        let key = "-----BEGIN PRIVATE KEY-----\nabc+/x9\n-----END PRIVATE KEY-----\n";
        std::fs::write(dir.path().join("server.key"), key).unwrap();
        assert!(forms("PASS").into_iter().all(|form| !stops(form)));
        assert!(forms("KEY").into_iter().all(&stops));
        assert!(stops(json!({"queries": ["PASS", "KEY"]})));
        std::fs::remove_file(dir.path().join("server.key")).unwrap();
        std::fs::write(dir.path().join("prod.env"), "A=sk-test-1").unwrap();
        assert!(forms("PASS").into_iter().all(stops));
    }
}
