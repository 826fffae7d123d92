//! Codex runs only hooks that its user has trusted. What it keeps of that is read, never written.

use super::files::read;
use crate::Machine;
use crate::clients::codex_folder;
use crate::config::{self, Format};
use crate::install::Found;
use serde_json::Value;

/// How many of svault's hooks are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// So many of them.
    pub trusted: usize,
    /// So many there are.
    pub all: usize,
}

/// What Codex has noted about svault's hooks. Whether a noted hash is that of the hook's present text only Codex can
/// tell. None where there are no hooks of ours, or the files can't be read.
#[must_use]
pub fn codex_trust(machine: &Machine) -> Option<Trust> {
    let folder = codex_folder(machine);
    let tree = |name: &str, format| {
        let path = folder.join(name);
        let found = Found::read(&path, &[&folder, &machine.home]).ok()?;
        let text = found.text().ok()??;
        Some((found.real.clone(), read(format, text, &path).ok()?))
    };
    let (real, hooks) = tree("hooks.json", Format::Json)?;
    let noted =
        tree("config.toml", Format::Toml).map(|(_, t)| t["hooks"]["state"].clone()).unwrap_or_default();
    let paths = [folder.join("hooks.json").display().to_string(), real.display().to_string()];
    let mut trust = Trust { trusted: 0, all: 0 };
    for (event, groups) in hooks.get("hooks")?.as_object()? {
        for place in places(groups) {
            trust.all += 1;
            let key = |path: &String| format!("{path}:{}:{place}", snake(event));
            let holds = |entry: &Value| {
                entry.get("trusted_hash").is_some_and(Value::is_string)
                    && entry.get("enabled") != Some(&Value::Bool(false))
            };
            trust.trusted += usize::from(paths.iter().any(|p| noted.get(key(p)).is_some_and(holds)));
        }
    }
    (trust.all > 0).then_some(trust)
}

/// Group and place in it of each hook of ours.
fn places(groups: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for (i, group) in groups.as_array().into_iter().flatten().enumerate() {
        for (n, hook) in group.get("hooks").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if hook.get("command").and_then(Value::as_str).is_some_and(config::is_ours) {
                all.push(format!("{i}:{n}"));
            }
        }
    }
    all
}

/// `PreToolUse` as `pre_tool_use`.
fn snake(event: &str) -> String {
    let mut text = String::new();
    for c in event.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
