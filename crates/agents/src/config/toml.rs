//! TOML: the settings of Codex.

use super::op::{Op, Step, look, shown};
use super::{Error, place};
use serde_json::{Map, Number, Value};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

fn parse(text: &str) -> Result<DocumentMut, Error> {
    text.parse::<DocumentMut>().map_err(|e| {
        let (line, column) = place(text, e.span().map_or(0, |s| s.start));
        Error::Broken { line, column, what: e.message().lines().next().unwrap_or_default().to_owned() }
    })
}

pub(super) fn read(text: &str) -> Result<Value, Error> {
    let doc = parse(text)?;
    Ok(table(doc.as_table()))
}

fn table(table: &dyn TableLike) -> Value {
    Value::Object(table.iter().map(|(k, v)| (k.to_owned(), item(v))).collect::<Map<_, _>>())
}

fn item(found: &Item) -> Value {
    match found {
        Item::None => Value::Null,
        Item::Value(v) => value(v),
        Item::Table(t) => table(t),
        Item::ArrayOfTables(all) => Value::Array(all.iter().map(|t| table(t)).collect()),
    }
}

fn value(found: &toml_edit::Value) -> Value {
    match found {
        toml_edit::Value::String(s) => Value::String(s.value().clone()),
        toml_edit::Value::Integer(n) => Value::Number((*n.value()).into()),
        toml_edit::Value::Float(n) => Number::from_f64(*n.value()).map_or(Value::Null, Value::Number),
        toml_edit::Value::Boolean(b) => Value::Bool(*b.value()),
        toml_edit::Value::Datetime(d) => Value::String(d.value().to_string()),
        toml_edit::Value::Array(all) => Value::Array(all.iter().map(value).collect()),
        toml_edit::Value::InlineTable(t) => table(t),
    }
}

/// The text with the changes made; tables that are made get a header of their own.
pub(super) fn write(text: &str, ops: &[Op]) -> Result<String, Error> {
    let mut doc = parse(text)?;
    for op in ops {
        let (Op::Set(path, _) | Op::Remove(path) | Op::Push(path, _)) = op;
        let (last, way) = path.split_last().ok_or(Error::Unsafe)?;
        let Step::Key(key) = last else { return Err(Error::Unsafe) };
        match op {
            Op::Set(_, value) => {
                let new = if way_is_inline(&doc, way) { Item::Value(inline(value)?) } else { block(value)? };
                put(reach(doc.as_table_mut(), way, way)?, key, new);
            }
            Op::Remove(_) => {
                reach(doc.as_table_mut(), way, way)?.remove(key).ok_or(Error::Unsafe)?;
            }
            Op::Push(_, value) => {
                let at = reach(doc.as_table_mut(), way, way)?;
                let array = at.entry(key).or_insert(Item::Value(Array::new().into()));
                array.as_array_mut().ok_or(Error::Unsafe)?.push(inline(value)?);
            }
        }
    }
    let new = doc.to_string();
    // What is made ends lines with LF, and so does what the parser writes again.
    let crlf = text.contains('\n') && text.matches('\n').count() == text.matches("\r\n").count();
    Ok(if crlf { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new })
}

/// A table that no header of its own names, but that of a table in it, goes with the last of those: it goes from what
/// was meant where the text doesn't say it any more.
pub(super) fn forget_implied(meant: &mut Value, said: &Value, ops: &[Op]) -> Result<(), Error> {
    for op in ops {
        let Op::Remove(path) = op else { continue };
        for way in (1..path.len()).rev().map(|n| &path[..n]) {
            let empty = look(meant, way).and_then(Value::as_object).is_some_and(Map::is_empty);
            if empty && look(said, way).is_none() {
                Op::Remove(way.to_vec()).apply(meant)?;
            }
        }
    }
    Ok(())
}

/// A value that is replaced keeps the comment beside it.
fn put(table: &mut dyn TableLike, key: &str, mut new: Item) {
    if let (Some(Item::Value(old)), Item::Value(new)) = (table.get(key), &mut new) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, new);
}

fn way_is_inline(doc: &DocumentMut, way: &[Step]) -> bool {
    let mut at = doc.as_item();
    for step in way {
        let Step::Key(key) = step else { return false };
        match at.get(key) {
            Some(next) => at = next,
            None => return at.is_inline_table(),
        }
    }
    at.is_inline_table()
}

fn reach<'a>(
    top: &'a mut dyn TableLike,
    way: &[Step],
    whole: &[Step],
) -> Result<&'a mut dyn TableLike, Error> {
    let Some((step, rest)) = way.split_first() else { return Ok(top) };
    let Step::Key(key) = step else { return Err(Error::Unsafe) };
    let next = top.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let wanted = "a table";
    let next = next.as_table_like_mut().ok_or_else(|| Error::Shape {
        at: shown(&whole[..whole.len() - rest.len()]),
        found: "something else",
        wanted,
    })?;
    reach(next, rest, whole)
}

