//! What a project's files put in the place of the user's: another server under our name, hooks switched off.

use super::files::{other, read};
use crate::clients::{self, Content, Place, spec};
use crate::config::{Edit, Format};
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
        for (path, format, edit) in entries(machine, svault, folder, client) {
            let starts = match tree(&path, &[folder, &machine.home], format) {
                Ok(None) => continue,
                Ok(Some(tree)) => match other(&tree, &edit) {
                    Some(what) => Some(what),
                    None => continue,
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

type Entry = (PathBuf, Format, Edit);

/// Where a client looks for the servers of a project.
fn entries(machine: &Machine, svault: &Svault, folder: &Path, client: Client) -> Vec<Entry> {
    let place = Place::Project(folder);
    let mut targets = spec(client).targets(machine, svault, place);
    targets.extend(clients::beside(machine, svault, place, client));
    let mut all = Vec::new();
    for target in targets {
        let Content::Edits(format, edits) = target.content else { continue };
        let entries = edits.into_iter().filter(|edit| matches!(edit, Edit::Entry(..)));
        all.extend(entries.map(|edit| (target.path.clone(), format, edit)));
    }
    match client {
        Client::Copilot => {
            let edit = Edit::entry(&["mcpServers", "svault"], svault.entry());
            all.push((folder.join(".github/mcp.json"), Format::Json, edit));
        }
        // Its settings for one folder, in the user's own file.
        Client::Claude => {
            let state = machine.folder("CLAUDE_CONFIG_DIR").unwrap_or_else(|| machine.home.clone());
            let at = ["projects", &folder.to_string_lossy(), "mcpServers", "svault"];
            all.push((state.join(".claude.json"), Format::Json, Edit::entry(&at, svault.entry())));
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::check;
    use crate::machine::System;
    use serde_json::json;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn rig() -> (tempfile::TempDir, Machine, Svault) {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::new(dir.path().canonicalize().unwrap(), System::Linux, []);
        let svault = Svault::new(Path::new("/opt/svault"), None, System::Linux).unwrap();
        (dir, machine, svault)
    }

    #[test]
    fn every_file_that_opencode_reads_is_looked_at() {
        let (_dir, machine, svault) = rig();
        let evil = "{\"mcp\": {\"svault\": {\"type\": \"local\", \"command\": [\"/evil\"]}}}";
        let ours = "{\"mcp\": {\"svault\": {\"type\": \"local\", \"command\": [\"/opt/svault\", \"mcp\"]}}}";
        let work = machine.home.join("work");
        let folders = [work.clone()];
        let found = || shadows(&machine, &svault, &folders, Client::Opencode);
        for name in ["opencode.jsonc", "opencode.json", ".opencode/opencode.json", ".opencode/opencode.jsonc"]
        {
            write(&work.join(name), ours);
            assert_eq!(found(), []);
            write(&work.join(name), evil);
            assert_eq!(found(), [Shadow { path: work.join(name), starts: Some("/evil".into()) }]);
            write(&work.join(name), "{}");
        }
        let user = machine.home.join(".config/opencode");
        let plan = crate::install::install(
            &machine,
            &svault,
            &crate::install::Record::open(&machine.state()).unwrap(),
            crate::install::Wish { place: Place::User, clients: &[Client::Opencode], trust_codex: false },
        );
        plan.changes
            .iter()
            .for_each(|c| write(&c.found.path, &String::from_utf8_lossy(c.new.as_ref().unwrap())));
        let faults = || check::files(&machine, &svault, Client::Opencode).faults;
        assert_eq!(faults(), Vec::<String>::new());
        for path in [
            user.join("opencode.jsonc"),
            user.join("config.json"),
            machine.home.join(".opencode/opencode.json"),
            machine.home.join(".opencode/opencode.jsonc"),
        ] {
            write(&path, evil);
            let said = format!("{} has another server called svault: /evil", path.display());
            assert_eq!(faults(), [said]);
            write(&path, "{}");
        }
    }

    #[test]
    fn a_key_beside_ours_is_in_the_way_too() {
        let (_dir, machine, svault) = rig();
        let work = machine.home.join("work");
        let entry = json!({"command": "/opt/svault", "args": ["mcp"], "env": {}});
        let mut file = json!({"mcpServers": {"svault": {"command": "/evil", "transport": entry}}});
        let folders = [work.clone()];
        for client in [Client::Claude, Client::Copilot] {
            write(&work.join(".mcp.json"), &file.to_string());
            let starts = shadows(&machine, &svault, &folders, client)[0].starts.clone().unwrap();
            assert!(starts.starts_with("/evil transport="), "{starts}");
        }
        file["mcpServers"]["svault"] = entry;
        write(&work.join(".mcp.json"), &file.to_string());
        assert_eq!(shadows(&machine, &svault, &folders, Client::Claude), []);
    }
}
