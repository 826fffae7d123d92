//! What a project's files put in the place of the user's: another server under our name, hooks switched off.

use super::files::{Server, read, server};
use crate::clients::{Content, Place, spec};
use crate::config::{self, Edit, Format, Step};
use crate::install::Found;
use crate::{Client, Machine, Svault};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file that has another server under the name of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The file.
    pub path: PathBuf,
    /// What it starts, as the file says; none where the file can't be read.
    pub starts: Option<String>,
}

/// Files of these folders, and of the user's for them, that put another server in the place of ours for this client.
#[must_use]
pub fn shadows(machine: &Machine, svault: &Svault, folders: &[PathBuf], client: Client) -> Vec<Shadow> {
    let mut all = Vec::new();
    for folder in folders.iter().filter(|f| **f != machine.home) {
        for (path, format, at, wanted) in entries(machine, svault, folder, client) {
            let starts = match tree(&path, &[folder, &machine.home], format) {
                Ok(None) => continue,
                Ok(Some(tree)) => match config::look(&tree, &at).map(server) {
                    Some(found) if found != wanted => Some(found.shown()),
                    _ => continue,
                },
                Err(()) => None,
            };
            let shadow = Shadow { path, starts };
            if !all.contains(&shadow) {
                all.push(shadow);
            }
        }
    }
    all
}

type Entry = (PathBuf, Format, config::Path, Server);

/// Where a client looks for the servers of a project.
fn entries(machine: &Machine, svault: &Svault, folder: &Path, client: Client) -> Vec<Entry> {
    let mut all = Vec::new();
    for target in spec(client).targets(machine, svault, Place::Project(folder)) {
        let Content::Edits(format, edits) = &target.content else { continue };
        for edit in edits {
            if let Edit::Entry(at, value) = edit {
                all.push((target.path.clone(), *format, at.clone(), server(value)));
            }
        }
    }
    let ours = server(&svault.entry());
    let keys = |keys: &[&str]| keys.iter().map(|k| Step::Key((*k).to_owned())).collect::<config::Path>();
    match client {
        Client::Copilot => {
            all.push((folder.join(".github/mcp.json"), Format::Json, keys(&["mcpServers", "svault"]), ours));
        }
        // Its settings for one folder, in the user's own file.
        Client::Claude => {
            let state = machine.folder("CLAUDE_CONFIG_DIR").unwrap_or_else(|| machine.home.clone());
            let at = keys(&["projects", &folder.to_string_lossy(), "mcpServers", "svault"]);
            all.push((state.join(".claude.json"), Format::Json, at, ours));
        }
        _ => {}
    }
    all
}

fn tree(path: &Path, roots: &[&Path], format: Format) -> Result<Option<Value>, ()> {
    let found = Found::read(path, roots).map_err(|_| ())?;
    let text = found.text().map_err(|_| ())?;
    text.map(|t| read(format, t, path)).transpose().map_err(|_| ())
}

/// Settings of Claude Code, the user's and these folders', that switch all hooks off.
#[must_use]
pub fn hooks_off(machine: &Machine, folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut paths = vec![machine.folder_or("CLAUDE_CONFIG_DIR", ".claude").join("settings.json")];
    for name in [".claude/settings.json", ".claude/settings.local.json"] {
        paths.extend(folders.iter().map(|f| f.join(name)));
    }
    paths.dedup();
    let off = |path: &PathBuf| {
        let roots = [machine.home.as_path(), path.parent().unwrap_or(path)];
        let tree = tree(path, &roots, Format::Json).ok().flatten();
        tree.is_some_and(|t| t.get("disableAllHooks") == Some(&Value::Bool(true)))
    };
    paths.into_iter().filter(off).collect()
}
