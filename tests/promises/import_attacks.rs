//! How an import would be cheated: hostile files, files that change, no human, no room, and a kill at any time.

use crate::import::{file, human, names, read};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::scratch::own;
use svault_tests::terminal::Terminal;
use svault_tests::tmpfs::{Bound, Tmpfs};
use svault_tests::{Output, need};

#[track_caller]
fn refused(sandbox: &Sandbox, text: &[u8], part: &str) -> Output {
    let path = file(sandbox, text);
    let said = human(sandbox, &["import", ".env", "--replace"]).exits(1).says(part);
    assert!(!said.all().contains("sk-test"), "{}", said.all());
    assert!(!said.all().contains('\u{1b}'), "{:?}", said.all());
    assert_eq!(std::fs::read(path).expect("the file"), text);
    said
}

#[test]
fn hostile_files_are_refused_with_a_place_and_nothing_of_them_is_run_or_shown() {
    let sandbox = Sandbox::ready();
    let mark = sandbox.home().join("shop/mark");
    let touch = format!("touch {}", mark.display());
    let command =
        refused(&sandbox, format!("A_KEY=sk-test-1\nB=$({touch})\n").as_bytes(), "line 2, column 3");
    assert!(!command.all().contains("touch"), "{}", command.all());
    refused(&sandbox, format!("A_KEY=\"sk-test `{touch}`\"\n").as_bytes(), "line 1, column 16");
    refused(&sandbox, b"A_KEY=sk-test-1\nB_KEY=\"sk-test-2\n", "line 2, column 7");
    refused(&sandbox, b"A_KEY=sk-test-1\nB_KEY=sk-test-a\\\nsk-test-b\n", "line 2, column 16");
    refused(&sandbox, b"A_KEY=sk-test-1\nsktestb9A\n", "line 2, column 1");
    refused(&sandbox, b"A_KEY=sk-test-1\n\x1b[2Jsk-test=1\n", "line 2, column 1");
    refused(&sandbox, b"A_KEY=sk-test-1\nB=\xff\xfe\n", "line 2");
    refused(&sandbox, b"A_KEY=sk-test-1\nLD_PRELOAD=/tmp/$A_KEY\n", "LD_PRELOAD");
    refused(&sandbox, b"A_KEY=sk-test-pa$word\n", "line 1");
    let many: String = (0..100_000).map(|i| format!("K{i}_KEY=v{i}\n")).collect();
    refused(&sandbox, many.as_bytes(), "10000 is the most");
    let long = vec![b'#'; 3 << 20];
    refused(&sandbox, &long, "MiB");
    assert!(!mark.exists());
    assert!(names(&sandbox).is_empty());
}

#[test]
fn comments_with_escapes_stay_and_are_not_shown() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "# \u{1b}]0;x\u{7}\nA_KEY=sk-test-1 # \u{1b}[31m\nLD_PRELOAD=/tmp/x.so\n");
    let said = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert!(!said.all().contains('\u{1b}'), "{:?}", said.all());
    let left = "# \u{1b}]0;x\u{7}\nA_KEY=svault://main/A_KEY # \u{1b}[31m\nLD_PRELOAD=/tmp/x.so\n";
    assert_eq!(read(&path), left);
    assert_eq!(names(&sandbox), ["A_KEY"], "a guarded name stays in the file");
}

#[test]
fn without_presence_nothing_changes() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "A_KEY=sk-test-1\n");
    let folder = sandbox.home().join("shop");
    for args in [&["import", ".env", "--replace"][..], &["import", ".env", "--replace", "--yes"]] {
        let said = sandbox.svault(args).cwd(&folder).run().exits(4);
        assert!(!said.all().contains("sk-test"), "{}", said.all());
    }
    let _ = sandbox.svault(&["import", "--undo", ".env", "--yes"]).cwd(&folder).run().exits(4);
    let wrong = sandbox.svault(&["import", ".env", "--yes"]).cwd(&folder);
    let _ = wrong.secret("--passphrase-fd", "wrong").run().exits(1);
    if cfg!(target_os = "linux") {
        let agent = sandbox.path("claude");
        std::fs::copy("/bin/bash", &agent).expect("copy");
        let line =
            format!("'{}' import .env --replace --yes --passphrase-fd 0\n:", sandbox.binary().display());
        let under = sandbox.program(agent.to_str().expect("text"), &["--norc", "-c", &line]).cwd(&folder);
        let said = under.stdin(format!("{PASSPHRASE}\n")).run();
        assert!(said.err.contains("agent"), "{}", said.all());
    }
    assert_eq!(read(&path), "A_KEY=sk-test-1\n");
    assert!(names(&sandbox).is_empty());
}

