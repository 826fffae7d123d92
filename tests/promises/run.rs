//! `svault run`: a command uses values and nobody reads them in what it writes; it is ended with us, and looks to its
//! user like the command itself. Each test is an attempt to get a value out, or to leave something behind.

use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use svault_tests::processes;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::{Cmd, Output, need};

const VALUE: &str = "sk-test-Vq8/xR+2mZ=t0K&7wLp\"3n'Yb";
const PEM: &str =
    "-----BEGIN TEST KEY-----\nc2stdGVzdC1wZW0tb25l\nc2stdGVzdC1wZW0tdHdv\n-----END TEST KEY-----\n";

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("KEY", VALUE, &["--tier", "low", "--scope", "db"]);
    sandbox.add("PEM", PEM, &["--tier", "low", "--scope", "db", "--raw"]);
    sandbox
}

/// `svault run OPTIONS -- COMMAND` by the caller `tester`.
fn run(sandbox: &Sandbox, options: &[&str], command: &[&str]) -> Cmd {
    let why = ["--scope", "db", "--reason", GOOD_REASON, "--caller", "tester"];
    sandbox.svault(&[&["run"], options, &why, &["--"], command].concat())
}

fn sh(sandbox: &Sandbox, line: &str) -> Cmd {
    run(sandbox, &["--env", "KEY"], &["/bin/sh", "-c", line])
}

/// Nothing of the value may be in it, whole or in a part that would do.
#[track_caller]
fn clean(said: &Output) -> String {
    let all = said.all();
    for part in [VALUE, "sk-test-Vq8", "c2stdGVzdC1wZW0tb25l"] {
        assert!(!all.contains(part), "{all}");
    }
    all
}

#[test]
fn with_json_what_keeps_a_command_from_starting_is_one_object_and_the_rest_is_the_commands() {
    let sandbox = house();
    let said =
        run(&sandbox, &["--json", "--env", "KEY"], &["/bin/sh", "-c", "echo mine; exit 9"]).run().exits(9);
    assert_eq!(said.text(), "mine\n");
    let denied = run(&sandbox, &["--json", "--env", "NO_SUCH"], &["echo", "mine"]).run().exits(4).json();
    assert_eq!((&denied["ok"], &denied["error"]["code"]), (&false.into(), &"denied".into()));
    assert!(denied["id"].is_string(), "{denied}");
}

#[test]
fn output_that_could_not_be_written_is_told() {
    need!(Linux);
    let sandbox = house();
    let line = |rest: &str| {
        let svault = sandbox.binary().display();
        sandbox.shell(&format!(
            "{svault} run --env KEY --scope db --reason '{GOOD_REASON}' --caller tester {rest}"
        ))
    };
    let lost = line("-- echo hello >/dev/full").run().exits(1);
    assert!(lost.err.contains("can't write the command's output"), "{}", lost.all());
    assert!(lost.err.contains("ended with exit code 0"), "{}", lost.all());
    let lost = line("-- sh -c 'echo hello; exit 9' >/dev/full").run().exits(9);
    assert!(lost.err.contains("can't write the command's output"), "{}", lost.all());
    // Whoever stops reading has what it wanted.
    let _ = line("-- echo hello | true").run().ok();
    assert_eq!(line("-- echo hello 2>/dev/full").run().ok().text(), "hello\n");
}

/// Node and ssh set what they hand on so, and a pipe is one for all who have it.
#[test]
fn an_output_that_would_block_loses_nothing() {
    need!(Linux, Python);
    let sandbox = house();
    let set = "import fcntl,os,sys; fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK | os.O_WRONLY); os.execv(sys.argv[1], sys.argv[1:])";
    let line = format!(
        "python3 -c '{set}' {} run --env KEY --scope db --reason '{GOOD_REASON}' --caller tester -- \
         head -c 3000000 /dev/zero | (sleep 1; wc -c)",
        sandbox.binary().display()
    );
    assert_eq!(sandbox.shell(&line).run().ok().text(), "3000000\n");
}

