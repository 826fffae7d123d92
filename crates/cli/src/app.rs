//! What every command stands on: the store, the daemon, and the human who proves to be there.

use crate::args::{Asked, Cli, Proof, narrower_hint};
use crate::output::Out;
use crate::report::{Error, Outcome};
use crate::{card, input, prompt};
use client::paths::{self, StoreDir};
use client::{Acted, Answer, Connection, Hold, Presented, Silent, StoreHeader};
use secret::Bytes;
use std::path::Path;
use std::time::Duration;
use wire::act::Label;
use wire::{Granted, Report, Want};
use words::{CallerName, Door, Id};

/// One run of the program.
pub struct App {
    /// How it talks.
    pub out: Out,
}

impl App {
    /// Runs a command and tells what went wrong; the exit code.
    #[must_use]
    pub fn main(cli: Cli) -> u8 {
        secret::set_weak(cli.weak_memory);
        let app = App { out: Out::new(cli.json) };
        let outcome: Outcome = cli.command.run(&app);
        outcome.unwrap_or_else(|e| e.tell(&app.out))
    }

    /// The store's folder, with a store in it.
    ///
    /// # Errors
    /// When there is none, or its folder is not to be trusted.
    pub fn store(&self) -> Result<StoreDir, Error> {
        self.store_by(StoreDir::open)
    }

    /// The same for locking, which is no worse where the folder is open to others, or the store's file gone from it.
    ///
    /// # Errors
    /// When there is none, or it is another user's.
    pub fn store_to_lock(&self) -> Result<StoreDir, Error> {
        match self.store_by(StoreDir::open_to_lock) {
            Err(e) if e.code == "no_store" => {
                let dir = paths::store_dir().map_err(client::Error::from)?;
                StoreDir::open_to_lock(&dir).ok().filter(|dir| client::holder(dir).is_some()).ok_or(e)
            }
            found => found,
        }
    }

    fn store_by(&self, open: fn(&Path) -> Result<StoreDir, paths::Error>) -> Result<StoreDir, Error> {
        let dir = paths::store_dir().map_err(client::Error::from)?;
        let store = open(&dir).map_err(|e| match e {
            paths::Error::Missing(_) => client::Error::NoStore(dir),
            e => e.into(),
        })?;
        match store.file().symlink_metadata() {
            Ok(_) => Ok(store),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(client::Error::NoStore(store.real().into()).into())
            }
            Err(e) => Err(Error::io("read", &store.file(), &e)),
        }
    }

    /// A connection of somebody without presence.
    ///
    /// # Errors
    /// When the store is locked or there is none.
    pub fn connect(&self, caller: Option<CallerName>) -> Result<Connection, Error> {
        self.connect_within(caller, client::ANSWER)
    }

    /// The same with another patience. After two seconds of silence the human is told.
    ///
    /// # Errors
    /// As [`App::connect`]; `no_answer`.
    pub fn connect_within(&self, caller: Option<CallerName>, most: Duration) -> Result<Connection, Error> {
        self.connect_at(&self.store()?, caller, most)
    }

    /// For locking.
    ///
    /// # Errors
    /// As [`App::connect_within`].
    pub fn connect_to_lock(&self, most: Duration) -> Result<Connection, Error> {
        self.connect_at(&self.store_to_lock()?, None, most)
    }

    fn connect_at(
        &self,
        store: &StoreDir,
        caller: Option<CallerName>,
        most: Duration,
    ) -> Result<Connection, Error> {
        let mut tell = |silent: Silent| self.out.note(&silence(silent, most));
        Ok(Connection::open_telling(store, Door::Cli, caller, most, &mut tell)?)
    }

    /// The human at this command.
    #[must_use]
    pub fn human(&self, proof: Proof) -> Human<'_> {
        Human { app: self, proof, presented: None, implied: proof.passphrase_fd.is_some() }
    }
}

