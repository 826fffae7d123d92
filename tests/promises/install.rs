//! Install and uninstall, as an ordinary user with files of their own: what is asked, what is written, who may do it.

use crate::snapshot::shown;
use serde_json::Value;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use svault_tests::scratch::own;
use svault_tests::terminal::Terminal;
use svault_tests::{Cmd, Output, Sandbox, need};

/// A file of the sandbox's user, below the home.
pub fn write(sandbox: &Sandbox, path: &str, text: &str) -> PathBuf {
    let file = sandbox.home().join(path);
    for folder in file.ancestors().skip(1).take_while(|f| *f != sandbox.home()) {
        std::fs::create_dir_all(folder).expect("folder");
        own(folder, sandbox.uid());
    }
    std::fs::write(&file, text).expect("write");
    own(&file, sandbox.uid());
    file
}

fn read(sandbox: &Sandbox, path: &str) -> String {
    std::fs::read_to_string(sandbox.home().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A home with settings of Gemini CLI and Zed in it, and an executable that calls itself claude.
fn desk(sandbox: &Sandbox) {
    write(sandbox, ".gemini/settings.json", "{\n  // mine\n  \"theme\": \"dark\"\n}\n");
    write(sandbox, ".config/zed/settings.json", "{}\n");
    let bin = sandbox.home().join("bin");
    std::fs::create_dir_all(&bin).expect("bin");
    std::fs::copy("/bin/true", bin.join("claude")).expect("copy");
    own(&bin, sandbox.uid());
    own(&bin.join("claude"), sandbox.uid());
}

/// svault, with the home's own `bin` first on the path, in the home.
pub fn with_path(sandbox: &Sandbox, args: &[&str]) -> Cmd {
    let path = format!("{}:/usr/bin:/bin", sandbox.home().join("bin").display());
    sandbox.svault(args).env("PATH", path).cwd(&sandbox.home())
}

#[track_caller]
fn shot(sandbox: &Sandbox, name: &str, said: &Output) {
    if name.ends_with("_json") {
        let pretty = serde_json::to_string_pretty(&said.json()).expect("JSON");
        return insta::assert_snapshot!(
            name,
            shown(sandbox, &Output { out: pretty.into_bytes(), ..said.clone() })
        );
    }
    insta::assert_snapshot!(name, shown(sandbox, said));
}

#[test]
fn what_people_and_scripts_see() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    desk(&sandbox);
    shot(&sandbox, "install_dry_run", &with_path(&sandbox, &["install", "--dry-run"]).run());
    shot(&sandbox, "install_not_asked", &with_path(&sandbox, &["install"]).run());
    shot(&sandbox, "install", &with_path(&sandbox, &["install", "--yes"]).human().run());
    let allow = sandbox.human(&["caller", "allow", "claude-code", "db"]);
    shot(&sandbox, "caller_allow", &allow);
    shot(&sandbox, "install_again_json", &with_path(&sandbox, &["install", "--yes", "--json"]).run());
    shot(&sandbox, "uninstall", &sandbox.run(&["uninstall", "--yes"]));
    shot(&sandbox, "uninstall_nothing_json", &sandbox.run(&["uninstall", "--yes", "--json"]));
    assert_eq!(read(&sandbox, ".config/zed/settings.json"), "{}\n");
}

#[test]
fn without_a_yes_or_in_a_dry_run_nothing_is_written() {
    let sandbox = Sandbox::empty();
    let text = "{\"a\": 1}";
    write(&sandbox, ".qwen/settings.json", text);
    for args in [&["install"][..], &["install", "--dry-run"], &["install", "--dry-run", "--json"]] {
        let _ = sandbox.run(args);
        assert_eq!(read(&sandbox, ".qwen/settings.json"), text);
        assert!(!sandbox.home().join(".local/state/svault").exists());
    }
    let said = sandbox.run(&["install"]).exits(2);
    assert!(said.err.contains("no terminal"), "{}", said.all());
    assert!(said.err.contains("+++ ~/.qwen/settings.json"), "the diff comes first\n{}", said.all());
}

#[test]
fn the_terminal_is_asked_after_the_diff() {
    need!(Script);
    let sandbox = Sandbox::empty();
    write(&sandbox, ".qwen/settings.json", "{}");
    for (answer, written) in [("n", false), ("y", true)] {
        let mut terminal = Terminal::shell(&sandbox);
        terminal.types("svault install\n");
        let shown = terminal.waits_for("Write this file? [y/N]");
        assert!(shown.contains("+++ ~/.qwen/settings.json"), "{shown}");
        std::thread::sleep(std::time::Duration::from_secs(1)); // what is typed ahead counts for nothing
        terminal.types(&format!("{answer}\n"));
        terminal.waits_for("$> ");
        let text = read(&sandbox, ".qwen/settings.json");
        assert_eq!(text.contains("svault"), written, "{text}");
    }
}

#[test]
fn a_second_one_is_refused_while_the_first_waits_for_its_answer() {
    need!(Script);
    let sandbox = Sandbox::empty();
    write(&sandbox, ".qwen/settings.json", "{}");
    let mut terminal = Terminal::shell(&sandbox);
    terminal.types("svault install\n");
    terminal.waits_for("Write this file? [y/N]");
    for verb in ["install", "uninstall"] {
        let said = sandbox.run(&[verb, "--yes", "--json"]).exits(1).json();
        assert_eq!(said["error"]["code"], "busy");
        let _ = sandbox.run(&[verb, "--yes"]).exits(1).says("another svault install is at work");
        let _ = sandbox.run(&[verb, "--dry-run"]).ok();
    }
    assert_eq!(read(&sandbox, ".qwen/settings.json"), "{}");
    std::thread::sleep(std::time::Duration::from_secs(1)); // what is typed ahead counts for nothing
    terminal.types("n\n");
    terminal.waits_for("$> ");
    assert!(!sandbox.home().join(".local/state/svault").exists(), "nothing of it is left");
    let _ = sandbox.run(&["install", "--yes"]).ok();
    let _ = sandbox.run(&["uninstall", "--yes"]).ok();
    assert_eq!(read(&sandbox, ".qwen/settings.json"), "{}");
}

#[test]
fn a_caller_is_registered_by_a_human_alone_and_without_scopes() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    desk(&sandbox);
    let of = |said: &Output| -> Value {
        let clients = said.json()["clients"].as_array().expect("clients").clone();
        clients.into_iter().find(|c| c["client"] == "claude").expect("claude")["caller"].clone()
    };
    // Nobody proves presence: the files are written, and what is left is said.
    let said = with_path(&sandbox, &["install", "--yes", "--json"]).run().ok();
    assert_eq!(of(&said)["state"], "left");
    assert!(said.json()["left"].to_string().contains("not registered as caller claude-code"));
    assert!(!sandbox.human(&["caller", "list"]).ok().text().contains("claude-code"));
    assert!(read(&sandbox, ".claude.json").contains("svault"));
    // The human does.
    let said = with_path(&sandbox, &["install", "--yes", "--json"]).human().run().ok();
    assert_eq!(of(&said)["state"], "registered");
    let rows = sandbox.human(&["caller", "list", "--json"]).ok().json();
    let row = &rows["callers"][0];
    assert_eq!(
        (row["name"].as_str(), row["scopes"].as_array().map(Vec::len)),
        (Some("claude-code"), Some(0))
    );
    let said = with_path(&sandbox, &["install", "--yes", "--json"]).run().ok();
    assert_eq!(of(&said)["state"], "unchanged", "nobody is asked again");
    // An update: another executable in its place has to be confirmed.
    std::fs::copy("/bin/false", sandbox.home().join("bin/claude")).expect("copy");
    let said = with_path(&sandbox, &["install", "--yes", "--json"]).run().ok();
    assert_eq!(of(&said)["state"], "left");
    let said = with_path(&sandbox, &["install", "--yes", "--json"]).human().run().ok();
    assert_eq!(of(&said)["state"], "confirmed");
}

