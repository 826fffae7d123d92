//! One file per client: where its settings are, what is written there, and what a human still has to do.

mod aider;
mod claude;
mod cline;
mod codex;
mod copilot;
mod cursor;
mod gemini;
mod native;
mod opencode;
mod qwen;
mod vscode;
mod windsurf;
mod zed;

pub(crate) use codex::folder as codex_folder;
pub use native::executables;

use crate::Client;
use crate::config::{Edit, Format};
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The user's, for all projects.
    User,
    /// Those of the project in this folder.
    Project(&'a Path),
}

/// A file that install writes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Which.
    pub path: PathBuf,
    /// The folder that it must lie in, links followed: a link out of it is none of ours to write through.
    pub base: PathBuf,
    /// What shall be in it.
    pub content: Content,
}

/// What shall be in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// These things, beside whatever else is there.
    Edits(Format, Vec<Edit>),
    /// This text and nothing else: the file is svault's own.
    Whole {
        /// The text.
        text: String,
        /// Whether it is a program.
        executable: bool,
    },
}

/// How the processes of a client can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executable {
    /// An executable of its own; where its command is a script, it lies at one of these places beside the script's
    /// package (`*` stands for one name).
    Own(&'static [&'static str]),
    /// None that is its alone; this is what runs instead.
    Shared(&'static str),
}

/// What svault knows of a client.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Which.
    pub client: Client,
    /// As its makers call it.
    pub title: &'static str,
    /// The name of its caller in the policy.
    pub caller: &'static str,
    /// Its commands.
    pub programs: &'static [&'static str],
    /// How its processes are known.
    pub executable: Executable,
    /// Folders that are there when it is installed.
    folders: fn(&Machine) -> Vec<PathBuf>,
    targets: fn(&Machine, &Svault, Place<'_>) -> Vec<Target>,
    /// What a human still has to do after an install, one line each.
    pub clicks: &'static [&'static str],
    /// What it does not cover, one line each.
    pub gaps: &'static [&'static str],
}

/// What svault knows of this client.
#[must_use]
pub fn spec(client: Client) -> &'static Spec {
    match client {
        Client::Claude => &claude::SPEC,
        Client::Codex => &codex::SPEC,
        Client::Copilot => &copilot::SPEC,
        Client::VsCode => &vscode::SPEC,
        Client::Cursor => &cursor::SPEC,
        Client::Aider => &aider::SPEC,
        Client::Gemini => &gemini::SPEC,
        Client::Opencode => &opencode::SPEC,
        Client::Qwen => &qwen::SPEC,
        Client::Cline => &cline::SPEC,
        Client::Windsurf => &windsurf::SPEC,
        Client::Zed => &zed::SPEC,
    }
}

/// Files that a client reads beside those that install writes, with what may stand there of ours: a server of our name
/// in them counts in the place of ours, or with it.
pub(crate) fn beside(machine: &Machine, svault: &Svault, place: Place<'_>, client: Client) -> Vec<Target> {
    match client {
        Client::Opencode => opencode::beside(machine, svault, place),
        _ => Vec::new(),
    }
}

impl Spec {
    /// Whether it is on this machine: its command, or a folder that it makes.
    #[must_use]
    pub fn is_there(&self, machine: &Machine) -> bool {
        self.programs.iter().any(|p| machine.program(p).is_some())
            || (self.folders)(machine).iter().any(|f| f.is_dir())
    }

    /// The files that install writes.
    #[must_use]
    pub fn targets(&self, machine: &Machine, svault: &Svault, place: Place<'_>) -> Vec<Target> {
        (self.targets)(machine, svault, place)
    }
}

impl Target {
    pub(crate) fn edits(base: &Path, path: &str, format: Format, edits: Vec<Edit>) -> Self {
        Self { path: base.join(path), base: base.to_owned(), content: Content::Edits(format, edits) }
    }

    fn json(base: &Path, path: &str, edits: Vec<Edit>) -> Self {
        Self::edits(base, path, Format::Json, edits)
    }

    fn whole(base: &Path, path: &str, text: String, executable: bool) -> Self {
        Self { path: base.join(path), base: base.to_owned(), content: Content::Whole { text, executable } }
    }
}

/// Names under which programs look for secrets. Not `.env.*`: that would hide `.env.example`.
pub(crate) const ENV_FILES: &[&str] = &[
    ".env",
    ".env.local",
    ".env.dev",
    ".env.development",
    ".env.development.local",
    ".env.test",
    ".env.test.local",
    ".env.staging",
    ".env.staging.local",
    ".env.prod",
    ".env.production",
    ".env.production.local",
    ".envrc",
];

/// A group of hooks in the form of Claude Code, which several clients took over.
fn group(matcher: Option<&str>, hook: Value) -> Value {
    match matcher {
        Some(matcher) => json!({"matcher": matcher, "hooks": [hook]}),
        None => json!({"hooks": [hook]}),
    }
}

/// The file `.mcp.json` of a project, which Claude Code, Copilot CLI and VS Code share: the same entry for each.
fn shared_mcp_json(project: &Path, svault: &Svault) -> Target {
    Target::json(project, ".mcp.json", vec![Edit::entry(&["mcpServers", "svault"], claude::entry(svault))])
}
