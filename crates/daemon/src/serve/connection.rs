//! One connection from its hello to its end: which message goes where. In the open a caller speaks; in a sealed channel
//! a human who has proved presence.

use super::answer::{self, Reply};
use super::{ask, human, mine, propose, scan, status, wanted};
use crate::conn::{Conn, ConnError};
use crate::gate::{Account, Anchor, Asker};
use crate::listen::Connected;
use crate::peer::Peer;
use crate::presence::Presence;
use crate::session::{Session, Who};
use crate::state::State;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wire::frame::{self, Frame};
use wire::proof::Inner;
use wire::{Failure, FromDaemon, ToDaemon, code, exit};
use words::{CallerName, Door};

/// A connection and what is known of it.
pub(crate) struct Line {
    pub(crate) state: Rc<State>,
    pub(crate) conn: Conn,
    pub(crate) peer: Rc<Peer>,
    pub(crate) door: Door,
    pub(crate) claim: Option<CallerName>,
    pub(crate) presence: Presence,
    /// The store's epoch when the proof on this connection began.
    pub(crate) epoch: u64,
    pub(crate) number: u64,
    pub(crate) text: ::scan::Stream,
    /// What an import brings in, until its want comes.
    pub(crate) items: Vec<wire::ImportItem>,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(state: Rc<State>, connected: Connected) {
    let Connected { conn, peer, door, claim } = connected;
    let number = state.next_connection();
    let mut line = Line {
        state,
        conn,
        peer,
        door,
        claim,
        presence: Presence::new(),
        epoch: 0,
        number,
        text: ::scan::Stream::default(),
        items: Vec::new(),
    };
    while let Ok(true) = line.step().await {}
    let void = line.state.approvals.connection_closed(number);
    line.state.ended(void, "its connection ended");
}

/// A message as it came: in the open, or out of the sealed channel.
enum Message {
    Open(ToDaemon),
    Sealed(ToDaemon),
}

impl Line {
    /// One message and its answer. False: the connection ends.
    async fn step(&mut self) -> Result<bool, ConnError> {
        let Some(message) = self.next().await? else { return Ok(false) };
        let came = Instant::now();
        // After a sleep a message can come before the second's tick: nothing is answered then, whatever it is for.
        if !self.state.life.unlocked() && !matches!(message, Message::Open(ToDaemon::Lock)) {
            return Ok(false);
        }
        let reply = match message {
            Message::Open(message) => self.in_the_open(message).await?,
            Message::Sealed(message) => human::sealed(self, message).await?,
        };
        let Some(reply) = reply else { return Ok(true) };
        let ends = matches!(&reply, Reply::Message(FromDaemon::Error(f)) if ends_it(f));
        answer::send(came, &mut self.conn, &mut self.presence, reply).await?;
        Ok(!ends)
    }

    async fn next(&mut self) -> Result<Option<Message>, ConnError> {
        let accept = self.presence.accept();
        let frame = match self.presence.deadline() {
            Some(at) => {
                let left = Duration::from_millis(at.saturating_sub(self.state.now_ms()) + 1000);
                // Who has proved nothing yet may have to make room for others.
                if self.presence.is_sealed() {
                    self.conn.due(accept, left).await?
                } else {
                    self.conn.first(accept, left).await?
                }
            }
            None => match self.conn.next(accept).await? {
                Some(frame) => frame,
                None => return Ok(None),
            },
        };
        match frame {
            Frame::Sealed(payload) => match self.presence.open(payload) {
                Ok(Inner::Control(bytes)) => Ok(Some(Message::Sealed(Inner::Control(bytes).message()?))),
                Ok(Inner::Raw(_)) | Err(_) => Ok(None),
            },
            open => Ok(Some(Message::Open(open.message()?))),
        }
    }

