//! `svault_run`: a command with secrets that the agent never sees, over MCP.

use serde_json::{Value, json};
use std::path::Path;
use svault_tests::mcp::{Era, Mcp};
use svault_tests::processes;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};

const VALUE: &str = "sk-test-mcp-run-5b1e90c7d2";

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("TOKEN", VALUE, &["--tier", "low", "--scope", "db"]);
    sandbox.add("DB_URL", VALUE, &["--scope", "db"]);
    sandbox
}

fn run(command: Value, secrets: Value) -> Value {
    json!({"command": command, "secrets": secrets, "scope": "db", "reason": GOOD_REASON})
}

fn shell(line: &str) -> Value {
    json!(["/bin/sh", "-c", line])
}

/// The process id that a command has written to this file.
fn written(sandbox: &Sandbox, file: &Path) -> i32 {
    let number = || std::fs::read_to_string(file).ok().and_then(|t| t.trim().parse().ok());
    sandbox.wait_for("the command", || number().is_some());
    number().expect("a number")
}

#[test]
fn the_exit_code_and_the_masked_output_come_back() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let said = mcp
        .call("svault_run", run(shell("echo got $TOKEN; echo $TOKEN | base64 >&2; pwd"), json!(["TOKEN"])));
    let text = said.ok();
    assert!(text.starts_with("exit code 0\n--- stdout\ngot [svault:TOKEN]\n"), "{text}");
    assert!(text.contains("--- stderr\n[svault:TOKEN"), "{text}");
    assert!(!text.contains(VALUE) && text.contains(&*house.home().to_string_lossy()), "{text}");
    let mut failing = run(json!("printf 'no %s' \"$X\"; exit 3"), json!(["X=svault://main/TOKEN"]));
    failing["cwd"] = "/".into();
    let text = mcp.call("svault_run", failing).wrong();
    assert_eq!(text, "exit code 3\n--- stdout\nno [svault:TOKEN]\nstderr: empty\n");
    let file = run(shell("wc -c < \"$P\"; cat \"$P\""), json!([{"secret": "TOKEN", "file": "P"}]));
    let text = mcp.call("svault_run", file).ok();
    assert!(text.contains(&format!("{}\n[svault:TOKEN]", VALUE.len())), "{text}");
    let argv = house.trail().into_iter().find(|e| e["event"] == "allow").expect("a release");
    assert_eq!((&argv["door"], &argv["argv"][1]), (&json!("mcp"), &json!("-c")));
    assert!(!mcp.end().all().contains(VALUE));
}

#[test]
fn a_medium_secret_waits_for_a_yes_to_exactly_this_command() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-06-18"), &["--wait", "0"]);
    let migrate = run(shell("echo $DB_URL"), json!(["DB_URL"]));
    let id = mcp.call("svault_run", migrate.clone()).id();
    let shown = house.human(&["pending"]).ok().text();
    assert!(shown.contains("/bin/sh -c 'echo $DB_URL'"), "{shown}");
    let _ = house.human(&["approve", &id]).ok();
    let other = run(shell("cat /proc/self/environ | tr a-z b-za"), json!(["DB_URL"]));
    assert!(mcp.call("svault_run", other).wrong().starts_with("waiting for a human"));
    assert!(mcp.call("svault_run", migrate).ok().contains("[svault:DB_URL]"));
}

#[test]
fn what_can_not_be_run_is_not_asked_for() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let said = mcp.call("svault_run", run(json!(["/no/such\u{1b}[2Jprogram"]), json!(["TOKEN"]))).wrong();
    assert!(said.starts_with("nothing was asked for or run") && !said.contains('\u{1b}'), "{said}");
    let mut elsewhere = run(shell("true"), json!(["TOKEN"]));
    for folder in ["/no/such", "/etc/passwd", "/tmp\u{0}"] {
        elsewhere["cwd"] = json!(folder);
        let said = mcp.call("svault_run", elsewhere.clone()).wrong();
        assert!(said.starts_with("nothing was asked for or run: no such folder"), "{said:?}");
    }
    for (command, secrets) in [
        (json!([]), json!(["TOKEN"])),
        (json!(["x".repeat(70_000)]), json!(["TOKEN"])),
        (json!({"a": 1}), json!(["TOKEN"])),
        (shell("true"), json!([])),
        (shell("true"), json!(vec!["TOKEN"; 65])),
        (shell("true"), json!(["TOKEN", "TOKEN"])),
        (shell("true"), json!(["LD_PRELOAD=TOKEN"])),
        (shell("true"), json!([{"secret": "TOKEN", "env": "A", "file": "B"}])),
    ] {
        assert_eq!(mcp.refused("svault_run", run(command, secrets)).0, -32602);
    }
    assert!(house.trail().iter().all(|e| e["event"] != "deny" && e["event"] != "allow"));
    let denied = mcp.call("svault_run", run(shell("true"), json!(["NO_SUCH"])));
    assert!(denied.wrong().starts_with("denied ("));
}

