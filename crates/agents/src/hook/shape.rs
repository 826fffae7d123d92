//! What each client wants to hear, to the letter: an answer in another client's form is dropped in silence, and the
//! tool runs or the secret passes.

use super::Reply;
use super::mask::as_text;
use super::payload::{Event, Stage};
use crate::Client;
use serde_json::{Map, Value, json};

/// What is to be said.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// The tool, or the prompt, is stopped.
    Deny(String),
    /// The tool runs with these arguments.
    Rewrite(Value),
    /// Its output is replaced.
    Replace {
        /// The output in the tool's own shape, masked.
        value: Value,
        /// What happened to it.
        note: String,
    },
    /// It can't be replaced here: the model is told.
    Warn(String),
}

/// The answer for the client that is really there, understood by the one whose file it runs.
#[must_use]
pub fn reply(declared: Client, event: &Event, verdict: Verdict) -> Reply {
    let mut object = of(event.real, event, &verdict);
    // Codex takes no key that it doesn't know.
    if declared != event.real && declared != Client::Codex && event.real != Client::Codex {
        for (key, value) in of(declared, event, &verdict) {
            object.entry(key).or_insert(value);
        }
    }
    match verdict {
        // Windsurf has no other way.
        Verdict::Deny(why) if event.real == Client::Windsurf => {
            Reply { json: None, says: Some(why), exit: 2 }
        }
        Verdict::Deny(why) if object.is_empty() => Reply { json: None, says: Some(why), exit: 2 },
        _ => Reply { json: (!object.is_empty()).then_some(Value::Object(object)), says: None, exit: 0 },
    }
}

fn of(client: Client, event: &Event, verdict: &Verdict) -> Map<String, Value> {
    let prompt = event.stage == Stage::Prompt;
    let value = match verdict {
        Verdict::Pass => Value::Null,
        Verdict::Deny(why) if prompt => stopped_prompt(client, why),
        Verdict::Deny(why) => denied(client, why),
        Verdict::Rewrite(input) => rewritten(client, event, input),
        Verdict::Replace { value, note } => replaced(client, event, value, note),
        Verdict::Warn(note) => warned(client, event, note),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn denied(client: Client, why: &str) -> Value {
    match client {
        Client::Claude | Client::Codex | Client::Qwen | Client::VsCode => json!({"hookSpecificOutput": {
            "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": why}}),
        Client::Copilot => json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
        Client::Cursor => json!({"permission": "deny", "user_message": why, "agent_message": why}),
        Client::Gemini => json!({"decision": "deny", "reason": why}),
        Client::Opencode => json!({"deny": why}),
        Client::Cline => json!({"cancel": true, "errorMessage": why}),
        Client::Windsurf | Client::Aider | Client::Zed => Value::Null,
    }
}

fn stopped_prompt(client: Client, why: &str) -> Value {
    match client {
        Client::Cursor => json!({"continue": false, "user_message": why}),
        Client::Gemini => json!({"decision": "deny", "reason": why}),
        Client::Cline => json!({"cancel": true, "errorMessage": why}),
        Client::Opencode => json!({"deny": why}),
        Client::Windsurf | Client::Aider | Client::Zed => Value::Null,
        _ => json!({"decision": "block", "reason": why}),
    }
}

/// Codex takes new arguments only with an `allow`, which would skip its own questions; Qwen takes none here.
fn rewritten(client: Client, event: &Event, input: &Value) -> Value {
    match client {
        Client::Claude | Client::VsCode => {
            json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": input}})
        }
        Client::Gemini => json!({"hookSpecificOutput": {"hookEventName": "BeforeTool", "tool_input": input}}),
        Client::Cline => json!({"overrideInput": input}),
        Client::Cursor if event.name == "preToolUse" => json!({"updated_input": input}),
        _ => Value::Null,
    }
}

fn replaced(client: Client, event: &Event, value: &Value, note: &str) -> Value {
    let whole = || format!("{}\n({note})", as_text(value));
    match client {
        Client::Claude => json!({"hookSpecificOutput": {
            "hookEventName": "PostToolUse", "updatedToolOutput": value, "additionalContext": note}}),
        Client::Codex | Client::VsCode => json!({"decision": "block", "reason": whole()}),
        Client::Copilot => {
            json!({"modifiedResult": copilot_result(value), "additionalContext": note})
        }
        Client::Gemini => json!({"decision": "deny", "reason": whole()}),
        Client::Opencode => json!({"output": value}),
        Client::Cursor if is_mcp(event) => {
            json!({"updated_mcp_tool_output": value, "additional_context": note})
        }
        _ => warned(client, event, &not_masked(note)),
    }
}

/// Copilot's own result has these two keys, whatever its file's form calls them.
fn copilot_result(value: &Value) -> Value {
    let text = |keys: [&str; 2]| keys.iter().find_map(|k| value.get(*k)?.as_str());
    let kind = text(["resultType", "result_type"]).unwrap_or("success");
    json!({"resultType": kind, "textResultForLlm": as_text(value)})
}

fn is_mcp(event: &Event) -> bool {
    event.tool.starts_with("MCP:") || event.tool.starts_with("mcp_") || event.name == "afterMCPExecution"
}

/// The same note where the output stays as it is.
fn not_masked(note: &str) -> String {
    let what =
        note.split_once(" masked ").and_then(|(_, rest)| rest.split_once(" in this")).map(|(what, _)| what);
    exposed(what.unwrap_or("a credential"))
}

/// For a model that has seen what it should not.
#[must_use]
pub fn exposed(what: &str) -> String {
    format!(
        "svault: this output holds {what} and can't be masked here. Don't repeat it and don't write it anywhere; \
         tell the user that it was exposed and should be replaced."
    )
}

fn warned(client: Client, event: &Event, note: &str) -> Value {
    let name = match event.stage {
        Stage::Failed => "PostToolUseFailure",
        _ => "PostToolUse",
    };
    match client {
        Client::Claude | Client::Qwen | Client::VsCode => {
            json!({"hookSpecificOutput": {"hookEventName": name, "additionalContext": note}})
        }
        Client::Codex => json!({"decision": "block", "reason": note}),
        Client::Copilot => json!({"additionalContext": note}),
        Client::Gemini => {
            json!({"hookSpecificOutput": {"hookEventName": "AfterTool", "additionalContext": note}})
        }
        Client::Cursor => json!({"additional_context": note}),
        Client::Cline => json!({"context": note}),
        Client::Opencode | Client::Windsurf | Client::Aider | Client::Zed => Value::Null,
    }
}

/// The answer where nothing of the payload could be used, for a hook before or after a tool alike: whatever can be
/// stopped stops, whatever can be withheld is.
#[must_use]
pub fn refused(declared: Client, why: &str) -> Reply {
    let json = match declared {
        Client::Copilot => json!({
            "permissionDecision": "deny", "permissionDecisionReason": why,
            "modifiedResult": {"resultType": "failure", "textResultForLlm": why}}),
        Client::Opencode => json!({"deny": why}),
        Client::Cline => json!({"cancel": true, "errorMessage": why}),
        // Exit code 2 with the reason on stderr stops in all the others; Codex and Gemini put it in the output's place.
        _ => return Reply { json: None, says: Some(why.to_owned()), exit: 2 },
    };
    Reply { json: Some(json), says: Some(why.to_owned()), exit: 0 }
}