/// How a human agrees to the act that the daemon describes.
#[derive(Debug, Clone, Copy)]
pub enum Consent {
    /// The human named every field of it; that it agrees with what was named was checked.
    Named,
    /// It says things that the human has not seen: it is shown, and this is asked.
    Card(&'static str),
    /// The human named every field, but where something is new it is shown, and this is asked.
    New(&'static str),
    /// The human named every field, but where the daemon notes more about it it is shown, and this is asked.
    Noted(&'static str),
    /// The same as a card, however long it is.
    Whole(&'static str),
}

/// A daemon that says nothing, for people, and how long it is waited for.
#[must_use]
pub fn silence(silent: Silent, most: Duration) -> String {
    let who = silent.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    let state = silent.state.map_or_else(String::new, |state| format!("; it is {state}"));
    let wake = match (silent.pid, silent.state) {
        (Some(pid), Some("stopped")) => format!("'kill -CONT {pid}' wakes it, "),
        _ => String::new(),
    };
    format!(
        "note: the daemon{who} does not answer{state}; waiting up to {} s. {wake}'svault lock' ends it",
        most.as_secs()
    )
}

/// What came of an act, as the daemon said it.
pub struct Done {
    answer: Answer,
    /// The connection stays open as long as this lives: an agent's session hangs on it.
    _hold: Hold,
}

/// The human at this command. What was typed is asked for once and wiped at the end of the command.
pub struct Human<'a> {
    app: &'a App,
    proof: Proof,
    presented: Option<Presented>,
    /// The yes came with a descriptor.
    implied: bool,
}

impl Human<'_> {
    /// Fails early, before anything is typed: locked, under an agent, or no way to ask.
    ///
    /// # Errors
    /// Which of them.
    pub fn ready(&self) -> Result<(), Error> {
        let connection = self.app.connect(None)?;
        client::may_type()?;
        connection.may_prove()?;
        if self.proof.passphrase_fd.is_none() && self.presented.is_none() && !prompt::possible() {
            return Err(wire::Want::presence_needed().into());
        }
        Ok(())
    }

    /// Something that a window serves: tried in the open first.
    ///
    /// # Errors
    /// When the human can't or won't prove to be there, or the daemon says no.
    pub fn read(&mut self, want: Want) -> Result<Report, Error> {
        match self.open_or_prove(want, Consent::Named)?.answer {
            Answer::Report(report) => Ok(*report),
            other => Err(refused(other)),
        }
    }

    /// The same over a proved channel, window or not: for what goes back into a later act. Whoever listens in the open
    /// may be anybody, and could have a human agree to what it slipped in.
    ///
    /// # Errors
    /// As [`Human::read`].
    pub fn read_proved(&mut self, want: Want) -> Result<Report, Error> {
        match self.act(want, Vec::new(), Consent::Named)?.answer {
            Answer::Report(report) => Ok(*report),
            other => Err(refused(other)),
        }
    }

    /// As [`Human::read`], for an answer of any kind. `consent` is for a proof: a window repeats only what was agreed to.
    ///
    /// # Errors
    /// As [`Human::read`].
    pub fn open_or_prove(&mut self, want: Want, consent: Consent) -> Result<Opened, Error> {
        if self.proof.passphrase_fd.is_none() {
            let mut connection = self.app.connect(None)?;
            match connection.want(want.clone()) {
                Err(client::Error::Daemon(f)) if f.code == wire::code::PRESENCE_NEEDED => {}
                other => return Ok(Opened { answer: other? }),
            }
        }
        Ok(Opened { answer: self.act(want, Vec::new(), consent)?.answer })
    }

    /// An act, with a proof of its own.
    ///
    /// # Errors
    /// As [`Human::read`].
    pub fn act(&mut self, want: Want, values: Vec<Bytes>, consent: Consent) -> Result<Done, Error> {
        let out = self.app.out;
        self.act_shown(want, values, &mut |shown, implied| match consent {
            Consent::Named => true,
            Consent::New(_) if !card::has(shown, Label::New) => true,
            Consent::Noted(_) if !card::has(shown, Label::Note) => true,
            Consent::Card(question) | Consent::New(question) | Consent::Noted(question) => {
                card::agree(&out, shown, question, implied, false)
            }
            Consent::Whole(question) => card::agree(&out, shown, question, implied, true),
        })
    }

    /// As [`Human::act`]; how the human is asked is the caller's. It is told whether the yes came with a descriptor.
    ///
    /// # Errors
    /// As [`Human::read`].
    pub fn act_shown(
        &mut self,
        want: Want,
        values: Vec<Bytes>,
        agree: &mut dyn FnMut(&wire::card::Card, bool) -> bool,
    ) -> Result<Done, Error> {
        self.ready()?;
        let prover = self.prover(&self.app.store()?)?;
        let connection = self.app.connect(None)?;
        let human = connection.prove(prover)?;
        let implied = self.implied;
        let Acted { answer, hold } = human.act(want, &values, |shown| agree(shown, implied))?;
        match answer {
            refusal @ (Answer::Denied { .. } | Answer::Pending { .. }) => Err(refused(refusal)),
            answer => Ok(Done { answer, _hold: hold }),
        }
    }

    /// What opens a slot now, for a surface that goes on to make another (`passphrase change`).
    ///
    /// # Errors
    /// When it is wrong, or there is no way to ask.
    pub fn opened(&mut self, store: &StoreDir) -> Result<client::SlotOpened, Error> {
        let header = StoreHeader::read(store)?;
        for attempt in 0.. {
            let presented = match self.presented.take() {
                Some(presented) => presented,
                None => self.ask(attempt)?,
            };
            match header.open(&presented) {
                Ok(opened) => {
                    self.presented = Some(presented);
                    return Ok(opened);
                }
                Err(e @ client::Error::WrongPassphrase)
                    if self.proof.passphrase_fd.is_none() && attempt < 2 =>
                {
                    prompt::say(&format!("{e}\n"))?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Err(Error::cancelled())
    }

    fn prover(&mut self, store: &StoreDir) -> Result<client::Prover, Error> {
        Ok(self.opened(store)?.into_prover())
    }

    fn ask(&self, attempt: u32) -> Result<Presented, Error> {
        client::may_type()?;
        match self.proof.passphrase_fd {
            Some(n) if attempt == 0 => Ok(Presented::Passphrase(input::proof_from_fd("--passphrase-fd", n)?)),
            Some(_) => Err(client::Error::WrongPassphrase.into()),
            None if prompt::possible() => Ok(Presented::Passphrase(prompt::hidden("Passphrase: ")?)),
            None => Err(wire::Want::presence_needed().into()),
        }
    }

    /// Uses what was presented elsewhere, such as a recovery code. `implied`: it came by a descriptor.
    pub fn present(&mut self, presented: Presented, implied: bool) {
        self.presented = Some(presented);
        self.implied = implied;
    }

    /// Wipes what was typed; the next act asks again.
    pub fn forget(&mut self) {
        self.presented = None;
    }
}

/// An answer, with or without a window.
pub struct Opened {
    answer: Answer,
}

impl Opened {
    /// The values that were released.
    ///
    /// # Errors
    /// When none were.
    pub fn released(self) -> Result<(Id, Vec<(Granted, Bytes)>), Error> {
        released(self.answer, None)
    }
}

impl Done {
    /// The id under which the trail has it.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        match &self.answer {
            Answer::Done { id } => *id,
            Answer::Released { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The values that were released.
    ///
    /// # Errors
    /// When none were.
    pub fn released(self) -> Result<(Id, Vec<(Granted, Bytes)>), Error> {
        released(self.answer, None)
    }
}

/// The values of an answer. `asked`: the request for a secret alone, to repeat in what the caller is told.
///
/// # Errors
/// Denied, still waiting, or no answer to a request.
pub fn released(answer: Answer, asked: Option<Asked<'_>>) -> Result<(Id, Vec<(Granted, Bytes)>), Error> {
    match answer {
        Answer::Released { id, items } => Ok((id, items)),
        Answer::Denied { id, narrower: Some(exposure) } => {
            Err(Error::denied(id).hint(narrower_hint(exposure, asked)))
        }
        other => Err(refused(other)),
    }
}

/// The error of an answer that is none.
#[must_use]
pub fn refused(answer: Answer) -> Error {
    match answer {
        Answer::Denied { id, narrower: None } => Error::denied(id),
        Answer::Denied { id, narrower: Some(exposure) } => {
            Error::denied(id).hint(narrower_hint(exposure, None))
        }
        Answer::Pending { id } => Error::waiting(id),
        _ => unexpected(),
    }
}

/// An answer that has no place there.
#[must_use]
pub fn unexpected() -> Error {
    client::Error::Unexpected.into()
}
