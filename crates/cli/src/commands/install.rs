//! `svault install`: tells the agents on this machine to ask svault.

mod apply;
mod callers;
mod seen;

pub(super) use apply::{Options, Work, apply, clients_json};
pub(super) use callers::forget;
pub(super) use seen::store;

use crate::app::App;
use crate::args::Proof;
use crate::report::{Error, Outcome};
use agents::check;
use agents::clients::{Executable, Place, Spec, spec};
use agents::install::{Lock, Record, Trouble, Wish};
use agents::{Client, Machine, Svault};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Tell the agents on this machine to ask svault
///
/// Writes the server, hooks and deny rules into the settings of each agent, after showing what changes. Everything
/// else in those files stays, and 'svault uninstall' puts them back. An agent with an executable of its own is
/// registered as a caller, without scopes; that takes presence.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault install\n  svault install --client claude --client codex --dry-run\n  svault \
                  install --client cursor --project"
)]
pub struct Install {
    #[command(flatten)]
    options: Options,
    /// Have Codex take svault's hooks for trusted, instead of looking at them yourself under /hooks
    #[arg(long, conflicts_with = "project")]
    trust_codex_hooks: bool,
    #[command(flatten)]
    proof: Proof,
}

impl Install {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        let machine = machine()?;
        let svault = this_svault(&machine)?;
        let project = self.options.folder(&machine)?;
        let place = project.as_deref().map_or(Place::User, Place::Project);
        let clients = self.options.clients(|c| spec(c).is_there(&machine));
        if clients.is_empty() {
            return Err(Error::new("no_agent", wire::exit::FAILED, "no agent was found on this machine")
                .hint(format!("name one: svault install --client NAME; known: {}", Client::names())));
        }
        let _lock = self.options.lock(&machine)?;
        let mut record = Record::open(&machine.state()).map_err(trouble)?;
        if self.trust_codex_hooks && !clients.contains(&Client::Codex) {
            return Err(Error::usage("--trust-codex-hooks is for Codex, which was neither named nor found")
                .hint("svault install --client codex --trust-codex-hooks"));
        }
        let wish = Wish { place, clients: &clients, trust_codex: self.trust_codex_hooks };
        let plan = agents::install::install(&machine, &svault, &record, wish);
        let work = Work { verb: "install", done: "installed", plan: &plan, clients: &clients };
        let result = apply(app, &self.options, &work, &mut record)?;
        if self.options.dry_run {
            return result.answer(
                app,
                json!({"clients": clients_json(&result, |_| json!({}))}),
                String::new(),
            );
        }
        let done: Vec<Client> = clients.iter().copied().filter(|c| result.is_done(*c)).collect();
        let standing = callers::register(app, self.proof, &machine, &mut record, &done)?;
        let todo = todo(&machine, &done, &standing, place);
        let more = |client: Client| {
            json!({"caller": standing.iter().find(|s| s.client == client).map(callers::Standing::json),
                "clicks": check::clicks(&machine, client), "gaps": spec(client).gaps})
        };
        let object = json!({"clients": clients_json(&result, more), "left": todo});
        let lines = todo.iter().map(|l| format!("  - {l}\n")).collect::<String>();
        let text = if lines.is_empty() { lines } else { format!("\nLeft for you to do:\n{lines}") };
        result.answer(app, object, text)
    }
}

/// What is left for a human, one line each.
fn todo(machine: &Machine, done: &[Client], standing: &[callers::Standing], place: Place<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for &client in done {
        let known = spec(client);
        all.extend(check::clicks(machine, client).iter().map(|line| format!("{}: {line}", known.title)));
        if let Some(line) = standing.iter().find(|s| s.client == client).and_then(|s| s.todo(machine)) {
            all.push(format!("{}: {line}", known.title));
        }
    }
    if let Place::Project(_) = place {
        all.push("commit the project's files only if everybody who works on it has svault: they name this one's path".into());
    }
    all
}

/// This user's side of the machine.
pub(super) fn machine() -> Result<Machine, Error> {
    Machine::here().ok_or_else(|| Error::usage("no home folder").hint("set HOME to an absolute path"))
}

