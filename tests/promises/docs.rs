//! The documents keep to what is there: every test that they name exists, every command, every link.

use std::path::{Path, PathBuf};
use svault_tests::Sandbox;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![top().join("docs"), top().join("spec")];
    for name in ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        found.push(top().join(name));
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every test function of the workspace as `module::name`, the module being its file (or the folder of a `mod.rs`).
fn tests() -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![top().join("crates"), top().join("tests"), top().join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let stem = path.file_stem().expect("name").to_string_lossy().into_owned();
                names.extend(test_functions(&read(&path)).into_iter().map(|f| format!("{stem}::{f}")));
            }
        }
    }
    names
}

fn test_functions(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        if let Some(rest) = function {
            let name = rest.split(['(', '<']).next().unwrap_or("").to_owned();
            if std::mem::take(&mut marked) || text.contains("proptest!") {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn every_test_that_is_named_exists() {
    let tests = tests();
    let modules: Vec<&str> = tests.iter().filter_map(|t| Some(t.split_once("::")?.0)).collect();
    let mut named = 0;
    for path in [top().join("docs/threat-model.md"), top().join("docs/architecture.md")] {
        for word in read(&path).split('`').skip(1).step_by(2) {
            let is_name = |w: &str| {
                !w.is_empty() && w.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
            };
            let Some((module, function)) = word.split_once("::") else { continue };
            if is_name(module) && is_name(function) && modules.contains(&module) {
                assert!(tests.contains(&word.to_owned()), "{}: there is no test {word}", path.display());
                named += 1;
            }
        }
    }
    assert!(named > 20, "only {named} tests are named");
}

/// Command lines of a document: `svault …` at the start of an indented line, with or without a `$`.
fn shown_commands(text: &str) -> Vec<&str> {
    let indented = text.lines().filter(|l| l.starts_with("    "));
    indented.filter_map(|l| l.trim().trim_start_matches("$ ").strip_prefix("svault ")).collect()
}

/// The subcommand of a command line, without what is given to it.
fn subcommand<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let groups = ["vault", "policy", "settings", "caller", "agent", "audit", "daemon", "passphrase"];
    let len = if words.first().is_some_and(|w| groups.contains(w)) { 2 } else { 1 };
    words.iter().take(len).copied().collect()
}

#[test]
fn every_command_that_is_shown_exists() {
    let sandbox = Sandbox::empty();
    let mut tried = std::collections::BTreeSet::new();
    for path in documents() {
        for line in shown_commands(&read(&path)) {
            let words = line.split_whitespace().take_while(|w| *w != "--" && *w != "#" && *w != "…");
            let words: Vec<&str> = words.collect();
            let command = subcommand(&words);
            let help = sandbox.run(&[&command[..], &["--help"]].concat());
            assert_eq!(help.code, 0, "{}: svault {line}", path.display());
            for flag in words.iter().filter(|w| w.starts_with("--")) {
                assert!(help.text().contains(flag), "{}: svault {line}: no {flag}", path.display());
            }
            tried.insert(command.join(" "));
        }
    }
    assert!(tried.len() > 10, "{tried:?}");
}

#[test]
fn every_link_leads_somewhere() {
    for path in documents() {
        let text = read(&path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let target = path.parent().expect("folder").join(link.split('#').next().unwrap_or(link));
            assert!(target.exists(), "{} links to {link}", path.display());
        }
    }
}

/// The names of the workspace's dependencies that are not our own.
fn direct_dependencies() -> Vec<String> {
    let text = read(&top().join("Cargo.toml"));
    let (_, section) = text.split_once("[workspace.dependencies]\n").expect("dependencies");
    let section = section.split_once("\n[").map_or(section, |(section, _)| section);
    let lines = section.lines().filter(|line| !line.starts_with('#') && !line.contains("path = "));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

#[test]
fn every_direct_dependency_has_its_line_and_no_other_has() {
    let document = read(&top().join("docs/dependencies.md"));
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let names = rows.flat_map(|(names, _)| names.split(", ").map(str::to_owned));
    let mut named: Vec<String> = names.filter(|name| name != "crate").collect();
    let mut there = direct_dependencies();
    assert!(there.len() > 30, "{there:?}");
    named.sort();
    there.sort();
    assert_eq!(named, there);
}

#[test]
fn no_crate_brings_a_dependency_of_its_own_choice() {
    let mut manifests =
        vec![top().join("tests/Cargo.toml"), top().join("xtask/Cargo.toml"), top().join("fuzz/Cargo.toml")];
    let crates = std::fs::read_dir(top().join("crates")).expect("crates").flatten();
    manifests.extend(crates.map(|e| e.path().join("Cargo.toml")));
    assert!(manifests.len() > 10);
    for manifest in manifests {
        let mut within = false;
        for line in read(&manifest).lines() {
            if line.starts_with('[') {
                within = line.contains("dependencies");
            } else if within && line.contains('=') && !line.starts_with('#') {
                let of_workspace = line.contains("workspace = true");
                assert!(of_workspace || line.contains("path = "), "{}: {line}", manifest.display());
            }
        }
    }
}
