//! The MCP server as a client sees it, in both eras of the protocol.

use serde_json::{Value, json};
use svault_tests::mcp::{ERAS, Era, Mcp};
use svault_tests::sandbox::{GOOD_REASON, Sandbox};

const LOW: &str = "sk-test-mcp-low-\"quoted\"\n71c0";
const MEDIUM: &str = "sk-test-mcp-medium-a94e";

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("API_KEY", LOW, &["--tier", "low", "--scope", "api", "--description", "the sandbox account"]);
    sandbox.add("DB_URL", MEDIUM, &["--scope", "db", "--description", "orders"]);
    sandbox.add("db.pass", MEDIUM, &["--tier", "high", "--scope", "db"]);
    sandbox
}

fn get(name: &str, scope: &str) -> Value {
    json!({"name": name, "scope": scope, "reason": GOOD_REASON})
}

#[test]
fn every_era_has_its_own_opening_and_the_same_tools() {
    let house = house();
    for era in ERAS {
        let mut mcp = Mcp::start(&house, era, &[]);
        if era == Era::Modern {
            let found = mcp.request("server/discover", json!({}))["result"].clone();
            let versions = found["supportedVersions"].as_array().expect("versions");
            assert!(
                versions.contains(&"2026-07-28".into()) && versions.contains(&"2024-11-05".into()),
                "{found}"
            );
            assert_eq!(
                (found["cacheScope"].as_str(), found["resultType"].as_str()),
                (Some("private"), Some("complete"))
            );
            assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "svault", "{found}");
            assert!(found["ttlMs"].is_u64(), "{found}");
            assert!(
                found["instructions"].as_str().expect("instructions").contains("Never read .env"),
                "{found}"
            );
        }
        let listed = mcp.request("tools/list", json!({}))["result"].clone();
        assert_eq!(listed.get("cacheScope").is_some(), era == Era::Modern, "{listed}");
        let tools = listed["tools"].as_array().expect("tools");
        for tool in tools {
            let name = tool["name"].as_str().expect("a name");
            let reads = ["svault_list_secrets", "svault_status"].contains(&name);
            assert_eq!(tool["annotations"]["readOnlyHint"], reads, "{name}");
            assert!(tool.get("outputSchema").is_none(), "{name}");
            assert_eq!(tool["_meta"]["anthropic/alwaysLoad"], true, "{name}");
        }
        assert!(mcp.call("svault_status", json!({})).ok().contains("tester (claimed)"));
        assert_eq!(mcp.call("svault_get_secret", get("API_KEY", "api")).ok(), LOW);
        assert_eq!(mcp.request("nonsense", json!({}))["error"]["code"], -32601);
        let ping = mcp.request("ping", json!({}));
        assert_eq!(ping.get("result").is_some(), era != Era::Modern, "{ping}");
        let ended = mcp.end();
        assert_eq!((ended.code, &*ended.text(), &*ended.err), (0, "", ""), "{}", ended.all());
    }
    let doors: Vec<Value> = house.trail().into_iter().filter(|e| e["event"] == "allow").collect();
    assert_eq!(doors.len(), ERAS.len());
    assert!(doors.iter().all(|e| e["door"] == "mcp"), "{doors:?}");
}

