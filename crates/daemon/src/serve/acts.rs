//! Doing what a human wants, after presence: each act is recorded, durably before it changes anything.

use super::answer::Reply;
use super::connection::Line;
use super::{House, ask, change, facts, folders, human, import, read, settings, slots};
use crate::clock::Clock;
use crate::conn::ConnError;
use crate::gate::{self, Account, Outcome};
use crate::session::Session;
use audit::{Durable, Entry, Event};
use policy::{Cause, Policy};
use secret::Bytes;
use std::rc::Rc;
use wire::act::Act;
use wire::{Ask, AskItem, Failure, FromDaemon, Lasts, Want, code, exit};
use words::{CallerName, Id, SecretRef, VaultName};

/// What stands behind an act.
pub(crate) enum Yes {
    /// A proof over exactly this, and the values that came with it.
    Act(Vec<Bytes>),
    /// The window of a shell.
    Window,
}

/// Does it. `act` is what was shown, as it would be done now.
pub(crate) async fn perform(line: &mut Line, want: Want, act: &Act, yes: Yes) -> Result<Reply, ConnError> {
    let account = match yes {
        Yes::Act(_) => Account::Human,
        Yes::Window => Account::Window,
    };
    let values = match yes {
        Yes::Act(values) => values,
        Yes::Window => Vec::new(),
    };
    let done = match want {
        Want::Show { secret } => return release(line, values_of(vec![secret]), None, account).await,
        Want::Render { secrets } => return release(line, values_of(secrets), None, account).await,
        Want::Run(asked) => return release(line, asked, Some(act), account).await,
        Want::Add { .. } | Want::Replace { .. } | Want::Remove { .. } | Want::Edit { .. } => {
            change::serve(line, want, act, &values).await
        }
        Want::Import { vault, update, items } => {
            import::serve(line, &import::Asked { vault, update, items }, act, &values).await
        }
        Want::VaultCreate { name } => vault_create(line, &name).await,
        Want::Approve { id, lasts } => approve(line, id, lasts).await,
        Want::Deny { id } => refuse(line, id).await,
        Want::CancelAny { id } => cancel(line, id).await,
        Want::Unseal { id } => unseal(line, id).await,
        Want::PolicySet { toml, .. } => policy_set(line, &toml).await,
        Want::SettingsSet { .. } => settings::set(line, want, act).await,
        Want::AgentStart { caller, argv, cwd } => agent_start(line, caller, argv, cwd).await,
        Want::Slots { epoch, slots } => slots::serve(line, epoch, &slots, values).await,
        Want::Window => record(line, entry(line, "window")).await.map(done),
        reading => read::serve(line, reading).await,
    };
    Ok(done.unwrap_or_else(Reply::from))
}

fn values_of(secrets: Vec<SecretRef>) -> Ask {
    Ask {
        items: secrets.into_iter().map(AskItem::value).collect(),
        scope: None,
        reason: None,
        argv: Vec::new(),
        cwd: String::new(),
        wait: 0,
        client: String::new(),
        sets: String::new(),
    }
}

/// A value for a human: through the gate, like everybody's.
async fn release(
    line: &mut Line,
    mut asked: Ask,
    run: Option<&Act>,
    by: Account,
) -> Result<Reply, ConnError> {
    asked.wait = 0;
    let want = Want::Run(asked.clone());
    let said_yes = by == Account::Human;
    let by = line.human_asker(by);
    let Some(outcome) = ask::decide(line, asked, by).await? else {
        return Ok(Failure::new("gone", exit::FAILED, "the request has ended").into());
    };
    match &outcome {
        Outcome::Released(_) => {
            // What can't be kept is asked for again: the folder's last yes stays the one before.
            let kept = !said_yes || run.is_none() || remember(line, &want).is_ok();
            if let Some(act) = run.filter(|_| kept && facts::high(line, &want).is_ok_and(|high| !high)) {
                human::remember_run(line, act);
            }
        }
        Outcome::Denied(no) => {
            if let Some((cause, rule)) = &no.why {
                return Ok(refusal(no.id, *cause, rule).into());
            }
        }
        _ => {}
    }
    Ok(outcome.into())
}

/// A no, for a human who may know why.
fn refusal(id: Id, cause: Cause, rule: &str) -> Failure {
    let text = format!("denied ({id}): {} (rule: {rule})", cause.line());
    match cause {
        Cause::NoValue => Failure::new("damaged", exit::DAMAGED, text)
            .hint("keep a copy of the vault's file and put it back from a backup, or set the value anew: svault replace NAME"),
        Cause::NoMemory => Failure::new("no_memory", exit::FAILED, text)
            .hint("nothing is wrong with the secret: try again, and see 'svault doctor' for the limit of locked memory"),
        Cause::NoRecord => {
            Failure::new("no_record", exit::FAILED, text).hint("free some disk space: svault status")
        }
        _ => Failure::new("denied", exit::DENIED, text),
    }
}

