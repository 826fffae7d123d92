//! Command lines and patches in the arguments of a tool, in the forms in which clients and their models write them.

use super::rewrite;
use super::shell::{self, Look, Stop};
use super::tools::DEPTH;
use serde_json::{Map, Value, json};

/// Keys of command lines.
const LINES: &[&str] = &[
    "command",
    "cmd",
    "commands",
    "command_line",
    "commandLine",
    "CommandLine",
    "shell_command",
    "script",
    "code",
    "argv",
];
/// Words for a program that another key names, or the program with its words.
const WORDS: &[&str] = &["argv", "args", "arguments", "params", "command_args", "commandArgs"];
/// Those of them that may be one text.
const TEXT: &[&str] = &["args", "arguments", "argv", "command_args", "commandArgs"];
/// Keys that name that program.
const PROGRAMS: &[&str] = &["command", "cmd", "program", "executable", "binary", "exe", "file", "path"];
/// Keys of one command among several.
const ONE: &[&str] = &["command", "cmd", "shell_command", "script"];
/// The tool that takes several commands, each a string.
const SEVERAL: &str = "run_commands";

/// Why a command line or a patch is stopped, wherever it stands.
#[must_use]
pub fn judge(look: &Look, value: &Value, depth: usize) -> Option<Stop> {
    if depth > DEPTH {
        return None;
    }
    match value {
        Value::Object(map) => started(look, map).or_else(|| in_map(look, map, depth)),
        Value::Array(all) => all.iter().find_map(|inner| judge(look, inner, depth + 1)),
        Value::String(_) => patch(look, value),
        _ => None,
    }
}

fn in_map(look: &Look, map: &Map<String, Value>, depth: usize) -> Option<Stop> {
    map.iter().find_map(|(key, inner)| {
        if LINES.contains(&key.as_str()) {
            return line(look, key, inner, depth);
        }
        patch(look, inner).or_else(|| judge(look, inner, depth + 1))
    })
}

/// A program under one key, its words under another: `{"command": "cat", "args": [".env"]}`.
fn started(look: &Look, map: &Map<String, Value>) -> Option<Stop> {
    let programs: Vec<&str> = PROGRAMS.iter().filter_map(|key| map.get(*key)?.as_str()).collect();
    let line = |words: &str| programs.iter().find_map(|p| shell::judge(look, &format!("{p} {words}")));
    // Where none of the keys says that there is a program, the words may begin with it.
    let named = ["command", "cmd"].iter().any(|key| map.get(*key).is_some_and(Value::is_string));
    let alone = |words: &str| if named { None } else { shell::judge(look, words) };
    let mut listed = WORDS.iter().filter_map(|key| map.get(*key)?.as_array()).map(|all| quoted(all));
    let found = listed.find_map(|words| line(&words).or_else(|| alone(&words)));
    found.or_else(|| TEXT.iter().filter_map(|key| map.get(*key)?.as_str()).find_map(line))
}

/// Words as a shell reads them.
fn quoted(words: &[Value]) -> String {
    let words = words.iter().map(|w| rewrite::quoted(w.as_str().unwrap_or_default()));
    words.collect::<Vec<_>>().join(" ")
}

fn line(look: &Look, key: &str, value: &Value, depth: usize) -> Option<Stop> {
    match value {
        Value::String(text) if is_patch(text) => patch(look, value),
        // A tool that runs code of its own, in whatever language.
        Value::String(text) if matches!(key, "code" | "script") => {
            shell::line_or_code(look, text).or_else(|| shell::code(look, text).map(Stop::Reads))
        }
        Value::String(text) => shell::judge(look, text),
        Value::Array(all) => {
            let each = |one: &Value| match one {
                Value::String(text) if key == "commands" => shell::judge(look, text),
                Value::Array(_) if depth < DEPTH => line(look, key, one, depth + 1),
                one => judge(look, one, depth + 1),
            };
            let words = all.iter().any(Value::is_string).then(|| quoted(all));
            words.and_then(|words| shell::judge(look, &words)).or_else(|| all.iter().find_map(each))
        }
        Value::Object(_) => judge(look, value, depth + 1),
        _ => None,
    }
}

/// Whether a text is a patch in the form that Codex writes.
#[must_use]
pub fn is_patch(text: &str) -> bool {
    text.trim_start().starts_with("*** Begin Patch")
}

fn patch(look: &Look, value: &Value) -> Option<Stop> {
    let text = value.as_str().filter(|t| is_patch(t))?;
    let secret = shell::patched(text).find_map(|p| shell::path(look, p, false))?;
    shell::writes(&secret).then_some(Stop::Writes(secret))
}

/// The arguments of a shell tool with each command put through `wrap`; none where that changes none.
#[must_use]
pub fn rewritten(tool: &str, input: &Value, wrap: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
    let map = input.as_object();
    let started = map.is_some_and(|map| WORDS.iter().any(|words| map.contains_key(*words)));
    let (key, new) = match map.and_then(|map| map.get_key_value("commands").or(map.get_key_value("command")))
    {
        Some((key, commands)) if key == "commands" => (key, each(commands, wrap)?),
        Some((key, command)) if !started => (key, wrap(command.as_str()?)?.into()),
        _ => {
            let new = each(input, wrap).filter(|_| tool == SEVERAL)?;
            return Some(json!({"commands": if new.is_array() { new } else { json!([new]) }}));
        }
    };
    let mut map = map?.clone();
    map.insert(key.clone(), new);
    Some(Value::Object(map))
}

/// One command, or those of a list, as strings.
fn each(commands: &Value, wrap: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
    let one = |command: &Value| Some(Value::String(wrap(&as_line(command)?)?));
    let Value::Array(all) = commands else { return one(commands) };
    let new: Vec<Option<Value>> = all.iter().map(one).collect();
    let any = new.iter().any(Option::is_some);
    any.then(|| new.into_iter().zip(all).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect())
}

/// A command as a line; none where that would say less than the command.
fn as_line(command: &Value) -> Option<String> {
    let texts = |words: &[Value]| words.iter().all(Value::is_string).then(|| quoted(words));
    let map = match command {
        Value::String(line) => return Some(line.clone()),
        Value::Array(words) => return texts(words),
        command => command.as_object()?,
    };
    let program = ONE.iter().find_map(|key| map.get(*key))?.as_str()?;
    let words = match map.get("args") {
        None => return (map.len() == 1).then(|| program.to_owned()),
        Some(Value::Array(words)) => texts(words)?,
        Some(word) => rewrite::quoted(word.as_str()?),
    };
    (map.len() == 2).then(|| format!("{} {words}", rewrite::quoted(program)).trim_end().to_owned())
}
