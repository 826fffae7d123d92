//! Zed: MCP, and no hooks.

use super::{Executable, Place, Spec, Target};
use crate::Client;
use crate::config::Edit;
use crate::machine::{Machine, System};
use crate::svault::Svault;
use serde_json::json;
use std::path::PathBuf;

pub(super) const SPEC: Spec = Spec {
    client: Client::Zed,
    title: "Zed",
    caller: "zed",
    programs: &["zed", "zeditor"],
    executable: Executable::Shared("the whole editor, its extensions and its terminals"),
    folders: |m| vec![folder(m)],
    targets,
    clicks: &["look at Agent Panel, Settings: the dot beside svault turns green when its server runs"],
    gaps: &[
        "it has no hooks: nothing is blocked and nothing is masked; keep secrets out of .env with 'svault import'",
    ],
};

fn folder(machine: &Machine) -> PathBuf {
    match machine.system {
        System::Mac => machine.home.join(".config/zed"),
        System::Linux => machine.settings().join("zed"),
        System::Windows => machine.settings().join("Zed"),
    }
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let [command, mcp] = svault.server();
    let entry = json!({"source": "custom", "command": command, "args": [mcp], "env": svault.environment()});
    let edits = vec![Edit::entry(&["context_servers", "svault"], entry)];
    match place {
        Place::User => vec![Target::json(&folder(machine), "settings.json", edits)],
        Place::Project(project) => vec![Target::json(project, ".zed/settings.json", edits)],
    }
}