fn remember(line: &Line, want: &Want) -> Result<(), Failure> {
    let Want::Run(ask) = want else { return Ok(()) };
    folders::remember(line, &ask.cwd, &ask.argv, &folders::of_run(line, ask)?)
}

/// An entry about an act of the human on this connection.
pub(crate) fn entry(line: &Line, act: &str) -> Entry {
    let mut entry = line.state.entry(Event::Act);
    about(line, &mut entry);
    entry.act = act.to_owned();
    entry
}

fn about(line: &Line, entry: &mut Entry) {
    entry.caller = "human".into();
    entry.door = Some(line.door);
    entry.process = line.peer.lines(4);
}

pub(crate) fn done(id: Id) -> Reply {
    FromDaemon::Done { id: Some(id) }.into()
}

/// What was shown is not what would be done.
pub(crate) fn changed() -> Failure {
    let text = "what was shown has changed in the meantime; nothing was done";
    Failure::new(code::ACT_CHANGED, exit::FAILED, text).hint("look again and repeat it")
}

/// Records and waits for the disk.
///
/// # Errors
/// The act is not to be done.
pub(crate) async fn record(line: &Line, entry: Entry) -> Result<Id, Failure> {
    line.state.record(entry).await.map_err(|_| no_record())
}

pub(crate) fn no_record() -> Failure {
    Failure::new("no_record", exit::FAILED, "it can't be recorded, so it is not done")
        .hint("free some disk space; if that doesn't help: svault lock, svault unlock")
}

/// Says in the trail that what was recorded under an id did not come to pass. Takes the failure along.
pub(crate) fn undone<T>(line: &Line, recorded: &Entry, done: Result<T, Failure>) -> Result<T, Failure> {
    done.inspect_err(|why| {
        let mut e = recorded.undone(line.state.clock.wall(), &why.message);
        if e.act.is_empty() {
            e.act = "propose".into();
        }
        // Where even this can't be written the trail says nothing more, and the daemon locks.
        let _ = line.state.append(&e, Durable::Now);
    })
}

/// Records something that only reads; the timer's sync takes it along.
///
/// # Errors
/// When the trail takes nothing any more.
pub(crate) fn note(line: &Line, entry: &Entry) -> Result<(), Failure> {
    line.state.append(entry, Durable::Now).map(|_| ()).map_err(|_| no_record())
}

async fn vault_create(line: &Line, name: &VaultName) -> Result<Reply, Failure> {
    let _turn = change::turn(&line.state).await;
    let mut e = entry(line, "vault_create");
    e.note = name.to_string();
    let id = record(line, e.clone()).await?;
    let now = jiff::Timestamp::now();
    let made = line.state.store.borrow_mut().vault_create(name, now).map_err(|e| facts::failure(&e));
    undone(line, &e, made)?;
    Ok(done(id))
}

/// Copies who asked and for what from a request that waits.
pub(super) fn of_request(entry: &mut Entry, waiting: &crate::approve::Waiting) {
    let req = &waiting.req;
    entry.id = req.id;
    entry.caller = req.caller().to_owned();
    entry.evidence = req.evidence();
    entry.session = req.session().unwrap_or_default().to_owned();
    entry.secret = req.items.iter().map(gate::FrozenItem::shown).collect::<Vec<_>>().join(", ");
    entry.secret.truncate(entry.secret.floor_char_boundary(256));
    entry.exposure = req.exposure();
    entry.client.clone_from(&req.client);
    entry.argv.clone_from(&req.argv);
    entry.cwd.clone_from(&req.cwd);
    entry.rule.clone_from(&waiting.rule);
}

async fn approve(line: &Line, id: Id, lasts: Lasts) -> Result<Reply, Failure> {
    let gone = |e: crate::approve::CantApprove| super::facts::cant_approve(&e);
    let _turn = change::turn(&line.state).await;
    // Whoever asked may have ended since the last second.
    line.state.expire();
    let waiting = line.state.approvals.can_approve(id, lasts).map_err(gone)?;
    if let Some((cause, rule)) = gate::despite_a_yes(&House::of(&line.state), &waiting.req) {
        let text = format!("a yes would not release it any more: {} (rule: {rule})", cause.line());
        let sealed = matches!(cause, policy::Cause::Sealed | policy::Cause::Suspended);
        let first = if sealed { "'svault seals' lists what a human can open; " } else { "" };
        return Err(Failure::new("denied_anyway", exit::FAILED, text)
            .hint(format!("{first}'svault deny {id}' ends it; its caller may ask again")));
    }
    let mut e = line.state.entry(Event::Approve);
    about(line, &mut e);
    of_request(&mut e, &waiting);
    e.act = "approve".into();
    e.note = format!("for {}", lasts.word());
    record(line, e.clone()).await?;
    let req = &waiting.req;
    if !req.argv.is_empty() {
        let kept = folders::remember(line, &req.cwd, &req.argv, &folders::of_request(req));
        undone(line, &e, kept)?;
    }
    // The request may have ended while the disk was waited for.
    let approved = line.state.approvals.approve(id, lasts, line.state.now_ms()).map_err(gone);
    undone(line, &e, approved)?;
    Ok(done(id))
}

