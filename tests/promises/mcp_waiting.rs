//! What an MCP client sees while a human is asked: progress, a pending answer that the same call resumes, cancellation,
//! and secrets that are missing.

use serde_json::{Value, json};
use svault_tests::mcp::{Era, Mcp};
use svault_tests::sandbox::{GOOD_REASON, Sandbox};

const VALUE: &str = "sk-test-mcp-waiting-77d2";

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("PROD_KEY", VALUE, &["--tier", "high", "--scope", "db", "--expose", "value"]);
    sandbox
}

fn get() -> Value {
    json!({"name": "PROD_KEY", "scope": "db", "reason": GOOD_REASON})
}

fn pending(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.human(&["pending", "--json"]).ok().json();
    listed["pending"].as_array().expect("rows").clone()
}

/// Begins a call that wants progress; the id under which it waits, as the first progress says it.
fn begins_to_wait(mcp: &mut Mcp) -> (u64, String) {
    let id = mcp.begin(
        "tools/call",
        json!({"name": "svault_get_secret", "arguments": get(), "_meta": {"progressToken": "tok"}}),
    );
    let told = mcp.heard();
    assert_eq!(
        (told["method"].as_str(), told["params"]["progressToken"].as_str()),
        (Some("notifications/progress"), Some("tok"))
    );
    let message = told["params"]["message"].as_str().expect("words").to_owned();
    let waits = message.rsplit(' ').next().expect("an id").to_owned();
    assert_eq!(message, format!("waiting for a human: svault approve {waits}"));
    (id, waits)
}

#[test]
fn a_wait_that_is_over_is_resumed_by_the_same_call_and_no_other() {
    let house = house();
    for era in [Era::Modern, Era::Legacy("2025-06-18")] {
        let mut mcp = Mcp::start(&house, era, &["--wait", "1"]);
        let said = mcp.call("svault_get_secret", get());
        let id = said.id();
        assert!(said.clone().wrong().starts_with(&format!("waiting for a human: request {id}")), "{said:?}");
        assert!(mcp.call("svault_status", json!({})).ok().contains(&id));
        assert_eq!(mcp.call("svault_get_secret", get()).id(), id, "the same call is the same request");
        let _ = house.human(&["approve", &id]).ok();
        let mut other = get();
        other["reason"] = "something else entirely, honestly".into();
        assert_ne!(mcp.call("svault_get_secret", other).id(), id, "a yes is for what was asked");
        let mut stranger = Mcp::start(&house, era, &["--wait", "0"]);
        assert_ne!(stranger.call("svault_get_secret", get()).id(), id, "a yes is for who has asked");
        assert_eq!(mcp.call("svault_get_secret", get()).ok(), VALUE);
        assert_ne!(mcp.call("svault_get_secret", get()).id(), id, "tier high: once");
    }
}

#[test]
fn progress_comes_while_it_waits_and_only_where_it_was_asked_for() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &["--wait", "50"]);
    let (call, waits) = begins_to_wait(&mut mcp);
    assert!(mcp.call("svault_status", json!({})).ok().contains(&waits), "others are served meanwhile");
    let _ = house.human(&["approve", &waits]).ok();
    assert_eq!(mcp.said(call).ok(), VALUE);
    let notes = mcp.seen.iter().filter(|m| m["method"] == "notifications/progress").count();
    let silent = mcp.begin_call("svault_get_secret", get());
    house.wait_for("the second request", || !pending(&house).is_empty());
    let id = pending(&house)[0]["id"].as_str().expect("an id").to_owned();
    let _ = house.human(&["deny", &id]).ok();
    assert!(mcp.said(silent).wrong().starts_with("denied ("));
    assert_eq!(mcp.seen.iter().filter(|m| m["method"] == "notifications/progress").count(), notes);
    // The oldest version has numbers alone.
    let mut old = Mcp::start(&house, Era::Legacy("2024-11-05"), &["--wait", "50"]);
    let _ = old.begin(
        "tools/call",
        json!({"name": "svault_get_secret", "arguments": get(), "_meta": {"progressToken": 7}}),
    );
    let told = old.heard();
    assert_eq!(told["params"]["progressToken"], 7);
    assert!(told["params"].get("message").is_none(), "{told}");
}

