//! Unlocking and making a store: start the daemon as a child, hand the keys over a private pair, then reconnect and
//! prove presence, so that a window opens. The passphrase stays in this process.

use crate::connection::LONG_ANSWER;
use crate::error::RolledBack;
use crate::{Connection, Error, NewSlot, Presented, Prover, Result, SlotOpened, StoreHeader, may_type, os, os::Child};
use seal::FileId;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;
use wire::frame::{self, Kind};
use wire::paths::StoreDir;
use wire::{FromChild, Hex, Rollback, RollbackFile, ToChild, UnlockReport, Want};
use words::{Door, VaultName};

/// How long a child may take to take the lock and read the header.
const START: Duration = Duration::from_secs(30);

/// What a surface asks its human.
pub trait Asker {
    /// What opens the store. `attempt` counts from 0, one more after each wrong one. None: there is no way to ask,
    /// or no further attempt.
    ///
    /// # Errors
    /// Where asking fails.
    fn present(&mut self, header: &StoreHeader, attempt: u32) -> Result<Option<Presented>>;

    /// Whether to go back to what is on disk, with these files as they are. Called only where [`How::accept_rollback`]
    /// is set and there are such files.
    fn accept(&mut self, files: &[RollbackFile]) -> bool;
}

/// How to unlock.
#[derive(Debug, Default)]
pub struct How {
    /// Go back to what is on disk: everything (an empty list) or these vaults, after the human has seen what it is.
    pub accept_rollback: Option<Vec<VaultName>>,
    /// Go on without locked memory.
    pub weak_memory: bool,
    /// A terminal for the daemon to ring on.
    pub bell: Option<File>,
    /// The daemon's program; none: this one.
    pub program: Option<PathBuf>,
    /// Which surface this is.
    pub door: Option<Door>,
}

/// What unlocking came to.
#[derive(Debug)]
pub enum Unlocked {
    /// It is unlocked now.
    Now {
        /// What the daemon says.
        report: Box<UnlockReport>,
        /// Whether the daemon took the proof that follows; a window is open then, if this is a login shell's child.
        proved: bool,
    },
    /// It was unlocked before.
    Already {
        /// The daemon, where the kernel names it.
        pid: Option<u32>,
        /// Whether it proved itself. Without a way to ask for the passphrase it can't.
        proved: bool,
    },
}

/// Unlocks a store.
///
/// # Errors
/// [`Error::WrongPassphrase`] after the last attempt, [`Error::Held`] where somebody else holds the store,
/// [`Error::RolledBack`] where files are not what they were, and much else.
pub fn unlock(store: &StoreDir, how: &How, asker: &mut dyn Asker) -> Result<Unlocked> {
    if !store.file().exists() {
        return Err(Error::NoStore(store.real().to_owned()));
    }
    let _ = secret::set_dumpable(false);
    let (child, header) = match begin(store, how)? {
        Begun::Locked { child, header: Some(header) } => (child, header),
        Begun::Locked { .. } => return Err(Error::NoStore(store.real().to_owned())),
        Begun::Busy { pid } => return already(store, how, pid, asker),
    };
    let Some(keys) = present(&header, asker)? else {
        return Err(Error::NoWayToAsk);
    };
    let report = match &how.accept_rollback {
        None => open(child, how, &keys, Rollback::Refuse)?,
        Some(vaults) => accept_rollback(store, child, how, &keys, vaults, asker)?,
    };
    let proved = window(store, how, keys.into_prover());
    Ok(Unlocked::Now { report, proved })
}

/// A store to be.
#[derive(Debug)]
pub struct NewStore {
    /// The store file's id, which its slots' keys are made for.
    pub file_id: FileId,
    /// Its slots, for epoch 1; the first is used for the proof that opens a window.
    pub slots: Vec<NewSlot>,
    /// Its time zone, as an IANA name.
    pub zone: String,
}

/// Makes a store in a folder that has none, and leaves it unlocked.
///
/// # Errors
/// [`Error::Exists`], [`Error::Held`], and what the daemon says.
pub fn init(store: &StoreDir, new: NewStore, how: &How) -> Result<Unlocked> {
    if store.file().exists() {
        return Err(Error::Exists(store.real().to_owned()));
    }
    let mut child = match begin(store, how)? {
        Begun::Locked { child, header: None } => child,
        Begun::Locked { .. } => return Err(Error::Exists(store.real().to_owned())),
        Begun::Busy { pid } => return Err(Error::Held { pid }),
    };
    let message = ToChild::Create {
        file_id: Hex(new.file_id.0),
        slots: new.slots.iter().map(NewSlot::spec).collect(),
        zone: new.zone,
        weak_memory: how.weak_memory,
        bell: how.bell.is_some(),
    };
    frame::write_control(&mut child.stream, &message)?;
    for value in new.slots.iter().flat_map(NewSlot::values) {
        frame::write(&mut child.stream, Kind::Raw, value)?;
    }
    let report = ready(child)?;
    let proved = new.slots.into_iter().next().is_some_and(|slot| window(store, how, slot.into_prover()));
    Ok(Unlocked::Now { report, proved })
}

enum Begun {
    Locked { child: Child, header: Option<StoreHeader> },
    Busy { pid: Option<u32> },
}

