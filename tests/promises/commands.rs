//! Every command once, as a person and as a script sees it: snapshots of real output.

use crate::snapshot::shown;
use serde_json::Value;
use svault_tests::sandbox::{GOOD_REASON, PASSPHRASE, Sandbox};
use svault_tests::{Output, Robot, need};

/// Takes a snapshot of an output. JSON answers are one object with `ok`.
#[track_caller]
fn shot(sandbox: &Sandbox, name: &str, said: &Output) {
    if name.ends_with("_json") {
        let json: Value = said.json();
        assert_eq!(json["ok"], said.code == 0, "{}", said.all());
        assert_eq!(said.text().lines().count(), 1, "one object on one line\n{}", said.all());
        let pretty = serde_json::to_string_pretty(&json).expect("JSON");
        let said = Output { out: pretty.into_bytes(), ..said.clone() };
        return insta::assert_snapshot!(name, shown(sandbox, &said));
    }
    insta::assert_snapshot!(name, shown(sandbox, said));
}

/// Runs it as the human, for people and for scripts.
#[track_caller]
fn both(sandbox: &Sandbox, name: &str, args: &[&str]) {
    shot(sandbox, name, &sandbox.human(args));
    shot(sandbox, &format!("{name}_json"), &sandbox.human(&[args, &["--json"]].concat()));
}

/// The same as nobody in particular.
#[track_caller]
fn both_run(sandbox: &Sandbox, name: &str, args: &[&str]) {
    shot(sandbox, name, &sandbox.run(args));
    let at = args.iter().position(|a| *a == "--").unwrap_or(args.len());
    let args = [&args[..at], &["--json"], &args[at..]].concat();
    shot(sandbox, &format!("{name}_json"), &sandbox.run(&args));
}

/// A store as after an afternoon's work.
fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    let described = ["--tier", "medium", "--scope", "db", "--description", "orders, read only"];
    sandbox.add("DB_URL", "sk-test-db-url", &described);
    sandbox.add("API_KEY", "sk-test-api-key", &["--tier", "low", "--scope", "db"]);
    sandbox.add("PROD_KEY", "sk-test-prod-key", &["--tier", "high", "--scope", "db"]);
    sandbox.add("API_HIGH", "sk-test-api-high", &["--tier", "high", "--scope", "db"]);
    sandbox
}

#[test]
fn help_has_an_example_for_every_command() {
    let sandbox = Sandbox::empty();
    let help = sandbox.run(&["--help"]).ok();
    shot(&sandbox, "help", &help);
    let text = help.text();
    let commands = text.split("Commands:").nth(1).expect("commands").split("\n\n").next().expect("a list");
    let names: Vec<&str> = commands.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let help = sandbox.run(&[name, "--help"]).ok().text();
        let subs: Vec<&str> = match help.split("Commands:").nth(1) {
            Some(rest) => rest
                .split("\n\n")
                .next()
                .expect("a list")
                .lines()
                .filter_map(|l| l.split_whitespace().next())
                .collect(),
            None => Vec::new(),
        };
        if subs.is_empty() {
            assert!(help.contains("Example"), "svault {name} --help has no example:\n{help}");
        }
        for sub in subs {
            let help = sandbox.run(&[name, sub, "--help"]).ok().text();
            assert!(help.contains("Example"), "svault {name} {sub} --help has no example:\n{help}");
        }
    }
}

/// Protections hang on the machine: their names are compared, not whether they hold.
fn without_marks(said: &Output) -> Output {
    let text =
        said.text().replace("✓ ", "• ").replace("✕ ", "• ").replace("\"holds\":false", "\"holds\":true");
    Output { out: text.into_bytes(), ..said.clone() }
}

/// What `doctor` finds hangs on the machine: the names of its checks are compared, and that each weak one has a fix.
#[track_caller]
fn doctor(sandbox: &Sandbox, name: &str) {
    let said = sandbox.run(&["doctor"]);
    let checks = sandbox.run(&["doctor", "--json"]).json()["checks"].clone();
    let names: Vec<&str> =
        checks.as_array().expect("checks").iter().filter_map(|c| c["name"].as_str()).collect();
    for check in checks.as_array().expect("checks") {
        let weak = check["state"] != "ok";
        assert_eq!(weak, check["fix"].is_string(), "{check}");
        assert!(said.text().contains(check["name"].as_str().expect("a name")), "{}", said.all());
    }
    insta::assert_snapshot!(name, names.join("\n"));
}