    async fn in_the_open(&mut self, message: ToDaemon) -> Result<Option<Reply>, ConnError> {
        Ok(Some(match message {
            ToDaemon::Status => FromDaemon::Status(status::report(self)).into(),
            ToDaemon::Ask(asked) => return ask::serve(self, asked).await,
            ToDaemon::Cancel { id } => ask::cancel(self, id).await,
            ToDaemon::Propose { name, vault, class } => propose::serve(self, name, vault, class).await?,
            ToDaemon::Mine { scope } => mine::serve(self, scope.as_ref()),
            ToDaemon::RequestSecret { name, scope, why } => wanted::serve(self, name, scope, why).await,
            ToDaemon::Scan { end } => scan::serve(self, end).await?,
            ToDaemon::Lock => {
                let sent = self.conn.send(&FromDaemon::Done { id: None }).await;
                // Also where whoever said so has gone by now.
                self.state.lock_for(self.conn.stream().as_fd());
                return sent.map(|()| None);
            }
            ToDaemon::VerifyTrail => self.conn.idly(status::verify(&self.state)).await?.into(),
            ToDaemon::ProveBegin { slot, nonce } => human::begin(self, slot, nonce),
            ToDaemon::ProveEnd { mac } => human::prove(self, mac),
            ToDaemon::Want(want) => human::in_window(self, *want).await?,
            ToDaemon::Hello { .. } | ToDaemon::Yes { .. } | ToDaemon::Items { .. } => {
                Failure::new(code::OUT_OF_ORDER, exit::FAILED, "a message that has no place at this step")
                    .into()
            }
        }))
    }

    /// Who is on this connection, by the rules as they are now.
    pub(crate) fn who(&self) -> Who {
        self.state.sessions.who(&self.peer, &self.state.policy().callers, self.claim.as_ref())
    }

    /// The same, looked at again: nobody known, where the process or what it was known by has changed. A request for a
    /// value is looked at again by the gate.
    pub(crate) fn who_now(&self) -> Who {
        if self.peer.recheck().is_ok() {
            return self.who();
        }
        Who { session: Session::Unknown, named: Vec::new(), process: self.peer.lines(12), anchor: None }
    }

    /// On whose account its requests go.
    pub(crate) fn asker(&self) -> Asker {
        self.on_account_of(self.who())
    }

    /// On whose account goes what no gate looks at again.
    pub(crate) fn asker_now(&self) -> Asker {
        self.on_account_of(self.who_now())
    }

    /// The account of somebody who was looked at already.
    pub(crate) fn on_account_of(&self, who: Who) -> Asker {
        let anchor = match &who.anchor {
            None => Anchor::Connection(self.number),
            Some(held) => {
                let (pid, start) = held.key();
                self.state.anchors.borrow_mut().entry((pid, start)).or_insert_with(|| Arc::clone(held));
                Anchor::Process { pid, start }
            }
        };
        Asker {
            account: Account::Session(who.session.key()),
            callers: who.named,
            anchor,
            connection: self.number,
            peer: self.peer.held().key(),
            door: self.door,
            process: who.process,
        }
    }

    /// The same connection as a human's: it belongs to no session. `account` is `Human` or `Window`.
    pub(crate) fn human_asker(&self, account: Account) -> Asker {
        Asker {
            account,
            callers: Vec::new(),
            anchor: Anchor::Connection(self.number),
            connection: self.number,
            peer: self.peer.held().key(),
            door: self.door,
            process: self.peer.lines(12),
        }
    }
}

/// Failures after which nothing more is said on a connection.
fn ends_it(failure: &Failure) -> bool {
    [code::PRESENCE_FAILED, code::OUT_OF_ORDER, code::LATE, code::VERSION].contains(&&*failure.code)
}

/// A value that was announced: the next frame out of the channel.
pub(crate) async fn sealed_value(line: &mut Line, within: Duration) -> Result<secret::Bytes, ConnError> {
    let Frame::Sealed(payload) = line.conn.due(frame::Accept::SEALED, within).await? else {
        return Err(ConnError::Slow);
    };
    match line.presence.open(payload) {
        Ok(inner @ Inner::Raw(_)) => Ok(inner.value()?),
        _ => Err(frame::Error::Closed.into()),
    }
}
