//! A request is as long as a human can be shown, and costs what it is long: whoever sends a longer one, or one for many
//! secrets, holds up nobody and fills nothing.

use serde_json::{Value, json};
use svault_tests::need;
use svault_tests::processes::status_line;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{RAW, Raw, ask};

const VALUE: &str = "sk-test-bounds-4e1b";
/// Bytes that a request may have on a card, as the wire's specification counts them.
const MOST: usize = 114_688;
/// The largest control message.
const FRAME: usize = 262_144;

/// A request of the tester for a secret in so many variables of a command.
fn request(name: &str, times: usize, words: &[String]) -> Value {
    let mut request = ask(json!({"vault": "main", "name": name}), Some("db"), Some(GOOD_REASON), "env");
    let item = |n| json!({"secret": {"vault": "main", "name": name}, "way": {"env": format!("V{n:03}")}});
    request["items"] = (0..times).map(item).collect();
    request["argv"] = words.into();
    request["cwd"] = "/".into();
    request
}

/// Its bytes on a card, by the text of the specification.
fn size(request: &Value) -> usize {
    let field = |label: &str, value: usize| 5 + label.len() + value;
    let text = |v: &Value| {
        let text = v.as_str().expect("text");
        text.len() + 2 * text.bytes().filter(u8::is_ascii_control).count()
    };
    let item = |item: &Value| {
        let name = "main/".len() + text(&item["secret"]["name"]);
        let variable = text(&item["way"]["env"]);
        field("secret", name)
            + field("version", 20)
            + field("exposure", "env".len())
            + field("env", variable)
            + field("new", name)
    };
    request["items"].as_array().expect("items").iter().map(item).sum::<usize>()
        + request["argv"].as_array().expect("argv").iter().map(|w| field("argv", text(w))).sum::<usize>()
        + field("scope", text(&request["scope"]))
        + field("reason", text(&request["reason"]))
        + field("cwd", text(&request["cwd"]))
}

/// Requests of several shapes, each exactly as long as one may be.
fn longest(name: &str) -> Vec<(&'static str, Value)> {
    let program = "/bin/true".to_owned();
    let shapes = [
        ("one long word", 1, "x", 1),
        ("many words", 1, "", 12_000),
        ("control characters", 1, "\u{1}", 1),
        ("many secrets", 256, "x", 1),
    ];
    let filled = |(what, times, text, words): (&'static str, usize, &str, usize)| {
        let room = MOST - size(&request(name, times, std::slice::from_ref(&program)));
        let each = if text == "\u{1}" { 3 } else { 1 };
        let long = if words > 1 { String::new() } else { text.repeat((room - 20) / each) };
        let mut argv = vec![long; words];
        argv.insert(0, program.clone());
        // To the last byte.
        let so_far = size(&request(name, times, &argv));
        argv.push("y".repeat(MOST - so_far - 9));
        let request = request(name, times, &argv);
        assert_eq!(size(&request), MOST, "{what}");
        (what, request)
    };
    shapes.into_iter().map(filled).collect()
}

fn connect(sandbox: &Sandbox) -> Raw {
    Raw::hello(&sandbox.socket(), Some("tester"))
}

#[test]
fn whatever_waits_can_be_shown_approved_denied_and_taken_back() {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    for (what, mut request) in longest("MEDIUM") {
        request["wait"] = 60.into();
        let items = request["items"].as_array().expect("items").len();
        for act in [&["approve", "--for", "once"][..], &["cancel", "--any"], &["deny"]] {
            let mut raw = connect(&sandbox);
            raw.send(&request);
            let waiting = raw.control();
            assert_eq!(waiting["type"], "waiting", "{what}: {waiting}");
            let id = waiting["id"].as_str().expect("an id");
            let listed = sandbox.human(&["pending", "--json"]).ok().json();
            assert_eq!(listed["pending"][0]["id"], id, "{what}");
            let _ = sandbox.human(&[act, &[id]].concat()).ok();
            let answer = raw.control();
            if act[0] == "approve" {
                assert_eq!(answer["type"], "released", "{what}: {answer}");
                for _ in 0..items {
                    assert_eq!(raw.frame_in(), Some((RAW, VALUE.as_bytes().to_vec())));
                }
            } else {
                assert_eq!(answer["type"], "denied", "{what}: {answer}");
            }
            let _ = sandbox.human(&["audit", "show", id]).ok();
            let _ = sandbox.human(&["policy", "explain", id]).ok();
        }
    }
}

