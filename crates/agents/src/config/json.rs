//! JSON and JSONC.

use super::op::{Op, Step, shown};
use super::{Error, place};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;
use std::collections::BTreeSet;

/// What editors write, and nothing looser. (Comments and trailing commas are kept where they are, never added.)
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

const BOM: char = '\u{feff}';

fn parse(text: &str) -> Result<CstRootNode, Error> {
    CstRootNode::parse(text.strip_prefix(BOM).unwrap_or(text), &OPTIONS).map_err(|e| Error::Broken {
        line: e.line_display(),
        column: e.column_display(),
        what: e.kind().to_string().to_lowercase(),
    })
}

/// The tree; an empty file is an empty object.
pub(super) fn read(text: &str) -> Result<Value, Error> {
    let root = parse(text)?;
    let Some(value) = root.value() else { return Ok(Value::Object(serde_json::Map::new())) };
    if let Some(key) = twice(&value) {
        let (line, column) = second(text, &key);
        return Err(Error::Broken { line, column, what: format!("the key \"{key}\" is there twice") });
    }
    if value.as_object().is_none() {
        return Err(Error::Broken { line: 1, column: 1, what: "not an object".into() });
    }
    value.to_serde_value().ok_or(Error::Unsafe)
}

/// A key that an object has twice. Clients differ in which one counts.
fn twice(node: &CstNode) -> Option<String> {
    if let Some(object) = node.as_object() {
        let mut seen = BTreeSet::new();
        for prop in object.properties() {
            let name = prop.decoded_name().unwrap_or_default();
            if !seen.insert(name.clone()) {
                return Some(name);
            }
            if let Some(found) = prop.value().and_then(|v| twice(&v)) {
                return Some(found);
            }
        }
    }
    node.as_array()?.elements().iter().find_map(twice)
}

/// Where a key is written for the last time: one of the two, and near enough to find the other.
fn second(text: &str, key: &str) -> (usize, usize) {
    let at = text.rfind(&format!("\"{key}\"")).unwrap_or(0);
    place(text, at)
}

/// The text with the changes made.
pub(super) fn write(text: &str, ops: &[Op]) -> Result<String, Error> {
    let root = parse(text)?;
    let top = root.object_value_or_create().ok_or(Error::Unsafe)?;
    for op in ops {
        match op {
            Op::Set(path, value) => set(&top, path, value)?,
            Op::Push(path, value) => push(&top, path, value)?,
            Op::Remove(path) => remove(&top, path)?,
        }
    }
    let new = root.to_string();
    Ok(if text.starts_with(BOM) { format!("{BOM}{new}") } else { new })
}

/// The object or array that a way's last step is taken in; objects on the way are made.
fn reach(top: &CstObject, way: &[Step]) -> Result<CstNode, Error> {
    let mut at: CstNode = top.clone().into();
    for (i, step) in way.iter().enumerate() {
        at = match step {
            Step::Key(key) => {
                let object = at.as_object().ok_or_else(|| in_the_way(&way[..i]))?;
                match object.get(key).and_then(|p| p.value()) {
                    Some(CstNode::Leaf(leaf)) if CstNode::Leaf(leaf.clone()).as_null_keyword().is_some() => {
                        object.object_value_or_set(key).into()
                    }
                    Some(value) => value,
                    None => object.object_value_or_create(key).ok_or(Error::Unsafe)?.into(),
                }
            }
            Step::At(n) => at.as_array().and_then(|a| a.elements().get(*n).cloned()).ok_or(Error::Unsafe)?,
        };
    }
    Ok(at)
}

fn in_the_way(way: &[Step]) -> Error {
    Error::Shape { at: shown(way), found: "something else", wanted: "an object" }
}

fn set(top: &CstObject, path: &[Step], value: &Value) -> Result<(), Error> {
    let (last, way) = path.split_last().ok_or(Error::Unsafe)?;
    let at = reach(top, way)?;
    match last {
        Step::Key(key) => {
            let object = at.as_object().ok_or_else(|| in_the_way(way))?;
            match object.get(key) {
                Some(prop) => prop.set_value(input(value)),
                None => drop(object.append(key, input(value))),
            }
        }
        Step::At(n) => {
            let array = at.as_array().ok_or(Error::Unsafe)?;
            array.elements().get(*n).cloned().ok_or(Error::Unsafe)?.remove();
            array.insert(*n, input(value));
        }
    }
    Ok(())
}

fn push(top: &CstObject, path: &[Step], value: &Value) -> Result<(), Error> {
    let (last, way) = path.split_last().ok_or(Error::Unsafe)?;
    let Step::Key(key) = last else { return Err(Error::Unsafe) };
    let object = reach(top, way)?.as_object().ok_or_else(|| in_the_way(way))?;
    let null = object.get(key).and_then(|p| p.value()).is_some_and(|v| v.as_null_keyword().is_some());
    let array = if null { Some(object.array_value_or_set(key)) } else { object.array_value_or_create(key) };
    let array = array.ok_or(Error::Unsafe)?;
    if array.elements().is_empty() {
        array.ensure_multiline();
    }
    array.append(input(value));
    Ok(())
}

