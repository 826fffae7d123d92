//! Arguments: each has a type and a limit, and none that the tool doesn't have is taken. What is wrong is said with the
//! argument's name, never with what was given.

use crate::message::{Problem, Request};
use serde_json::{Map, Value};
use std::str::FromStr;

/// The arguments of one call.
pub struct Args<'a> {
    tool: &'a str,
    map: Map<String, Value>,
}

impl<'a> Args<'a> {
    /// Of a request.
    ///
    /// # Errors
    /// No tool is named, or the arguments are no object.
    pub fn of(request: &'a Request) -> Result<Self, Problem> {
        let tool = request.params.get("name").and_then(Value::as_str);
        let tool = tool.ok_or_else(|| Problem::params("name is the name of a tool"))?;
        let map = match request.params.get("arguments") {
            None => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => return Err(Problem::params("arguments are an object")),
        };
        Ok(Self { tool, map })
    }

    /// The tool's name.
    pub fn tool(&self) -> &'a str {
        self.tool
    }

    /// No more arguments.
    ///
    /// # Errors
    /// There are.
    pub fn none(self) -> Result<(), Problem> {
        if self.map.is_empty() {
            Ok(())
        } else {
            Err(Problem::params("an argument that this tool does not have"))
        }
    }

    /// Takes an argument; null is as good as none.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|v| !v.is_null())
    }

    /// Text.
    ///
    /// # Errors
    /// It is something else, or longer than `most` bytes.
    pub fn text(&mut self, name: &str, most: usize) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= most => Ok(Some(text)),
            Some(Value::String(_)) => Err(Problem::params(format!("{name} has at most {most} bytes"))),
            Some(_) => Err(Problem::params(format!("{name} is text"))),
        }
    }

    /// A word such as a scope.
    ///
    /// # Errors
    /// It is none.
    pub fn word<T: FromStr<Err = words::BadWord>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let text = self.text(name, 512)?;
        text.map(|text| text.parse().map_err(|e: words::BadWord| Problem::params(format!("{name}: {e}"))))
            .transpose()
    }

    /// What must be there.
    ///
    /// # Errors
    /// It isn't.
    pub fn need<T>(name: &str, given: Option<T>) -> Result<T, Problem> {
        given.ok_or_else(|| Problem::params(format!("{name} is missing")))
    }
}
