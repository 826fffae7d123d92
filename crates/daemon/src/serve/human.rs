//! A human on a connection: the steps of the proof, the one act of a proof, and what a window serves without one.

use super::acts::{self, Yes};
use super::answer::Reply;
use super::connection::{Line, sealed_value};
use super::{facts, folders, import};
use crate::conn::ConnError;
use crate::peer::Peer;
use crate::presence::{Client, Shell, WindowEvidence};
use std::time::Duration;
use vault::Standing;
use wire::act::Act;
use wire::{Failure, Hex, ToDaemon, Want, code, exit};
use words::Id;

/// Values that follow a yes come within this time.
const VALUES: Duration = Duration::from_secs(30);

/// Step 1 and 2 of a proof.
pub(crate) fn begin(line: &mut Line, slot: Hex<8>, nonce: Hex<32>) -> Reply {
    let client = match client(line) {
        Ok(client) => client,
        Err(e) => return e.into(),
    };
    let (ident, now) = (line.state.ident(), line.state.now_ms());
    line.epoch = ident.epoch;
    let store = line.state.store.borrow();
    let kp = store.presence_key(&seal::SlotId(slot.0));
    match line.presence.begin(ident, slot, nonce, kp, &client, now) {
        Ok(challenge) => challenge.into(),
        Err(e) => e.into(),
    }
}

/// Step 3: from here on everything is sealed.
pub(crate) fn prove(line: &mut Line, mac: Hex<32>) -> Reply {
    let now = line.state.now_ms();
    match client(line).and_then(|client| line.presence.prove(mac, &client, now)) {
        Ok(proved) => {
            line.state.life.human_act();
            proved.into()
        }
        Err(e) => e.into(),
    }
}

/// A message out of the sealed channel. None: nothing is answered.
pub(crate) async fn sealed(line: &mut Line, message: ToDaemon) -> Result<Option<Reply>, ConnError> {
    if let Err(e) = same_epoch(line) {
        return Ok(Some(e.into()));
    }
    let reply = match message {
        ToDaemon::Want(want) => wants(line, *want),
        ToDaemon::Items { items } => match import::collect(line, items) {
            Ok(()) => return Ok(None),
            Err(e) => Err(e),
        },
        ToDaemon::Yes { act, mac } => return yes(line, act, mac).await.map(Some),
        _ => Err(Failure::new(code::OUT_OF_ORDER, exit::FAILED, "a message that has no place at this step")),
    };
    Ok(Some(reply.unwrap_or_else(Reply::from)))
}

fn wants(line: &mut Line, mut want: Want) -> Result<Reply, Failure> {
    let now = line.state.now_ms();
    line.presence.wants(now)?;
    let collected = std::mem::take(&mut line.items);
    match &mut want {
        Want::Import { items, .. } => *items = collected,
        _ if collected.is_empty() => {}
        _ => {
            line.presence.spend();
            return Err(Failure::new(code::BAD_MESSAGE, exit::FAILED, "items came before another want"));
        }
    }
    let act = facts::act(line, &want).inspect_err(|_| line.presence.spend())?;
    Ok(line.presence.show(want, act, now)?.into())
}

async fn yes(line: &mut Line, id: Id, mac: Hex<32>) -> Result<Reply, ConnError> {
    let now = line.state.now_ms();
    let agreed = match client(line).and_then(|client| line.presence.yes(id, mac, &client, now)) {
        Ok(agreed) => agreed,
        Err(e) => return Ok(e.into()),
    };
    let mut values = Vec::new();
    for _ in 0..agreed.want().values() {
        values.push(sealed_value(line, VALUES).await?);
    }
    line.state.life.human_act();
    let act = same_epoch(line).and_then(|()| facts::act(line, agreed.want()));
    let act = match act.and_then(|now| agreed.still(&now).map(|()| now)) {
        Ok(act) => act,
        Err(e) => return Ok(e.into()),
    };
    open_window(line);
    acts::perform(line, agreed.into_want(), &act, Yes::Act(values)).await
}

