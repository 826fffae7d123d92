//! One connection to the daemon: the hello, then the calls of somebody without presence.

use crate::{Error, Result, Silent, os, os::Stream, whole};
use secret::Bytes;
use serde::de::DeserializeOwned;
use std::time::Duration;
use wire::card::visible;
use wire::frame::{self, Kind};
use wire::paths::StoreDir;
use wire::{
    Ask, AskItem, Failure, FromDaemon, Granted, LastLock, MineRow, Report, ScanHit, StatusReport, ToDaemon,
    VERSION, Want,
};
use words::{CallerName, Class, Door, Exposure, Id, Name, Scope, VaultName};

/// How long an answer may take that waits for no human.
pub const ANSWER: Duration = Duration::from_secs(if cfg!(test) { 3 } else { 30 });
/// After so long without an answer to the hello, which waits for nothing, something is wrong.
const SILENT: Duration = Duration::from_secs(2);
/// How long a daemon that locks may take to end.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// How long an answer may take that reads or rewrites everything.
pub(crate) const LONG_ANSWER: Duration = Duration::from_secs(600);

/// What the daemon answered to a request.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// Granted: each secret with how far it may travel, and its value.
    Released {
        /// The request.
        id: Id,
        /// In the order asked.
        items: Vec<(Granted, Bytes)>,
    },
    /// Denied, and why is not told.
    Denied {
        /// The id under which the trail has the reason.
        id: Id,
        /// A narrower exposure that policy would allow.
        narrower: Option<Exposure>,
    },
    /// No human has decided within the wait.
    Pending {
        /// The request, which lives on.
        id: Id,
    },
    /// Done.
    Done {
        /// The id under which the trail has it.
        id: Option<Id>,
    },
    /// What a human asked to read.
    Report(Box<Report>),
}

/// How a connection begins.
struct Hello {
    door: Door,
    caller: Option<CallerName>,
    /// The longest silence.
    most: Duration,
}

/// Whether in a moment nobody listens any more.
fn ends(store: &StoreDir) -> bool {
    (0..5).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        store.sockets().iter().all(|socket| matches!(os::connect(socket), Ok(None)))
    })
}

/// What a reading of the whole trail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrailState {
    /// Everything holds that is not given up.
    Holds {
        /// Files that a human has given up after a rollback, and that are not whole.
        lost: Vec<String>,
    },
    /// The first thing that does not hold, with the file that it is in.
    Broken(String),
}

/// Where values are in a text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Those not told of before; a later answer may have one that begins before an earlier one.
    pub hits: Vec<ScanHit>,
    /// No later answer changes anything before this place of the text.
    pub decided: u64,
    /// In some or all of this text values were not looked for: there was too much of it, or too many were in it.
    pub rules_only: bool,
}

/// A connection without presence.
pub struct Connection {
    pub(crate) stream: Stream,
    pub(crate) listener: Option<u32>,
    daemon: u32,
    store: String,
}

impl Connection {
    /// Connects to the store's daemon and says hello. From here on this process can't be read by others of its user.
    ///
    /// # Errors
    /// [`Error::Locked`] where nobody listens; [`Error::NotOurs`] and [`Error::Path`] where somebody else does.
    pub fn open(store: &StoreDir, door: Door, caller: Option<CallerName>) -> Result<Self> {
        Self::open_telling(store, door, caller, ANSWER, &mut |_| {})
    }

    /// The same for a surface that tells a human when nothing comes: `tell` is called after two seconds of silence, and
    /// it ends after `most`.
    ///
    /// # Errors
    /// As [`Connection::open`]; [`Error::NoAnswer`].
    pub fn open_telling(
        store: &StoreDir,
        door: Door,
        caller: Option<CallerName>,
        most: Duration,
        tell: &mut dyn FnMut(Silent),
    ) -> Result<Self> {
        for socket in store.sockets() {
            if let Some((stream, listener)) = os::connect(&socket)? {
                let hello = Hello { door, caller: caller.clone(), most };
                return match Self::greet(stream, listener, hello, tell) {
                    // Who takes a connection and drops it may be about to lock.
                    Err(Error::Frame(e)) if e.is_end() && ends(store) => Err(Error::Locked),
                    greeted => greeted,
                };
            }
        }
        Err(Error::Locked)
    }

