//! Promise 1: every way to a value passes the gate. No message but a request's release returns one.

use serde_json::{Value, json};
use std::path::Path;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{CONTROL, RAW, Raw, SEALED, ask};

const VALUE: &str = "sk-test-one-gate-5f0e1c9a77";
const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A secret of each tier; nobody has scopes.
fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    for tier in ["low", "medium", "high"] {
        sandbox.add(&tier.to_uppercase(), VALUE, &["--tier", tier, "--scope", "db"]);
    }
    sandbox
}

/// Every act that takes presence, as a hand-made message.
fn wants() -> Vec<Value> {
    let secret = json!({"vault": "main", "name": "LOW"});
    let class = json!({"scope": "db", "tier": "low"});
    let request = ask(secret.clone(), Some("db"), Some(GOOD_REASON), "value");
    let mut run = json!({"want": "run"});
    for key in ["items", "scope", "reason", "argv", "cwd", "wait"] {
        run[key] = request[key].clone();
    }
    vec![
        json!({"want": "window"}),
        json!({"want": "show", "secret": secret}),
        json!({"want": "render", "secrets": [secret]}),
        run,
        json!({"want": "list"}),
        json!({"want": "add", "name": "NEW", "vault": "main", "class": class}),
        json!({"want": "replace", "secret": secret}),
        json!({"want": "remove", "secret": secret}),
        json!({"want": "edit", "secret": secret, "class": class}),
        json!({"want": "import", "vault": "main", "update": true}),
        json!({"want": "vault_create", "name": "other"}),
        json!({"want": "vault_list"}),
        json!({"want": "pending"}),
        json!({"want": "approve", "id": "7K2MQ9XA", "lasts": "once"}),
        json!({"want": "deny", "id": "7K2MQ9XA"}),
        json!({"want": "cancel_any", "id": "7K2MQ9XA"}),
        json!({"want": "seals"}),
        json!({"want": "unseal", "id": "7K2MQ9XA"}),
        json!({"want": "policy_show"}),
        json!({"want": "policy_set", "toml": "[callers.tester]\nscopes = [\"db\"]\n"}),
        json!({"want": "settings_show"}),
        json!({"want": "settings_set", "zone": "Asia/Tokyo", "notify": "/bin/true"}),
        json!({"want": "explain", "id": "7K2MQ9XA"}),
        json!({"want": "callers"}),
        json!({"want": "agent_start", "caller": "robot", "argv": ["/bin/true"], "cwd": "/"}),
        json!({"want": "audit_list"}),
        json!({"want": "audit_show", "id": "7K2MQ9XA"}),
        json!({"want": "slots", "slots": []}),
    ]
}

/// Every other message a client can send, but for `lock`, which has its own test.
fn messages() -> Vec<Value> {
    let secret = json!({"vault": "main", "name": "LOW"});
    let class = json!({"scope": "db", "tier": "low"});
    let mut all = vec![
        json!({"type": "hello", "version": 1, "door": "cli", "caller": null}),
        json!({"type": "status"}),
        ask(secret, Some("db"), Some(GOOD_REASON), "value"),
        json!({"type": "cancel", "id": "7K2MQ9XA"}),
        json!({"type": "propose", "name": "LOW", "vault": "main", "class": {"scope": "db", "tier": "medium"}}),
        json!({"type": "mine", "scope": "db"}),
        json!({"type": "request_secret", "name": "LOW", "scope": "db", "why": GOOD_REASON}),
        json!({"type": "scan", "end": true}),
        json!({"type": "verify_trail"}),
        json!({"type": "prove_begin", "slot": "0011223344556677", "nonce": HEX}),
        json!({"type": "prove_end", "mac": HEX}),
        json!({"type": "yes", "act": HEX, "mac": HEX}),
        json!({"type": "items", "items": [{"name": "NEW", "class": class}]}),
    ];
    all.extend(wants().into_iter().map(|mut want| {
        want["type"] = "want".into();
        want
    }));
    all
}

