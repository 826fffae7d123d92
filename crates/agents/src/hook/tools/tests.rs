//! What tools are stopped, by the names and inputs that clients give them.

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
        assert_eq!(stops(Client::Claude, &claude("mcp__ide__executeCode", json!({key: text}))), is, "{text}");
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
        let event = Event::read(Client::Cline, &|_| None, dir.path().to_owned(), payload.as_bytes()).unwrap();
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