    /// A connection over a stream that is already there.
    ///
    /// # Errors
    /// As [`Connection::open`].
    #[cfg(unix)]
    pub fn over(
        stream: std::os::unix::net::UnixStream,
        door: Door,
        caller: Option<CallerName>,
    ) -> Result<Self> {
        Self::greet(stream, None, Hello { door, caller, most: ANSWER }, &mut |_| {})
    }

    fn greet(
        stream: Stream,
        listener: Option<u32>,
        hello: Hello,
        tell: &mut dyn FnMut(Silent),
    ) -> Result<Self> {
        let Hello { door, caller, most } = hello;
        stream.set_read_timeout(Some(ANSWER)).map_err(frame::Error::Io)?;
        stream.set_write_timeout(Some(ANSWER)).map_err(frame::Error::Io)?;
        let mut made = Self { stream, listener, daemon: 0, store: String::new() };
        made.send(&ToDaemon::Hello { version: VERSION, door, caller })?;
        if os::silent_for(&made.stream, SILENT.min(most)) {
            tell(Silent::of(listener));
            if os::silent_for(&made.stream, most.saturating_sub(SILENT)) {
                return Err(Error::NoAnswer { pid: listener });
            }
        }
        match made.receive()? {
            FromDaemon::Hello { version, pid, store } if version == VERSION => {
                (made.daemon, made.store) = (pid, store);
            }
            FromDaemon::Hello { version, .. } => return Err(other_version(version)),
            other => return Err(unexpected(other)),
        }
        // The daemon has seen who is here; from now on nobody of this user shall look in. Where it doesn't hold, the
        // daemon's own protections still do.
        let _ = secret::set_dumpable(false);
        Ok(made)
    }

    /// The daemon's process, as the kernel says where it tells, else as the daemon does.
    #[must_use]
    pub fn daemon(&self) -> u32 {
        self.listener.unwrap_or(self.daemon)
    }

