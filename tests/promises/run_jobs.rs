//! `svault run` as a job of a shell: stopped, in the background, in the foreground again, and where no shell is above it.

use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::terminal::{MARK, Terminal};

fn house() -> Sandbox {
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("KEY", "sk-test-jobs-81c0f2d97a", &["--tier", "low", "--scope", "db"]);
    sandbox
}

/// A command that no human is asked about.
fn line(sandbox: &Sandbox, command: &str) -> String {
    let svault = sandbox.binary().display();
    format!("{svault} run --env KEY --scope db --reason '{GOOD_REASON}' --caller tester -- sh -c '{command}'")
}

#[test]
fn a_stop_that_no_shell_would_end_stops_nobody() {
    need!(Linux, Script);
    let sandbox = house();
    let stops = line(&sandbox, "kill -TSTP $$; echo went on; read x; echo \"typed <$x>\"");
    let mut terminal = Terminal::open(&sandbox, &format!("exec {stops}"));
    terminal.waits_for("went on");
    terminal.types("a word\n");
    terminal.waits_for("typed <a word>");
}

#[test]
fn keys_reach_a_command_that_was_stopped_sent_to_the_background_and_back() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    for (reads, stdin) in [("read", ""), ("</dev/tty read", "</dev/null"), ("</dev/tty read", "<.bashrc")] {
        std::fs::write(sandbox.home().join(".bashrc"), "a file\n").expect("write");
        let command =
            format!("echo rea\"\"dy; {reads} x; echo \"typed <$x>\"; {reads} y; echo \"then <$y>\"");
        shell.types(&format!("{} {stdin}\n", line(&sandbox, &command)));
        shell.waits_for("ready");
        shell.types("\u{1a}");
        shell.waits_for("Stopped");
        shell.types("fg\n");
        shell.waits_for("sh -c");
        shell.types("one\n");
        shell.waits_for("typed <one>");
        shell.types("\u{1a}");
        shell.waits_for("Stopped");
        shell.types("bg\n");
        shell.waits_for("&");
        // Another word than bash has for a job that runs, in which the command's own text stands.
        shell.types("jobs; echo in the back\"\"ground; fg\n");
        shell.waits_for("in the background");
        shell.types("two\n");
        shell.waits_for("then <two>");
        shell.waits_for("$> ");
    }
}

#[test]
fn a_command_whose_stdin_is_no_terminal_is_typed_to_at_its_own_terminal() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    std::fs::write(sandbox.home().join("config"), "from a file\n").expect("write");
    let asks = "stty -echo </dev/tty; read f; echo \"ask <$f>\"; read x </dev/tty; echo \"has ${#x}\"";
    let command = line(&sandbox, asks);
    let script = sandbox.home().join("script.sh");
    std::fs::write(&script, format!("{command} <config\necho the script goes on\n")).expect("write");
    for (typed, before) in [
        (format!("{command} </dev/null"), "ask <>"),
        (format!("{command} <config"), "ask <from a file>"),
        (format!("cat config | {command}"), "ask <from a file>"),
        ("sh script.sh".into(), "ask <from a file>"),
    ] {
        shell.types(&format!("{typed}{MARK}"));
        shell.waits_for(before);
        // The rest of a pipeline may take a moment to end.
        std::thread::sleep(std::time::Duration::from_millis(700));
        shell.types("sk-test-typed\n");
        let (seen, code) = shell.ends();
        assert!(seen.contains("has 13") && code == 0, "{code} {seen}");
        assert!(!shell.seen().contains("sk-test-typed"), "{}", shell.seen());
    }
}

/// In a script what runs in the background is in the process group of the foreground.
#[test]
fn keys_of_others_in_the_process_group_are_left_to_them() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let reads = line(&sandbox, "echo be\"\"gun; read x </dev/tty; echo \"taken <$x>\"");
    let asks = "sleep 1; read x </dev/tty; echo \"the script has <$x>\"";
    std::fs::write(sandbox.home().join("config"), "").expect("write");
    for stdin in ["/dev/null", "config"] {
        std::fs::write(sandbox.home().join("script.sh"), format!("{reads} <{stdin} &\n{asks}\nkill $!\n"))
            .expect("write");
        shell.types(&format!("sh script.sh{MARK}"));
        shell.waits_for("begun");
        shell.types("a word\n");
        let (seen, _) = shell.ends();
        assert!(seen.contains("the script has <a word>") && !seen.contains("taken"), "{seen}");
    }
    // What gave its child nothing to read, or a pipe, may go on reading keys itself.
    let sleeps = line(&sandbox, "echo be\"\"gun; sleep 1");
    for script in [format!("{sleeps} </dev/null"), format!("echo a line | {sleeps}")] {
        std::fs::write(sandbox.home().join("script.sh"), format!("{script}\n{asks}\n")).expect("write");
        shell.types(&format!("sh script.sh{MARK}"));
        shell.waits_for("begun");
        shell.types("a word\n");
        let (seen, code) = shell.ends();
        assert!(seen.contains("the script has <a word>") && code == 0, "{code} {seen}");
    }
    // The program at the head of a pipeline asks first.
    let then = line(&sandbox, "echo be\"\"gun; read p; read x </dev/tty; echo \"$p, then <$x>\"");
    shell.types(&format!("sh -c 'read x </dev/tty; echo \"first <$x>\"' | {then}{MARK}"));
    shell.waits_for("begun");
    std::thread::sleep(std::time::Duration::from_millis(700));
    shell.types("one\n");
    std::thread::sleep(std::time::Duration::from_millis(700));
    shell.types("two\n");
    let (seen, code) = shell.ends();
    assert!(seen.contains("first <one>, then <two>") && code == 0, "{code} {seen}");
}

#[test]
fn a_stop_of_a_pipeline_stops_its_command_too() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let sleeps = line(&sandbox, "echo \"pi\"\"d $$ is\"; exec sleep 600");
    shell.types(&format!("sleep 600 | {sleeps}\n"));
    shell.waits_for("pid ");
    let pid = shell.waits_for(" is").replace(" is", "");
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    sandbox.wait_for("its sleep", || state().contains(") S "));
    shell.types("\u{1a}");
    shell.waits_for("Stopped");
    sandbox.wait_for("the command's stop", || state().contains(") T "));
    shell.types("bg\n");
    sandbox.wait_for("its going on", || state().contains(") S "));
    shell.types("kill %1\n");
}

/// As a job of a scheduler or a container has it.
#[test]
fn a_pipe_feeds_a_command_where_nothing_controls_the_terminal() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let reads = line(&sandbox, "read x; echo \"fed <$x>\"");
    std::fs::write(sandbox.home().join("script.sh"), format!("echo a line | {reads}\n")).expect("write");
    let (seen, _) = shell.runs("setsid -w sh script.sh");
    assert!(seen.contains("fed <a line>"), "{seen}");
}

#[test]
fn a_command_that_has_closed_its_terminal_still_asks_on_it() {
    need!(Linux, Script);
    let sandbox = house();
    let asks = "exec </dev/null >/dev/null 2>&1; sleep 1; echo a question >/dev/tty; read x </dev/tty; \
                echo \"the answer <$x>\" >/dev/tty";
    let mut terminal = Terminal::open(&sandbox, &line(&sandbox, asks));
    terminal.waits_for("a question");
    terminal.types("a word\n");
    terminal.waits_for("the answer <a word>");
}
