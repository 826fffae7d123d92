//! Promise 10 of the ground floor: who asks is read from the kernel. Real processes, as an ordinary user.

use serde_json::Value;
use std::path::PathBuf;
use svault_tests::sandbox::{GOOD_REASON, PASSPHRASE, Sandbox};
use svault_tests::socket::{connect_exec, connect_exec_value};
use svault_tests::terminal::Terminal;
use svault_tests::{Output, Robot, need};

const VALUE: &str = "sk-test-identity-7e11";

/// A store with a registered caller `robot`, whose executable is a shell of the sandbox's own.
struct House {
    sandbox: Sandbox,
    robot: PathBuf,
    stranger: PathBuf,
}

impl House {
    fn new(verified: bool) -> Self {
        let sandbox = Sandbox::ready();
        let robot = copy(&sandbox, "/bin/bash", "robot");
        let stranger = copy(&sandbox, env!("CARGO_BIN_EXE_stranger"), "stranger");
        sandbox.set_policy(&format!(
            "[callers.robot]\nexe = [\"{}\"]\nscopes = [\"db\"]\nrate = \"1000/hour\"\nverified = {verified}\n\
             [callers.said]\nscopes = [\"db\"]\n\
             [limits]\nburst_per_session = \"1000/10s\"\nburst_per_secret = \"1000/10s\"\nseal_after = \"20 denials/1s\"\n",
            robot.display()
        ));
        sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
        Self { sandbox, robot, stranger }
    }

    /// Runs a line in a shell that is this executable. The `exit` keeps the shell from becoming the command itself.
    fn by(&self, shell: &std::path::Path, line: &str) -> Output {
        let shell = shell.to_str().expect("path");
        self.sandbox
            .program(shell, &["--norc", "-c", &format!("{line}\nexit $?")])
            .env("SVAULT", self.sandbox.binary())
            .env("STRANGER", &self.stranger)
            .env("SOCKET", self.sandbox.socket())
            .run()
    }

    fn get(&self) -> String {
        format!("\"$SVAULT\" get LOW --scope db --wait 0 --reason '{GOOD_REASON}'")
    }
}

fn copy(sandbox: &Sandbox, from: &str, name: &str) -> PathBuf {
    let to = sandbox.path(name);
    std::fs::copy(from, &to).expect("copy");
    svault_tests::scratch::own(&to, sandbox.uid());
    to
}

const STRANGER: &str = "$STRANGER";

const STATUS: &str = "\"$SVAULT\" status --json";

/// What a connection is taken for: caller and evidence.
#[track_caller]
fn taken_for(said: &Output) -> (String, String) {
    let json: Value = said.json();
    let word = |key: &str| json[key].as_str().unwrap_or_else(|| panic!("no {key}: {json}")).to_owned();
    (word("caller"), word("evidence"))
}

fn robot(evidence: &str) -> (String, String) {
    ("robot".into(), evidence.into())
}

fn nobody() -> (String, String) {
    ("unknown".into(), "claimed".into())
}

#[test]
fn the_registered_executable_is_matched() {
    need!(Linux);
    let house = House::new(false);
    assert_eq!(taken_for(&house.by(&house.robot, STATUS)), robot("matched"));
    assert_eq!(house.by(&house.robot, &house.get()).text(), VALUE);
    let entry = &house
        .sandbox
        .trail()
        .into_iter()
        .find(|e| e["event"] == "allow" && e["caller"] == "robot")
        .expect("one");
    assert_eq!(entry["evidence"], "matched");
    // A grandchild through an ordinary shell is its child all the same.
    let nested = format!("/bin/sh -c '{STATUS}\n:'");
    assert_eq!(taken_for(&house.by(&house.robot, &nested)), robot("matched"));
    // A link is another path to the same inode.
    let link = house.sandbox.path("link");
    std::os::unix::fs::symlink(&house.robot, &link).expect("link");
    assert_eq!(taken_for(&house.by(&link, STATUS)), robot("matched"));
}