#[test]
fn no_value_comes_out_of_what_a_command_writes() {
    let sandbox = house();
    let said = run(&sandbox, &["--env", "KEY"], &["env"]).run().ok();
    assert!(clean(&said).contains("KEY=[svault:KEY]"), "{}", said.all());
    // The command has the value itself.
    let length = sh(&sandbox, "printf %s \"$KEY\" | wc -c").run().ok();
    assert_eq!(length.text().trim(), VALUE.len().to_string());
    for line in [
        "printf %s \"$KEY\" | base64",
        "printf 'x%s' \"$KEY\" | base64",
        "printf 'xy%s' \"$KEY\" | base64 -w 16",
        "printf %s \"$KEY\" | od -An -v -tx1 | tr -d ' \\n'",
        "printf 'Authorization: Bearer %s\\n' \"$KEY\" >&2",
        "printf '%s' \"$KEY\"; exit 9",
        "for i in 1 2 3 4; do printf '%s%s' \"$KEY\" \"$KEY\"; done",
        "tr '\\0' '\\n' < /proc/self/environ",
    ] {
        let said = sh(&sandbox, line).run();
        let all = clean(&said);
        assert!(all.contains("[svault:KEY]"), "{line}: {all}");
    }
}

#[test]
fn python_prints_of_it_are_masked() {
    need!(Python);
    let sandbox = house();
    for what in [
        "print(os.environ['KEY'])",
        "print(repr(os.environ['KEY']), json.dumps(os.environ['KEY']))",
        "print(urllib.parse.quote(os.environ['KEY'], safe=''))",
        "print(html.escape(os.environ['KEY']))",
        "print(base64.urlsafe_b64encode(os.environ['KEY'].encode()).decode())",
        "raise SystemExit(os.environ['KEY'])",
    ] {
        let script = format!("import os,json,urllib.parse,html,base64\n{what}");
        let said = run(&sandbox, &["--env", "KEY"], &["python3", "-c", &script]).run();
        assert!(clean(&said).contains("[svault:KEY]"), "{what}: {}", said.all());
    }
}

#[test]
fn curl_talks_about_its_headers_without_the_value() {
    need!(Curl);
    let sandbox = house();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("curl");
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
            let n = stream.read(&mut buffer).expect("a request");
            asked.extend_from_slice(&buffer[..n]);
        }
        // It echoes, as a debugging service would.
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", asked.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&asked)).expect("an answer");
        asked
    });
    let line = format!("curl -sv -H \"Authorization: Bearer $KEY\" http://{address}/");
    let said = sh(&sandbox, &line).run().ok();
    let all = clean(&said);
    assert!(all.matches("[svault:KEY]").count() >= 2, "sent and echoed: {all}");
    let asked = String::from_utf8(server.join().expect("the server")).expect("text");
    assert!(asked.contains(VALUE), "the service got the value itself: {asked}");
}

#[test]
fn a_value_that_comes_in_pieces_is_masked() {
    let sandbox = house();
    let (a, b) = VALUE.split_at(14);
    let split = |pause: &str| {
        let line =
            format!("printf 'is: %s' '{a}'; sleep {pause}; printf '%s' \"${{KEY#'{a}'}}\"; echo; echo after");
        sh(&sandbox, &line).run().ok()
    };
    assert_eq!(clean(&split("0")).matches("[svault:KEY]").count(), 1);
    // After a silence the started part is masked and what follows is no whole value any more.
    let late = split("0.3");
    assert!(clean(&late).contains("after"), "{}", late.all());
    // Byte by byte, without a pause between them.
    let bytes =
        "i=1; while [ $i -le ${#KEY} ]; do printf %s \"$(printf %s \"$KEY\" | cut -c$i)\"; i=$((i+1)); done";
    assert!(!b.is_empty() && clean(&sh(&sandbox, bytes).run()).contains("svault:KEY"));
}

#[test]
fn a_command_that_dies_half_way_through_a_value_shows_no_half() {
    let sandbox = house();
    let said = sh(&sandbox, "printf %s \"$KEY\" | head -c 20; kill -9 $$").run().exits(128 + 9);
    clean(&said);
    let said = sh(&sandbox, "printf %s \"$KEY\" | head -c 20 >&2; exit 3").run().exits(3);
    clean(&said);
}

#[test]
fn stdout_and_stderr_stay_apart_and_stdin_comes_through() {
    let sandbox = house();
    let said = sh(&sandbox, "cat; echo err >&2").stdin("typed\n").run().ok();
    assert_eq!((said.text().as_str(), said.err.as_str()), ("typed\n", "err\n"));
}

#[test]
fn a_long_output_comes_whole_and_memory_stays_flat() {
    need!(Linux);
    let sandbox = house();
    let mib = 64;
    // It says at its end how much memory its grandparent, svault, has needed at most.
    let line = format!(
        "head -c {} /dev/zero | tr '\\0' 'a'; printf %s \"$KEY\"; g=$(ps -o ppid= -p $PPID | tr -d ' '); \
         grep VmHWM /proc/$g/status >&2",
        mib << 20
    );
    let said = sh(&sandbox, &line).run().ok();
    assert!(said.out.ends_with(b"a[svault:KEY]"));
    assert_eq!(said.out.len(), (mib << 20) + "[svault:KEY]".len());
    let kib: usize = said.err.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("VmHWM");
    assert!(kib < 48 * 1024, "{kib} KiB");
}

