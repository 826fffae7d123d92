//! Made-up calls in each client's own form: a file with secrets is to be read, a key was printed. And whether the
//! answer is one that the client obeys.

use crate::Client;
use serde_json::{Value, json};
use std::path::Path;

/// What becomes of a key in a tool's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// The client is given other output.
    Masked,
    /// The model is told not to use it.
    Warned,
    /// Nothing.
    Seen,
}

/// A call that would read this file. None where the client has no hooks.
#[must_use]
pub fn reading(client: Client, file: &Path) -> Option<Value> {
    let path = file.display().to_string();
    let cwd = file.parent().unwrap_or(file).display().to_string();
    Some(match client {
        Client::Claude => {
            json!({"hook_event_name": "PreToolUse", "cwd": cwd, "tool_name": "Read", "tool_input": {"file_path": path}})
        }
        Client::Codex => {
            json!({"hook_event_name": "PreToolUse", "cwd": cwd, "tool_name": "Bash", "tool_input": {"command": "cat .env"}})
        }
        Client::Copilot => json!({"cwd": cwd, "toolName": "view", "toolArgs": {"path": path}}),
        Client::VsCode => {
            json!({"hookEventName": "PreToolUse", "cwd": cwd, "tool_name": "readFile", "tool_input": {"filePath": path}})
        }
        Client::Cursor => {
            json!({"hook_event_name": "beforeReadFile", "cursor_version": "", "workspace_roots": [cwd], "file_path": path})
        }
        Client::Gemini => {
            json!({"hook_event_name": "BeforeTool", "cwd": cwd, "tool_name": "read_file", "tool_input": {"file_path": path}})
        }
        Client::Opencode => json!({"tool": "read", "args": {"filePath": path}}),
        Client::Qwen => {
            json!({"hook_event_name": "PreToolUse", "cwd": cwd, "tool_name": "read_file", "tool_input": {"file_path": path}})
        }
        Client::Cline => {
            json!({"clineVersion": "", "workspaceRoots": [cwd], "hookName": "tool_call",
                "tool_call": {"name": "run_commands", "input": {"commands": ["cat .env"]}}})
        }
        Client::Windsurf => json!({"agent_action_name": "pre_read_code", "tool_info": {"file_path": path}}),
        Client::Aider | Client::Zed => return None,
    })
}

/// A tool that has printed this text. None where the client takes no answer to that.
#[must_use]
pub fn printing(client: Client, text: &str) -> Option<Value> {
    let call = json!({"command": "cat notes"});
    Some(match client {
        Client::Claude => json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": call,
            "tool_response": {"stdout": text, "stderr": "", "interrupted": false}}),
        Client::Codex => {
            json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": call, "tool_response": text})
        }
        Client::Copilot => json!({"toolName": "bash", "toolArgs": call,
            "toolResult": {"resultType": "success", "textResultForLlm": text}}),
        Client::Cursor => {
            json!({"hook_event_name": "postToolUse", "cursor_version": "", "tool_name": "MCP:get",
            "tool_input": {}, "tool_output": json!({"text": text}).to_string()})
        }
        Client::Gemini => {
            json!({"hook_event_name": "AfterTool", "tool_name": "run_shell_command", "tool_input": call,
            "tool_response": {"llmContent": text, "returnDisplay": text}})
        }
        Client::Opencode => json!({"tool": "bash", "args": call, "output": {"output": text}}),
        Client::Qwen => {
            json!({"hook_event_name": "PostToolUse", "tool_name": "run_shell_command", "tool_input": call,
            "tool_response": {"llmContent": text, "returnDisplay": text}})
        }
        Client::Cline => json!({"clineVersion": "", "hookName": "tool_result",
            "tool_result": {"name": "run_commands", "input": {"commands": ["cat notes"]}, "output": text}}),
        Client::VsCode | Client::Windsurf | Client::Aider | Client::Zed => return None,
    })
}