async fn refuse(line: &Line, id: Id) -> Result<Reply, Failure> {
    let wish = line.state.wishes.borrow().get(id).cloned();
    if let Some(wish) = wish {
        let mut e = line.state.entry(Event::Refuse);
        about(line, &mut e);
        (e.id, e.act, e.secret) = (id, "deny".into(), wish.name.to_string());
        e.session = wish.by.session().unwrap_or_default().to_owned();
        record(line, e).await?;
        line.state.wishes.borrow_mut().refuse(id);
        return Ok(done(id));
    }
    ended(line, id, Event::Refuse, "deny", |line| line.state.approvals.refuse(id)).await
}

async fn cancel(line: &Line, id: Id) -> Result<Reply, Failure> {
    ended(line, id, Event::Cancel, "cancel", |line| line.state.approvals.cancel(id, None)).await
}

async fn ended(
    line: &Line,
    id: Id,
    event: Event,
    act: &str,
    end: impl FnOnce(&Line) -> bool,
) -> Result<Reply, Failure> {
    let gone = || {
        Failure::new("no_request", exit::FAILED, format!("no request {id} waits"))
            .hint(format!("'svault audit show {id}' says how it ended, if there was one"))
    };
    let _turn = change::turn(&line.state).await;
    let waiting = line.state.approvals.get(id).ok_or_else(gone)?;
    let mut e = line.state.entry(event);
    about(line, &mut e);
    of_request(&mut e, &waiting);
    e.act = act.to_owned();
    record(line, e.clone()).await?;
    let ended = if end(line) { Ok(done(id)) } else { Err(gone()) };
    undone(line, &e, ended)
}

async fn unseal(line: &Line, id: Id) -> Result<Reply, Failure> {
    let _turn = change::turn(&line.state).await;
    // What came before the human's yes must not count after it.
    line.state.flush_folds(true).await;
    let seal = line.state.limits.borrow().seal(id);
    let seal = seal.ok_or_else(|| Failure::new("no_seal", exit::FAILED, format!("there is no seal {id}")))?;
    let mut e = line.state.entry(Event::Unseal);
    about(line, &mut e);
    e.act = "unseal".into();
    e.session.clone_from(&seal.session);
    e.secret = seal.secret.clone().unwrap_or_default();
    let opened = remove_seal(line, id, &e).await;
    if opened.is_err() {
        // The counters have taken its record for what it says.
        line.state.limits.borrow_mut().close_again(seal);
    }
    opened.map(done)
}

async fn remove_seal(line: &Line, id: Id, recorded: &Entry) -> Result<Id, Failure> {
    let entry_id = record(line, recorded.clone()).await?;
    let removed = line.state.store.borrow_mut().remove_seal(&id).map_err(|e| facts::failure(&e));
    undone(line, recorded, removed)?;
    Ok(entry_id)
}

async fn policy_set(line: &Line, toml: &str) -> Result<Reply, Failure> {
    let policy = Policy::parse(toml).map_err(|e| Failure::new("bad_policy", exit::USAGE, e.to_string()))?;
    let shown_over = line.state.policy();
    // A yes that is being recorded was given under the policy before: it is there to be ended.
    let _turn = change::turn(&line.state).await;
    let e = entry(line, "policy_set");
    let id = record(line, e.clone()).await?;
    let now = jiff::Timestamp::now();
    let set = if Rc::ptr_eq(&shown_over, &line.state.policy()) {
        line.state.store.borrow_mut().set_policy(toml, now).map_err(|e| facts::failure(&e))
    } else {
        Err(changed())
    };
    undone(line, &e, set)?;
    line.state.set_policy(policy);
    Ok(done(id))
}

/// The peer becomes a launcher: what it starts from now on is this caller, launched.
async fn agent_start(
    line: &Line,
    caller: CallerName,
    argv: Vec<String>,
    cwd: String,
) -> Result<Reply, Failure> {
    let cant = |e: crate::session::NoLaunch| Failure::new("cant_launch", exit::FAILED, e.to_string());
    let _turn = change::turn(&line.state).await;
    let id = line.state.fresh_id();
    let mut e = entry(line, "agent_start");
    e.note = caller.to_string();
    // Which session it is: everything that this launch does is found under it.
    e.session = Session::Launched(id).key();
    (e.argv, e.cwd) = (argv, cwd);
    record(line, e.clone()).await?;
    let launched = line.state.sessions.launch(&line.peer, caller, id).map_err(cant);
    undone(line, &e, launched)?;
    Ok(done(id))
}