#[test]
fn set_up() {
    let sandbox = Sandbox::empty();
    let init = |args: &[&str]| {
        let cmd = sandbox.svault(args).human();
        cmd.writes_to("--recovery-out-fd", &sandbox.path("code")).run()
    };
    shot(&sandbox, "init", &init(&["init"]).ok());
    shot(&sandbox, "status", &sandbox.run(&["status"]).ok());
    shot(&sandbox, "status_json", &without_marks(&sandbox.run(&["status", "--json"]).ok()));
    doctor(&sandbox, "doctor");
    let status = sandbox.run(&["daemon", "status"]).ok();
    shot(&sandbox, "daemon_status", &without_marks(&status));
    let status = sandbox.run(&["daemon", "status", "--json"]).ok();
    shot(&sandbox, "daemon_status_json", &without_marks(&status));
    shot(&sandbox, "completions", &sandbox.run(&["completions", "bash"]).ok().head(3));
    let change = |new: &str, old: &str, args: &[&str]| {
        let cmd = sandbox.svault(args).secret("--passphrase-fd", old).secret("--new-passphrase-fd", new);
        cmd.writes_to("--recovery-out-fd", &sandbox.path("code")).run()
    };
    let new = "nine quiet otters mend 17 umbrellas";
    shot(&sandbox, "passphrase_change", &change(new, PASSPHRASE, &["passphrase", "change"]).ok());
    shot(
        &sandbox,
        "passphrase_change_json",
        &change(PASSPHRASE, new, &["passphrase", "change", "--json"]).ok(),
    );
    both_run(&sandbox, "lock", &["lock"]);
    both_run(&sandbox, "status_locked", &["status"]);
    doctor(&sandbox, "doctor_locked");
    both_run(&sandbox, "daemon_status_locked", &["daemon", "status"]);
    shot(&sandbox, "unlock", &sandbox.human(&["unlock"]).ok());
    sandbox.lock();
    shot(&sandbox, "unlock_json", &sandbox.human(&["unlock", "--json"]).ok());
    shot(&sandbox, "daemon_stop", &sandbox.run(&["daemon", "stop"]).ok());
    let other = Sandbox::empty();
    let cmd = other.svault(&["init", "--json"]).human();
    shot(&other, "init_json", &cmd.writes_to("--recovery-out-fd", &other.path("code")).run().ok());
}

#[test]
fn recover() {
    let sandbox = Sandbox::ready();
    sandbox.lock();
    std::fs::remove_dir_all(sandbox.store()).expect("remove");
    let code = sandbox.init();
    sandbox.add("A", "sk-test-recover", &[]);
    sandbox.lock();
    let new = "nine quiet otters mend 17 umbrellas";
    let recover = |code: &str, args: &[&str], out: &str| {
        let cmd = sandbox.svault(args).secret("--code-fd", code).secret("--new-passphrase-fd", new);
        cmd.writes_to("--recovery-out-fd", &sandbox.path(out)).run()
    };
    // A code that nobody can have is not put in force.
    let full = sandbox.svault(&["recover"]).secret("--code-fd", &code).secret("--new-passphrase-fd", new);
    let said = full.writes_to("--recovery-out-fd", "/dev/full".as_ref()).run().exits(1);
    assert!(said.err.contains("so nothing was changed"), "{}", said.all());
    assert_eq!(sandbox.human(&["show", "A"]).ok().text(), "sk-test-recover");
    sandbox.lock();
    shot(&sandbox, "recover", &recover(&code, &["recover"], "second").ok());
    let shown = sandbox.svault(&["show", "A"]).secret("--passphrase-fd", new).run();
    assert_eq!(shown.text(), "sk-test-recover");
    sandbox.lock();
    // The old passphrase and the old code are no more.
    let _ = sandbox.human(&["unlock"]).exits(1);
    let _ = recover(&code, &["recover"], "third").exits(1);
    let second = std::fs::read_to_string(sandbox.path("second")).expect("a code");
    shot(&sandbox, "recover_json", &recover(second.trim(), &["recover", "--json"], "third").ok());
}

