//! `svault doctor --agents` over the real binary: what is as installed and works, what isn't, and what is never started.

use crate::install::{with_path, write};
use crate::snapshot::shown;
use serde_json::Value;
use svault_tests::scratch::own;
use svault_tests::{Output, Sandbox, need};

const CLIENTS: [&str; 12] = [
    "claude", "codex", "copilot", "vscode", "cursor", "aider", "gemini", "opencode", "qwen", "cline",
    "windsurf", "zed",
];

fn change(sandbox: &Sandbox, path: &str, from: &str, to: &str) {
    let file = sandbox.home().join(path);
    let text = std::fs::read_to_string(&file).expect("read");
    assert!(text.contains(from), "{path}: {text}");
    std::fs::write(&file, text.replacen(from, to, 1)).expect("write");
}

fn install(sandbox: &Sandbox, clients: &[&str]) {
    let mut args = vec!["install", "--yes"];
    args.extend(clients.iter().flat_map(|c| ["--client", c]));
    let _ = with_path(sandbox, &args).run().ok();
}

/// The rows, and the exit code that goes with them.
#[track_caller]
fn rows(said: &Output) -> Vec<(String, String, String)> {
    let json = said.json();
    let checks = if json["checks"].is_array() { &json["checks"] } else { &json["error"]["checks"] };
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let row = |c: &Value| {
        (text(&c["name"]), text(&c["state"]), format!("{} {}", text(&c["detail"]), text(&c["fix"])))
    };
    let rows: Vec<_> = checks.as_array().unwrap_or_else(|| panic!("{json}")).iter().map(row).collect();
    let broken = rows.iter().any(|(_, state, _)| state == "broken");
    assert_eq!(said.code, i32::from(broken), "{}", said.all());
    rows
}

#[track_caller]
fn doctor(sandbox: &Sandbox) -> Vec<(String, String, String)> {
    rows(&with_path(sandbox, &["doctor", "--agents", "--json"]).run())
}

#[track_caller]
fn row(rows: &[(String, String, String)], name: &str, state: &str) -> String {
    let found = rows.iter().find(|(n, ..)| n == name).unwrap_or_else(|| panic!("no {name} in {rows:#?}"));
    assert_eq!(found.1, state, "{found:?}");
    found.2.clone()
}

#[test]
fn every_client_as_installed_works_when_it_is_started_as_it_starts_it() {
    let sandbox = Sandbox::empty();
    install(&sandbox, &CLIENTS);
    let all = doctor(&sandbox);
    let broken: Vec<_> = all.iter().filter(|(_, state, _)| state == "broken").collect();
    // Nobody has opened Codex here.
    assert!(broken.len() == 1 && broken[0].0 == "Codex CLI, trust", "{broken:#?}");
    assert!(row(&all, "Codex CLI, trust", "broken").contains("type /hooks"));
    for (what, count) in [("server", 11), ("settings", 12), (".env", 10)] {
        let rows = all.iter().filter(|(n, s, _)| n.ends_with(&format!(", {what}")) && s == "ok").count();
        assert_eq!(rows, count, "{what}: {all:#?}");
    }
    for client in ["Claude Code", "Codex CLI", "Copilot CLI", "VS Code", "Cursor", "Gemini CLI", "opencode"] {
        assert!(row(&all, &format!("{client}, output"), "ok").contains("masked"));
    }
    for client in ["Qwen Code", "Cline"] {
        assert!(row(&all, &format!("{client}, output"), "weak").contains("the model is warned"));
    }
    // Trusted, as Codex notes it; then with another text.
    let _ = with_path(&sandbox, &["install", "--yes", "--client", "codex", "--trust-codex-hooks"]).run().ok();
    let _ = row(&doctor(&sandbox), "Codex CLI, trust", "ok");
    change(&sandbox, ".codex/config.toml", "sha256:", "sha256:0");
    let said = row(&doctor(&sandbox), "Codex CLI, trust", "broken");
    assert!(said.contains("2 of 3 hooks are trusted") && said.contains("1 had another text"), "{said}");
}

