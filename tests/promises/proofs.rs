//! Promise 5 of the ground floor, by hand: proofs and acts that are altered, replayed, swapped or of another
//! connection, from a client that has the key. (Late ones are in the daemon's tests, where the clock can be moved.)

use serde_json::{Value, json};
use svault_tests::need;
use svault_tests::processes;
use svault_tests::prover::Prover;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{CONTROL, RAW, Raw, ask};

const VALUE: &str = "sk-test-proofs-0d3c";

fn house() -> (Sandbox, Prover) {
    let sandbox = Sandbox::ready();
    sandbox.add("LOW", VALUE, &["--tier", "low"]);
    sandbox.add("OTHER", "sk-test-other", &["--tier", "low"]);
    let prover = Prover::new(&sandbox);
    (sandbox, prover)
}

fn show(name: &str) -> Value {
    json!({"want": "show", "secret": {"vault": "main", "name": name}})
}

/// No value, and no done.
#[track_caller]
fn nothing(frames: &[(u8, Vec<u8>)]) {
    for (kind, payload) in frames {
        let text = String::from_utf8_lossy(payload);
        assert_eq!(*kind, CONTROL, "{text}");
        assert!(!text.contains(VALUE) && !text.contains("\"done\"") && !text.contains("released"), "{text}");
    }
}

#[test]
fn a_client_made_from_the_specification_alone_is_served() {
    need!(Linux);
    let (sandbox, prover) = house();
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(show("LOW"));
    assert!(act.starts_with(b"svault/1/act"));
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    assert_eq!(channel.message()["type"], "released");
    assert_eq!(channel.frame_in(), Some((RAW, VALUE.as_bytes().to_vec())));
}

#[test]
fn an_altered_or_replayed_proof_ends_the_connection() {
    need!(Linux);
    let (sandbox, prover) = house();
    let first = prover.begin(&sandbox);
    let recorded = first.proof();
    assert!(first.end(&recorded).is_ok());
    let again = prover.begin(&sandbox);
    assert!(again.end(&recorded).is_err(), "a recorded proof serves a second time");
    let altered = prover.begin(&sandbox);
    let mut proof = altered.proof();
    proof[31] ^= 1;
    assert!(altered.end(&proof).is_err());
}

#[test]
fn a_proof_without_its_beginning_proves_nothing() {
    need!(Linux);
    let (sandbox, prover) = house();
    let proof = prover.begin(&sandbox).proof();
    let mut raw = Raw::hello(&sandbox.socket(), None);
    raw.send(&json!({"type": "prove_end", "mac": svault_tests::prover::hex(&proof)}));
    nothing(&raw.rest());
}

#[test]
fn a_yes_is_for_the_act_as_shown() {
    need!(Linux);
    let (sandbox, prover) = house();
    // For other bytes than those that the daemon will do.
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(show("LOW"));
    let other = String::from_utf8_lossy(&act).replace("main/LOW", "main/XXX").into_bytes();
    let yes = channel.yes(&id, &other);
    channel.send(&yes);
    nothing(&channel.rest());
    // Under another id.
    let mut channel = prover.prove(&sandbox);
    let (_, act) = channel.want(show("LOW"));
    let yes = channel.yes("7K2MQ9XA", &act);
    channel.send(&yes);
    nothing(&channel.rest());
    // The yes of one connection on another.
    let (mut first, mut second) = (prover.prove(&sandbox), prover.prove(&sandbox));
    let (id, act) = first.want(show("LOW"));
    let yes = first.yes(&id, &act);
    let _ = second.want(show("LOW"));
    second.send(&yes);
    nothing(&second.rest());
    // Before anything was wanted.
    let mut channel = prover.prove(&sandbox);
    let yes = channel.yes("7K2MQ9XA", b"svault/1/act");
    channel.send(&yes);
    nothing(&channel.rest());
}

#[test]
fn what_changed_between_showing_and_doing_is_not_done() {
    need!(Linux);
    let (sandbox, prover) = house();
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(show("LOW"));
    let _ = sandbox.svault(&["replace", "LOW"]).human().stdin("sk-test-new").run().ok();
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    nothing(&channel.rest());
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(json!({"want": "remove", "secret": {"vault": "main", "name": "OTHER"}}));
    let _ = sandbox.svault(&["replace", "OTHER"]).human().stdin("sk-test-new").run().ok();
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    nothing(&channel.rest());
    assert_eq!(sandbox.human(&["show", "OTHER"]).ok().text(), "sk-test-new");
}

#[test]
fn what_the_files_of_a_run_set_is_told_by_a_whole_digest() {
    need!(Linux);
    let (sandbox, prover) = house();
    let run = |sets: &str| {
        json!({"type": "want", "want": "run", "scope": null, "reason": null, "wait": 0, "argv": ["/bin/true"], "cwd": "/tmp",
            "sets": sets, "items": [{"secret": {"vault": "main", "name": "LOW"}, "way": {"env": "LOW"}}]})
    };
    for (sets, answer) in [("0".repeat(64), "act"), ("0".repeat(16), "error"), ("x\n".repeat(32), "error")] {
        let mut channel = prover.prove(&sandbox);
        channel.send(&run(&sets));
        let said = channel.message();
        assert_eq!(said["type"], answer, "{said}");
    }
}

