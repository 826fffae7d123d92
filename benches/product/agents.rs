//! What stands between an agent and its work: masking in a pipe, a hook, an import.

use crate::requests::store;
use crate::table::{Bar, Run, against, numbers, timed};
use serde_json::json;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use svault_tests::Sandbox;
use svault_tests::sandbox::GOOD_REASON;

/// `svault run` with one value, around a command that writes much, beside `cat` in its place.
pub fn output(run: &Run) {
    let sandbox = store();
    let file = sandbox.path("output");
    let bytes = run.of(1 << 30, 256 << 20);
    std::fs::write(&file, log_lines(bytes)).expect("write");
    let (mut took, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..run.of(5, 3) {
        let mut plain = of(&sandbox, Path::new("/bin/sh"));
        plain.args(["-c", "cat \"$1\" | cat", "sh"]).arg(&file);
        floor.push(timed(|| assert_eq!(swallowed(&mut plain), bytes)));
        let mut masked = of(&sandbox, sandbox.binary());
        masked.args(["run", "--caller", "tester", "--scope", "db", "--reason", GOOD_REASON, "--env", "LOW"]);
        masked.args(["--", "cat"]).arg(&file);
        took.push(timed(|| assert_eq!(swallowed(&mut masked), bytes)));
    }
    let rate = |times: &mut [Duration]| (bytes >> 20) as f64 / crate::table::median(times).as_secs_f64();
    let (ours, cat) = (rate(&mut took), rate(&mut floor));
    let what = format!("svault run, {} MiB of output (floor: cat)", bytes >> 20);
    numbers(&what, &format!("{ours:.0} MiB/s"), &format!("{cat:.0} MiB/s"), ours / cat, Bar::AtLeast(0.5));
}

/// A hook after a tool that printed 100 KB, whole process, with 1,000 secrets in the store.
pub fn hook(run: &Run) {
    let sandbox = store();
    crate::fixture::fill(&sandbox, &crate::fixture::Fill { secrets: 1000, ..Default::default() });
    let text = String::from_utf8(log_lines(100_000)).expect("text");
    let payload = json!({
        "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "make"},
        "tool_response": {"stdout": text, "stderr": "", "interrupted": false, "isImage": false},
    });
    let payload = payload.to_string();
    let mut took = Vec::new();
    for _ in 0..run.of(60, 20) {
        let mut hook = of(&sandbox, sandbox.binary());
        hook.args(["hook", "--client", "claude"]).stdin(Stdio::piped()).stdout(Stdio::null());
        took.push(timed(|| {
            let mut child = hook.spawn().expect("svault");
            child.stdin.take().expect("stdin").write_all(payload.as_bytes()).expect("write");
            assert!(child.wait().expect("ended").success());
        }));
        std::thread::sleep(Duration::from_millis(700));
    }
    let middle = crate::table::median(&mut took).as_secs_f64();
    against("svault hook, 100 KB of output, whole process", middle * 1000.0, 20.0, "ms", true);
}

/// A `.env` file of 10,000 lines, from the yes to the end.
pub fn import(run: &Run) {
    let mut took = Vec::new();
    for _ in 0..run.of(5, 3) {
        let sandbox = store();
        let lines: String =
            (0..10_000).map(|n| format!("SERVICE_{n}_TOKEN=sk-test-{n:08}-of-a-bench\n")).collect();
        let file = sandbox.home().join(".env");
        std::fs::write(&file, lines).expect("write");
        let file = file.to_str().expect("a path").to_owned();
        took.push(timed(|| drop(sandbox.human(&["import", &file, "--replace"]).ok())));
    }
    let middle = crate::table::median(&mut took).as_secs_f64();
    against("svault import --replace, 10,000 lines", middle, 2.0, "s", true);
}

fn of(sandbox: &Sandbox, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(sandbox.env()).current_dir(sandbox.home()).stdin(Stdio::null());
    command
}

/// Reads all that it writes; how many bytes that was.
fn swallowed(command: &mut Command) -> usize {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
    let mut from = child.stdout.take().expect("stdout");
    let (mut buffer, mut seen) = (vec![0; 128 * 1024], 0);
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        seen += n;
    }
    assert!(child.wait().expect("ended").success());
    seen
}

/// Lines as builds and servers write them.
fn log_lines(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 200);
    for n in 0u64.. {
        if text.len() >= bytes {
            break;
        }
        let line = match n % 4 {
            0 => format!(
                "2026-11-23T10:{:02}:{:02}Z INFO GET /api/v1/items/{n}?page=2&q=a%20b 200\n",
                n % 60,
                n % 59
            ),
            1 => format!("{{\"level\":\"info\",\"msg\":\"saved \\\"item {n}\\\"\",\"ok\":true}}\n"),
            2 => format!("   Compiling some-crate v1.{}.{} (/home/user/project/some-crate)\n", n % 30, n % 7),
            _ => format!(
                "warning: unused variable: `x{n}` at src/main.rs:{}:{}, and more words\n",
                n % 900,
                n % 70
            ),
        };
        text.extend_from_slice(line.as_bytes());
    }
    text.truncate(bytes);
    text
}