#[test]
fn a_file_is_a_path_that_only_the_command_has() {
    need!(Linux);
    let sandbox = house();
    let both = ["--file", "KEY_FILE=PEM", "--env", "KEY"];
    let line = "case $KEY_FILE in /proc/self/fd/*) ;; *) exit 1;; esac; \
                [ $(stat -L -c %a \"$KEY_FILE\") = 400 ] || exit 1; wc -c < \"$KEY_FILE\"; wc -l < \"$KEY_FILE\"; \
                cat \"$KEY_FILE\" \"$KEY_FILE\"; (echo x > \"$KEY_FILE\") 2>/dev/null || echo sealed; tr '\\0' ' ' \
                < /proc/$$/cmdline";
    let said = run(&sandbox, &both, &["/bin/sh", "-c", line]).run().ok();
    let all = clean(&said);
    assert!(said.text().starts_with(&format!("{}\n4\n", PEM.len())), "{all}");
    assert_eq!(all.matches("[svault:PEM]").count(), 2, "{all}");
    assert!(all.contains("sealed"), "{all}");
    // Each secret of the request was recorded with its own exposure.
    let recorded = |name: &str| {
        let found = sandbox.trail().into_iter().find(|e| e["secret"] == name && e["event"] == "allow");
        let entry = found.expect("an entry");
        (
            entry["exposure"].as_str().unwrap_or_default().to_owned(),
            entry["variable"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(recorded("main/PEM"), ("file".into(), "KEY_FILE".into()));
    assert_eq!(recorded("main/KEY"), ("env".into(), "KEY".into()));
    // No file is left, or ever was.
    assert!(!found_below(&sandbox.path(""), "c2stdGVzdC1wZW0tb25l"));
}

/// Whether a text is in any file of a folder.
fn found_below(folder: &Path, text: &str) -> bool {
    Command::new("grep").args(["-rqaF", text]).arg(folder).status().is_ok_and(|s| s.success())
}

#[test]
fn nothing_is_in_the_environment_or_the_arguments_of_our_own_processes() {
    need!(Linux, Root);
    let sandbox = house();
    let running = sh(&sandbox, "echo ready; sleep 600").spawn();
    running.waits_for("ready");
    let (ours, guard) = (running.pid(), processes::children(running.pid())[0]);
    let command = processes::children(guard)[0];
    for pid in [ours, guard] {
        for file in ["environ", "cmdline"] {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).expect("root may read it");
            assert!(!String::from_utf8_lossy(&text).contains("sk-test"), "{file} of {pid}");
        }
    }
    let own = std::fs::read(format!("/proc/{command}/environ")).expect("root may read it");
    assert!(String::from_utf8_lossy(&own).contains(VALUE), "the test looks in the right place");
    processes::signal(ours, Signal::TERM);
    let _ = running.end();
}

/// Everything that runs below a process.
fn family(pid: i32) -> Vec<i32> {
    let children = processes::children(pid);
    let below = children.iter().flat_map(|c| family(*c)).collect::<Vec<_>>();
    [children, below].concat()
}

/// A command with a child, one that has left its parent and its session, and one that ignores the hang-up.
const FAMILY: &str =
    "sleep 600 & (setsid sleep 600 &) ; nohup sleep 600 >/dev/null 2>&1 & echo ready; sleep 600";

#[test]
fn when_svault_is_killed_nothing_of_the_command_is_left() {
    need!(Linux);
    let sandbox = house();
    let running = sh(&sandbox, FAMILY).spawn();
    running.waits_for("ready");
    sandbox.wait_for("the whole family", || family(running.pid()).len() >= 6);
    let all = family(running.pid());
    processes::kill(running.pid());
    sandbox.wait_for("the end of all", || !all.iter().any(|p| processes::lives(*p)));
    assert_eq!(running.end().code, 128 + 9);
}

#[test]
fn when_the_guard_is_killed_nothing_of_the_command_is_left() {
    need!(Linux);
    let sandbox = house();
    let running = sh(&sandbox, FAMILY).spawn();
    running.waits_for("ready");
    sandbox.wait_for("the whole family", || family(running.pid()).len() >= 6);
    let all = family(running.pid());
    processes::kill(processes::children(running.pid())[0]);
    let said = running.end().exits(1).says("guard was killed");
    clean(&said);
    sandbox.wait_for("the end of all", || !all.iter().any(|p| processes::lives(*p)));
}

#[test]
fn a_command_that_has_stopped_its_guard_ends_with_svault_and_at_a_signal() {
    need!(Linux);
    let sandbox = house();
    let line = format!("kill -STOP $PPID; {}", FAMILY.replace("echo ready; sleep", "echo ready; exec sleep"));
    for signal in [Signal::KILL, Signal::TERM] {
        let running = sh(&sandbox, &line).spawn();
        running.waits_for("ready");
        sandbox.wait_for("the whole family", || family(running.pid()).len() >= 5);
        let all = family(running.pid());
        processes::signal(running.pid(), signal);
        let _ = running.end().exits(128 + signal.as_raw());
        sandbox.wait_for("the end of all", || !all.iter().any(|p| processes::lives(*p)));
    }
}

#[test]
fn a_command_that_has_stopped_its_guard_ends_as_others_do() {
    need!(Linux);
    let sandbox = house();
    let _ = sh(&sandbox, "kill -STOP $PPID; exit 3").spawn().end().exits(3);
    let _ = sh(&sandbox, "kill -STOP $PPID; kill -STOP $PPID; echo hi; exit 4").spawn().end().exits(4);
}

#[test]
fn a_signal_reaches_the_command_once_and_ends_what_it_has_left() {
    need!(Linux);
    let sandbox = house();
    let line = "trap 'echo got; exit 5' TERM; (setsid sleep 600 &); echo ready; while :; do sleep 0.05; done";
    let running = sh(&sandbox, line).spawn();
    running.waits_for("ready");
    let all = family(running.pid());
    processes::signal(running.pid(), Signal::TERM);
    let said = running.end().exits(5);
    assert_eq!(said.text().matches("got").count(), 1, "{}", said.all());
    sandbox.wait_for("the end of all", || !all.iter().any(|p| processes::lives(*p)));
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131), (Signal::TERM, 143)] {
        let running = sh(&sandbox, "echo ready; exec sleep 600").spawn();
        running.waits_for("ready");
        processes::signal(running.pid(), signal);
        let _ = running.end().exits(code);
    }
}

