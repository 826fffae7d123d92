//! A human's yes is for one request as it was asked: what differs is asked again, and nothing outlives its owner.

use serde_json::{Value, json};
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{RAW, Raw, ask};
use svault_tests::{Output, Robot, need};

const VALUE: &str = "sk-test-approvals-c4d1";

fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    let exe = Robot::executable(&sandbox);
    sandbox.set_policy(&format!(
        "[callers.robot]\nexe = [\"{}\"]\nscopes = [\"db\"]\nrate = \"1000/hour\"\n[callers.tester]\nscopes = [\"db\"]\n\
         [limits]\nburst_per_session = \"1000/1s\"\nburst_per_secret = \"1000/1s\"\nseal_after = \"20 denials/1s\"\n",
        exe.display()
    ));
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    sandbox.add("HIGH", VALUE, &["--tier", "high", "--scope", "db"]);
    sandbox
}

/// `run` with a secret in `$V`, which prints it.
fn use_of(name: &'static str, command: &'static str, wait: &'static str) -> Vec<&'static str> {
    let env = if name == "HIGH" { "V=HIGH" } else { "V=MEDIUM" };
    vec![
        "run",
        "--env",
        env,
        "--scope",
        "db",
        "--reason",
        GOOD_REASON,
        "--wait",
        wait,
        "--",
        "/bin/sh",
        "-c",
        command,
    ]
}

const PRINT: &str = "printf %s \"$V\"";

/// The id of a request that waits.
#[track_caller]
fn waits(said: &Output) -> String {
    assert_eq!(said.code, 6, "{}", said.all());
    let id = said.err.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    id.unwrap_or_else(|| panic!("no id\n{}", said.all())).0.to_owned()
}

/// What waits for a human.
fn pending(sandbox: &Sandbox) -> Value {
    sandbox.human(&["pending", "--json"]).ok().json()["pending"].clone()
}

#[track_caller]
fn approve(sandbox: &Sandbox, id: &str, lasts: &str) {
    let _ = sandbox.human(&["approve", id, "--for", lasts]).ok();
}

#[test]
fn a_yes_for_the_session_serves_the_same_command_again_and_nothing_else() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    // Only a human says yes.
    let _ = robot.runs(&["approve", &id]).exits(4);
    approve(&sandbox, &id, "session");
    assert_eq!(robot.runs(&use_of("MEDIUM", PRINT, "0")).text(), "[svault:MEDIUM]");
    assert_eq!(robot.runs(&use_of("MEDIUM", PRINT, "0")).text(), "[svault:MEDIUM]");
    // Another command, another secret, another variable, another folder.
    let _ = waits(&robot.runs(&use_of("MEDIUM", "echo $V", "0")));
    let _ = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
    let other = ["run", "--env", "W=MEDIUM", "--scope", "db", "--reason", GOOD_REASON, "--wait", "0", "--"];
    let _ = waits(&robot.runs(&[&other[..], &["/bin/sh", "-c", PRINT]].concat()));
    // Another process of the same caller is not the one that was approved.
    let mut other = Robot::start(&sandbox);
    let again = other.runs(&use_of("MEDIUM", PRINT, "0"));
    assert_ne!(again.text(), "[svault:MEDIUM]", "{}", again.all());
}

#[test]
fn a_new_version_a_dead_process_and_a_lock_end_it() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let granted = |robot: &mut Robot<'_>| {
        let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
        approve(&sandbox, &id, "session");
        assert_eq!(robot.runs(&use_of("MEDIUM", PRINT, "0")).code, 0);
    };
    granted(&mut robot);
    let _ = sandbox.svault(&["replace", "MEDIUM"]).human().stdin("sk-test-new").run().ok();
    let _ = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    granted(&mut robot);
    sandbox.lock();
    let _ = sandbox.unlock();
    let _ = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    granted(&mut robot);
    drop(robot);
    let mut robot = Robot::start(&sandbox);
    let _ = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
}

#[test]
fn a_high_secret_takes_a_yes_for_every_single_release() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    for _ in 0..2 {
        let id = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
        approve(&sandbox, &id, "once");
        assert_eq!(robot.runs(&use_of("HIGH", PRINT, "0")).text(), "[svault:HIGH]");
    }
    let id = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
    // A lasting yes is not to be had.
    let lasting = sandbox.human(&["approve", &id, "--for", "session"]);
    if lasting.code == 0 {
        assert_eq!(robot.runs(&use_of("HIGH", PRINT, "0")).text(), "[svault:HIGH]");
    }
    let _ = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
}

