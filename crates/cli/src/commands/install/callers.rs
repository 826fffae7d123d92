//! Registering clients as callers by their own executables. An act of a human: without one it is left to do.

use super::{seen, why_claimed};
use crate::app::{App, Consent, Human, unexpected};
use crate::args::Proof;
use crate::report::Error;
use agents::clients::{executables, spec};
use agents::install::{Lock, Record, Seen};
use agents::{Client, Machine};
use policy::Policy;
use serde_json::{Value, json};
use wire::{Report, Want};
use words::{CallerName, Scope};

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
    /// It was, or the policy had it with scopes; a human has confirmed the executable.
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
    pub fn todo(&self, machine: &Machine) -> Option<String> {
        let name = spec(self.client).caller;
        match &self.state {
            State::Registered => {
                Some(format!("it may ask for nothing yet: svault caller allow {name} SCOPE"))
            }
            State::Left(why) => Some(format!("not registered as caller {name} by this install: {why}")),
            State::Claimed => Some(why_claimed(self.client, machine)),
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
    let store = seen::store(app);
    for &client in clients {
        let caller = spec(client).caller;
        let found = executables(spec(client), machine);
        let now = found.iter().map(|p| seen::look(caller, p, &store)).collect::<Result<Vec<_>, _>>()?;
        let known: Vec<&Seen> = record.executables_of(caller, &store).collect();
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
        Ok(policy) => {
            for own in open {
                record.confirm(spec(own.client).caller, &store, own.now.clone()).map_err(super::trouble)?;
                let state = match scopes_of(&policy, own.client).is_empty() {
                    true if !own.known => State::Registered,
                    _ => State::Confirmed,
                };
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

/// Forgets the executables of a caller that was removed: the next install registers it anew.
pub(in crate::commands) fn forget(app: &App, caller: &str) {
    if let Err(e) = forgotten(app, caller) {
        app.out.note(&format!("note: 'svault install' still takes {caller} for registered: {}", e.message));
    }
}

fn forgotten(app: &App, caller: &str) -> Result<(), Error> {
    let (state, store) = (super::machine()?.state(), seen::store(app));
    let open = || Record::open(&state).map_err(super::trouble);
    if open()?.executables_of(caller, &store).next().is_none() {
        return Ok(());
    }
    let _lock = Lock::take(&state).map_err(super::trouble)?;
    open()?.confirm(caller, &store, Vec::new()).map_err(super::trouble)
}

fn standing(client: Client, now: &[Seen], state: State) -> Standing {
    let executables = now.iter().map(|s| s.path.display().to_string()).collect();
    Standing { client, state, executables }
}

/// In one act for all. What is in the policy already is confirmed by the proof alone. Gives the policy as it was before.
fn write(human: &mut Human<'_>, open: &[Own]) -> Result<Policy, Error> {
    let Report::Policy(row) = human.read_proved(Want::PolicyShow)? else { return Err(unexpected()) };
    let old = Policy::parse(&row.toml).map_err(|e| Error::failed("the policy can't be read", e))?;
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
        let question = match powerful(&old, open) {
            false => "Register these callers, without any scope?",
            true => {
                "Register these callers? One has scopes already, and they go to the executable shown, too"
            }
        };
        human.act(Want::policy_set(toml, &row.toml), Vec::new(), Consent::Card(question))?;
    }
    Ok(old)
}

/// Whether one of them is in the policy with a scope.
fn powerful(policy: &Policy, open: &[Own]) -> bool {
    open.iter().any(|own| !scopes_of(policy, own.client).is_empty())
}

fn scopes_of(policy: &Policy, client: Client) -> &[Scope] {
    let name: Option<CallerName> = spec(client).caller.parse().ok();
    name.and_then(|name| policy.caller(&name)).map_or(&[], |caller| &caller.scopes)
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
