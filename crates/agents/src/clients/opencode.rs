//! opencode. Its hooks are a plugin in JavaScript, which asks `svault hook`.

use super::{Executable, Place, Spec, Target};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) const SPEC: Spec = Spec {
    client: Client::Opencode,
    title: "opencode",
    caller: "opencode",
    programs: &["opencode"],
    executable: Executable::Own(&["../opencode-*/bin/opencode", "node_modules/opencode-*/bin/opencode"]),
    folders: |m| vec![folder(m)],
    targets,
    clicks: &["restart running sessions: plugins and servers are read at the start"],
    gaps: &["what an MCP tool says that fails is not shown to plugins"],
};

const PLUGIN: &str = include_str!("opencode.js");

fn folder(machine: &Machine) -> PathBuf {
    machine.folder_or("XDG_CONFIG_HOME", ".config").join("opencode")
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let entry = json!({"type": "local", "command": svault.server(), "environment": svault.environment(), "enabled": true});
    let edits = vec![Edit::entry(&["mcp", "svault"], entry)];
    let (base, plugin) = match place {
        Place::User => (folder(machine), "plugin/svault.js"),
        Place::Project(project) => (project.to_owned(), ".opencode/plugin/svault.js"),
    };
    vec![Target::json(&base, settings(&base), edits), Target::whole(&base, plugin, bridge(svault), false)]
}

/// The one of the two names that is there.
fn settings(base: &Path) -> &'static str {
    let there = |name: &str| base.join(name).symlink_metadata().is_ok();
    if there("opencode.jsonc") && !there("opencode.json") { "opencode.jsonc" } else { "opencode.json" }
}

fn bridge(svault: &Svault) -> String {
    let command = json!([svault.program(), "hook", "--client", Client::Opencode.as_str()]);
    let environment = svault.environment();
    PLUGIN.replace("[\"SVAULT\"]", &command.to_string()).replace("({})", &format!("({environment})"))
}
