//! A signal that ends svault at a prompt: the terminal is as it was, and a recovery code is no longer on it.

use rustix::process::Signal;
use svault_tests::need;
use svault_tests::processes;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::terminal::{MARK, Terminal};

/// Types a command under a shell that does not put the terminal back itself, as one with job control does, and that says
/// then how the terminal is.
fn begins(shell: &mut Terminal, sandbox: &Sandbox, command: &str) {
    shell.types(&format!("sh -c '{} {command}; stty -a'{MARK}", sandbox.binary().display()));
}

/// Ends svault, and sees that the terminal is as it was.
#[track_caller]
fn ends_by(shell: &mut Terminal, signal: Signal) -> String {
    let sh = processes::children(shell.shell_pid())[0];
    processes::signal(processes::children(sh)[0], signal);
    let (seen, _) = shell.ends();
    let words: Vec<&str> = seen.split([' ', '\n', ';']).collect();
    for on in ["echo", "icanon", "isig"] {
        assert!(words.contains(&on), "{on} is off: {seen}");
    }
    seen
}

#[test]
fn a_signal_at_a_prompt_leaves_the_terminal_as_it_was() {
    need!(Linux, Script);
    let sandbox = Sandbox::ready();
    let mut shell = Terminal::shell(&sandbox);
    for signal in [Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::ALARM, Signal::ABORT] {
        begins(&mut shell, &sandbox, "add T --scope db");
        shell.waits_for("Value of T: ");
        let _ = ends_by(&mut shell, signal);
    }
}

#[test]
fn a_signal_takes_the_recovery_code_off_the_screen() {
    need!(Linux, Script);
    let sandbox = Sandbox::empty();
    let mut shell = Terminal::shell(&sandbox);
    begins(&mut shell, &sandbox, "init");
    for prompt in ["assphrase: ", "gain: "] {
        shell.waits_for(prompt);
        shell.types(&format!("{PASSPHRASE}\n"));
    }
    shell.waits_for("\u{1b}[?1049h");
    shell.waits_for("Enter when you have it: ");
    // It is not stopped with the code there.
    let sh = processes::children(shell.shell_pid())[0];
    processes::signal(processes::children(sh)[0], Signal::TSTP);
    let seen = ends_by(&mut shell, Signal::USR1);
    assert!(seen.contains("\u{1b}[2J\u{1b}[?1049l"), "{seen}");
}
