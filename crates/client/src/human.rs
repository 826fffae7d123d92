//! A human on a connection: the mutual proof, the sealed channel, and one act. See `spec/wire-v1.md`, "Presence".

use crate::connection::{Answer, Connection, LONG_ANSWER, Parts, plain, unexpected};
use crate::{Error, Prover, Result, may_type, os, os::Stream};
use secret::{Bytes, Key};
use wire::act::Act;
use wire::card::Card;
use wire::frame::{self, Accept, Frame, Kind};
use wire::proof::{Channel, End, Exchange, Inner, Proof, Transcript};
use wire::{FromDaemon, Hex, Peer, ToDaemon, Want};

impl Connection {
    /// Proves presence, after the daemon has proved itself.
    ///
    /// # Errors
    /// [`Error::NotTheDaemon`] and [`Error::Relay`], with nothing given away; [`Error::UnderAgent`]; and
    /// [`Error::Daemon`] where the daemon does not take the proof.
    pub fn prove(self, prover: Prover) -> Result<Human> {
        may_type()?;
        let me = os::me()?;
        self.prove_as(prover, &me)
    }

    /// Whether the daemon would take a proof from this process at all: it knows the callers of the policy. Asked before a
    /// human types something, with nothing but random numbers; that it would is no promise.
    ///
    /// # Errors
    /// [`Error::UnderAgent`].
    pub fn may_prove(mut self) -> Result<()> {
        let mut random = [0; 40];
        getrandom::fill(&mut random).map_err(Error::Random)?;
        let (mut slot, mut nonce) = ([0; 8], [0; 32]);
        slot.copy_from_slice(&random[..8]);
        nonce.copy_from_slice(&random[8..]);
        self.send(&ToDaemon::ProveBegin { slot: Hex(slot), nonce: Hex(nonce) })?;
        match self.receive().map(unexpected) {
            Ok(Error::Daemon(f)) if f.code == wire::code::UNDER_AGENT => Err(Error::of_the_policy()),
            _ => Ok(()),
        }
    }

    /// Whether this is the daemon of the store. Nothing but a random number is sent.
    ///
    /// # Errors
    /// As [`Connection::prove`].
    pub(crate) fn challenge(&mut self, prover: &Prover, me: &Peer) -> Result<Transcript> {
        let mut nonce_c = [0; 32];
        getrandom::fill(&mut nonce_c).map_err(Error::Random)?;
        self.send(&ToDaemon::ProveBegin { slot: Hex(prover.slot), nonce: Hex(nonce_c) })?;
        let (nonce_d, peer, mac) = match self.receive()? {
            FromDaemon::ProveChallenge { nonce, peer, mac } => (nonce.0, peer, mac.0),
            other => return Err(unexpected(other)),
        };
        let exchange =
            Exchange { store: prover.store, epoch: prover.epoch, slot: prover.slot, nonce_c, nonce_d, peer };
        let t = exchange.transcript();
        if !wire::proof::holds(&prover.kp, &t, Proof::Daemon, &mac) {
            return Err(Error::NotTheDaemon { pid: self.listener });
        }
        if exchange.peer != *me {
            return Err(Error::Relay);
        }
        Ok(t)
    }

    pub(crate) fn prove_as(mut self, prover: Prover, me: &Peer) -> Result<Human> {
        let t = self.challenge(&prover, me)?;
        let mac = wire::proof::prove(&prover.kp, &t, Proof::Client)?;
        let channel = Channel::new(End::Client, &prover.kp, &t)?;
        self.send(&ToDaemon::ProveEnd { mac: Hex(mac) })?;
        let mut human = Human { stream: self.stream, channel, kp: prover.kp, t };
        match human.first()? {
            FromDaemon::Proved => Ok(human),
            other => Err(unexpected(other)),
        }
    }
}

/// A proved human on a sealed channel, who may do one act.
pub struct Human {
    stream: Stream,
    channel: Channel,
    kp: Key,
    t: Transcript,
}

