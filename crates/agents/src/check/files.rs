//! What a client's files say now, beside what install would write.

use crate::clients::{self, Content, Place, Target, spec};
use crate::config::{self, Edit, Format};
use crate::install::{Found, MARK, Trouble};
use crate::{Client, Machine, Svault};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How a client starts the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Program and arguments.
    pub command: Vec<String>,
    /// What the entry adds to the environment.
    pub environment: Vec<(String, String)>,
}

/// How a client starts a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The client whose form it speaks.
    pub client: Client,
    /// The command as a shell reads it.
    pub line: String,
}

/// A client's files.
#[derive(Debug, Default)]
pub struct Files {
    /// Those that have something of svault's in them, or a server of its name, whatever that starts.
    pub ours: Vec<PathBuf>,
    /// The server, where its entry is as install writes it.
    pub server: Option<Server>,
    /// The hooks that are as install writes them, each command once.
    pub hooks: Vec<Hook>,
    /// What is not as install writes it, one line each. Parts of it are the file's own text.
    pub faults: Vec<String>,
    /// The svault that the server's entry starts is gone: it was moved, or another version took its place.
    pub moved: bool,
}

/// Reads the user's files of a client.
#[must_use]
pub fn files(machine: &Machine, svault: &Svault, client: Client) -> Files {
    let mut all = Files::default();
    for target in spec(client).targets(machine, svault, Place::User) {
        if let Err(trouble) = all.add(machine, svault, client, &target) {
            all.faults.push(trouble.to_string());
        }
    }
    for target in clients::beside(machine, svault, Place::User, client) {
        all.faults.extend(beside(machine, &target));
    }
    all
}

/// What another file, which the client reads over or under that of install, puts in the place of our server.
fn beside(machine: &Machine, target: &Target) -> Vec<String> {
    let Content::Edits(format, edits) = &target.content else { return Vec::new() };
    let said = match Found::read(&target.path, &[&target.base, &machine.home]) {
        Ok(found) => found.text().and_then(|text| text.map(|t| read(*format, t, &target.path)).transpose()),
        Err(trouble) => Err(trouble),
    };
    match said {
        Ok(None) => Vec::new(),
        Ok(Some(tree)) => {
            let others = edits.iter().filter_map(|edit| other(&tree, edit));
            let line = |what| format!("{} has another server called svault: {what}", target.path.display());
            others.map(line).collect()
        }
        Err(trouble) => vec![trouble.to_string()],
    }
}

/// What an entry in the place of ours starts, where that is something else.
pub(super) fn other(tree: &Value, edit: &Edit) -> Option<String> {
    let Edit::Entry(at, wanted) = edit else { return None };
    let entry = config::look(tree, at)?;
    match config::starting(entry) == config::starting(wanted) {
        true if is_off(entry) => Some(format!("{} (switched off)", said(entry))),
        true => None,
        false => Some(said(entry)),
    }
}

impl Files {
    fn add(
        &mut self,
        machine: &Machine,
        svault: &Svault,
        client: Client,
        target: &Target,
    ) -> Result<(), Trouble> {
        let found = Found::read(&target.path, &[&target.base, &machine.home])?;
        let shown = target.path.display();
        let Some(text) = found.text()? else {
            self.faults.push(format!("{shown} is not there"));
            return Ok(());
        };
        match &target.content {
            Content::Whole { text: wanted, executable } => {
                if text == wanted || text.contains(MARK) {
                    self.has(&target.path);
                }
                if text != wanted {
                    self.faults.push(format!("{shown} is not as svault wrote it"));
                } else if *executable && !may_run(&found.real) {
                    self.faults.push(format!("{shown} may not be executed: chmod +x it"));
                } else if let Some(line) = own_file(svault, client, wanted) {
                    self.hook(client, line);
                }
            }
            Content::Edits(format, edits) => {
                let tree = read(*format, text, &target.path)?;
                let rules = edits.iter().filter(|e| self.edit(&tree, e, client, &target.path)).count();
                if rules > 0 {
                    self.faults.push(format!("{shown}: {rules} of svault's lines in lists are missing"));
                }
            }
        }
        Ok(())
    }

    /// One edit; whether it is an element of a list that is missing.
    fn edit(&mut self, tree: &Value, edit: &Edit, client: Client, path: &Path) -> bool {
        let holds = config::plan(tree, std::slice::from_ref(edit)).is_ok_and(|ops| ops.is_empty());
        match edit {
            Edit::Member(..) => return !holds,
            Edit::Default(..) => {}
            Edit::Entry(at, wanted) => self.entry(config::look(tree, at), wanted, holds, path),
            Edit::Hook(at, wanted) => self.hooks_of(tree, at, wanted, holds, client, path),
        }
        false
    }

