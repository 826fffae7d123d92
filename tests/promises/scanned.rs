//! The match service is no oracle: whole values only, within a meter, and every sighting is in the trail before it is told.

use serde_json::{Value, json};
use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{RAW, Raw};

const VALUE: &str = "sk-test-scanned-0Zq7Xw3Kd9Lm";
/// Has 12 bytes and is easily guessed; and one that is too short.
const WEAK: &str = "aaaaaaaabbbb";
const SHORT: &str = "k3Y-0Zq7Xw3";

fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox
        .set_policy("[callers.tester]\nscopes = [\"db\"]\n[reason]\nmin_chars = 10\n[medium]\nask = true\n");
    sandbox.add("MINE", VALUE, &["--tier", "medium", "--scope", "db"]);
    sandbox.add("OTHERS", "sk-test-others-8Rt5Yb2Nc6Vx", &["--tier", "high", "--scope", "payments"]);
    sandbox.add("WEAK", WEAK, &["--tier", "medium", "--scope", "db"]);
    sandbox.add("SHORT", SHORT, &["--tier", "medium", "--scope", "db"]);
    sandbox
}

/// One text over one connection, in pieces: the answers.
fn scan(sandbox: &Sandbox, caller: Option<&str>, pieces: &[&[u8]]) -> Vec<Value> {
    let mut raw = Raw::hello(&sandbox.socket(), caller);
    let answer = |(n, piece): (usize, &&[u8])| {
        raw.send(&json!({"type": "scan", "end": n + 1 == pieces.len()}));
        raw.frame(RAW, piece);
        let answer = raw.control();
        assert_eq!(answer["type"], "scanned", "{answer}");
        answer
    };
    pieces.iter().enumerate().map(answer).collect()
}

fn hits(answers: &[Value]) -> Vec<(u64, u64, String)> {
    let all = answers.iter().flat_map(|a| a["hits"].as_array().expect("hits"));
    let number = |v: &Value| v.as_u64().expect("a number");
    all.map(|h| (number(&h["start"]), number(&h["end"]), h["label"].as_str().expect("a label").to_owned()))
        .collect()
}

fn exposed(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.human(&["audit", "list", "--json", "--last", "100000"]).ok().json();
    let entries = listed["entries"].as_array().expect("entries").clone();
    entries.into_iter().filter(|e| e["event"] == "exposed").collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let all = three.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..=three.len() {
            out.push(char::from(ALPHABET[(all >> (18 - 6 * i)) as usize & 63]));
        }
    }
    out
}

#[test]
fn a_value_is_found_whole_in_any_form_and_named_to_who_may_ask_for_it() {
    let house = house();
    let text = format!("the key is {VALUE}, or {}.", base64(VALUE.as_bytes()));
    let start = 11;
    let end = start + VALUE.len() as u64;
    let other = end + 5;
    let expected = |label: &str| {
        vec![
            (start, end, label.to_owned()),
            (other, other + base64(VALUE.as_bytes()).len() as u64, label.to_owned()),
        ]
    };
    assert_eq!(hits(&scan(&house, Some("tester"), &[text.as_bytes()])), expected("MINE"));
    assert_eq!(
        hits(&scan(&house, None, &[text.as_bytes()])),
        expected("secret"),
        "a stranger learns no name"
    );
    let others = scan(&house, Some("tester"), &[b"sk-test-others-8Rt5Yb2Nc6Vx"]);
    assert_eq!(hits(&others), [(0, 27, "secret".to_owned())], "nor does who may not ask for it");
    // Split anywhere, told once, and counted from the beginning of the text.
    let (first, second) = text.as_bytes().split_at(20);
    let answers = scan(&house, Some("tester"), &[first, second]);
    assert_eq!(hits(&answers[..1]), []);
    assert_eq!(hits(&answers), expected("MINE"));
}

#[test]
fn guesses_that_are_not_the_whole_value_learn_nothing() {
    let house = house();
    let nothing = scan(&house, Some("tester"), &[b"nothing of it is in here at all"]).remove(0);
    let mut guesses: Vec<Vec<u8>> = Vec::new();
    for len in 1..VALUE.len() {
        guesses.push(VALUE.as_bytes()[..len].to_vec());
        guesses.push(VALUE.as_bytes()[len..].to_vec());
        guesses.push(base64(&VALUE.as_bytes()[..len]).into_bytes());
    }
    for text in [WEAK, SHORT, "MINE", "OTHERS"] {
        guesses.push(text.as_bytes().to_vec());
    }
    guesses.push(VALUE.to_uppercase().into_bytes());
    guesses.push(VALUE.bytes().rev().collect());
    for guess in guesses {
        let mut answer = scan(&house, Some("tester"), &[&guess]).remove(0);
        // The one field that depends on the text depends on its length only.
        assert_eq!(answer["decided"], guess.len());
        answer["decided"] = nothing["decided"].clone();
        assert_eq!(answer, nothing, "{}", String::from_utf8_lossy(&guess));
        // In the middle of a text as well: what has begun is not told.
        let mut answer = scan(&house, Some("tester"), &[&guess, b""]).remove(0);
        assert_eq!(answer["decided"], 0);
        answer["decided"] = nothing["decided"].clone();
        assert_eq!(answer, nothing);
    }
    assert_eq!(exposed(&house), Vec::<Value>::new());
}

