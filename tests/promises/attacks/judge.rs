//! How an attack ended, from outside: what it could see, what the store is now, what the trail says.

use super::header::{Ends, Header, Kind};
use super::house::{House, entries, work};
use super::human::{Seen, asks};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use svault_tests::processes;
use svault_tests::sandbox::Sandbox;

/// Judges.
#[track_caller]
pub fn judge(house: &House, header: &Header, seen: &Seen) {
    println!("{}", seen.output.all());
    assert_eq!(seen.output.code, 0, "the attack itself failed");
    let got = got(house, seen);
    println!("it got: {got:?}");
    let mut allowed = header.given.clone();
    if matches!(header.kind, Kind::Open | Kind::Small | Kind::Edited) {
        allowed.push("LOW".into());
    }
    if let Ends::Documented { got: must, .. } = &header.ends {
        for name in must {
            assert!(got.contains_key(name.as_str()), "{name} was not to be had: is it stopped by now?");
        }
        allowed.extend(must.iter().cloned());
    }
    for (name, places) in &got {
        assert!(allowed.iter().any(|a| a == name), "it got {name}, in {places:?}");
    }
    if header.checks("clean") {
        let odd = |c: char| {
            (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        };
        let all = format!("{}{}{}", seen.output.text(), seen.output.err, seen.screens);
        assert!(!all.contains(odd), "characters that no terminal should be sent: {all:?}");
    }
    reopened(house, header);
    // Before a human looks at the values: that is a release, too.
    trail_holds(house, header, &got);
    same_house(house);
    limits_hold(house, header);
}

/// What of the secrets lies where the attack could see it: its output, and every file that is not the runner's.
fn got(house: &House, seen: &Seen) -> BTreeMap<&'static str, Vec<PathBuf>> {
    let mut texts = vec![
        (PathBuf::from("stdout"), seen.output.out.clone()),
        (PathBuf::from("stderr"), seen.output.err.clone().into_bytes()),
    ];
    let sandbox = &house.sandbox;
    for folder in [work(sandbox), sandbox.home(), sandbox.path("run"), sandbox.store()] {
        every_file(&folder, &mut texts);
    }
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in house.values() {
        let forms = forms(value.as_bytes());
        for (path, bytes) in &texts {
            if forms.iter().any(|f| bytes.windows(f.len()).any(|w| w == f.as_slice())) {
                found.entry(name).or_default().push(path.clone());
            }
        }
    }
    found
}

/// A value as it is, as hex, and reversed. Attacks have no reason to hide what they got; these are for what svault prints.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
    vec![value.to_vec(), hex.into_bytes(), value.iter().rev().copied().collect()]
}