#[test]
fn secrets_as_a_human() {
    let sandbox = house();
    both(&sandbox, "vault_list", &["vault", "list"]);
    shot(&sandbox, "vault_create", &sandbox.human(&["vault", "create", "work"]).ok());
    shot(&sandbox, "vault_create_json", &sandbox.human(&["vault", "create", "more", "--json"]).ok());
    let add = |args: &[&str]| sandbox.svault(args).human().stdin("sk-test-added\n").run();
    shot(&sandbox, "add", &add(&["add", "NEW", "--scope", "api"]).ok());
    shot(&sandbox, "add_json", &add(&["add", "NEWER", "--json"]).ok());
    shot(&sandbox, "replace", &add(&["replace", "NEW"]).ok());
    shot(&sandbox, "replace_json", &add(&["replace", "NEW", "--json"]).ok());
    both(&sandbox, "show", &["show", "NEW"]);
    shot(&sandbox, "edit", &sandbox.human(&["edit", "NEW", "--tier", "high", "--expose", "value"]).ok());
    shot(
        &sandbox,
        "edit_json",
        &sandbox.human(&["edit", "NEW", "--description", "for tests", "--json"]).ok(),
    );
    both(&sandbox, "list", &["list"]);
    shot(&sandbox, "remove", &sandbox.human(&["remove", "NEW"]).ok());
    shot(&sandbox, "remove_json", &sandbox.human(&["remove", "NEWER", "--json"]).ok());
    let bytes = [0_u8, 255, 10, 13, 7, b'\n'];
    let _ = sandbox.svault(&["add", "BYTES", "--raw"]).human().stdin(bytes).run().ok();
    assert_eq!(sandbox.human(&["show", "BYTES"]).ok().out, bytes);
    shot(&sandbox, "show_bytes_json", &sandbox.human(&["show", "BYTES", "--json"]).ok());
}

#[test]
fn secrets_as_a_caller() {
    let sandbox = house();
    let why = ["--scope", "db", "--reason", GOOD_REASON, "--caller", "tester", "--wait", "0"];
    both_run(&sandbox, "get", &[&["get", "API_KEY"], &why[..]].concat());
    both_run(&sandbox, "get_denied", &[&["get", "NOWHERE"], &why[..]].concat());
    both_run(&sandbox, "get_narrower", &[&["get", "DB_URL"], &why[..]].concat());
    let run = |command: &str| {
        let args = [&["run", "--env", "DB=API_KEY"], &why[..], &["--", "/bin/sh", "-c", command]].concat();
        sandbox.run(&args)
    };
    shot(&sandbox, "run", &run("echo \"$DB\"; echo err >&2; exit 7"));
    assert_eq!(run("kill -TERM $$").code, 128 + 15);
    both_run(
        &sandbox,
        "run_waiting",
        &[&["run", "--env", "DB_URL"], &why[..], &["--", "/bin/true"]].concat(),
    );
    let add = |args: &[&str]| sandbox.svault(args).stdin("sk-test-proposed").run();
    shot(&sandbox, "propose", &add(&["add", "PROPOSED"]).ok());
    shot(&sandbox, "propose_json", &add(&["add", "PROPOSED_TOO", "--json"]).ok());
}

#[test]
fn humans_deciding() {
    let sandbox = house();
    let exe = Robot::executable(&sandbox);
    sandbox.set_policy(&SEALING.replace("[limits]", &format!("exe = [\"{}\"]\n[limits]", exe.display())));
    let mut robot = Robot::start(&sandbox);
    let mut ask = |name: &str| {
        let args = ["run", "--env", name, "--scope", "db", "--reason", GOOD_REASON, "--wait", "0", "--json"];
        let said = robot.runs(&[&args[..], &["--", "/bin/true"]].concat()).exits(6).json();
        said["id"].as_str().expect("an id").to_owned()
    };
    both(&sandbox, "pending_none", &["pending"]);
    let first = ask("DB_URL");
    both(&sandbox, "pending", &["pending"]);
    shot(&sandbox, "approve", &sandbox.human(&["approve", &first]).ok());
    let second = ask("PROD_KEY");
    shot(&sandbox, "deny", &sandbox.human(&["deny", &second]).ok());
    let third = ask("PROD_KEY");
    shot(&sandbox, "deny_json", &sandbox.human(&["deny", &third, "--json"]).ok());
    let fourth = ask("PROD_KEY");
    shot(&sandbox, "approve_json", &sandbox.human(&["approve", &fourth, "--json"]).ok());
    let fifth = ask("API_HIGH");
    shot(&sandbox, "cancel", &robot.runs(&["cancel", &fifth]).ok());
    both(&sandbox, "seals_none", &["seals"]);
    for _ in 0..5 {
        std::thread::sleep(std::time::Duration::from_millis(220));
        let _ = robot.runs(&["get", "API_KEY", "--scope", "api", "--reason", GOOD_REASON]).denied();
    }
    both(&sandbox, "seals", &["seals"]);
    let seals = sandbox.human(&["seals", "--json"]).json();
    let seal = seals["seals"][0]["id"].as_str().expect("a seal").to_owned();
    shot(&sandbox, "unseal", &sandbox.human(&["unseal", &seal]).ok());
}