#[test]
fn every_sighting_is_in_the_trail_before_it_is_told() {
    need!(Linux);
    let house = house();
    assert_eq!(hits(&scan(&house, Some("tester"), &[VALUE.as_bytes()])).len(), 1);
    house.kill_daemon();
    let _ = house.unlock();
    let entries = exposed(&house);
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (&entry["secret"], &entry["session"], &entry["door"]),
        (&json!("main/MINE"), &json!("unknown"), &json!("cli"))
    );
    // It counts as seen from now on.
    let list = house.human(&["list", "--json"]).ok().json();
    let seen = |name: &str| {
        let rows = list["secrets"].as_array().expect("rows");
        rows.iter().find(|r| r["name"] == name).map(|r| r["seen"].clone())
    };
    assert_eq!((seen("MINE"), seen("OTHERS")), (Some(json!(true)), Some(json!(false))));
}

#[test]
fn what_is_in_another_value_or_the_same_is_in_the_trail_too() {
    let house = house();
    let long = format!("{VALUE}-and-more-4Tg6");
    for (name, value) in [("SAME", VALUE), ("LONG", &long), ("INSIDE", &long[9..])] {
        house.add(name, value, &["--tier", "medium", "--scope", "db"]);
    }
    let told = hits(&scan(&house, Some("tester"), &[long.as_bytes()]));
    assert_eq!(told, [(0, long.len() as u64, "LONG".to_owned())], "one mask");
    let mut names: Vec<String> =
        exposed(&house).iter().map(|e| e["secret"].as_str().expect("a secret").to_owned()).collect();
    names.sort();
    assert_eq!(names, ["main/INSIDE", "main/LONG", "main/MINE", "main/SAME"]);
}

#[test]
fn so_many_secrets_in_a_day_also_after_a_kill() {
    need!(Linux);
    let house = house();
    let value = |n: usize| format!("sk-test-many-{n:02}-8Rt5Yb2Nc6Vx");
    for n in 0..22 {
        house.add(&format!("MANY{n:02}"), &value(n), &["--tier", "medium", "--scope", "db"]);
    }
    for n in 0..10 {
        assert_eq!(hits(&scan(&house, Some("tester"), &[value(n).as_bytes()])).len(), 1);
    }
    house.kill_daemon();
    let _ = house.unlock();
    for n in 10..20 {
        assert_eq!(hits(&scan(&house, Some("tester"), &[value(n).as_bytes()])).len(), 1, "{n}");
    }
    // One that was told before is no new one, under another name neither.
    assert_eq!(hits(&scan(&house, Some("other"), &[value(3).as_bytes()])).len(), 1);
    // Of a text with one too many those are told that are recorded.
    let text = format!("{} {} {}", value(5), value(20), value(19));
    let over = scan(&house, Some("tester"), &[text.as_bytes()]).remove(0);
    assert_eq!((&over["rules_only"], hits(std::slice::from_ref(&over)).len()), (&json!(true), 2), "{over}");
    let metered = |house: &Sandbox| {
        let listed = house.human(&["audit", "list", "--json", "--last", "1000"]).ok().json();
        let entries = listed["entries"].as_array().expect("entries").clone();
        entries.iter().filter(|e| e["event"] == "metered" && e["cause"] == "scan_secrets").count()
    };
    assert_eq!(metered(&house), 1);
    assert!(exposed(&house).iter().all(|e| e["secret"] != "main/MANY20"));
    house.kill_daemon();
    let _ = house.unlock();
    for text in [value(21), value(3)] {
        let over = scan(&house, None, &[text.as_bytes()]).remove(0);
        assert_eq!((&over["rules_only"], &over["hits"]), (&json!(true), &json!([])));
    }
    assert_eq!(metered(&house), 1, "said once");
    assert!(house.run(&["status"]).ok().text().contains("rules only"));
}

#[test]
fn so_much_text_in_a_minute() {
    let house = house();
    let mut raw = Raw::hello(&house.socket(), Some("tester"));
    let text = vec![b'x'; 65536];
    let mut closed = 0;
    for _ in 0..170 {
        raw.send(&json!({"type": "scan", "end": true}));
        raw.frame(RAW, &text);
        closed += u32::from(raw.control()["rules_only"] == true);
    }
    assert!((1..=10).contains(&closed), "{closed} of 170");
    // Another session has its own.
    let over = scan(&house, Some("tester"), &[VALUE.as_bytes()]).remove(0);
    assert_eq!((&over["rules_only"], &over["hits"]), (&json!(true), &json!([])));
}

#[test]
fn what_changes_in_the_vaults_changes_what_is_found() {
    let house = house();
    let new = "sk-test-changed-6Hj4Pq1Ws8Ez";
    assert_eq!(hits(&scan(&house, Some("tester"), &[new.as_bytes()])), []);
    house.add("LATER", new, &["--tier", "medium", "--scope", "db"]);
    assert_eq!(hits(&scan(&house, Some("tester"), &[new.as_bytes()])).len(), 1);
    let _ = house.human(&["remove", "LATER"]).ok();
    assert_eq!(hits(&scan(&house, Some("tester"), &[new.as_bytes()])), []);
}

