//! `svault hook` in the real binary: with the store unlocked, locked and not there, and with things that aren't
//! payloads.

use serde_json::{Value, json};
use svault_tests::{Output, Sandbox};

const KEY: &str = "sk-test-LEAKED333444555";

fn asks(sandbox: &Sandbox, client: &str, payload: &[u8]) -> Output {
    sandbox.svault(&["hook", "--client", client]).stdin(payload).run()
}

/// The answer of a hook that has one.
#[track_caller]
fn answers(sandbox: &Sandbox, client: &str, payload: &Value) -> Value {
    let said = asks(sandbox, client, payload.to_string().as_bytes()).ok();
    serde_json::from_str(&said.text()).unwrap_or_else(|e| panic!("{e}: {:?}", said.text()))
}

fn reads(path: &str) -> Value {
    json!({"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {"file_path": path}})
}

fn printed(text: &str) -> Value {
    json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "x"},
        "tool_response": {"stdout": text, "stderr": "", "interrupted": false}})
}

#[track_caller]
fn stops_and_masks(sandbox: &Sandbox) {
    let project = sandbox.path("home");
    let env_file = project.join(".env");
    let answer = answers(sandbox, "claude", &reads(&env_file.display().to_string()));
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny", "{answer}");
    let store = sandbox.store().join("store.svault");
    let answer = answers(sandbox, "claude", &reads(&store.display().to_string()));
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny", "{answer}");
    let answer = answers(sandbox, "claude", &printed(&format!("the key is {KEY} as you see")));
    let output = &answer["hookSpecificOutput"]["updatedToolOutput"];
    let text = output["stdout"].as_str().expect("a text");
    assert!(text.starts_with("the key is [svault:") && text.ends_with("] as you see"), "{answer}");
    assert_eq!(output["interrupted"], false);
    // Nothing to say is said with nothing.
    assert_eq!(asks(sandbox, "claude", printed("nothing").to_string().as_bytes()).ok().text(), "");
    assert_eq!(asks(sandbox, "claude", reads("README.md").to_string().as_bytes()).ok().text(), "");
}

#[test]
fn with_the_store_unlocked_locked_and_missing_it_stops_and_masks() {
    let sandbox = Sandbox::ready();
    std::fs::write(sandbox.home().join(".env"), format!("A={KEY}\n")).expect("a file");
    stops_and_masks(&sandbox);
    sandbox.lock();
    stops_and_masks(&sandbox);
    stops_and_masks(&Sandbox::empty());
}

#[test]
fn what_a_tool_prints_of_an_env_file_is_masked() {
    let sandbox = Sandbox::empty();
    std::fs::write(sandbox.home().join(".env"), "DB_PASS=hunter2hunter2xx\n").expect("a file");
    let answer = answers(&sandbox, "claude", &printed("so it is hunter2hunter2xx"));
    let output = &answer["hookSpecificOutput"]["updatedToolOutput"];
    assert_eq!(output["stdout"], "so it is [svault:.env DB_PASS]", "{answer}");
}

