//! Presence, the daemon's side: a state machine for one connection. No sockets, no clock, no policy.
//!
//! [`Presence::begin`] → [`Presence::prove`] → [`Presence::wants`] → [`Presence::show`] → [`Presence::yes`], each
//! within a minute of the one before, each once. Whatever comes out of order ends it. `spec/wire-v1.md`, "Presence".

mod window;

pub use window::{Shell, WINDOW_MS, WindowEvidence, Windows};

use secret::{Bytes, Key};
use serde::Serialize;
use wire::act::Act;
use wire::frame::Accept;
use wire::proof::{self, Channel, End, Exchange, Inner, Proof, STEP_MS, Transcript};
use wire::{Failure, FromDaemon, Hex, HexBytes, Peer, Want, code, exit};
use words::Id;

/// Which store, for the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreIdent {
    /// The store file's id.
    pub file_id: [u8; 16],
    /// Its epoch.
    pub epoch: u64,
}

/// The process on the other side, read from the kernel anew for each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What the proof covers.
    pub peer: Peer,
    /// It lives in another pid namespace, where it can't know itself as we see it.
    pub foreign: bool,
    /// The agent among its parents: of the built-in list, or a registered caller.
    pub agent: Option<String>,
}

/// A human's yes to an act. Only [`Presence::yes`] makes one; doing the act takes it.
#[derive(Debug)]
#[must_use]
pub struct Agreed {
    want: Want,
    act: Act,
}

impl Agreed {
    /// What was asked for.
    #[must_use]
    pub fn want(&self) -> &Want {
        &self.want
    }

    /// What was shown.
    #[must_use]
    pub fn act(&self) -> &Act {
        &self.act
    }

    /// Whether what would be done now is still what was shown: `now` is the act built anew.
    ///
    /// # Errors
    /// A failure to send, where it is not.
    pub fn still(&self, now: &Act) -> Result<(), Failure> {
        if self.act == *now {
            return Ok(());
        }
        let line = "what was shown has changed in the meantime; nothing was done";
        Err(Failure::new(code::ACT_CHANGED, exit::FAILED, line).hint("look again and repeat it"))
    }

    /// What was asked for, to be done.
    #[must_use]
    pub fn into_want(self) -> Want {
        self.want
    }
}

enum State {
    /// Nothing proved.
    Open,
    /// The daemon has proved itself; the client has not.
    Challenged { kp: Key, t: Transcript, peer: Peer, until: u64 },
    /// A human, who has not said what for.
    Proved { kp: Key, t: Transcript, peer: Peer, until: u64 },
    /// A want that is being looked at.
    Asked { kp: Key, t: Transcript, peer: Peer },
    /// An act that waits for a yes.
    Shown(Box<Shown>),
    /// The one act is spoken for, or the proof failed. K_p is gone.
    Spent,
}

struct Shown {
    kp: Key,
    t: Transcript,
    peer: Peer,
    until: u64,
    id: Id,
    want: Want,
    act: Act,
    bytes: Vec<u8>,
}

/// Presence on one connection.
pub struct Presence {
    state: State,
    channel: Option<Channel>,
}

impl Default for Presence {
    fn default() -> Self {
        Self::new()
    }
}