#[test]
fn a_yes_that_would_not_release_anything_is_not_taken_for_one() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    let policy = sandbox.human(&["policy", "show"]).ok().text();
    sandbox.set_policy(&format!("{policy}\n[[forbid]]\nsecret = \"MEDIUM\"\n"));
    let said = sandbox.human(&["approve", &id, "--json"]).exits(1);
    assert_eq!(said.json()["error"]["code"], "denied_anyway", "{}", said.all());
    // The same where its session has been sealed off from the secret meanwhile.
    sandbox.set_policy(&policy.replace("20 denials/1s", "2 denials/10min"));
    let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    let wrong: Vec<&str> =
        use_of("MEDIUM", PRINT, "0").iter().map(|word| if *word == "db" { "api" } else { *word }).collect();
    for _ in 0..2 {
        let _ = robot.runs(&wrong).denied();
    }
    let said = sandbox.human(&["approve", &id, "--json"]).exits(1);
    assert_eq!(said.json()["error"]["code"], "denied_anyway", "{}", said.all());
    assert!(said.text().contains("sealed"), "{}", said.all());
    let shown = sandbox.human(&["audit", "show", &id, "--json"]).ok().json();
    let approved = |entry: &Value| entry["event"] == "approve";
    assert!(!shown["entries"].as_array().expect("entries").iter().any(approved), "{shown}");
}

#[test]
fn a_request_that_waits_is_answered_by_the_yes() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let request = robot.begins(&use_of("HIGH", PRINT, "60"));
    let pending = || pending(&sandbox);
    sandbox.wait_for("the request", || pending().as_array().is_some_and(|p| p.len() == 1));
    assert!(!request.is_done());
    approve(&sandbox, pending()[0]["id"].as_str().expect("an id"), "once");
    let said = request.ends();
    assert_eq!(said.text(), "[svault:HIGH]", "{}", said.all());
    assert_eq!(pending(), json!([]));
}

#[test]
fn an_unknown_caller_is_served_once_on_its_own_connection() {
    need!(Linux);
    let sandbox = house();
    let connect = || Raw::hello(&sandbox.socket(), Some("tester"));
    let mut request = ask(json!({"vault": "main", "name": "MEDIUM"}), Some("db"), Some(GOOD_REASON), "env");
    request["argv"] = json!(["/bin/true"]);
    request["cwd"] = "/".into();
    request["wait"] = 60.into();
    let mut first = connect();
    first.send(&request);
    let id = first.control()["id"].as_str().expect("an id").to_owned();
    // A lasting yes is not to be had.
    let _ = sandbox.human(&["approve", &id, "--for", "session"]).exits(1);
    approve(&sandbox, &id, "once");
    let released = first.control();
    assert_eq!(released["type"], "released", "{released}");
    assert_eq!(first.frame_in(), Some((RAW, VALUE.as_bytes().to_vec())));
    // The same again is asked again, on this connection and on any other.
    let waiting = |raw: &mut Raw| {
        raw.send(&request);
        let answer: Value = raw.control();
        assert_eq!(answer["type"], "waiting", "{answer}");
    };
    waiting(&mut first);
    waiting(&mut connect());
}

#[test]
fn requests_of_others_can_not_be_taken_back() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let id = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
    let _ = sandbox.run(&["cancel", &id]).exits(4);
    let pending = sandbox.human(&["pending", "--json"]).ok().json();
    assert_eq!(pending["pending"].as_array().map(Vec::len), Some(1), "it still waits");
    let _ = robot.runs(&["cancel", &id]).ok();
    let pending = sandbox.human(&["pending", "--json"]).ok().json();
    assert_eq!(pending["pending"], json!([]));
}

#[test]
fn a_request_of_a_caller_that_was_removed_is_not_approved() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let id = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
    let _ = sandbox.human(&["caller", "remove", "robot"]).ok();
    let said = sandbox.human(&["approve", &id]).exits(1);
    assert!(said.err.contains("not a registered caller any more"), "{}", said.all());
    let _ = sandbox.human(&["deny", &id]).ok();
}

#[test]
fn taking_back_what_is_not_there_is_recorded_and_seals_nobody() {
    let sandbox = house();
    for n in 0..12 {
        let _ = sandbox.run(&["cancel", &format!("7K2MQ9A{n:X}")]).exits(4);
        std::thread::sleep(std::time::Duration::from_millis(210));
    }
    assert_eq!(sandbox.human(&["seals", "--json"]).ok().json()["seals"], json!([]));
    let denied: Vec<_> = sandbox.trail().into_iter().filter(|e| e["cause"] == "not_yours").collect();
    assert_eq!(denied.len(), 12, "{denied:?}");
    assert!(denied.iter().all(|e| e["secret"].is_null()), "{denied:?}");
    assert_eq!(denied.iter().filter(|e| e["reason"] == "cancel 7K2MQ9A0").count(), 1, "{denied:?}");
}

