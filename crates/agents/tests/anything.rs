//! Whatever comes in, an answer in the client's form goes out, and a secret in an answer that has a place for it doesn't.
// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use svault_agents::Client;
use svault_agents::hook::{Finder, Found, Reply, Setup, answer, guard::Guard, has_hooks};

const KEY: &str = "sk-test-ANYWHERE000111";

struct Key;

impl Finder for Key {
    fn find(&mut self, text: &str, _: &Path) -> Vec<Found> {
        text.match_indices(KEY)
            .map(|(at, k)| Found { range: at..at + k.len(), label: "key".into() })
            .collect()
    }
}

fn asked(client: Client, payload: &[u8]) -> Reply {
    let env = |_: &str| None;
    let setup = Setup {
        client,
        guard: Guard { home: Some("/home/dev".into()), own: vec![] },
        env: &env,
        folder: PathBuf::from("/home/dev/project"),
        scrub: Some("/opt/svault scrub".to_owned()),
    };
    answer(&setup, payload, &mut Key)
}

fn clients() -> impl Strategy<Value = Client> {
    let all: Vec<Client> = Client::ALL.into_iter().filter(|c| has_hooks(*c)).collect();
    prop::sample::select(all)
}

/// Keys and words that payloads are made of, so that more than the first check is reached.
fn word() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "hook_event_name",
        "hookEventName",
        "PreToolUse",
        "PostToolUse",
        "BeforeTool",
        "AfterTool",
        "tool_name",
        "toolName",
        "tool",
        "tool_input",
        "toolArgs",
        "args",
        "tool_response",
        "toolResult",
        "output",
        "command",
        "commands",
        "cmd",
        "file_path",
        "path",
        "paths",
        "Bash",
        "Read",
        "Grep",
        "cwd",
        "prompt",
        "@.env",
        ".env",
        "cat .env",
        "error",
        "tool_info",
        "tool_call",
        "tool_result",
        "input",
        "hookName",
        "agent_action_name",
        "pre_read_code",
        "cursor_version",
        "content",
        "text",
        "*** Begin Patch\n*** Update File: .env",
        "../../.env",
        "\u{0}",
        "$(",
        "`",
        "'",
        KEY,
    ];
    prop_oneof![3 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,40}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        word().prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((word(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// An answer that is none of the shapes a client knows.
fn holds(reply: &Reply) -> bool {
    let object = reply.json.as_ref().is_none_or(|json| json.as_object().is_some_and(|o| !o.is_empty()));
    object && matches!(reply.exit, 0 | 2) && (reply.exit == 0 || reply.says.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn bytes_are_refused(client in clients(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let reply = asked(client, &bytes);
        prop_assert!(holds(&reply));
        let says = reply.json.map(|j| j.to_string()).unwrap_or_default() + &reply.says.unwrap_or_default();
        prop_assert!(says.contains("stopped"), "{}", says);
    }

    #[test]
    fn any_json_is_answered(client in clients(), payload in value()) {
        prop_assert!(holds(&asked(client, payload.to_string().as_bytes())));
    }

    #[test]
    fn any_command_is_answered(client in clients(), command in ".{0,200}") {
        let payload = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}});
        prop_assert!(holds(&asked(client, payload.to_string().as_bytes())));
    }

    /// Where a client takes another output, none of its texts has the key in it.
    #[test]
    fn a_masked_output_has_no_key_in_it(output in value()) {
        for (client, payload) in [
            (Client::Claude, json!({"hook_event_name": "PostToolUse", "tool_name": "X", "tool_response": &output})),
            (Client::Codex, json!({"hook_event_name": "PostToolUse", "turn_id": "t", "tool_name": "X", "tool_response": &output})),
            (Client::Copilot, json!({"toolName": "x", "toolArgs": {}, "toolResult": &output})),
            (Client::Gemini, json!({"hook_event_name": "AfterTool", "tool_name": "x", "tool_response": &output})),
            (Client::Opencode, json!({"tool": "x", "args": {}, "output": &output})),
        ] {
            let reply = asked(client, payload.to_string().as_bytes());
            let said = reply.json.map(|j| j.to_string()).unwrap_or_default();
            prop_assert!(!said.contains(KEY), "{}: {}", client, said);
            if output.to_string().contains(KEY) {
                prop_assert!(said.contains("[svault:key]") || said.contains("svault masked"), "{}: {}", client, said);
            }
        }
    }
}

#[test]
fn a_tool_that_gives_back_its_input_is_masked_in_both() {
    let output = json!({"input": KEY, "output": "done"});
    let payload = json!({"hook_event_name": "PostToolUse", "tool_name": "X", "tool_response": &output});
    let said = asked(Client::Claude, payload.to_string().as_bytes()).json.unwrap().to_string();
    assert!(!said.contains(KEY) && said.contains("[svault:key]"), "{said}");
}

#[test]
fn half_a_character_in_a_payload_hides_nothing() {
    let call = |event: &str, rest: &str| {
        let payload = format!(
            r#"{{"hook_event_name":"{event}","cwd":"/p","tool_name":"Read","tool_input":{{"file_path":"/p/a"}}{rest}}}"#
        );
        asked(Client::Claude, payload.as_bytes())
    };
    let reply = call("PostToolUse", &format!(r#","tool_response":"cut \ud83d {KEY}""#));
    let said = reply.json.map(|json| json["hookSpecificOutput"]["updatedToolOutput"].clone());
    assert_eq!((said, reply.exit), (Some("cut \u{fffd} [svault:key]".into()), 0));
    assert_eq!(call("PreToolUse", r#","note":"\udc00""#), Reply::default());
}

/// A folder with a key in `app`, and none elsewhere.
fn folder_with_a_key() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("app")).unwrap();
    std::fs::create_dir_all(dir.path().join("src")).unwrap();
    let key = "-----BEGIN PRIVATE KEY-----\nabc+/x9\n-----END PRIVATE KEY-----\n";
    std::fs::write(dir.path().join("app/server.key"), key).unwrap();
    dir
}

fn is_stopped(client: Client, payload: &Value) -> bool {
    let reply = asked(client, payload.to_string().as_bytes());
    let denies = |json: &Value| {
        json["decision"] == "deny" || json["hookSpecificOutput"]["permissionDecision"] == "deny"
    };
    reply.json.as_ref().is_some_and(denies) || reply.exit == 2
}

#[test]
fn the_place_of_a_search_starts_in_the_folder() {
    let dir = folder_with_a_key();
    let call = |tool: &str, input: Value| json!({"hook_event_name": "BeforeTool", "cwd": dir.path(), "tool_name": tool, "tool_input": input});
    let search = |place: &str| {
        is_stopped(Client::Gemini, &call("grep_search", json!({"pattern": "KEY", "dir_path": place})))
    };
    let shell = |place: &str| {
        is_stopped(
            Client::Gemini,
            &call("run_shell_command", json!({"command": "grep -r KEY .", "dir_path": place})),
        )
    };
    for (place, stopped) in [("app", true), ("./app", true), ("src", false), (".", true)] {
        assert_eq!((search(place), shell(place)), (stopped, stopped), "{place}");
    }
    assert!(search(dir.path().join("app").to_str().unwrap()));
}

#[test]
fn what_prints_names_alone_or_searches_no_files_goes_through() {
    let dir = folder_with_a_key();
    let asks = |client: Client, event: &str, tool: &str, input: Value| {
        let payload = json!({"hook_event_name": event, "cwd": dir.path().join("app"), "tool_name": tool, "tool_input": input});
        is_stopped(client, &payload)
    };
    let claude = |tool: &str, input: Value| asks(Client::Claude, "PreToolUse", tool, input);
    for (tool, input) in [
        ("Grep", json!({"pattern": "KEY"})),
        ("Grep", json!({"pattern": "KEY", "output_mode": "count"})),
        ("mcp__context7__search", json!({"query": "KEY"})),
        ("mcp__docs__search", json!({"query": "KEY", "path": null})),
        ("mcp__filesystem__search_files", json!({"path": dir.path(), "pattern": "KEY"})),
    ] {
        assert!(!claude(tool, input.clone()), "{tool} {input}");
    }
    for (tool, input) in [
        ("Grep", json!({"pattern": "KEY", "output_mode": "content"})),
        ("Grep", json!({"pattern": "KEY", "path": "server.key"})),
        ("grep_search", json!({"pattern": "KEY"})),
        ("mcp__fs__search", json!({"query": "KEY", "path": "."})),
        ("mcp__fs__grep", json!({"pattern": "KEY", "root": "."})),
        ("mcp__fs__grep", json!({"pattern": "KEY", "glob": "*.key"})),
        ("mcp__fs__search", json!({"query": "KEY", "path": ".env"})),
        ("search_files", json!({"regex": "KEY"})),
    ] {
        assert!(claude(tool, input.clone()), "{tool} {input}");
    }
    // In other clients a tool of this name prints lines.
    assert!(asks(Client::Gemini, "BeforeTool", "Grep", json!({"pattern": "KEY"})));
    assert!(!asks(Client::Cursor, "beforeMCPExecution", "search", json!({"query": "KEY"})));
    assert!(asks(Client::Gemini, "BeforeTool", "search", json!({"query": "KEY"})));
}
