//! What svault says to do can be done by whoever reads it: hints are run here as they stand.

use serde_json::{Value, json};
use svault_tests::sandbox::GOOD_REASON;
use svault_tests::scratch::own;
use svault_tests::{Cmd, Output, Sandbox, need};

const VALUE: &str = "sk-test-hinted-51ce";

/// A store with a registered agent that may use, and not read, what is there.
fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    let agent = sandbox.path("claude");
    std::fs::copy("/bin/bash", &agent).expect("copy");
    own(&agent, sandbox.uid());
    sandbox
        .set_policy(&format!("[callers.claude-code]\nexe = [\"{}\"]\nscopes = [\"db\"]\n", agent.display()));
    for name in ["DB_URL", "db.pass"] {
        sandbox.add(name, VALUE, &["--scope", "db", "--tier", "low", "--expose", "env"]);
    }
    sandbox
}

/// A command line in the agent's own shell.
fn in_agent(sandbox: &Sandbox, line: &str) -> Cmd {
    let agent = sandbox.path("claude");
    let line = format!("{line}; exit $?");
    sandbox.program(agent.to_str().expect("text"), &["--norc", "-c", &line]).env("SVAULT", sandbox.binary())
}

fn as_agent(sandbox: &Sandbox, line: &str) -> Output {
    // So that no burst is what it is denied for.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    in_agent(sandbox, line).run()
}

/// The command of a text for an agent, with what stands for something filled in; it prints how long the value is.
#[track_caller]
fn filled(text: &str) -> String {
    let from = text.find("svault run ").unwrap_or_else(|| panic!("no command in: {text}"));
    let line = text[from..].split(['`', '\n']).next().unwrap_or_default().trim_end();
    let mut line = line.replacen("svault", "\"$SVAULT\"", 1);
    for (stands, given) in [
        ("--env NAME ", "--env DB_URL "),
        ("VARIABLE=", "DB_URL="),
        ("SCOPE", "db"),
        ("…", GOOD_REASON),
        ("WHY", GOOD_REASON),
        ("COMMAND", "CMD"),
        ("CMD", "sh -c 'echo \"<${#DB_URL}>\"'"),
    ] {
        line = line.replace(stands, given);
    }
    line
}

#[track_caller]
fn works(sandbox: &Sandbox, text: &str) {
    let line = filled(text);
    let said = as_agent(sandbox, &line).ok();
    assert_eq!(said.text().trim_end(), format!("<{}>", VALUE.len()), "{line}\n{}", said.all());
}

#[test]
fn a_command_that_an_agent_is_told_works_under_it() {
    need!(Linux);
    let sandbox = house();
    for name in ["DB_URL", "svault://main/DB_URL", "db.pass"] {
        let asks = format!("\"$SVAULT\" get {name} --scope db --reason '{GOOD_REASON}'");
        let told = as_agent(&sandbox, &asks).exits(4);
        works(&sandbox, told.err.split_once("use: ").expect("what to use").1);
    }
    let _ = sandbox.run(&["install", "--client", "aider", "--yes"]).ok();
    works(&sandbox, &std::fs::read_to_string(sandbox.home().join(".aider.svault.md")).expect("rules"));
    std::fs::write(sandbox.home().join(".env"), "DB_PASS=hunter2hunter2xx\n").expect("a file");
    let loads = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "source .env"}});
    let said = sandbox.svault(&["hook", "--client", "claude"]).stdin(loads.to_string()).run().ok();
    let answer: Value = serde_json::from_str(&said.text()).expect("JSON");
    works(&sandbox, answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().expect("a reason"));
}

#[test]
fn a_humans_run_under_an_agent_says_how_an_agent_asks() {
    need!(Linux);
    let sandbox = house();
    let run = "\"$SVAULT\" run --env DB_URL -- true";
    let told = as_agent(&sandbox, run).exits(4);
    assert!(told.err.contains("under an AI agent"), "{}", told.all());
    assert!(told.err.contains("hint: an agent asks with --scope SCOPE --reason '…'"), "{}", told.all());
    // Nobody is known to be an agent here, and there is nobody to ask.
    let told = sandbox.run(&["run", "--env", "DB_URL", "--", "true"]).exits(4);
    assert!(told.err.contains("--scope SCOPE --reason '…'"), "{}", told.all());
}

/// `svault ARGS` where no memory can be locked.
fn unlockable(sandbox: &Sandbox, args: &[&str]) -> Cmd {
    let line = format!("ulimit -l 0; exec '{}' \"$@\"", sandbox.binary().display());
    sandbox.program("/bin/bash", &[&["-c", &line, "bash"], args].concat())
}

#[test]
fn weak_memory_is_a_way_for_every_command_and_without_it_none_takes_a_secret() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.lock();
    let weak = |args: &[&str]| unlockable(&sandbox, &[&["--weak-memory"], args].concat());
    let _ = weak(&["unlock"]).human().run().ok();
    let _ = weak(&["add", "A", "--scope", "db", "--tier", "low"]).human().stdin(VALUE).run().ok();
    assert_eq!(weak(&["show", "A"]).human().run().ok().text(), VALUE);
    let get = ["get", "A", "--scope", "db", "--reason", GOOD_REASON, "--caller", "tester"];
    assert_eq!(weak(&get).run().ok().text(), VALUE);
    let run = ["run", "--env", "A", "--", "sh", "-c", "echo ${#A}"];
    assert_eq!(weak(&run).human().run().ok().text(), format!("{}\n", VALUE.len()));
    let _ = weak(&["edit", "A", "--description", "for tests"]).human().run().ok();
    for said in [
        unlockable(&sandbox, &["show", "A"]).human().run(),
        unlockable(&sandbox, &["edit", "A", "--tier", "high"]).human().run(),
        unlockable(&sandbox, &run).human().run(),
        unlockable(&sandbox, &get).run(),
    ] {
        assert_eq!((said.code, said.text().as_str()), (1, ""), "{}", said.all());
        let hint = "\nhint: raise 'ulimit -l' (LimitMEMLOCK), or give --weak-memory\n";
        assert!(said.err.contains(hint), "{}", said.all());
    }
}
