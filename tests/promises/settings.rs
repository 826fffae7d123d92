//! The store's settings: the time zone of windows, and the user's own program that is told of waiting requests. Both are a
//! human's to change.

use std::time::{SystemTime, UNIX_EPOCH};
use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};

const EDGE: &str = "Etc/UTC";

fn settings(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.human(&["settings", "show", "--json"]).ok().json()
}

fn set(sandbox: &Sandbox, what: &[&str]) {
    let _ = sandbox.human(&[&["settings", "set"], what].concat()).ok();
}

#[test]
fn windows_are_in_the_zone_that_was_set_at_once_and_after_an_unlock() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    set(&sandbox, &["--zone", EDGE]);
    // Three hours before and after now, by a clock that Tokyo's is nine hours ahead of.
    let hour = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() / 3600;
    let window = format!("mon-sun {:02}:00-{:02}:00", (hour + 21) % 24, (hour + 3) % 24);
    sandbox.add("LOW", "sk-test-zone", &["--tier", "low", "--scope", "db", "--window", &window]);
    let _ = sandbox.get("LOW").ok();
    set(&sandbox, &["--zone", "Asia/Tokyo"]);
    let id = sandbox.get("LOW").denied();
    assert_eq!(sandbox.entry(&id)["entry"]["cause"], "outside_window");
    sandbox.lock();
    let _ = sandbox.unlock();
    assert_eq!(settings(&sandbox)["zone"], "Asia/Tokyo");
    let _ = sandbox.get("LOW").denied();
    set(&sandbox, &["--zone", EDGE]);
    let _ = sandbox.get("LOW").ok();
    let acts: Vec<String> = sandbox
        .trail()
        .iter()
        .filter(|e| e["act"] == "settings_set")
        .map(|e| e["note"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(acts, ["zone Etc/UTC", "zone Asia/Tokyo", "zone Etc/UTC"]);
}

#[test]
fn the_users_program_is_told_of_what_waits_until_it_is_taken_out() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("MEDIUM", "sk-test-told", &["--tier", "medium", "--scope", "db", "--expose", "value"]);
    assert!(settings(&sandbox)["notify"].is_null());
    let told = sandbox.path("told");
    let tell = sandbox.script("tell", &format!("#!/bin/sh\necho \"$@\" >> '{}'\n", told.display()));
    let tell = tell.to_str().expect("path");
    set(&sandbox, &["--notify", tell]);
    assert_eq!(settings(&sandbox)["notify"], tell);
    let lines = || std::fs::read_to_string(&told).unwrap_or_default();
    let ask = |reason: &str| {
        let args = ["get", "MEDIUM", "--scope", "db", "--wait", "0", "--json", "--reason", reason];
        let said = sandbox.asks(&args).exits(6).json();
        said["id"].as_str().expect("an id").to_owned()
    };
    let first = ask(GOOD_REASON);
    sandbox.wait_for("the program", || lines() == format!("{first} tester\n"));
    // The next daemon knows it, too.
    sandbox.lock();
    let _ = sandbox.unlock();
    let second = ask("the same again, after the lock");
    sandbox.wait_for("the program", || lines() == format!("{first} tester\n{second} tester\n"));
    set(&sandbox, &["--no-notify"]);
    assert!(settings(&sandbox)["notify"].is_null());
    let _ = ask("nobody is told of this one");
    // What is told comes in order: were that one told, it would be there before the next.
    set(&sandbox, &["--notify", tell]);
    let last = ask("this one is told of once more");
    sandbox.wait_for("the program", || lines().ends_with(&format!("{last} tester\n")));
    assert_eq!(lines(), format!("{first} tester\n{second} tester\n{last} tester\n"));
}

#[test]
fn what_can_t_be_is_refused_and_nobody_but_a_human_changes_any() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    set(&sandbox, &["--zone", EDGE]);
    let text = sandbox.path("text");
    std::fs::write(&text, "no program").expect("write");
    let text = text.to_str().expect("path");
    for (what, why) in [
        (vec!["--zone", "Mars/Olympus"], "time zone"),
        (vec!["--zone", ""], "time zone"),
        (vec!["--notify", "tell-me"], "absolute path"),
        (vec!["--notify", "/no/such/program"], "can't be found"),
        (vec!["--notify", "/tmp"], "can be started"),
        (vec!["--notify", text], "can be started"),
        (vec!["--notify", "/bin/true\nring"], "absolute path"),
        (vec!["--notify", "/bin/true", "--no-notify"], "cannot be used with"),
        (vec![], "required"),
    ] {
        let _ = sandbox.human(&[&["settings", "set"], &what[..]].concat()).exits(2).says(why);
    }
    for args in [&["settings", "show"][..], &["settings", "set", "--zone", "Asia/Tokyo"]] {
        let _ = sandbox.run(args).exits(4).says("needs a human");
    }
    let now = settings(&sandbox);
    assert_eq!((&now["zone"], now["notify"].is_null()), (&EDGE.into(), true));
}
