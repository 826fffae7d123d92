//! GitHub's Copilot CLI. VS Code's Copilot harness reads the same files.

use super::{Executable, Place, Spec, Target, shared_mcp_json};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) const SPEC: Spec = Spec {
    client: Client::Copilot,
    title: "Copilot CLI",
    caller: "copilot",
    programs: &["copilot"],
    executable: Executable::Own(&["../copilot-*/copilot", "node_modules/@github/copilot-*/copilot"]),
    folders: |m| vec![folder(m)],
    targets,
    clicks: &["restart running sessions: hooks and servers are read at the start"],
    gaps: &[
        "a hook that takes longer than its time is a yes: svault answers in milliseconds, but a stopped machine may not",
        "the cloud agent can't reach a vault on this machine",
    ],
};

/// Seconds that a hook may take.
const TIMEOUT: u32 = 30;

fn folder(machine: &Machine) -> PathBuf {
    machine.folder_or("COPILOT_HOME", ".copilot")
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    match place {
        Place::User => {
            let [command, mcp] = svault.server();
            let entry = json!({"type": "local", "command": command, "args": [mcp], "env": svault.environment(), "tools": ["*"]});
            let edits = vec![Edit::entry(&["mcpServers", "svault"], entry)];
            vec![Target::json(&folder(machine), "mcp-config.json", edits), user_hooks(machine, svault)]
        }
        Place::Project(project) => {
            vec![shared_mcp_json(project, svault), project_hooks(project, svault)]
        }
    }
}

/// The user's hooks, in a file of their own.
pub(super) fn user_hooks(machine: &Machine, svault: &Svault) -> Target {
    Target::json(&folder(machine), "hooks/svault.json", hooks(svault))
}

/// A project's hooks, in a file of their own.
pub(super) fn project_hooks(project: &Path, svault: &Svault) -> Target {
    Target::json(project, ".github/hooks/svault.json", hooks(svault))
}

fn hooks(svault: &Svault) -> Vec<Edit> {
    let hook = json!({
        "type": "command",
        "bash": svault.hook(Client::Copilot),
        "powershell": svault.power_shell(Client::Copilot),
        "timeoutSec": TIMEOUT,
    });
    let events = ["preToolUse", "postToolUse", "postToolUseFailure"];
    let mut edits = vec![Edit::default(&["version"], json!(1))];
    edits.extend(events.iter().map(|e| Edit::hook(&["hooks", e], hook.clone())));
    edits
}