/// Whoever puts a program of that name first on the path gets nothing that the human was not told of.
#[test]
fn another_executable_for_a_caller_that_has_scopes_is_shown_as_what_it_is() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    desk(&sandbox);
    sandbox.set_policy("[callers.claude-code]\nexe = [\"/opt/claude/claude\"]\nscopes = [\"payments\"]\n");
    let said = with_path(&sandbox, &["install", "--yes"]).human().run().ok();
    let shown = said.all();
    assert!(shown.contains("claude-code, which has scope payments, is also"), "{shown}");
    assert!(!shown.contains("without any scope"), "{shown}");
    assert!(!shown.contains("it may ask for nothing yet"), "{shown}");
}

#[test]
fn a_home_that_can_not_be_written_is_said_and_left() {
    let sandbox = Sandbox::empty();
    write(&sandbox, ".qwen/settings.json", "{}");
    write(&sandbox, ".gemini/settings.json", "{}");
    let folder = sandbox.home().join(".qwen");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).expect("chmod");
    let said = sandbox.run(&["install", "--yes", "--json"]).exits(1).json();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("chmod");
    assert_eq!(said["error"]["code"], "left_alone");
    let clients = &said["clients"];
    assert!(
        clients.to_string().contains("left_alone") && !clients.to_string().contains("partly"),
        "{clients}"
    );
    assert_eq!(read(&sandbox, ".qwen/settings.json"), "{}");
    assert!(read(&sandbox, ".gemini/settings.json").contains("svault"));
    assert_eq!(std::fs::read_dir(&folder).expect("folder").count(), 1, "no temporary file is left");
}

