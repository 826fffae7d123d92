//! A client over MCP that writes and does not read: its server stays small, hears what it says, and ends with it.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::{need, processes};

const VALUE: &str = "sk-test-mcp-deaf-21f0";

/// A server whose output nobody reads yet.
struct Deaf {
    child: Child,
    input: Option<ChildStdin>,
    out: ChildStdout,
}

impl Deaf {
    fn start(house: &Sandbox) -> Self {
        let (child, input, out, _) = house.svault(&["mcp", "--caller", "tester", "--wait", "50"]).piped();
        let mut deaf = Self { child, input: Some(input), out };
        let hello = json!({"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        deaf.says(&json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}));
        deaf
    }

    fn says(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("open");
        input.write_all(format!("{message}\n").as_bytes()).expect("a server that reads");
    }

    /// Closes the end that its client reads.
    fn reads_no_more(self) -> (Child, Option<ChildStdin>) {
        (self.child, self.input)
    }

    fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.out).expect("a pipe")
    }

    fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).map_or(0, Iterator::count)
    }

    /// Reads all, after its input has ended; what it said, and its exit code.
    fn end(mut self) -> (String, i32) {
        drop(self.input.take());
        let mut all = String::new();
        self.out.read_to_string(&mut all).expect("text");
        (all, self.child.wait().expect("its end").code().expect("a code"))
    }
}

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("TOKEN", VALUE, &["--tier", "low", "--scope", "db"]);
    sandbox.add("PROD_KEY", VALUE, &["--tier", "high", "--scope", "db", "--expose", "value"]);
    sandbox
}

fn call(id: &str, tool: &str, mut arguments: Value) -> Value {
    if tool != "svault_status" {
        arguments["scope"] = "db".into();
        arguments["reason"] = GOOD_REASON.into();
    }
    let meta = json!({"progressToken": id});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": meta}})
}

fn waiting(house: &Sandbox) -> usize {
    let listed = house.human(&["pending", "--json"]).ok().json();
    listed["pending"].as_array().expect("rows").len()
}

#[test]
fn a_client_that_does_not_read_gets_no_thread_for_each_line() {
    need!(Linux);
    let house = house();
    let one = |id: usize| call(&format!("{id}"), "svault_status", json!({})).to_string();
    let several = |id: usize| json!([{"jsonrpc": "2.0", "id": id, "method": "ping"}]).to_string();
    let kinds: [&dyn Fn(usize) -> String; 2] = [&one, &several];
    for line in kinds {
        let mut deaf = Deaf::start(&house);
        let lines: Vec<String> = (0..4000).map(line).collect();
        let mut input = deaf.input.take().expect("open");
        let written = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&written);
        let writer = std::thread::spawn(move || {
            for line in lines {
                input.write_all(format!("{line}\n").as_bytes()).expect("a server that reads");
                counts.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Until it takes no more, or has taken everything.
        let (mut last, mut same) = (0, 0);
        while same < 60 && last < 4000 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            let now = written.load(Ordering::Relaxed);
            same = if now == last && deaf.unread() > 60_000 { same + 1 } else { 0 };
            last = now;
        }
        let threads = deaf.threads();
        assert!(threads < 80, "{threads} threads after {last} lines");
        let reader = std::thread::spawn(move || deaf.end());
        writer.join().expect("the server takes the rest");
        let (all, code) = reader.join().expect("the server ends");
        assert_eq!(code, 0);
        assert_eq!(
            all.lines().filter(|l| !l.contains("notifications/progress")).count(),
            4001,
            "each is answered"
        );
    }
}

#[test]
fn a_cancel_and_the_end_of_a_client_that_does_not_read_are_heard() {
    need!(Linux);
    let house = house();
    let mut deaf = Deaf::start(&house);
    let much = "head -c 100000 /dev/zero | tr '\\0' x | tee /dev/stderr";
    deaf.says(&call("much", "svault_run", json!({"command": much, "secrets": ["TOKEN"]})));
    house.wait_for("an output that is full", || deaf.unread() > 60_000);
    let get = |id: &str| call(id, "svault_get_secret", json!({"name": "PROD_KEY"}));
    deaf.says(&get("a"));
    house.wait_for("the request", || waiting(&house) == 1);
    deaf.says(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}}));
    house.wait_for("the request's end", || waiting(&house) == 0);
    deaf.says(&get("b"));
    house.wait_for("the next request", || waiting(&house) == 1);
    drop(deaf.input.take());
    house.wait_for("its end with the client", || waiting(&house) == 0);
    let (all, code) = deaf.end();
    assert!(code == 0 && all.lines().any(|l| l.contains("\"id\":\"much\"")), "{code} {}", all.len());
    let answers: Vec<&str> = all.lines().filter(|l| l.contains("\"id\":\"a\"")).collect();
    assert!(answers.is_empty(), "a cancelled call is silent: {answers:?}");
}

#[test]
fn a_client_that_takes_no_answers_any_more_has_gone() {
    need!(Linux);
    let house = house();
    let mut deaf = Deaf::start(&house);
    let file = house.home().join("pid");
    let line = format!("echo $$ > {}.new; mv {0}.new {0}; exec sleep 300", file.display());
    deaf.says(&call("runs", "svault_run", json!({"command": line, "secrets": ["TOKEN"]})));
    deaf.says(&call("waits", "svault_get_secret", json!({"name": "PROD_KEY"})));
    house.wait_for("the command and the request", || file.exists() && waiting(&house) == 1);
    let pid: i32 = std::fs::read_to_string(&file).expect("a file").trim().parse().expect("a number");
    let (mut child, input) = deaf.reads_no_more();
    // Nothing is said any more, so that nothing has to be answered.
    let input = input.expect("open");
    let server = i32::try_from(child.id()).expect("a pid");
    house.wait_for("its end", || !processes::lives(server));
    assert_eq!(child.wait().expect("wait").code(), Some(0));
    assert!(!processes::lives(pid));
    house.wait_for("the request's end", || waiting(&house) == 0);
    drop(input);
}
