//! Programs that are AI coding agents, by the name of their executable or script.
//!
//! A guard rail, not a boundary: it keeps a human's passphrase out of a prompt that an agent put up by mistake.
//! A program that wants to be missed renames itself.

/// Executables, by base name without `.exe`, and packages of interpreted ones, by a part of the script's path.
const AGENTS: &[(&str, &[&str])] = &[
    ("claude-code", &["claude", "claude-code", "@anthropic-ai/claude-code"]),
    ("codex", &["codex", "@openai/codex"]),
    ("copilot", &["copilot", "github-copilot-cli", "@github/copilot"]),
    ("cursor", &["cursor", "cursor-agent", "cursor-agent-svc"]),
    ("windsurf", &["windsurf"]),
    ("aider", &["aider", "aider-chat", "aider_chat"]),
    ("gemini", &["gemini", "gemini-cli", "@google/gemini-cli"]),
    ("opencode", &["opencode", "opencode-ai"]),
    ("qwen", &["qwen", "qwen-code", "@qwen-code/qwen-code"]),
    ("cline", &["cline", "@cline/cli"]),
    ("amp", &["amp", "@sourcegraph/amp"]),
    ("goose", &["goose"]),
    ("crush", &["crush", "@charmland/crush"]),
    ("droid", &["droid"]),
    ("kilocode", &["kilocode", "@kilocode/cli"]),
    ("auggie", &["auggie", "@augmentcode/auggie"]),
    ("openhands", &["openhands", "openhands-ai"]),
    ("kiro", &["kiro", "kiro-cli"]),
];

/// Programs whose first script argument says what they are.
const INTERPRETERS: &[&str] =
    &["node", "nodejs", "bun", "deno", "python", "pypy", "ruby", "uv", "npx", "tsx"];

fn base(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.strip_suffix(" (deleted)").unwrap_or(name);
    name.strip_suffix(".exe").unwrap_or(name)
}

fn listed(name: &str) -> Option<&'static str> {
    AGENTS.iter().find(|(_, names)| names.contains(&name)).map(|(agent, _)| *agent)
}

fn interprets(exe: &str) -> bool {
    let name = base(exe).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&name)
}

/// The agent that a script is: by its base name, or by any folder (or `@scope/package`) on the way to it.
fn script(path: &str) -> Option<&'static str> {
    let plain =
        path.strip_suffix(".js").or_else(|| path.strip_suffix(".mjs")).or_else(|| path.strip_suffix(".py"));
    if let Some(agent) = listed(base(plain.unwrap_or(path))) {
        return Some(agent);
    }
    let parts: Vec<&str> = path.split(['/', '\\']).collect();
    let inside =
        parts.iter().position(|p| matches!(*p, "node_modules" | "site-packages" | "dist-packages"))?;
    parts[inside..].windows(2).find_map(|two| {
        let scoped = two[0].starts_with('@').then(|| format!("{}/{}", two[0], two[1]));
        scoped.as_deref().and_then(listed).or_else(|| listed(two[1]))
    })
}

/// The agent that a process is, if it is on the list: by its executable's path or, for an interpreter, by its script.
/// `exe` is the printed path of the executable, where it can be read; `argv` its arguments.
#[must_use]
pub fn named(exe: Option<&str>, argv: &[String]) -> Option<&'static str> {
    let first = argv.first().map(String::as_str);
    let exe = exe.or(first)?;
    if let Some(agent) = listed(base(exe)) {
        return Some(agent);
    }
    // Single-file installs run under their version: .../claude/versions/2.1.0.
    if exe.split('/').rev().nth(1) == Some("versions")
        && let Some(agent) = exe.split('/').rev().nth(2).and_then(listed)
    {
        return Some(agent);
    }
    if !interprets(exe) {
        return None;
    }
    let mut rest = argv.iter().skip(1).map(String::as_str);
    while let Some(arg) = rest.next() {
        match arg {
            "-m" => return rest.next().and_then(listed),
            _ if arg.starts_with('-') => {}
            _ => return script(arg),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn agents_are_known_by_executable_and_by_script() {
        for (exe, line, agent) in [
            ("/usr/local/bin/claude", "claude", "claude-code"),
            ("/home/u/.local/share/claude/versions/2.0.14", "claude --resume", "claude-code"),
            ("/opt/codex", "codex exec", "codex"),
            ("/usr/bin/codex (deleted)", "codex", "codex"),
            ("C:\\Users\\u\\cursor-agent.exe", "x", "cursor"),
            ("/usr/bin/node", "node /usr/local/bin/gemini", "gemini"),
            (
                "/usr/bin/node",
                "node --no-warnings /x/node_modules/@qwen-code/qwen-code/dist/index.js",
                "qwen",
            ),
            ("/usr/bin/node20", "node /x/node_modules/opencode-ai/bin/x.js", "opencode"),
            ("/usr/bin/python3.12", "python3 /home/u/.venv/bin/aider --model x", "aider"),
            ("/usr/bin/python3", "python3 -m aider", "aider"),
        ] {
            assert_eq!(named(Some(exe), &args(line)), Some(agent), "{exe} {line}");
        }
    }

    #[test]
    fn other_programs_are_not() {
        for (exe, line) in [
            ("/bin/bash", "bash /home/u/claude/run.sh"),
            ("/usr/bin/node", "node /home/u/cline/server.js"),
            ("/usr/bin/python3", "python3 -c import_aider"),
            ("/usr/bin/vim", "vim codex"),
            ("/usr/bin/code", "code ."),
        ] {
            assert_eq!(named(Some(exe), &args(line)), None, "{exe} {line}");
        }
        assert_eq!(named(None, &[]), None);
    }
}
