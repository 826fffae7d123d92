//! What a client's files say now, beside what install would write.

use crate::clients::{Content, Place, Target, spec};
use crate::config::{self, Edit, Format};
use crate::install::{Found, Trouble};
use crate::{Client, Machine, Svault};
use serde_json::Value;
use std::path::Path;

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
    /// Whether anything in them starts svault.
    pub starts_svault: bool,
    /// The server, where its entry is as install writes it.
    pub server: Option<Server>,
    /// The hooks that are as install writes them, each command once.
    pub hooks: Vec<Hook>,
    /// What is not as install writes it, one line each. Parts of it are the file's own text.
    pub faults: Vec<String>,
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
    all
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
            Content::Whole { text: wanted, .. } => {
                let ours = text == wanted;
                self.starts_svault |= ours || text.contains("svault");
                if !ours {
                    self.faults.push(format!("{shown} is not as svault wrote it"));
                } else if let Some(line) = own_file(svault, client, &target.path) {
                    self.hook(client, line);
                }
            }
            Content::Edits(format, edits) => {
                let tree = read(*format, text, &target.path)?;
                let rules = edits.iter().filter(|e| self.edit(&tree, e, &target.path)).count();
                if rules > 0 {
                    self.faults.push(format!("{shown}: {rules} of svault's lines in lists are missing"));
                }
            }
        }
        Ok(())
    }

    /// One edit; whether it is an element of a list that is missing.
    fn edit(&mut self, tree: &Value, edit: &Edit, path: &Path) -> bool {
        let holds = config::plan(tree, std::slice::from_ref(edit)).is_ok_and(|ops| ops.is_empty());
        let shown = path.display();
        match edit {
            Edit::Member(..) => return !holds,
            Edit::Default(..) => {}
            Edit::Entry(at, _) => {
                let entry = config::look(tree, at);
                let off = entry.is_some_and(is_off);
                let server = entry.map(server);
                self.starts_svault |= server.as_ref().is_some_and(|s| s.program().contains("svault"));
                match server {
                    Some(server) if off && server.program().contains("svault") => {
                        self.faults.push(format!(
                            "{shown}: the server called svault is switched off there (switch it on in the client)"
                        ));
                    }
                    Some(server) if holds => self.server = Some(server),
                    Some(other) => {
                        self.faults.push(format!("{shown}: the server called svault is: {}", other.shown()));
                    }
                    None => self.faults.push(format!("{shown}: no server called svault")),
                }
            }
            Edit::Hook(at, _) => {
                let line = config::look(tree, at).and_then(ours);
                self.starts_svault |= line.is_some();
                match line {
                    Some(line) if holds => match declared(&line) {
                        Some(client) => self.hook(client, line),
                        None => self.faults.push(format!("{shown}: the hook {line} names no client")),
                    },
                    Some(line) => {
                        let event = config::shown(at);
                        self.faults
                            .push(format!("{shown}: {event} is not as svault wrote it; it starts: {line}"));
                    }
                    None => {
                        self.faults.push(format!("{shown}: no hook of svault's in {}", config::shown(at)))
                    }
                }
            }
        }
        false
    }

    fn hook(&mut self, client: Client, line: String) {
        let hook = Hook { client, line };
        if !self.hooks.contains(&hook) {
            self.hooks.push(hook);
        }
    }
}

impl Server {
    fn program(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// On one line.
    #[must_use]
    pub fn shown(&self) -> String {
        let variables = self.environment.iter().map(|(name, value)| format!("{name}={value}"));
        variables.chain(self.command.iter().cloned()).collect::<Vec<_>>().join(" ")
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

/// What an entry of a server starts, in whichever form the client has it.
pub(super) fn server(entry: &Value) -> Server {
    let entry = entry.get("transport").filter(|t| t.is_object()).unwrap_or(entry);
    let texts = |value: Option<&Value>| -> Vec<String> {
        match value {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let mut command = texts(entry.get("command"));
    command.extend(texts(entry.get("args")));
    command.extend(texts(entry.get("url")));
    let variables = ["env", "environment"].iter().find_map(|k| entry.get(*k)?.as_object());
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let environment = variables.into_iter().flatten().map(|(k, v)| (k.clone(), text(v))).collect();
    Server { command, environment }
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

/// The client in a hook's command.
fn declared(line: &str) -> Option<Client> {
    let (_, rest) = line.split_once(" hook --client ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// How a file that is svault's as a whole is started, where it is a hook.
fn own_file(svault: &Svault, client: Client, path: &Path) -> Option<String> {
    match client {
        Client::Cline => Some(svault.quoted(path.to_str()?)),
        Client::Opencode => Some(svault.hook(client)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_that_is_switched_off_is_a_fault() {
        let entry = json!({"command": "/opt/svault", "args": ["mcp"]});
        let edit = Edit::entry(&["mcpServers", "svault"], entry);
        let seen = |extra: Value| {
            let mut tree = json!({"mcpServers": {"svault": {"command": "/opt/svault", "args": ["mcp"]}}});
            let server = tree["mcpServers"]["svault"].as_object_mut().unwrap();
            server.extend(extra.as_object().unwrap().clone());
            let mut files = Files::default();
            files.edit(&tree, &edit, Path::new("/x"));
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