#[test]
fn a_name_that_is_only_said_stays_claimed() {
    need!(Linux);
    let house = House::new(false);
    // One that stands for an executable is worth nothing without it; one that stands for none is what the policy gave it.
    let _ = house.by("/bin/bash".as_ref(), &format!("{} --caller robot", house.get())).denied();
    let _ = house.by("/bin/bash".as_ref(), &format!("{} --caller said", house.get())).ok();
    for (event, name) in [("deny", "robot"), ("allow", "said")] {
        let entry = &house.sandbox.trail().into_iter().find(|e| e["event"] == event).expect("one");
        assert_eq!((&entry["caller"], &entry["evidence"]), (&name.into(), &"claimed".into()));
        assert_eq!(entry["session"], "unknown", "a claim makes no session of its own");
    }
    // A claim beside a match: the intersection of rights. `other` has none.
    let line = format!("{} --caller other", house.get());
    let _ = house.by(&house.robot, &line).denied();
}

#[test]
fn a_copy_is_not_matched() {
    need!(Linux);
    let house = House::new(false);
    let other = copy(&house.sandbox, "/bin/bash", "copied");
    assert_eq!(taken_for(&house.by(&other, STATUS)), nobody());
    let _ = house.by(&other, &house.get()).denied();
    // Nor one with the same name in another folder, nor one that calls itself so.
    std::fs::create_dir(house.sandbox.path("bin")).expect("mkdir");
    std::fs::copy(&other, house.sandbox.path("bin/robot")).expect("copy");
    assert_eq!(taken_for(&house.by(&house.sandbox.path("bin/robot"), STATUS)), nobody());
    let renamed = format!("exec -a '{}' /bin/sh -c '{STATUS}\n:'", house.robot.display());
    assert_eq!(taken_for(&house.by(&other, &renamed)), nobody());
}

#[test]
fn a_bind_mount_in_a_user_namespace_is_not_matched() {
    need!(Linux, UserNamespaces);
    let house = House::new(false);
    let other = copy(&house.sandbox, "/bin/bash", "copied");
    let (mine, theirs) = (other.display(), house.robot.display());
    let line = format!(
        "unshare --user --map-current-user --mount /bin/sh -c \"mount --bind '{mine}' '{theirs}' && '{theirs}' --norc -c '\\\"\\$SVAULT\\\" status --json\n:'\""
    );
    let mounted = format!(
        "unshare --user --map-root-user --mount /bin/sh -c \"mount --bind '{mine}' '{theirs}' && '{theirs}' --norc -c '\\\"\\$SVAULT\\\" status --json\n:'\""
    );
    for line in [line, mounted] {
        let said = house.by("/bin/bash".as_ref(), &line);
        if said.code == 0 && !said.out.is_empty() {
            assert_eq!(taken_for(&said), nobody(), "{}", said.all());
        } else {
            assert!(!said.err.contains("matched"), "{}", said.all());
        }
    }
    // The real one in another mount or process namespace is not seen as ours either.
    for flags in ["--user --map-root-user --mount", "--user --map-root-user --pid --fork --mount-proc"] {
        let line =
            format!("unshare {flags} '{theirs}' --norc -c '{}'", house.get().replace('\'', "\"") + "\n:");
        let said = house.by("/bin/bash".as_ref(), &line);
        assert_ne!(said.text(), VALUE, "{flags}: {}", said.all());
    }
}

