//! Aider: neither MCP nor hooks. It is told not to read, and to run things through svault.

use super::{ENV_FILES, Executable, Place, Spec, Target};
use crate::Client;
use crate::config::{Edit, Format};
use crate::machine::Machine;
use crate::svault::Svault;
use serde_json::json;

pub(super) const SPEC: Spec = Spec {
    client: Client::Aider,
    title: "Aider",
    caller: "aider",
    programs: &["aider"],
    executable: Executable::Shared("python"),
    folders: |m| vec![m.home.join(".aider")],
    targets,
    clicks: &[
        "start it with its keys from the vault: svault run --env OPENAI_API_KEY -- aider",
        "remove what is left of secrets in .env: aider loads ~/.env and the project's over its environment",
    ],
    gaps: &[
        "it has no hooks: nothing is blocked; what a command says is masked only where it runs through 'svault run'",
        "only a project has an .aiderignore: use 'svault install --client aider --project' there",
    ],
};

const RULES: &str = "\
<!-- Written by 'svault install'; 'svault uninstall' takes it away. -->
# Secrets

Secrets of this project are in svault, not in files.

- Never read, print or ask for `.env` files, keys or credentials.
- To run a command that needs secrets, propose: `/run svault run --env NAME --scope SCOPE --reason 'WHY' -- COMMAND`. Name the secrets and their scope, not their values.
- Text such as `[svault:NAME]` stands for a secret that was masked. Don't try to get at it.
";

fn targets(machine: &Machine, _: &Svault, place: Place<'_>) -> Vec<Target> {
    let base = match place {
        Place::User => machine.home.clone(),
        Place::Project(project) => project.to_owned(),
    };
    let rules = Target::whole(&base, ".aider.svault.md", RULES.to_owned(), false);
    let named = match place {
        Place::User => rules.path.to_string_lossy().into_owned(),
        Place::Project(_) => ".aider.svault.md".to_owned(),
    };
    let read = vec![Edit::member(&["read"], json!(named))];
    let mut all = vec![rules, Target::edits(&base, ".aider.conf.yml", Format::Yaml, read)];
    if let Place::Project(_) = place {
        let patterns = ENV_FILES.iter().map(|p| Edit::member(&["lines"], json!(p))).collect();
        all.push(Target::edits(&base, ".aiderignore", Format::Lines, patterns));
    }
    all
}