/// This very program, as the settings of clients shall name it.
pub(super) fn this_svault(machine: &Machine) -> Result<Svault, Error> {
    let program = std::env::current_exe().map_err(|e| Error::failed("can't tell where svault is", e))?;
    // As every other command has it: a relative one is an error, not none.
    client::paths::store_dir().map_err(client::Error::from)?;
    let store = machine.folder("SVAULT_HOME");
    Svault::new(&program, store.as_deref(), machine.system).map_err(|e| {
        Error::failed("can't write this path into settings", e).hint("move svault to a plainer path")
    })
}

/// An error of one file, as the command's own.
pub(super) fn trouble(e: Trouble) -> Error {
    match e {
        Trouble::Busy => Error::new("busy", wire::exit::FAILED, e.to_string())
            .hint("wait until it is done, then run this again"),
        e => Error::failed("can't do this", e),
    }
}

/// Why a client's processes can't be told from others, and what to do about it.
fn why_claimed(client: Client, machine: &Machine) -> String {
    let known = spec(client);
    let runs = match known.executable {
        Executable::Shared(what) => format!("its processes are {what}"),
        Executable::Own(_) => not_own(known, machine),
    };
    format!(
        "{runs}, so svault can't tell it from others: it has no rights by itself. To give it some: {}",
        by_launch(known)
    )
}

/// Why a client that has executables of its own elsewhere has none here.
pub(super) fn not_own(known: &Spec, machine: &Machine) -> String {
    match known.programs.iter().find_map(|p| machine.program(p)) {
        Some(script) => format!("{} is a script, whose processes run as its interpreter", short(&script)),
        None => "its executable was not found on the path".to_owned(),
    }
}

/// How a client gets rights that svault can't tell from others.
pub(super) fn by_launch(known: &Spec) -> String {
    let name = known.caller;
    let program = known.programs.first().copied().unwrap_or(name);
    format!(
        "svault caller add {name} --verified --scope SCOPE, then start it with: svault agent start {name} -- {program}"
    )
}

impl Options {
    /// The project's folder, where it is asked for: the nearest above with a `.git`, else this one.
    ///
    /// # Errors
    /// When that is the home.
    pub(super) fn folder(&self, machine: &Machine) -> Result<Option<PathBuf>, Error> {
        if !self.project {
            return Ok(None);
        }
        let here = std::env::current_dir().map_err(|e| Error::failed("can't tell the current folder", e))?;
        let top = here.ancestors().find(|f| f.join(".git").exists()).map_or(here.as_path(), Path::new);
        if machine.home.canonicalize().is_ok_and(|home| home == top) {
            return Err(Error::usage("this folder is your home, not a project").hint("leave out --project"));
        }
        Ok(Some(top.to_owned()))
    }

    /// Keeps others from installing or uninstalling while this one plans, asks and writes. A dry run keeps nobody.
    ///
    /// # Errors
    /// When another one is at work.
    pub(super) fn lock(&self, machine: &Machine) -> Result<Option<Lock>, Error> {
        if self.dry_run { Ok(None) } else { Lock::take(&machine.state()).map(Some).map_err(trouble) }
    }

    /// Whether a client was named.
    pub(super) fn names(&self, client: Client) -> bool {
        self.client.contains(&client)
    }

    /// The clients that were named, or else those for which this is so.
    pub(super) fn clients(&self, wanted: impl Fn(Client) -> bool) -> Vec<Client> {
        let mut all: Vec<Client> = if self.client.is_empty() {
            Client::ALL.into_iter().filter(|c| wanted(*c)).collect()
        } else {
            self.client.clone()
        };
        all.sort();
        all.dedup();
        all
    }
}

/// Paths below the home as people write them.
pub(super) fn short(path: &Path) -> String {
    let home = std::env::home_dir();
    match home.as_deref().and_then(|h| path.strip_prefix(h).ok()) {
        Some(rest) => crate::output::foreign(&format!("~/{}", rest.display()), 300),
        None => crate::output::foreign(&path.display().to_string(), 300),
    }
}

/// The keys of two objects in one.
fn merged(mut one: Value, two: Value) -> Value {
    if let (Value::Object(one), Value::Object(two)) = (&mut one, two) {
        one.extend(two);
    }
    one
}
