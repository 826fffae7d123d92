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
            None | Some(Value::Null) => Map::new(),
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
    /// It is something else, or longer than `most` characters, which is what a schema counts.
    pub fn text(&mut self, name: &str, most: usize) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().nth(most).is_none() => Ok(Some(text)),
            Some(Value::String(_)) => Err(Problem::params(format!("{name} has at most {most} characters"))),
            Some(_) => Err(Problem::params(format!("{name} is text"))),
        }
    }

    /// A reason, which has to be there. The gate counts its bytes, and what is longer would be denied.
    ///
    /// # Errors
    /// It isn't there, or it is something else or too long.
    pub fn reason(&mut self, name: &str) -> Result<String, Problem> {
        match Self::need(name, self.text(name, policy::MAX_REASON_BYTES)?)? {
            reason if reason.len() <= policy::MAX_REASON_BYTES => Ok(reason),
            _ => Err(Problem::params(format!("{name} has at most {} bytes", policy::MAX_REASON_BYTES))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(arguments: Value) -> Request {
        let params = crate::era::object(json!({"name": "x", "arguments": arguments}));
        Request { id: 1.into(), method: "tools/call".into(), params }
    }

    #[test]
    fn a_text_is_as_long_as_it_has_characters_and_a_reason_as_bytes() {
        let (four, five) = ("\u{1f511}".repeat(4), "é".repeat(5));
        let request =
            request(json!({"four": four, "five": five, "why": "é".repeat(256), "long": "é".repeat(257)}));
        let mut args = Args::of(&request).unwrap();
        assert_eq!(args.text("four", 4).unwrap(), Some(four));
        assert!(args.text("five", 4).unwrap_err().text.contains("at most 4 characters"));
        assert_eq!(args.reason("why").unwrap().len(), 512);
        assert!(args.reason("long").unwrap_err().text.contains("at most 512 bytes"));
        assert!(args.reason("none").unwrap_err().text.contains("missing"));
    }

    #[test]
    fn null_is_as_good_as_none() {
        let request = request(Value::Null);
        assert!(Args::of(&request).unwrap().none().is_ok());
    }
}
