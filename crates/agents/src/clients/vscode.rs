//! VS Code: its own agent, and the harnesses of other agents in it, which read those agents' files.

use super::{Executable, Place, Spec, Target, claude, copilot};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;

pub(super) const SPEC: Spec = Spec {
    client: Client::VsCode,
    title: "VS Code",
    caller: "vscode",
    programs: &["code", "code-insiders"],
    executable: Executable::Shared("the whole editor, its extensions and its terminals"),
    folders: |m| vec![m.settings().join("Code/User"), m.home.join(".vscode")],
    targets,
    clicks: &[
        "run 'MCP: List Servers' in the command palette and start svault; VS Code asks once whether you trust it",
        "'Chat: Configure Hooks' shows whether hooks are read; organisations can turn them off",
    ],
    gaps: &[
        "VS Code's own agent can block before a tool runs, but not replace what a tool said: the model is warned instead",
        "a profile other than the default one has its own mcp.json",
    ],
};

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let [command, mcp] = svault.server();
    let entry = json!({"type": "stdio", "command": command, "args": [mcp], "env": svault.environment()});
    let servers = vec![Edit::entry(&["servers", "svault"], entry)];
    match place {
        Place::User => vec![
            Target::json(&machine.settings(), "Code/User/mcp.json", servers),
            copilot::user_hooks(machine, svault),
            claude::user_settings(machine, svault),
        ],
        Place::Project(project) => vec![
            Target::json(project, ".vscode/mcp.json", servers),
            copilot::project_hooks(project, svault),
            claude::project_settings(project, svault),
        ],
    }
}