#[test]
fn the_handshake_tells_who_this_is_and_a_probe_may_come_before_it() {
    let house = house();
    let mut mcp = Mcp::silent(house.svault(&["mcp"]), Era::Legacy("2025-06-18"));
    let early = mcp.request("tools/list", json!({}));
    assert_eq!(early["error"]["code"], -32602, "neither era: {early}");
    let modern = Era::Modern;
    let mut probe = Mcp::silent(house.svault(&["mcp"]), modern);
    assert!(probe.request("server/discover", json!({})).get("result").is_some());
    let hello = json!({"protocolVersion": "2031-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    for mcp in [&mut mcp, &mut probe] {
        let id = 77;
        mcp.send(&json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": hello}));
        let answer = mcp.answer(id);
        assert_eq!(
            answer["result"]["protocolVersion"], "2025-11-25",
            "the latest with a handshake: {answer}"
        );
        assert_eq!(answer["result"]["serverInfo"]["name"], "svault");
        assert!(answer["result"]["instructions"].as_str().expect("instructions").contains("by name"));
    }
}

#[test]
fn other_versions_and_requests_without_capabilities_are_refused() {
    let house = house();
    let mut mcp = Mcp::silent(house.svault(&["mcp"]), Era::Legacy("none"));
    let version = "io.modelcontextprotocol/protocolVersion";
    let other = mcp.request("tools/list", json!({"_meta": {version: "1999-01-01"}}));
    assert_eq!(other["error"]["code"], -32022, "{other}");
    assert_eq!(other["error"]["data"]["requested"], "1999-01-01");
    assert_eq!(other["error"]["data"]["supported"][0], "2026-07-28");
    let bare = mcp.request("tools/list", json!({"_meta": {version: "2026-07-28"}}));
    assert_eq!(bare["error"]["code"], -32602, "{bare}");
    let cursor = Mcp::start(&house, Era::Modern, &[]).request("tools/list", json!({"cursor": "x"}));
    assert_eq!(cursor["error"]["code"], -32602, "{cursor}");
}

#[test]
fn a_secret_that_may_be_used_but_not_read_is_a_reference_and_no_denial() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let said = mcp.call("svault_get_secret", get("DB_URL", "db")).ok();
    assert!(said.starts_with("svault://main/DB_URL\n") && said.contains("svault_run"), "{said}");
    assert!(said.contains("DB_URL=svault://main/DB_URL"), "{said}");
    let odd = mcp.call("svault_get_secret", get("svault://main/db.pass", "db")).ok();
    assert!(odd.contains("VARIABLE=svault://main/db.pass"), "{odd}");
    let events: Vec<Value> = house.trail().iter().map(|e| e["event"].clone()).collect();
    assert!(events.contains(&json!("read")), "{events:?}");
    assert!(!events.contains(&json!("deny")) && !events.contains(&json!("allow")), "{events:?}");
}

#[test]
fn a_denial_is_the_one_opaque_line() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let mut lines = Vec::new();
    for (name, scope) in [("NO_SUCH", "db"), ("API_KEY", "db"), ("API_KEY", "payments")] {
        let said = mcp.call("svault_get_secret", get(name, scope));
        let id = said.id();
        assert!(said.text.starts_with(&format!("denied ({id}): {name} was not released")), "{said:?}");
        assert_eq!(house.entry(&id)["entry"]["door"], "mcp");
        lines.push(said.wrong().replace(&id, "ID").replace(name, "NAME"));
    }
    lines.dedup();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_name_in_two_vaults_needs_one_of_them() {
    let house = house();
    let _ = house.human(&["vault", "create", "work"]).ok();
    house.add("API_KEY", "sk-test-of-work", &["--tier", "low", "--scope", "api", "--vault", "work"]);
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let said = mcp.call("svault_get_secret", get("API_KEY", "api")).wrong();
    assert!(said.contains("svault://main/API_KEY, svault://work/API_KEY"), "{said}");
    let mut named = get("API_KEY", "api");
    named["vault"] = "work".into();
    assert_eq!(mcp.call("svault_get_secret", named).ok(), "sk-test-of-work");
}

#[test]
fn a_locked_store_says_what_the_human_must_do_and_a_new_daemon_is_found_again() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-06-18"), &[]);
    assert_eq!(mcp.call("svault_get_secret", get("API_KEY", "api")).ok(), LOW);
    house.lock();
    let locked = "locked: a human must run 'svault unlock'";
    for tool in ["svault_get_secret", "svault_list_secrets"] {
        let arguments = if tool == "svault_get_secret" { get("API_KEY", "api") } else { json!({}) };
        let said = mcp.call(tool, arguments).wrong();
        assert!(said.starts_with(locked), "{tool}: {said}");
    }
    assert!(mcp.call("svault_status", json!({})).ok().starts_with(locked), "that is what was asked");
    let _ = house.unlock();
    assert_eq!(mcp.call("svault_get_secret", get("API_KEY", "api")).ok(), LOW);
}

#[test]
fn without_a_store_it_still_speaks() {
    let nothing = Sandbox::empty();
    let mut mcp = Mcp::start(&nothing, Era::Modern, &[]);
    assert!(mcp.call("svault_status", json!({})).ok().contains("svault init"));
    assert!(mcp.call("svault_get_secret", get("API_KEY", "api")).wrong().contains("svault init"));
    assert_eq!(mcp.end().code, 0);
}

#[test]
fn the_end_of_the_input_is_the_end_before_a_word_and_after() {
    let house = house();
    let silent = Mcp::silent(house.svault(&["mcp"]), Era::Modern).end();
    assert_eq!((silent.code, &*silent.text(), &*silent.err), (0, "", ""));
    // What needs no human is answered even if the input has ended by then.
    let mut mcp = Mcp::silent(house.svault(&["mcp", "--caller", "tester"]), Era::Modern);
    let call = mcp.message(5, "tools/call", json!({"name": "svault_status", "arguments": {}}));
    mcp.send(&call);
    let ended = mcp.end();
    assert_eq!(ended.code, 0, "{}", ended.all());
    assert!(ended.text().contains("\"id\":5"), "{}", ended.all());
}

