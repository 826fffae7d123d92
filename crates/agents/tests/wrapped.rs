//! Rewritten commands in real shells: the same status, the same folder afterwards, output masked at its source.
#![cfg(unix)]
// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use svault_agents::hook::rewrite::{Shell, is_read_by, wrapped};

/// Stands for `svault scrub`.
const SCRUB: &str = "sed 's/sk-test-[A-Z0-9]*/MASKED/g'";

fn shells() -> Vec<&'static str> {
    let known = ["/bin/bash", "/usr/bin/zsh", "/bin/zsh", "/bin/sh"].into_iter();
    known.filter(|s| Path::new(s).exists() && is_read_by(s)).collect()
}

#[test]
fn sh_counts_where_it_is_a_shell_that_reads_the_form() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("leak.txt"), "key sk-test-LEAKED333444555\n").unwrap();
    let new = wrapped("cat leak.txt; false", SCRUB, Shell::Lasting).unwrap();
    for (number, real) in ["/bin/bash", "/usr/bin/zsh", "/bin/dash", "/bin/cat"].into_iter().enumerate() {
        if !Path::new(real).exists() || cfg!(target_os = "macos") {
            continue;
        }
        let folder = dir.path().join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        symlink(real, folder.join("link")).unwrap();
        symlink("link", folder.join("sh")).unwrap();
        let shell = folder.join("sh").display().to_string();
        assert_eq!(is_read_by(&shell), real == "/bin/bash", "{real}");
        if is_read_by(&shell) {
            let done = run(&shell, dir.path(), &new);
            let (out, err) = (text(&done.stdout), text(&done.stderr));
            assert_eq!((done.status.code(), out.contains("MASKED")), (Some(1), true), "{out}{err}");
        }
    }
    assert!(!is_read_by("/nowhere/sh") || cfg!(target_os = "macos"));
    assert!(!is_read_by("/usr/bin/fish"));
}

fn run(shell: &str, dir: &Path, line: &str) -> Output {
    // As Claude Code does it: the line is evaluated, then the folder is asked for.
    let script = "eval \"$1\"; code=$?; pwd -P > pwd.out 2>/dev/null; echo \"at:$(pwd -P)\" >&2; exit $code";
    let home = dir.to_str().unwrap();
    Command::new(shell).args(["-c", script, "x", line]).current_dir(dir).env("HOME", home).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_rewritten_command_has_its_status_and_folder_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("app/deep")).unwrap();
    std::fs::write(dir.path().join("leak.txt"), "key sk-test-LEAKED333444555\n").unwrap();
    std::fs::copy(dir.path().join("leak.txt"), dir.path().join("app/leak.txt")).unwrap();
    let real = std::fs::canonicalize(dir.path()).unwrap();
    for shell in shells() {
        for (line, status, folder) in [
            ("cat leak.txt", 0, ""),
            ("cat leak.txt; exit 3", 3, ""),
            ("cat leak.txt; false", 1, ""),
            ("cat leak.txt | cat; exit 7", 7, ""),
            ("cat leak.txt >&2; exit 3", 3, ""),
            ("cat leak.txt # and a comment", 0, ""),
            ("cat <<'E'\n$(x) sk-test-HERE\nE", 0, ""),
            ("cat <<E; (exit 4)\nsk-test-HERE\nE", 4, ""),
            ("if true; then cat leak.txt; exit 5; fi", 5, ""),
            ("f() { cat leak.txt; return 6; }; f", 6, ""),
            ("cd app && cat leak.txt", 0, "app"),
            ("cd app && cat leak.txt && exit 9", 9, "app"),
            ("cd app; cat leak.txt", 0, "app"),
            ("cd app\ncat leak.txt", 0, "app"),
            ("cd app && cd deep && cat ../leak.txt; exit 2", 2, "app/deep"),
            ("(cd app && cat leak.txt); false", 1, ""),
            ("set -e; cat leak.txt; false; echo never", 1, ""),
            ("echo \"it's $(cat leak.txt)\"", 0, ""),
            ("V=sk-test-HERE; echo x > \"/nowhere/$V\"", 1, ""),
        ] {
            let new = wrapped(line, SCRUB, Shell::Once).unwrap();
            let done = run(shell, dir.path(), &new);
            let (out, err) = (text(&done.stdout), text(&done.stderr));
            assert_eq!(done.status.code(), Some(status), "{shell}: {line}\n{out}{err}");
            assert!(!out.contains("sk-test-") && !err.contains("sk-test-"), "{shell}: {line}\n{out}{err}");
            assert!(out.contains("MASKED"), "{shell}: {line}\n{out}{err}");
            assert!(!out.contains("never"), "{shell}: {line}");
            let at = real.join(folder);
            let at = if folder.is_empty() { real.clone() } else { at };
            assert!(err.contains(&format!("at:{}\n", at.display())), "{shell}: {line}\n{err}");
        }
    }
}

