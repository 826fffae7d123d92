//! Unlocking and making a store: start the daemon as a child, hand the keys over a private pair, then reconnect and
//! prove presence, so that a window opens. The passphrase stays in this process.

use crate::connection::LONG_ANSWER;
use crate::error::RolledBack;
use crate::{
    Connection, Error, NewSlot, Presented, Prover, Result, Silent, SlotOpened, StoreHeader, may_type,
    may_type_for, os, os::Child,
};
use seal::FileId;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::frame::{self, Kind};
use wire::paths::StoreDir;
use wire::{Failure, FromChild, Hex, Rollback, RollbackFile, ToChild, UnlockReport, Want};
use words::{Door, VaultName};

/// How long a child may take to take the lock and read the header.
const START: Duration = Duration::from_secs(30);

/// How long whoever holds the store may take for its hello.
pub const GREETING: Duration = Duration::from_secs(10);

/// So often a lock is tried again that is held while nobody listens, each tenth of a second.
const RETRIES: usize = 20;

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

    /// Whoever holds the store has been silent for two seconds; it is waited for up to [`GREETING`].
    fn silent(&mut self, _: Silent) {}
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
    Way { store, how, start: &os::start, guard: &may_type }.unlock(asker)
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
    Way { store, how, start: &os::start, guard: &may_type }.init(new)
}

/// Starts a child for a store, with this program and bell.
type Starter<'a> = dyn Fn(&StoreDir, Option<&Path>, Option<File>) -> Result<Child> + 'a;

/// Everything that the steps below share. `start` and `guard` are arguments for the tests.
struct Way<'a> {
    store: &'a StoreDir,
    how: &'a How,
    start: &'a Starter<'a>,
    guard: &'a dyn Fn() -> Result<()>,
}

enum Begun {
    Locked { child: Child, header: Option<StoreHeader> },
    Busy { pid: Option<u32> },
}