#[test]
fn what_people_see() {
    let sandbox = Sandbox::empty();
    write(&sandbox, ".config/zed/settings.json", "{}\n");
    install(&sandbox, &["codex", "gemini"]);
    let said = with_path(&sandbox, &["doctor", "--agents"]).run().exits(1);
    insta::assert_snapshot!("doctor_agents", shown(&sandbox, &said));
    let json = with_path(&sandbox, &["doctor", "--agents", "--json"]).run().exits(1);
    let pretty = serde_json::to_string_pretty(&json.json()).expect("JSON");
    let json = Output { out: pretty.into_bytes(), ..json };
    insta::assert_snapshot!("doctor_agents_json", shown(&sandbox, &json));
    let trusting = ["install", "--yes", "--client", "codex", "--trust-codex-hooks"];
    let said = shown(&sandbox, &with_path(&sandbox, &trusting).run().ok());
    let parts: Vec<&str> = said.split("sha256:").collect();
    let parts: Vec<&str> = parts.iter().enumerate().map(|(i, p)| if i == 0 { p } else { &p[64..] }).collect();
    insta::assert_snapshot!("install_trusting", parts.join("sha256:[hash]"));
    let _ = with_path(&sandbox, &["install", "--client", "zed", "--trust-codex-hooks"]).run().exits(2);
    let none = Sandbox::empty();
    let said = with_path(&none, &["doctor", "--agents", "--json"]).run();
    assert_eq!(row(&rows(&said), "agents", "weak").split(' ').next(), Some("none"), "{}", said.all());
}

#[test]
fn another_program_in_our_place_is_named_and_never_started() {
    let sandbox = Sandbox::empty();
    install(&sandbox, &["qwen", "gemini", "claude"]);
    let marker = sandbox.home().join("started");
    let script = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
    let evil = write(&sandbox, "bin/svault", &script);
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let ours = sandbox.binary().display().to_string();
    let theirs = evil.display().to_string();
    // As the server, as a hook, and by a variable that loads something into ours.
    change(
        &sandbox,
        ".qwen/settings.json",
        &format!("\"command\": \"{ours}\""),
        &format!("\"command\": \"{theirs}\""),
    );
    change(&sandbox, ".gemini/settings.json", &format!("{ours} hook"), &format!("{theirs} hook"));
    change(&sandbox, ".claude.json", "\"env\": {", "\"env\": {\"LD_PRELOAD\": \"/tmp/x.so\", ");
    let all = doctor(&sandbox);
    assert!(row(&all, "Qwen Code, settings", "broken").contains("bin/svault mcp"));
    assert!(row(&all, "Gemini CLI, settings", "broken").contains("bin/svault hook --client gemini"));
    assert!(row(&all, "Claude Code, settings", "broken").contains("LD_PRELOAD=/tmp/x.so"));
    for (name, ..) in &all {
        assert!(name != "Qwen Code, server" && name != "Claude Code, server", "{all:#?}");
    }
    assert!(!marker.exists());
    install(&sandbox, &["qwen", "gemini", "claude"]);
    assert!(doctor(&sandbox).iter().all(|(_, state, _)| state != "broken"));
}

#[test]
fn a_svault_that_has_gone_from_where_it_was_installed_is_named_with_the_one_that_is_there() {
    let sandbox = Sandbox::empty();
    install(&sandbox, &["cursor"]);
    let ours = sandbox.binary().display().to_string();
    change(&sandbox, ".cursor/mcp.json", &format!("\"{ours}\""), "\"/nowhere/svault\"");
    let said = row(&doctor(&sandbox), "Cursor, settings", "broken");
    assert!(said.contains("/nowhere/svault mcp, and that program is gone"), "{said}");
    assert!(said.ends_with(&format!(" {ours} install --client cursor")), "no svault is on the path: {said}");
    std::fs::create_dir_all(sandbox.home().join("bin")).expect("folder");
    std::os::unix::fs::symlink(&ours, sandbox.home().join("bin/svault")).expect("link");
    let said = row(&doctor(&sandbox), "Cursor, settings", "broken");
    assert!(said.ends_with(" svault install --client cursor") && !said.contains(&ours), "{said}");
    install(&sandbox, &["cursor"]);
    let said = row(&doctor(&sandbox), "Cursor, settings", "ok");
    assert!(!said.contains("gone"), "{said}");
}

