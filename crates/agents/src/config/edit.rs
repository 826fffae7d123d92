//! What svault wants in a file, and what has to change for it.

use super::Error;
use super::op::{Op, Path, Step, kind, look, shown};
use serde_json::Value;

/// One thing that shall be in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// An entry of ours: these keys have these values; other keys of the entry stay, but for those by which it could
    /// start something else.
    Entry(Path, Value),
    /// A value, where there is none yet.
    Default(Path, Value),
    /// A hook of ours: the one element of an array that starts `svault hook`.
    Hook(Path, Value),
    /// An element that an array shall have.
    Member(Path, Value),
}

impl Edit {
    /// [`Edit::Entry`] at these keys.
    #[must_use]
    pub fn entry(at: &[&str], value: Value) -> Self {
        Self::Entry(keys(at), value)
    }

    /// [`Edit::Default`] at these keys.
    #[must_use]
    pub fn default(at: &[&str], value: Value) -> Self {
        Self::Default(keys(at), value)
    }

    /// [`Edit::Hook`] at these keys.
    #[must_use]
    pub fn hook(at: &[&str], value: Value) -> Self {
        Self::Hook(keys(at), value)
    }

    /// [`Edit::Member`] at these keys.
    #[must_use]
    pub fn member(at: &[&str], value: Value) -> Self {
        Self::Member(keys(at), value)
    }
}

fn keys(at: &[&str]) -> Path {
    at.iter().map(|k| Step::Key((*k).to_owned())).collect()
}

/// Keys by which one client or another starts a server, reaches it, or sets what is around it.
const STARTING: &[&str] = &[
    "command",
    "args",
    "env",
    "environment",
    "env_vars",
    "envFile",
    "cwd",
    "transport",
    "url",
    "httpUrl",
    "serverUrl",
    "tcp",
];

/// What an entry of a server says of what is started, key by key. What is empty says nothing.
pub(crate) fn starting(entry: &Value) -> Vec<(&'static str, &Value)> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        _ => true,
    };
    STARTING.iter().filter_map(|key| Some((*key, entry.get(*key).filter(|v| says(v))?))).collect()
}

/// Whether a command line is one of svault's hooks, wherever that svault is.
#[must_use]
pub fn is_ours(command: &str) -> bool {
    command.split_once(" hook --client ").is_some_and(|(program, _)| program.contains("svault"))
}

/// Whether such a command is anywhere in a value.
pub(super) fn has_ours(value: &Value) -> bool {
    match value {
        Value::String(text) => is_ours(text),
        Value::Array(all) => all.iter().any(has_ours),
        Value::Object(all) => all.values().any(has_ours),
        _ => false,
    }
}

/// Whether a value starts nothing but svault.
fn only_ours(value: &Value) -> bool {
    match value.get("hooks") {
        Some(Value::Array(hooks)) => hooks.iter().all(has_ours),
        _ => has_ours(value),
    }
}

/// What has to change in a file so that it has all of this; nothing when it has.
///
/// # Errors
/// When something else stands where ours should be.
pub fn plan(tree: &Value, edits: &[Edit]) -> Result<Vec<Op>, Error> {
    let mut tree = tree.clone();
    let mut all = Vec::new();
    for edit in edits {
        let ops = one(&tree, edit)?;
        for op in &ops {
            op.apply(&mut tree)?;
        }
        all.extend(ops);
    }
    Ok(all)
}

fn one(tree: &Value, edit: &Edit) -> Result<Vec<Op>, Error> {
    match edit {
        Edit::Default(path, value) => Ok(match look(tree, path) {
            Some(_) => Vec::new(),
            None => vec![Op::Set(path.clone(), value.clone())],
        }),
        Edit::Entry(path, value) => Ok(entry(look(tree, path), path, value)),
        Edit::Member(path, value) => {
            let there = array(tree, path)?.is_some_and(|all| all.contains(value));
            Ok(if there { Vec::new() } else { vec![Op::Push(path.clone(), value.clone())] })
        }
        Edit::Hook(path, value) => Ok(hook(array(tree, path)?.unwrap_or(&[]), path, value)),
    }
}

