//! Codex runs only hooks that its user has trusted. What it has noted of that in its `config.toml`, and the notes for
//! svault's hooks, as Codex CLI 0.169.0 writes and reads them.

use crate::Machine;
use crate::clients::{Target, codex_folder};
use crate::config::{self, Edit, Format};
use crate::install::Found;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The file with the hooks, in Codex's folder.
pub(crate) const HOOKS: &str = "hooks.json";
const CONFIG: &str = "config.toml";

/// How svault's hooks stand with Codex: each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trust {
    /// Trusted as they are.
    pub trusted: usize,
    /// Trusted once, and they have another text now: Codex asks again.
    pub changed: usize,
    /// Switched off by the user.
    pub off: usize,
    /// All there are.
    pub all: usize,
}

impl Trust {
    /// Whether Codex runs all of them.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.trusted == self.all
    }
}

/// What Codex notes about one hook.
struct Note {
    /// File, event and place, as Codex names it.
    key: String,
    /// Of the hook as it is. None: it has more in it than svault writes.
    hash: Option<String>,
}

/// How Codex takes svault's hooks. None where there are none, or the files can't be read.
#[must_use]
pub fn codex_trust(machine: &Machine) -> Option<Trust> {
    let folder = codex_folder(machine);
    let tree = |name: &str, format| {
        let found = Found::read(&folder.join(name), &[&folder, &machine.home]).ok()?;
        config::read(format, found.text().ok()??).ok()
    };
    let notes = notes(machine, &tree(HOOKS, Format::Json)?);
    let noted = tree(CONFIG, Format::Toml).map(|t| t["hooks"]["state"].clone()).unwrap_or_default();
    let mut trust = Trust { all: notes.len(), ..Trust::default() };
    for note in &notes {
        let Some(entry) = noted.get(&note.key) else { continue };
        let hash = entry.get("trusted_hash").and_then(Value::as_str);
        match hash {
            None => {}
            Some(_) if entry.get("enabled") == Some(&Value::Bool(false)) => trust.off += 1,
            Some(hash) if note.hash.as_deref() == Some(hash) => trust.trusted += 1,
            Some(_) => trust.changed += 1,
        }
    }
    (trust.all > 0).then_some(trust)
}

/// What Codex's settings say once its user has trusted the hooks of ours in this text of `hooks.json`.
pub(crate) fn target(machine: &Machine, hooks: &str) -> Option<Target> {
    let notes = notes(machine, &config::read(Format::Json, hooks).ok()?);
    let edit = |note: &Note| {
        let hash = note.hash.as_ref()?;
        Some(Edit::entry(&["hooks", "state", &note.key], json!({"trusted_hash": hash})))
    };
    let edits = notes.iter().filter_map(edit).collect();
    Some(Target::edits(&codex_folder(machine), CONFIG, Format::Toml, edits))
}

/// The folder as Codex names it: with links followed only where a variable gives it.
fn named(machine: &Machine) -> PathBuf {
    let folder = codex_folder(machine);
    let given = machine.folder("CODEX_HOME").and_then(|given| given.canonicalize().ok());
    given.unwrap_or(folder)
}

/// A note for each hook of ours.
fn notes(machine: &Machine, hooks: &Value) -> Vec<Note> {
    let path = named(machine).join(HOOKS);
    let mut all = Vec::new();
    for (event, groups) in hooks.get("hooks").and_then(Value::as_object).into_iter().flatten() {
        for (i, group) in groups.as_array().into_iter().flatten().enumerate() {
            for (n, hook) in group.get("hooks").and_then(Value::as_array).into_iter().flatten().enumerate() {
                if hook.get("command").and_then(Value::as_str).is_some_and(config::is_ours) {
                    all.push(note(&path, event, group, (i, n), hook));
                }
            }
        }
    }
    all
}

fn note(path: &Path, event: &str, group: &Value, (i, n): (usize, usize), hook: &Value) -> Note {
    let event = snake(event);
    Note { key: format!("{}:{event}:{i}:{n}", path.display()), hash: hash(&event, group, hook) }
}

/// SHA-256 over the hook with everything that Codex fills in: keys in order, no spaces.
fn hash(event: &str, group: &Value, hook: &Value) -> Option<String> {
    let keys = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
    if keys(group) != 1 || keys(hook) != 3 || hook.get("type")? != "command" {
        return None;
    }
    // serde_json keeps keys sorted unless asked otherwise, and these are written in order anyway.
    let text = format!(
        r#"{{"event_name":{},"hooks":[{{"async":false,"command":{},"timeout":{},"type":"command"}}]}}"#,
        json!(event),
        hook.get("command")?,
        hook.get("timeout")?.as_u64()?
    );
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    Some(format!("sha256:{}", digest.iter().map(|b| format!("{b:02x}")).collect::<String>()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `hooks/list` of Codex CLI 0.169.0's app server said of these very hooks.
    #[test]
    fn hashes_are_those_that_codex_says() {
        let hook = json!({"command": "/opt/svault/bin/svault hook --client codex || exit 2", "timeout": 20, "type": "command"});
        let group = json!({"hooks": [hook]});
        let of = |event: &str| hash(event, &group, &hook).unwrap();
        for (event, said) in SAID {
            assert_eq!(of(event), format!("sha256:{said}"), "{event}");
        }
        let odd =
            json!({"command": "svault hook --client codex", "timeout": 20, "type": "command", "async": true});
        assert_eq!(hash("pre_tool_use", &json!({"hooks": [odd]}), &odd), None);
        let matched = json!({"matcher": "Bash", "hooks": [hook]});
        assert_eq!(hash("pre_tool_use", &matched, &hook), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_followed_only_where_a_variable_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("real")).unwrap();
        std::os::unix::fs::symlink(home.join("real"), home.join(".codex")).unwrap();
        let machine = |variables: Vec<(String, std::ffi::OsString)>| {
            Machine::new(home.clone(), crate::System::Linux, variables)
        };
        assert_eq!(named(&machine(Vec::new())), home.join(".codex"));
        let given = vec![("CODEX_HOME".to_owned(), home.join(".codex").into())];
        assert_eq!(named(&machine(given)), home.join("real"));
    }

    const SAID: [(&str, &str); 3] = [
        ("pre_tool_use", "6fe1f44d61fd38f6aad6ee79160ce081f0acf72db8b17fb3b1de8078fe898977"),
        ("post_tool_use", "538b3d37f9681715e2ef21c215864f27b6edb4acc9a8e5a3d97d88f9034b3791"),
        ("user_prompt_submit", "d7da9de45c1777c4cdbc88656ab37be7a9e5451ce71ae20d65d74a0246ce8c74"),
    ];
}
