//! The MCP server as the client's entry starts it, opened in both eras of the protocol.

use super::super::Check;
use super::probe::Probe;
use agents::check::Server;
use serde_json::{Value, json};
use std::process::Command;

/// The tool without which nothing of svault is there.
const TOOL: &str = "svault_get_secret";

pub(super) fn check(name: &str, server: &Server) -> Check {
    let name = name.to_owned();
    let fix = "svault mcp says more when you start it by hand";
    match modern(server).and_then(|tools| Ok((tools, legacy(server)?))) {
        Ok((tools, version)) => {
            Check::ok(name, format!("{tools} tools, with a handshake ({version}) and without"))
        }
        Err(what) => Check::broken(name, what, fix),
    }
}

fn start(server: &Server) -> Result<Probe, String> {
    let (program, args) = server.command.split_first().ok_or("its entry has no command")?;
    let mut command = Command::new(program);
    command.args(args).envs(server.environment.iter().map(|(k, v)| (k, v)));
    Probe::start(command, &std::env::temp_dir())
}

/// Without a handshake; how many tools there are.
fn modern(server: &Server) -> Result<usize, String> {
    let mut probe = start(server)?;
    let meta = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let found = ask(&mut probe, 1, "server/discover", &meta)?;
    let versions = found["supportedVersions"].as_array().cloned().unwrap_or_default();
    if !versions.contains(&"2026-07-28".into()) {
        return Err("server/discover names no version that clients speak now".to_owned());
    }
    tools(&ask(&mut probe, 2, "tools/list", &meta)?)
}

/// With a handshake; its version.
fn legacy(server: &Server) -> Result<String, String> {
    let mut probe = start(server)?;
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "svault-doctor", "version": env!("CARGO_PKG_VERSION")}});
    let said = ask(&mut probe, 1, "initialize", &hello)?;
    let version = said["protocolVersion"].as_str().ok_or("initialize names no version")?.to_owned();
    probe.say(&format!("{}\n", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})))?;
    tools(&ask(&mut probe, 2, "tools/list", &json!({}))?)?;
    Ok(version)
}

fn tools(listed: &Value) -> Result<usize, String> {
    let all = listed["tools"].as_array().ok_or("tools/list lists nothing")?;
    let there = all.iter().any(|t| t["name"] == TOOL);
    if there { Ok(all.len()) } else { Err(format!("tools/list has no {TOOL}")) }
}

fn ask(probe: &mut Probe, id: u32, method: &str, params: &Value) -> Result<Value, String> {
    probe.say(&format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})))?;
    loop {
        let line = probe.line()?.ok_or_else(|| format!("ends at {method}"))?;
        let said: Value = serde_json::from_str(&line).map_err(|_| format!("says no JSON at {method}"))?;
        if said["id"] != id {
            continue;
        }
        return said.get("result").cloned().ok_or_else(|| format!("answers {method} with an error"));
    }
}
