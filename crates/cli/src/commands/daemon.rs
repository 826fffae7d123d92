//! `svault daemon status|stop|run`.

use crate::app::App;
use crate::output::Out;
use crate::report::{Error, Outcome};
use crate::table::pairs;
use crate::times;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use wire::StatusReport;

/// The process that holds the unlocked store
#[derive(Debug, Subcommand)]
pub enum Daemon {
    Status(Status),
    Stop(Stop),
    Run(Run),
    Ring(Ring),
}

/// Say how the daemon is and which protections hold in it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault daemon status")]
pub struct Status {}

/// End the daemon, which locks the store
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault daemon stop")]
pub struct Stop {}

/// Be the daemon: 'svault unlock' starts this as its own child
///
/// It takes the keys over a private socket pair on stdin and is of no use without.
#[derive(Debug, Args)]
#[command(
    after_help = "Example (what unlock does):\n  svault daemon run --store /home/you/.local/share/svault"
)]
pub struct Run {
    /// The store's real path
    #[arg(long, value_name = "PATH")]
    store: PathBuf,
}

/// Be the daemon's helper that rings: the daemon starts this before it holds keys
#[derive(Debug, Args)]
#[command(hide = true, after_help = "Example (what the daemon does):\n  svault daemon ring")]
pub struct Ring {}

impl Daemon {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        match self {
            Daemon::Status(c) => c.run(app),
            Daemon::Stop(_) => super::lock::lock(app),
            Daemon::Run(c) => run(&c.store),
            Daemon::Ring(_) => ring(),
        }
    }
}

impl Status {
    fn run(self, app: &App) -> Outcome {
        let mut connection = app.connect(None)?;
        let status = connection.status()?;
        let socket = app.store()?.sockets().into_iter().find(|s| s.check().unwrap_or(false));
        let socket = socket.map(|s| s.path().display().to_string()).unwrap_or_default();
        let mut object = serde_json::to_value(&status).unwrap_or_default();
        if let Value::Object(map) = &mut object {
            map.insert("socket".into(), json!(socket));
        }
        app.out.answer(object, |out| text(&status, &socket, out))?;
        Ok(wire::exit::DONE)
    }
}

fn text(s: &StatusReport, socket: &str, out: &Out) -> String {
    let mut text = pairs(&[
        ("process", s.pid.to_string()),
        ("since", times::shown(&s.since)),
        ("locks in", times::span(s.locks_in)),
        ("socket", socket.to_owned()),
        ("trail", super::status::trail(s)),
    ]);
    for wire::ProtectionRow { name, holds } in &s.protection {
        text.push_str(&format!(
            "{} {name}\n",
            if *holds { out.style("✓", "32") } else { out.style("✕", "31") }
        ));
    }
    text
}

#[cfg(unix)]
fn run(store: &std::path::Path) -> Outcome {
    ::daemon::run(store).map(|()| wire::exit::DONE).map_err(Error::from)
}

#[cfg(unix)]
fn ring() -> Outcome {
    ::daemon::ring().map(|()| wire::exit::DONE).map_err(Error::from)
}

#[cfg(not(unix))]
fn run(_: &std::path::Path) -> Outcome {
    Err(Error::failed("the daemon can't run", "not on this system yet"))
}

#[cfg(not(unix))]
fn ring() -> Outcome {
    Err(Error::failed("the daemon can't run", "not on this system yet"))
}