#[test]
fn a_proposal_in_the_way_is_looked_at_first() {
    let sandbox = Sandbox::ready();
    let propose = sandbox.svault(&["add", "A_KEY", "--propose", "--destination", "evil.example"]);
    let _ = propose.stdin("sk-test-1").run().ok();
    let path = file(&sandbox, "A_KEY=sk-test-1\nB_KEY=sk-test-2\n");
    let _ = human(&sandbox, &["import", ".env", "--replace", "--update"]).exits(1).says("svault edit");
    assert_eq!(read(&path), "A_KEY=sk-test-1\nB_KEY=sk-test-2\n");
    assert_eq!(names(&sandbox), ["A_KEY"]);
}

/// The plan is on the screen, the human reads it, and meanwhile the file is another one.
#[test]
fn a_file_that_is_swapped_before_the_yes_is_left_alone() {
    need!(Linux, Script);
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "A_KEY=sk-test-1\n");
    let mut shell = Terminal::shell(&sandbox);
    shell.types(&format!("svault import '{}' --replace; echo \"=$?=\"\n", path.display()));
    shell.waits_for("assphrase");
    shell.types(&format!("{PASSPHRASE}\n"));
    shell.waits_for("[y/N]");
    std::fs::write(&path, "A_KEY=mine\nB=2\n").expect("write");
    shell.types("y\n");
    let said = shell.waits_for("=1=");
    assert!(said.contains("was changed in the meantime"), "{said}");
    assert!(!said.contains("sk-test"), "{said}");
    assert_eq!(read(&path), "A_KEY=mine\nB=2\n");
}

#[test]
fn a_full_disk_leaves_all_or_nothing() {
    need!(Root);
    let sandbox = Sandbox::empty();
    let disk = Tmpfs::mount(&sandbox.store(), 8192, sandbox.uid());
    let _ = sandbox.init();
    let vault = || std::fs::metadata(sandbox.store().join("vaults/main.svault")).expect("the vault").len();
    let before = vault();
    let text: String = (0..2_000).map(|i| format!("K{i}_KEY=sk-test-{i}\n")).collect();
    let path = file(&sandbox, &text);
    let filler = disk.fill();
    // Room for a half of it.
    let half = std::fs::OpenOptions::new().write(true).open(&filler).expect("the filler");
    let len = half.metadata().expect("its length").len();
    half.set_len(len - (300 << 10)).expect("room");
    drop(half);
    let _ = human(&sandbox, &["import", ".env", "--replace"]).exits(1);
    assert_eq!(read(&path), text, "the file is as it was");
    assert_eq!(vault(), before, "nothing half done takes room");
    std::fs::remove_file(&filler).expect("remove");
    let _ = sandbox.human(&["list"]);
    assert_eq!(names(&sandbox).len(), 0);
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert_eq!(names(&sandbox).len(), 2_000);
    assert!(!read(&path).contains("sk-test"));
}

#[test]
fn where_the_file_cannot_be_replaced_nothing_is_imported() {
    need!(Root);
    let sandbox = Sandbox::ready();
    let disk = Tmpfs::mount(&sandbox.home().join("shop"), 64, sandbox.uid());
    let text = format!("A_KEY=sk-test-1\n{}", "# a comment\n".repeat(1000));
    let path = file(&sandbox, &text);
    let folder = path.parent().expect("a folder");
    let refused = |part: &str| {
        let dry = sandbox.svault(&["import", ".env", "--replace", "--dry-run"]).cwd(folder).run();
        for said in [human(&sandbox, &["import", ".env", "--replace"]), dry] {
            let said = said.exits(1).says("nothing was imported");
            assert!(said.all().contains(part), "{}", said.all());
        }
        assert_eq!(read(&path), text);
        assert!(names(&sandbox).is_empty());
    };
    let filler = disk.fill();
    refused("room");
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 2);
    std::fs::remove_file(filler).expect("remove");
    assert!(disk.only_read(true));
    refused("its folder must let you make a file");
    assert!(disk.only_read(false));
    let mode = |mode| std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(mode));
    mode(0o555).expect("mode");
    refused("its folder must let you make a file");
    let _ = human(&sandbox, &["import", ".env"]).ok();
    assert_eq!(names(&sandbox), ["A_KEY"], "without --replace the file is not touched");
    mode(0o755).expect("mode");
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
    assert!(!read(&path).contains("sk-test"));
}

