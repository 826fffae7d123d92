//! Claude Code.

use super::{ENV_FILES, Executable, Place, Spec, Target, group, shared_mcp_json};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) const SPEC: Spec = Spec {
    client: Client::Claude,
    title: "Claude Code",
    caller: "claude-code",
    programs: &["claude"],
    executable: Executable::Own(&[
        "../claude-code-*/claude",
        "node_modules/@anthropic-ai/claude-code-*/claude",
    ]),
    folders: |m| vec![folder(m)],
    targets,
    clicks: &["restart running sessions: hooks and servers are read at the start"],
    gaps: &[
        "the output of a failing command can't be masked after the fact, so svault rewrites the command before it runs",
        "a script that opens .env itself is not seen before it runs; what it prints is masked",
    ],
};

/// Seconds that a hook may take.
const TIMEOUT: u32 = 20;

fn folder(machine: &Machine) -> PathBuf {
    machine.folder_or("CLAUDE_CONFIG_DIR", ".claude")
}

pub(super) fn entry(svault: &Svault) -> Value {
    let [command, mcp] = svault.server();
    // Without alwaysLoad the model doesn't see the tools until it searches for them.
    json!({"type": "stdio", "command": command, "args": [mcp], "env": svault.environment(), "alwaysLoad": true})
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    match place {
        Place::User => {
            let moved = machine.folder("CLAUDE_CONFIG_DIR");
            let state = moved.unwrap_or_else(|| machine.home.clone());
            vec![
                Target::json(
                    &state,
                    ".claude.json",
                    vec![Edit::entry(&["mcpServers", "svault"], entry(svault))],
                ),
                Target::json(&folder(machine), "settings.json", settings(svault)),
            ]
        }
        Place::Project(project) => vec![shared_mcp_json(project, svault), project_settings(project, svault)],
    }
}

/// The user's settings, which VS Code's own agent reads too.
pub(super) fn user_settings(machine: &Machine, svault: &Svault) -> Target {
    Target::json(&folder(machine), "settings.json", settings(svault))
}

/// A project's settings, which Copilot CLI and VS Code read too.
pub(super) fn project_settings(project: &Path, svault: &Svault) -> Target {
    Target::json(project, ".claude/settings.json", settings(svault))
}

/// Hooks, and deny rules for what no hook sees: a file that is mentioned with `@` in a prompt.
fn settings(svault: &Svault) -> Vec<Edit> {
    let hook = json!({
        "type": "command",
        "command": svault.hook(Client::Claude),
        "timeout": TIMEOUT,
        "onFailure": "block",
    });
    let events = ["UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"];
    let mut edits: Vec<Edit> =
        events.iter().map(|e| Edit::hook(&["hooks", e], group(Some("*"), hook.clone()))).collect();
    let rules = ENV_FILES.iter().flat_map(|name| [format!("Read(**/{name})"), format!("Read(//**/{name})")]);
    let keys = ["id_rsa", "id_ed25519", "id_ecdsa", "id_dsa"].map(|k| format!("Read(~/.ssh/{k})"));
    edits.extend(rules.chain(keys).map(|rule| Edit::member(&["permissions", "deny"], json!(rule))));
    edits
}
