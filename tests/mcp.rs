//! An MCP client made from the specification alone: starts `svault mcp` and speaks lines of JSON with it, in either era.

use crate::command::{Cmd, Output};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28: a version in every request.
    Modern,
    /// A handshake with this version.
    Legacy(&'static str),
}

/// Every era that there is.
pub const ERAS: [Era; 5] = [
    Era::Modern,
    Era::Legacy("2025-11-25"),
    Era::Legacy("2025-06-18"),
    Era::Legacy("2025-03-26"),
    Era::Legacy("2024-11-05"),
];

/// A running server.
pub struct Mcp {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    era: Era,
    next: u64,
    answers: HashMap<String, Value>,
    /// Everything that came, in order.
    pub seen: Vec<Value>,
}

impl Mcp {
    /// Starts one whose caller says it is `tester`, and opens it as its era does.
    #[must_use]
    pub fn start(sandbox: &Sandbox, era: Era, args: &[&str]) -> Self {
        let mut mcp = Self::silent(sandbox.svault(&[&["mcp", "--caller", "tester"], args].concat()), era);
        if let Era::Legacy(version) = era {
            let hello = mcp.request(
                "initialize",
                json!({"protocolVersion": version, "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"}}),
            );
            assert_eq!(hello["result"]["protocolVersion"], version, "{hello}");
            mcp.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        }
        mcp
    }

    /// Starts one and says nothing.
    #[must_use]
    pub fn silent(command: Cmd, era: Era) -> Self {
        let (child, mut input, out, err) = command.piped();
        input.flush().expect("a pipe");
        let (lines, errors) = (collected(out), collected(err));
        Self {
            child,
            input: Some(input),
            lines,
            errors,
            era,
            next: 0,
            answers: HashMap::new(),
            seen: Vec::new(),
        }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("pid")
    }

    /// Takes its input, to be written to from another thread.
    ///
    /// # Panics
    /// When it was taken or closed.
    pub fn input(&mut self) -> ChildStdin {
        self.input.take().expect("the input is open")
    }

    /// Gives the input back.
    pub fn give_input(&mut self, input: ChildStdin) {
        self.input = Some(input);
    }

    /// Sends a line as it is. A server that has gone is no error here.
    pub fn line(&mut self, line: impl AsRef<[u8]>) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(line.as_ref()).and_then(|()| input.write_all(b"\n"));
            let _ = input.flush();
        }
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        self.line(message.to_string());
    }

    /// Sends a request and does not wait: its id.
    pub fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let message = self.message(self.next, method, params);
        self.send(&message);
        self.next
    }

    /// A request as this era writes it.
    #[must_use]
    pub fn message(&self, id: u64, method: &str, mut params: Value) -> Value {
        if self.era == Era::Modern {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    /// Sends a request and waits for its answer.
    #[track_caller]
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.answer(id)
    }

    /// The answer to a request.
    #[track_caller]
    pub fn answer(&mut self, id: u64) -> Value {
        let key = json!(id).to_string();
        let since = Instant::now();
        loop {
            if let Some(answer) = self.answers.remove(&key) {
                return answer;
            }
            assert!(since.elapsed() < PATIENCE, "no answer to {id}; seen: {:?}", self.seen);
            self.hear(PATIENCE);
        }
    }

    /// The next message that is no answer to be waited for by its id.
    #[track_caller]
    pub fn heard(&mut self) -> Value {
        let since = Instant::now();
        let before = self.seen.len();
        while self.seen.len() == before {
            assert!(since.elapsed() < PATIENCE, "nothing came; seen: {:?}", self.seen);
            self.hear(PATIENCE);
        }
        self.seen[before].clone()
    }

    fn hear(&mut self, within: Duration) {
        match self.lines.recv_timeout(within) {
            Ok(line) => {
                let message: Value =
                    serde_json::from_str(&line).expect("nothing but JSON comes from a server");
                if message.get("id").is_some() {
                    self.answers.insert(message["id"].to_string(), message.clone());
                }
                self.seen.push(message);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the server has gone; seen: {:?}", self.seen),
        }
    }

    /// Calls a tool and does not wait: its id.
    pub fn begin_call(&mut self, tool: &str, arguments: Value) -> u64 {
        self.begin("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// Calls a tool: the result.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> Said {
        let id = self.begin_call(tool, arguments);
        self.said(id)
    }

    /// What a call came to.
    #[track_caller]
    pub fn said(&mut self, id: u64) -> Said {
        let answer = self.answer(id);
        let content = answer["result"]["content"].as_array().unwrap_or_else(|| panic!("no result: {answer}"));
        let texts: Vec<&str> = content.iter().map(|c| c["text"].as_str().expect("text")).collect();
        assert!(answer["result"].get("structuredContent").is_none(), "text alone: {answer}");
        let wrong = answer["result"]["isError"].as_bool().expect("isError");
        Said { text: texts.join("\n"), wrong }
    }

    /// A call that is a protocol error: its code and line.
    #[track_caller]
    pub fn refused(&mut self, tool: &str, arguments: Value) -> (i64, String) {
        let id = self.begin_call(tool, arguments);
        let answer = self.answer(id);
        assert!(answer.get("result").is_none(), "{answer}");
        let error = &answer["error"];
        (error["code"].as_i64().expect("a code"), error["message"].as_str().expect("a line").to_owned())
    }

    /// Closes its input and waits for its end: the code, what came since, and stderr.
    #[track_caller]
    pub fn end(mut self) -> Output {
        drop(self.input.take());
        self.ends()
    }

    /// Waits for its end with its input open.
    #[track_caller]
    pub fn ends(&mut self) -> Output {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(since.elapsed() < PATIENCE, "the server did not end; seen: {:?}", self.seen);
            std::thread::sleep(Duration::from_millis(2));
        };
        let rest = |from: &Receiver<String>| {
            let mut all = String::new();
            while let Ok(line) = from.recv_timeout(Duration::from_secs(2)) {
                all.push_str(&line);
                all.push('\n');
            }
            all
        };
        let code = crate::command::code(status);
        Output { code, out: rest(&self.lines).into_bytes(), err: rest(&self.errors) }
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collected(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

/// What a tool said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its text.
    pub text: String,
    /// As `isError`.
    pub wrong: bool,
}

impl Said {
    /// It must have done what it was for.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> String {
        assert!(!self.wrong, "{}", self.text);
        self.text
    }

    /// It must not.
    #[track_caller]
    #[must_use]
    pub fn wrong(self) -> String {
        assert!(self.wrong, "{}", self.text);
        self.text
    }

    /// The id in brackets or after `request`.
    #[track_caller]
    #[must_use]
    pub fn id(&self) -> String {
        let is_id =
            |w: &&str| w.len() == 8 && w.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
        let mut words = self.text.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(is_id).unwrap_or_else(|| panic!("no id: {}", self.text)).to_owned()
    }
}
