//! What a client sends, taken apart, and what is wrong with it. No error here repeats what it is about.

use serde_json::{Map, Value};

/// The most bytes of an id that is text.
const MOST_ID: usize = 256;

/// JSON-RPC: not JSON.
pub const PARSE: i32 = -32700;
/// JSON-RPC: no request.
pub const REQUEST: i32 = -32600;
/// JSON-RPC: no such method.
pub const METHOD: i32 = -32601;
/// JSON-RPC: wrong parameters.
pub const PARAMS: i32 = -32602;
/// MCP 2026-07-28: a version that isn't spoken here.
pub const VERSION: i32 = -32022;

/// Why a request can't be served: a protocol error.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The code.
    pub code: i32,
    /// One line.
    pub text: String,
    /// More, where the protocol asks for it.
    pub data: Option<Value>,
}

impl Problem {
    /// With a code and a line.
    pub fn new(code: i32, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), data: None }
    }

    /// Wrong parameters.
    pub fn params(text: impl Into<String>) -> Self {
        Self::new(PARAMS, text)
    }
}

/// A request: something that is owed an answer.
#[derive(Debug)]
pub struct Request {
    /// Text or a whole number.
    pub id: Value,
    /// What is asked for.
    pub method: String,
    /// With what.
    pub params: Map<String, Value>,
}

impl Request {
    /// A parameter of `_meta`.
    pub fn meta(&self, key: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(key)
    }
}

/// A message.
#[derive(Debug)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A notification.
    Note {
        /// What it says.
        method: String,
        /// With what.
        params: Map<String, Value>,
    },
    /// An answer. This server asks its client for nothing, so it is to nothing.
    Answer,
    /// None of these; with the id, where it has one that can be given back.
    Bad(Option<Value>, Problem),
}

impl Message {
    /// Takes a message apart.
    pub fn of(value: Value) -> Self {
        let Value::Object(mut map) = value else {
            return Self::Bad(None, Problem::new(REQUEST, "a message is a JSON object"));
        };
        let id = map.remove("id");
        let back = id.clone().filter(is_id);
        let bad = |code, text: &str| Self::Bad(back.clone(), Problem::new(code, text));
        if map.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return bad(REQUEST, "a message has \"jsonrpc\": \"2.0\"");
        }
        let Some(method) = map.remove("method") else {
            let answers = map.contains_key("result") || map.contains_key("error");
            return if answers { Self::Answer } else { bad(REQUEST, "a message has a method") };
        };
        let Value::String(method) = method else { return bad(REQUEST, "a method is text") };
        let params = match map.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) if id.is_none() => return Self::Note { method, params: Map::new() },
            Some(_) => return bad(PARAMS, "parameters are an object"),
        };
        match id {
            None => Self::Note { method, params },
            Some(id) if is_id(&id) => Self::Request(Request { id, method, params }),
            Some(_) => bad(REQUEST, "an id is text of at most 256 bytes, or a whole number"),
        }
    }
}

fn is_id(id: &Value) -> bool {
    match id {
        Value::String(text) => text.len() <= MOST_ID,
        Value::Number(n) => n.is_i64() || n.is_u64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_what_they_are() {
        let of = |v| Message::of(v);
        assert!(matches!(of(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})), Message::Request(_)));
        assert!(matches!(of(json!({"jsonrpc": "2.0", "method": "x", "params": [1]})), Message::Note { .. }));
        let none = of(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": null}));
        assert!(matches!(none, Message::Request(r) if r.params.is_empty()), "null is as good as none");
        assert!(matches!(of(json!({"jsonrpc": "2.0", "id": 1, "result": {}})), Message::Answer));
        for (bad, back) in [
            (json!("text"), None),
            (json!({"id": 1, "method": "ping"}), Some(json!(1))),
            (json!({"jsonrpc": "2.0", "id": 1}), Some(json!(1))),
            (json!({"jsonrpc": "2.0", "id": 1, "method": 7}), Some(json!(1))),
            (json!({"jsonrpc": "2.0", "id": "a", "method": "ping", "params": []}), Some(json!("a"))),
            (json!({"jsonrpc": "2.0", "id": null, "method": "ping"}), None),
            (json!({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}), None),
            (json!({"jsonrpc": "2.0", "id": "x".repeat(257), "method": "ping"}), None),
            (json!({"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"}), None),
        ] {
            match of(bad.clone()) {
                Message::Bad(id, _) => assert_eq!(id, back, "{bad}"),
                other => panic!("{bad}: {other:?}"),
            }
        }
    }
}