/// Whether the client takes other output in the place of a tool's.
#[must_use]
pub fn can_mask(client: Client) -> bool {
    matches!(
        client,
        Client::Claude | Client::Codex | Client::Copilot | Client::Cursor | Client::Gemini | Client::Opencode
    )
}

/// Whether this answer stops the call.
#[must_use]
pub fn stops(client: Client, code: Option<i32>, out: &str) -> bool {
    let answer: Value = serde_json::from_str(out).unwrap_or_default();
    let says = |at: &str, word: &str| answer.pointer(at).and_then(Value::as_str) == Some(word);
    match client {
        Client::Claude | Client::Codex | Client::Qwen | Client::VsCode => {
            code == Some(2) || says("/hookSpecificOutput/permissionDecision", "deny")
        }
        Client::Copilot => code == Some(0) && says("/permissionDecision", "deny"),
        Client::Cursor => code == Some(2) || says("/permission", "deny"),
        Client::Gemini => code == Some(2) || says("/decision", "deny"),
        Client::Opencode => answer["deny"].is_string(),
        Client::Cline => answer["cancel"] == true,
        Client::Windsurf => code == Some(2),
        Client::Aider | Client::Zed => false,
    }
}

/// What this answer makes of a key that was printed.
#[must_use]
pub fn masking(client: Client, code: Option<i32>, out: &str, key: &str) -> Masking {
    let answer: Value = serde_json::from_str(out).unwrap_or_default();
    let at = match client {
        Client::Claude => "/hookSpecificOutput/updatedToolOutput",
        Client::Codex | Client::Gemini => "/reason",
        Client::Copilot => "/modifiedResult",
        Client::Cursor => "/updated_mcp_tool_output",
        Client::Opencode => "/output",
        _ => "/none",
    };
    if code != Some(0) || out.contains(key) || answer.is_null() {
        return Masking::Seen;
    }
    match answer.pointer(at) {
        Some(new) if new.to_string().contains("[svault:") => Masking::Masked,
        _ if out.contains("svault: ") => Masking::Warned,
        _ => Masking::Seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-test-0123456789abcdef";

    /// The form of another client is dropped in silence: it must not count as a no.
    #[test]
    fn only_an_answer_that_the_client_obeys_counts() {
        let claude = "{\"hookSpecificOutput\": {\"permissionDecision\": \"deny\"}}";
        let gemini = "{\"decision\": \"deny\"}";
        assert!(stops(Client::Claude, Some(0), claude) && !stops(Client::Claude, Some(0), gemini));
        assert!(stops(Client::Gemini, Some(0), gemini) && !stops(Client::Gemini, Some(0), claude));
        for client in Client::ALL {
            for (code, out) in
                [(Some(0), ""), (Some(1), ""), (Some(127), ""), (None, ""), (Some(0), "{}"), (Some(0), "x")]
            {
                assert!(!stops(client, code, out), "{client} {code:?} {out}");
                assert_eq!(masking(client, code, out, KEY), Masking::Seen, "{client} {code:?} {out}");
            }
        }
        // Copilot goes by what is said, and Windsurf by the exit code alone.
        assert!(!stops(Client::Copilot, Some(2), "") && stops(Client::Windsurf, Some(2), ""));
    }

    #[test]
    fn a_key_that_is_still_in_the_answer_was_seen() {
        let masked = "{\"decision\": \"block\", \"reason\": \"[svault:test-key]\"}";
        let both = format!("{{\"reason\": \"[svault:test-key] {KEY}\"}}");
        assert_eq!(masking(Client::Codex, Some(0), masked, KEY), Masking::Masked);
        assert_eq!(masking(Client::Codex, Some(0), &both, KEY), Masking::Seen);
        assert_eq!(masking(Client::Claude, Some(0), masked, KEY), Masking::Seen);
        let told = "{\"hookSpecificOutput\": {\"additionalContext\": \"svault: this output holds a key\"}}";
        assert_eq!(masking(Client::Qwen, Some(0), told, KEY), Masking::Warned);
        assert_eq!(masking(Client::Claude, Some(0), told, KEY), Masking::Warned);
    }
}