#[test]
fn one_byte_more_is_a_denial_like_any_other() {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let denied = |request: &Value| {
        let mut raw = connect(&sandbox);
        raw.send(request);
        let mut answer = raw.control();
        let id = answer["id"].take();
        (answer.to_string(), id.as_str().expect("an id").to_owned())
    };
    let (plain, _) = denied(&request("NOT_THERE", 1, &["/bin/true".into()]));
    assert!(plain.contains("denied"), "{plain}");
    for (what, mut request) in longest("MEDIUM") {
        request["cwd"] = "/x".into();
        let (said, id) = denied(&request);
        assert_eq!(said, plain, "{what}");
        let entry = &sandbox.entry(&id)["entry"];
        assert_eq!(
            (&entry["cause"], &entry["secret"]),
            (&"too_long".into(), &"main/MEDIUM".into()),
            "{what}"
        );
        assert_eq!((&entry["argv"], &entry["cwd"]), (&Value::Null, &Value::Null), "{what}: {entry}");
    }
}

#[test]
fn svault_run_says_so_before_it_asks() {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let long = "x".repeat(MOST);
    let run = ["run", "--env", "V=MEDIUM"];
    let reason = ["--scope", "db", "--reason", GOOD_REASON, "--wait", "0"];
    let command = ["--", "/bin/true", &long];
    let entries = sandbox.trail().len();
    let said = sandbox.asks(&[&run[..], &reason, &command].concat()).exits(2);
    assert!(said.err.contains("114688 is the most"), "{}", said.all());
    let said = sandbox.human(&[&run[..], &command].concat()).exits(2);
    assert!(said.err.contains("114688 is the most"), "{}", said.all());
    let added: Vec<Value> = sandbox.trail().drain(..).rev().skip(entries).collect();
    assert!(added.iter().all(|e| e["act"] == "audit_list"), "{added:?}");
}

/// What one message makes of memory and of the trail.
#[test]
fn a_request_costs_what_it_is_long() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    let pid = sandbox.daemon().expect("a daemon");
    let peak_kib = || -> usize {
        let line = status_line(pid, "VmHWM").expect("the daemon lives");
        line.trim_end_matches(" kB").trim().parse().expect("a number")
    };
    let trail = || -> u64 {
        let folder = std::fs::read_dir(sandbox.store().join("trail")).expect("trail");
        folder.flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
    };
    // As many words as fit into a message, and as many bytes.
    let mut whole: Vec<Value> = Vec::new();
    for (name, word) in [("LOW", "a"), ("NOT_THERE", "a"), ("LOW", "aaaaaaaaaaaaaaaa")] {
        let bare = request(name, 256, &[]).to_string().len();
        let words = vec![word.to_owned(); (FRAME - bare - 2) / (word.len() + 3)];
        whole.push(request(name, 256, &words));
        assert!(whole.iter().all(|r| r.to_string().len() <= FRAME));
    }
    let (memory, bytes) = (peak_kib(), trail());
    for request in &whole {
        let mut raw = connect(&sandbox);
        raw.send(request);
        assert_eq!(raw.control()["type"], "denied");
    }
    let grown = trail() - bytes;
    assert!(grown <= 3 * 2_048, "{grown} bytes of trail for three denials");
    // One that may be asked for: by who is denied it, and by who gets it.
    for (name, bound) in [("NOT_THERE", 2_048), ("LOW", 4_096)] {
        let (_, request) = longest(name).pop().expect("many secrets");
        let before = trail();
        let mut raw = connect(&sandbox);
        raw.send(&request);
        let said = raw.control();
        assert_eq!(said["type"], if name == "LOW" { "released" } else { "denied" }, "{said}");
        let grown = trail() - before;
        let most = 256 * bound + MOST as u64 * 2;
        assert!(grown <= most, "{name}: {grown} bytes of trail, and {most} would do");
    }
    let grown = peak_kib() - memory;
    assert!(grown < 16 << 10, "{grown} KiB for five requests");
}

#[test]
fn texts_that_never_come_leave_room_for_a_humans_values() {
    /// More than the usual limit of locked memory would hold.
    const MANY: usize = 300;
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let begun = |_| {
        let mut raw = connect(&sandbox);
        raw.send(&json!({"type": "scan", "end": true}));
        // A whole text is announced, and one byte of it comes.
        raw.bytes(&65_537_u32.to_le_bytes());
        raw.bytes(&[RAW, b'x']);
        raw
    };
    let texts: Vec<Raw> = (0..MANY).map(begun).collect();
    let big = "k".repeat(60_000);
    sandbox.add("BIG", &big, &["--tier", "low", "--scope", "db"]);
    assert_eq!(sandbox.human(&["show", "BIG"]).ok().text(), big);
    let memory = sandbox.run(&["status", "--json"]).ok().json();
    assert_eq!(memory["memory_locked"], true, "{memory}");
    drop(texts);
}
