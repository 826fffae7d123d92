//! Shell command lines, one a line: what is stopped and what goes through, in a project with secrets in it.
#![cfg(unix)]
// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use svault_agents::hook::guard::Guard;
use svault_agents::hook::shell::{Look, Stop, judge};

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nsk-test-NOKEY000111222333444\n-----END PRIVATE KEY-----\n";

/// A project: `.env`, a template of it, a link to it, a folder with and one without secrets. Beside it folders with
/// nothing but a key, with a key that git ignores, and with direnv's file.
fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |n: &str| dir.path().join("project").join(n);
    for folder in ["src", "app", "clean", "../home/.aws", "../home/.ssh", "../store/state"]
        .into_iter()
        .chain(["../beside/src", "../ignoring/.git", "../ignoring/src", "../taken/.git", "../direnv/sub"])
        .chain(["../ignored/.git", "../tracked/src", "../changed/src"])
    {
        std::fs::create_dir_all(at(folder)).unwrap();
    }
    for (name, text) in [
        (".env", "OPENAI_API_KEY=sk-test-ENVFILE000111222\n"),
        (".env.example", "OPENAI_API_KEY=\n"),
        ("README.md", "Copy .env.example to .env\n"),
        ("package.json", "{}"),
        ("src/main.ts", "foo"),
        ("app/.env", "A=sk-test-1\n"),
        ("clean/.env", "A=svault://main/A\n"),
        ("../home/.aws/credentials", "x"),
        ("../home/.ssh/id_ed25519", "x"),
        ("../store/store.svault", "x"),
        ("../beside/server.key", PEM),
        ("../beside/cert.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("../beside/src/main.rs", "foo"),
        ("../beside/patterns.txt", "KEY"),
        ("../ignoring/.gitignore", "*.key\n"),
        ("../ignoring/server.key", PEM),
        ("../taken/.gitignore", "*.key\n!kept.key\n"),
        ("../taken/kept.key", PEM),
        ("../direnv/.envrc", "export A=sk-test-1\n"),
        ("../ignored/.gitignore", ".env\n"),
        ("../ignored/.env", "A=sk-test-1\n"),
        ("../ignored/main.rs", "foo"),
        ("../tracked/.env", "A=sk-test-1\n"),
        ("../tracked/src/main.rs", "foo"),
        ("../changed/.env", "A=sk-test-1\n"),
        ("../changed/src/main.rs", "foo"),
    ] {
        std::fs::write(at(name), text).unwrap();
    }
    symlink(at(".env"), at("notes.txt")).unwrap();
    for repository in ["../tracked", "../changed"] {
        git(&at(repository), &["init", "-q"]);
        git(&at(repository), &["add", "-A"]);
    }
    std::fs::write(at("../changed/.env"), "A=sk-test-another\n").unwrap();
    dir
}

fn git(folder: &Path, words: &[&str]) {
    let done = Command::new("git").args(words).current_dir(folder).status().unwrap();
    assert!(done.success(), "{words:?}");
}

fn stop(top: &Path, line: &str) -> Option<Stop> {
    let dir = &top.join("project");
    let guard = Guard { home: Some(top.join("home")), own: vec![top.join("store")] };
    let env = |name: &str| match name {
        // Where the hook was started: not where commands begin.
        "PWD" => Some("/".to_owned()),
        "HOME" => Some(top.join("home").display().to_string()),
        _ => None,
    };
    let line = line.replace("@DIR@", &dir.display().to_string()).replace("@TOP@", &top.display().to_string());
    judge(&Look { guard: &guard, cwd: dir, env: &env }, &line)
}

/// Lines are told apart by `\n--\n` where they have more than one.
fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split('\n').map(str::to_owned).filter(|l| !l.is_empty()).map(|l| l.replace("\\n", "\n"))
}

#[test]
fn reading_a_secret_is_stopped() {
    let dir = project();
    let missed: Vec<String> =
        lines(include_str!("commands-stopped.txt")).filter(|l| stop(dir.path(), l).is_none()).collect();
    assert!(missed.is_empty(), "went through:\n{}", missed.join("\n"));
}

#[test]
fn ordinary_work_goes_through() {
    let dir = project();
    let stopped: Vec<String> = lines(include_str!("commands-allowed.txt"))
        .filter_map(|l| stop(dir.path(), &l).map(|s| format!("{l}    {s:?}")))
        .collect();
    assert!(stopped.is_empty(), "stopped:\n{}", stopped.join("\n"));
}

/// The guide says so in the same words: a program that makes up the name while it runs, or reads the file on its own
/// account, is not seen. If one of these is stopped some day, the guide is wrong.
#[test]
fn names_made_up_while_a_program_runs_are_out_of_reach() {
    let dir = project();
    let stopped: Vec<String> =
        lines(include_str!("commands-out-of-reach.txt")).filter(|l| stop(dir.path(), l).is_some()).collect();
    assert!(stopped.is_empty(), "stopped, so say it in docs/guide/hooks.md:\n{}", stopped.join("\n"));
}

#[test]
fn what_nests_or_repeats_without_end_ends() {
    let dir = project();
    for line in [
        "$(".repeat(50_000),
        "(".repeat(50_000),
        "`".repeat(50_001),
        format!("cat {}", "{a,b}".repeat(5_000)),
        format!("eval {}", "{a,b,c,d} ".repeat(500)),
        "eval eval ".repeat(2_000),
        "sh -c 'sh -c \"".repeat(500),
        "${a:-".repeat(20_000),
        "${a#".repeat(20_000),
        "$((".repeat(50_000),
        "$(('(')x) ".repeat(20_000),
        "a=(".repeat(50_000),
        "a=(x); ".to_owned() + &"a=(\"${a[@]}\" \"${a[@]}\"); ".repeat(500) + "cat ${a[@]#x}",
        "x=xx; ".to_owned() + &"x=$x$x; ".repeat(500) + "cat ${x%%x*}",
        "cat <<E\n".repeat(5_000),
        "pushd a; (".repeat(20_000),
        "echo x; ".repeat(30_000),
        format!("cat {}", "*/".repeat(500)),
        format!("echo {}", "{,}".repeat(30)),
        format!("echo {}", "{a,aa}".repeat(200)),
        "\"$'\\".repeat(10_000),
    ] {
        let _ = stop(dir.path(), &line);
        // Whatever came before it, a plain read at the end of something whole is still seen.
        assert!(stop(dir.path(), &format!("cat .env\n{line}")).is_some(), "{}", &line[..40]);
    }
    // The text that words become has an allowance: each of these variables holds almost a megabyte.
    let large = format!("x={}{{1..32}}; y=$x$x$x$x$x$x$x; ", "a".repeat(4000));
    for many in [(0..1000).map(|n| format!("z{n}=$y; ")).collect::<String>(), "$(:)".repeat(1000)] {
        assert_eq!(stop(dir.path(), &(large.clone() + &many)), Some(Stop::TooMuch), "{}", &many[..20]);
    }
    assert_eq!(stop(dir.path(), &(large + "echo $y")), None);
    let long = "x".repeat(300 * 1024);
    assert_eq!(stop(dir.path(), &long), Some(Stop::TooMuch));
}