    /// The server. What is started later is what install would write, never what the file says.
    fn entry(&mut self, found: Option<&Value>, wanted: &Value, holds: bool, path: &Path) {
        let shown = path.display();
        let Some(entry) = found else {
            return self.faults.push(format!("{shown}: no server called svault"));
        };
        self.has(path);
        let what = said(entry);
        let off = is_off(entry) && what.contains("svault");
        if off {
            let how = "is switched off there (switch it on in the client)";
            self.faults.push(format!("{shown}: the server called svault {how}"));
        }
        let other = config::starting(entry) != config::starting(wanted);
        if !holds && (other || !off) {
            let gone = is_gone(entry);
            self.moved |= gone;
            let gone = if gone { ", and that program is gone" } else { "" };
            self.faults.push(format!("{shown}: the server called svault is: {what}{gone}"));
        }
        if holds && !off {
            self.server = Some(server(wanted));
        }
    }

    fn hooks_of(
        &mut self,
        tree: &Value,
        at: &config::Path,
        wanted: &Value,
        holds: bool,
        client: Client,
        path: &Path,
    ) {
        let (shown, event) = (path.display(), config::shown(at));
        let line = if holds { command(wanted) } else { config::look(tree, at).and_then(ours) };
        let Some(line) = line else {
            return self.faults.push(format!("{shown}: no hook of svault's in {event}"));
        };
        let named = declared(&line);
        // One of another client's in a file that both read tells nothing of this one.
        if named.is_none_or(|c| c == client) {
            self.has(path);
        }
        match named {
            _ if !holds => {
                self.faults.push(format!("{shown}: {event} is not as svault wrote it; it starts: {line}"));
            }
            Some(client) => self.hook(client, line),
            None => self.faults.push(format!("{shown}: the hook {line} names no client")),
        }
    }

    fn has(&mut self, path: &Path) {
        if !self.ours.iter().any(|p| p == path) {
            self.ours.push(path.to_owned());
        }
    }

    fn hook(&mut self, client: Client, line: String) {
        let hook = Hook { client, line };
        if !self.hooks.contains(&hook) {
            self.hooks.push(hook);
        }
    }
}

pub(super) fn read(format: Format, text: &str, path: &Path) -> Result<Value, Trouble> {
    config::read(format, text).map_err(|error| Trouble::Config { path: path.to_owned(), error })
}

/// Whether an entry of a server is switched off: Codex and opencode have `enabled`, others `disabled`.
fn is_off(entry: &Value) -> bool {
    let is = |key: &str, value: bool| entry.get(key) == Some(&Value::Bool(value));
    is("enabled", false) || is("disabled", true)
}

/// Whether an entry starts a program by its whole path that is not there.
fn is_gone(entry: &Value) -> bool {
    let entry = entry.get("transport").unwrap_or(entry);
    let program = texts(entry.get("command")).into_iter().next().map(PathBuf::from);
    program.is_some_and(|path| path.is_absolute() && matches!(path.try_exists(), Ok(false)))
}

/// What an entry that install writes starts.
fn server(wanted: &Value) -> Server {
    let entry = wanted.get("transport").unwrap_or(wanted);
    let mut command = texts(entry.get("command"));
    command.extend(texts(entry.get("args")));
    let variables = ["env", "environment"].iter().find_map(|k| entry.get(*k)?.as_object());
    let environment = variables.into_iter().flatten().map(|(k, v)| (k.clone(), plain(v))).collect();
    Server { command, environment }
}

/// What an entry says that it starts, on one line: variables, then the command, then whatever else.
pub(super) fn said(entry: &Value) -> String {
    let mut parts: [Vec<String>; 3] = Default::default();
    for (key, value) in config::starting(entry) {
        match (key, value) {
            ("env" | "environment", Value::Object(all)) => {
                parts[0].extend(all.iter().map(|(name, value)| format!("{name}={}", plain(value))));
            }
            ("command" | "args", Value::String(_) | Value::Array(_)) => parts[1].extend(texts(Some(value))),
            _ => parts[2].push(format!("{key}={}", plain(value))),
        }
    }
    let line = parts.concat().join(" ");
    if line.is_empty() { plain(entry) } else { line }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(all)) => all.iter().map(plain).collect(),
        Some(value) => vec![plain(value)],
        None => Vec::new(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The first command of svault's in a list of hooks. (PowerShell's is beside the one for other shells.)
fn ours(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => config::is_ours(text).then(|| text.clone()),
        Value::Array(all) => all.iter().find_map(ours),
        Value::Object(all) => all.iter().filter(|(key, _)| *key != "powershell").find_map(|(_, v)| ours(v)),
        _ => None,
    }
}

/// The command in a hook that install writes.
fn command(wanted: &Value) -> Option<String> {
    let hook = wanted.pointer("/hooks/0").unwrap_or(wanted);
    ["command", "bash"].iter().find_map(|key| hook.get(*key)?.as_str()).map(str::to_owned)
}