fn entry(found: Option<&Value>, path: &Path, value: &Value) -> Vec<Op> {
    let (Some(entry @ Value::Object(found)), Value::Object(wanted)) = (found, value) else {
        let same = found == Some(value);
        return if same { Vec::new() } else { vec![Op::Set(path.clone(), value.clone())] };
    };
    let at = |key: &str| below(path, Step::Key(key.to_owned()));
    let differs = wanted.iter().filter(|(key, value)| found.get(*key) != Some(value));
    let mut ops: Vec<Op> = differs.map(|(key, value)| Op::Set(at(key), value.clone())).collect();
    // Which of the keys a client goes by is its own affair, and may change: there are none beside ours.
    let foreign = starting(entry).into_iter().filter(|(key, _)| !wanted.contains_key(*key));
    ops.extend(foreign.map(|(key, _)| Op::Remove(at(key))));
    ops
}

/// Ours is left in its place, or put last: where a client trusts hooks by their place, those of others keep theirs.
fn hook(all: &[Value], path: &Path, value: &Value) -> Vec<Op> {
    // Also where nothing in it has the name, since the program was given another one.
    if !has_ours(value) && all.contains(value) {
        return Vec::new();
    }
    let ours: Vec<usize> = (0..all.len()).filter(|&i| has_ours(&all[i])).collect();
    if let [i] = ours[..]
        && only_ours(&all[i])
    {
        let same = all[i] == *value;
        return if same { Vec::new() } else { vec![Op::Set(below(path, Step::At(i)), value.clone())] };
    }
    let mut ops = without_hooks(all, path);
    ops.push(Op::Push(path.clone(), value.clone()));
    ops
}

/// Takes our hooks out of an array of hooks, also from groups that have somebody else's too. Back to front, so that
/// places stay right.
pub(super) fn without_hooks(all: &[Value], path: &Path) -> Vec<Op> {
    let mut ops = Vec::new();
    for (i, group) in all.iter().enumerate().rev().filter(|(_, group)| has_ours(group)) {
        let at = below(path, Step::At(i));
        match group.get("hooks") {
            Some(Value::Array(hooks)) if !only_ours(group) => {
                let inner = below(&at, Step::Key("hooks".into()));
                let ours = (0..hooks.len()).rev().filter(|&n| has_ours(&hooks[n]));
                ops.extend(ours.map(|n| Op::Remove(below(&inner, Step::At(n)))));
            }
            _ => ops.push(Op::Remove(at)),
        }
    }
    ops
}

fn array<'a>(tree: &'a Value, path: &Path) -> Result<Option<&'a [Value]>, Error> {
    match look(tree, path) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(all)) => Ok(Some(all)),
        Some(other) => Err(Error::Shape { at: shown(path), found: kind(other), wanted: "an array" }),
    }
}