#[test]
fn the_env_files_are_those_of_the_folder_where_the_tool_ran() {
    let sandbox = Sandbox::empty();
    let project = sandbox.home().join("project");
    std::fs::create_dir_all(project.join("app")).expect("a folder");
    std::fs::create_dir(project.join(".git")).expect("a folder");
    std::fs::write(project.join(".env"), "DB_PASS=hunter2hunter2xx\n").expect("a file");
    std::fs::write(sandbox.home().join(".env"), "OWN_PASS=another2another2xx\n").expect("a file");
    // Cursor's hooks of a user start in its own folder.
    for (place, value) in [("cwd", json!(project.join("app"))), ("workspace_roots", json!([project]))] {
        let mut payload = printed("hunter2hunter2xx another2another2xx");
        payload[place] = value;
        let answer = answers(&sandbox, "claude", &payload);
        let output = &answer["hookSpecificOutput"]["updatedToolOutput"];
        assert_eq!(output["stdout"], "[svault:.env DB_PASS] [svault:.env OWN_PASS]", "{answer}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_stops() {
    let sandbox = Sandbox::empty();
    std::fs::write(sandbox.home().join(".env"), format!("A={KEY}\n")).expect("a file");
    let payload = reads(&sandbox.home().join(".env").display().to_string()).to_string();
    for client in ["claude", "codex", "copilot", "gemini", "cursor"] {
        for to in ["> /dev/full", "> /dev/null", ">&-"] {
            let line = format!("\"$SVAULT\" hook --client {client} {to}");
            let _ = sandbox.shell(&line).stdin(&payload).run().exits(2);
            // What has nothing to say needs nobody who listens.
            let _ = sandbox.shell(&line).stdin(reads("README.md").to_string()).run().exits(0);
        }
    }
}

#[test]
fn what_is_no_payload_is_stopped() {
    let sandbox = Sandbox::empty();
    for payload in [
        &b""[..],
        b"garbage",
        b"[]",
        b"null",
        b"{}",
        b"{\"hook_event_name\": \"NeverHeardOf\"}",
        b"\xff\xfe{",
    ] {
        for client in ["claude", "codex", "gemini", "qwen", "cursor", "vscode", "windsurf"] {
            let said = asks(&sandbox, client, payload).exits(2);
            assert_eq!(said.text(), "", "{client}");
            let _ = said.says("svault: ").says("stopped");
        }
        for (client, key, value) in
            [("copilot", "permissionDecision", json!("deny")), ("cline", "cancel", json!(true))]
        {
            let said = asks(&sandbox, client, payload).ok();
            let answer: Value = serde_json::from_str(&said.text()).expect("an object");
            assert_eq!(answer[key], value, "{client}");
        }
        let said = asks(&sandbox, "opencode", payload).ok();
        let answer: Value = serde_json::from_str(&said.text()).expect("an object");
        assert!(answer["deny"].is_string());
    }
}

#[test]
fn what_is_too_long_or_nests_too_deep_is_stopped() {
    let sandbox = Sandbox::empty();
    let deep = format!("{{\"tool_input\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let _ = asks(&sandbox, "claude", deep.as_bytes()).exits(2);
    let long = printed(&"x".repeat(33 * 1024 * 1024)).to_string();
    let _ = asks(&sandbox, "claude", long.as_bytes()).exits(2);
}

/// A client that never closes stdin: the hook's own clock stops the tool before the client's lets it run.
#[test]
fn what_never_ends_is_stopped() {
    let sandbox = Sandbox::empty();
    let said = sandbox.shell(
        "(sleep 60 & echo $! >&3) 3>pid | $SVAULT hook --client claude; code=$?; kill $(cat pid); exit $code",
    );
    let _ = said.cwd(&sandbox.home()).run().exits(2).says("took too long");
}

#[test]
fn clients_without_hooks_and_unknown_ones_are_usage_errors() {
    let sandbox = Sandbox::empty();
    let _ = asks(&sandbox, "aider", b"{}").exits(2).says("svault run -- aider");
    let _ = asks(&sandbox, "zed", b"{}").exits(2).says("no hooks");
    let _ = asks(&sandbox, "nobody", b"{}").exits(2).says("claude, codex");
}

/// A value that no rule knows is found by the daemon; locked, nobody can.
#[test]
fn values_of_the_store_are_masked_while_it_is_unlocked() {
    let sandbox = Sandbox::ready();
    let value = "correct horse battery staple 9173";
    sandbox.add("PHRASE", value, &["--scope", "db"]);
    let answer = answers(&sandbox, "claude", &printed(&format!("it is {value}, yes")));
    let text = answer["hookSpecificOutput"]["updatedToolOutput"]["stdout"].as_str().expect("a text");
    assert!(text.starts_with("it is [svault:") && text.ends_with("], yes"), "{answer}");
    sandbox.lock();
    let said = asks(&sandbox, "claude", printed(&format!("it is {value}, yes")).to_string().as_bytes()).ok();
    assert_eq!(said.text(), "");
}
