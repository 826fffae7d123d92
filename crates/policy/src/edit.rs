//! Changes to the policy's text that keep everything else in it, comments too.

use crate::model::Caller;
use crate::parse::ParseError;
use crate::{Policy, model::MAX_CALLERS};
use std::collections::BTreeSet;
use toml_edit::{Array, DocumentMut, Item, RawString, Table, Value};
use words::CallerName;

/// Why the text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is no valid policy, before or after.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The caller is there already.
    #[error("caller '{0}' is registered already")]
    Exists(CallerName),
    /// There is no such caller.
    #[error("no caller '{0}' is registered")]
    Missing(CallerName),
    /// There are too many.
    #[error("a policy has at most {MAX_CALLERS} callers")]
    TooMany,
    /// `[callers]` is written in a way that can't be edited without rewriting it.
    #[error("[callers] is not a plain table: use 'svault policy edit'")]
    Shape,
}

/// The text with one more caller, as `[callers.NAME]` at its end.
///
/// # Errors
/// When the text is no policy, the caller exists, or the result would be no policy.
pub fn add_caller(text: &str, name: &CallerName, caller: &Caller) -> Result<String, EditError> {
    let (policy, mut doc) = read(text)?;
    if policy.callers.contains_key(name) {
        return Err(EditError::Exists(name.clone()));
    }
    if policy.callers.len() >= MAX_CALLERS {
        return Err(EditError::TooMany);
    }
    let callers = doc.entry("callers").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let callers = callers.as_table_mut().ok_or(EditError::Shape)?;
    let mut table = Table::new();
    table.insert("exe", list(caller.exe.iter().map(String::as_str)));
    table.insert("scopes", list(caller.scopes.iter().map(words::Scope::as_str)));
    if let Some(rate) = &caller.rate {
        table.insert("rate", Item::Value(Value::from(rate.to_string())));
    }
    if caller.verified {
        table.insert("verified", Item::Value(Value::from(true)));
    }
    table.decor_mut().set_prefix("\n");
    callers.insert(name.as_str(), Item::Table(table));
    checked(&doc)
}

/// The text in which a caller is matched by these executables too; a new caller has no scopes. A caller that has to be
/// launched stays as it is.
///
/// # Errors
/// As [`add_caller`].
pub fn match_caller(text: &str, name: &CallerName, exe: &[String]) -> Result<String, EditError> {
    let (policy, mut doc) = read(text)?;
    let Some(known) = policy.callers.get(name) else {
        let new = Caller { exe: exe.to_vec(), scopes: Vec::new(), rate: None, verified: false };
        return add_caller(text, name, &new);
    };
    if !known.verified {
        let new = exe.iter().filter(|e| !known.exe.contains(e)).map(String::as_str);
        extend(&mut doc, name, "exe", new)?;
    }
    checked(&doc)
}

/// The text in which a caller has these scopes too.
///
/// # Errors
/// When the text is no policy, there is no such caller, or the result would be no policy.
pub fn add_scopes(text: &str, name: &CallerName, scopes: &[words::Scope]) -> Result<String, EditError> {
    let (policy, mut doc) = read(text)?;
    let known = policy.callers.get(name).ok_or_else(|| EditError::Missing(name.clone()))?;
    let new: BTreeSet<_> = scopes.iter().filter(|s| !known.scopes.contains(s)).collect();
    extend(&mut doc, name, "scopes", new.into_iter().map(words::Scope::as_str))?;
    checked(&doc)
}

/// More words in a caller's list.
fn extend<'a>(
    doc: &mut DocumentMut,
    name: &CallerName,
    key: &str,
    words: impl Iterator<Item = &'a str>,
) -> Result<(), EditError> {
    let callers = doc.get_mut("callers").and_then(Item::as_table_like_mut).ok_or(EditError::Shape)?;
    let caller = callers.get_mut(name.as_str()).and_then(Item::as_table_like_mut).ok_or(EditError::Shape)?;
    let list = caller.entry(key).or_insert_with(|| Item::Value(Value::Array(Array::new())));
    list.as_array_mut().ok_or(EditError::Shape)?.extend(words);
    Ok(())
}

/// The text without one caller and the comment right above it. Rules that forbid it something stay.
///
/// # Errors
/// When the text is no policy or has no such caller.
pub fn remove_caller(text: &str, name: &CallerName) -> Result<String, EditError> {
    let (policy, mut doc) = read(text)?;
    if !policy.callers.contains_key(name) {
        return Err(EditError::Missing(name.clone()));
    }
    let callers = doc.get_mut("callers").and_then(Item::as_table_like_mut).ok_or(EditError::Shape)?;
    let gone = callers.remove(name.as_str()).ok_or(EditError::Shape)?;
    if let Item::Table(gone) = &gone {
        keep_above(&mut doc, gone);
    }
    checked(&doc)
}

/// Hands what stands above the comment of a table that is gone to the table behind it, or to the end of the text.
fn keep_above(doc: &mut DocumentMut, gone: &Table) {
    let above = up_to_blank(gone.decor().prefix().and_then(RawString::as_str).unwrap_or_default());
    if above.trim().is_empty() {
        return;
    }
    let mut next: Option<isize> = None;
    each_table(doc, &mut |table| {
        let behind = table.position().filter(|at| Some(*at) > gone.position() && !table.is_implicit());
        next = next.into_iter().chain(behind).min();
    });
    if next.is_none() {
        let trailing = match doc.trailing().as_str() {
            None | Some("") => above.to_owned(),
            Some(trailing) => joined(above, trailing),
        };
        return doc.set_trailing(trailing);
    }
    each_table(doc, &mut |table| {
        if table.position() == next && !table.is_implicit() {
            let prefix = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
            let prefix = joined(above, prefix);
            table.decor_mut().set_prefix(prefix);
        }
    });
}

fn each_table(table: &mut Table, act: &mut dyn FnMut(&mut Table)) {
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(inner) => {
                act(inner);
                each_table(inner, act);
            }
            Item::ArrayOfTables(many) => many.iter_mut().for_each(|inner| {
                act(inner);
                each_table(inner, act);
            }),
            Item::None | Item::Value(_) => {}
        }
    }
}

/// Comments up to the last blank line in them.
fn up_to_blank(comments: &str) -> &str {
    let (mut at, mut end) = (0, 0);
    for line in comments.split_inclusive('\n') {
        if line.trim().is_empty() && line.ends_with('\n') {
            end = at;
        }
        at += line.len();
    }
    &comments[..end]
}

/// Comments one above the other, with a blank line between them.
fn joined(above: &str, below: &str) -> String {
    let is_apart = below.lines().next().is_some_and(|line| line.trim().is_empty());
    format!("{above}{}{below}", if is_apart { "" } else { "\n" })
}

fn read(text: &str) -> Result<(Policy, DocumentMut), EditError> {
    let policy = Policy::parse(text)?;
    let doc = text.parse::<DocumentMut>().map_err(|_| EditError::Shape)?;
    Ok((policy, doc))
}

fn checked(doc: &DocumentMut) -> Result<String, EditError> {
    let text = doc.to_string();
    Policy::parse(&text)?;
    Ok(text)
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> Item {
    Item::Value(Value::Array(words.collect::<Array>()))
}