impl Presence {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Open, channel: None }
    }

    /// Whether the client has proved itself: everything is sealed from there on, until the connection ends.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.channel.is_some()
    }

    /// Which frames may come.
    #[must_use]
    pub fn accept(&self) -> Accept {
        if self.is_sealed() { Accept::SEALED } else { Accept::CONTROL }
    }

    /// When the step that is due is late, in milliseconds of boot time; the connection can be closed then.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match &self.state {
            State::Challenged { until, .. } | State::Proved { until, .. } => Some(*until),
            State::Shown(shown) => Some(shown.until),
            State::Open | State::Asked { .. } | State::Spent => None,
        }
    }

    /// Step 1 came: the answer is step 2. `kp` is K_p of the slot; without one (no such slot) the answer looks the same
    /// and nothing proves against it.
    ///
    /// # Errors
    /// Under an agent, from another pid namespace, or after any other step.
    pub fn begin(
        &mut self,
        store: StoreIdent,
        slot: Hex<8>,
        nonce: Hex<32>,
        kp: Option<&Key>,
        client: &Client,
        now: u64,
    ) -> Result<FromDaemon, Failure> {
        let State::Open = std::mem::replace(&mut self.state, State::Spent) else {
            return Err(out_of_order());
        };
        may_prove(client)?;
        let kp = match kp {
            Some(kp) => Key::copy_from(kp.expose()),
            None => Key::random(),
        }
        .map_err(|e| machine(&e))?;
        let mut nonce_d = [0; 32];
        getrandom::fill(&mut nonce_d).map_err(|e| machine(&e))?;
        let exchange = Exchange {
            store: store.file_id,
            epoch: store.epoch,
            slot: slot.0,
            nonce_c: nonce.0,
            nonce_d,
            peer: client.peer.clone(),
        };
        let t = exchange.transcript();
        let mac = wire::proof::prove(&kp, &t, Proof::Daemon).map_err(|e| machine(&e))?;
        let peer = exchange.peer;
        self.state = State::Challenged { kp, t, peer: peer.clone(), until: now.saturating_add(STEP_MS) };
        Ok(FromDaemon::ProveChallenge { nonce: Hex(nonce_d), peer, mac: Hex(mac) })
    }

    /// Step 3 came. After this everything is sealed, [`FromDaemon::Proved`] first.
    ///
    /// # Errors
    /// Where the proof does not hold, is late, or the process is no longer the one it was; the connection is to be
    /// closed then.
    pub fn prove(&mut self, mac: Hex<32>, client: &Client, now: u64) -> Result<FromDaemon, Failure> {
        let State::Challenged { kp, t, peer, until } = std::mem::replace(&mut self.state, State::Spent)
        else {
            return Err(out_of_order());
        };
        in_time(until, now)?;
        may_prove(client)?;
        if client.peer != peer || !wire::proof::holds(&kp, &t, Proof::Client, &mac.0) {
            return Err(failed());
        }
        self.channel = Some(Channel::new(End::Daemon, &kp, &t).map_err(|e| machine(&e))?);
        self.state = State::Proved { kp, t, peer, until: now.saturating_add(STEP_MS) };
        Ok(FromDaemon::Proved)
    }

    /// A want came: the one of this proof.
    ///
    /// # Errors
    /// Without a proof, late, or for a second one.
    pub fn wants(&mut self, now: u64) -> Result<(), Failure> {
        match std::mem::replace(&mut self.state, State::Spent) {
            State::Proved { kp, t, peer, until } => {
                in_time(until, now)?;
                self.state = State::Asked { kp, t, peer };
                Ok(())
            }
            State::Asked { .. } | State::Shown(_) => Err(one_act()),
            State::Spent if self.is_sealed() => Err(one_act()),
            State::Open | State::Challenged { .. } | State::Spent => Err(out_of_order()),
        }
    }

    /// Whether something that belongs to a want may come now, before the want.
    ///
    /// # Errors
    /// Without a proof, late, or after the want.
    pub fn collects(&self, now: u64) -> Result<(), Failure> {
        match &self.state {
            State::Proved { until, .. } => in_time(*until, now),
            _ => Err(out_of_order()),
        }
    }

    /// The act of the want, to be sent to the human.
    ///
    /// # Errors
    /// Where no want waits, the act is too long, or there is no randomness.
    pub fn show(&mut self, want: Want, act: Act, now: u64) -> Result<FromDaemon, Failure> {
        let State::Asked { kp, t, peer } = std::mem::replace(&mut self.state, State::Spent) else {
            return Err(out_of_order());
        };
        let bytes = act.encode().map_err(|e| Failure::new(code::BAD_MESSAGE, exit::FAILED, e.to_string()))?;
        let id = Id::random().map_err(|e| machine(&e))?;
        let message = FromDaemon::Act { id, act: HexBytes(bytes.clone()) };
        let until = now.saturating_add(STEP_MS);
        self.state = State::Shown(Box::new(Shown { kp, t, peer, until, id, want, act, bytes }));
        Ok(message)
    }

    /// The yes came. K_p is wiped, whatever it says.
    ///
    /// # Errors
    /// Where it is for another act, late, doesn't hold, or is from another process by now.
    pub fn yes(&mut self, id: Id, mac: Hex<32>, client: &Client, now: u64) -> Result<Agreed, Failure> {
        let State::Shown(shown) = std::mem::replace(&mut self.state, State::Spent) else {
            return Err(out_of_order());
        };
        in_time(shown.until, now)?;
        may_prove(client)?;
        let yes = Proof::Yes { id: shown.id, act: &shown.bytes };
        let holds = wire::proof::holds(&shown.kp, &shown.t, yes, &mac.0);
        if id != shown.id || client.peer != shown.peer || !holds {
            return Err(failed());
        }
        Ok(Agreed { want: shown.want, act: shown.act })
    }

    /// Ends the proof before its act is done: no yes is taken any more, answers can still be sealed.
    pub fn spend(&mut self) {
        self.state = State::Spent;
    }

    /// Opens the next sealed frame.
    ///
    /// # Errors
    /// For anything but the next frame; nothing can be opened or sealed after that, and the connection is to be closed.
    pub fn open(&mut self, payload: Bytes) -> Result<Inner, Failure> {
        let channel = self.channel.as_mut().ok_or_else(out_of_order)?;
        channel.open(payload).map_err(|e| {
            self.state = State::Spent;
            Failure::new(code::BAD_MESSAGE, exit::FAILED, e.to_string())
        })
    }

    /// A control message, sealed: the payload of a frame of kind 2.
    ///
    /// # Errors
    /// Without a proof, on a broken channel, or without memory.
    pub fn seal_control(&mut self, message: &impl Serialize) -> Result<Bytes, proof::Error> {
        self.channel.as_mut().ok_or(proof::Error::Broken)?.seal_control(message)
    }

    /// A value, sealed: the payload of a frame of kind 2.
    ///
    /// # Errors
    /// Without a proof, on a broken channel, or without memory.
    pub fn seal_raw(&mut self, value: &[u8]) -> Result<Bytes, proof::Error> {
        self.channel.as_mut().ok_or(proof::Error::Broken)?.seal_raw(value)
    }
}

