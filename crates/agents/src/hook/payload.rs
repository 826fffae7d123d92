//! What a client says: which one it really is, at which point, about which tool.

use super::tools;
use crate::Client;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The point at which the hook was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before a tool runs.
    Before,
    /// After it ran.
    After,
    /// After it failed: most clients take no other output here.
    Failed,
    /// A human's prompt, before the model gets it.
    Prompt,
    /// A point at which there is nothing to say.
    Quiet,
    /// A point that nobody here knows.
    Unknown,
}

/// What a client said.
#[derive(Debug, Clone)]
pub struct Event {
    /// Who is really there.
    pub real: Client,
    /// At which point.
    pub stage: Stage,
    /// The event as the client names it; empty where it does not.
    pub name: String,
    /// The tool.
    pub tool: String,
    /// Whether the client says that it is one of an MCP server.
    pub of_server: bool,
    /// Its arguments.
    pub input: Value,
    /// What came of it.
    pub response: Option<Value>,
    /// The prompt.
    pub prompt: String,
    /// The folder that paths start in.
    pub cwd: PathBuf,
}

/// Events with a tool in them, before and after it, and prompts. Whatever the client, the names are apart.
const STAGES: &[(Stage, &[&str])] = &[
    (
        Stage::Before,
        &[
            "PreToolUse",
            "preToolUse",
            "BeforeTool",
            "beforeReadFile",
            "beforeTabFileRead",
            "beforeShellExecution",
            "beforeMCPExecution",
            "preMcpToolCall",
            "tool_call",
            "pre_read_code",
            "pre_write_code",
            "pre_run_command",
            "pre_mcp_tool_use",
        ],
    ),
    (
        Stage::After,
        &[
            "PostToolUse",
            "postToolUse",
            "AfterTool",
            "afterShellExecution",
            "afterMCPExecution",
            "tool_result",
            "post_read_code",
            "post_write_code",
            "post_run_command",
            "post_mcp_tool_use",
        ],
    ),
    (Stage::Failed, &["PostToolUseFailure", "postToolUseFailure", "errorOccurred"]),
    (
        Stage::Prompt,
        &[
            "UserPromptSubmit",
            "UserPromptExpansion",
            "userPromptSubmitted",
            "beforeSubmitPrompt",
            "BeforeAgent",
            "pre_user_prompt",
        ],
    ),
    (
        Stage::Quiet,
        &[
            "PostToolBatch",
            "Notification",
            "SessionStart",
            "SessionEnd",
            "SessionDelete",
            "Stop",
            "StopFailure",
            "SubagentStart",
            "SubagentStop",
            "PreCompact",
            "PostCompact",
            "PreModelSwitch",
            "PostModelSwitch",
            "PermissionRequest",
            "PermissionDenied",
            "Setup",
            "TeammateIdle",
            "TaskCreated",
            "TaskCompleted",
            "TodoCreated",
            "TodoCompleted",
            "Elicitation",
            "ElicitationResult",
            "ConfigChange",
            "WorktreeCreate",
            "WorktreeRemove",
            "InstructionsLoaded",
            "CwdChanged",
            "FileChanged",
            "DirectoryAdded",
            "MessageDisplay",
            "Interrupt",
            "sessionStart",
            "sessionEnd",
            "userPromptTransformed",
            "permissionRequest",
            "agentStop",
            "subagentStart",
            "subagentStop",
            "preCompact",
            "notification",
            "BeforeModel",
            "AfterModel",
            "BeforeToolSelection",
            "AfterAgent",
            "PreCompress",
            "stop",
            "afterFileEdit",
            "afterTabFileEdit",
            "afterAgentResponse",
            "afterAgentThought",
            "workspaceOpen",
            "post_cascade_response",
        ],
    ),
];

/// Where clients put what came of a tool.
const RESPONSES: &[&str] =
    &["tool_response", "toolResult", "tool_result", "tool_output", "result_json", "output", "error"];

impl Event {
    /// Reads a payload. None where it is no JSON object or says nothing that a hook is asked about.
    #[must_use]
    pub fn read(
        declared: Client,
        env: &dyn Fn(&str) -> Option<String>,
        folder: PathBuf,
        payload: &[u8],
    ) -> Option<Self> {
        let Value::Object(all) = json(payload)? else { return None };
        let text = |key: &str| all.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let real = real(declared, env, &all);
        let name = ["hook_event_name", "hookEventName", "agent_action_name", "hookName"]
            .iter()
            .map(|key| text(key))
            .find(|n| !n.is_empty())
            .unwrap_or_default();
        let (tool, input) = call(&all, &name);
        let response = response(&all);
        let stage = stage(&name, &all, response.is_some());
        // Of a search, some are the place that it goes through, and start in the folder like any path.
        let places = ["dir_path", "directory"];
        let folders = ["cwd", "dir_path", "workdir", "working_directory", "directory"].iter();
        let mut folders = folders.filter(|key| !places.contains(*key) || !tools::is_search(&tool));
        let inner = folders.find_map(|key| input.get(key)?.as_str());
        let roots = ["workspace_roots", "workspaceRoots"].iter().find_map(|k| all.get(*k)?.get(0)?.as_str());
        let said = Some(text("cwd")).filter(|c| !c.is_empty()).or_else(|| roots.map(str::to_owned));
        let mut cwd = folder;
        cwd.extend(said);
        cwd.extend(inner);
        let of_server =
            ["mcp_context", "mcp_server"].iter().any(|key| all.get(*key).is_some_and(|v| !v.is_null()));
        Some(Self { real, stage, name, tool, of_server, input, response, prompt: prompt(&all), cwd })
    }
}

