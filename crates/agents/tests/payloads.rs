//! What real clients say, and the exact answer to each: recorded ones, and documented ones where a client can't be run.
// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use svault_agents::Client;
use svault_agents::hook::{Finder, Found, Setup, answer, guard::Guard};

/// Finds `sk-test-…`, whatever the leak rules of the day are.
struct TestKeys;

impl Finder for TestKeys {
    fn find(&mut self, text: &str, _: &Path) -> Vec<Found> {
        let starts = text.match_indices("sk-test-").map(|(at, _)| at);
        starts
            .map(|at| {
                let long = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                Found { range: at..long.map_or(text.len(), |l| at + l), label: "test-key".into() }
            })
            .collect()
    }
}

fn check(client: Client, file: &str) {
    for (number, line) in file.lines().enumerate() {
        let row: Value = serde_json::from_str(line).unwrap();
        let env = |name: &str| row["env"][name].as_str().map(str::to_owned);
        let setup = Setup {
            client,
            guard: Guard {
                home: Some("/home/dev".into()),
                own: vec!["/home/dev/.local/share/svault".into()],
            },
            env: &env,
            folder: PathBuf::from("/home/dev/project"),
            scrub: (row["rewrite"] == true).then(|| "/opt/svault scrub".to_owned()),
        };
        let reply = answer(&setup, row["payload"].to_string().as_bytes(), &mut TestKeys);
        let at = format!("{client}, line {}: {}", number + 1, row["payload"]);
        assert_eq!(reply.json.unwrap_or(Value::Null), row["answer"], "{at}");
        assert_eq!(u64::from(reply.exit), row["exit"].as_u64().unwrap_or(0), "{at}");
        assert_eq!(reply.says.as_deref(), row["says"].as_str(), "{at}");
    }
}

#[test]
fn claude_is_answered_in_its_form() {
    check(Client::Claude, include_str!("payloads/claude.jsonl"));
}

#[test]
fn codex_is_answered_in_its_form() {
    check(Client::Codex, include_str!("payloads/codex.jsonl"));
}

#[test]
fn copilot_is_answered_in_its_form() {
    check(Client::Copilot, include_str!("payloads/copilot.jsonl"));
}

#[test]
fn cursor_is_answered_in_its_form() {
    check(Client::Cursor, include_str!("payloads/cursor.jsonl"));
}

#[test]
fn vscode_is_answered_in_its_form() {
    check(Client::VsCode, include_str!("payloads/vscode.jsonl"));
}

#[test]
fn gemini_is_answered_in_its_form() {
    check(Client::Gemini, include_str!("payloads/gemini.jsonl"));
}

#[test]
fn opencode_is_answered_in_its_form() {
    check(Client::Opencode, include_str!("payloads/opencode.jsonl"));
}

#[test]
fn qwen_is_answered_in_its_form() {
    check(Client::Qwen, include_str!("payloads/qwen.jsonl"));
}

#[test]
fn cline_is_answered_in_its_form() {
    check(Client::Cline, include_str!("payloads/cline.jsonl"));
}

#[test]
fn windsurf_is_answered_in_its_form() {
    check(Client::Windsurf, include_str!("payloads/windsurf.jsonl"));
}