fn block(new: &Value) -> Result<Item, Error> {
    let Value::Object(all) = new else { return Ok(Item::Value(inline(new)?)) };
    let mut table = Table::new();
    for (key, new) in all {
        table.insert(key, Item::Value(inline(new)?));
    }
    table.decor_mut().set_prefix("\n");
    Ok(Item::Table(table))
}

fn inline(new: &Value) -> Result<toml_edit::Value, Error> {
    Ok(match new {
        Value::Null => return Err(Error::Unsafe),
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => n.as_i64().ok_or(Error::Unsafe)?.into(),
        Value::String(s) => s.as_str().into(),
        Value::Array(all) => all.iter().map(inline).collect::<Result<Array, _>>()?.into(),
        Value::Object(all) => {
            let mut table = InlineTable::new();
            for (key, new) in all {
                table.insert(key, inline(new)?);
            }
            table.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{Edit, Format, left_over, plan, read, undo, write};
    use serde_json::json;

    fn edits() -> Vec<Edit> {
        vec![Edit::entry(&["mcp_servers", "svault"], json!({"command": "/s/svault", "args": ["mcp"]}))]
    }

    #[track_caller]
    fn round(text: &str) -> String {
        let before = read(Format::Toml, text).unwrap();
        let new = write(Format::Toml, text, &plan(&before, &edits()).unwrap()).unwrap();
        let after = read(Format::Toml, &new).unwrap();
        assert_eq!(plan(&after, &edits()).unwrap(), []);
        let out = write(Format::Toml, &new, &undo(&before, &after, &after)).unwrap();
        assert_eq!(read(Format::Toml, &out).unwrap(), before);
        new
    }

    #[test]
    fn comments_and_order_stay() {
        let text = "# mine\nmodel = \"o9\"   # best\n\n[mcp_servers.other]\ncommand = 'x' # keep\n\n[tui]\ntheme = \"dark\"\n";
        let new = round(text);
        for part in [
            "# mine\nmodel = \"o9\"   # best\n",
            "command = 'x' # keep\n",
            "[mcp_servers.svault]\n",
            "[tui]\ntheme",
        ] {
            assert!(new.contains(part), "{new}");
        }
        assert_eq!(
            round(""),
            "[mcp_servers.svault]\nargs = [\"mcp\"]\ncommand = \"/s/svault\"\n".replacen('[', "\n[", 1)
        );
    }

    #[test]
    fn inline_tables_and_older_entries_are_changed_in_place() {
        let new = round("mcp_servers = { other = { command = \"x\" } }\n");
        assert!(new.starts_with("mcp_servers = {"), "{new}");
        let new = round("[mcp_servers.svault]\ncommand = \"/evil\" # pinned\nenabled = false\n");
        assert!(new.contains("command = \"/s/svault\" # pinned\nenabled = false\n"), "{new}");
    }

    #[test]
    fn a_table_that_only_ours_names_goes_with_it() {
        let server = "[mcp_servers.svault]\nargs = [\"mcp\"]\ncommand = \"/s/svault\"\n";
        let theirs = "# mine\nmodel = \"o9\"   # best\n\n[tui]\ntheme = '''\na\nb'''\n";
        for (text, left) in [
            (server.to_owned(), String::new()),
            (format!("{server}\n[mcp_servers.svault.env]\nA = \"x\"\n"), String::new()),
            (format!("{theirs}\n{server}"), theirs.to_owned()),
            (format!("{server}\n# mine\n[tui]\nx = 1\n"), "\n# mine\n[tui]\nx = 1\n".to_owned()),
            (format!("[mcp_servers]\n\n{server}"), "[mcp_servers]\n".to_owned()),
            (format!("{server}\n[mcp_servers.b]\nx = 1\n"), "\n[mcp_servers.b]\nx = 1\n".to_owned()),
        ] {
            for end in ["\n", "\r\n"] {
                let (text, left) = (text.replace('\n', end), left.replace('\n', end));
                let ops = left_over(&read(Format::Toml, &text).unwrap(), &edits());
                assert_eq!(write(Format::Toml, &text, &ops).as_deref(), Ok(&*left), "{text:?}");
            }
        }
    }

    #[test]
    fn a_broken_file_is_named_by_line_and_column() {
        let e = read(Format::Toml, "a = 1\nb = = 2\n").unwrap_err();
        assert!(e.to_string().starts_with("line 2, column 5"), "{e}");
        let e = read(Format::Toml, "a = 1\na = 2\n").unwrap_err();
        assert!(e.to_string().starts_with("line 2, column 1"), "{e}");
    }
}