#[test]
fn what_a_command_leaves_running_on_purpose_runs_on_and_keeps_nobody() {
    need!(Linux);
    let sandbox = house();
    let running = sh(&sandbox, "sleep 5 & echo $!").spawn();
    let said = running.end().ok();
    let pid: i32 = said.text().trim().parse().expect("a pid");
    assert!(processes::lives(pid));
    processes::kill(pid);
}

#[test]
fn what_writes_on_and_on_keeps_nobody_and_a_slow_reader_gets_the_commands_own_output() {
    need!(Linux);
    let sandbox = house();
    let own = "head -c 700000 /dev/zero | tr '\\0' a; echo own-end";
    // The reader takes nothing for longer than the rest is waited for.
    let line = format!(
        "{} run --env KEY --scope db --reason '{GOOD_REASON}' --caller tester -- sh -c \"{own}; yes & exit 0\" \
         | (sleep 3; grep -c own-end)",
        sandbox.binary().display()
    );
    assert_eq!(sandbox.shell(&line).run().ok().text(), "1\n");
}

#[test]
fn a_denied_run_starts_nothing() {
    let sandbox = house();
    let mark = sandbox.home().join("started");
    let line = format!("touch '{}'", mark.display());
    let denied = run(&sandbox, &["--env", "KEY", "--env", "NO_SUCH"], &["/bin/sh", "-c", &line]).run();
    let _ = denied.denied();
    assert!(!mark.exists());
    for bad in [["--file", "LD_PRELOAD=KEY"], ["--env", "NODE_OPTIONS=KEY"], ["--file", "KEY"]] {
        let _ = run(&sandbox, &bad, &["/bin/true"]).run().exits(2);
    }
    let _ = run(&sandbox, &["--env", "A=KEY", "--file", "A=PEM"], &["/bin/true"]).run().exits(2);
    let _ = run(&sandbox, &[], &["/bin/true"]).run().exits(2).says(".env");
}

