//! Promise 9 of the ground floor: denials teach nothing. The same bytes but for the id, and the record is there before
//! the answer, whatever the cause.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use svault_tests::sandbox::{GOOD_REASON, OPEN_POLICY, Sandbox};
use svault_tests::socket::{CONTROL, RAW, Raw, ask};

const VALUE: &str = "sk-test-opaque-90ac";

/// A policy under which every cause of a denial can be had.
const POLICY: &str = r#"
[callers.tester]
scopes = ["db", "api"]
rate = "1000/hour"

[limits]
burst_per_session = "1000/10s"
burst_per_secret = "2/10min"
seal_after = "5 denials/5min"

[reason]
min_chars = 10

[medium]
ask = true

[[forbid]]
secret = "FORBIDDEN"
"#;

fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.set_policy(POLICY);
    for name in ["GOOD", "FAIR", "FORBIDDEN", "SEALED", "BURST"] {
        sandbox.add(name, VALUE, &["--tier", "low", "--scope", "db"]);
    }
    sandbox.add("CLOSED", VALUE, &["--tier", "low", "--scope", "db", "--window", "mon 03:00-03:01"]);
    sandbox.add("PINNED", VALUE, &["--tier", "low", "--scope", "db", "--caller", "somebody-else"]);
    sandbox.add("OTHER_SCOPE", VALUE, &["--tier", "low", "--scope", "payments"]);
    let _ = sandbox.human(&["vault", "create", "second"]).ok();
    sandbox.add("TWICE", VALUE, &["--tier", "low", "--scope", "db"]);
    sandbox.add("TWICE", VALUE, &["--tier", "low", "--scope", "db", "--vault", "second"]);
    for _ in 0..2 {
        let _ = sandbox.get("BURST").ok();
    }
    for _ in 0..5 {
        pace();
        let _ = sandbox.asks(&["get", "SEALED", "--scope", "wrong", "--reason", GOOD_REASON]).denied();
    }
    sandbox
}

/// Above five a second denials are folded into one record; here each shall have its own.
fn pace() {
    std::thread::sleep(Duration::from_millis(220));
}

/// Every cause that a request alone can have: its word in the trail, and the request.
fn causes() -> Vec<(&'static str, Value)> {
    let named = |name: &str| json!({"vault": "main", "name": name});
    let good = Some(GOOD_REASON);
    vec![
        ("unknown_name", ask(named("NO_SUCH_SECRET"), Some("db"), good, "value")),
        ("unknown_name", ask(json!({"vault": "no-such-vault", "name": "GOOD"}), Some("db"), good, "value")),
        ("ambiguous", ask(json!({"vault": null, "name": "TWICE"}), Some("db"), good, "value")),
        ("wrong_scope", ask(named("GOOD"), Some("api"), good, "value")),
        ("no_scope", ask(named("GOOD"), None, good, "value")),
        ("scope_not_held", ask(named("OTHER_SCOPE"), Some("payments"), good, "value")),
        ("no_reason", ask(named("FAIR"), Some("db"), None, "value")),
        ("short_reason", ask(named("FAIR"), Some("db"), Some("why"), "value")),
        ("outside_window", ask(named("CLOSED"), Some("db"), good, "value")),
        ("not_caller", ask(named("PINNED"), Some("db"), good, "value")),
        ("forbidden", ask(named("FORBIDDEN"), Some("db"), good, "value")),
        ("secret_burst", ask(named("BURST"), Some("db"), good, "value")),
        ("sealed", ask(named("SEALED"), Some("db"), good, "value")),
    ]
}

fn answered(sandbox: &Sandbox, request: &Value) -> (Vec<u8>, String) {
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    raw.send(request);
    let frames = raw.rest();
    assert_eq!(frames.len(), 1, "{request}: {frames:?}");
    assert_eq!(frames[0].0, CONTROL);
    let answer: Value = serde_json::from_slice(&frames[0].1).expect("JSON");
    assert_eq!(answer["type"], "denied", "{request}: {answer}");
    let id = answer["id"].as_str().expect("an id").to_owned();
    let bytes = String::from_utf8(frames[0].1.clone()).expect("text").replace(&id, "IIIIIIII");
    (bytes.into_bytes(), id)
}

