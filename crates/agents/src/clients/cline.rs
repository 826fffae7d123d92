//! Cline's command line. Its hooks are programs with the names of the events.

use super::{Executable, Place, Spec, Target};
use crate::Client;
use crate::config::Edit;
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;

pub(super) const SPEC: Spec = Spec {
    client: Client::Cline,
    title: "Cline",
    caller: "cline",
    programs: &["cline"],
    executable: Executable::Shared("node"),
    folders: |m| vec![m.home.join(".cline")],
    targets,
    clicks: &["restart running sessions: hooks and servers are read at the start"],
    gaps: &[
        "a blocked tool call ends the task",
        "what a tool said can't be replaced: commands are rewritten before they run, and else the model is warned",
        "its settings are the user's alone: there are none of a project",
    ],
};

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    if place != Place::User {
        return Vec::new();
    }
    let mut transport = svault.entry();
    transport["type"] = json!("stdio");
    let servers = vec![Edit::entry(&["mcpServers", "svault"], json!({"transport": transport}))];
    let mut all = vec![Target::json(&machine.home, ".cline/data/settings/cline_mcp_settings.json", servers)];
    for event in ["PreToolUse", "PostToolUse"] {
        all.push(Target::whole(&machine.home, &format!(".cline/hooks/{event}"), script(svault), true));
    }
    all
}

/// What a missing or failing program says is no answer, so the script says no for it.
fn script(svault: &Svault) -> String {
    format!(
        "#!/bin/sh\n# Written by 'svault install'; 'svault uninstall' takes it away.\nif answer=$({}); then\n  printf \
         '%s\\n' \"$answer\"\nelse\n  echo '{{\"cancel\": true, \"errorMessage\": \"svault could not check this\"}}'\nfi\n",
        svault.hook(Client::Cline)
    )
}