#[test]
fn what_stands_beside_our_keys_is_named_and_never_started() {
    let sandbox = Sandbox::empty();
    install(&sandbox, &["claude", "opencode", "zed", "cline"]);
    let marker = sandbox.home().join("started");
    let evil = sandbox.script("evil", &format!("#!/bin/sh\ntouch '{}'\n", marker.display()));
    let evil = evil.display();
    let nested = format!("\"transport\": {{\"command\": \"{evil}\", \"args\": []}}, \"command\":");
    change(&sandbox, ".claude.json", "\"command\":", &nested);
    let zed = format!("\"url\": \"http://evil\", \"cwd\": \"{evil}\", \"command\":");
    change(&sandbox, ".config/zed/settings.json", "\"command\":", &zed);
    let env = "\"env\": {\"LD_PRELOAD\": \"/tmp/evil.so\"}, \"command\":";
    change(&sandbox, ".config/opencode/opencode.json", "\"command\":", env);
    let flat = format!("\"command\": \"{evil}\", \"transport\":");
    change(&sandbox, ".cline/data/settings/cline_mcp_settings.json", "\"transport\":", &flat);
    let all = doctor(&sandbox);
    for (title, what) in [
        ("Claude Code", "transport="),
        ("Zed", "url=http://evil"),
        ("opencode", "LD_PRELOAD=/tmp/evil.so"),
        ("Cline", "evil"),
    ] {
        let said = row(&all, &format!("{title}, settings"), "broken");
        assert!(said.contains(what), "{said}");
        assert!(!all.iter().any(|(name, ..)| *name == format!("{title}, server")), "{all:#?}");
    }
    assert!(!marker.exists());
    install(&sandbox, &["claude", "opencode", "zed", "cline"]);
    let all = doctor(&sandbox);
    assert!(all.iter().all(|(_, state, _)| state != "broken"), "{all:#?}");
    assert!(!marker.exists());
}

#[test]
fn without_a_record_a_server_of_our_name_and_hooks_of_ours_are_looked_at() {
    let sandbox = Sandbox::empty();
    write(&sandbox, ".config/zed/settings.json", "{}\n");
    write(&sandbox, ".qwen/settings.json", "{\"mcpServers\": {\"svault\": {\"command\": \"/tmp/evil\"}}}");
    let hook = "/gone/svault hook --client gemini || exit 2";
    let hooks = serde_json::json!({"hooks": {"BeforeTool": [{"hooks": [{"command": hook}]}]}});
    write(&sandbox, ".gemini/settings.json", &hooks.to_string());
    let all = doctor(&sandbox);
    assert!(row(&all, "Qwen Code, settings", "broken").contains("is: /tmp/evil"));
    assert!(row(&all, "Gemini CLI, settings", "broken").contains("/gone/svault hook"));
    assert!(row(&all, "Zed", "weak").contains("knows nothing of svault"));
    // Hooks that another client's install has put into a file of both make this one no client of ours.
    std::fs::create_dir(sandbox.home().join(".vscode")).expect("folder");
    install(&sandbox, &["claude"]);
    assert!(row(&doctor(&sandbox), "VS Code", "weak").contains("knows nothing of svault"));
}