/// A container's file, mounted by itself: its folder can be written, and no other file can take its name.
#[test]
fn a_file_that_is_mounted_by_itself_is_refused_before_anything_is_imported() {
    need!(Root, Linux);
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "A_KEY=sk-test-1\n");
    let mounted = Bound::mount(&path);
    let said = human(&sandbox, &["import", ".env", "--replace"]).exits(1).says("mounted by itself");
    assert!(said.all().contains("nothing was imported"), "{}", said.all());
    assert!(names(&sandbox).is_empty());
    drop(mounted);
    let _ = human(&sandbox, &["import", ".env", "--replace"]).ok();
}

#[test]
fn a_kill_at_any_time_leaves_the_old_file_or_the_new_one_with_all_in_the_vault() {
    let text: String = (0..300).map(|i| format!("K{i}_KEY=sk-test-{i}\n")).collect();
    let sandbox = Sandbox::ready();
    let mut ended = [0, 0];
    for (turn, delay) in [0, 15, 30, 60, 90, 120, 180, 260, 400, 3000].into_iter().enumerate() {
        let vault = format!("v{turn}");
        let _ = sandbox.human(&["vault", "create", &vault]).ok();
        let path = file(&sandbox, &text);
        let args = ["import", ".env", "--replace", "--vault", &vault];
        let running = sandbox.svault(&args).cwd(&sandbox.home().join("shop")).human().spawn();
        std::thread::sleep(Duration::from_millis(delay));
        let pid = rustix::process::Pid::from_raw(running.pid()).expect("a pid");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        let _ = running.end();
        let left = read(&path);
        let list = sandbox.human(&["list", "--json"]).ok().json();
        let rows = list["secrets"].as_array().expect("secrets").iter().filter(|r| r["vault"] == json!(vault));
        let count = rows.count();
        assert!(count == 0 || count == 301, "all, with the backup, or none: {count}");
        if left == text {
            ended[0] += 1;
        } else {
            ended[1] += 1;
            assert_eq!(count, 301);
            assert!(!left.contains("sk-test"), "{left}");
            assert_eq!(left.lines().count(), 300);
        }
    }
    assert!(ended[0] > 0 && ended[1] > 0, "the kills came at one end only: {ended:?}");
}

#[test]
fn links_and_files_of_others_are_refused() {
    need!(Root);
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "A_KEY=sk-test-1\n");
    let link = path.with_file_name("link");
    std::os::unix::fs::symlink("/etc/passwd", &link).expect("a link");
    let _ = human(&sandbox, &["import", "link", "--replace"]).exits(1).says("symbolic link");
    let theirs = path.with_file_name("theirs");
    std::fs::write(&theirs, "A_KEY=sk-test-1\n").expect("write");
    own(&theirs, sandbox.uid() + 1);
    std::fs::set_permissions(&theirs, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("mode");
    let _ = human(&sandbox, &["import", "theirs", "--replace"]).exits(1).says("another user");
    assert!(names(&sandbox).is_empty());
}

#[test]
fn git_is_asked_and_its_configuration_is_not_run() {
    let sandbox = Sandbox::ready();
    let path = file(&sandbox, "A_KEY=sk-test-1\n");
    let folder = path.parent().expect("a folder");
    let git = |args: &[&str]| sandbox.program("/usr/bin/git", args).cwd(folder).run().ok();
    let _ = git(&["init", "-q"]);
    let _ = git(&["add", ".env"]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    let _ = git(&[&who[..], &["commit", "-qm", "one"]].concat());
    let mark = sandbox.home().join("mark");
    let evil = sandbox.script("evil", &format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    for key in ["core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand"] {
        let _ = git(&["config", key, evil.to_str().expect("text")]);
    }
    let _ = git(&["config", "log.showSignature", "true"]);
    let dry = |part: &str| {
        let plan = human(&sandbox, &["import", ".env", "--dry-run"]).ok().all();
        assert!(plan.contains(part), "{plan}");
    };
    dry("git tracks");
    let _ = git(&[&["-c", "core.fsmonitor=false"], &who[..], &["rm", "-q", "--cached", ".env"]].concat());
    let _ = git(&[&["-c", "core.fsmonitor=false"], &who[..], &["commit", "-qm", "two"]].concat());
    let _ = std::fs::remove_file(&mark);
    dry("history");
    assert!(!Path::new(&mark).exists(), "the repository's configuration was run");
    std::fs::write(folder.join(".env~"), "x").expect("write");
    dry(".env~");
}
