//! Connections to the daemon. A yes to a caller that nothing but its name is known of holds for the connection that
//! asked, so a connection whose request still waits is kept for exactly that request.

use crate::Config;
use crate::calls::Call;
use client::paths::{self, StoreDir};
use client::{Answer, Connection, Error, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wire::{Ask, MineRow, StatusReport};
use words::{Door, Name, Scope};

/// Connections that nothing waits on are kept up to this number.
const IDLE: usize = 2;
/// Connections whose requests wait, likewise: as many as one session can have waiting.
const WAITING: usize = 16;
/// A request waits so long for a human; after that its connection is worth nothing more.
const KEPT: Duration = Duration::from_secs(11 * 60);

/// A connection that nobody uses at the moment.
struct Kept {
    connection: Connection,
    /// The request that waits on it.
    waits: Option<String>,
    since: Instant,
}

/// All of them.
pub struct Pool {
    config: Config,
    kept: Mutex<Vec<Kept>>,
}

impl Pool {
    /// None yet.
    pub fn new(config: Config) -> Self {
        Self { config, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the daemon is.
    ///
    /// # Errors
    /// Locked, no store, or the connection's.
    pub fn status(&self) -> Result<StatusReport> {
        self.with(Connection::status)
    }

    /// What this caller may ask for.
    ///
    /// # Errors
    /// As [`Pool::status`]; asked too often.
    pub fn mine(&self, scope: Option<&Scope>) -> Result<Vec<MineRow>> {
        self.with(|connection| connection.mine(scope.cloned()))
    }

    /// Asks a human for a secret that isn't there.
    ///
    /// # Errors
    /// As [`Pool::status`].
    pub fn request_secret(&self, name: &Name, scope: &Scope, why: &str) -> Result<Answer> {
        self.with(|connection| connection.request_secret(name.clone(), scope.clone(), why.to_owned()))
    }

    /// Asks for secrets. The call says when it is cancelled, and is told when it waits.
    ///
    /// # Errors
    /// As [`Pool::status`].
    pub fn ask(&self, ask: &Ask, call: &Call) -> Result<Answer> {
        let key =
            serde_json::to_string(&Ask { wait: 0, client: String::new(), ..ask.clone() }).unwrap_or_default();
        let (mut connection, mut old) = self.take(Some(&key))?;
        loop {
            let mut back = Some(connection.take_back()?);
            let answer = connection.ask(ask, |id| call.waits(*id, back.take()));
            let asked = back.is_none();
            call.goes_on();
            match answer {
                Err(e) if old && !asked && gone(&e) => (connection, old) = (self.open()?, false),
                Err(e) => return Err(e),
                // What was taken back may have been answered twice.
                Ok(answer) if call.is_cancelled() => return Ok(answer),
                Ok(answer) => {
                    let waits = matches!(answer, Answer::Pending { .. }).then_some(key);
                    self.keep(connection, waits);
                    return Ok(answer);
                }
            }
        }
    }

    /// Does something that may be done twice.
    fn with<T>(&self, does: impl Fn(&mut Connection) -> Result<T>) -> Result<T> {
        let (mut connection, old) = self.take(None)?;
        let mut done = does(&mut connection);
        if old && done.as_ref().is_err_and(gone) {
            connection = self.open()?;
            done = does(&mut connection);
        }
        if !done.as_ref().is_err_and(|e| !matches!(e, Error::Daemon(_))) {
            self.keep(connection, None);
        }
        done
    }

    /// The connection that this request waits on, one that is free, or a new one. True: it may have ended meanwhile.
    fn take(&self, key: Option<&str>) -> Result<(Connection, bool)> {
        let mut kept = self.kept();
        kept.retain(|k| k.since.elapsed() < KEPT);
        let waits = kept.iter().position(|k| key.is_some() && k.waits.as_deref() == key);
        let at = waits.or_else(|| kept.iter().position(|k| k.waits.is_none()));
        if let Some(at) = at {
            return Ok((kept.swap_remove(at).connection, true));
        }
        drop(kept);
        Ok((self.open()?, false))
    }

    fn keep(&self, connection: Connection, waits: Option<String>) {
        let mut kept = self.kept();
        let most = if waits.is_some() { WAITING } else { IDLE };
        let alike = |k: &Kept| k.waits.is_some() == waits.is_some();
        if kept.iter().filter(|k| alike(k)).count() >= most
            && let Some(oldest) = kept.iter().position(alike)
        {
            kept.remove(oldest);
        }
        kept.push(Kept { connection, waits, since: Instant::now() });
    }

    fn open(&self) -> Result<Connection> {
        let dir = paths::store_dir()?;
        let store = StoreDir::open(&dir).map_err(|e| match e {
            paths::Error::Missing(_) => Error::NoStore(dir),
            e => e.into(),
        })?;
        if !store.file().exists() {
            return Err(Error::NoStore(store.real().into()));
        }
        Connection::open(&store, Door::Mcp, self.config.caller.clone())
    }
}

/// The other end has gone: the store was locked since, perhaps unlocked again.
fn gone(e: &Error) -> bool {
    matches!(e, Error::Frame(_))
}