/// Starts a child and hears whether it has the lock.
fn begin(store: &StoreDir, how: &How) -> Result<Begun> {
    let bell = how.bell.as_ref().map(File::try_clone).transpose().map_err(Error::Start)?;
    let mut child = os::start(store, how.program.as_deref(), bell)?;
    child.stream.set_read_timeout(Some(START)).map_err(Error::Start)?;
    child.stream.set_write_timeout(Some(START)).map_err(Error::Start)?;
    match hear(&mut child)? {
        FromChild::Locked { header } => {
            let header = header.map(|h| StoreHeader::parse(&h.0)).transpose().map_err(|e| match e {
                Error::Store(e) => Error::Store(e.at(&store.file())),
                e => e,
            })?;
            Ok(Begun::Locked { child, header })
        }
        FromChild::Busy { pid } => {
            child.end();
            Ok(Begun::Busy { pid })
        }
        FromChild::Failed(failure) => {
            child.end();
            Err(Error::Daemon(failure))
        }
        _ => Err(Error::Unexpected),
    }
}

fn hear(child: &mut Child) -> Result<FromChild> {
    match frame::read_control(&mut child.stream) {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(Error::Ended),
        Err(frame::Error::Io(e)) if e.kind() == std::io::ErrorKind::ConnectionReset => Err(Error::Ended),
        Err(e) => Err(e.into()),
    }
}

/// Asks until something opens a slot. None: there is no way to ask.
fn present(header: &StoreHeader, asker: &mut dyn Asker) -> Result<Option<SlotOpened>> {
    may_type()?;
    let mut wrong = None;
    for attempt in 0.. {
        let Some(presented) = asker.present(header, attempt)? else { break };
        match header.open(&presented) {
            Err(e @ (Error::WrongPassphrase | Error::WrongRecoveryCode)) => wrong = Some(e),
            other => return other.map(Some),
        }
    }
    wrong.map_or(Ok(None), Err)
}

/// Hands over the keys and hears what came of it.
fn open(mut child: Child, how: &How, keys: &SlotOpened, rollback: Rollback) -> Result<Box<UnlockReport>> {
    let (weak_memory, bell) = (how.weak_memory, how.bell.is_some());
    let message = ToChild::Open { slot: Hex(keys.slot()), rollback, weak_memory, bell };
    frame::write_control(&mut child.stream, &message)?;
    for value in keys.values() {
        frame::write(&mut child.stream, Kind::Raw, value)?;
    }
    ready(child)
}

fn ready(mut child: Child) -> Result<Box<UnlockReport>> {
    child.stream.set_read_timeout(Some(LONG_ANSWER)).map_err(Error::Start)?;
    let message = hear(&mut child)?;
    let error = match message {
        FromChild::Ready(report) => return Ok(report),
        FromChild::Failed(failure) => Error::Daemon(failure),
        FromChild::RolledBack { files, error } => Error::RolledBack(Box::new(RolledBack { files, error })),
        _ => Error::Unexpected,
    };
    child.end();
    Err(error)
}

/// Shows what is behind, asks, then opens with it: in a child of its own each, so that nothing stays half open.
fn accept_rollback(
    store: &StoreDir,
    child: Child,
    how: &How,
    keys: &SlotOpened,
    vaults: &[VaultName],
    asker: &mut dyn Asker,
) -> Result<Box<UnlockReport>> {
    let files = match open(child, how, keys, Rollback::Show) {
        Err(Error::RolledBack(r)) => r.files,
        Err(e) => return Err(e),
        Ok(_) => return Err(Error::Unexpected),
    };
    let rollback = if files.is_empty() {
        Rollback::Refuse
    } else if asker.accept(&files) {
        Rollback::Accept { vaults: vaults.to_vec() }
    } else {
        return Err(Error::NotConfirmed);
    };
    match begin(store, how)? {
        Begun::Locked { child, header: Some(_) } => open(child, how, keys, rollback),
        Begun::Locked { .. } => Err(Error::NoStore(store.real().to_owned())),
        Begun::Busy { pid } => Err(Error::Held { pid }),
    }
}

/// Reconnects and proves presence, so that a window opens. That it does not is no failure of unlocking.
fn window(store: &StoreDir, how: &How, prover: Prover) -> bool {
    let try_it = || -> Result<()> {
        let connection = Connection::open(store, how.door.unwrap_or(Door::Cli), None)?;
        let _done = connection.prove(prover)?.act(Want::Window, &[], |_| true)?;
        Ok(())
    };
    try_it().is_ok()
}

/// Somebody holds the lock: is it the daemon? Nothing of the passphrase leaves this process before it has proved that.
fn already(store: &StoreDir, how: &How, pid: Option<u32>, asker: &mut dyn Asker) -> Result<Unlocked> {
    let header = StoreHeader::read(store)?;
    let Some(keys) = present(&header, asker)? else {
        return Ok(Unlocked::Already { pid, proved: false });
    };
    let connection = match Connection::open(store, how.door.unwrap_or(Door::Cli), None) {
        Ok(connection) => connection,
        Err(_) => return Err(Error::Held { pid }),
    };
    match connection.prove(keys.into_prover()) {
        Ok(human) => {
            // Whether a window opens is the daemon's business; that it is the daemon is settled.
            let _ = human.act(Want::Window, &[], |_| true);
            Ok(Unlocked::Already { pid, proved: true })
        }
        Err(Error::NotTheDaemon { .. } | Error::Relay | Error::Unexpected | Error::Frame(_)) => {
            Err(Error::Held { pid })
        }
        Err(e) => Err(e),
    }
}