#[test]
fn a_change_that_was_made_from_what_is_no_more_undoes_nothing() {
    need!(Linux);
    let (sandbox, prover) = house();
    sandbox.set_policy(svault_tests::sandbox::OPEN_POLICY);
    let low = || sandbox.human(&["list", "--json"]).ok().json()["secrets"][0].clone();
    assert_eq!(low()["name"], "LOW");
    let was = json!({"scope": low()["scope"], "tier": "low"});
    let mut wider = was.clone();
    wider["description"] = "new".into();
    let mut edit =
        json!({"want": "edit", "secret": {"vault": "main", "name": "LOW"}, "class": wider, "was": was});
    // Once between the card and the yes, and once before the card.
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(edit.clone());
    let _ = sandbox.human(&["edit", "LOW", "--tier", "high"]).ok();
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    assert_eq!(channel.message()["code"], "act_changed");
    let mut channel = prover.prove(&sandbox);
    edit["type"] = "want".into();
    channel.send(&edit);
    assert_eq!(channel.message()["code"], "act_changed");
    assert_eq!(low()["tier"], "high");

    let policy = || sandbox.human(&["policy", "show"]).ok().text();
    let old = policy();
    let set = |was: &str| {
        let digest = svault_tests::prover::hex(&<sha2::Sha256 as sha2::Digest>::digest(was));
        json!({"want": "policy_set", "toml": format!("# a comment\n{was}"), "was": digest})
    };
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(set(&old));
    let _ = sandbox.human(&["caller", "remove", "tester"]).ok();
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    assert_eq!(channel.message()["code"], "act_changed");
    assert!(!policy().contains("callers.tester"), "a caller that was removed is back");
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(set(&policy()));
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    assert_eq!(channel.message()["type"], "done");
    assert!(policy().starts_with("# a comment"));
}

#[test]
fn one_proof_serves_one_act() {
    need!(Linux);
    let (sandbox, prover) = house();
    let mut channel = prover.prove(&sandbox);
    let (id, act) = channel.want(show("OTHER"));
    let yes = channel.yes(&id, &act);
    channel.send(&yes);
    assert_eq!(channel.message()["type"], "released");
    assert_eq!(channel.frame_in().map(|(kind, _)| kind), Some(RAW));
    let mut again = show("LOW");
    again["type"] = "want".into();
    channel.send(&again);
    channel.send(&yes);
    nothing(&channel.rest());
    // Nor a second one instead of the first.
    let mut channel = prover.prove(&sandbox);
    let _ = channel.want(show("OTHER"));
    channel.send(&again);
    nothing(&channel.rest());
}

#[test]
fn frames_of_the_channel_come_once_in_order_and_whole() {
    need!(Linux);
    let (sandbox, prover) = house();
    type Harm = fn(&mut Vec<Vec<u8>>);
    let harms: [(&str, Harm); 5] = [
        ("altered", |f| f[0][3] ^= 1),
        ("repeated", |f| f.insert(1, f[0].clone())),
        ("left out", |f| drop(f.remove(0))),
        ("swapped", |f| f.swap(0, 1)),
        ("cut", |f| f[0].truncate(20)),
    ];
    for (what, harm) in harms {
        let mut channel = prover.prove(&sandbox);
        let mut want = show("LOW");
        want["type"] = "want".into();
        let lock = json!({"type": "lock"});
        let mut frames = vec![
            channel.seal(CONTROL, want.to_string().as_bytes()),
            channel.seal(CONTROL, lock.to_string().as_bytes()),
        ];
        harm(&mut frames);
        for frame in &frames {
            channel.send_sealed(frame);
        }
        nothing(&channel.rest());
        assert!(sandbox.daemon().is_some(), "{what}: it was locked");
    }
}

#[test]
fn an_unknown_slot_looks_like_any_other() {
    need!(Linux);
    let (sandbox, _) = house();
    let mut raw = Raw::hello(&sandbox.socket(), None);
    raw.send(&json!({"type": "prove_begin", "slot": "0011223344556677", "nonce": "11".repeat(32)}));
    let answer = raw.control();
    assert_eq!(answer["type"], "prove_challenge", "{answer}");
    raw.send(&json!({"type": "prove_end", "mac": "22".repeat(32)}));
    nothing(&raw.rest());
}