    /// The store's id, as the daemon says.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    pub(crate) fn send(&mut self, message: &ToDaemon) -> Result<()> {
        Ok(frame::write_control(&mut self.stream, message)?)
    }

    pub(crate) fn receive<T: DeserializeOwned>(&mut self) -> Result<T> {
        whole::control(&mut self.stream, self.listener)?.ok_or(Error::Frame(frame::Error::Closed))
    }

    fn patience(&mut self, wait: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(wait)).map_err(frame::Error::Io)?)
    }

    /// How the daemon is.
    ///
    /// # Errors
    /// The connection's.
    pub fn status(&mut self) -> Result<StatusReport> {
        self.send(&ToDaemon::Status)?;
        match self.receive()? {
            FromDaemon::Status(report) => Ok(report),
            other => Err(unexpected(other)),
        }
    }

    /// Asks for secrets, through the gate. `waiting` is told the id when a human must decide.
    ///
    /// # Errors
    /// The connection's, and what is wrong with the request itself. [`Error::Locked`] where the store is locked while it
    /// waits.
    pub fn ask(&mut self, ask: &Ask, mut waiting: impl FnMut(&Id)) -> Result<Answer> {
        self.patience(ANSWER + Duration::from_secs(u64::from(ask.wait)))?;
        self.send(&ToDaemon::Ask(ask.clone()))?;
        let mut waits = false;
        let answer = self.answer(|id| {
            waits = true;
            waiting(id);
        });
        match answer {
            // Nothing but its end closes the connection of a request that waits.
            Err(Error::Frame(frame::Error::Closed)) if waits => Err(Error::Locked),
            answer => {
                self.patience(ANSWER)?;
                as_asked(answer?, &ask.items)
            }
        }
    }

    /// A human's act in the open, where a window serves it.
    ///
    /// # Errors
    /// [`Error::Daemon`] with code `presence_needed` where none does: [`Connection::prove`] then.
    pub fn want(&mut self, want: Want) -> Result<Answer> {
        let asked = values_of(&want);
        self.send(&ToDaemon::Want(Box::new(want)))?;
        as_asked(self.answer(|_| {})?, &asked)
    }

    /// Proposes a new secret. The value travels unsealed: everybody who could read it on this socket could have
    /// written it.
    ///
    /// # Errors
    /// The connection's.
    pub fn propose(&mut self, name: Name, vault: VaultName, class: Class, value: &Bytes) -> Result<Answer> {
        self.send(&ToDaemon::Propose { name, vault, class })?;
        frame::write(&mut self.stream, Kind::Raw, value.expose())?;
        self.answer(|_| {})
    }

    /// Takes back a request of this session.
    ///
    /// # Errors
    /// The connection's.
    pub fn cancel(&mut self, id: Id) -> Result<Answer> {
        self.send(&ToDaemon::Cancel { id })?;
        self.answer(|_| {})
    }

    /// What this caller may ask for; `scope`: only that one's.
    ///
    /// # Errors
    /// The connection's; [`Error::Daemon`] with code `too_often`.
    pub fn mine(&mut self, scope: Option<Scope>) -> Result<Vec<MineRow>> {
        self.send(&ToDaemon::Mine { scope })?;
        match self.answer(|_| {})? {
            Answer::Report(report) => match *report {
                Report::Mine(rows) => Ok(rows),
                _ => Err(Error::Unexpected),
            },
            _ => Err(Error::Unexpected),
        }
    }

    /// Asks a human for a secret that isn't there. The answer is the same whether or not it is.
    ///
    /// # Errors
    /// The connection's.
    pub fn request_secret(&mut self, name: Name, scope: Scope, why: String) -> Result<Answer> {
        self.send(&ToDaemon::RequestSecret { name, scope, why })?;
        self.answer(|_| {})
    }

    /// Searches text for values of the store, whole and in any form. The texts of one connection are one text, until one
    /// that ends it.
    ///
    /// # Errors
    /// The connection's.
    pub fn scan(&mut self, text: &[u8], end: bool) -> Result<Scanned> {
        let mut all = Scanned::default();
        let mut pieces = text.chunks(frame::RAW_MAX).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let last = pieces.peek().is_none();
            self.send(&ToDaemon::Scan { end: end && last })?;
            frame::write(&mut self.stream, Kind::Raw, piece)?;
            match self.receive()? {
                FromDaemon::Scanned { hits, decided, rules_only } => {
                    all.hits.extend(hits.into_iter().map(named));
                    all.decided = decided;
                    all.rules_only |= rules_only;
                }
                other => return Err(unexpected(other)),
            }
            if last {
                return Ok(all);
            }
        }
    }

    /// Locks the store. When this returns the daemon has written its last words and ended. It tells how the store was
    /// left, where that could be written. `tell` as in [`Connection::open_telling`].
    ///
    /// # Errors
    /// The connection's; [`Error::NoAnswer`] after 30 seconds, [`Error::StillThere`] where the daemon does not end.
    pub fn lock(mut self, tell: &mut dyn FnMut(Silent)) -> Result<Option<LastLock>> {
        let daemon = os::Process::of(self.daemon());
        self.send(&ToDaemon::Lock)?;
        if os::silent_for(&self.stream, SILENT) {
            tell(Silent::of(self.listener));
        }
        let Answer::Done { .. } = self.answer(|_| {})? else { return Err(Error::Unexpected) };
        // The last words, or the end of the connection; then, in a moment, the process is gone.
        let left = match whole::control(&mut self.stream, self.listener) {
            Ok(Some(FromDaemon::Locked(left))) => Some(left),
            _ => None,
        };
        if daemon.ends_within(LAST_WORDS) { Ok(left) } else { Err(Error::StillThere { pid: self.daemon() }) }
    }

    /// Has the daemon read the whole trail. None: all of it holds; else the first thing that doesn't.
    ///
    /// # Errors
    /// The connection's.
    pub fn verify_trail(&mut self) -> Result<TrailState> {
        self.patience(LONG_ANSWER)?;
        self.send(&ToDaemon::VerifyTrail)?;
        let answer = self.receive()?;
        self.patience(ANSWER)?;
        match answer {
            FromDaemon::Verified { ok: true, lost, .. } => Ok(TrailState::Holds { lost }),
            FromDaemon::Verified { ok: false, why, .. } => {
                Ok(TrailState::Broken(visible(why.unwrap_or_default().as_bytes())))
            }
            other => Err(unexpected(other)),
        }
    }

    /// What takes back a waiting request of this connection from another thread.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn take_back(&self) -> Result<TakeBack> {
        Ok(TakeBack { stream: self.stream.try_clone().map_err(frame::Error::Io)? })
    }

    fn answer(&mut self, mut waiting: impl FnMut(&Id)) -> Result<Answer> {
        let mut parts = Parts::default();
        loop {
            match parts.add(self.receive()?)? {
                FromDaemon::More(_) => {}
                FromDaemon::Waiting { id } => waiting(&id),
                FromDaemon::Released { id, items } => {
                    let value = |g| Ok((g, whole::raw(&mut self.stream, self.listener)?));
                    let items = items.into_iter().map(value).collect::<Result<_>>()?;
                    return Ok(Answer::Released { id, items });
                }
                other => return plain(other),
            }
        }
    }
}