fn every_file(folder: &Path, into: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default() {
        let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
        if kind.is_dir() {
            every_file(&path, into);
        } else if kind.is_file() {
            into.push((path.clone(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}

/// Ends what the attack has left running; then a human comes back, and finds the store open, or is told why not.
#[track_caller]
fn reopened(house: &House, header: &Header) {
    let sandbox = &house.sandbox;
    processes::with_argument(&work(sandbox)).into_iter().for_each(processes::kill);
    if let Some(pid) = sandbox.daemon() {
        processes::signal(pid, Signal::CONT);
    }
    let said = sandbox.human(&["unlock"]);
    if !header.checks("refused") {
        let _ = said.ok();
        return;
    }
    let _ = said.exits(5).says("hint: ");
    sandbox.wait_for("the end of what could not open", || sandbox.daemon().is_none());
    let _ = sandbox.human(&["unlock", "--accept-rollback"]).ok();
    assert!(sandbox.trail().iter().any(|e| e["event"] == "accept_rollback"), "it is not recorded");
}

/// Policy, classes and values are what they were.
#[track_caller]
fn same_house(house: &House) {
    let sandbox = &house.sandbox;
    assert_eq!(sandbox.human(&["policy", "show"]).ok().text(), house.policy, "the policy has changed");
    let now = sandbox.human(&["list", "--json"]).ok().json()["secrets"].clone();
    let rows = |all: &Value| -> BTreeMap<String, Value> {
        let rows = all.as_array().expect("rows").iter();
        rows.map(|r| (format!("{}/{}", r["vault"], r["name"]), unseen(r.clone()))).collect()
    };
    let (before, now) = (rows(&house.rows), rows(&now));
    for (name, row) in &before {
        assert_eq!(now.get(name), Some(row), "{name} has changed");
    }
    for (name, row) in now.iter().filter(|(name, _)| !before.contains_key(*name)) {
        assert!(row["proposed_by"].is_string(), "{name} is new, and no proposal: {row}");
        let lax = row["tier"] == "low" || row["exposure"] != "env" || row["callers"].is_array();
        assert!(!lax && row["require_reason"] != false, "{name} is laxer than its vault: {row}");
    }
    for (name, value) in house.values().iter().filter(|(n, _)| !matches!(*n, "PASSPHRASE" | "RECOVERY")) {
        assert_eq!(&sandbox.human(&["show", name]).ok().text(), value, "{name} has another value");
    }
}

/// Without the mark that a value has left: an allowed release makes that.
fn unseen(mut row: Value) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.remove("seen");
    }
    row
}

/// What was used up or sealed before is so still.
#[track_caller]
fn limits_hold(house: &House, header: &Header) {
    if header.checks("refused") {
        // A human has accepted an older trail: counters are as it says. Seals stay; `counters` has the test.
        return;
    }
    let cause = match header.kind {
        Kind::Open | Kind::Small | Kind::Edited => return,
        Kind::Tight => "rate",
        Kind::Sealed => "sealed",
    };
    let denied = asks(&house.sandbox, "LOW").denied();
    let entry = house.sandbox.entry(&denied);
    let found = entry["entry"]["cause"].as_str().unwrap_or("").to_owned();
    let known = [cause, "suspended"];
    assert!(known.contains(&found.as_str()), "it is denied for another cause: {entry}");
}

/// The trail is whole, nothing of it is gone, and it says what the attack asked for.
#[track_caller]
fn trail_holds(house: &House, header: &Header, got: &BTreeMap<&str, Vec<PathBuf>>) {
    let sandbox = &house.sandbox;
    let _ = sandbox.run(&["audit", "verify"]).ok();
    let id = |e: &Value| (e["seq"].as_u64(), e["id"].to_string());
    let old: Vec<_> = house.trail.iter().map(id).collect();
    let mut now = entries(sandbox);
    if !untold(house, header, &now).is_empty() {
        // What is folded has a record a second later.
        std::thread::sleep(Duration::from_secs(2));
        now = entries(sandbox);
        let untold = untold(house, header, &now);
        assert!(untold.is_empty(), "it was told of these denials, which the trail has not: {untold:?}");
    }
    if !header.checks("refused") {
        let kept: Vec<_> = now.iter().map(id).filter(|i| old.contains(i)).collect();
        assert_eq!(kept, old, "entries are gone");
    }
    let new: Vec<&Value> = now.iter().filter(|e| !old.contains(&id(e))).collect();
    for wanted in &header.trail {
        let (event, cause) = wanted.split_once(':').map_or((wanted.as_str(), None), |(e, c)| (e, Some(c)));
        let is = |e: &&&Value| {
            // A count says nothing of causes.
            let denied = event == "deny" && cause.is_none() && e["event"] == "folded";
            (e["event"] == event && cause.is_none_or(|c| e["cause"] == c)) || denied
        };
        assert!(new.iter().find(is).is_some(), "the trail has no {wanted}: {}", lines(&new));
    }
    released_means_recorded(sandbox, header, got, &new);
}

/// The ids of denials that it was told, and that the trail has neither by themselves nor in a count.
fn untold(house: &House, header: &Header, now: &[Value]) -> Vec<String> {
    if header.checks("refused") || header.checks("unwritten") {
        return Vec::new();
    }
    let told = std::fs::read_to_string(work(&house.sandbox).join("told")).unwrap_or_default();
    let has = |id: &str| now.iter().any(|e| e["id"] == id);
    let missing: Vec<String> = told.lines().filter(|id| !has(id)).map(str::to_owned).collect();
    let folded =
        now.iter().filter(|e| e["event"] == "folded").filter_map(|e| e["count"].as_u64()).sum::<u64>();
    if missing.len() as u64 > folded { missing } else { Vec::new() }
}

/// Each value that was given has its record.
#[track_caller]
fn released_means_recorded(
    sandbox: &Sandbox,
    header: &Header,
    got: &BTreeMap<&str, Vec<PathBuf>>,
    new: &[&Value],
) {
    if header.checks("refused") {
        // A human went back to an older trail, and was told so.
        return;
    }
    for name in got.keys().filter(|n| !matches!(**n, "PASSPHRASE" | "RECOVERY")) {
        let secret = format!("main/{name}");
        let is = |e: &&&Value| e["event"] == "allow" && e["secret"] == secret;
        let releases: Vec<&str> = new.iter().filter(is).filter_map(|e| e["id"].as_str()).collect();
        assert!(!releases.is_empty(), "{name} was given and not recorded: {}", lines(new));
        let kept = kept(sandbox, name);
        let (files, recorded) = (kept.len(), releases.len());
        assert!(files <= recorded, "{name} was given {files} times and recorded {recorded} times");
        for id in kept.iter().filter(|id| id.len() == ID) {
            assert!(releases.contains(&id.as_str()), "{name} was given as {id}, which the trail has not");
            assert_eq!(kept.iter().filter(|other| *other == id).count(), 1, "{name} was given twice as {id}");
        }
        if header.checks("once") && *name != "LOW" {
            assert!(files <= 1, "{name} was given {files} times for one yes");
            assert!(recorded <= 1, "{name} was released {recorded} times for one yes");
        }
    }
}

/// So long is the id of an entry.
const ID: usize = 8;

/// Of each value of this name in the loot the id of its release, or something else where the attack does not know it.
fn kept(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let loot = std::fs::read_dir(work(sandbox).join("loot")).expect("loot").flatten();
    let names = loot.map(|file| file.file_name().to_string_lossy().into_owned());
    let ids = names
        .filter_map(|file| file.strip_prefix(name)?.strip_prefix('.')?.split('.').next().map(str::to_owned));
    ids.collect()
}

fn lines(entries: &[&Value]) -> String {
    let line = |e: &&Value| format!("{} {} {} {}\n", e["event"], e["secret"], e["cause"], e["act"]);
    entries.iter().take(30).map(line).collect()
}
