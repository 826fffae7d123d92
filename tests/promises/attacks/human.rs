//! Runs an attack and plays the human beside it: an attack may wait for what a human would do anyway, such as to unlock
//! or to say yes, and can have nothing else done.

use super::house::{House, work};
use std::path::Path;
use std::time::{Duration, Instant};
use svault_tests::Output;
use svault_tests::sandbox::{GOOD_REASON, PASSPHRASE, Sandbox};
use svault_tests::terminal::Terminal;

/// What came of an attack.
pub struct Seen {
    /// What it wrote itself.
    pub output: Output,
    /// What was on the human's terminals.
    pub screens: String,
}

/// Longer takes no attack.
const PATIENCE: Duration = Duration::from_secs(80);

/// Runs it, with a human at hand.
pub fn watch(house: &House, file: &str) -> Seen {
    let sandbox = &house.sandbox;
    let work = work(sandbox);
    for name in [file, "_svault.py"] {
        let text = std::fs::read_to_string(super::folder().join(name)).expect("the attack");
        std::fs::write(work.join(name), text).expect("write");
        svault_tests::scratch::own(&work.join(name), sandbox.uid());
    }
    let program = if file.ends_with(".py") { "/usr/bin/python3" } else { "/bin/sh" };
    let script = work.join(file);
    let running = sandbox
        .program(program, &[script.to_str().expect("path")])
        .env("SVAULT", sandbox.binary())
        .env("STORE", sandbox.store())
        .env("WORK", &work)
        .env("LOOT", work.join("loot"))
        .env("ROBOT", sandbox.path("robot"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .within(PATIENCE)
        .spawn();
    let end = std::thread::spawn(move || running.end());
    let mut screens = String::new();
    let since = Instant::now();
    for number in 1.. {
        let wish = work.join(format!("answers/{number}.wish"));
        while !wish.exists() && !end.is_finished() {
            assert!(since.elapsed() < PATIENCE + Duration::from_secs(10), "{file} does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let Ok(text) = std::fs::read_to_string(&wish) else { break };
        let (code, screen) = does(house, &work, text.trim());
        println!("the human's {}: {code}\n{screen}", text.trim());
        screens += &screen;
        let answer = work.join(format!("answers/{number}.new"));
        std::fs::write(&answer, code.to_string()).expect("write");
        svault_tests::scratch::own(&answer, sandbox.uid());
        std::fs::rename(answer, work.join(format!("answers/{number}.done"))).expect("rename");
    }
    let output = end.join().expect("the attack ends");
    Seen { output, screens }
}

/// One act of the human: its exit code, and what the human saw.
fn does(house: &House, work: &Path, wish: &str) -> (i32, String) {
    let sandbox = &house.sandbox;
    let shown = |said: Output| (said.code, said.all());
    match wish.split(' ').collect::<Vec<_>>()[..] {
        ["unlock"] => shown(sandbox.human(&["unlock"])),
        ["lock"] => {
            let pid = sandbox.daemon();
            let said = sandbox.run(&["lock"]);
            if said.code == 0 {
                sandbox.wait_for("the end", || pid.is_none_or(|p| !svault_tests::processes::lives(p)));
            }
            shown(said)
        }
        ["list"] => shown(sandbox.human(&["list"])),
        ["pending"] => shown(sandbox.human(&["pending"])),
        ["trail"] => shown(sandbox.human(&["audit", "list"])),
        ["show", name] => {
            let said = sandbox.human(&["show", name]);
            (said.code, said.err)
        }
        ["approve"] => shown(approve(sandbox)),
        ["run"] => {
            let child = work.join("child.sh");
            let child = child.to_str().expect("path");
            let args = ["run", "--env", "V=LOW", "--", "/bin/sh", child];
            shown(sandbox.human(&args))
        }
        ["profile", ref args @ ..] => shown(in_profile(sandbox, work, args)),
        ["types", "unlock"] => types_unlock(sandbox, None),
        ["types", "unlock", script] => types_unlock(sandbox, Some(&work.join(script))),
        ["edits", "policy"] => edits(sandbox),
        ref other => panic!("a human does no such thing: {other:?}"),
    }
}

/// Says yes to the oldest request that waits.
fn approve(sandbox: &Sandbox) -> Output {
    let rows = || sandbox.human(&["pending", "--json"]).ok().json()["pending"].clone();
    sandbox.wait_for("a request", || rows().as_array().is_some_and(|all| !all.is_empty()));
    let rows = rows();
    let oldest = rows.as_array().into_iter().flatten().min_by_key(|r| r["asked"].to_string());
    let id = oldest.and_then(|r| r["id"].as_str()).expect("an id").to_owned();
    sandbox.human(&["approve", &id])
}

/// A command in a shell whose profile the attack has written: variables, one a line.
fn in_profile(sandbox: &Sandbox, work: &Path, args: &[&str]) -> Output {
    let profile = std::fs::read_to_string(work.join("profile")).unwrap_or_default();
    let variables: Vec<(&str, &str)> = profile.lines().filter_map(|l| l.split_once('=')).collect();
    let path = variables.iter().find(|(name, _)| *name == "PATH").map(|(_, value)| *value);
    let found = path.and_then(|p| p.split(':').map(|f| Path::new(f).join("svault")).find(|f| f.exists()));
    let program = found.unwrap_or_else(|| sandbox.binary().to_path_buf());
    let command = sandbox.program(program.to_str().expect("path"), args);
    variables.into_iter().fold(command, |c, (name, value)| c.env(name, value)).human().run()
}

/// Unlocks at a terminal. With a script, the human then starts it in that window, and before that gives a secret to the
/// command `child.sh` beside it, where there is one.
fn types_unlock(sandbox: &Sandbox, then: Option<&Path>) -> (i32, String) {
    let mut shell = Terminal::shell(sandbox);
    shell.types("svault unlock; echo \"=$?=\"\n");
    shell.waits_for("assphrase");
    std::thread::sleep(Duration::from_millis(300));
    shell.types(&format!("{PASSPHRASE}\n"));
    let (_, code) = shell.ends();
    if let Some(script) = then {
        let child = script.with_file_name("child.sh");
        if child.exists() {
            let run = format!("svault run --env V=MEDIUM -- /bin/bash {}", child.display());
            shell.types(&format!("{run}; echo \"=$?=\"\n"));
            shell.waits_for("assphrase");
            std::thread::sleep(Duration::from_millis(300));
            shell.types(&format!("{PASSPHRASE}\n"));
            let (said, ran) = shell.ends();
            assert_eq!(ran, 0, "{said}");
        }
        let line = format!("SVAULT='{}' /bin/sh {}", sandbox.binary().display(), script.display());
        let _ = shell.runs(&line);
    }
    (code, shell.seen().replace(PASSPHRASE, ""))
}

/// Edits the policy at a terminal, adds a comment, and gives no proof for what the screen then shows. Whatever changed
/// the file meanwhile must be on that screen.
fn edits(sandbox: &Sandbox) -> (i32, String) {
    let editor = sandbox.script(
        "slow-editor",
        "#!/bin/sh\necho '# mine' >> \"$1\"\nprintf %s \"$1\" > \"$HOME/editing\"\n\
         while [ -e \"$HOME/editing\" ]; do sleep 0.05; done\n",
    );
    let mut shell = Terminal::shell(sandbox);
    shell.types(&format!("EDITOR='{}' svault policy edit; echo \"=$?=\"\n", editor.display()));
    shell.waits_for("assphrase");
    std::thread::sleep(Duration::from_millis(300));
    shell.types(&format!("{PASSPHRASE}\n"));
    let screen = shell.waits_for("assphrase");
    let said_of = |text: &str| assert!(screen.contains(text), "the human is not shown '{text}'\n{screen}");
    said_of("# mine");
    if sandbox.home().join("added").exists() {
        said_of("payments");
    }
    std::thread::sleep(Duration::from_millis(300));
    shell.types("\u{3}");
    let (_, code) = shell.ends();
    (code, screen)
}

/// A request in the name of the caller that has rights, by somebody who is not the attack.
pub fn asks(sandbox: &Sandbox, name: &str) -> Output {
    sandbox.asks(&["get", name, "--scope", "db", "--reason", GOOD_REASON, "--wait", "0"])
}