/// Takes back the request that a connection waits with, while another thread is in [`Connection::ask`].
#[derive(Debug)]
pub struct TakeBack {
    stream: Stream,
}

impl TakeBack {
    /// Takes it back; whoever waits hears that it was denied. Once it is sent the connection is of no more use: where a
    /// human has decided in the same moment there are two answers on it.
    ///
    /// # Errors
    /// The connection's.
    pub fn send(mut self, id: Id) -> Result<()> {
        Ok(frame::write_control(&mut self.stream, &ToDaemon::Cancel { id })?)
    }

    /// Gives up waiting without taking it back: the connection ends, and with it whatever only it could use. A human
    /// can still say yes to a caller whose process is known.
    pub fn leave(self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// The parts of a long report, until the last one is there.
#[derive(Default)]
pub(crate) struct Parts(Option<Box<Report>>);

impl Parts {
    /// Takes a message; the last part comes back as the whole report.
    pub(crate) fn add(&mut self, message: FromDaemon) -> Result<FromDaemon> {
        let (part, last) = match message {
            FromDaemon::More(part) => (part, false),
            FromDaemon::Report(part) => (part, true),
            other => return Ok(other),
        };
        match &mut self.0 {
            None => self.0 = Some(part),
            Some(whole) => {
                if !whole.join(*part) {
                    return Err(Error::Unexpected);
                }
            }
        }
        let nothing = || Box::new(Report::Entries(Vec::new()));
        Ok(if last {
            FromDaemon::Report(self.0.take().unwrap_or_else(nothing))
        } else {
            FromDaemon::More(nothing())
        })
    }
}

/// An answer without values.
pub(crate) fn plain(message: FromDaemon) -> Result<Answer> {
    match message {
        FromDaemon::Denied { id, narrower } => Ok(Answer::Denied { id, narrower }),
        FromDaemon::Pending { id } => Ok(Answer::Pending { id }),
        FromDaemon::Done { id } => Ok(Answer::Done { id }),
        FromDaemon::Report(report) => Ok(Answer::Report(report)),
        other => Err(unexpected(other)),
    }
}

/// An error, or an answer that has no place there. What a listener says may come from anybody: nothing in it reaches
/// a terminal but what shows.
pub(crate) fn unexpected(message: FromDaemon) -> Error {
    let FromDaemon::Error(mut failure) = message else { return Error::Unexpected };
    failure.code.retain(|c| c.is_ascii_lowercase() || c == '_');
    failure.message = visible(failure.message.as_bytes());
    failure.hint = failure.hint.map(|h| visible(h.as_bytes()));
    Error::Daemon(failure)
}

/// The values that a human wants with it.
fn values_of(want: &Want) -> Vec<AskItem> {
    match want {
        Want::Show { secret } => vec![AskItem::value(secret.clone())],
        Want::Render { secrets } => secrets.iter().cloned().map(AskItem::value).collect(),
        Want::Run(ask) => ask.items.clone(),
        _ => Vec::new(),
    }
}

/// An answer that grants just what was asked, or none that grants: a listener that has proved nothing does not say
/// where a value goes.
fn as_asked(answer: Answer, asked: &[AskItem]) -> Result<Answer> {
    let Answer::Released { items, .. } = &answer else { return Ok(answer) };
    let same =
        |(asked, granted): (&AskItem, &Granted)| asked.secret == granted.secret && asked.way == granted.way;
    let all = items.len() == asked.len() && asked.iter().zip(items.iter().map(|item| &item.0)).all(same);
    if all { Ok(answer) } else { Err(Error::Unexpected) }
}

/// A hit whose label is a name, or that of a secret without one.
fn named(mut hit: ScanHit) -> ScanHit {
    if hit.label.parse::<Name>().is_err() {
        hit.label = "secret".into();
    }
    hit
}

fn other_version(found: u32) -> Error {
    let line = format!("the daemon speaks version {found} of the protocol, this program version {VERSION}");
    let hint = "run 'svault lock', then 'svault unlock' with this svault";
    Error::Daemon(Failure::new(wire::code::VERSION, wire::exit::FAILED, line).hint(hint))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/listener.rs"]
mod tests;
