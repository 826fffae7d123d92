//! The agents on this machine: whether what install told them is there, and works when it is started as they start it.
//!
//! Only what is word for word what this svault would install is started: a settings file must not be able to have
//! `doctor` run another program in a human's terminal.

mod hooks;
mod probe;
mod server;

use super::{Check, State};
use crate::app::App;
use crate::commands::install::{self, short};
use crate::output::{command_line, foreign};
use crate::report::Error;
use agents::check::{self, Files};
use agents::clients::{Executable, Spec, executables, spec};
use agents::install::Record;
use agents::{Client, Machine, Svault};
use client::Answer;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use wire::{CallerRow, Report, Want};

/// Everything that is looked at.
pub(super) struct Found {
    /// The rows.
    pub checks: Vec<Check>,
    /// What a human has to click, one line each.
    pub clicks: Vec<String>,
    /// The same by client, for scripts.
    pub clients: Vec<Value>,
}

struct Looking<'a> {
    machine: &'a Machine,
    svault: &'a Svault,
    record: &'a Record,
    folders: &'a [PathBuf],
    store: &'a str,
    /// Those of the policy, where they are shown without a proof.
    callers: Option<&'a [CallerRow]>,
}

pub(super) fn found(app: &App) -> Result<Found, Error> {
    let machine = install::machine()?;
    let svault = install::this_svault(&machine)?;
    let record = Record::open(&machine.state()).map_err(install::trouble)?;
    let folders = project();
    let store = install::store(app);
    let callers = callers(app);
    let looking = Looking {
        machine: &machine,
        svault: &svault,
        record: &record,
        folders: &folders,
        store: &store,
        callers: callers.as_deref(),
    };
    let mut all = Found { checks: Vec::new(), clicks: Vec::new(), clients: Vec::new() };
    for client in Client::ALL {
        let known = spec(client);
        let files = check::files(&machine, &svault, client);
        let installed = record.has(client, None);
        if !installed && !known.is_there(&machine) {
            continue;
        }
        // What no install has written is looked at all the same, and not that of another client in a file of both.
        let left = files.ours.iter().any(|path| record.file(path).is_none());
        if installed || left {
            all.checks.extend(looking.installed(client, &files));
            let clicks = check::clicks(&machine, client).iter();
            all.clicks.extend(clicks.map(|line| format!("{}: {line}", known.title)));
        } else {
            let fix = format!("svault install --client {client}");
            all.checks.push(Check::weak(known.title, "found; it knows nothing of svault", fix));
        }
        let clicks: &[&str] = if installed { check::clicks(&machine, client) } else { &[] };
        all.clients.push(
            json!({"client": client.as_str(), "installed": installed, "clicks": clicks, "gaps": known.gaps}),
        );
    }
    if all.checks.is_empty() {
        let fix = format!("name one: svault install --client NAME; known: {}", Client::names());
        all.checks.push(Check::weak("agents", "none was found", fix));
    }
    Ok(all)
}

/// The callers of the policy. None: they are not to be seen now; doctor asks for no proof.
fn callers(app: &App) -> Option<Vec<CallerRow>> {
    let said = app.connect(None).ok()?.want(Want::Callers);
    // A client of the daemon lets nobody look in. The servers that are started below it are to be known by their parents,
    // and it has nothing to hide.
    let _ = secret::set_dumpable(true);
    match said.ok()? {
        Answer::Report(report) => match *report {
            Report::Callers(rows) => Some(rows),
            _ => None,
        },
        _ => None,
    }
}

/// This folder, and the top of the repository that it is in.
fn project() -> Vec<PathBuf> {
    let Ok(here) = std::env::current_dir() else { return Vec::new() };
    let top = here.ancestors().find(|f| f.join(".git").exists()).map(PathBuf::from);
    let mut all: Vec<PathBuf> = top.into_iter().collect();
    if all.first() != Some(&here) {
        all.push(here);
    }
    all
}

fn row(known: &Spec, what: &str) -> String {
    format!("{}, {what}", known.title)
}

