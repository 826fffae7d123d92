//! `svault caller add|list|remove`: edits of the policy's text that keep everything else in it.

use crate::app::{App, Consent, Human, unexpected};
use crate::args::Proof;
use crate::output::{Out, foreign};
use crate::report::{Error, Outcome};
use crate::table::Table;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::{Path, PathBuf};
use wire::{CallerRow, Report, Want};
use words::{CallerName, Id, Scope};

/// Register callers, list and remove them
#[derive(Debug, Subcommand)]
pub enum Caller {
    Add(Add),
    Allow(Allow),
    List(List),
    Remove(Remove),
}

/// Register a caller: who may ask, and for which scopes
///
/// A process is matched by its executable's file, not by its name. An agent that is a script runs as its interpreter,
/// which others use too: start that one with 'svault agent start' and register it with --verified.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  svault caller add claude-code --exe \"$(command -v claude)\" --scope database\n  \
                  svault caller add deploy --verified --scope production --rate 20/hour"
)]
pub struct Add {
    /// Its name
    name: CallerName,
    /// An executable that it is matched by; may be given several times
    #[arg(long, value_name = "PATH")]
    exe: Vec<PathBuf>,
    /// What it may ask for; may be given several times
    #[arg(long)]
    scope: Vec<Scope>,
    /// How many requests a session of it may make, such as 20/hour
    #[arg(long, value_name = "N/TIME")]
    rate: Option<policy::Rate>,
    /// Only when started with 'svault agent start'
    #[arg(long)]
    verified: bool,
    #[command(flatten)]
    proof: Proof,
}

/// Give a registered caller scopes, beside those it has
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault caller allow claude-code database api")]
pub struct Allow {
    /// Which one
    name: CallerName,
    /// What it may ask for
    #[arg(required = true, value_name = "SCOPE")]
    scopes: Vec<Scope>,
    #[command(flatten)]
    proof: Proof,
}

/// List registered callers
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault caller list")]
pub struct List {
    #[command(flatten)]
    proof: Proof,
}

/// Remove a caller
///
/// Rules that forbid it something stay.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault caller remove claude-code")]
pub struct Remove {
    /// Which one
    name: CallerName,
    #[command(flatten)]
    proof: Proof,
}

impl Caller {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Caller::Add(c) => c.run(app),
            Caller::Allow(c) => c.run(app),
            Caller::List(c) => c.run(app),
            Caller::Remove(c) => c.run(app),
        }
    }
}

impl Add {
    fn run(self, app: &App) -> Outcome {
        if self.exe.is_empty() && !self.verified {
            return Err(Error::usage("nothing would tell this caller from others")
                .hint("give --exe PATH, or --verified for one that you start with 'svault agent start'"));
        }
        if policy::is_reserved(&self.name) {
            let text = format!("'{}' is what a request without a registered caller goes under", self.name);
            return Err(Error::usage(text).hint("it can't be given rights; choose another name"));
        }
        let exe = self.exe.iter().map(|p| executable(app, p)).collect::<Result<Vec<_>, _>>()?;
        let caller = policy::Caller { exe, scopes: self.scope, rate: self.rate, verified: self.verified };
        let name = self.name;
        let id = change(&mut app.human(self.proof), |text| policy::add_caller(text, &name, &caller))?;
        if caller.scopes.is_empty() {
            app.out.note("note: it has no scope yet, so it may ask for nothing");
        }
        app.out.answer(json!({"id": id, "caller": name}), |_| format!("added caller {name}\n"))?;
        Ok(wire::exit::DONE)
    }
}

impl Allow {
    fn run(self, app: &App) -> Outcome {
        let (name, scopes) = (self.name, self.scopes);
        let id = change(&mut app.human(self.proof), |text| policy::add_scopes(text, &name, &scopes))?;
        let shown: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
        app.out.answer(json!({"id": id, "caller": name, "scopes": shown}), |_| {
            format!("{name} may ask for {}\n", shown.join(", "))
        })?;
        Ok(wire::exit::DONE)
    }
}