#[test]
fn a_command_ends_with_its_time_its_call_its_client_and_the_server() {
    let house = house();
    let number = |name: &str| house.home().join(name);
    let sleeps = |name: &str| {
        let file = number(name);
        run(
            shell(&format!("sleep 300 & echo $! > {}.new; mv {0}.new {0}; wait", file.display())),
            json!(["TOKEN"]),
        )
    };
    let gone = |pid: i32| house.wait_for("the command's end", || !processes::lives(pid));
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let mut late = sleeps("late");
    late["timeout"] = 6.into();
    assert!(mcp.call("svault_run", late).wrong().starts_with("ended after 6 seconds"));
    gone(written(&house, &number("late")));

    let call = mcp.begin_call("svault_run", sleeps("cancelled"));
    let pid = written(&house, &number("cancelled"));
    mcp.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}}));
    gone(pid);
    assert!(mcp.call("svault_status", json!({})).ok().contains("unlocked"));
    assert!(mcp.seen.iter().all(|m| m["id"] != json!(call)), "a cancelled call is silent");

    let _ = mcp.begin_call("svault_run", sleeps("left"));
    let pid = written(&house, &number("left"));
    assert_eq!(mcp.end().code, 0);
    gone(pid);

    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let _ = mcp.begin_call("svault_run", sleeps("killed"));
    let pid = written(&house, &number("killed"));
    processes::kill(mcp.pid());
    gone(pid);
}

/// The guard is the command's parent, and the command may stop it.
#[test]
fn a_command_that_stops_its_guard_still_ends_with_its_time_its_call_and_its_client() {
    let house = house();
    let number = |name: &str| house.home().join(name);
    let stops = |name: &str| {
        let file = number(name);
        let line =
            format!("kill -STOP $PPID; echo $$ > {}.new; mv {0}.new {0}; exec sleep 1000000", file.display());
        run(shell(&line), json!(["TOKEN"]))
    };
    let gone = |pid: i32| house.wait_for("the command's end", || !processes::lives(pid));
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let mut late = stops("late");
    late["timeout"] = 2.into();
    assert!(mcp.call("svault_run", late).wrong().starts_with("ended after 2 seconds"));
    gone(written(&house, &number("late")));

    let call = mcp.begin_call("svault_run", stops("cancelled"));
    let pid = written(&house, &number("cancelled"));
    mcp.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}}));
    gone(pid);

    // One that stops it again and again holds nothing up either.
    let again = "trap '' TERM; while :; do kill -STOP $PPID; done";
    let mut again = run(shell(again), json!(["TOKEN"]));
    again["timeout"] = 1.into();
    assert!(mcp.call("svault_run", again).wrong().starts_with("ended after 1 seconds"));

    let _ = mcp.begin_call("svault_run", stops("left"));
    let pid = written(&house, &number("left"));
    assert_eq!(mcp.end().code, 0);
    gone(pid);

    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let _ = mcp.begin_call("svault_run", stops("killed"));
    let pid = written(&house, &number("killed"));
    processes::kill(mcp.pid());
    gone(pid);
}

