//! Qwen Code: the layout of Gemini CLI, with the event names of Claude Code.

use super::{Executable, Place, Spec, Target, group};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;
use std::path::PathBuf;

pub(super) const SPEC: Spec = Spec {
    client: Client::Qwen,
    title: "Qwen Code",
    caller: "qwen",
    programs: &["qwen"],
    executable: Executable::Shared("node"),
    folders: |m| vec![folder(m)],
    targets,
    clicks: &["restart running sessions: hooks and servers are read at the start"],
    gaps: &[
        "what a tool said can't be replaced: the model is warned",
        "a file that is mentioned with @ in a prompt is seen by the hook on prompts alone",
    ],
};

/// Milliseconds that a hook may take.
const TIMEOUT: u32 = 20_000;

fn folder(machine: &Machine) -> PathBuf {
    machine.folder_or("QWEN_HOME", ".qwen")
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    match place {
        Place::User => vec![Target::json(&folder(machine), "settings.json", settings(svault))],
        Place::Project(project) => vec![Target::json(project, ".qwen/settings.json", settings(svault))],
    }
}

fn settings(svault: &Svault) -> Vec<Edit> {
    let command = svault.hook_or_block(Client::Qwen);
    let hook = json!({"type": "command", "name": "svault", "command": command, "timeout": TIMEOUT});
    let mut edits = vec![Edit::entry(&["mcpServers", "svault"], svault.entry())];
    for event in ["UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"] {
        edits.push(Edit::hook(&["hooks", event], group(Some("*"), hook.clone())));
    }
    edits
}