impl Looking<'_> {
    fn installed(&self, client: Client, files: &Files) -> Vec<Check> {
        let known = spec(client);
        let mut all = vec![self.settings(known, files)];
        if let Some(server) = &files.server {
            all.push(server::check(&row(known, "server"), server));
        }
        all.extend(hooks::checks(known, &files.hooks));
        all.extend(self.trust(known));
        all.extend(self.caller(known));
        all.extend(self.project(known));
        all
    }

    fn settings(&self, known: &Spec, files: &Files) -> Check {
        let name = row(known, "settings");
        let fix = if files.moved {
            self.install_by_path(known.client)
        } else {
            format!("svault install --client {}", known.client)
        };
        if !files.faults.is_empty() {
            let faults: Vec<String> = files.faults.iter().map(|f| foreign(f, 300)).collect();
            return Check::broken(
                name,
                format!("not as installed, so not tried: {}", faults.join("; ")),
                fix,
            );
        }
        let targets = known.targets(self.machine, self.svault, agents::clients::Place::User);
        let paths: Vec<String> = targets.iter().map(|t| short(&t.path)).collect();
        Check::ok(name, paths.join(", "))
    }

    /// The install by this svault, which a shell may not find by its name where another one has gone.
    fn install_by_path(&self, client: Client) -> String {
        let this = Path::new(self.svault.program());
        let found = self.machine.program("svault").and_then(|path| path.canonicalize().ok());
        let by_name = found.is_some() && found == this.canonicalize().ok();
        let svault =
            if by_name { "svault".to_owned() } else { command_line(&[self.svault.program().into()]) };
        format!("{svault} install --client {client}")
    }

    fn trust(&self, known: &Spec) -> Option<Check> {
        if known.client != Client::Codex {
            return None;
        }
        let name = row(known, "trust");
        let trust = check::codex_trust(self.machine)?;
        if trust.holds() {
            return Some(Check::ok(name, format!("Codex trusts all {} hooks as they are", trust.all)));
        }
        let mut detail = format!(
            "{} of {} hooks are trusted: Codex runs without the others and says nothing",
            trust.trusted, trust.all
        );
        for (count, what) in [(trust.changed, "had another text when trusted"), (trust.off, "switched off")] {
            if count > 0 {
                detail.push_str(&format!("; {count} {what}"));
            }
        }
        Some(Check::broken(name, detail, "open codex, type /hooks, trust svault's hooks and switch them on"))
    }

    fn caller(&self, known: &Spec) -> Option<Check> {
        let name = row(known, "caller");
        let now = executables(known, self.machine);
        let Executable::Own(_) = known.executable else {
            return Some(Check::ok(name, "can't be told from other programs: no rights by itself"));
        };
        let seen: Vec<_> = self.record.executables_of(known.caller, self.store).collect();
        let fix = format!("svault install --client {}", known.client);
        if seen.is_empty() {
            return Some(self.by_hand(known, name, now.is_empty(), fix));
        }
        for one in &seen {
            let fingerprint = agents::install::fingerprint(&one.path).ok();
            if fingerprint != Some((one.file, one.sha256.clone())) {
                let detail = format!("{} has changed since you confirmed it", short(&one.path));
                return Some(Check::weak(
                    name,
                    detail,
                    format!("if you updated it: {fix} confirms it again"),
                ));
            }
        }
        if let Some(other) = now.iter().find(|p| seen.iter().all(|s| s.path != **p)) {
            let detail = format!("{} runs now, which you have not confirmed", short(other));
            return Some(Check::weak(name, detail, format!("if you updated it: {fix} confirms it")));
        }
        let paths: Vec<String> = seen.iter().map(|s| short(&s.path)).collect();
        Some(Check::ok(name, format!("{}, as you confirmed it: {}", known.caller, paths.join(", "))))
    }

    /// A caller that no install has registered: a human may have, which only the policy says.
    fn by_hand(&self, known: &Spec, name: String, none: bool, fix: String) -> Check {
        let row = |rows: &[CallerRow]| rows.iter().find(|r| r.name.as_str() == known.caller).cloned();
        match self.callers.map(row) {
            Some(Some(row)) if row.verified => {
                Check::ok(name, format!("{}, registered by you, only when launched", known.caller))
            }
            Some(Some(row)) => {
                let exe: Vec<String> = row.exe.iter().map(|p| foreign(p, 200)).collect();
                Check::ok(name, format!("{}, registered by you: {}", known.caller, exe.join(", ")))
            }
            _ if none => Check::weak(name, install::not_own(known, self.machine), install::by_launch(known)),
            Some(None) => Check::weak(name, "not registered: it has no rights", fix),
            None => {
                let detail =
                    "not registered by 'svault install'; 'svault caller list' says whether it was by hand";
                Check::weak(name, detail, fix)
            }
        }
    }

    /// What is in the way of the user's settings here.
    fn project(&self, known: &Spec) -> Option<Check> {
        let mut said = Vec::new();
        for shadow in check::shadows(self.machine, self.svault, self.folders, known.client) {
            said.push(match shadow.starts {
                Some(what) => format!(
                    "{} has another server called svault: {}",
                    short(&shadow.path),
                    foreign(&what, 200)
                ),
                None => format!("{} can't be read", short(&shadow.path)),
            });
        }
        if known.client == Client::Claude {
            let off = check::hooks_off(self.machine, self.folders);
            said.extend(off.iter().map(|path| format!("{} switches all hooks off", short(path))));
        }
        let fix = "look at these files, and take that out, before you start an agent here";
        (!said.is_empty()).then(|| Check::weak(row(known, "this project"), said.join("; "), fix))
    }
}

/// The lines after the rows.
pub(super) fn line(clicks: &[String], checks: &[Check]) -> String {
    if clicks.is_empty() || checks.iter().all(|c| c.state == State::Broken) {
        return String::new();
    }
    let lines: String = clicks.iter().map(|l| format!("  - {l}\n")).collect();
    format!("\nWhat svault can't see, and you have to do once:\n{lines}")
}
