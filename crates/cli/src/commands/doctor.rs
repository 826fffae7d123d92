//! `svault doctor`: what protection holds on this machine, what doesn't, and the fix. Works without a daemon.

mod agents;
mod machine;
mod store;

use crate::app::App;
use crate::output::{Out, shown};
use crate::report::{Error, Outcome};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Say what protection holds on this machine, what doesn't, and the fix
///
/// Works without a daemon and needs no proof. Exit code 1 when something is broken.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  svault doctor\n  svault doctor --agents")]
pub struct Doctor {
    /// Look at the agents that 'svault install' wrote to, and try what they start
    #[arg(long)]
    agents: bool,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// As it should be.
    Ok,
    /// Works, with less protection.
    Weak,
    /// Must be mended.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: Cow<'static, str>,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    fn ok(name: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, detail: detail.into(), fix: None }
    }

    fn weak(name: impl Into<Cow<'static, str>>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Weak, detail: detail.into(), fix: Some(fix.into()) }
    }

    fn broken(name: impl Into<Cow<'static, str>>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Broken, ..Self::weak(name, detail, fix) }
    }
}

impl Doctor {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        if self.agents {
            let found = agents::found(app)?;
            let left = agents::line(&found.clicks, &found.checks);
            return said(app, &found.checks, json!({"checks": found.checks, "agents": found.clients}), &left);
        }
        let mut checks = vec![daemon(app)];
        checks.extend(store::checks());
        checks.extend(machine::checks());
        said(app, &checks, json!({"checks": checks}), "")
    }
}

fn said(app: &App, checks: &[Check], object: Value, after: &str) -> Outcome {
    let broken = checks.iter().filter(|c| c.state == State::Broken).count();
    if app.out.json() && broken > 0 {
        let line = format!("{broken} of {} checks are broken", checks.len());
        let mut error = Error::new("broken", wire::exit::FAILED, line);
        for (key, value) in object.as_object().into_iter().flatten() {
            error = error.with(key, value.clone());
        }
        return Err(error);
    }
    app.out.answer(object, |out| text(checks, out) + after)?;
    Ok(if broken == 0 { wire::exit::DONE } else { wire::exit::FAILED })
}

fn daemon(app: &App) -> Check {
    let name = "daemon";
    match app.connect(None).and_then(|mut c| Ok(c.status()?)) {
        Err(e) if e.code == "locked" => Check::ok(name, "none: the store is locked"),
        Err(e) if e.code == "no_store" => Check::weak(name, e.message.clone(), "svault init"),
        Err(e) if e.code == "path" => {
            Check::broken(name, e.message.clone(), "mend the store folder as the check below says")
        }
        Err(e) => Check::broken(
            name,
            e.message.clone(),
            e.hint.clone().unwrap_or_else(|| "svault lock, then svault unlock".into()),
        ),
        Ok(s) => {
            let missing: Vec<&str> =
                s.protection.iter().filter(|p| !p.holds).map(|p| p.name.as_str()).collect();
            if let Some(why) = &s.trail_damage {
                let text = format!("process {}: the trail is broken: {why}", s.pid);
                return Check::broken(name, text, crate::report::KEEP_AND_RESTORE);
            }
            if !s.trail_ok {
                let fix = "make room on the disk, then svault lock and svault unlock";
                return Check::broken(
                    name,
                    format!("process {}: the trail takes no records, so all is denied", s.pid),
                    fix,
                );
            }
            if let Some(shut) = super::status::vaults(&s) {
                let fix = "svault vault list says why; put it back from a backup";
                return Check::broken(name, format!("process {}: of the vaults {shut}", s.pid), fix);
            }
            if !s.trail_lost.is_empty() {
                let lacks = super::audit::but_for(&s.trail_lost);
                let fix =
                    "put the files back from a backup, or keep in mind that the trail lacks what they had";
                return Check::weak(name, format!("process {}: the trail is whole{lacks}", s.pid), fix);
            }
            if !s.memory_locked {
                let fix = "raise 'ulimit -l' (LimitMEMLOCK), then svault lock and svault unlock";
                return Check::weak(name, format!("process {}: its keys may reach the swap", s.pid), fix);
            }
            if missing.is_empty() {
                return Check::ok(name, format!("process {}, every protection holds", s.pid));
            }
            let fix = "see the checks below, then svault lock and svault unlock";
            Check::weak(name, format!("process {} runs without: {}", s.pid, missing.join(", ")), fix)
        }
    }
}

fn text(checks: &[Check], out: &Out) -> String {
    let width = checks.iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for c in checks {
        let sign = match c.state {
            State::Ok => out.style("✓", "32"),
            State::Weak => out.style("!", "33"),
            State::Broken => out.style("✕", "31"),
        };
        let line = format!("{sign} {:width$}  {}", c.name, shown(&c.detail));
        text.push_str(line.trim_end());
        text.push('\n');
        if let Some(fix) = &c.fix {
            text.push_str(&format!("  {:width$}  fix: {}\n", "", shown(fix)));
        }
    }
    let count = |state| checks.iter().filter(|c| c.state == state).count();
    text.push_str(&format!(
        "\n{} hold, {} weaker, {} broken\n",
        count(State::Ok),
        count(State::Weak),
        count(State::Broken)
    ));
    text
}
