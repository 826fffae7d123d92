//! Gemini CLI.

use super::{Executable, Place, Spec, Target, group};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;
use std::path::PathBuf;

pub(super) const SPEC: Spec = Spec {
    client: Client::Gemini,
    title: "Gemini CLI",
    caller: "gemini",
    programs: &["gemini"],
    executable: Executable::Shared("node"),
    folders: |m| vec![home(m).join(".gemini")],
    targets,
    clicks: &["trust the project's folder when gemini asks: in others it switches all servers off"],
    gaps: &[],
};

/// Milliseconds that a hook may take.
const TIMEOUT: u32 = 20_000;

fn home(machine: &Machine) -> PathBuf {
    machine.folder_or("GEMINI_CLI_HOME", "")
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let base = match place {
        Place::User => home(machine),
        Place::Project(project) => project.to_owned(),
    };
    vec![Target::json(&base, ".gemini/settings.json", settings(svault))]
}

fn settings(svault: &Svault) -> Vec<Edit> {
    let command = svault.hook_or_block(Client::Gemini);
    let hook = json!({"type": "command", "name": "svault", "command": command, "timeout": TIMEOUT});
    let mut edits = vec![Edit::entry(&["mcpServers", "svault"], svault.entry())];
    for event in ["BeforeAgent", "BeforeTool", "AfterTool"] {
        edits.push(Edit::hook(&["hooks", event], group(Some("*"), hook.clone())));
    }
    edits
}
