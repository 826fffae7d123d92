//! What an agent proposed is confirmed by a human who has seen it, whichever command does it.

use svault_tests::need;
use svault_tests::sandbox::{OPEN_POLICY, Sandbox};
use svault_tests::terminal::{MARK, Terminal};

const REAL: &str = "sk-test-the-humans-own-4Jw8";

/// An agent takes a name that a human will want, under a scope of its own.
fn house() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.set_policy(OPEN_POLICY);
    let args = ["add", "LIVE_KEY", "--propose", "--scope", "db", "--description", "harmless"];
    let _ = sandbox.svault(&args).stdin("sk-test-the-agents").run().ok();
    sandbox
}

fn row(sandbox: &Sandbox) -> serde_json::Value {
    let listed = sandbox.human(&["list", "--json"]).ok().json();
    let rows = listed["secrets"].as_array().expect("rows").clone();
    rows.into_iter().find(|row| row["name"] == "LIVE_KEY").expect("the proposal")
}

#[test]
fn who_adds_what_is_proposed_is_told_so() {
    let sandbox = house();
    let args = ["add", "LIVE_KEY", "--scope", "payments", "--tier", "high"];
    let said = sandbox.svault(&args).human().stdin(REAL).run().exits(1);
    assert!(said.err.contains("unknown has proposed a secret LIVE_KEY"), "{}", said.all());
    assert!(said.err.contains("svault edit LIVE_KEY --vault main"), "{}", said.all());
    assert!(!said.err.contains("svault replace"), "{}", said.all());
}

#[test]
fn a_new_value_confirms_a_proposal_that_was_shown_and_agreed_to() {
    need!(Linux, Script);
    let sandbox = house();
    for (answer, done) in [("n", false), ("y", true)] {
        let mut shell = Terminal::shell(&sandbox);
        shell.types(&format!("svault replace LIVE_KEY --vault main{MARK}"));
        for prompt in ["Value of LIVE_KEY", "Again"] {
            shell.waits_for(prompt);
            shell.types(&format!("{REAL}\n"));
        }
        shell.types_passphrase();
        let card = shell.waits_for("as it is shown?");
        for line in ["what unknown proposed", "scope db, tier medium", "harmless"] {
            assert!(card.contains(line), "{line}: {card}");
        }
        // What was typed before a question could be read is no answer to it.
        std::thread::sleep(std::time::Duration::from_millis(1200));
        shell.types(&format!("{answer}\n"));
        let (said, code) = shell.ends();
        assert_eq!(code == 0, done, "{said}");
        assert_eq!(row(&sandbox)["proposed_by"].is_null(), done);
        let shown = sandbox.human(&["show", "svault://main/LIVE_KEY"]);
        assert_eq!(
            (shown.code, shown.text() == REAL),
            if done { (0, true) } else { (4, false) },
            "{}",
            shown.all()
        );
    }
    // What no agent chose is not asked about.
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("svault replace LIVE_KEY < /etc/hostname{MARK}"));
    shell.types_passphrase();
    let (said, code) = shell.ends();
    assert!(code == 0 && !said.contains("as it is shown?"), "{said}");
}

#[test]
fn a_script_that_confirms_by_a_new_value_has_it_shown() {
    let sandbox = house();
    let said = sandbox.svault(&["replace", "LIVE_KEY", "--vault", "main"]).human().stdin(REAL).run().ok();
    assert!(said.err.contains("scope db, tier medium"), "{}", said.all());
}
