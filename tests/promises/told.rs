//! What a human is told is so, and what is advised works.

use svault_tests::need;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::terminal::{MARK, Terminal};

#[test]
fn enter_alone_is_a_wrong_passphrase() {
    need!(Linux, Script);
    let sandbox = Sandbox::ready();
    sandbox.add("T", "sk-test-t", &[]);
    let mut shell = Terminal::shell(&sandbox);
    for command in ["show T", "unlock"] {
        if command == "unlock" {
            sandbox.lock();
        }
        shell.types(&format!("svault {command}{MARK}"));
        for _ in 0..3 {
            shell.waits_for("assphrase: ");
            shell.types("\n");
        }
        let (seen, code) = shell.ends();
        assert_eq!(code, 1, "{seen}");
        assert!(seen.contains("wrong passphrase"), "{seen}");
    }
    // It is asked again: the third may be right.
    shell.types(&format!("svault unlock{MARK}"));
    for typed in ["", "", PASSPHRASE] {
        shell.waits_for("assphrase: ");
        shell.types(&format!("{typed}\n"));
    }
    assert_eq!(shell.ends().1, 0);
    let empty = sandbox.svault(&["show", "T"]).secret("--passphrase-fd", "").run();
    let _ = empty.exits(1).says("is empty");
}