#[test]
fn becoming_the_executable_after_connecting_is_not_matched() {
    need!(Linux);
    let house = House::new(false);
    let robot_path = house.robot.display();
    // The connection is handed to the registered program by exec: the status request is written by it, on $FD.
    let line = connect_exec(STRANGER, "$SOCKET", &robot_path.to_string(), r#"{"type":"status"}"#);
    let said = house.by("/bin/bash".as_ref(), &line);
    assert_eq!(taken_for(&said), nobody(), "{}", said.all());
    // A parent that becomes the registered program after its child has greeted.
    let go = house.sandbox.path("go");
    let write = format!("touch '{}'; timeout 5 head -n 1 <&$FD; :", go.display());
    let line = format!(
        "\"$STRANGER\" parent-exec \"$SOCKET\" '{}' '{robot_path}' --norc -c \"{write}\"",
        go.display()
    );
    let line = line.replace("$FD", "\\$FD");
    let said = house.by("/bin/bash".as_ref(), &line);
    assert_eq!(taken_for(&said), nobody(), "{}", said.all());
}

#[test]
fn what_a_connection_was_matched_by_must_still_be_so() {
    need!(Linux);
    let house = House::new(false);
    // Below the registered program, but no longer the process that greeted: nobody, for its facts and lists as well.
    let ask =
        |request: &str| house.by(&house.robot, &connect_exec(STRANGER, "$SOCKET", "/bin/bash", request));
    let said = ask(r#"{"type":"status"}"#);
    assert_eq!(taken_for(&said), nobody(), "{}", said.all());
    let said = ask(r#"{"type":"mine"}"#);
    assert!(said.text().contains("\"mine\"") && !said.text().contains("LOW"), "{}", said.all());
}

/// What somebody else does on a matched process's connection is not that caller's.
#[test]
fn another_program_on_a_matched_connection_proposes_and_cancels_as_nobody() {
    need!(Linux);
    let house = House::new(false);
    house.sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let (stranger, socket) =
        (house.stranger.display().to_string(), house.sandbox.socket().display().to_string());
    let propose = r#"{"type":"propose","name":"NEW","vault":"main","class":{"scope":"db","tier":"medium"}}"#;
    let value = "sk-test-proposed";
    let said = house.by(&house.robot, &connect_exec_value(&stranger, &socket, "/bin/bash", propose, value));
    assert!(said.text().contains("\"done\""), "{}", said.all());
    let entry = house.sandbox.trail().into_iter().find(|e| e["event"] == "propose").expect("one");
    assert_eq!((&entry["caller"], &entry["session"]), (&"unknown".into(), &"unknown".into()), "{entry}");

    let mut robot = Robot::start(&house.sandbox);
    let use_it = ["run", "--env", "V=MEDIUM", "--scope", "db", "--reason", GOOD_REASON, "--wait", "0", "--"];
    let waits = robot.runs(&[&use_it[..], &["/bin/true"]].concat()).exits(6);
    let id =
        waits.err.split_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("an id").0.to_owned();
    let cancel = format!(r#"{{"type":"cancel","id":"{id}"}}"#);
    let said = robot.begins_line(&connect_exec(&stranger, &socket, "/bin/bash", &cancel)).ends();
    assert!(said.text().contains("\"denied\""), "{}", said.all());
    let entry = house.sandbox.trail().into_iter().find(|e| e["event"] == "deny").expect("one");
    assert_eq!((&entry["cause"], &entry["session"]), (&"not_yours".into(), &"unknown".into()), "{entry}");
    // It waits as before, and the caller itself takes it back.
    let _ = robot.runs(&["cancel", &id]).ok();
}

#[test]
fn a_program_that_the_policy_knows_is_no_human() {
    need!(Linux);
    let house = House::new(false);
    // The registered program itself, with no agent among its parents.
    let nonce = "00".repeat(32);
    let request = format!(r#"{{"type":"prove_begin","slot":"0000000000000000","nonce":"{nonce}"}}"#);
    let robot = house.robot.display().to_string();
    let said = house.by("/bin/bash".as_ref(), &connect_exec(STRANGER, "$SOCKET", &robot, &request));
    assert!(said.text().contains("under an AI agent (robot)"), "{}", said.all());
    let said = house.by("/bin/bash".as_ref(), &connect_exec(STRANGER, "$SOCKET", "/bin/bash", &request));
    assert!(said.text().contains("prove_challenge"), "it would be taken from others: {}", said.all());
}

#[test]
fn an_orphan_is_not_matched() {
    need!(Linux);
    let house = House::new(false);
    let out = house.sandbox.path("home/out");
    let line = format!(
        "setsid -f /bin/sh -c 'sleep 0.5; \"$SVAULT\" status --json > {0}.new; mv {0}.new {0}'",
        out.display()
    );
    let _ = house.by(&house.robot, &line).ok();
    house.sandbox.wait_for("the orphan", || out.exists());
    let text = std::fs::read(&out).expect("its output");
    let said = Output { code: 0, out: text, err: String::new() };
    assert_eq!(taken_for(&said), nobody());
}

#[test]
fn verified_means_launched_and_nothing_else() {
    need!(Linux);
    let house = House::new(true);
    let _ = house.by(&house.robot, &house.get()).denied();
    let _ = house.by("/bin/bash".as_ref(), &format!("{} --caller robot", house.get())).denied();
    // Only a human launches.
    let robot_path = house.robot.to_str().expect("path");
    let line = format!("{}\nexit $?", house.get());
    let start = ["agent", "start", "robot", "--", robot_path, "--norc", "-c", &line];
    let with_binary = |human: bool| {
        let cmd = house.sandbox.svault(&start).env("SVAULT", house.sandbox.binary());
        if human { cmd.human().run() } else { cmd.run() }
    };
    let _ = with_binary(false).exits(4);
    assert_eq!(with_binary(true).text(), VALUE);
    let entry = &house.sandbox.trail().into_iter().find(|e| e["event"] == "allow").expect("one");
    assert_eq!((&entry["caller"], &entry["evidence"]), (&"robot".into(), &"launched".into()));
    // The start is recorded under the session that all it did goes under.
    let trail = house.sandbox.trail();
    let start = trail.iter().find(|e| e["act"] == "agent_start").expect("its start");
    assert_eq!(start["session"], entry["session"]);
    assert!(entry["session"].as_str().is_some_and(|s| s.starts_with("launched:")), "{entry}");
    // Its rights end with it.
    let _ = house.by(&house.robot, &house.get()).denied();
}

#[test]
fn a_launched_agents_children_stay_its_own_even_as_orphans() {
    need!(Linux);
    let house = House::new(true);
    let out = house.sandbox.path("home/out");
    let get = house.get().replace('\'', "\"");
    let line = format!("setsid -f /bin/sh -c '{get} > {0}.new; mv {0}.new {0}'; sleep 2", out.display());
    let start = ["agent", "start", "robot", "--", "/bin/bash", "-c", &line];
    let _ = house.sandbox.svault(&start).env("SVAULT", house.sandbox.binary()).human().run().ok();
    assert_eq!(std::fs::read_to_string(&out).expect("its output"), VALUE, "the launcher is their subreaper");
}

#[test]
fn a_launched_agent_ends_with_its_terminal() {
    need!(Linux, Script);
    let house = House::new(true);
    let pid = house.sandbox.path("home/pid");
    let agent = format!("echo $$ > {0}.new; mv {0}.new {0}; while :; do sleep 0.1; done", pid.display());
    let svault = house.sandbox.binary().display();
    // The launcher leads the session, so the kernel tells it alone that the terminal hung up.
    let line = format!("exec '{svault}' agent start robot -- /bin/sh -c '{agent}'");
    let mut terminal = svault_tests::terminal::Terminal::open(&house.sandbox, &line);
    terminal.types_passphrase();
    house.sandbox.wait_for("the agent", || pid.exists());
    let agent: i32 = std::fs::read_to_string(&pid).expect("read").trim().parse().expect("a pid");
    assert!(svault_tests::processes::lives(agent));
    drop(terminal);
    house.sandbox.wait_for("the agent's end", || !svault_tests::processes::lives(agent));
}

#[test]
fn another_user_is_not_even_heard() {
    need!(Linux, Root);
    let house = House::new(false);
    // Root may connect to any socket; the daemon speaks to its own user only.
    let mut raw = svault_tests::socket::Raw::connect_as_we_are(&house.sandbox.socket());
    raw.send(&serde_json::json!({"type": "hello", "version": 1, "door": "cli", "caller": null}));
    let answer = raw.frame_in().map(|(_, payload)| String::from_utf8_lossy(&payload).into_owned());
    assert!(answer.is_none_or(|a| a.contains("\"error\"")), "root was greeted");
}

#[test]
fn below_a_registered_executable_no_passphrase_is_asked_for_and_none_is_taken() {
    need!(Linux);
    let house = House::new(false);
    for command in ["show LOW", "unlock", "passphrase change", "approve 7K2MQ9XA", "recover"] {
        let (robot, svault) = (house.robot.display(), house.sandbox.binary().display());
        let line = format!("'{robot}' --norc -c \"'{svault}' {command}; exit \\$?\"; echo \"$> =$?=$> \"");
        let mut terminal = Terminal::open(&house.sandbox, &line);
        let seen = terminal.waits_for("=4=");
        assert!(seen.contains("under an AI agent"), "{command}: {seen}");
        assert!(!seen.contains("assphrase: ") && !seen.contains("code: "), "{command}: {seen}");
    }
    // Of a locked store nobody knows the callers, so it is asked for; but nothing opens.
    house.sandbox.lock();
    let unlock = format!("\"$SVAULT\" unlock --passphrase-fd 3 3<<'END'\n{PASSPHRASE}\nEND\nexit $?");
    let robot = house.robot.to_str().expect("path");
    let shell = house.sandbox.program(robot, &["--norc", "-c", &unlock]);
    let said = shell.env("SVAULT", house.sandbox.binary()).run().exits(4);
    assert!(said.err.contains("robot"), "{}", said.err);
    let _ = house.sandbox.run(&["status"]).exits(3);
    let _ = house.sandbox.unlock();
}

/// What says who asks is the policy of the moment: also of a request that has waited.
#[test]
fn a_caller_that_has_another_executable_by_now_is_not_who_it_was() {
    need!(Linux);
    let house = House::new(false);
    let sandbox = &house.sandbox;
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let line = format!(
        "\"$SVAULT\" run --env V=MEDIUM --scope db --wait 60 --reason '{GOOD_REASON}' -- true\nexit $?"
    );
    let other = sandbox.path("other").display().to_string();
    let robot = house.robot.display().to_string();
    let policy = sandbox.human(&["policy", "show"]).ok().text();
    // The policy names another one; its file has become another one under the same name.
    for (exe, replaced, code) in [(&robot, false, 0), (&other, false, 4), (&robot, true, 4)] {
        sandbox.set_policy(&policy);
        let shell = house.robot.to_str().expect("path");
        let waiting = sandbox
            .program(shell, &["--norc", "-c", &line])
            .env("SVAULT", sandbox.binary())
            .within(std::time::Duration::from_secs(60))
            .spawn();
        let pending = || sandbox.human(&["pending", "--json"]).ok().json()["pending"].clone();
        sandbox.wait_for("a request", || pending().as_array().is_some_and(|all| !all.is_empty()));
        let id = pending()[0]["id"].as_str().expect("an id").to_owned();
        if replaced {
            std::fs::copy(&house.robot, &other).expect("copy");
            std::fs::rename(&other, &house.robot).expect("rename");
        } else {
            sandbox.set_policy(&format!("{}# {code}\n", policy.replace(&robot, exe)));
        }
        let _ = sandbox.human(&["approve", &id]).ok();
        let said = waiting.end();
        assert_eq!(said.code, code, "{}", said.all());
    }
}