#[test]
fn every_cause_gives_the_same_bytes() {
    let sandbox = house();
    let mut seen = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut found = Vec::new();
    for (cause, request) in causes() {
        pace();
        let (bytes, id) = answered(&sandbox, &request);
        seen.insert(bytes);
        // The record is there when the answer is.
        let entry = sandbox.entry(&id);
        let recorded = entry["entry"]["cause"].as_str().unwrap_or("").to_owned();
        if recorded != cause {
            found.push(format!("{cause}: recorded as '{recorded}' for {request}"));
        }
        assert!(ids.insert(id), "an id was used twice");
    }
    assert_eq!(
        seen.len(),
        1,
        "answers differ: {:?}",
        seen.iter().map(|b| String::from_utf8_lossy(b)).collect::<Vec<_>>()
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_command_line_says_the_same_line_for_every_cause() {
    let sandbox = house();
    for args in [
        &["NO_SUCH_SECRET", "--scope", "db", "--reason", GOOD_REASON] as &[&str],
        &["TWICE", "--scope", "db", "--reason", GOOD_REASON],
        &["GOOD", "--scope", "api", "--reason", GOOD_REASON],
        &["GOOD", "--scope", "db"],
        &["GOOD", "--scope", "db", "--reason", "why"],
        &["GOOD", "--reason", GOOD_REASON],
        &["FORBIDDEN", "--scope", "db", "--reason", GOOD_REASON],
        &["SEALED", "--scope", "db", "--reason", GOOD_REASON],
    ] {
        let _ = sandbox.asks(&[&["get"], args].concat()).denied();
        let json = sandbox.asks(&[&["get"], args, &["--json"]].concat()).exits(4).json();
        let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["error", "id", "ok"], "{json}");
        assert_eq!((&json["ok"], &json["error"]["code"]), (&json!(false), &json!("denied")), "{json}");
    }
}

/// The same cause then and now.
#[test]
fn a_human_is_told_that_a_name_is_in_several_vaults() {
    let sandbox = house();
    let id = sandbox.asks(&["get", "TWICE", "--scope", "db", "--reason", GOOD_REASON]).denied();
    let said = sandbox.human(&["policy", "explain", &id]).ok().text();
    assert!(said.contains("deny: ambiguous") && !said.contains("there is no secret"), "{said}");
}

#[test]
fn a_humans_no_is_the_same_answer() {
    let sandbox = house();
    sandbox.add("HIGH", VALUE, &["--tier", "high", "--scope", "db"]);
    let mut request = ask(json!({"vault": "main", "name": "HIGH"}), Some("db"), Some(GOOD_REASON), "env");
    request["items"][0]["way"] = json!({"env": "HIGH"});
    request["argv"] = json!(["/bin/true"]);
    request["cwd"] = "/".into();
    request["wait"] = 60.into();
    let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
    raw.send(&request);
    let waiting = raw.control();
    assert_eq!(waiting["type"], "waiting", "{waiting}");
    let id = waiting["id"].as_str().expect("an id").to_owned();
    let _ = sandbox.human(&["deny", &id]).ok();
    let (_, refused) = raw.frame_in().expect("an answer");
    let refused = String::from_utf8(refused).expect("text").replace(&id, "IIIIIIII");
    let (unknown, _) = answered(&sandbox, &causes()[0].1);
    assert_eq!(refused.into_bytes(), unknown);
}

#[test]
fn a_proposal_of_a_name_that_exists_is_a_denial_like_any_other() {
    let sandbox = house();
    let _ = sandbox.svault(&["add", "GOOD"]).stdin("another").run().denied();
    let _ = sandbox.svault(&["add", "A_NEW_ONE"]).stdin("sk-test-proposed").run().ok();
    let _ = sandbox.svault(&["add", "A_NEW_ONE"]).stdin("sk-test-proposed").run().denied();
    assert_eq!(sandbox.human(&["show", "GOOD"]).ok().text(), VALUE);
}

/// The list of what waits to be confirmed is a human's to read: nobody makes it longer than that.
#[test]
fn one_proposal_too_many_is_a_denial_like_any_other() {
    let sandbox = Sandbox::ready();
    sandbox.set_policy(&OPEN_POLICY.replace("proposals = 10000\n", ""));
    let mut raw = Raw::hello(&sandbox.socket(), None);
    let mut propose = |name: &str| {
        let class = json!({"scope": "default", "tier": "medium"});
        raw.send(&json!({"type": "propose", "name": name, "vault": "main", "class": class}));
        raw.frame(RAW, b"sk-test-proposed");
        raw.control()
    };
    for n in 0..64 {
        let said = propose(&format!("P{n}"));
        assert_eq!(said["type"], "done", "{n}: {said}");
    }
    let without_id = |mut said: Value| {
        assert!(said["id"].take().is_string());
        said.to_string()
    };
    let (too_many, exists) = (without_id(propose("P64")), without_id(propose("P0")));
    assert_eq!(too_many, exists);
    assert!(too_many.contains("denied"), "{too_many}");
    let _ = sandbox.human(&["edit", "P7", "--vault", "main"]).ok();
    assert_eq!(propose("P64")["type"], "done", "one was confirmed");
    assert_eq!(propose("P65")["type"], "denied");
    sandbox.lock();
    let _ = sandbox.unlock();
    let said = sandbox.svault(&["add", "P65"]).stdin("sk-test-proposed").run();
    let _ = said.denied();
}

#[test]
fn who_may_have_it_in_a_narrower_way_is_told_so_and_nobody_else() {
    let sandbox = house();
    sandbox.add("ENV_ONLY", VALUE, &["--tier", "medium", "--scope", "db"]);
    let told = sandbox.get("ENV_ONLY").exits(4);
    assert!(told.err.contains("svault run --env ENV_ONLY --scope db --reason '…'"), "{}", told.all());
    let _ = sandbox.asks(&["get", "ENV_ONLY", "--scope", "api", "--reason", GOOD_REASON]).denied();
    let _ = sandbox.asks(&["get", "ENV_ONLY", "--scope", "db"]).denied();
}
