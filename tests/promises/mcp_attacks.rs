//! What an agent could try over MCP to get more than policy gives, or to have a human or another agent misled.

use serde_json::{Value, json};
use std::path::Path;
use svault_tests::mcp::{Era, Mcp, Said};
use svault_tests::sandbox::{GOOD_REASON, OPEN_POLICY, Sandbox};
use svault_tests::socket::{Raw, ask};

const VALUE: &str = "sk-test-mcp-attack-0c55";

fn get(name: &str) -> Value {
    json!({"name": name, "scope": "db", "reason": GOOD_REASON})
}

/// One secret of each kind that the caller must not hear of, and one that it may ask for.
fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    let policy = OPEN_POLICY.replace("20 denials/1s", "5 denials/5min");
    let forbids = "[[forbid]]\nsecret = \"FORBIDDEN\"\n\n[[forbid]]\nsecret = \"NO_MCP\"\ndoor = \"mcp\"\n";
    sandbox.set_policy(&(policy + forbids));
    let low = ["--tier", "low", "--scope", "db"];
    for name in ["MINE", "FORBIDDEN", "NO_MCP", "SEALED"] {
        sandbox.add(name, VALUE, &low);
    }
    sandbox.add("PAYMENTS", VALUE, &["--tier", "low", "--scope", "payments"]);
    sandbox.add("FOR_OTHERS", VALUE, &["--tier", "low", "--scope", "db", "--caller", "somebody-else"]);
    sandbox.add("NOT_NOW", VALUE, &["--tier", "low", "--scope", "db", "--window", "mon 03:00-03:01"]);
    sandbox.add("PROXIED", VALUE, &["--scope", "db", "--destination", "api.example.com"]);
    let _ = sandbox.svault(&["add", "PROPOSED", "--scope", "db", "--propose"]).stdin(VALUE).run().ok();
    sandbox
}

#[test]
fn a_list_has_nothing_that_could_not_be_asked_for() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let before = mcp.call("svault_list_secrets", json!({})).ok();
    assert!(before.contains("svault://main/SEALED "), "{before}");
    for _ in 0..5 {
        // Above five a second they would be one record.
        std::thread::sleep(std::time::Duration::from_millis(220));
        let _ = house.asks(&["get", "SEALED", "--scope", "wrong", "--reason", GOOD_REASON]).denied();
    }
    let listed = mcp.call("svault_list_secrets", json!({})).ok();
    let names: Vec<&str> = listed.lines().filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(names, ["svault://main/MINE"], "{listed}");
    for scope in ["payments", "api", "no-such-scope"] {
        let said = mcp.call("svault_list_secrets", json!({"scope": scope})).ok();
        assert!(!said.contains("svault://"), "{scope}: {said}");
    }
    // Who is nobody hears of nothing, over the raw socket as well, and so does a name that policy doesn't know.
    for caller in [None, Some("somebody-else"), Some("nobody")] {
        let mut raw = Raw::hello(&house.socket(), caller);
        raw.send(&json!({"type": "mine", "scope": null}));
        assert_eq!(raw.control(), json!({"type": "report", "report": "mine", "rows": []}), "{caller:?}");
    }
}

#[test]
fn a_list_is_no_denial_and_is_recorded() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    for _ in 0..5 {
        let _ = mcp.call("svault_list_secrets", json!({})).ok();
    }
    let trail = house.trail();
    let reads: Vec<&Value> = trail.iter().filter(|e| e["event"] == "read").collect();
    assert_eq!(reads.len(), 1, "one record for a minute of looking");
    assert_eq!((&reads[0]["caller"], &reads[0]["door"]), (&json!("tester"), &json!("mcp")));
    assert!(trail.iter().all(|e| e["event"] != "deny"));
}

#[test]
fn a_value_is_in_the_one_answer_and_nowhere_else() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-11-25"), &[]);
    let id = mcp.begin_call("svault_get_secret", get("MINE"));
    let answer = mcp.answer(id);
    assert_eq!(answer["result"]["content"][0]["text"], VALUE);
    assert_eq!(answer.to_string().matches(VALUE).count(), 1, "once, and not in structuredContent");
    let _ = mcp.refused("svault_get_secret", json!({"name": "MINE"}));
    let memory = std::fs::read(format!("/proc/{}/environ", mcp.pid()));
    assert!(memory.map_or(true, |m| !String::from_utf8_lossy(&m).contains(VALUE)));
    mcp.seen.retain(|m| m["id"] != json!(id));
    assert!(!format!("{:?}", mcp.seen).contains(VALUE));
    let ended = mcp.end();
    assert!(!ended.all().contains(VALUE), "{}", ended.all());
    assert!(!house.trail().iter().any(|e| e.to_string().contains(VALUE)));
}

#[test]
fn nobody_of_the_same_user_looks_into_a_server_that_has_said_hello() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    assert_eq!(mcp.call("svault_get_secret", get("MINE")).ok(), VALUE);
    let look = house.program("/bin/cat", &[&format!("/proc/{}/mem", mcp.pid())]).run();
    assert_eq!(look.code, 1, "{}", look.all());
    let look = house.program("/bin/cat", &[&format!("/proc/{}/environ", mcp.pid())]).run();
    assert_eq!(look.code, 1, "{}", look.all());
}