#[test]
fn a_link_out_of_the_home_is_left_alone() {
    let sandbox = Sandbox::empty();
    let outside = sandbox.path("outside.json");
    std::fs::write(&outside, "{}").expect("write");
    own(&outside, sandbox.uid());
    std::fs::create_dir(sandbox.home().join(".qwen")).expect("folder");
    own(&sandbox.home().join(".qwen"), sandbox.uid());
    symlink(&outside, sandbox.home().join(".qwen/settings.json")).expect("link");
    let said = sandbox.run(&["install", "--yes"]).exits(1);
    assert!(said.text().contains("leads to"), "{}", said.all());
    assert_eq!(std::fs::read_to_string(&outside).expect("read"), "{}");
}

/// Anything in a path is a part of a path.
#[test]
fn a_path_of_svault_with_everything_in_it_stays_one_word() {
    let sandbox = Sandbox::empty();
    let folder = sandbox.path("it's $(touch pwned) `x`; & \"y\"");
    std::fs::create_dir(&folder).expect("folder");
    let binary = folder.join("svault");
    std::fs::copy(sandbox.binary(), &binary).expect("copy");
    own(&folder, sandbox.uid());
    own(&binary, sandbox.uid());
    let _ = Cmd::new(&binary, &sandbox).args(&["install", "--yes", "--client", "codex"]).run().ok();
    let hooks: Value = serde_json::from_str(&read(&sandbox, ".codex/hooks.json")).expect("JSON");
    let line = hooks["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().expect("command").to_owned();
    // Only the program is of interest here: the same line with another verb.
    let asked = line.replace(" hook --client codex || exit 2", " --version");
    let said = sandbox.program("/bin/sh", &["-c", &asked]).cwd(&sandbox.home()).run().ok();
    assert!(said.text().starts_with("svault "), "{}", said.all());
    assert!(!sandbox.home().join("pwned").exists());
    let server = read(&sandbox, ".codex/config.toml");
    assert!(server.contains(binary.to_str().expect("path")) || server.contains("\\\"y\\\""), "{server}");
}

#[test]
fn a_project_is_its_repository_and_never_the_home() {
    let sandbox = Sandbox::empty();
    write(&sandbox, "work/.git/HEAD", "ref: x\n");
    write(&sandbox, "work/src/main.rs", "");
    let args = ["install", "--project", "--yes", "--client", "claude"];
    let _ = sandbox.svault(&args).cwd(&sandbox.home().join("work/src")).run().ok();
    assert!(read(&sandbox, "work/.mcp.json").contains("svault"));
    assert!(!sandbox.home().join(".claude.json").exists());
    let _ = sandbox.run(&args).exits(2).says("this folder is your home");
    let said = sandbox.run(&["uninstall", "--yes"]).ok();
    assert!(said.text().contains("still installed in"), "{}", said.all());
    let back = ["uninstall", "--project", "--yes"];
    let _ = sandbox.svault(&back).cwd(&sandbox.home().join("work")).run().ok();
    assert!(!Path::new(&sandbox.home().join("work/.mcp.json")).exists());
    assert!(!Path::new(&sandbox.home().join("work/.claude")).exists());
}

#[test]
fn a_client_of_which_one_file_could_not_be_written_is_done_in_part() {
    let sandbox = Sandbox::empty();
    write(&sandbox, ".claude/notes", "");
    let folder = sandbox.home().join(".claude");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).expect("chmod");
    let said = sandbox.run(&["install", "--yes", "--client", "claude", "--json"]).exits(1).json();
    let client = &said["clients"][0];
    assert_eq!(
        (&client["state"], &client["files"]),
        (&"partly".into(), &serde_json::json!(["~/.claude.json"]))
    );
    assert!(client["error"].as_str().is_some_and(|e| e.contains("settings.json")), "{client}");
    let text = sandbox.run(&["install", "--yes", "--client", "claude"]).exits(1);
    assert!(text.text().contains("left alone"), "nothing more was written\n{}", text.all());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("chmod");
    let _ = sandbox.run(&["install", "--yes", "--client", "claude"]).ok();
}

