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
