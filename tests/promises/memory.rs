//! Promise 4 and 8: keys and values stay in memory, in locked memory, and only as long as they must.

use rustix::process::Signal;
use serde_json::json;
use std::io::{Read, Seek, SeekFrom};
use svault_tests::mcp::{Era, Mcp};
use svault_tests::need;
use svault_tests::processes::{self, status_line};
use svault_tests::sandbox::{GOOD_REASON, PASSPHRASE, Sandbox};

/// Long, and in no file of this repository as it stands here: put together when the test runs.
fn value() -> String {
    ["sk-test", "memory", "4f8a1c", "d07be2", "9935aa"].join("-")
}

/// Where these bytes lie in a process: the address and its mapping's line in `maps`.
fn found(pid: i32, bytes: &[u8]) -> Vec<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("maps");
    let mut memory = std::fs::File::open(format!("/proc/{pid}/mem")).expect("mem");
    let mut places = Vec::new();
    for line in maps.lines() {
        let mut parts = line.split_whitespace();
        let (Some(range), Some(rights)) = (parts.next(), parts.next()) else { continue };
        let Some((from, to)) = range.split_once('-') else { continue };
        let ends = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16));
        let (Ok(from), Ok(to)) = ends else { continue };
        if !rights.starts_with('r') || line.ends_with("[vvar]") || line.ends_with("[vsyscall]") {
            continue;
        }
        let mut buffer = vec![0; usize::try_from(to - from).expect("length")];
        if memory.seek(SeekFrom::Start(from)).is_err() || memory.read_exact(&mut buffer).is_err() {
            continue;
        }
        let hits = buffer.windows(bytes.len()).enumerate().filter(|(_, w)| *w == bytes);
        places.extend(hits.map(|(at, _)| format!("{:x} in {line}", from + at as u64)));
    }
    places
}

#[test]
fn after_a_release_the_daemon_has_the_value_nowhere() {
    need!(Linux, Root);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", &value(), &["--tier", "low", "--scope", "db"]);
    let pid = sandbox.daemon().expect("a daemon");
    assert!(
        !found(pid, sandbox.store().as_os_str().as_encoded_bytes()).is_empty(),
        "the scan finds nothing at all"
    );
    for _ in 0..10 {
        assert_eq!(sandbox.get("LOW").ok().text(), value());
    }
    assert_eq!(sandbox.human(&["show", "LOW"]).ok().text(), value());
    let run = ["run", "--env", "TOKEN=LOW", "--scope", "db", "--reason", "checking the orders table", "--"];
    let length =
        sandbox.asks(&[&run[..], &["/bin/sh", "-c", "printf '%s ' \"$TOKEN\"; echo ${#TOKEN}"]].concat());
    assert_eq!(length.ok().text(), format!("[svault:LOW] {}\n", value().len()), "the command has it");
    assert_eq!(found(pid, value().as_bytes()), Vec::<String>::new());
    assert_eq!(
        found(pid, PASSPHRASE.as_bytes()),
        Vec::<String>::new(),
        "the daemon never has the passphrase"
    );
}

#[test]
fn after_an_answer_over_mcp_the_server_has_the_value_nowhere() {
    need!(Linux, Root);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", &value(), &["--tier", "low", "--scope", "db", "--expose", "value"]);
    let mut mcp = Mcp::start(&sandbox, Era::Modern, &[]);
    let get = json!({"name": "LOW", "scope": "db", "reason": GOOD_REASON});
    assert_eq!(mcp.call("svault_get_secret", get).ok(), value());
    assert!(!found(mcp.pid(), b"tester").is_empty(), "the scan finds nothing at all");
    assert_eq!(found(mcp.pid(), value().as_bytes()), Vec::<String>::new());
}

#[test]
fn the_daemon_is_closed_to_others_and_keeps_its_keys_in_locked_memory() {
    need!(Linux, Root);
    let sandbox = Sandbox::ready();
    let pid = sandbox.daemon().expect("a daemon");
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(format!("/proc/{pid}/environ")).expect("stat").uid();
    assert_eq!(owner, 0, "/proc/PID belongs to root: the process is not dumpable");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    assert_eq!(status_line(pid, "NoNewPrivs").as_deref(), Some("1"));
    let locked = status_line(pid, "VmLck").expect("VmLck");
    assert_ne!(locked.split_whitespace().next(), Some("0"), "no locked memory");
    let smaps = std::fs::read_to_string(format!("/proc/{pid}/smaps")).expect("smaps");
    let flags = smaps.lines().filter(|l| l.starts_with("VmFlags:") && l.split(' ').any(|f| f == "lo"));
    for line in flags {
        let has = |flag| line.split(' ').any(|f| f == flag);
        assert!(has("dd") && has("dc"), "locked memory that a core or a child would have: {line}");
    }
    // An ordinary process of the same user can't look into it.
    let look = sandbox.program("/bin/cat", &[&format!("/proc/{pid}/environ")]).run();
    assert_ne!(look.code, 0, "{}", look.all());
}

