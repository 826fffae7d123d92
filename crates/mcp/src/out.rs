//! What goes to the client: one JSON object a line, flushed at once. A line with a value is built in memory that is
//! wiped, straight from locked memory.

use crate::era::Era;
use crate::message::Problem;
use secret::Bytes;
use serde_json::{Map, Value, json};
use std::io::{self, ErrorKind, IoSlice, PipeWriter, Write};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// What a tool says.
pub enum Said {
    /// Something for the model. `wrong`: the call did not do what it was for.
    Text {
        /// The text.
        text: String,
        /// As `isError`.
        wrong: bool,
    },
    /// A value that the gate has let go, for the model to read.
    Value(Bytes),
}

impl Said {
    /// An answer.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), wrong: false }
    }

    /// Why it was not done.
    pub fn wrong(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), wrong: true }
    }
}

/// A line without its end.
pub type Line = Zeroizing<Vec<u8>>;

/// The client's end.
pub struct Out(Mutex<Client>);

struct Client {
    output: Box<dyn Write + Send>,
    /// Closed when it takes nothing more.
    listens: Option<PipeWriter>,
}

impl Out {
    /// Over an output. `listens` is closed where a line could not be written.
    pub fn new(output: Box<dyn Write + Send>, listens: PipeWriter) -> Self {
        Self(Mutex::new(Client { output, listens: Some(listens) }))
    }

    /// Sends a line. Where the client has gone there is nobody to tell.
    pub fn send(&self, line: &Line) {
        let mut client = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if client.listens.is_some() && write(&mut *client.output, line).is_err() {
            client.listens = None;
        }
    }
}

/// A line and its end, at once where they fit.
fn write(to: &mut dyn Write, line: &[u8]) -> io::Result<()> {
    let written =
        to.write_vectored(&[IoSlice::new(line), IoSlice::new(b"\n")]).or_else(|e| match e.kind() {
            ErrorKind::Interrupted => Ok(0),
            _ => Err(e),
        })?;
    if written <= line.len() {
        to.write_all(line.get(written..).unwrap_or_default())?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// A result.
pub fn result(id: &Value, body: Map<String, Value>) -> Line {
    plain(&json!({"jsonrpc": "2.0", "id": id, "result": body}))
}

/// A protocol error. A message whose id can't be told has none in its answer either.
pub fn error(id: Option<&Value>, problem: Problem) -> Line {
    let mut error = json!({"code": problem.code, "message": problem.text});
    if let Some(data) = problem.data {
        error["data"] = data;
    }
    let mut all = json!({"jsonrpc": "2.0", "error": error});
    if let Some(id) = id {
        all["id"] = id.clone();
    }
    plain(&all)
}

/// A notification.
pub fn note(method: &str, params: Value) -> Line {
    plain(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

fn plain(value: &Value) -> Line {
    Zeroizing::new(value.to_string().into_bytes())
}

/// Several answers in one line.
pub fn batch(lines: &[Line]) -> Line {
    let mut all = Zeroizing::new(Vec::with_capacity(lines.iter().map(|l| l.len() + 1).sum::<usize>() + 1));
    all.push(b'[');
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            all.push(b',');
        }
        all.extend_from_slice(line);
    }
    all.push(b']');
    all
}

/// What a tool said, as a result.
pub fn said(id: &Value, era: Era, said: Said) -> Line {
    let body = |text: &str, wrong: bool| {
        let body = json!({"content": [{"type": "text", "text": text}], "isError": wrong});
        result(id, era.result(crate::era::object(body), false))
    };
    match said {
        Said::Text { text, wrong } => body(&text, wrong),
        Said::Value(value) => match std::str::from_utf8(value.expose()) {
            Ok(text) => with_value(id, era, text),
            Err(_) => body("this secret is not text: use it with svault_run", true),
        },
    }
}

/// The result with a value in it, by hand: what serde_json builds is not wiped.
fn with_value(id: &Value, era: Era, value: &str) -> Line {
    let head =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":");
    let rest = Value::Object(era.result(crate::era::object(json!({"isError": false})), false)).to_string();
    // A byte of the value takes six at most; with room for all of it the line never moves.
    let mut line = Zeroizing::new(Vec::with_capacity(head.len() + 6 * value.len() + rest.len() + 8));
    line.extend_from_slice(head.as_bytes());
    escape(&mut line, value);
    line.extend_from_slice(b"}],");
    line.extend_from_slice(rest.get(1..).unwrap_or_default().as_bytes());
    line.push(b'}');
    line
}

/// Text as a JSON string (RFC 8259, section 7).
fn escape(line: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    line.push(b'"');
    for b in text.bytes() {
        match b {
            b'"' => line.extend_from_slice(b"\\\""),
            b'\\' => line.extend_from_slice(b"\\\\"),
            b if b < 0x20 => {
                line.extend_from_slice(b"\\u00");
                line.push(HEX[usize::from(b >> 4)]);
                line.push(HEX[usize::from(b & 15)]);
            }
            b => line.push(b),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_in_its_line_as_serde_would_put_it_and_the_line_never_moves() {
        let all: String = (0..0x300).filter_map(char::from_u32).chain("\\\"\u{1f511}".chars()).collect();
        for era in [Era::Modern, Era::Legacy("2025-06-18")] {
            for (id, text) in [(json!(7), &*all), (json!("a\"b"), ""), (json!("x"), &*"\u{1}".repeat(65_536))]
            {
                let line = with_value(&id, era, text);
                let body = json!({"content": [{"type": "text", "text": text}], "isError": false});
                let same = result(&id, era.result(crate::era::object(body), false));
                let value = |line: &Line| serde_json::from_slice::<Value>(line).unwrap();
                assert_eq!(value(&line), value(&same));
                assert!(!line.contains(&b'\n'));
            }
        }
        let line = with_value(&json!(1), Era::Modern, &"\u{1}".repeat(100));
        assert!(line.capacity() >= line.len() && line.capacity() < 2 * line.len(), "no growth by doubling");
    }

    #[test]
    fn what_is_no_text_is_not_shown() {
        let line = said(&json!(1), Era::Modern, Said::Value(Bytes::copy_from(b"sk-test\xff").unwrap()));
        let text = String::from_utf8_lossy(&line).into_owned();
        assert!(text.contains("\"isError\":true") && !text.contains("sk-test"), "{text}");
    }

    #[test]
    fn a_batch_is_one_line() {
        let lines = [result(&json!(1), Map::new()), error(None, Problem::params("no"))];
        let all: Value = serde_json::from_slice(&batch(&lines)).unwrap();
        assert_eq!(all[0]["id"], 1);
        assert_eq!(all[1], json!({"jsonrpc": "2.0", "error": {"code": -32602, "message": "no"}}));
    }
}
