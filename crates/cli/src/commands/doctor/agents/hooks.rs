//! The hooks as the client starts them: a made-up file with secrets that must not be read, a made-up key that must
//! not be seen.

use super::super::Check;
use super::{probe::Probe, row};
use agents::Client;
use agents::check::{Hook, canary};
use agents::clients::Spec;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A key that the leak rules know, and that opens nothing.
const KEY: &str = "sk-test-CANARY0doctor0svault0no0key";

pub(super) fn checks(known: &Spec, hooks: &[Hook]) -> Vec<Check> {
    let mut all = Vec::new();
    if hooks.is_empty() {
        return all;
    }
    let fix = format!("svault install --client {}; then svault doctor --agents", known.client);
    let name = row(known, ".env");
    all.push(match hooks.iter().try_for_each(blocks) {
        Ok(()) => Check::ok(name, "a tool that would read one is stopped"),
        Err(what) => Check::broken(name, what, fix.clone()),
    });
    let name = row(known, "output");
    let masked = hooks.iter().map(masks).collect::<Result<Vec<_>, _>>();
    all.extend(masked.map_or_else(
        |what| Some(Check::broken(name.clone(), what, fix)),
        |all| {
            let all: Vec<canary::Masking> = all.into_iter().flatten().collect();
            let limit = "commands that need secrets: svault run, whose output is masked";
            match () {
                () if all.is_empty() => {
                    Some(Check::weak(name.clone(), "this client asks nothing about it", limit))
                }
                () if all.contains(&canary::Masking::Warned) => Some(Check::weak(
                    name.clone(),
                    "the client takes no other output: the model is warned",
                    limit,
                )),
                () => Some(Check::ok(name.clone(), "a key in it is masked")),
            }
        },
    ));
    all
}

fn blocks(hook: &Hook) -> Result<(), String> {
    let folder = tempfile::Builder::new().prefix("svault-doctor-").tempdir().map_err(|e| e.to_string())?;
    let file = folder.path().join(".env");
    std::fs::write(&file, format!("KEY={KEY}\n")).map_err(|e| e.to_string())?;
    let Some(call) = canary::reading(hook.client, &file) else { return Ok(()) };
    let (out, code) = asked(hook, &call, folder.path())?;
    if canary::stops(hook.client, code, &out) {
        return Ok(());
    }
    Err(format!("the hook lets {} read a .env file", hook.client))
}

fn masks(hook: &Hook) -> Result<Option<canary::Masking>, String> {
    let text = format!("the key is {KEY} as you see");
    let Some(call) = canary::printing(hook.client, &text) else { return Ok(None) };
    let (out, code) = asked(hook, &call, &std::env::temp_dir())?;
    match canary::masking(hook.client, code, &out, KEY) {
        canary::Masking::Seen => Err("a key in it reaches the model".to_owned()),
        canary::Masking::Warned if canary::can_mask(hook.client) => {
            Err("a key in it reaches the model, which is only warned".to_owned())
        }
        other => Ok(Some(other)),
    }
}

/// What the hook says to a call.
fn asked(hook: &Hook, call: &Value, folder: &Path) -> Result<(String, Option<i32>), String> {
    let mut probe = Probe::start(shell(&hook.line), folder).map_err(|e| format!("the hook {e}"))?;
    probe.say(&call.to_string()).map_err(|e| format!("the hook {e}"))?;
    let said = probe.end().map_err(|e| format!("the hook {e}"))?;
    // What is taken for a no may still be a program that isn't there.
    match said.1 {
        Some(0) => Ok(said),
        Some(2) if hook.client != Client::Copilot => Ok(said),
        code => Err(format!(
            "the hook fails ({})",
            code.map_or("by a signal".to_owned(), |c| format!("exit code {c}"))
        )),
    }
}

/// The system's usual shell.
fn shell(line: &str) -> Command {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("/bin/sh", "-c") };
    let mut command = Command::new(shell);
    command.args([flag, line]);
    command
}