fn metered(house: &Sandbox, cause: &str) -> usize {
    let listed = house.human(&["audit", "list", "--json", "--last", "1000"]).ok().json();
    let entries = listed["entries"].as_array().expect("entries").clone();
    entries.iter().filter(|e| e["event"] == "metered" && e["cause"] == cause).count()
}

/// What an agent adds by itself must neither slow down the search of anybody's text nor be told from anybody's text.
#[test]
fn a_proposal_is_not_looked_for_before_a_human_has_confirmed_it() {
    let house = house();
    let slow = format!("{}cd", "ab".repeat(32_767));
    let proposed = "sk-test-proposed-5Gh2Kl8Mn4Pq";
    for (name, value) in [("SLOW", slow.as_str()), ("WAITS", proposed)] {
        let _ = house.svault(&["add", name, "--propose", "--scope", "db"]).stdin(value).run().ok();
    }
    let text = "ab".repeat(32 << 10);
    let answer = scan(&house, Some("tester"), &[text.as_bytes()]).remove(0);
    assert_eq!((&answer["rules_only"], &answer["hits"]), (&json!(false), &json!([])));
    assert_eq!(hits(&scan(&house, Some("tester"), &[proposed.as_bytes()])), []);
    assert_eq!((exposed(&house).len(), metered(&house, "scan_work")), (0, 0));
    let _ = house.human(&["edit", "WAITS", "--vault", "main"]).ok();
    assert_eq!(hits(&scan(&house, Some("tester"), &[proposed.as_bytes()])).len(), 1);
}

/// A new vault, a seal, every 64th release: each makes all heads safe in between.
#[test]
fn a_value_is_looked_for_however_many_checkpoints_lie_before_it() {
    let house = house();
    let looked_for = |value: &str| hits(&scan(&house, Some("tester"), &[value.as_bytes()])).len();
    assert_eq!(looked_for(VALUE), 1);
    for (n, vault) in ["one", "two", "three"].into_iter().enumerate() {
        let _ = house.human(&["vault", "create", vault]).ok();
        let (added, replaced) =
            (format!("sk-test-added-{n}-7Fq2Ls9Xw4"), format!("sk-test-replaced-{n}-3Bn6Hd8Vy1"));
        house.add(&format!("NEW{n}"), &added, &["--tier", "medium", "--scope", "db"]);
        assert_eq!(looked_for(&added), 1, "added after {n} more");
        let _ = house.human(&["vault", "create", &format!("{vault}-more")]).ok();
        let args = ["replace", "MINE"];
        let _ = house.svault(&args).human().stdin(replaced.as_str()).run().ok();
        assert_eq!(looked_for(&replaced), 1, "replaced after {n} more");
    }
}

#[test]
fn a_text_that_makes_too_much_work_has_rules_only_for_a_minute_and_that_is_recorded() {
    let house = house();
    house.add("PERIODIC", &format!("{}cd", "ab".repeat(32_767)), &["--tier", "medium", "--scope", "db"]);
    let text = "ab".repeat(32 << 10);
    let answer = scan(&house, Some("tester"), &[text.as_bytes()]).remove(0);
    assert_eq!((&answer["rules_only"], &answer["hits"]), (&json!(true), &json!([])));
    assert_eq!(metered(&house, "scan_work"), 1);
    let after = scan(&house, Some("tester"), &[VALUE.as_bytes()]).remove(0);
    assert_eq!((&after["rules_only"], &after["hits"]), (&json!(true), &json!([])));
    assert_eq!(metered(&house, "scan_work"), 1, "said once");
    assert!(house.run(&["status"]).ok().text().contains("rules only"));
}

#[test]
fn who_is_sealed_off_is_told_no_name_and_who_is_suspended_nothing() {
    let house = house();
    let refused = |name: &str| {
        for _ in 0..5 {
            let args = ["get", name, "--scope", "payments", "--reason", GOOD_REASON, "--wait", "0"];
            let _ = house.asks(&args).denied();
            // At a pace at which each has a record of its own.
            std::thread::sleep(std::time::Duration::from_millis(210));
        }
    };
    let text = VALUE.as_bytes();
    let seen = || scan(&house, Some("tester"), &[text]).remove(0);
    assert_eq!(hits(&[seen()])[0].2, "MINE");
    refused("MINE");
    assert_eq!(hits(&[seen()])[0].2, "secret", "masked still, and nameless");
    refused("OTHERS");
    let answer = seen();
    assert_eq!((hits(std::slice::from_ref(&answer)), &answer["rules_only"]), (vec![], &json!(true)));
    let scrubbed = house.svault(&["scrub"]).stdin(text).run().ok();
    assert!(scrubbed.err.contains("a session that is suspended"), "{}", scrubbed.all());
    // The same as for a text that has nothing in it.
    let nothing = scan(&house, Some("tester"), &[&vec![b'x'; text.len()]]).remove(0);
    assert_eq!(answer, nothing);
}