/// The client in a hook's command.
fn declared(line: &str) -> Option<Client> {
    let (_, rest) = line.split_once(" hook --client ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// How a file that is svault's as a whole is started, where it is a hook: by its text, which nobody can exchange.
fn own_file(svault: &Svault, client: Client, text: &str) -> Option<String> {
    match client {
        Client::Cline => Some(text.to_owned()),
        Client::Opencode => Some(svault.hook(client)),
        _ => None,
    }
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn may_run(_: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_program_that_is_gone_is_told_from_one_that_is_there() {
        let is = |command: Value| is_gone(&json!({"command": command}));
        assert!(is(json!("/nowhere/svault")) && is(json!(["/nowhere/svault", "mcp"])));
        assert!(is_gone(&json!({"transport": {"command": "/nowhere/svault"}})));
        assert!(!is(json!("/")) && !is(json!("svault")) && !is(json!(null)) && !is_gone(&json!("x")));
    }

    /// What is in a file beside the keys of ours, or in their place, is never what is started.
    #[test]
    fn a_server_that_could_start_something_else_is_a_fault_and_none_to_start() {
        let flat = json!({"command": "/opt/svault", "args": ["mcp"], "env": {}});
        let open = json!({"command": ["/opt/svault", "mcp"], "environment": {}});
        let nested = json!({"transport": flat});
        for (wanted, key, value) in [
            (&flat, "transport", json!({"command": "/evil", "args": []})),
            (&flat, "environment", json!({"LD_PRELOAD": "/evil"})),
            (&flat, "envFile", json!("/evil")),
            (&flat, "url", json!("http://evil")),
            (&flat, "args", json!(["mcp", "evil"])),
            (&open, "env", json!({"LD_PRELOAD": "/evil"})),
            (&open, "args", json!(["evil"])),
            (&nested, "command", json!("/evil")),
            (&nested, "transport", json!({"command": "/evil", "args": ["/opt/svault"]})),
        ] {
            let edit = Edit::entry(&["s", "svault"], wanted.clone());
            let mut tree = json!({"s": {"svault": wanted}});
            let look = |tree: &Value| {
                let mut files = Files::default();
                files.edit(tree, &edit, Client::Qwen, Path::new("/x"));
                (files.server, files.faults.join(" "), other(tree, &edit))
            };
            let (server, faults, shadow) = look(&tree);
            assert!(faults.is_empty() && shadow.is_none(), "{key}: {faults}");
            assert_eq!(server.unwrap().command, ["/opt/svault", "mcp"]);
            tree["s"]["svault"][key] = value;
            let (server, faults, shadow) = look(&tree);
            assert!(server.is_none() && faults.contains("evil"), "{key}: {faults}");
            assert!(shadow.is_some_and(|s| s.contains("evil")), "{key}");
        }
    }

    /// By its text: at its path there may be another one a moment later.
    #[cfg(unix)]
    #[test]
    fn a_hook_that_is_a_file_is_started_by_what_it_says() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::new(dir.path().canonicalize().unwrap(), crate::System::Linux, []);
        let svault = Svault::new(Path::new("/opt/svault"), None, crate::System::Linux).unwrap();
        let mut wanted = None;
        for target in spec(Client::Cline).targets(&machine, &svault, Place::User) {
            let Content::Whole { text, .. } = target.content else { continue };
            std::fs::create_dir_all(target.path.parent().unwrap()).unwrap();
            std::fs::write(&target.path, &text).unwrap();
            std::fs::set_permissions(&target.path, std::fs::Permissions::from_mode(0o755)).unwrap();
            wanted = Some((target.path, text));
        }
        let (path, text) = wanted.unwrap();
        let found = files(&machine, &svault, Client::Cline);
        assert_eq!(found.hooks, [Hook { client: Client::Cline, line: text }]);
        assert_eq!(found.ours.len(), 2);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let faults = files(&machine, &svault, Client::Cline).faults.join(" ");
        assert!(faults.contains("may not be executed"), "{faults}");
    }

    #[test]
    fn a_server_that_is_switched_off_is_a_fault() {
        let entry = json!({"command": "/opt/svault", "args": ["mcp"]});
        let edit = Edit::entry(&["mcpServers", "svault"], entry);
        let seen = |extra: Value| {
            let mut tree = json!({"mcpServers": {"svault": {"command": "/opt/svault", "args": ["mcp"]}}});
            let server = tree["mcpServers"]["svault"].as_object_mut().unwrap();
            server.extend(extra.as_object().unwrap().clone());
            let mut files = Files::default();
            files.edit(&tree, &edit, Client::Qwen, Path::new("/x"));
            files
        };
        for off in
            [json!({"enabled": false}), json!({"disabled": true}), json!({"disabled": true, "args": []})]
        {
            let files = seen(off.clone());
            assert_eq!(files.server, None, "{off}");
            assert!(files.faults[0].contains("is switched off there"), "{off}: {:?}", files.faults);
        }
        for on in [json!({}), json!({"enabled": true}), json!({"disabled": false, "enabled_tools": []})] {
            let files = seen(on.clone());
            assert!(files.server.is_some() && files.faults.is_empty(), "{on}: {:?}", files.faults);
        }
        // Who is in our place is told all the same.
        let other = seen(json!({"command": "/evil", "disabled": true}));
        assert!(other.faults[0].contains("/evil"), "{:?}", other.faults);
    }
}
