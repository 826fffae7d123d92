//! One change of a tree of values, and the way to where it is made.

use super::Error;
use serde_json::{Map, Value};

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of an object.
    Key(String),
    /// An element of an array.
    At(usize),
}

/// The way from the top.
pub type Path = Vec<Step>;

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A key gets a value; objects on the way to it are made.
    Set(Path, Value),
    /// A key or element goes.
    Remove(Path),
    /// An array gets one more element at its end; the array is made.
    Push(Path, Value),
}

impl Op {
    /// Makes the change.
    ///
    /// # Errors
    /// When something else stands in the way.
    pub fn apply(&self, tree: &mut Value) -> Result<(), Error> {
        match self {
            Op::Set(path, value) => {
                *reach(tree, path, "an object")? = value.clone();
            }
            Op::Push(path, value) => {
                let at = reach(tree, path, "an object")?;
                if at.is_null() {
                    *at = Value::Array(Vec::new());
                }
                at.as_array_mut().ok_or(Error::Unsafe)?.push(value.clone());
            }
            Op::Remove(path) => remove(tree, path)?,
        }
        Ok(())
    }
}

fn reach<'a>(tree: &'a mut Value, path: &[Step], wanted: &'static str) -> Result<&'a mut Value, Error> {
    let mut at = tree;
    for (i, step) in path.iter().enumerate() {
        let found = kind(at);
        at = match step {
            Step::Key(key) => {
                if at.is_null() {
                    *at = Value::Object(Map::new());
                }
                let object =
                    at.as_object_mut().ok_or(Error::Shape { at: shown(&path[..i]), found, wanted })?;
                object.entry(key.clone()).or_insert(Value::Null)
            }
            Step::At(n) => at.get_mut(*n).ok_or(Error::Unsafe)?,
        };
    }
    Ok(at)
}

fn remove(tree: &mut Value, path: &[Step]) -> Result<(), Error> {
    let (last, way) = path.split_last().ok_or(Error::Unsafe)?;
    let mut at = tree;
    for step in way {
        at = match step {
            Step::Key(key) => at.get_mut(key),
            Step::At(n) => at.get_mut(*n),
        }
        .ok_or(Error::Unsafe)?;
    }
    match (last, at) {
        (Step::Key(key), Value::Object(object)) if object.contains_key(key) => {
            object.remove(key);
        }
        (Step::At(n), Value::Array(array)) if *n < array.len() => {
            array.remove(*n);
        }
        _ => return Err(Error::Unsafe),
    }
    Ok(())
}

/// What a value is, for people.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The way for people: `hooks.PreToolUse[0]`.
pub(crate) fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
            Step::At(n) => text.push_str(&format!("[{n}]")),
        }
    }
    if text.is_empty() { "the file".to_owned() } else { text }
}

/// The value at the end of a way of keys.
pub(crate) fn look<'a>(tree: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |at, step| match step {
        Step::Key(key) => at.get(key),
        Step::At(n) => at.get(*n),
    })
}