#[test]
fn the_daemon_is_closed_from_its_first_moment() {
    need!(Linux, Root);
    let sandbox = Sandbox::ready();
    let status = sandbox.run(&["daemon", "status", "--json"]).ok().json();
    let rows = status["protection"].as_array().expect("protections");
    let row = rows.iter().find(|r| r["name"] == "not readable from its first moment").expect("a row");
    assert_eq!(row["holds"], true, "{status}");
    // What it runs is a copy that may be executed and not read, and which has no name.
    let pid = sandbox.daemon().expect("a daemon");
    use std::os::unix::fs::MetadataExt;
    let program = std::fs::metadata(format!("/proc/{pid}/exe")).expect("stat");
    assert_eq!((program.mode() & 0o777, program.nlink(), program.uid()), (0o100, 0, sandbox.uid()));
}

#[test]
fn no_key_and_no_passphrase_is_in_argv_environment_or_a_file() {
    need!(Linux, Root);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", &value(), &["--tier", "low", "--scope", "db"]);
    let _ = sandbox.get("LOW").ok();
    let pid = sandbox.daemon().expect("a daemon");
    let environ = std::fs::read(format!("/proc/{pid}/environ")).expect("environ");
    let names: Vec<String> = environ
        .split(|b| *b == 0)
        .filter_map(|v| String::from_utf8_lossy(v).split_once('=').map(|(name, _)| name.to_owned()))
        .collect();
    let known = |n: &String| n == "HOME" || n == "LANG" || n.starts_with("XDG_");
    assert!(names.iter().all(known), "{names:?}");
    let arguments = processes::arguments(pid);
    assert_eq!(&arguments[1..4], ["daemon", "run", "--store"], "{arguments:?}");
    let mut files = Vec::new();
    every_file(&sandbox.path(""), &mut files);
    assert!(files.len() > 4);
    for path in files {
        let bytes = std::fs::read(&path).unwrap_or_default();
        for secret in [value().as_str(), PASSPHRASE] {
            let hit = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!hit, "{} holds it in the clear", path.display());
        }
    }
}

fn every_file(folder: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            every_file(&entry.path(), into);
        } else if kind.is_file() {
            into.push(entry.path());
        }
        if entry.path().components().any(|c| c.as_os_str() == "store") {
            let mode = entry.metadata().expect("stat").permissions().mode() & 0o777;
            assert!(mode == 0o700 || mode == 0o600, "{}: {mode:o}", entry.path().display());
        }
    }
}

#[test]
fn after_lock_there_is_no_process() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let pid = sandbox.daemon().expect("a daemon");
    let _ = sandbox.run(&["lock"]).ok();
    sandbox.wait_for("the process to be gone", || !processes::lives(pid));
    assert_eq!(processes::with_argument(&sandbox.store()), Vec::<i32>::new(), "not even a helper");
    let _ = sandbox.run(&["lock"]).ok();
}

#[test]
fn a_signal_locks() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let pid = sandbox.daemon().expect("a daemon");
        processes::signal(pid, signal);
        sandbox.wait_for("the lock", || !processes::lives(pid));
        // It ended well: the line of the last lock says so, and nothing needs to be rolled back.
        let _ = sandbox.unlock();
    }
}

#[test]
fn secret_types_have_no_copy_and_no_debug_that_prints() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/secret/src");
    for (file, name) in [("bytes.rs", "Bytes"), ("key.rs", "Key")] {
        let text = std::fs::read_to_string(folder.join(file)).expect("source");
        let at = text.find(&format!("pub struct {name}")).expect("the type");
        let above: Vec<&str> =
            text[..at].lines().rev().take_while(|l| !l.is_empty() && !l.starts_with('}')).collect();
        assert!(!above.iter().any(|l| l.contains("derive")), "{name} derives something: {above:?}");
        for given in ["Clone", "Copy", "Display", "Serialize", "PartialEq", "AsRef", "Deref", "Borrow"] {
            assert!(!text.contains(&format!("{given} for {name}")), "{name} is {given}");
        }
    }
}
