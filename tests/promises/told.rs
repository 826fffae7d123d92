//! What a human is told is so, and what is advised works.

use crate::install::with_path;
use svault_tests::sandbox::{GOOD_REASON, PASSPHRASE, Sandbox};
use svault_tests::scratch::own;
use svault_tests::terminal::{MARK, Terminal};
use svault_tests::{Output, need};

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.home().join(name);
    std::fs::write(&path, text).expect("write");
    own(&path, sandbox.uid());
}

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

#[test]
fn the_way_back_of_an_import_names_its_vault() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let _ = sandbox.human(&["vault", "create", "work"]).ok();
    write(&sandbox, ".env", "A_KEY=sk-test-a1b2c3\n");
    let home = sandbox.home();
    let said =
        sandbox.svault(&["import", ".env", "--vault", "work", "--replace"]).cwd(&home).human().run().ok();
    let text = said.text();
    let advice = text.split("To go back: svault ").nth(1).and_then(|t| t.lines().next()).expect("an advice");
    let words: Vec<&str> = advice.split(' ').collect();
    let _ = sandbox.svault(&words).cwd(&home).human().run().ok();
    assert_eq!(std::fs::read_to_string(home.join(".env")).expect("read"), "A_KEY=sk-test-a1b2c3\n");
}

#[test]
fn an_import_shows_what_is_there_as_it_stays() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    sandbox.add("DB_KEY", "sk-test-a1b2c3", &["--scope", "mine", "--tier", "high"]);
    write(&sandbox, ".env", "DB_KEY=sk-test-a1b2c3\n");
    let home = sandbox.home();
    let said = sandbox.svault(&["import", ".env", "--json"]).cwd(&home).human().run().ok().json();
    let row = &said["plan"][0];
    assert_eq!((&row["scope"], &row["tier"]), (&"mine".into(), &"high".into()), "{said}");
    assert_eq!(row["note"], "there already: refused if it differs", "{said}");
    write(&sandbox, "empty.env", "");
    let said = sandbox.svault(&["import", "empty.env", "--dry-run"]).cwd(&home).run().ok();
    assert_eq!(said.text(), "there is no variable in the file\n");
}

fn caller_row(sandbox: &Sandbox) -> String {
    let said: Output = with_path(sandbox, &["doctor", "--agents"]).run();
    let text = said.text();
    let rows: Vec<&str> = text.lines().skip_while(|l| !l.contains("Claude Code, caller")).take(2).collect();
    rows.join("\n")
}

#[test]
fn a_client_is_not_said_to_have_no_rights_or_to_be_missing_where_that_is_not_known() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let bin = sandbox.home().join("bin");
    std::fs::create_dir_all(&bin).expect("bin");
    own(&bin, sandbox.uid());
    std::fs::copy("/bin/true", bin.join("claude")).expect("copy");
    own(&bin.join("claude"), sandbox.uid());
    let exe = bin.join("claude").display().to_string();
    let _ = sandbox.human(&["caller", "add", "claude-code", "--exe", &exe, "--scope", "db"]).ok();
    let said = with_path(&sandbox, &["install", "--yes", "--client", "claude"]).run();
    assert!(!said.all().contains("no rights"), "{}", said.all());
    assert!(caller_row(&sandbox).contains("svault caller list"), "{}", caller_row(&sandbox));
    // As npm installs it.
    std::fs::remove_file(bin.join("claude")).expect("remove");
    std::fs::rename(sandbox.script("claude", "#!/usr/bin/env node\n"), bin.join("claude")).expect("move");
    let row = caller_row(&sandbox);
    assert!(row.contains("is a script") && row.contains("--verified"), "{row}");
}

#[test]
fn what_keeps_agents_from_a_secret_is_noted() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("T", "sk-test-t", &["--scope", "db"]);
    let mine = sandbox.script("mine", "#!/bin/sh\n").display().to_string();
    let said = sandbox.human(&["edit", "T", "--command", &mine, "--caller", "nobodyhere"]).ok();
    let _ = said.says("command_writable").says("no caller nobodyhere");
    let said = sandbox.human(&["edit", "T", "--command", "/usr/bin/env -i", "--caller", "tester"]).ok();
    assert!(!said.err.contains("note:"), "{}", said.all());
    let said = sandbox.svault(&["add", "U", "--command", &mine]).human().stdin("sk-test-u").run().ok();
    let _ = said.says("command_writable");
}

#[test]
fn a_policy_is_tested_for_humans_too() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("[[forbid]]\ncaller = \"human\"\nsecret = \"T\"\n");
    sandbox.add("T", "sk-test-t", &["--scope", "db"]);
    sandbox.add("U", "sk-test-u", &["--scope", "db"]);
    let case = |caller: &str, secret: &str, expect: &str| {
        format!(
            "[[case]]\ncaller = \"{caller}\"\nsecret = \"{secret}\"\nscope = \"db\"\nreason = \"{GOOD_REASON}\"\nexpect = \"{expect}\"\n"
        )
    };
    let cases = case("human", "T", "forbidden")
        + &case("human", "U", "allow")
        + &case("tester", "T", "ask")
        + &case("unknown", "T", "unknown_caller");
    write(&sandbox, "cases.toml", &cases);
    let _ = sandbox.svault(&["policy", "test", "cases.toml"]).cwd(&sandbox.home()).human().run().ok();
}

#[test]
fn small_errors_say_what_is_so() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    let said = sandbox.human(&["caller", "add", "human", "--verified"]).exits(2);
    assert!(!said.err.contains("line"), "{}", said.all());
    let long = sandbox.svault(&["add", "T"]).human().stdin(vec![b'a'; 70_000]).run();
    let _ = long.exits(1).says("longer than 65536 bytes");
    let folder = sandbox.human(&["render", "/tmp"]).exits(1);
    assert!(!folder.err.contains("doctor"), "{}", folder.all());
}