pub(super) fn below(path: &Path, step: Step) -> Path {
    let mut path = path.clone();
    path.push(step);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn group(command: &str) -> Value {
        json!({"matcher": "*", "hooks": [{"type": "command", "command": command}]})
    }

    fn done(tree: &Value, edits: &[Edit]) -> Value {
        let mut new = tree.clone();
        for op in plan(tree, edits).unwrap() {
            op.apply(&mut new).unwrap();
        }
        assert_eq!(plan(&new, edits).unwrap(), [], "a second run changes nothing");
        new
    }

    #[test]
    fn hooks_are_known_by_what_they_start() {
        assert!(is_ours("/opt/svault hook --client claude"));
        assert!(is_ours("SVAULT_HOME='/x y' '/a b/svault' hook --client codex || exit 2"));
        assert!(!is_ours("/opt/other hook --client claude"));
        assert!(!is_ours("svault run -- hook"));
    }

    #[test]
    fn a_hook_comes_last_once_and_in_its_place() {
        let edit = Edit::hook(&["hooks", "PreToolUse"], group("/new/svault hook --client claude"));
        let theirs = group("/usr/bin/lint");
        let new = done(&json!({"hooks": {"PreToolUse": [theirs]}}), std::slice::from_ref(&edit));
        assert_eq!(new["hooks"]["PreToolUse"][0], theirs);
        assert_eq!(new["hooks"]["PreToolUse"][1], group("/new/svault hook --client claude"));
        // An older one, before somebody else's: replaced where it is.
        let old = group("/old/svault hook --client claude");
        let new = done(&json!({"hooks": {"PreToolUse": [old, theirs]}}), &[edit]);
        assert_eq!(new["hooks"]["PreToolUse"], json!([group("/new/svault hook --client claude"), theirs]));
    }

    #[test]
    fn a_group_with_somebody_elses_hook_keeps_it() {
        let mixed = json!({"matcher": "Bash", "hooks": [
            {"type": "command", "command": "/usr/bin/lint"},
            {"type": "command", "command": "/old/svault hook --client claude"},
        ]});
        let edit = Edit::hook(&["h"], group("/new/svault hook --client claude"));
        let new = done(&json!({"h": [mixed]}), &[edit]);
        assert_eq!(new["h"][0]["hooks"], json!([{"type": "command", "command": "/usr/bin/lint"}]));
        assert_eq!(new["h"][1], group("/new/svault hook --client claude"));
    }

    #[test]
    fn an_entry_that_points_elsewhere_is_put_right_and_keeps_other_keys() {
        let tree = json!({"mcpServers": {"svault": {"command": "/evil", "args": ["x"], "timeout": 9}}});
        let edit = Edit::entry(&["mcpServers", "svault"], json!({"command": "/svault", "args": ["mcp"]}));
        let new = done(&tree, &[edit]);
        let all = json!({"command": "/svault", "args": ["mcp"], "timeout": 9});
        assert_eq!(new["mcpServers"]["svault"], all);
    }

    #[test]
    fn an_entry_has_nothing_beside_ours_by_which_it_could_start_something_else() {
        let flat = json!({"command": "/svault", "args": ["mcp"], "env": {}});
        let plain = json!({"command": "/svault", "args": ["mcp"]});
        let nested = json!({"transport": {"command": "/svault", "args": ["mcp"]}});
        for (wanted, key, value) in [
            (&flat, "transport", json!({"command": "/evil", "args": []})),
            (&flat, "envFile", json!("/tmp/env")),
            (&flat, "cwd", json!("/tmp")),
            (&flat, "url", json!("http://127.0.0.1:1")),
            (&plain, "env", json!({"LD_PRELOAD": "/tmp/x.so"})),
            (&plain, "environment", json!({"LD_PRELOAD": "/tmp/x.so"})),
            (&nested, "command", json!("/evil")),
            (&nested, "args", json!(["x"])),
        ] {
            let mut tree = json!({"s": {"svault": wanted}});
            let edit = Edit::entry(&["s", "svault"], wanted.clone());
            assert_eq!(plan(&tree, std::slice::from_ref(&edit)).unwrap(), [], "{key}");
            tree["s"]["svault"][key] = value;
            tree["s"]["svault"]["timeout"] = json!(9);
            let new = done(&tree, &[edit]);
            let mut all = wanted.clone();
            all["timeout"] = json!(9);
            assert_eq!(new["s"]["svault"], all, "{key}");
        }
    }

    #[test]
    fn a_program_of_another_name_gets_its_hook_once() {
        let edit = Edit::hook(&["h"], group("/opt/sv hook --client claude"));
        let new = done(&json!({"h": [group("/usr/bin/lint")]}), &[edit]);
        assert_eq!(new["h"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn something_else_in_the_place_is_an_error() {
        let edit = Edit::hook(&["hooks", "x"], json!({}));
        let e = plan(&json!({"hooks": {"x": "text"}}), std::slice::from_ref(&edit)).unwrap_err();
        assert_eq!(e.to_string(), "hooks.x is a text, not an array: write it as a list, [VALUE]");
        let e = plan(&json!({"hooks": [1]}), &[edit]).unwrap_err();
        assert_eq!(e.to_string(), "hooks is an array, not an object");
    }
}