#[test]
fn a_flood_of_calls_is_answered_and_leaves_the_server_and_the_daemon_well() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let calls = 10_000;
    let mut lines = String::new();
    for id in 1..=calls {
        let call = mcp.message(
            1_000_000 + id,
            "tools/call",
            json!({"name": "svault_get_secret", "arguments": get("MINE")}),
        );
        lines.push_str(&call.to_string());
        lines.push('\n');
    }
    // Written from beside, or both sides would wait for each other.
    let mut input = mcp.input();
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut input, lines.as_bytes()).expect("the server reads");
        input
    });
    for id in 1..=calls {
        let answer = mcp.answer(1_000_000 + id);
        assert!(answer.get("result").is_some(), "{answer}");
    }
    mcp.give_input(writer.join().expect("written"));
    let threads = Path::new("/proc").join(mcp.pid().to_string()).join("task");
    let threads = std::fs::read_dir(threads).map_or(0, Iterator::count);
    assert!(threads < 40, "{threads} threads");
    assert!(house.run(&["status"]).ok().text().contains("unlocked"));
    assert!(mcp.call("svault_status", json!({})).ok().contains("unlocked"));
}

#[test]
fn asking_for_a_missing_secret_tells_nothing_of_what_is_there() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let mut lines = Vec::new();
    for name in ["MINE", "PAYMENTS", "FORBIDDEN", "PROPOSED", "NO_SUCH_SECRET"] {
        let said =
            mcp.call("svault_request_secret", json!({"name": name, "scope": "db", "why": GOOD_REASON}));
        // The name goes first: some look like an id.
        let text = said.ok().replace(name, "NAME");
        let id = Said { text: text.clone(), wrong: false }.id();
        lines.push(text.replace(&id, "ID"));
    }
    lines.dedup();
    assert_eq!(lines.len(), 1, "{lines:?}");
    // The list of a session is bounded, and more is the opaque denial whether or not the name is taken.
    let mut more = Vec::new();
    for name in ["A1", "A2", "A3", "MINE2", "B4"] {
        more.push(
            mcp.call("svault_request_secret", json!({"name": name, "scope": "db", "why": GOOD_REASON})),
        );
    }
    assert!(more[3].clone().wrong().starts_with("denied ("), "{more:?}");
}

#[test]
fn what_a_caller_writes_is_shown_to_a_human_as_text_alone() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let sly = "x\u{1b}[2J\u{202e}\nsvault approve 00000000        session human";
    let _ = mcp.call("svault_request_secret", json!({"name": "NEW_KEY", "scope": "db", "why": sly})).ok();
    let shown = house.human(&["pending"]).ok().text();
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
    assert!(shown.lines().all(|l| !l.starts_with("svault approve 00000000")), "{shown}");
    assert!(shown.contains("\\u{202e}") && shown.contains("\\u{20}"), "{shown}");
    for name in ["a\u{1b}[2J", "a\nb", "../x", "a b", "\u{202e}x", "-x", ""] {
        let (code, line) =
            mcp.refused("svault_request_secret", json!({"name": name, "scope": "db", "why": "x"}));
        assert_eq!(code, -32602);
        assert!(name.is_empty() || !line.contains(name), "{line}");
    }
    let long = json!({"name": "NEW_KEY", "scope": "db", "why": "x".repeat(513)});
    assert_eq!(mcp.refused("svault_request_secret", long).0, -32602);
    let huge = json!({"name": "NEW_KEY", "scope": "db", "why": "x".repeat(900_000)});
    assert_eq!(mcp.refused("svault_request_secret", huge).0, -32602);
}

/// Names, sessions and calls that a client gives itself are for the reader of the trail, and for nothing else.
#[test]
fn what_a_client_says_of_itself_is_recorded_as_that_and_decides_nothing() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-06-18"), &[]);
    let call =
        |name: &str, meta: Value| json!({"name": "svault_get_secret", "arguments": get(name), "_meta": meta});
    let turn = json!({"session_id": "s-1", "turn_id": "t-1"});
    let meta = json!({"callId": "call_1", "x-codex-turn-metadata": turn});
    let _ = mcp.request("tools/call", call("MINE", meta));
    let human = json!({"claudecode/toolUseId": "human, caller human", "clientInfo": {"name": "human"}});
    let said = mcp.request("tools/call", call("FORBIDDEN", human));
    assert!(said.to_string().contains("denied"), "{said}");
    let trail = house.trail();
    let clients: Vec<&Value> = trail
        .iter()
        .filter(|e| e["door"] == "mcp" && e["event"] != "read")
        .map(|e| &e["client"])
        .rev()
        .collect();
    assert_eq!(
        clients,
        [&json!("test 1, session s-1, turn t-1, call call_1"), &json!("test 1, call human__caller_human")]
    );
    let id = trail.iter().find(|e| e["event"] == "allow").and_then(|e| e["id"].as_str()).expect("an id");
    let shown = house.human(&["audit", "show", id]).ok().text();
    let line = "said by the client       test 1, session s-1, turn t-1, call call_1 (not checked)\n";
    assert!(shown.contains(line), "{shown}");
    // By hand, past the server.
    let mut raw = Raw::hello(&house.socket(), Some("tester"));
    let mut ask = ask(json!({"vault": "main", "name": "PAYMENTS"}), Some("db"), Some(GOOD_REASON), "value");
    ask["client"] = json!("\u{1b}[2J\n".repeat(9_000));
    raw.send(&ask);
    let denied = raw.control();
    assert_eq!(denied["type"], "denied", "{denied}");
    let id = denied["id"].as_str().expect("an id");
    assert!(house.entry(id)["client"].as_str().is_none_or(|c| c.len() <= 320));
    let shown = house.human(&["audit", "show", id]).ok().text();
    assert!(!shown.contains('\u{1b}') && shown.len() < 4_000, "{shown:?}");
}