/// What came of an act.
#[derive(Debug)]
#[must_use]
pub struct Acted {
    /// The daemon's answer.
    pub answer: Answer,
    /// The connection, for an act that lasts as long as it does.
    pub hold: Hold,
}

/// Keeps a connection open; closed when dropped.
#[derive(Debug)]
pub struct Hold {
    _stream: Stream,
}

impl Human {
    /// Does one act: the daemon says what it would do, `confirm` shows that to the human, and with the yes the values
    /// go, sealed. K_p is wiped before the answer comes.
    ///
    /// # Errors
    /// [`Error::Differs`] where the daemon would do something else than `want`, [`Error::NotConfirmed`],
    /// [`Error::Daemon`] where the act can't be done.
    pub fn act(mut self, want: Want, values: &[Bytes], confirm: impl FnOnce(&Card) -> bool) -> Result<Acted> {
        let wants = want.values();
        if values.len() != wants {
            return Err(Error::Values { wants, got: values.len() });
        }
        if let Want::Import { items, .. } = &want {
            for items in wire::ImportItem::parts(items.clone()) {
                self.send(&ToDaemon::Items { items })?;
            }
        }
        let asked = ToDaemon::Want(Box::new(want));
        self.send(&asked)?;
        let ToDaemon::Want(want) = asked else { return Err(Error::Unexpected) };
        let (id, bytes) = match self.receive()? {
            FromDaemon::Act { id, act } => (id, act.0),
            other => return Err(unexpected(other)),
        };
        let act = Act::decode(&bytes)?;
        act.agrees_with(&want)?;
        if !confirm(&act.card()) {
            return Err(Error::NotConfirmed);
        }
        let mac = wire::proof::prove(&self.kp, &self.t, Proof::Yes { id, act: &bytes })?;
        self.send(&ToDaemon::Yes { act: id, mac: Hex(mac) })?;
        for value in values {
            let sealed = self.channel.seal_raw(value.expose())?;
            frame::write(&mut self.stream, Kind::Sealed, sealed.expose())?;
        }
        let Self { mut stream, mut channel, kp, .. } = self;
        drop(kp);
        let _ = stream.set_read_timeout(Some(LONG_ANSWER));
        let answer = answer(&mut stream, &mut channel)?;
        Ok(Acted { answer, hold: Hold { _stream: stream } })
    }

    fn send(&mut self, message: &ToDaemon) -> Result<()> {
        let sealed = self.channel.seal_control(message)?;
        Ok(frame::write(&mut self.stream, Kind::Sealed, sealed.expose())?)
    }

    fn receive(&mut self) -> Result<FromDaemon> {
        Ok(next(&mut self.stream, &mut self.channel)?.message()?)
    }

    /// The answer to the proof: sealed, or an error in the open.
    fn first(&mut self) -> Result<FromDaemon> {
        match frame::read(&mut self.stream, Accept::SEALED_OR_CONTROL)? {
            Some(Frame::Sealed(payload)) => Ok(self.channel.open(payload)?.message()?),
            Some(open) => Err(unexpected(open.message()?)),
            None => Err(frame::Error::Closed.into()),
        }
    }
}

fn next(stream: &mut Stream, channel: &mut Channel) -> Result<Inner> {
    match frame::read(stream, Accept::SEALED)? {
        Some(Frame::Sealed(payload)) => Ok(channel.open(payload)?),
        Some(_) => Err(Error::Unexpected),
        None => Err(frame::Error::Closed.into()),
    }
}

fn answer(stream: &mut Stream, channel: &mut Channel) -> Result<Answer> {
    let mut parts = Parts::default();
    loop {
        match parts.add(next(stream, channel)?.message()?)? {
            FromDaemon::More(_) => {}
            FromDaemon::Released { id, items } => {
                let value = |granted| Ok((granted, next(stream, channel)?.value()?));
                return Ok(Answer::Released {
                    id,
                    items: items.into_iter().map(value).collect::<Result<_>>()?,
                });
            }
            other => return plain(other),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/presence.rs"]
mod tests;
