//! A caller's request: frozen, through the gate, answered. While it waits for a human, its caller may take it back.

use super::answer::Reply;
use super::connection::Line;
use super::house::House;
use crate::conn::ConnError;
use crate::gate::{self, Anchor, Asker, Frozen, Outcome};
use audit::{Durable, Event};
use policy::Cause;
use std::pin::pin;
use std::rc::Rc;
use tokio::sync::mpsc::unbounded_channel;
use wire::frame::{Accept, Error};
use wire::{Ask, FromDaemon, ToDaemon};
use words::Id;

/// The longest wait for a human that a caller can ask for, in seconds.
const LONGEST_WAIT: u32 = 3600;
/// The rule by which what is no request for a value is denied.
const NOT_YOURS: &str = "not yours";

/// Serves a request. None: the client has gone.
pub(crate) async fn serve(line: &mut Line, mut asked: Ask) -> Result<Option<Reply>, ConnError> {
    if !asked.fits() {
        // The first secret says whom and what it counts for; nothing else of it is kept.
        asked.items.truncate(1);
        let by = line.asker_now();
        return Ok(Some(deny(line, by, asked.items, None, (Cause::TooLong, "request")).await));
    }
    asked.wait = asked.wait.min(LONGEST_WAIT);
    let by = line.asker();
    Ok(decide(line, asked, by).await?.map(Reply::from))
}

/// Takes a request through the gate. None: the client has gone, and with it the request.
pub(crate) async fn decide(line: &mut Line, asked: Ask, by: Asker) -> Result<Option<Outcome>, ConnError> {
    let state = Rc::clone(&line.state);
    let (tell, mut told) = unbounded_channel();
    let house = House::for_request(&state, &line.peer, tell);
    // Held as long as it is decided: an anchor that nobody needs is let go of each second.
    let _anchor = match by.anchor {
        Anchor::Process { pid, start } => state.anchors.borrow().get(&(pid, start)).cloned(),
        Anchor::Connection(_) => None,
    };
    let req = Rc::new(Frozen::new(&house, state.fresh_id(), asked, by));
    let mut decision = pin!(gate::decide_and_release(&house, &req));
    let sealed = line.presence.is_sealed();
    let mut waited = false;
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut decision => break outcome,
            Some(id) = told.recv() => {
                waited = true;
                super::answer::send_message(&mut line.conn, &mut line.presence, &FromDaemon::Waiting { id }).await?;
            }
            frame = line.conn.while_waiting(Accept::CONTROL), if !sealed => {
                let Some(frame) = frame? else { return Ok(None) };
                // Nothing but a request's end may be asked for while one waits; whatever else comes ends the connection.
                let ToDaemon::Cancel { id } = frame.message()? else { return Err(Error::Closed.into()) };
                if line.peer.recheck().is_ok() {
                    take_back(line, id, &req.by);
                }
            }
        }
    };
    state.roll_trail();
    // Who waits when the store is locked learns that from the connection's end: it is no denial.
    if waited && matches!(outcome, Outcome::Denied(_)) && !state.life.unlocked() {
        return Ok(None);
    }
    Ok(Some(outcome))
}

/// Takes back a request of this caller's own. Others' are answered like everything that is not allowed.
pub(crate) async fn cancel(line: &Line, id: Id) -> Reply {
    let by = line.asker_now();
    if !take_back(line, id, &by) {
        let why = (Cause::NotYours, NOT_YOURS);
        return deny(line, by, Vec::new(), Some(format!("cancel {id}")), why).await;
    }
    FromDaemon::Done { id: Some(id) }.into()
}

/// False: no request of this caller's own.
fn take_back(line: &Line, id: Id, by: &Asker) -> bool {
    let state = &line.state;
    let was = state.approvals.get(id);
    if !state.approvals.cancel(id, Some(by)) {
        return false;
    }
    if let Some(waiting) = was {
        let mut entry = state.entry(Event::Cancel);
        super::acts::of_request(&mut entry, &waiting);
        entry.door = Some(line.door);
        entry.process.clone_from(&by.process);
        let _ = state.append(&entry, Durable::Later);
    }
    true
}

/// The one opaque denial, for what is no request for a value. `what` is the secret that it was about, for the trail.
pub(crate) async fn refuse(line: &Line, by: Asker, what: &str) -> Reply {
    let items = what.parse().map(|secret| vec![wire::AskItem::value(secret)]).unwrap_or_default();
    deny(line, by, items, None, (Cause::Forbidden, NOT_YOURS)).await
}

async fn deny(
    line: &Line,
    by: Asker,
    items: Vec<wire::AskItem>,
    reason: Option<String>,
    (cause, rule): (Cause, &str),
) -> Reply {
    let (tell, _told) = unbounded_channel();
    let house = House::for_request(&line.state, &line.peer, tell);
    let asked = Ask {
        items,
        scope: None,
        reason,
        argv: Vec::new(),
        cwd: String::new(),
        wait: 0,
        client: String::new(),
        sets: String::new(),
    };
    let req = Rc::new(Frozen::new(&house, line.state.fresh_id(), asked, by));
    gate::deny(&house, &req, cause, rule).await.into()
}