impl Way<'_> {
    fn unlock(&self, asker: &mut dyn Asker) -> Result<Unlocked> {
        if !self.store.file().exists() {
            return Err(self.no_store());
        }
        let _ = secret::set_dumpable(false);
        let (child, header) = match self.begin(&mut |silent| asker.silent(silent))? {
            Begun::Locked { child, header: Some(header) } => (child, header),
            Begun::Locked { .. } => return Err(self.no_store()),
            Begun::Busy { pid } => return self.already(pid, asker),
        };
        let keys = self.present(&header, asker)?.ok_or(Error::NoWayToAsk)?;
        let report = match &self.how.accept_rollback {
            None => self.open(child, &keys, Rollback::Refuse)?,
            Some(vaults) => self.accept_rollback(child, &keys, vaults, asker)?,
        };
        let proved = self.window(keys.into_prover()).is_ok();
        Ok(Unlocked::Now { report, proved })
    }

    fn init(&self, new: NewStore) -> Result<Unlocked> {
        let exists = || Error::Exists(self.store.real().to_owned());
        if self.store.file().exists() {
            return Err(exists());
        }
        let mut child = match self.begin(&mut |_| {})? {
            Begun::Locked { child, header: None } => child,
            Begun::Locked { .. } => return Err(exists()),
            Begun::Busy { .. } if self.appears() => return Err(exists()),
            Begun::Busy { pid } => return Err(Error::Held { pid }),
        };
        let message = ToChild::Create {
            file_id: Hex(new.file_id.0),
            slots: new.slots.iter().map(NewSlot::spec).collect(),
            zone: new.zone,
            weak_memory: self.how.weak_memory,
            bell: self.how.bell.is_some(),
        };
        frame::write_control(&mut child.stream, &message)?;
        for value in new.slots.iter().flat_map(NewSlot::values) {
            frame::write(&mut child.stream, Kind::Raw, value)?;
        }
        let report = ready(child)?;
        let first = new.slots.into_iter().next();
        let proved = first.is_some_and(|slot| self.window(slot.into_prover()).is_ok());
        Ok(Unlocked::Now { report, proved })
    }

    /// Whether somebody else makes the store now: it is there in a moment.
    fn appears(&self) -> bool {
        for _ in 0..30 {
            if self.store.file().exists() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.store.file().exists()
    }

    fn no_store(&self) -> Error {
        Error::NoStore(self.store.real().to_owned())
    }

    /// Starts a daemon and hears whether it has the store's lock. A lock that is held while nobody listens is one that a
    /// killed daemon's last write still keeps, or that of an unlock that has just come to nothing: it is tried again for a
    /// moment.
    fn begin(&self, tell: &mut dyn FnMut(Silent)) -> Result<Begun> {
        for _ in 0..RETRIES {
            let begun = self.start()?;
            if matches!(begun, Begun::Locked { .. }) {
                return Ok(begun);
            }
            match Connection::open_telling(self.store, Door::Cli, None, GREETING, tell) {
                Err(Error::Locked) => std::thread::sleep(Duration::from_millis(100)),
                Err(e @ Error::NoAnswer { .. }) => return Err(e),
                _ => return Ok(begun),
            }
        }
        self.start()
    }

    fn start(&self) -> Result<Begun> {
        let bell = self.how.bell.as_ref().map(File::try_clone).transpose().map_err(Error::Start)?;
        let mut child = (self.start)(self.store, self.how.program.as_deref(), bell)?;
        child.stream.set_read_timeout(Some(START)).map_err(Error::Start)?;
        child.stream.set_write_timeout(Some(START)).map_err(Error::Start)?;
        match hear(&mut child)? {
            FromChild::Locked { header } => {
                let header = header.map(|h| StoreHeader::parse(&h.0)).transpose();
                Ok(Begun::Locked { child, header: header.map_err(|e| e.at(&self.store.file()))? })
            }
            FromChild::Busy { pid } => {
                child.end();
                Ok(Begun::Busy { pid })
            }
            FromChild::Failed(failure) => {
                child.end();
                Err(Error::Daemon(failure))
            }
            FromChild::Ready(_) | FromChild::RolledBack { .. } => Err(Error::Unexpected),
        }
    }

    /// Asks until something opens a slot. None: there is no way to ask.
    fn present(&self, header: &StoreHeader, asker: &mut dyn Asker) -> Result<Option<SlotOpened>> {
        (self.guard)()?;
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
    fn open(&self, mut child: Child, keys: &SlotOpened, rollback: Rollback) -> Result<Box<UnlockReport>> {
        let (weak_memory, bell) = (self.how.weak_memory, self.how.bell.is_some());
        let message = ToChild::Open { slot: Hex(keys.slot()), rollback, weak_memory, bell };
        frame::write_control(&mut child.stream, &message)?;
        for value in keys.values() {
            frame::write(&mut child.stream, Kind::Raw, value)?;
        }
        ready(child)
    }

    /// Shows what is behind, asks, then opens with it. Behind an older store more may come to light, of the trail: then
    /// that is shown and asked for as well.
    fn accept_rollback(
        &self,
        mut child: Child,
        keys: &SlotOpened,
        vaults: &[VaultName],
        asker: &mut dyn Asker,
    ) -> Result<Box<UnlockReport>> {
        let mut named = vaults;
        for _ in 0..2 {
            match self.accept_shown(child, keys, vaults, named, asker) {
                Err(Error::RolledBack(_)) => (child, named) = (self.again(asker)?, &[]),
                done => return done,
            }
        }
        self.accept_shown(child, keys, vaults, &[], asker)
    }

    /// Once: in a child of its own each, so that nothing stays half open. Those of `named` must be among what is shown.
    fn accept_shown(
        &self,
        child: Child,
        keys: &SlotOpened,
        vaults: &[VaultName],
        named: &[VaultName],
        asker: &mut dyn Asker,
    ) -> Result<Box<UnlockReport>> {
        let (files, seen) = match self.open(child, keys, Rollback::Show) {
            Err(Error::RolledBack(r)) => (r.files, r.seen.ok_or(Error::Unexpected)?),
            Err(e) => return Err(e),
            Ok(_) => return Err(Error::Unexpected),
        };
        let is_shown = |vault: &&VaultName| files.iter().any(|f| f.path == format!("vaults/{vault}.svault"));
        if let Some(vault) = named.iter().find(|vault| !is_shown(vault)) {
            return Err(Error::NotBehind(vault.clone()));
        }
        let rollback = if files.is_empty() {
            Rollback::Refuse
        } else if asker.accept(&files) {
            Rollback::Accept { vaults: vaults.to_vec(), seen }
        } else {
            return Err(Error::NotConfirmed);
        };
        self.open(self.again(asker)?, keys, rollback)
    }

    /// Another child, for the same store.
    fn again(&self, asker: &mut dyn Asker) -> Result<Child> {
        match self.begin(&mut |silent| asker.silent(silent))? {
            Begun::Locked { child, header: Some(_) } => Ok(child),
            Begun::Locked { .. } => Err(self.no_store()),
            Begun::Busy { pid } => Err(Error::Held { pid }),
        }
    }

    /// Reconnects and proves presence, so that a window opens. That none does is no failure of unlocking.
    fn window(&self, prover: Prover) -> Result<()> {
        (self.guard)()?;
        let connection = Connection::open(self.store, self.how.door.unwrap_or(Door::Cli), None)?;
        let human = connection.prove_as(prover, &os::me()?)?;
        human.act(Want::Window, &[], |_| true).map(drop)
    }

    /// Somebody holds the lock: is it the daemon? Nothing of the passphrase leaves this process before it has proved
    /// that, and then only a proof.
    fn already(&self, pid: Option<u32>, asker: &mut dyn Asker) -> Result<Unlocked> {
        let header = StoreHeader::read(self.store)?;
        may_type_for(self.store)?;
        let Some(keys) = self.present(&header, asker)? else {
            return Ok(Unlocked::Already { pid, proved: false });
        };
        let connection = match Connection::open(self.store, self.how.door.unwrap_or(Door::Cli), None) {
            Ok(connection) => connection,
            Err(Error::Daemon(f)) if f.code == wire::code::VERSION => return Err(other_version(pid)),
            Err(_) => return Err(Error::Held { pid }),
        };
        match connection.prove_as(keys.into_prover(), &os::me()?) {
            Ok(human) => {
                // Whether a window opens is the daemon's business; that it is the daemon is settled.
                let _ = human.act(Want::Window, &[], |_| true);
                Ok(Unlocked::Already { pid, proved: true })
            }
            Err(Error::Daemon(f)) if f.code == wire::code::UNDER_AGENT => Err(Error::of_the_policy()),
            // Whatever else it says, it says without a proof.
            Err(_) => Err(Error::Held { pid }),
        }
    }
}

/// Who holds the store speaks another version, as it says without a proof: the words are not its own.
fn other_version(pid: Option<u32>) -> Error {
    let held = pid.map_or_else(|| "a daemon".to_owned(), |pid| format!("a daemon (process {pid})"));
    let line = format!("the store is unlocked by {held} that speaks another version of the protocol");
    let hint = "run 'svault lock', then 'svault unlock' with this svault";
    Error::Daemon(Failure::new(wire::code::VERSION, wire::exit::FAILED, line).hint(hint))
}

fn hear(child: &mut Child) -> Result<FromChild> {
    match frame::read_control(&mut child.stream) {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(Error::Ended),
        Err(frame::Error::Io(e)) if e.kind() == std::io::ErrorKind::ConnectionReset => Err(Error::Ended),
        Err(e) => Err(e.into()),
    }
}

fn ready(mut child: Child) -> Result<Box<UnlockReport>> {
    child.stream.set_read_timeout(Some(LONG_ANSWER)).map_err(Error::Start)?;
    let error = match hear(&mut child)? {
        FromChild::Ready(report) => return Ok(report),
        FromChild::Failed(failure) => Error::Daemon(failure),
        FromChild::RolledBack { files, error, seen } => {
            Error::RolledBack(Box::new(RolledBack { files, error, seen }))
        }
        FromChild::Locked { .. } | FromChild::Busy { .. } => Error::Unexpected,
    };
    child.end();
    Err(error)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "tests/unlock.rs"]
mod tests;