impl List {
    fn run(self, app: &App) -> Outcome {
        let Report::Callers(rows) = app.human(self.proof).read(Want::Callers)? else {
            return Err(unexpected());
        };
        app.out.answer(json!({"callers": rows}), |out| {
            if rows.is_empty() {
                "no callers yet: svault caller add NAME --exe PATH --scope SCOPE\n".to_owned()
            } else {
                table(&rows, out)
            }
        })?;
        Ok(wire::exit::DONE)
    }
}

impl Remove {
    fn run(self, app: &App) -> Outcome {
        let name = self.name;
        let id = change(&mut app.human(self.proof), |text| policy::remove_caller(text, &name))?;
        super::install::forget(app, &name.to_string());
        app.out.answer(json!({"id": id, "caller": name}), |_| format!("removed caller {name}\n"))?;
        Ok(wire::exit::DONE)
    }
}

/// Reads the policy's text, changes it, and sets it.
pub(super) fn change(
    human: &mut Human<'_>,
    edit: impl FnOnce(&str) -> Result<String, policy::EditError>,
) -> Result<Option<Id>, Error> {
    let Report::Policy(row) = human.read_proved(Want::PolicyShow)? else { return Err(unexpected()) };
    let toml = edit(&row.toml).map_err(edit_error)?;
    Ok(human.act(Want::policy_set(toml, &row.toml), Vec::new(), Consent::Named)?.id())
}

fn edit_error(e: policy::EditError) -> Error {
    match e {
        policy::EditError::Parse(e) => super::policy::parse_error(&e),
        policy::EditError::Exists(_) => Error::new("exists", wire::exit::FAILED, e.to_string())
            .hint("change it with 'svault policy edit', or remove it first"),
        policy::EditError::Missing(_) => {
            Error::new("unknown_caller", wire::exit::FAILED, e.to_string()).hint("see 'svault caller list'")
        }
        other => Error::new("policy", wire::exit::FAILED, other.to_string()),
    }
}

/// An executable's absolute path, links on the way to it left as they are: an update may move what they point to.
fn executable(app: &App, path: &Path) -> Result<String, Error> {
    let here = std::env::current_dir().map_err(|e| Error::failed("can't tell the current folder", e))?;
    let path = here.join(path);
    let meta = path.metadata().map_err(|e| Error::io("find", &path, &e))?;
    if !meta.is_file() {
        return Err(Error::usage(format!("{} is no file", path.display())));
    }
    if path.starts_with("/proc") || !may_run(&meta) {
        return Err(Error::usage(format!("{} is no program", path.display()))
            .hint("give the program's own path, which may be executed"));
    }
    if begins_with(&path, b"#!") {
        app.out.note(&format!(
            "note: {} is a script. Its processes run as its interpreter and won't match; use --verified and 'svault \
             agent start' for it",
            path.display()
        ));
    }
    path.into_os_string().into_string().map_err(|_| Error::usage("the path of --exe is not UTF-8"))
}

#[cfg(unix)]
fn may_run(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn may_run(_: &std::fs::Metadata) -> bool {
    true
}

fn begins_with(path: &Path, magic: &[u8; 2]) -> bool {
    let mut head = [0; 2];
    std::fs::File::open(path).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut head)).is_ok()
        && head == *magic
}

fn table(rows: &[CallerRow], out: &Out) -> String {
    let mut table = Table::new(&["CALLER", "SCOPES", "RATE", "EXECUTABLES", "NOTES"], 3);
    for r in rows {
        table.row(vec![
            r.name.to_string(),
            if r.scopes.is_empty() { "none".to_owned() } else { r.scopes.join(" ") },
            r.rate.clone().unwrap_or_default(),
            r.exe.iter().map(|p| foreign(p, 200)).collect::<Vec<_>>().join(" "),
            if r.verified { "only when launched" } else { "" }.to_owned(),
        ]);
    }
    table.text(out)
}