#[test]
fn a_yes_that_was_overtaken_is_recorded_as_not_done() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let prover = Prover::new(&sandbox);
    let daemon = sandbox.daemon().expect("a daemon");
    let mut request = ask(json!({"vault": "main", "name": "MEDIUM"}), Some("db"), Some(GOOD_REASON), "env");
    request["argv"] = json!(["/bin/true"]);
    request["cwd"] = "/".into();
    request["wait"] = 60.into();
    // The yes waits for the disk while its request is taken back. Which of the two is read first is the system's affair.
    for _ in 0..30 {
        let mut caller = Raw::hello(&sandbox.socket(), Some("tester"));
        caller.send(&request);
        let asked = caller.control()["id"].as_str().expect("an id").to_owned();
        let mut human = prover.prove(&sandbox);
        let (id, act) = human.want(json!({"want": "approve", "id": asked, "lasts": "once"}));
        let yes = human.yes(&id, &act);
        processes::signal(daemon, rustix::process::Signal::STOP);
        human.send(&yes);
        caller.send(&json!({"type": "cancel", "id": asked}));
        processes::signal(daemon, rustix::process::Signal::CONT);
        let said = human.message();
        let about: Vec<Value> = sandbox.trail().into_iter().filter(|e| e["id"] == *asked).collect();
        let yeses = about.iter().filter(|e| e["event"] == "approve").count();
        let undone =
            about.iter().any(|e| e["note"].as_str().is_some_and(|note| note.starts_with("not done: ")));
        assert_eq!(undone, said["type"] != "done" && yeses == 1, "{said} {about:?}");
        if undone {
            nothing(&caller.rest());
            return;
        }
    }
    panic!("no request was ever taken back while its yes was being recorded");
}

#[test]
fn a_yes_that_comes_with_another_policy_is_given_under_that() {
    need!(Linux);
    const OTHER: &str = "[callers.tester]\nscopes = [\"api\"]\n";
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let open = sandbox.human(&["policy", "show"]).ok().text();
    let (prover, daemon) = (Prover::new(&sandbox), sandbox.daemon().expect("a daemon"));
    let mut request = ask(json!({"vault": "main", "name": "MEDIUM"}), Some("db"), Some(GOOD_REASON), "env");
    request["argv"] = json!(["/bin/true"]);
    request["cwd"] = "/".into();
    request["wait"] = 60.into();
    // Both yeses are there before either is on the disk. Which is read first is the system's affair.
    let mut policy_was_first = 0;
    for _ in 0..10 {
        let mut caller = Raw::hello(&sandbox.socket(), Some("tester"));
        caller.send(&request);
        let asked = caller.control()["id"].as_str().expect("an id").to_owned();
        let (mut sets, mut approves) = (prover.prove(&sandbox), prover.prove(&sandbox));
        let (id, act) = sets.want(json!({"want": "policy_set", "toml": OTHER}));
        let set = sets.yes(&id, &act);
        let (id, act) = approves.want(json!({"want": "approve", "id": asked, "lasts": "once"}));
        let yes = approves.yes(&id, &act);
        processes::signal(daemon, rustix::process::Signal::STOP);
        sets.send(&set);
        approves.send(&yes);
        processes::signal(daemon, rustix::process::Signal::CONT);
        assert_eq!(sets.message()["type"], "done");
        let said = approves.message();
        // Newest first.
        let trail = sandbox.trail();
        let set = trail.iter().position(|e| e["act"] == "policy_set");
        let yes = trail.iter().position(|e| e["event"] == "approve" && e["id"] == *asked);
        assert_eq!(said["type"] == "done", yes.is_some(), "{said}");
        assert!(yes.is_none() || yes > set, "a yes under a policy that has ended");
        policy_was_first += usize::from(yes.is_none());
        drop(caller);
        sandbox.set_policy(&open);
    }
    println!("{policy_was_first} of 10 times the policy came first");
}

#[test]
fn an_act_that_is_being_recorded_at_the_lock_is_done_or_said_not_to_be() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let prover = Prover::new(&sandbox);
    for n in 0..10 {
        let name = format!("vault-{n}");
        let daemon = sandbox.daemon().expect("a daemon");
        let mut human = prover.prove(&sandbox);
        let (id, act) = human.want(json!({"want": "vault_create", "name": name}));
        let yes = human.yes(&id, &act);
        let mut anybody = Raw::hello(&sandbox.socket(), None);
        processes::signal(daemon, rustix::process::Signal::STOP);
        human.send(&yes);
        anybody.send(&json!({"type": "lock"}));
        processes::signal(daemon, rustix::process::Signal::CONT);
        sandbox.wait_for("the lock", || !processes::lives(daemon));
        let _ = sandbox.unlock();
        let trail = sandbox.trail();
        let about: Vec<&Value> = trail.iter().filter(|e| e["act"] == "vault_create").collect();
        let recorded = about.iter().find(|e| e["note"] == *name).map(|e| &e["id"]);
        let there = sandbox.human(&["vault", "list", "--json"]).ok().text().contains(&format!("\"{name}\""));
        let of_it = |e: &&&Value| Some(&e["id"]) == recorded;
        let undone = about.iter().filter(of_it).any(|e| e["note"].to_string().starts_with("\"not done"));
        assert_eq!(there, recorded.is_some() && !undone, "{name}: {about:?}");
    }
}
