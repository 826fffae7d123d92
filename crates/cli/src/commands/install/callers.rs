//! Registering clients as callers by their own executables. An act of a human: without one it is left to do.

use super::{seen, why_claimed};
use crate::app::{App, Consent, Human, unexpected};
use crate::args::Proof;
use crate::report::Error;
use agents::clients::{executables, spec};
use agents::install::{Record, Seen};
use agents::{Client, Machine};
use serde_json::{Value, json};
use wire::{Report, Want};
use words::CallerName;

/// How a client stands as a caller.
pub(super) struct Standing {
    /// Which.
    pub client: Client,
    state: State,
    executables: Vec<String>,
}

enum State {
    /// Registered in this run.
    Registered,
    /// It was, its executable has changed, and a human has confirmed the new one.
    Confirmed,
    /// It was, and nothing has changed.
    Unchanged,
    /// It takes a human, for this reason.
    Left(String),
    /// It can't be told from others.
    Claimed,
}

impl Standing {
    /// For scripts.
    pub fn json(&self) -> Value {
        let (state, why) = match &self.state {
            State::Registered => ("registered", None),
            State::Confirmed => ("confirmed", None),
            State::Unchanged => ("unchanged", None),
            State::Left(why) => ("left", Some(why)),
            State::Claimed => ("claimed", None),
        };
        json!({"name": spec(self.client).caller, "state": state, "executables": self.executables, "why": why})
    }

    /// What a human still has to do.
    pub fn todo(&self) -> Option<String> {
        let name = spec(self.client).caller;
        match &self.state {
            State::Registered => {
                Some(format!("it may ask for nothing yet: svault caller allow {name} SCOPE"))
            }
            State::Left(why) => Some(format!("not registered as caller {name}: {why}")),
            State::Claimed => Some(why_claimed(self.client)),
            State::Confirmed | State::Unchanged => None,
        }
    }
}

/// One client with executables of its own.
struct Own {
    client: Client,
    now: Vec<Seen>,
    known: bool,
}

/// Registers those that can be told apart, and confirms those that have changed.
///
/// # Errors
/// When an executable can't be read.
pub(super) fn register(
    app: &App,
    proof: Proof,
    machine: &Machine,
    record: &mut Record,
    clients: &[Client],
) -> Result<Vec<Standing>, Error> {
    let mut all = Vec::new();
    let mut open = Vec::new();
    for &client in clients {
        let caller = spec(client).caller;
        let found = executables(spec(client), machine);
        let now = found.iter().map(|p| seen::look(caller, p)).collect::<Result<Vec<_>, _>>()?;
        let known: Vec<&Seen> = record.executables().iter().filter(|s| s.caller == caller).collect();
        if now.is_empty() {
            all.push(Standing { client, state: State::Claimed, executables: Vec::new() });
        } else if known.len() == now.len() && known.iter().zip(&now).all(|(a, b)| *a == b) {
            all.push(standing(client, &now, State::Unchanged));
        } else {
            open.push(Own { client, known: !known.is_empty(), now });
        }
    }
    if open.is_empty() {
        return Ok(all);
    }
    match write(&mut app.human(proof), &open) {
        Ok(()) => {
            for own in open {
                record.confirm(spec(own.client).caller, own.now.clone()).map_err(super::trouble)?;
                let state = if own.known { State::Confirmed } else { State::Registered };
                all.push(standing(own.client, &own.now, state));
            }
        }
        Err(e) => {
            let why = format!("{}; then run 'svault install' again", what_it_takes(&e));
            all.extend(open.iter().map(|o| standing(o.client, &o.now, State::Left(why.clone()))));
        }
    }
    all.sort_by_key(|s| s.client);
    Ok(all)
}

fn standing(client: Client, now: &[Seen], state: State) -> Standing {
    let executables = now.iter().map(|s| s.path.display().to_string()).collect();
    Standing { client, state, executables }
}

/// In one act for all. What is in the policy already is confirmed by the proof alone.
fn write(human: &mut Human<'_>, open: &[Own]) -> Result<(), Error> {
    let Report::Policy(row) = human.read_proved(Want::PolicyShow)? else { return Err(unexpected()) };
    let mut toml = row.toml.clone();
    for own in open {
        let name: CallerName =
            spec(own.client).caller.parse().map_err(|e| Error::failed("can't name this caller", e))?;
        let exe: Option<Vec<String>> = own.now.iter().map(|s| s.path.to_str().map(str::to_owned)).collect();
        let exe = exe.ok_or_else(|| Error::usage("the path of an executable is not UTF-8"))?;
        toml = policy::match_caller(&toml, &name, &exe)
            .map_err(|e| Error::failed("the policy can't be changed", e).hint("svault policy edit"))?;
    }
    if toml != row.toml {
        let question = "Register these callers, without any scope?";
        human.act(Want::policy_set(toml, &row.toml), Vec::new(), Consent::Card(question))?;
    }
    Ok(())
}

/// What a human has to do first.
fn what_it_takes(e: &Error) -> String {
    match e.code.as_ref() {
        "no_store" => "run 'svault init' first".to_owned(),
        "locked" => "run 'svault unlock' first".to_owned(),
        "presence_needed" => "it takes you at your own terminal, or --passphrase-fd".to_owned(),
        "under_agent" => "it takes you at your own terminal, not under an agent".to_owned(),
        "own_parent" => "it takes a terminal that does not run below one of them".to_owned(),
        _ => e.message.clone(),
    }
}