/// A proof holds for the keys of the slots as they are: who knows only what opened the old ones proves nothing with a
/// proof that was begun in time.
fn same_epoch(line: &mut Line) -> Result<(), Failure> {
    if line.epoch == line.state.ident().epoch {
        return Ok(());
    }
    line.presence.spend();
    let text = "the store's slots have changed since this proof began; nothing was done";
    Err(Failure::new(code::PRESENCE_FAILED, exit::DENIED, text).hint("repeat the command"))
}

/// A human's want in the open: served where a window of the peer's shell is.
pub(crate) async fn in_window(line: &mut Line, want: Want) -> Result<Reply, ConnError> {
    if !want.in_window() {
        return Ok(Want::presence_needed().into());
    }
    let evidence = match evidence(line) {
        Ok(evidence) if held(line, &evidence) => evidence,
        Ok(_) | Err(_) => return Ok(Want::presence_needed().into()),
    };
    let now = line.state.now_ms();
    if let Want::Run(ask) = &want {
        // Whether a secret exists is for those with presence: what can't be built is answered like what isn't served.
        let Ok(act) = facts::act(line, &want) else { return Ok(Want::presence_needed().into()) };
        // Another set than the folder's last yes asks again, also one that had its yes before that.
        let same = folders::of_run(line, ask)
            .is_ok_and(|s| folders::standing(line, &ask.cwd, &ask.argv, &s) == Standing::Same);
        if !same || !line.state.windows.borrow_mut().serves_run(&evidence, &act, now) {
            return Ok(Want::presence_needed().into());
        }
        line.state.life.human_act();
        return acts::perform(line, want, &act, Yes::Window).await;
    }
    if !line.state.windows.borrow_mut().serves(&evidence, &want, now) {
        return Ok(Want::presence_needed().into());
    }
    line.state.life.human_act();
    match facts::act(line, &want) {
        Ok(act) => acts::perform(line, want, &act, Yes::Window).await,
        Err(e) => Ok(e.into()),
    }
}

/// Remembers a run with a yes, so that the window repeats it; not where a human is to be asked each time.
pub(crate) fn remember_run(line: &Line, act: &Act) {
    if let Ok(evidence) = evidence(line) {
        line.state.windows.borrow_mut().remember_run(&evidence, act, line.state.now_ms());
    }
}

/// After a yes: the window of the peer's shell, where it has one.
fn open_window(line: &Line) {
    let (Ok(evidence), Ok(shell)) = (evidence(line), line.peer.shell()) else { return };
    let mut shells = line.state.shells.borrow_mut();
    if line.state.windows.borrow_mut().open(&evidence, line.state.now_ms())
        && shells.iter().all(|s| s.key() != shell.key())
    {
        shells.push(shell);
    }
}

/// Whether the shell of the window is the one that is held, and the peer its child in the foreground.
fn held(line: &Line, evidence: &WindowEvidence) -> bool {
    let Some(shell) = evidence.shell else { return false };
    let shells = line.state.shells.borrow();
    shells.iter().any(|s| s.key() == (shell.pid, shell.start) && s.serves(&line.peer))
}

/// The process on the other side, read anew.
fn client(line: &Line) -> Result<Client, Failure> {
    let peer = again(line)?;
    Ok(Client { peer: peer.wire(), foreign: peer.foreign(), agent: agent(line, &peer) })
}

fn again(line: &Line) -> Result<Peer, Failure> {
    Peer::of(line.conn.stream(), &line.state.watch)
        .map_err(|e| Failure::new(code::MACHINE, exit::FAILED, e.to_string()))
}

/// An agent among the parents: launched, a caller of the policy, or of the built-in list.
fn agent(line: &Line, peer: &Peer) -> Option<String> {
    line.state.sessions.agents_above(peer, &line.state.policy().callers).into_iter().next()
}

/// What the kernel says about the peer's shell and terminal.
fn evidence(line: &Line) -> Result<WindowEvidence, Failure> {
    let peer = again(line)?;
    let shell = peer.shell().ok().map(|shell| {
        let (pid, start) = shell.key();
        Shell { pid, start, tty: peer.process().tty, exe: shell.file() }
    });
    Ok(WindowEvidence {
        shell,
        foreground: peer.in_foreground(),
        own_job: peer.own_job(),
        agent: agent(line, &peer),
    })
}