/// The variants of an enum, in the words of the wire, read from the source of the messages.
fn variants(file: &str, name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/wire/src").join(file);
    let text = std::fs::read_to_string(&path).expect("the source of the messages");
    let body = text.split_once(&format!("pub enum {name} {{\n")).expect("the enum").1;
    let body = body.split_once("\n}\n").expect("the enum's end").0;
    let lines = body.lines().filter_map(|l| l.strip_prefix("    "));
    let starts = lines.filter(|l| l.starts_with(|c: char| c.is_ascii_uppercase()));
    starts.map(|l| snake(l.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(""))).collect()
}

fn snake(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[test]
fn every_message_is_in_these_tests() {
    let mut sent: Vec<String> =
        messages().iter().map(|m| m["type"].as_str().unwrap_or("").to_owned()).collect();
    sent.push("lock".into());
    for variant in variants("message.rs", "ToDaemon") {
        assert!(sent.contains(&variant), "no test sends '{variant}'");
    }
    let wanted: Vec<String> = wants().iter().map(|w| w["want"].as_str().unwrap_or("").to_owned()).collect();
    for variant in variants("want.rs", "Want") {
        assert!(wanted.contains(&variant), "no test wants '{variant}'");
    }
    let answers = variants("message.rs", "FromDaemon");
    let known = "hello status waiting pending released denied done scanned locked verified prove_challenge proved act more report error";
    assert_eq!(answers, known.split(' ').collect::<Vec<_>>(), "a new answer: can it carry a value?");
}

#[test]
fn no_message_in_the_open_gives_a_value_or_changes_anything() {
    let house = house();
    let before = (house.human(&["list"]).ok().text(), house.human(&["policy", "show"]).ok().text());
    for message in messages() {
        let mut raw = Raw::hello(&house.socket(), Some("tester"));
        raw.send(&message);
        raw.frame(RAW, b"a value for those that take one");
        for (kind, payload) in raw.rest() {
            let text = String::from_utf8_lossy(&payload);
            assert_eq!(kind, CONTROL, "{message} was answered with bytes");
            assert!(!text.contains(VALUE), "{message} gave the value: {text}");
            for word in ["LOW", "MEDIUM", "HIGH", "[limits]"] {
                assert!(!text.contains(word), "{message} gave a name or the policy: {text}");
            }
        }
    }
    let after = (house.human(&["list"]).ok().text(), house.human(&["policy", "show"]).ok().text());
    assert_eq!(before, after);
}

#[test]
fn show_without_presence_is_denied() {
    let house = house();
    for name in ["LOW", "MEDIUM", "HIGH", "NO_SUCH"] {
        let shown = house.run(&["show", name]).exits(4);
        assert!(!shown.all().contains(VALUE), "{}", shown.all());
    }
}

#[test]
fn a_hand_made_request_gets_what_policy_gives_and_no_more() {
    let house = Sandbox::open_to_all("");
    house.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    house.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let answer = |secret: &str, scope: Option<&str>, exposure: &str| {
        let mut raw = Raw::hello(&house.socket(), Some("tester"));
        raw.send(&ask(json!({"vault": "main", "name": secret}), scope, Some(GOOD_REASON), exposure));
        raw.rest()
    };
    let given = answer("LOW", Some("db"), "value");
    assert_eq!(given.len(), 2, "{given:?}");
    let released: Value = serde_json::from_slice(&given[0].1).expect("JSON");
    assert_eq!(released["type"], "released");
    assert_eq!(released["items"][0]["way"], "value", "a release says which exposure was granted");
    assert_eq!(given[1], (RAW, VALUE.as_bytes().to_vec()));
    for (secret, scope, exposure) in [
        ("LOW", Some("api"), "value"),
        ("LOW", None, "value"),
        ("MEDIUM", Some("db"), "value"),
        ("MEDIUM", Some("db"), "file"),
        ("MEDIUM", Some("api"), "env"),
        ("NO_SUCH", Some("db"), "value"),
    ] {
        for (kind, payload) in answer(secret, scope, exposure) {
            let text = String::from_utf8_lossy(&payload);
            assert!(kind == CONTROL && !text.contains(VALUE), "{secret} {scope:?} {exposure}: {text}");
        }
    }
}

#[test]
fn all_or_nothing() {
    let house = Sandbox::open_to_all("");
    house.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    house.add("OTHER", VALUE, &["--tier", "low", "--scope", "api"]);
    let mut raw = Raw::hello(&house.socket(), Some("tester"));
    let mut request = ask(json!({"vault": "main", "name": "LOW"}), Some("db"), Some(GOOD_REASON), "value");
    request["items"] = json!([{"secret": {"vault": "main", "name": "LOW"}, "way": "value"}, {"secret": {"vault": "main", "name": "OTHER"}, "way": "value"}]);
    raw.send(&request);
    let frames = raw.rest();
    assert!(frames.iter().all(|(kind, _)| *kind == CONTROL), "{frames:?}");
}

#[test]
fn broken_frames_hurt_nobody_else() {
    let house = Sandbox::open_to_all("");
    house.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    let mut held = Vec::new();
    let huge = [u32::MAX.to_le_bytes().as_slice(), &[CONTROL]].concat();
    let none = 0u32.to_le_bytes().to_vec();
    let half = [1000u32.to_le_bytes().as_slice(), b"\0{\"type\":"].concat();
    for bytes in [huge, none, half, b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        for greeted in [false, true] {
            let mut raw = if greeted {
                Raw::hello(&house.socket(), Some("tester"))
            } else {
                Raw::connect(&house.socket())
            };
            raw.bytes(&bytes);
            held.push(raw);
        }
    }
    for (kind, payload) in [
        (SEALED, vec![0; 64]),
        (RAW, vec![0; 64]),
        (7, vec![0; 64]),
        (CONTROL, b"{}".to_vec()),
        (CONTROL, b"{\"type\":\"cancel\",\"id\":\"7K2MQ9XA\",\"more\":1}".to_vec()),
        (CONTROL, vec![b'['; 100_000]),
        (CONTROL, vec![0xff; 1000]),
    ] {
        let mut raw = Raw::hello(&house.socket(), Some("tester"));
        raw.frame(kind, &payload);
        for (kind, payload) in raw.rest() {
            assert_eq!(kind, CONTROL);
            let answer: Value = serde_json::from_slice(&payload).expect("JSON");
            assert!(answer["type"] == "error" || answer["type"] == "denied", "{answer}");
        }
    }
    assert_eq!(house.get("LOW").ok().text(), VALUE);
    drop(held);
}

#[test]
fn nothing_but_the_gate_makes_a_release() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/daemon/src");
    let (mut makers, mut senders, mut writers) = (Vec::new(), Vec::new(), Vec::new());
    for (name, text) in sources(&folder) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        let has = |part: &str| code.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(part));
        if has("(Released {") || has("= Released {") || has("> Released {") {
            makers.push(name.clone());
        }
        if has("FromDaemon::Released") {
            senders.push(name.clone());
        }
        if has("Kind::Raw") || has("seal_raw(") {
            writers.push(name);
        }
    }
    assert_eq!(makers, ["gate.rs"], "only the gate makes a Released");
    assert_eq!(senders, ["serve/answer.rs"], "one place answers with a release");
    let known = ["presence.rs", "serve/answer.rs"];
    assert!(writers.iter().all(|w| known.contains(&w.as_str())), "values are written elsewhere: {writers:?}");
}

/// Every source file below a folder but for tests: its path in it, and its text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("sources").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).expect("below").display().to_string();
            if path.is_dir() && !name.ends_with("tests") {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                found.push((name, std::fs::read_to_string(&path).expect("source")));
            }
        }
    }
    found
}
