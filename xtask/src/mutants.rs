//! `cargo xtask soak mutants`: the code that decides is changed, one place at a time, and a test must notice each change.

use crate::run::{Done, cargo, in_ci, is_there, must, target, top};
use std::path::Path;
use std::process::Command;

/// What is changed line by line: whole crates, and the gate. `.cargo/mutants.toml` has what is left out, and why.
const DECIDE: &[(&str, &str)] = &[
    ("svault-policy", "crates/policy/src/**"),
    ("svault-seal", "crates/seal/src/**"),
    ("svault-daemon", "crates/daemon/src/gate.rs"),
    ("svault-daemon", "crates/daemon/src/gate/**"),
];

/// So many mutants of a change are tried in CI.
const MOST_IN_CI: usize = 12;

/// Each mutant against the tests of its own crate; what those don't notice, against the daemon's too.
pub fn mutants(of: Option<&str>) -> Done {
    let diff = match of {
        None => None,
        Some("diff") => Some(last_change(&top())?),
        Some(other) => return Err(format!("no mutants of '{other}': diff, or nothing for all")),
    };
    if diff.as_deref() == Some("") {
        eprintln!("xtask: the last commit changed nothing that decides");
        return Ok(());
    }
    if !is_there("cargo", &["mutants", "--version"]) {
        return Err("needs cargo-mutants: cargo install cargo-mutants".into());
    }
    let tests = if is_there("cargo", &["nextest", "--version"]) { "nextest" } else { "cargo" };
    let folder = target().join("mutants");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let file = folder.join("last-change.diff");
    if let Some(diff) = &diff {
        std::fs::write(&file, diff).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let run = |more: &[&str]| {
        let mut run = cargo(&["mutants", "--no-shuffle", "--timeout", "60", "--test-tool", tests]);
        run.arg("--output").arg(&folder);
        for (package, path) in DECIDE {
            run.args(["--package", package, "--file", path]);
        }
        if diff.is_some() {
            run.arg("--in-diff").arg(&file);
        }
        run.args(more);
        run
    };
    let few = match in_ci() {
        true => a_few(&mut run(&["--list"]))?,
        false => Vec::new(),
    };
    let run = |more: &[&str]| {
        let mut run = run(more);
        run.args(&few);
        run
    };
    let found = folder.join("mutants.out");
    let _ = std::fs::remove_dir_all(&found);
    let first = must(&mut run(&[]));
    Found::read(&found).tried_some()?;
    // The first ends with an error where there is something left for the second.
    first.or_else(|_| must(&mut run(&["--iterate", "--test-package", "svault-daemon"])))
}

/// In CI the checkout itself is changed, which saves a build of everything, and of many mutants some are tried: the
/// arguments for both. The code as it is comes first all the same: where it can't be built and tested, no mutant says anything.
fn a_few(list: &mut Command) -> Done<Vec<String>> {
    let said = list.output().map_err(|e| format!("cargo mutants: {e}"))?;
    if !said.status.success() {
        return Err(format!("cargo mutants: {}", String::from_utf8_lossy(&said.stderr).trim()));
    }
    let shards = said.stdout.iter().filter(|&&byte| byte == b'\n').count().div_ceil(MOST_IN_CI).max(1);
    let args = ["--in-place", "--sharding", "round-robin", "--shard"];
    Ok(args.into_iter().map(str::to_owned).chain([format!("0/{shards}")]).collect())
}

/// How many mutants ended how, as cargo-mutants wrote it down.
#[derive(Debug, Default)]
struct Found {
    tried: usize,
    not_compiled: usize,
}

impl Found {
    fn read(folder: &Path) -> Self {
        let lines =
            |name: &str| std::fs::read_to_string(folder.join(name)).map_or(0, |text| text.lines().count());
        Self {
            tried: lines("caught.txt") + lines("missed.txt") + lines("timeout.txt"),
            not_compiled: lines("unviable.txt"),
        }
    }

    /// A mutant that does not compile says nothing, and cargo-mutants ends well all the same: where none of many does, it is
    /// the way they are built.
    fn tried_some(&self) -> Done {
        let Self { tried, not_compiled } = self;
        eprintln!("xtask: {tried} mutants tried, {not_compiled} don't compile");
        match (tried, not_compiled) {
            (0, n) if *n >= MOST_IN_CI => Err(format!("none of {n} mutants compiles: nothing was tried")),
            _ => Ok(()),
        }
    }
}

/// What the last commit changed of the code that decides; nothing where there is no commit before it.
fn last_change(top: &Path) -> Done<String> {
    if !top.join(".git").exists() {
        return Ok(String::new());
    }
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        // In a container the checkout is often another user's.
        git.current_dir(top).arg("-c").arg(format!("safe.directory={}", top.display())).args(args);
        let said = git.output().map_err(|e| format!("git: {e}"))?;
        match said.status.success() {
            true => Ok(String::from_utf8_lossy(&said.stdout).trim_end().to_owned()),
            false => Err(format!("git: {}", String::from_utf8_lossy(&said.stderr).trim())),
        }
    };
    if git(&["rev-list", "--count", "--max-count=2", "HEAD"])? == "1" {
        return match git(&["rev-parse", "--is-shallow-repository"])?.as_str() {
            "true" => Err("the checkout lacks the commit before the last: git fetch --deepen=1".into()),
            _ => Ok(String::new()),
        };
    }
    let paths = DECIDE.iter().map(|(_, path)| path.trim_end_matches("/**"));
    let args: Vec<&str> =
        ["diff", "--no-ext-diff", "HEAD~1", "HEAD", "--"].into_iter().chain(paths).collect();
    // A diff ends with a line's end.
    git(&args).map(|diff| if diff.is_empty() { diff } else { diff + "\n" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A folder for repositories, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("svault-xtask-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn git(&self, args: &[&str]) {
            let mut git = Command::new("git");
            git.current_dir(&self.0).args(["-c", "user.name=tester", "-c", "user.email=tester@localhost"]);
            let said = git.args(args).output().expect("git");
            assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        }

        fn commit(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
            self.git(&["add", "."]);
            self.git(&["commit", "-q", "-m", "a change"]);
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_last_change_is_never_taken_for_nothing_where_it_can_not_be_seen() {
        let all = Folder::new("all");
        assert_eq!(last_change(&all.0), Ok(String::new()));
        all.git(&["init", "-q"]);
        assert!(last_change(&all.0).is_err(), "no commit at all");
        all.commit("crates/policy/src/lib.rs", "one\n");
        assert_eq!(last_change(&all.0), Ok(String::new()));
        all.commit("crates/daemon/src/gate/look.rs", "two\n");
        let diff = last_change(&all.0).expect("a diff");
        assert!(diff.contains("gate/look.rs") && diff.ends_with("+two\n"), "{diff}");
        let shallow = Folder::new("shallow");
        let from = format!("file://{}", all.0.display());
        shallow.git(&["clone", "-q", "--depth", "1", &from, "clone"]);
        let said = last_change(&shallow.0.join("clone"));
        assert!(said.as_ref().is_err_and(|e| e.contains("deepen")), "{said:?}");
        all.commit("README.md", "three\n");
        assert_eq!(last_change(&all.0), Ok(String::new()));
    }

    #[test]
    fn a_run_of_mutants_none_of_which_compiles_is_a_failure() {
        let folder = Folder::new("found");
        let write =
            |name: &str, lines: usize| std::fs::write(folder.0.join(name), "a mutant\n".repeat(lines));
        assert!(Found::read(&folder.0).tried_some().is_ok());
        write("unviable.txt", MOST_IN_CI).expect("write");
        assert!(Found::read(&folder.0).tried_some().is_err());
        write("caught.txt", 1).expect("write");
        assert!(Found::read(&folder.0).tried_some().is_ok());
    }

    #[test]
    fn ci_tries_mutants_of_a_change_of_anything_that_decides() {
        let script = std::fs::read_to_string(top().join(".ci/run")).expect(".ci/run");
        for (_, path) in DECIDE {
            let path = path.trim_end_matches("/**");
            assert!(script.split([' ', '\n', '"']).any(|word| word == path), "{path} is not in .ci/run");
        }
    }
}