fn may_prove(client: &Client) -> Result<(), Failure> {
    if let Some(agent) = &client.agent {
        return Err(under_agent(agent));
    }
    if client.foreign {
        let line = "presence can't be proved from another pid namespace";
        let hint = "run it outside the container or sandbox";
        return Err(Failure::new(code::OTHER_NAMESPACE, exit::DENIED, line).hint(hint));
    }
    Ok(())
}

/// No passphrase is taken below this agent.
pub(crate) fn under_agent(agent: &str) -> Failure {
    let line = format!("a passphrase is not taken under an AI agent ({agent})");
    let hint = "run the command in your own terminal, not in the agent's";
    Failure::new(code::UNDER_AGENT, exit::DENIED, line).hint(hint)
}

fn in_time(until: u64, now: u64) -> Result<(), Failure> {
    if now <= until {
        return Ok(());
    }
    let line = "more than a minute has passed; nothing was done";
    Err(Failure::new(code::LATE, exit::DENIED, line).hint("repeat the command"))
}

fn failed() -> Failure {
    Failure::new(code::PRESENCE_FAILED, exit::DENIED, "the proof of presence does not hold; nothing was done")
}

fn one_act() -> Failure {
    Failure::new(code::ONE_ACT, exit::DENIED, "one proof of presence is good for one act")
}

fn out_of_order() -> Failure {
    Failure::new(code::OUT_OF_ORDER, exit::FAILED, "a message that has no place at this step")
}

fn machine(e: &dyn std::error::Error) -> Failure {
    Failure::new(code::MACHINE, exit::FAILED, e.to_string())
}

#[cfg(test)]
mod tests;