/// A status, and lines in the order of their letters.
type Said = (Option<i32>, Vec<String>);

/// What a line says and ends with. `at:` shows the folder afterwards.
fn said(shell: &str, dir: &Path, line: &str) -> Said {
    let done = run(shell, dir, line);
    let shown = text(&done.stdout) + &text(&done.stderr);
    // Each shell has its own words for a folder that is not there, with the number of the line before them.
    let mut lines: Vec<String> = shown.lines().filter(|l| !l.contains("cd:")).map(str::to_owned).collect();
    lines.sort();
    (done.status.code(), lines)
}

/// The folder that a shell is in afterwards, and the rest.
fn apart((status, lines): Said) -> (Vec<String>, Said) {
    let (folder, rest) = lines.into_iter().partition(|l| l.starts_with("at:"));
    (folder, (status, rest))
}

#[test]
fn a_rewritten_command_does_the_same_where_a_cd_fails() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("app/deep")).unwrap();
    std::fs::write(dir.path().join("app/y"), "there\n").unwrap();
    std::fs::write(dir.path().join("app.sh"), "cd app\n").unwrap();
    std::fs::write(dir.path().join("gone.sh"), "cd gone\n").unwrap();
    for shell in shells() {
        for place in ["app", "gone"] {
            for line in [
                "cd X && cat y || echo none",
                "cd X && cat no-such 2>/dev/null || echo none",
                "cd X && cat y; echo done",
                "cd X && cat y; exit 4",
                "cd X && cat y\necho done",
                "cd X && cat y && false",
                "cd X && cat y | cat && echo on",
                "cd X && cd deep && cat ../y || echo none; false",
                "cd X; cd deep && echo in; echo $?",
                "cd app && cd ../X && cat y; (exit 5)",
                "cd X && (cat y); echo done",
                "cd X && (cat y) || echo none",
                "cd X && if cat y; then echo yes; fi",
                "cd X && for i in 1 2; do echo $i; done; echo done",
                "cd X &&\ncat y\nexit 3",
                "cd X && cat <<E; echo done\ntext\nE",
                "cd X; cat y || echo none",
                "cd X; echo $?",
                "cd X # there\ncat y",
                "command cd X && cat y || echo none",
                "builtin cd X; cat y",
                "\\cd X && cat y; echo done",
                "c''d X; cat y; false",
                "eval 'cd X'; cat y; echo $?",
                "eval 'cd X' && cat y || echo none",
                ". ./X.sh; cat y; exit 3",
                "source ./X.sh && cat y || echo none",
            ] {
                let line = line.replace('X', place);
                let new = wrapped(&line, SCRUB, Shell::Once).unwrap_or_else(|| panic!("{line}"));
                let (was, is) = (said(shell, dir.path(), &line), said(shell, dir.path(), &new));
                let (folders, was) = apart(was);
                let (folder, is) = apart(is);
                assert_eq!(is, was, "{shell}: {line}\n{new}");
                // `exit` ends the shell itself before it can be asked for its folder.
                assert!(folders.is_empty() || folder == folders, "{shell}: {line}\n{new}\n{folder:?}");
            }
        }
    }
}

#[test]
fn a_folder_that_is_not_there_stops_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    for shell in shells() {
        let done = run(shell, dir.path(), &wrapped("cd gone && make", SCRUB, Shell::Once).unwrap());
        assert_eq!(done.status.code(), Some(1), "{shell}");
    }
}

#[test]
fn a_lasting_shell_has_its_variables_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("leak.txt"), "key sk-test-LEAKED333444555\n").unwrap();
    std::fs::write(dir.path().join("set.sh"), "A=1\n").unwrap();
    for shell in shells() {
        for line in [
            "export A=1; cat leak.txt",
            "builtin export A=1; cat leak.txt",
            "\\export A=1; cat leak.txt",
            "printf -v A 1; cat leak.txt",
            "let A=1; cat leak.txt",
            ". ./set.sh && cat leak.txt",
            "A=1\ncat leak.txt",
        ] {
            let new = wrapped(line, SCRUB, Shell::Lasting).unwrap() + "; echo \"A is $A\"";
            let out = text(&run(shell, dir.path(), &new).stdout);
            assert!(out.contains("key MASKED") && out.contains("A is 1"), "{shell}: {line}\n{out}");
        }
    }
}

#[test]
fn without_the_program_that_masks_nothing_comes_out() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("leak.txt"), "key sk-test-LEAKED333444555\n").unwrap();
    for shell in shells() {
        let done =
            run(shell, dir.path(), &wrapped("cat leak.txt", "/nowhere/svault scrub", Shell::Once).unwrap());
        assert!(!text(&done.stdout).contains("sk-test-"), "{shell}");
        assert!(!text(&done.stderr).contains("sk-test-"), "{shell}");
    }
}