#[test]
fn a_cancelled_call_takes_its_request_back_and_stays_silent() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &["--wait", "50"]);
    let (call, waits) = begins_to_wait(&mut mcp);
    assert_eq!(pending(&house)[0]["id"], waits);
    mcp.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}}));
    house.wait_for("the request's end", || pending(&house).is_empty());
    assert!(house.trail().iter().any(|e| e["event"] == "cancel" && e["id"] == waits));
    assert!(mcp.call("svault_status", json!({})).ok().contains("nothing of yours waits"));
    assert!(mcp.seen.iter().all(|m| m["id"] != json!(call)), "{:?}", mcp.seen);
    let ended = mcp.end();
    assert_eq!(
        (ended.code, ended.text().contains(&format!("\"id\":{call},"))),
        (0, false),
        "{}",
        ended.all()
    );
}

#[test]
fn calls_that_are_taken_back_seal_nothing_and_count_as_requests() {
    let house = Sandbox::ready();
    house.set_policy(
        "[callers.tester]\nscopes = [\"db\"]\n[limits]\nseal_after = \"2 denials/5min\"\nburst_per_session = \"5/5min\"\n",
    );
    house.add("PROD_KEY", VALUE, &["--tier", "high", "--scope", "db", "--expose", "value"]);
    let mut mcp = Mcp::start(&house, Era::Modern, &["--wait", "50"]);
    for _ in 0..5 {
        let (call, waits) = begins_to_wait(&mut mcp);
        mcp.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}}),
        );
        house.wait_for("the request's end", || pending(&house).is_empty());
        let taken: Vec<Value> =
            house.trail().into_iter().filter(|e| e["event"] == "cancel" && e["id"] == waits).collect();
        assert_eq!((taken.len(), &taken[0]["secret"]), (1, &json!("main/PROD_KEY")), "{taken:?}");
    }
    assert_eq!(house.human(&["seals", "--json"]).ok().json()["seals"], json!([]));
    // Asking and taking back is no way to nag: the sixth is denied.
    assert!(mcp.call("svault_get_secret", get()).wrong().starts_with("denied"));
    assert_eq!(pending(&house), Vec::<Value>::new());
}

#[test]
fn a_client_that_goes_away_is_not_waited_for_and_a_signal_ends_it() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &["--wait", "600"]);
    let _ = begins_to_wait(&mut mcp);
    let ended = mcp.end();
    assert_eq!((ended.code, &*ended.err), (0, ""), "{}", ended.all());
    house.wait_for("the end of what only that connection could use", || pending(&house).is_empty());
    let mut mcp = Mcp::start(&house, Era::Modern, &["--wait", "600"]);
    let _ = begins_to_wait(&mut mcp);
    let pid = rustix::process::Pid::from_raw(mcp.pid()).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it lives");
    assert_eq!(mcp.ends().code, 128 + 15);
}

#[test]
fn a_missing_secret_is_asked_for_and_added_by_a_human_alone() {
    let house = house();
    let mut mcp = Mcp::start(&house, Era::Modern, &[]);
    let wish = |name: &str| json!({"name": name, "scope": "db", "why": "the build signs with it"});
    let said = mcp.call("svault_request_secret", wish("SIGN_KEY"));
    let id = said.id();
    assert!(said.clone().ok().contains("svault add SIGN_KEY --scope db"), "{said:?}");
    assert_eq!(mcp.call("svault_request_secret", wish("SIGN_KEY")).id(), id, "one wish, however often");
    let row = pending(&house).remove(0);
    assert_eq!(
        (&row["id"], &row["wanted"]["name"], &row["door"]),
        (&json!(id), &json!("SIGN_KEY"), &json!("mcp"))
    );
    let shown = house.human(&["pending"]).ok().text();
    assert!(
        shown.contains("says that SIGN_KEY is missing") && shown.contains(&format!("svault deny {id}")),
        "{shown}"
    );
    assert!(mcp.call("svault_status", json!({})).ok().contains(&id));
    let _ = house.human(&["approve", &id]).exits(1);
    house.add("SIGN_KEY", VALUE, &["--scope", "db"]);
    assert!(pending(&house).is_empty(), "adding it is the answer");
    let second = mcp.call("svault_request_secret", wish("OTHER_KEY")).id();
    let _ = house.human(&["deny", &second]).ok();
    assert!(pending(&house).is_empty());
    let trail = house.trail();
    assert!(trail.iter().any(|e| e["event"] == "wanted" && e["id"] == id && e["caller"] == "tester"));
    assert!(trail.iter().any(|e| e["event"] == "refuse" && e["id"] == second));
}