#[test]
fn references_in_a_dotenv_file_are_resolved_and_the_rest_is_passed_on() {
    let sandbox = house();
    let text = "# the app\nKEY=svault://main/KEY\nURL=\"db://app:${KEY}@h/x\" # put together\nPORT=3000\nNODE_OPTIONS=--require /tmp/x\n";
    std::fs::write(sandbox.home().join(".env"), text).expect("write");
    let show = "printf '%s|%s|%s|%s' \"$KEY\" \"$URL\" \"$PORT\" \"$NODE_OPTIONS\"";
    let said = run(&sandbox, &[], &["/bin/sh", "-c", show]).run().ok();
    clean(&said);
    assert_eq!(said.text(), "[svault:KEY]|db://app:[svault:KEY]@h/x|3000|");
    let said = said.says("using the references in .env").says("NODE_OPTIONS");
    assert_eq!(said.err.lines().count(), 2, "{}", said.err);
    // A later file wins over an earlier one, a flag over both, and the environment over a file's text.
    std::fs::write(sandbox.home().join(".env"), text.replace("URL", "# URL")).expect("write");
    std::fs::write(sandbox.home().join("b.env"), "PORT=4000\nKEY=svault://main/PEM\n").expect("write");
    let files = ["--env-file", ".env", "--env-file", "b.env", "--env", "KEY=KEY"];
    let said = run(&sandbox, &files, &["/bin/sh", "-c", show]).env("PORT", "5000").run().ok();
    assert!(said.text().starts_with("[svault:KEY]|") && said.text().contains("|5000|"), "{}", said.all());
    // A broken file is told by its place, and nothing of its text.
    std::fs::write(sandbox.home().join(".env"), "A=svault://main/KEY\nB=\"sk-test-not-told\n")
        .expect("write");
    let said = run(&sandbox, &[], &["/bin/true"]).run().exits(1).says(".env, line 2");
    assert!(!said.all().contains("not-told"), "{}", said.all());
}

#[test]
fn a_text_longer_than_a_value_and_many_long_names_reach_the_command() {
    need!(Linux);
    let sandbox = house();
    for (name, part) in [("CERT", "c"), ("CHAIN", "d")] {
        sandbox.add(name, &format!("sk-test-{}", part.repeat(39_992)), &["--tier", "low", "--scope", "db"]);
    }
    let bundle = "CERT=svault://main/CERT\nCHAIN=svault://main/CHAIN\nBUNDLE=\"${CERT}${CHAIN}\"\n";
    std::fs::write(sandbox.home().join(".env"), bundle).expect("write");
    let said = run(&sandbox, &[], &["/bin/sh", "-c", "printf %s \"$BUNDLE\" | wc -c"]).run().ok();
    assert_eq!(said.text().trim(), "80000", "{}", said.all());
    let said = run(&sandbox, &[], &["printenv", "BUNDLE"]).run().ok();
    assert_eq!(said.text(), "[svault:CERT][svault:CHAIN]\n", "{}", said.all());

    let names = (0..3000).map(|n| format!("{}_{n}=x\n", "LONG".repeat(25)));
    let many = ["KEY=svault://main/KEY\n".to_owned()].into_iter().chain(names).collect::<String>();
    std::fs::write(sandbox.home().join(".env"), many).expect("write");
    let said = run(&sandbox, &[], &["/bin/sh", "-c", "env | grep -c ^LONGLONG"]).run().ok();
    assert_eq!(said.text(), "3000\n", "{}", said.all());
}

#[test]
fn a_secret_with_pinned_commands_goes_to_no_other() {
    need!(Linux);
    let sandbox = house();
    let pin = "/usr/bin/printenv PINNED";
    let own = sandbox.script("own", "#!/bin/sh\nprintenv PINNED\n");
    let options = ["--tier", "low", "--scope", "db", "--command", pin];
    sandbox.add("PINNED", VALUE, &options);
    let runs = |command: &[&str]| run(&sandbox, &["--env", "PINNED"], command).run();
    assert_eq!(runs(&["printenv", "PINNED"]).ok().text(), "[svault:PINNED]\n");
    for other in [&["printenv"][..], &["printenv", "PINNED", "PATH"], &["/bin/sh", "-c", "printenv PINNED"]] {
        let id = runs(other).denied();
        assert_eq!(sandbox.entry(&id)["entry"]["cause"], "command_not_pinned");
    }
    // `edit` pins, too; a program that its user can change is no pin.
    let own = own.to_str().expect("text");
    let _ = sandbox.human(&["edit", "PINNED", "--command", own]).ok();
    let id = runs(&[own]).denied();
    assert_eq!(sandbox.entry(&id)["entry"]["cause"], "command_writable");
    let _ = sandbox.run(&["add", "X", "--command", "printenv PINNED"]).exits(2);
}