#[test]
fn garbage_is_told_and_the_next_line_is_served() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-11-25"), &[]);
    let long = format!("\"{}\"", "x".repeat(3_000_000));
    let cases: [(&[u8], i64); 8] = [
        (b"not JSON", -32700),
        (b"\xff\xfe{}", -32700),
        (b"7", -32600),
        (b"[]", -32600),
        (b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600),
        (b"{\"jsonrpc\":\"1.0\",\"id\":9,\"method\":\"ping\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\",\"params\":7}", -32602),
        (long.as_bytes(), -32600),
    ];
    for (line, code) in cases {
        mcp.line(line);
        let said = mcp.heard();
        assert_eq!(said["error"]["code"], code, "{}", String::from_utf8_lossy(&line[..line.len().min(60)]));
    }
    mcp.line(b"");
    mcp.send(&json!({"jsonrpc": "2.0", "id": 3, "result": {}}));
    mcp.send(&json!({"jsonrpc": "2.0", "method": "notifications/unknown"}));
    mcp.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}}));
    let deep = "[".repeat(100_000);
    mcp.line(&deep);
    assert_eq!(mcp.heard()["error"]["code"], -32700, "deep nesting is no stack");
    assert!(mcp.request("ping", json!({})).get("result").is_some());
}

/// Clients cut texts between the two halves of one character, and send null for what they don't say.
#[test]
fn half_a_character_and_null_are_served() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-11-25"), &[]);
    let mut half = get("API_KEY", "api");
    half["reason"] = "HALF the tests need it".into();
    let call = mcp.message(77, "tools/call", json!({"name": "svault_get_secret", "arguments": half}));
    mcp.line(call.to_string().replace("HALF", "\\ud83d"));
    assert_eq!(mcp.said(77).ok(), LOW);
    let entry = house.trail().into_iter().find(|e| e["event"] == "allow").expect("a release");
    assert_eq!(entry["reason"], "\u{fffd} the tests need it");

    mcp.send(&json!({"jsonrpc": "2.0", "id": 78, "method": "tools/list", "params": null}));
    assert!(mcp.answer(78)["result"]["tools"].is_array());
    assert!(mcp.request("tools/list", json!({"cursor": null}))["result"]["tools"].is_array());
    let status = mcp.request("tools/call", json!({"name": "svault_status", "arguments": null}));
    assert_eq!(status["result"]["isError"], false, "{status}");
}

#[test]
fn a_batch_is_answered_in_one_line_where_the_version_has_batches() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Legacy("2025-03-26"), &[]);
    let call = |id, name: &str| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "svault_get_secret", "arguments": get(name, "api")}})
    };
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
    mcp.send(&json!([call(1, "API_KEY"), note, ping, call(2, "NO_SUCH"), 7]));
    let all = mcp.heard();
    let ids: Vec<&Value> = all.as_array().expect("an array").iter().map(|a| &a["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!("p"), &json!(2), &Value::Null]);
    assert_eq!(all[0]["result"]["content"][0]["text"], LOW);
    assert_eq!(all[2]["result"]["isError"], true);
    assert_eq!(all[3]["error"]["code"], -32600);
}

#[test]
fn wrong_arguments_are_protocol_errors_that_repeat_nothing() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let canary = "sk-test-canary-41b7";
    let with = |key: &str, value: Value| {
        let mut arguments = get("API_KEY", "api");
        arguments[key] = value;
        arguments
    };
    let cases = [
        ("svault_get_secret", json!({"name": canary})),
        ("svault_get_secret", with("name", json!([canary]))),
        ("svault_get_secret", with("name", format!("a\u{1b}[2J{canary}").into())),
        ("svault_get_secret", with("name", format!("svault://x/../{canary}").into())),
        ("svault_get_secret", with("name", canary.repeat(60).into())),
        ("svault_get_secret", with("scope", format!("{canary} ").into())),
        ("svault_get_secret", with("reason", canary.repeat(60).into())),
        ("svault_get_secret", with("reason", json!({"a": canary}))),
        ("svault_get_secret", with("vault", format!("{canary}/").into())),
        ("svault_get_secret", with(canary, json!(1))),
        ("svault_list_secrets", json!({"scope": [canary]})),
        ("svault_list_secrets", json!({canary: 1})),
        ("svault_status", json!({"a": canary})),
        ("svault_no_such_tool", json!({"a": canary})),
        (canary, json!({})),
    ];
    for (tool, arguments) in cases {
        let (code, line) = mcp.refused(tool, arguments.clone());
        assert_eq!(code, -32602, "{tool} {arguments}");
        assert!(!line.contains(canary) && !line.contains('\u{1b}'), "{tool} {arguments}: {line}");
    }
    for params in [json!({}), json!({"name": 7}), json!({"name": "svault_status", "arguments": [canary]})] {
        let answer = mcp.request("tools/call", params);
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let ended = mcp.end();
    assert!(!ended.all().contains(canary), "{}", ended.all());
    assert!(house.trail().iter().all(|e| e["event"] != "deny"), "nothing of it was a request");
}
