//! OpenAI's Codex CLI.

use super::{Executable, Place, Spec, Target, group};
use crate::Client;
use crate::config::{Edit, Format};
use crate::machine::Machine;
use crate::svault::Svault;
use crate::trust::HOOKS;
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) const SPEC: Spec = Spec {
    client: Client::Codex,
    title: "Codex CLI",
    caller: "codex",
    programs: &["codex"],
    executable: Executable::Own(&[
        "../codex-*/vendor/*/bin/codex",
        "node_modules/@openai/codex-*/vendor/*/bin/codex",
        "vendor/*/bin/codex",
        "vendor/*/codex/codex",
    ]),
    folders: |m| vec![folder(m)],
    targets,
    clicks: &[
        "open codex, type /hooks and trust svault's hooks: until then Codex runs without them and says nothing \
         (or: svault install --client codex --trust-codex-hooks)",
    ],
    gaps: &["the result of an MCP tool that fails is not shown to hooks"],
};

/// Seconds that a hook may take.
const TIMEOUT: u32 = 20;

/// The settings folder.
pub(crate) fn folder(machine: &Machine) -> PathBuf {
    machine.folder_or("CODEX_HOME", ".codex")
}

fn targets(machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
    let (base, under) = match place {
        Place::User => (folder(machine), ""),
        Place::Project(project) => (project.to_owned(), ".codex/"),
    };
    vec![
        Target::edits(&base, &format!("{under}config.toml"), Format::Toml, vec![server(svault)]),
        Target::json(&base, &format!("{under}{HOOKS}"), hooks(svault)),
    ]
}

fn server(svault: &Svault) -> Edit {
    let mut entry = svault.entry();
    if let Value::Object(keys) = &mut entry
        && svault.environment() == json!({})
    {
        keys.remove("env");
    }
    Edit::entry(&["mcp_servers", "svault"], entry)
}

/// A missing or failing program would be a yes, so the shell says no. Groups are trusted by their place, so ours is put
/// last.
fn hooks(svault: &Svault) -> Vec<Edit> {
    let command = svault.hook_or_block(Client::Codex);
    let hook = json!({"type": "command", "command": command, "timeout": TIMEOUT});
    let events = ["UserPromptSubmit", "PreToolUse", "PostToolUse"];
    events.iter().map(|e| Edit::hook(&["hooks", e], group(None, hook.clone()))).collect()
}
