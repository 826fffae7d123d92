//! `svault lock`.

use crate::app::{App, silence};
use crate::output::Out;
use crate::report::{Error, Outcome};
use crate::table::pairs;
use crate::times;
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;
use wire::LastLock;

/// Lock now: the keys are wiped and the daemon ends
///
/// Needs no proof. On a locked store it does nothing. What it prints is what the next unlock says about the last lock:
/// keep the two words in mind.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  svault lock")]
pub struct Lock {}

impl Lock {
    /// Runs it.
    pub fn run(self, app: &App) -> Outcome {
        lock(app)
    }
}

/// How the store was left, as `lock` and the next `unlock` say it.
pub fn left_as(left: &LastLock, out: &Out) -> [(&'static str, String); 3] {
    [
        ("last lock", format!("{}, {} entries in the trail", times::shown(&left.last_lock), left.entries)),
        ("policy of", times::shown(&left.policy_date)),
        ("word pair", format!("{}  (another one after every lock)", out.style(&left.word_pair, "1"))),
    ]
}

/// A daemon that says nothing for so long is ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends a daemon that does not answer. It has acknowledged nothing that is not on the disk.
fn by_force(app: &App, held: Option<u32>) -> Outcome {
    let store = app.store_to_lock()?;
    let pid = match client::listener(&store).and_then(|pid| client::end_by_force(&store, pid)) {
        // Somebody else listens, or nobody gets through.
        Err(e) if held.is_some() => return unreached(app, held, e.into()),
        ended => ended?,
    };
    app.out.answer(json!({"state": "locked", "was": "unlocked", "killed": pid}), |_| {
        format!(
            "locked: the daemon (process {pid}) did not answer and was killed; nothing acknowledged is lost\n"
        )
    })?;
    Ok(wire::exit::DONE)
}

/// The daemon is not reached at its socket, by whatever listens there, or it speaks another version: locked, unless a
/// daemon holds the store all the same. `held`: who held it at first.
fn unreached(app: &App, held: Option<u32>, why: Error) -> Outcome {
    let what = match why.code.as_ref() {
        wire::code::VERSION => "speaks another version of the protocol",
        _ => "could not be reached at its socket",
    };
    match client::ends_unreachable(&app.store_to_lock()?)?.or(held) {
        Some(pid) => ended(app, pid, what),
        None if why.code != "locked" => Err(why),
        None => {
            let object = json!({"state": "locked", "was": "locked"});
            app.out.answer(object, |_| "locked already\n".to_owned())?;
            Ok(wire::exit::DONE)
        }
    }
}

/// Says that the daemon has ended, which it was not asked to at its socket.
fn ended(app: &App, pid: u32, what: &str) -> Outcome {
    app.out.answer(json!({"state": "locked", "was": "unlocked"}), |_| {
        format!("locked: the daemon (process {pid}) {what} and has ended\n")
    })?;
    Ok(wire::exit::DONE)
}

/// Locks; the same for `daemon stop`.
pub fn lock(app: &App) -> Outcome {
    let store = app.store_to_lock()?;
    crate::editing::sweep(&store);
    let held = client::holder(&store);
    let connection = match app.connect_to_lock(PATIENCE) {
        Err(e) if e.code == "no_answer" => return by_force(app, held),
        Err(e) => return unreached(app, held, e),
        Ok(connection) => connection,
    };
    let mut tell = |silent| app.out.note(&silence(silent, client::ANSWER));
    let left = match connection.lock(&mut tell) {
        Err(client::Error::NoAnswer { .. }) => return by_force(app, held),
        Err(e) if held.is_some() => return unreached(app, held, e.into()),
        other => other?,
    };
    // Who listens may be anybody; who holds the store is the daemon.
    if held.is_some()
        && client::holder(&store) == held
        && let Some(pid) = client::ends_unreachable(&store)?
    {
        return ended(app, pid, "was not who answered at its socket,");
    }
    let mut object = json!({"state": "locked", "was": "unlocked"});
    if let (Value::Object(all), Some(Value::Object(left))) =
        (&mut object, left.as_ref().and_then(|l| serde_json::to_value(l).ok()))
    {
        all.extend(left);
    }
    app.out.answer(object, |out| {
        let Some(left) = &left else {
            return "locked; how it was left could not be written down: is the disk full?\n".to_owned();
        };
        pairs(&left_as(left, out)).lines().fold("locked\n".to_owned(), |text, row| format!("{text}  {row}\n"))
    })?;
    Ok(wire::exit::DONE)
}
