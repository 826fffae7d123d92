//! Windsurf.

use super::{Executable, Place, Spec, Target};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;

pub(super) const SPEC: Spec = Spec {
    client: Client::Windsurf,
    title: "Windsurf",
    caller: "windsurf",
    programs: &["windsurf"],
    executable: Executable::Shared("the whole editor, its extensions and its terminals"),
    folders: |m| vec![m.home.join(".codeium/windsurf")],
    targets,
    clicks: &["press Refresh under Settings, Cascade, MCP servers"],
    gaps: &[
        "what a tool said can't be replaced: a command that would show secrets is blocked before, or not at all",
    ],
};

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let (base, under) = match place {
        Place::User => (machine.home.clone(), ".codeium/windsurf"),
        Place::Project(project) => (project.to_owned(), ".windsurf"),
    };
    let servers = vec![Edit::entry(&["mcpServers", "svault"], svault.entry())];
    let hook = json!({"command": svault.hook_or_block(Client::Windsurf), "show_output": true});
    let events = [
        "pre_user_prompt",
        "pre_read_code",
        "pre_write_code",
        "pre_run_command",
        "pre_mcp_tool_use",
        "post_run_command",
    ];
    let hooks = events.iter().map(|e| Edit::hook(&["hooks", e], hook.clone())).collect();
    vec![
        Target::json(&base, &format!("{under}/mcp_config.json"), servers),
        Target::json(&base, &format!("{under}/hooks.json"), hooks),
    ]
}