fn remove(top: &CstObject, path: &[Step]) -> Result<(), Error> {
    let (last, way) = path.split_last().ok_or(Error::Unsafe)?;
    let at = reach(top, way)?;
    match last {
        Step::Key(key) => at.as_object().and_then(|o| o.get(key)).ok_or(Error::Unsafe)?.remove(),
        Step::At(n) => {
            let found = at.as_array().and_then(|a| a.elements().get(*n).cloned());
            found.ok_or(Error::Unsafe)?.remove();
        }
    }
    Ok(())
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(b) => CstInputValue::Bool(*b),
        Value::Number(n) => CstInputValue::Number(n.to_string()),
        Value::String(s) => CstInputValue::String(s.clone()),
        Value::Array(all) => CstInputValue::Array(all.iter().map(input).collect()),
        Value::Object(all) => CstInputValue::Object(all.iter().map(|(k, v)| (k.clone(), input(v))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Edit, Error, Format, plan, read, undo, write};
    use serde_json::json;

    fn edits() -> Vec<Edit> {
        let hook = json!({"matcher": "*", "hooks": [{"type": "command", "command": "/s/svault hook --client claude"}]});
        vec![
            Edit::entry(
                &["mcpServers", "svault"],
                json!({"command": "/s/svault", "args": ["mcp"], "env": {}}),
            ),
            Edit::hook(&["hooks", "PreToolUse"], hook),
            Edit::member(&["permissions", "deny"], json!("Read(**/.env)")),
        ]
    }

    /// In, a second time, and out again by the trees alone: nothing of the others' text may change.
    #[track_caller]
    fn round(text: &str) -> String {
        let before = read(Format::Json, text).unwrap();
        let new = write(Format::Json, text, &plan(&before, &edits()).unwrap()).unwrap();
        let after = read(Format::Json, &new).unwrap();
        assert_eq!(plan(&after, &edits()).unwrap(), []);
        let ops = undo(&before, &after, &after);
        let out = write(Format::Json, &new, &ops).unwrap();
        assert_eq!(read(Format::Json, &out).unwrap(), before);
        new
    }

    #[test]
    fn comments_order_and_odd_formatting_stay() {
        let text = "\u{feff}// mine\r\n{\r\n\t\"zeta\" : 1, /* why */ \"alpha\": [1,2 , 3],\r\n\t\"mcpServers\": {\r\n\t\t// the other\r\n\t\t\"other\": {\"command\":\"x\"},\r\n\t},\r\n}\r\n// end\r\n";
        let new = round(text);
        for part in
            ["// mine\r\n", "\"zeta\" : 1, /* why */ \"alpha\": [1,2 , 3],", "// the other\r\n", "// end\r\n"]
        {
            assert!(new.contains(part), "{new}");
        }
        assert!(new.starts_with('\u{feff}'));
        assert!(!new.replace("\r\n", "").contains('\n'), "line ends are of one kind\n{new:?}");
    }

    #[test]
    fn strict_files_stay_strict() {
        for text in [
            "",
            " \n",
            "{}",
            "{\"a\":1}",
            "{\n    \"permissions\": {\"deny\": []}\n}\n",
            "{\"permissions\":null}",
        ] {
            let new = if text.contains("null") {
                let tree = read(Format::Json, text).unwrap();
                write(Format::Json, text, &plan(&tree, &edits()).unwrap()).unwrap()
            } else {
                round(text)
            };
            serde_json::from_str::<serde_json::Value>(&new).unwrap_or_else(|e| panic!("{e}\n{new}"));
        }
    }

    #[test]
    fn a_broken_file_is_named_by_line_and_column() {
        for (text, line, column) in
            [("{\n  \"a\": 1\n  \"b\": 2\n}", 2, 9), ("{\"a\": }", 1, 7), ("[1]", 1, 1), ("{'a': 1}", 1, 2)]
        {
            match read(Format::Json, text) {
                Err(Error::Broken { line: l, column: c, .. }) => assert_eq!((l, c), (line, column), "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused() {
        for text in [
            "{\"mcpServers\": {},\n \"mcpServers\": {\"svault\": {\"command\": \"/evil\"}}}",
            "{\"a\": [{\"x\": 1, \"\\u0078\": 2}]}",
        ] {
            let e = read(Format::Json, text).unwrap_err();
            assert!(e.to_string().contains("twice"), "{e}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        let deep = "[".repeat(100_000);
        assert!(read(Format::Json, &format!("{{\"a\": {deep}")).is_err());
    }
}