#[test]
fn a_name_alone_takes_no_request_back() {
    need!(Linux);
    let sandbox = house();
    let mut mine = Raw::hello(&sandbox.socket(), Some("tester"));
    let mut request = ask(json!({"vault": "main", "name": "MEDIUM"}), Some("db"), Some(GOOD_REASON), "env");
    request["argv"] = json!(["/bin/true"]);
    request["cwd"] = "/".into();
    request["wait"] = 60.into();
    mine.send(&request);
    let id = mine.control()["id"].as_str().expect("an id").to_owned();
    // Another process, which is known as little, with the same name and without.
    let _ = sandbox.run(&["cancel", &id]).exits(4);
    let (stranger, socket) = (sandbox.path("stranger"), sandbox.socket().display().to_string());
    std::fs::copy(env!("CARGO_BIN_EXE_stranger"), &stranger).expect("copy");
    let program = stranger.to_str().expect("path");
    let said = sandbox.program(program, &["cancel", &socket, "tester", &id]).run().ok().text();
    assert!(said.contains("denied"), "{said}");
    let pending = sandbox.human(&["pending", "--json"]).ok().json();
    assert_eq!(pending["pending"].as_array().map(Vec::len), Some(1), "it still waits");
    // The same process, over another connection.
    let mut also_mine = Raw::hello(&sandbox.socket(), Some("tester"));
    also_mine.send(&json!({"type": "cancel", "id": id}));
    assert_eq!(also_mine.control()["type"], "done");
    let cancels: Vec<_> = sandbox.trail().into_iter().filter(|e| e["event"] == "cancel").collect();
    assert!(
        cancels.len() == 1 && !cancels[0]["process"].as_array().expect("lines").is_empty(),
        "{cancels:?}"
    );
}

#[test]
fn a_yes_that_lasts_does_not_outlive_its_policy() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    approve(&sandbox, &id, "session");
    assert_eq!(robot.runs(&use_of("MEDIUM", PRINT, "0")).text(), "[svault:MEDIUM]");
    let policy = sandbox.human(&["policy", "show"]).ok().text();
    sandbox.set_policy(&format!("{policy}\n[[forbid]]\ncaller = \"robot\"\n"));
    let _ = robot.runs(&use_of("MEDIUM", PRINT, "0")).exits(4);
    // What was taken away comes back by another yes alone.
    sandbox.set_policy(&policy);
    let _ = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
}

#[test]
fn of_two_humans_at_the_same_request_one_decides() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let pending = || pending(&sandbox);
    for round in 0..12 {
        let request = robot.begins(&use_of("HIGH", PRINT, "60"));
        sandbox.wait_for("the request", || pending().as_array().is_some_and(|p| p.len() == 1));
        let id = pending()[0]["id"].as_str().expect("an id").to_owned();
        let yes = sandbox.svault(&["approve", &id]).human().spawn();
        std::thread::sleep(std::time::Duration::from_millis(round));
        let no = sandbox.svault(&["deny", &id]).human().spawn();
        let (yes, no, said) = (yes.end(), no.end(), request.ends());
        assert!((yes.code == 0) != (no.code == 0), "{}\n{}", yes.all(), no.all());
        assert_eq!(said.code == 0, yes.code == 0, "{}", said.all());
        // What the loser did is no entry, and what came of it is what is shown.
        let shown = sandbox.human(&["audit", "show", &id, "--json"]).ok().json();
        let events = shown["entries"].as_array().expect("entries").iter().map(|e| e["event"].clone());
        let expected =
            if yes.code == 0 { json!(["allow", "approve", "ask"]) } else { json!(["deny", "refuse", "ask"]) };
        assert_eq!(json!(events.collect::<Vec<_>>()), expected, "{shown}");
    }
}

#[test]
fn a_request_that_nothing_can_come_of_any_more_has_an_end_in_the_trail() {
    need!(Linux);
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let changed = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    let _ = sandbox.svault(&["replace", "MEDIUM"]).human().stdin("sk-test-other").run().ok();
    let ended = waits(&robot.runs(&use_of("HIGH", PRINT, "0")));
    drop(robot);
    sandbox.wait_for("the end of what its process asked for", || pending(&sandbox) == json!([]));
    for (id, why) in [(changed, "its secret was changed"), (ended, "its process ended")] {
        let said = sandbox.human(&["audit", "show", &id, "--json"]).ok();
        assert!(said.text().contains("\"expire\"") && said.text().contains(why), "{}", said.all());
    }
}

/// A yes holds by the process that asked: for one that has ended there is none, however lately it ended.
#[test]
fn nobody_is_told_that_a_program_which_has_ended_may_go_on() {
    need!(Linux);
    let sandbox = house();
    for _ in 0..5 {
        let mut robot = Robot::start(&sandbox);
        let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
        drop(robot);
        let said = sandbox.human(&["approve", &id, "--for", "1h"]).exits(1);
        assert!(!said.text().contains("approved"), "{}", said.all());
    }
}

#[test]
fn a_new_passphrase_ends_every_yes_that_was_given_before() {
    need!(Linux);
    const NEW: &str = "nine quiet otters mend 17 umbrellas";
    let sandbox = house();
    let mut robot = Robot::start(&sandbox);
    let id = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
    approve(&sandbox, &id, "session");
    assert_eq!(robot.runs(&use_of("MEDIUM", PRINT, "0")).text(), "[svault:MEDIUM]");
    let change = sandbox.svault(&["passphrase", "change"]).human().secret("--new-passphrase-fd", NEW);
    let _ = change.writes_to("--recovery-out-fd", &sandbox.path("new-code")).run().ok();
    let _ = waits(&robot.runs(&use_of("MEDIUM", PRINT, "0")));
}
