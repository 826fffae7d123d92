//! `svault run` with programs that people sit in front of: editors, pagers, interpreters; stopped, resized and gone on with.

use crate::run_terminal::{VALUE, house, says_yes};
use svault_tests::need;
use svault_tests::terminal::Terminal;

#[test]
fn an_editor_draws_masks_and_saves_what_was_there() {
    need!(Linux, Script, Vim);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let _ = says_yes(&mut shell, "svault run -- vim -u NONE -i NONE -n -N notes");
    shell.waits_for("notes");
    shell.types(":0r !printf '[\\%s]' $KEY\n");
    shell.waits_for("[svault:KEY]");
    shell.types(":wq\n");
    shell.waits_for("=0=");
    // What the editor has is the value: it is masked on its way out alone.
    let saved = std::fs::read_to_string(sandbox.home().join("notes")).expect("the file");
    assert_eq!(saved.lines().next(), Some(&*format!("[{VALUE}]")));
    assert!(!shell.seen().contains(VALUE), "{}", shell.seen());
}

#[test]
fn a_pager_and_an_interpreter_show_masks_and_take_keys() {
    need!(Linux, Script, Less, Python);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let pages = "svault run -- sh -c '(seq 200; echo \"key $KEY\"; seq 200) | less -P @prompt@'";
    let _ = says_yes(&mut shell, pages);
    shell.waits_for("@prompt@");
    shell.types("/key\n");
    shell.waits_for("[svault:KEY]");
    shell.types("q");
    shell.waits_for("=0=");

    let _ = says_yes(&mut shell, "svault run -- /usr/bin/python3 -q");
    shell.waits_for(">>> ");
    shell.types("import os, base64; key = os.environ['KEY']; print(len(key), key)\n");
    shell.waits_for(&format!("{} [svault:KEY]", VALUE.len()));
    shell.types("base64.b64encode(key.encode())\n");
    shell.waits_for("[svault:KEY]");
    shell.types("exit(5)\n");
    assert_eq!(shell.ends().1, 5);
    assert!(!shell.seen().contains(VALUE), "{}", shell.seen());
}

#[test]
fn a_stopped_command_goes_on_in_the_foreground() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let _ = says_yes(&mut shell, "svault run -- sh -c 'echo rea\"\"dy; read x; echo \"$x $KEY\"; exit 4'");
    shell.waits_for("ready");
    shell.types("\u{1a}");
    shell.waits_for("Stopped");
    assert_eq!(shell.ends().1, 128 + 20);
    // The terminal is the shell's, and whole.
    let (settings, _) = shell.runs("stty -a");
    let set: Vec<&str> = settings.split_whitespace().collect();
    assert!(["icanon", "isig", "echo"].iter().all(|word| set.contains(word)), "{settings}");
    shell.types("fg; echo \"=$?=\"\n");
    shell.waits_for("read x");
    shell.types("went-on\n");
    shell.waits_for("went-on [svault:KEY]");
    assert_eq!(shell.ends().1, 4);
    assert!(!shell.seen().contains(VALUE), "{}", shell.seen());
}

#[test]
fn a_terminal_that_changes_its_size_changes_the_commands() {
    need!(Linux, Script);
    let sandbox = house();
    let mut shell = Terminal::shell(&sandbox);
    let (tty, _) = shell.runs("tty");
    let tty = tty.lines().rev().find(|line| line.starts_with("/dev/")).expect("a terminal").to_owned();
    let line = "svault run -- sh -c 'trap \"stty size; exit 3\" WINCH; echo rea\"\"dy; while :; do sleep 0.05; done'";
    let _ = says_yes(&mut shell, line);
    shell.waits_for("ready");
    let _ = sandbox.program("/bin/stty", &["-F", &tty, "rows", "41", "cols", "97"]).run().ok();
    let (seen, code) = shell.ends();
    assert!(seen.contains("41 97") && code == 3, "{code} {seen}");
}

#[test]
fn a_command_that_fails_is_masked_on_both_outputs_and_keeps_its_code() {
    need!(Linux);
    let sandbox = house();
    let line = ["run", "--scope", "db", "--reason", "to see it fail", "--env", "LOW", "--"];
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    let script = "echo \"out $LOW\"; echo \"err $LOW\" >&2; ls \"/$LOW\"; exit 9";
    let ended = sandbox.asks(&[&line[..], &["sh", "-c", script]].concat()).exits(9);
    let all = ended.all();
    assert!(all.contains("out [svault:LOW]") && all.contains("err [svault:LOW]"), "{all}");
    assert!(!all.contains(VALUE), "{all}");
}