#[test]
fn a_caller_that_was_removed_is_registered_again() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    desk(&sandbox);
    let install = ["install", "--yes", "--json", "--client", "claude"];
    let state = |said: Output| said.ok().json()["clients"][0]["caller"]["state"].clone();
    assert_eq!(state(with_path(&sandbox, &install).human().run()), "registered");
    assert_eq!(state(with_path(&sandbox, &install).run()), "unchanged");
    // Another store knows nothing of it.
    let other = with_path(&sandbox, &install).env("SVAULT_HOME", sandbox.path("other"));
    assert_eq!(state(other.run()), "left");
    assert_eq!(state(with_path(&sandbox, &install).run()), "unchanged");
    let _ = sandbox.human(&["caller", "remove", "claude-code"]).ok();
    assert_eq!(state(with_path(&sandbox, &install).run()), "left");
    assert_eq!(state(with_path(&sandbox, &install).human().run()), "registered");
    assert!(sandbox.human(&["caller", "list"]).ok().text().contains("claude-code"));
}

#[test]
fn whoever_is_asked_sees_the_diff_and_a_file_gets_no_colours() {
    need!(Script);
    let sandbox = Sandbox::empty();
    write(&sandbox, ".qwen/settings.json", "{}");
    let mut terminal = Terminal::shell(&sandbox);
    terminal.types("svault install --json\n");
    let shown = terminal.waits_for("Write this file? [y/N]");
    assert!(shown.contains("+++ ~/.qwen/settings.json"), "{shown}");
    std::thread::sleep(std::time::Duration::from_secs(1)); // what is typed ahead counts for nothing
    terminal.types("n\n");
    terminal.waits_for("$> ");
    assert_eq!(terminal.runs("svault install --dry-run > plan").1, 0);
    let plan = read(&sandbox, "plan");
    assert!(plan.contains("+++ ~/.qwen/settings.json") && !plan.contains('\u{1b}'), "{plan:?}");
}

#[test]
fn a_relative_svault_home_is_an_error_and_a_folder_moves_no_cursor() {
    let sandbox = Sandbox::empty();
    write(&sandbox, ".qwen/settings.json", "{}");
    for verb in ["install", "uninstall"] {
        let said = sandbox.svault(&[verb, "--yes", "--json"]).env("SVAULT_HOME", "store").run();
        assert_eq!(said.json()["error"]["code"], "path", "{}", said.all());
    }
    assert_eq!(read(&sandbox, ".qwen/settings.json"), "{}");
    write(&sandbox, "w\u{1b}[2Jork/.git/HEAD", "ref: x\n");
    let args = ["install", "--project", "--yes", "--client", "claude"];
    let _ = sandbox.svault(&args).cwd(&sandbox.home().join("w\u{1b}[2Jork")).run().ok();
    let said = sandbox.run(&["uninstall", "--yes"]).ok();
    assert!(said.text().contains("still installed in ~/w\\u{1b}[2Jork"), "{}", said.all());
}
