//! Cursor, the editor and its command line.

use super::{Executable, Place, Spec, Target};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;

pub(super) const SPEC: Spec = Spec {
    client: Client::Cursor,
    title: "Cursor",
    caller: "cursor",
    programs: &["cursor", "cursor-agent"],
    executable: Executable::Shared("the whole editor, its extensions and its terminals"),
    folders: |m| vec![m.home.join(".cursor")],
    targets,
    clicks: &[
        "switch svault on under Settings, Tools & MCP; 'Hooks' in the settings shows that svault's are read",
    ],
    gaps: &[
        "what a shell command said can't be replaced afterwards: svault rewrites the command before it runs",
    ],
};

/// Seconds that a hook may take.
const TIMEOUT: u32 = 20;

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let base = match place {
        Place::User => machine.home.clone(),
        Place::Project(project) => project.to_owned(),
    };
    vec![
        Target::json(&base, ".cursor/mcp.json", vec![Edit::entry(&["mcpServers", "svault"], svault.entry())]),
        Target::json(&base, ".cursor/hooks.json", hooks(svault)),
    ]
}

/// The file counts only with a version, and one unknown event makes all of it void.
fn hooks(svault: &Svault) -> Vec<Edit> {
    let command = svault.hook(Client::Cursor);
    let before = json!({"command": command, "timeout": TIMEOUT, "failClosed": true});
    let after = json!({"command": command, "timeout": TIMEOUT});
    let mut edits = vec![Edit::default(&["version"], json!(1))];
    for event in ["beforeSubmitPrompt", "preToolUse", "beforeReadFile", "beforeShellExecution"] {
        edits.push(Edit::hook(&["hooks", event], before.clone()));
    }
    for event in ["postToolUse", "postToolUseFailure"] {
        edits.push(Edit::hook(&["hooks", event], after.clone()));
    }
    edits
}
