//! `svault run` as a job of a shell: stopped, in the background, in the foreground again, and where no shell is above it.

use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::terminal::Terminal;

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
    let reads = line(&sandbox, "echo rea\"\"dy; read x; echo \"typed <$x>\"; read y; echo \"then <$y>\"");
    shell.types(&format!("{reads}\n"));
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
