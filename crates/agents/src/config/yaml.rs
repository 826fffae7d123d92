//! YAML with one level of keys and lists below them: the settings of Aider.

use super::op::{Op, Step};
use super::{Error, place};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use yaml_edit::{Document, Mapping, YamlFile, YamlNode};

fn parse(text: &str) -> Result<YamlFile, Error> {
    let parsed = YamlFile::parse(text);
    if let Some(e) = parsed.positioned_errors().first() {
        let (line, column) = place(text, e.range.start as usize);
        return Err(Error::Broken { line, column, what: e.message.clone() });
    }
    let file = parsed.tree();
    if file.documents().count() > 1 {
        return Err(Error::Broken { line: 1, column: 1, what: "more than one document".into() });
    }
    Ok(file)
}

fn document(file: &YamlFile) -> Option<Document> {
    file.documents().next()
}

pub(super) fn read(text: &str) -> Result<Value, Error> {
    let file = parse(text)?;
    let Some(top) = document(&file).filter(|d| !d.is_empty()) else { return Ok(Value::Object(Map::new())) };
    let Some(mapping) = top.as_mapping() else {
        return Err(Error::Broken { line: 1, column: 1, what: "not a mapping".into() });
    };
    let mut seen = BTreeSet::new();
    for entry in mapping.entries() {
        let key = entry.key_node().map(|k| plain(&k)).unwrap_or_default();
        if !seen.insert(key.to_string()) {
            let (line, column) = place(text, text.rfind(key.as_str().unwrap_or_default()).unwrap_or(0));
            return Err(Error::Broken { line, column, what: format!("the key {key} is there twice") });
        }
    }
    Ok(object(&mapping))
}

fn object(mapping: &Mapping) -> Value {
    let pairs = mapping.entries().filter_map(|e| {
        let key = plain(&e.key_node()?);
        let value = e.value_node().map_or(Value::Null, |v| plain(&v));
        Some((key.as_str().map_or_else(|| key.to_string(), str::to_owned), value))
    });
    Value::Object(pairs.collect())
}

/// Scalars as texts, whatever YAML makes of them.
fn plain(node: &YamlNode) -> Value {
    match node {
        YamlNode::Scalar(s) => Value::String(s.as_string()),
        YamlNode::Mapping(m) => object(m),
        YamlNode::Sequence(s) => Value::Array(s.values().map(|v| plain(&v)).collect()),
        _ => Value::Null,
    }
}

/// The text with the changes made. A new list comes last.
pub(super) fn write(text: &str, ops: &[Op]) -> Result<String, Error> {
    let mut text = text.to_owned();
    for op in ops {
        let file = parse(&text)?;
        let mapping = document(&file).and_then(|d| d.as_mapping());
        text = match (op, &mapping) {
            (Op::Push(path, Value::String(value)), _) => {
                let [Step::Key(key)] = &path[..] else { return Err(Error::Unsafe) };
                match mapping.as_ref().and_then(|m| m.get_sequence(key.as_str())) {
                    Some(list) => {
                        list.push(value.as_str());
                        file.to_string()
                    }
                    None => format!("{}{key}:\n  - {}\n", ended(&text), quoted(value)),
                }
            }
            (Op::Remove(path), Some(mapping)) => {
                match &path[..] {
                    [Step::Key(key)] => drop(mapping.remove(key.as_str()).ok_or(Error::Unsafe)?),
                    [Step::Key(key), Step::At(n)] => {
                        let list = mapping.get_sequence(key.as_str()).ok_or(Error::Unsafe)?;
                        list.remove(*n).ok_or(Error::Unsafe)?;
                    }
                    _ => return Err(Error::Unsafe),
                }
                file.to_string()
            }
            _ => return Err(Error::Unsafe),
        };
    }
    Ok(text)
}

/// With a line end at its end, where there is anything.
fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use crate::config::{Edit, Format, plan, read, undo, write};
    use serde_json::json;

    #[track_caller]
    fn round(text: &str) -> String {
        let edits = [Edit::member(&["read"], json!("/h/o'x/svault.md"))];
        let before = read(Format::Yaml, text).unwrap();
        let new = write(Format::Yaml, text, &plan(&before, &edits).unwrap()).unwrap();
        let after = read(Format::Yaml, &new).unwrap();
        assert_eq!(plan(&after, &edits).unwrap(), []);
        let out = write(Format::Yaml, &new, &undo(&before, &after, &after)).unwrap();
        assert_eq!(read(Format::Yaml, &out).unwrap(), before, "{out}");
        new
    }

    #[test]
    fn comments_and_order_stay() {
        assert_eq!(round(""), "read:\n  - '/h/o''x/svault.md'\n");
        let new = round("# mine\nmodel: x   # best\nread:\n  - A.md # first\n\ndark-mode: true\n# end\n");
        for part in ["# mine\nmodel: x   # best\nread:\n  - A.md # first\n", "dark-mode: true\n# end\n"] {
            assert!(new.contains(part), "{new}");
        }
        assert!(round("# only a remark\n").starts_with("# only a remark\n"));
        assert!(round("a: 1\nread: [A.md, B.md]").contains("A.md, B.md, "));
    }

    #[test]
    fn what_is_broken_or_there_twice_is_refused() {
        assert!(read(Format::Yaml, "a: [1, 2\nb: }\n").is_err());
        assert!(read(Format::Yaml, "read: [a]\nread: [b]\n").unwrap_err().to_string().contains("twice"));
        let one = read(Format::Yaml, "read: A.md\n").unwrap();
        let e = plan(&one, &[Edit::member(&["read"], json!("x"))]).unwrap_err();
        assert_eq!(e.to_string(), "read is a text, not an array: write it as a list, [VALUE]");
    }
}