/// Reads JSON. Half a character (`\ud83d` alone), which clients cut out of a text, is read as U+FFFD, and so is what is not
/// UTF-8.
fn json(text: &[u8]) -> Option<Value> {
    let whole = || words::whole(&String::from_utf8_lossy(text));
    serde_json::from_slice(text).or_else(|_| serde_json::from_str(&whole())).ok()
}

fn stage(name: &str, all: &Map<String, Value>, answered: bool) -> Stage {
    let known = STAGES.iter().find(|(_, names)| names.contains(&name)).map(|(stage, _)| *stage);
    if let Some(stage) = known {
        return stage;
    }
    if !name.is_empty() {
        return Stage::Unknown;
    }
    // Copilot and opencode don't say where they are.
    let has = |key: &str| all.contains_key(key);
    match () {
        () if has("error") && !has("toolResult") => Stage::Failed,
        () if answered => Stage::After,
        () if has("toolName") || has("tool") => Stage::Before,
        () if has("prompt") => Stage::Prompt,
        () => Stage::Unknown,
    }
}

/// The tool and its arguments.
fn call(all: &Map<String, Value>, name: &str) -> (String, Value) {
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_owned);
    if let Some(info) = all.get("tool_info") {
        if let Some(tool) = text(info.get("mcp_tool_name")) {
            return (tool, parsed(info.get("mcp_tool_arguments")));
        }
        let tool = name.trim_start_matches("pre_").trim_start_matches("post_");
        return (tool.to_owned(), info.clone());
    }
    if let Some(call) =
        all.get("tool_call").or_else(|| all.get("tool_result")).filter(|c| c.get("input").is_some())
    {
        return (text(call.get("name")).unwrap_or_default(), parsed(call.get("input")));
    }
    let tool = ["tool_name", "toolName", "tool"].iter().find_map(|k| text(all.get(*k)));
    let input = ["tool_input", "toolArgs", "args"].iter().find_map(|k| all.get(*k));
    match (tool, input) {
        (Some(tool), input) => (tool, parsed(input)),
        // Cursor's own events have the arguments beside the rest.
        (None, _) => (name.to_owned(), Value::Object(all.clone())),
    }
}

/// Some clients write arguments as a text with JSON in it.
fn parsed(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => json(text.as_bytes()).unwrap_or_else(|| Value::String(text.clone())),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

fn response(all: &Map<String, Value>) -> Option<Value> {
    let (key, value) = RESPONSES.iter().find_map(|k| Some((*k, all.get(*k)?)))?;
    match value.get("output") {
        // Cline has the call and its output in one object of this name. Elsewhere both are what a tool gave back.
        Some(output) if key == "tool_result" && value.get("input").is_some() => Some(output.clone()),
        _ => Some(value.clone()),
    }
}

fn prompt(all: &Map<String, Value>) -> String {
    let own = all.get("tool_info").and_then(|i| i.get("user_prompt")).and_then(Value::as_str);
    all.get("prompt").and_then(Value::as_str).or(own).unwrap_or_default().to_owned()
}

/// Who is really there: clients run each other's hook files.
fn real(declared: Client, env: &dyn Fn(&str) -> Option<String>, all: &Map<String, Value>) -> Client {
    let has = |key: &str| all.contains_key(key);
    let event = |name: &str| all.get("hook_event_name").and_then(Value::as_str) == Some(name);
    let copilot_env = || env("COPILOT_CLI").as_deref() == Some("1");
    let lent = matches!(declared, Client::Claude | Client::VsCode);
    match () {
        () if declared == Client::Codex => declared,
        () if has("cursor_version") || (has("conversation_id") && has("generation_id")) => Client::Cursor,
        () if has("agent_action_name") => Client::Windsurf,
        () if has("clineVersion") || has("preToolUse") => Client::Cline,
        () if has("toolName")
            || all.get("tool_result").is_some_and(|r| r.get("text_result_for_llm").is_some()) =>
        {
            Client::Copilot
        }
        () if event("BeforeTool") || event("AfterTool") => Client::Gemini,
        () if has("hookEventName") => Client::VsCode,
        () if lent && copilot_env() => Client::Copilot,
        () if lent && has("tool_call_id") && has("timestamp") => Client::Qwen,
        () => declared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_is_read_as_one_that_nobody_knows() {
        for (text, is) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ud83d\ud83d\ude00\ude00b""#, "\u{fffd}\u{1f600}\u{fffd}b"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
            (r#""\\\ud83d\n""#, "\\\u{fffd}\n"),
            (r#""\uD83Dx\uDE00""#, "\u{fffd}x\u{fffd}"),
        ] {
            assert_eq!(json(text.as_bytes()), Some(is.into()), "{text}");
        }
        assert_eq!(json(b"\"a\xffb\""), Some("a\u{fffd}b".into()));
        for none in [r#""\ud8"#, r#""\ud83d"#, r#""\u+83d""#, "{", r#""é\u12é""#] {
            assert_eq!(json(none.as_bytes()), None, "{none}");
        }
    }
}
