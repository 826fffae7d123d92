//! Taking out what was put in, from a file that somebody has changed since.

use super::edit::{Edit, below, has_ours, without_hooks};
use super::op::{Op, Path, Step, look};
use serde_json::{Map, Value};

/// What has to change in `now` so that nothing is left of the step from `before` to `after`. What others changed stays.
#[must_use]
pub fn undo(before: &Value, after: &Value, now: &Value) -> Vec<Op> {
    let mut ops = Vec::new();
    walk(Some(before), after, now, &mut Vec::new(), &mut ops);
    // A plain value at the top is what the file needs to count, such as a version: what others have there needs it too.
    let plain =
        |op: &Op| matches!(op, Op::Remove(path) if path.len() == 1 && look(now, path).is_some_and(is_plain));
    let mut rest = now.clone();
    let undone = ops.iter().all(|op| op.apply(&mut rest).is_ok());
    if !undone || !is_empty(&rest) {
        ops.retain(|op| !plain(op));
    }
    ops
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn walk(before: Option<&Value>, after: &Value, now: &Value, at: &mut Path, ops: &mut Vec<Op>) {
    if before == Some(after) {
        return;
    }
    match (before, after, now) {
        (None | Some(Value::Object(_)), Value::Object(new), Value::Object(found)) => {
            for (key, value) in new {
                let Some(current) = found.get(key) else { continue };
                let old = before.and_then(|b| b.get(key)).filter(|old| !old.is_null());
                at.push(Step::Key(key.clone()));
                key_back(old, value, current, at, ops);
                at.pop();
            }
            let taken = before.and_then(Value::as_object).into_iter().flatten();
            for (key, old) in taken.filter(|(key, _)| !new.contains_key(*key) && !found.contains_key(*key)) {
                ops.push(Op::Set(below(at, Step::Key(key.clone())), old.clone()));
            }
        }
        (_, Value::Array(new), Value::Array(found)) => {
            let old = before.and_then(Value::as_array);
            let start = ops.len();
            elements_back(old.map_or(&[][..], Vec::as_slice), new, found, at, ops);
            // What was taken out for ours comes back, where nobody has changed the list since.
            if let Some(old) = old
                && new == found
                && !lead_to(&ops[start..], now, old, at.len())
            {
                ops.truncate(start);
                ops.push(Op::Set(at.clone(), Value::Array(old.clone())));
            }
        }
        (Some(old), _, _) if now == after => ops.push(Op::Set(at.clone(), old.clone())),
        _ => {}
    }
}

/// One key: gone if it was new and is still ours, else what is in it.
fn key_back(old: Option<&Value>, new: &Value, now: &Value, at: &mut Path, ops: &mut Vec<Op>) {
    let start = ops.len();
    if old.is_none() && (now == new || is_entry(at) && starts_svault(now)) {
        return ops.push(Op::Remove(at.clone()));
    }
    if old.is_none() && is_entry(at) {
        return;
    }
    walk(old, new, now, at, ops);
    // A container that was made for ours goes with the last thing in it.
    if old.is_none() && ops.len() > start {
        let mut rest = now.clone();
        let depth = at.len();
        let inner = ops[start..].iter().map(|op| relative(op, depth));
        let undone = inner.into_iter().all(|op| op.apply(&mut rest).is_ok());
        if undone && is_empty(&rest) {
            ops.truncate(start);
            ops.push(Op::Remove(at.clone()));
        }
    }
}

/// Whether changes below this depth make a list out of `now`.
fn lead_to(ops: &[Op], now: &Value, list: &Vec<Value>, depth: usize) -> bool {
    let mut made = now.clone();
    ops.iter().all(|op| relative(op, depth).apply(&mut made).is_ok()) && made.as_array() == Some(list)
}

fn relative(op: &Op, depth: usize) -> Op {
    match op {
        Op::Set(path, value) => Op::Set(path[depth..].to_vec(), value.clone()),
        Op::Push(path, value) => Op::Push(path[depth..].to_vec(), value.clone()),
        Op::Remove(path) => Op::Remove(path[depth..].to_vec()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

/// Whether a way ends at the entry of a server called svault.
fn is_entry(at: &Path) -> bool {
    at.len() > 1 && at.last() == Some(&Step::Key("svault".into()))
}

/// Whether an entry of an MCP server starts svault.
fn starts_svault(entry: &Value) -> bool {
    let text = match entry {
        Value::String(text) => return text.contains("svault"),
        Value::Array(all) => all.first(),
        Value::Object(all) => all.get("command").or_else(|| all.get("transport")),
        _ => None,
    };
    text.is_some_and(starts_svault)
}

fn elements_back(old: &[Value], new: &[Value], now: &[Value], at: &Path, ops: &mut Vec<Op>) {
    let mut added: Vec<&Value> = new.iter().filter(|v| !old.contains(v)).collect();
    if added.iter().any(|v| has_ours(v)) {
        // Hooks: by what they start, so also those that were changed since.
        added.retain(|v| !has_ours(v));
        let replaced = old.iter().find(|v| has_ours(v));
        ops.extend(without_hooks(now, at));
        ops.extend(replaced.map(|v| Op::Push(at.clone(), v.clone())));
    }
    for i in (0..now.len()).rev().filter(|&i| added.contains(&&now[i])) {
        ops.push(Op::Remove(below(at, Step::At(i))));
    }
}

/// What is left of these edits in a file that no record tells about: hooks and entries that start svault.
#[must_use]
pub fn left_over(now: &Value, edits: &[Edit]) -> Vec<Op> {
    left(now, edits, |entry, _| starts_svault(entry))
}

/// The same, but only entries of the form that install gives them: another one somebody else has written.
#[must_use]
pub fn installed(now: &Value, edits: &[Edit]) -> Vec<Op> {
    left(now, edits, has_form)
}

fn left(now: &Value, edits: &[Edit], is_ours: fn(&Value, &Value) -> bool) -> Vec<Op> {
    let mut ops = Vec::new();
    for edit in edits {
        match edit {
            Edit::Entry(path, wanted) if look(now, path).is_some_and(|entry| is_ours(entry, wanted)) => {
                ops.push(Op::Remove(path.clone()));
            }
            Edit::Hook(path, _) => {
                let all = look(now, path).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                ops.extend(without_hooks(all, path));
            }
            _ => {}
        }
    }
    ops
}

/// Whether an entry differs from the wanted one in nothing but where svault and its store are.
fn has_form(entry: &Value, wanted: &Value) -> bool {
    let (Value::Object(entry), Value::Object(wanted)) = (entry, wanted) else { return false };
    let around = if wanted.contains_key("environment") { "environment" } else { "env" };
    let others = |all: &Map<String, Value>| all.keys().filter(|key| *key != around).count();
    let same = |(key, value): (&String, &Value)| match (key.as_str(), entry.get(key)) {
        (key, _) if key == around => true,
        ("command", Some(found)) => is_program(found, value),
        ("transport", Some(found)) => has_form(found, value),
        (_, found) => found == Some(value),
    };
    let variables = match (entry.get(around), wanted.get(around)) {
        (Some(Value::Object(found)), _) => found.keys().all(|key| key == "SVAULT_HOME"),
        (Some(_), _) => false,
        // Some clients' entries have it only where it says something.
        (None, wanted) => wanted.and_then(Value::as_object).is_none_or(|all| !all.is_empty()),
    };
    variables && others(entry) == others(wanted) && wanted.iter().all(same)
}

/// Whether it is a command line that install wrote: svault by its whole path, and the same arguments.
fn is_program(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(found), Value::String(_)) => {
            let path = std::path::Path::new(found);
            let name = path.file_name().and_then(|name| name.to_str());
            path.is_absolute() && name.is_some_and(|name| name.contains("svault"))
        }
        (Value::Array(found), Value::Array(wanted)) => match (&found[..], &wanted[..]) {
            ([found, args @ ..], [wanted, all @ ..]) => args == all && is_program(found, wanted),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn back(before: &Value, after: &Value, now: &Value) -> Value {
        let mut tree = now.clone();
        for op in undo(before, after, now) {
            op.apply(&mut tree).unwrap();
        }
        tree
    }

    fn hook(command: &str) -> Value {
        json!({"hooks": [{"command": command}]})
    }

    #[test]
    fn without_other_changes_all_is_as_before() {
        let ours = hook("/svault hook --client claude");
        let after = json!({"a": 1, "permissions": {"deny": ["X", "Read(.env)"], "allow": ["Y"]},
            "hooks": {"Pre": [ours]}, "mcpServers": {"svault": {"command": "/svault"}}});
        let before = json!({"a": 1, "permissions": {"deny": ["X"], "allow": ["Y"]}});
        assert_eq!(back(&before, &after, &after), before);
    }

    #[test]
    fn what_others_changed_stays() {
        let ours = hook("/svault hook --client claude");
        let after =
            json!({"hooks": {"Pre": [ours]}, "mcpServers": {"svault": {"command": "/svault"}}, "d": ["p"]});
        let lint = hook("/lint");
        let changed = hook("/svault hook --client claude --fast");
        let now = json!({"hooks": {"Pre": [lint, changed], "Post": [lint]},
            "mcpServers": {"svault": {"command": "/svault", "timeout": 3}, "other": {}}, "d": ["p", "q"], "new": true});
        let rest = json!({"hooks": {"Pre": [lint], "Post": [lint]}, "mcpServers": {"other": {}}, "d": ["q"], "new": true});
        assert_eq!(back(&json!({}), &after, &now), rest);
    }

    #[test]
    fn an_entry_that_somebody_pointed_elsewhere_is_theirs() {
        let after = json!({"mcpServers": {"svault": {"command": "/svault"}}});
        let now = json!({"mcpServers": {"svault": {"command": "/my/own", "args": []}}});
        assert_eq!(back(&json!({}), &after, &now), now);
    }

    #[test]
    fn an_older_value_comes_back_unless_it_was_changed_again() {
        let before = json!({"mcpServers": {"svault": {"command": "/older", "t": 1}}});
        let after = json!({"mcpServers": {"svault": {"command": "/svault", "t": 1}}});
        let mut now = after.clone();
        now["mcpServers"]["svault"]["t"] = json!(2);
        assert_eq!(
            back(&before, &after, &now),
            json!({"mcpServers": {"svault": {"command": "/older", "t": 2}}})
        );
    }

    #[test]
    fn a_list_that_was_replaced_comes_back_whole() {
        let before =
            json!({"mcpServers": {"svault": {"command": "/older", "args": ["x", "y"], "env": {"A": "1"}}}});
        let after = json!({"mcpServers": {"svault": {"command": "/svault", "args": ["mcp"]}}});
        let mut now = after.clone();
        now["mine"] = json!(1);
        let mut all = before.clone();
        all["mine"] = json!(1);
        assert_eq!(back(&before, &after, &now), all);
        // One that had elements of others keeps those that came since.
        let now = json!({"deny": ["A", "ours", "B"]});
        let rest = json!({"deny": ["A", "B"]});
        assert_eq!(back(&json!({"deny": ["A"]}), &json!({"deny": ["A", "ours"]}), &now), rest);
    }

    #[test]
    fn a_null_is_as_good_as_nothing() {
        let before = json!({"mcpServers": null, "a": 1});
        let after = json!({"mcpServers": {"svault": {"command": "/svault"}}, "a": 1});
        let now = json!({"mcpServers": {"svault": {"command": "/svault"}, "other": {}}, "a": 1});
        assert_eq!(back(&before, &after, &now), json!({"mcpServers": {"other": {}}, "a": 1}));
        let now = json!({"mcpServers": {"svault": {"command": "/svault", "timeout": 3}}, "a": 2});
        assert_eq!(back(&before, &after, &now), json!({"a": 2}));
    }

    #[test]
    fn a_version_stays_as_long_as_anything_else_does() {
        let ours = json!({"command": "/svault hook --client cursor"});
        let after = json!({"version": 1, "hooks": {"preToolUse": [ours]}});
        let theirs = json!({"command": "/lint"});
        let now = json!({"version": 1, "hooks": {"preToolUse": [ours, theirs]}});
        let rest = json!({"version": 1, "hooks": {"preToolUse": [theirs]}});
        assert_eq!(back(&json!({}), &after, &now), rest);
        let mut now = after.clone();
        now["hooks"]["preToolUse"][0]["timeout"] = json!(9);
        assert_eq!(back(&json!({}), &after, &now), json!({}));
    }

    #[test]
    fn without_a_record_hooks_and_entries_are_still_found() {
        let edits = [
            Edit::entry(&["mcp", "svault"], json!({"command": ["/new/svault", "mcp"]})),
            Edit::hook(&["hooks"], json!({})),
            Edit::member(&["deny"], json!("Read(.env)")),
        ];
        let now = json!({"mcp": {"svault": {"command": ["/old/svault", "mcp"]}},
            "hooks": [{"command": "/old/svault hook --client cursor"}, {"command": "/lint"}], "deny": ["Read(.env)"]});
        let mut tree = now.clone();
        for op in left_over(&now, &edits) {
            op.apply(&mut tree).unwrap();
        }
        assert_eq!(tree, json!({"mcp": {}, "hooks": [{"command": "/lint"}], "deny": ["Read(.env)"]}));
    }

    #[test]
    fn an_entry_has_installs_form_wherever_svault_and_its_store_are() {
        let one = |command: Value, env: &Value| json!({"type": "local", "command": command, "env": env});
        let wanted = one(json!("/new/svault"), &json!({}));
        let old = one(json!("/old/svault-0.1"), &json!({"SVAULT_HOME": "/store"}));
        assert!(has_form(&wanted, &wanted) && has_form(&old, &wanted) && has_form(&wanted, &old));
        let inner = |of: &Value| json!({"transport": of});
        assert!(has_form(&inner(&old), &inner(&wanted)) && !has_form(&old, &inner(&wanted)));
        let bare = json!({"type": "local", "command": "/old/svault"});
        assert!(has_form(&bare, &old) && !has_form(&bare, &wanted), "some write no empty environment");
        assert!(has_form(&old, &bare));
        let list = |of: &Value| json!({"command": of, "environment": {}});
        let lines = [json!(["/new/svault", "mcp"]), json!(["/old/svault", "mcp"]), json!(["/old/svault"])];
        assert!(
            has_form(&list(&lines[1]), &list(&lines[0])) && !has_form(&list(&lines[2]), &list(&lines[0]))
        );
        for other in [
            one(json!("svault"), &json!({})),
            one(json!("/svault/other"), &json!({})),
            one(json!(["/old/svault"]), &json!({})),
            one(json!("/old/svault"), &json!({"MINE": "1"})),
            one(json!("/old/svault"), &json!([])),
            json!({"type": "stdio", "command": "/old/svault", "env": {}}),
            json!({"type": "local", "command": "/old/svault", "env": {}, "timeout": 9}),
            json!({"command": "/old/svault", "env": {}}),
            inner(&one(json!("svault"), &json!({}))),
            json!("/old/svault"),
        ] {
            assert!(!has_form(&other, &wanted) && !has_form(&other, &inner(&wanted)), "{other}");
        }
    }
}
