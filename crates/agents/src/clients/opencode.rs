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
    let (base, plugin) = match place {
        Place::User => (folder(machine), "plugin/svault.js"),
        Place::Project(project) => (project.to_owned(), ".opencode/plugin/svault.js"),
    };
    vec![
        Target::json(&base, settings(&base), vec![server(svault)]),
        Target::whole(&base, plugin, bridge(svault), false),
    ]
}

fn server(svault: &Svault) -> Edit {
    let entry = json!({"type": "local", "command": svault.server(), "environment": svault.environment(), "enabled": true});
    Edit::entry(&["mcp", "svault"], entry)
}

/// It reads all of them, and puts what they say together.
pub(super) fn beside(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let (base, dot) = match place {
        Place::User => (folder(machine), machine.home.clone()),
        Place::Project(project) => (project.to_owned(), project.to_owned()),
    };
    let named = ["config.json", "opencode.json", "opencode.jsonc"];
    let own = settings(&base);
    // `config.json` is a name for the user's alone.
    let skip = usize::from(place != Place::User);
    let mut all: Vec<Target> = named[skip..]
        .iter()
        .filter(|name| **name != own)
        .map(|name| Target::json(&base, name, vec![server(svault)]))
        .collect();
    let hidden = [".opencode/opencode.json", ".opencode/opencode.jsonc"];
    all.extend(hidden.map(|name| Target::json(&dot, name, vec![server(svault)])));
    all
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