#[test]
fn broken_files_and_missing_hooks_are_named() {
    let sandbox = Sandbox::empty();
    install(&sandbox, &["qwen", "gemini", "cursor", "cline"]);
    write(&sandbox, ".qwen/settings.json", "{\"mcpServers\": {");
    change(&sandbox, ".gemini/settings.json", "BeforeTool", "Before");
    std::fs::remove_file(sandbox.home().join(".cursor/hooks.json")).expect("remove");
    write(&sandbox, ".cline/hooks/PreToolUse", "#!/bin/sh\nexit 0\n");
    let all = doctor(&sandbox);
    assert!(row(&all, "Qwen Code, settings", "broken").contains("settings.json: line 1, column"));
    assert!(row(&all, "Gemini CLI, settings", "broken").contains("no hook of svault's in hooks.BeforeTool"));
    assert!(row(&all, "Cursor, settings", "broken").contains("hooks.json is not there"));
    assert!(row(&all, "Cline, settings", "broken").contains("PreToolUse is not as svault wrote it"));
    assert!(row(&all, "Cline, settings", "broken").contains("svault install --client cline"));
}

#[test]
fn an_executable_that_has_changed_is_to_be_confirmed() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    write(&sandbox, "bin/x", "");
    std::fs::copy("/bin/true", sandbox.home().join("bin/claude")).expect("copy");
    own(&sandbox.home().join("bin/claude"), sandbox.uid());
    install(&sandbox, &["claude"]);
    assert!(row(&doctor(&sandbox), "Claude Code, caller", "weak").contains("not registered"));
    let _ = with_path(&sandbox, &["install", "--yes"]).human().run().ok();
    let _ = row(&doctor(&sandbox), "Claude Code, caller", "ok");
    // Registered in one store is not registered in another.
    let other =
        with_path(&sandbox, &["doctor", "--agents", "--json"]).env("SVAULT_HOME", sandbox.path("other"));
    assert!(row(&rows(&other.run()), "Claude Code, caller", "weak").contains("not registered"));
    std::fs::copy("/bin/false", sandbox.home().join("bin/claude")).expect("copy");
    let said = row(&doctor(&sandbox), "Claude Code, caller", "weak");
    assert!(said.contains("has changed since") && said.contains("svault install"), "{said}");
}

#[test]
fn a_project_that_puts_itself_in_the_way_is_named() {
    let sandbox = Sandbox::empty();
    install(&sandbox, &["claude", "copilot", "cursor", "codex", "zed"]);
    let other =
        "{\"mcpServers\": {\"svault\": {\"command\": \"/tmp/other\", \"args\": [\"\\u001b[2Jmcp\"]}}}";
    write(&sandbox, "work/.git/HEAD", "ref: x\n");
    write(&sandbox, "work/.mcp.json", other);
    write(&sandbox, "work/.cursor/mcp.json", "{");
    write(&sandbox, "work/.codex/config.toml", "[mcp_servers.svault]\ncommand = \"/tmp/codex\"\n");
    write(&sandbox, "work/.zed/settings.json", "{\"context_servers\": {\"other\": {}}}");
    let src = write(&sandbox, "work/src/.claude/settings.local.json", "{\"disableAllHooks\": true}");
    let here = src.ancestors().nth(2).expect("folder");
    let said = with_path(&sandbox, &["doctor", "--agents", "--json"]).cwd(here).run();
    assert!(!said.text().contains("\\u001b"), "{}", said.text());
    let all = rows(&said);
    let claude = row(&all, "Claude Code, this project", "weak");
    assert!(claude.contains("/work/.mcp.json has another server called svault: /tmp/other"), "{claude}");
    assert!(claude.contains("settings.local.json switches all hooks off"), "{claude}");
    assert!(row(&all, "Copilot CLI, this project", "weak").contains("/tmp/other"));
    assert!(row(&all, "Cursor, this project", "weak").contains("mcp.json can't be read"));
    assert!(row(&all, "Codex CLI, this project", "weak").contains("/tmp/codex"));
    assert!(!all.iter().any(|(name, ..)| name == "Zed, this project"));
    let elsewhere = doctor(&sandbox);
    assert!(!elsewhere.iter().any(|(name, ..)| name.ends_with("this project")), "{elsewhere:#?}");
}