/// Several calls in one line, which only some versions have, run one after the other.
#[test]
fn what_is_left_of_a_line_does_not_run_when_it_is_cancelled_or_its_client_has_gone() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-03-26"), &[]);
    let file = |name: &str| house.home().join(name);
    let sleeps = |name: &str| {
        run(
            shell(&format!("echo $$ > {}.new; mv {0}.new {0}; exec sleep 300", file(name).display())),
            json!(["TOKEN"]),
        )
    };
    let touches = |name: &str| run(json!(["touch", file(name)]), json!(["TOKEN"]));
    let batch = |mcp: &mut Mcp, calls: [Value; 3]| {
        let call = |(id, arguments)| {
            mcp.message(id, "tools/call", json!({"name": "svault_run", "arguments": arguments}))
        };
        let all: Vec<Value> = (101..).zip(calls).map(call).collect();
        mcp.send(&all.into());
    };
    let cancel = |mcp: &mut Mcp, id: u64| {
        mcp.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}),
        );
    };
    batch(&mut mcp, [sleeps("one"), touches("two"), touches("three")]);
    let pid = written(&house, &file("one"));
    cancel(&mut mcp, 102);
    cancel(&mut mcp, 101);
    let answers = mcp.heard();
    assert_eq!(
        (answers[0]["id"].as_u64(), answers.as_array().map(Vec::len)),
        (Some(103), Some(1)),
        "{answers}"
    );
    assert!(!processes::lives(pid) && !file("two").exists() && file("three").exists());

    batch(&mut mcp, [sleeps("four"), touches("five"), touches("six")]);
    let pid = written(&house, &file("four"));
    assert_eq!(mcp.end().code, 0);
    assert!(!processes::lives(pid) && !file("five").exists() && !file("six").exists());
    let released = house.trail().iter().filter(|e| e["event"] == "allow").count();
    assert_eq!(released, 3, "nothing is asked for that nobody waits for");
}

/// The guard is killed: by the system, which needs memory, or by the command itself.
#[test]
fn a_command_whose_guard_is_killed_is_cut_off_with_all_below_it_and_no_other_is() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let file = |name: &str| house.home().join(name);
    let write =
        |what: &str, name: &str| format!("echo {what} > {}.new; mv {0}.new {0}", file(name).display());
    let leaves = format!("sleep 300 >/dev/null 2>&1 & {}", write("$!", "left"));
    let _ = mcp.call("svault_run", run(shell(&leaves), json!(["TOKEN"]))).ok();
    let left = written(&house, &file("left"));
    let goes_on = format!(
        "{}; while [ ! -e {} ]; do sleep 0.05; done; echo fine",
        write("$$", "other"),
        file("go").display()
    );
    let other = mcp.begin_call("svault_run", run(shell(&goes_on), json!(["TOKEN"])));
    let _ = written(&house, &file("other"));

    let kills = format!(
        "(setsid sleep 300 >/dev/null 2>&1 & {}); echo before; sleep 0.3; kill -KILL $PPID; sleep 300",
        write("$!", "below")
    );
    let text = mcp.call("svault_run", run(shell(&kills), json!(["TOKEN"]))).wrong();
    assert!(text.starts_with("cut off: ") && text.contains("It may have done some of its work"), "{text}");
    assert!(text.contains("--- stdout\nbefore\n"), "{text}");
    let below = written(&house, &file("below"));
    house.wait_for("the end of what is below", || !processes::lives(below));

    std::fs::write(file("go"), "").expect("write");
    assert!(mcp.said(other).ok().contains("fine"));
    assert!(processes::lives(left), "what an ordinary end leaves runs on");
    processes::kill(left);
}

#[test]
fn what_a_command_leaves_writing_keeps_no_call() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let line = format!("echo own; yes & echo $! > {}; exit 0", house.home().join("yes").display());
    let text = mcp.call("svault_run", run(shell(&line), json!(["TOKEN"]))).ok();
    assert!(text.starts_with("exit code 0\n--- stdout\nown\ny\n"), "{}", text.len());
    let yes = written(&house, &house.home().join("yes"));
    house.wait_for("the end of what nobody reads", || !processes::lives(yes));
}

#[test]
fn a_long_output_is_cut_and_says_so() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let text =
        mcp.call("svault_run", run(shell("yes $TOKEN | head -c 3000000; echo end"), json!(["TOKEN"]))).ok();
    assert!(
        text.len() < 120_000 && text.contains("bytes left out") && text.contains("end\n"),
        "{}",
        text.len()
    );
    assert!(!text.contains(VALUE));
}