const SEALING: &str = "[callers.robot]\nscopes = [\"db\", \"api\"]\n[limits]\nburst_per_session = \"1000/10s\"\n\
                       burst_per_secret = \"1000/10s\"\nseal_after = \"5 denials/5min\"\n";

#[test]
fn policy() {
    let sandbox = Sandbox::ready();
    both(&sandbox, "policy_show", &["policy", "show"]);
    shot(&sandbox, "policy_edit", &sandbox.try_policy(&SEALING.replace("robot", "tester")).ok());
    let robot = sandbox.script("robot", "#!/bin/sh\n");
    let exe = robot.to_str().expect("path");
    both(&sandbox, "caller_list_none", &["caller", "list"]);
    let add = ["caller", "add", "robot", "--exe", exe, "--scope", "db"];
    shot(&sandbox, "caller_add", &sandbox.human(&add).ok());
    both(&sandbox, "caller_list", &["caller", "list"]);
    assert!(sandbox.human(&["policy", "show"]).ok().text().contains("[callers.robot]"));
    sandbox.add("A", "sk-test-a", &["--scope", "db", "--tier", "low"]);
    let id = sandbox.asks(&["get", "A", "--scope", "api", "--reason", GOOD_REASON]).denied();
    both(&sandbox, "policy_explain", &["policy", "explain", &id]);
    shot(&sandbox, "caller_remove", &sandbox.human(&["caller", "remove", "robot"]).ok());
}

#[test]
fn settings() {
    let sandbox = Sandbox::ready();
    shot(&sandbox, "settings_set", &sandbox.human(&["settings", "set", "--zone", "Europe/Berlin"]).ok());
    let told = ["settings", "set", "--zone", "Asia/Tokyo", "--notify", "/bin/true"];
    both(&sandbox, "settings_set_both", &told);
    both(&sandbox, "settings_show", &["settings", "show"]);
    both(&sandbox, "settings_none", &["settings", "set", "--no-notify"]);
    shot(&sandbox, "settings_no_program", &sandbox.human(&["settings", "set", "--notify", "tell-me"]));
}

#[test]
fn trail() {
    let sandbox = house();
    let _ = sandbox.get("API_KEY").ok();
    let denied = sandbox.asks(&["get", "API_KEY", "--scope", "api", "--reason", GOOD_REASON]).denied();
    both(&sandbox, "audit_list", &["audit", "list"]);
    both(&sandbox, "audit_show", &["audit", "show", &denied]);
    both_run(&sandbox, "audit_verify", &["audit", "verify"]);
    let count = |filter: &[&str]| {
        let json = sandbox.human(&[&["audit", "list", "--json"], filter].concat()).ok().json();
        json["entries"].as_array().expect("entries").len()
    };
    assert_eq!(count(&["--decision", "deny"]), 1);
    assert_eq!(count(&["--decision", "allow", "--caller", "tester"]), 1);
    assert_eq!(count(&["--secret", "API_KEY", "--decision", "deny"]), 1);
    assert_eq!(count(&["--secret", "NOWHERE"]), 0);
    assert_eq!(count(&["--door", "mcp"]), 0);
    assert_eq!(count(&["--since", "2099-01-01T00:00:00Z"]), 0);
    assert_eq!(count(&["--last", "2"]), 2);
    assert!(count(&[]) > 6);
}

#[test]
fn an_agent_that_a_human_starts() {
    need!(Linux);
    let sandbox = house();
    sandbox.set_policy("[callers.robot]\nscopes = [\"db\"]\nverified = true\n");
    let start = ["agent", "start", "robot", "--", "/bin/sh", "-c", "echo working; exit 3"];
    shot(&sandbox, "agent_start", &sandbox.human(&start));
}

#[test]
fn demo() {
    need!(Linux);
    let sandbox = Sandbox::empty();
    let said = sandbox.run(&["demo"]).ok();
    for word in ["allow", "denied", "sealed", "waiting", "verif", "tamper"] {
        assert!(said.text().to_lowercase().contains(word), "'{word}' is not in it\n{}", said.all());
    }
    shot(&sandbox, "demo", &said);
    assert_eq!(svault_tests::processes::with_argument(&sandbox.path("")), Vec::<i32>::new());
}

#[test]
fn scrub() {
    let house = house();
    let text = "the key is sk-test-LEAKED333444555 as you see\n";
    shot(&house, "scrub", &house.svault(&["scrub"]).stdin(text).run());
    shot(&house, "scrub_as_json", &house.run(&["scrub", "--json"]));
    house.lock();
    shot(&house, "scrub_locked", &house.svault(&["scrub"]).stdin(text).run());
}
