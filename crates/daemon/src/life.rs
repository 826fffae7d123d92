//! The daemon's life: it takes the store's lock, is handed the keys, serves, locks itself, ends.
//! It exists exactly while the store is unlocked. What it serves is the [`House`]'s business.

use crate::listen::{Connected, Listener};
use crate::peer::{Peer, Watch};
use crate::ring::{self, Ring};
use crate::{files, harden, life::handover::Pair};
use seal::{RealDisk, StoreLock};
use secret::Protection;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use wire::paths::StoreDir;
use wire::{Failure, FromChild, Hex, Rollback, RollbackFile, Seen, UnlockReport, exit};
use words::{CallerName, Id};

pub mod failure;
mod handover;
mod open;
mod timer;

pub use timer::{Limits, LockTimer, Ticks, Why};

/// The last words may take this long; then the process ends without them.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How to run.
#[derive(Debug)]
pub struct Run {
    /// The store's folder.
    pub store: PathBuf,
    /// How to start the ring helper; none: nobody is told of waiting requests.
    pub ring: Option<ring::Start>,
}

/// Why the store stays shut.
#[derive(Debug)]
pub struct Refusal {
    /// Files that are not what they were.
    pub files: Vec<RollbackFile>,
    /// A digest of what the store and its vaults are, where those files are of them.
    pub store: Option<Box<[u8; 32]>>,
    /// The line, with its exit code.
    pub failure: Failure,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { files: Vec::new(), store: None, failure }
    }
}

/// What an open store is handed over with.
pub struct Opened {
    /// The store, open.
    pub store: vault::Store,
    /// What was found.
    pub report: vault::OpenReport,
    /// It has just been made.
    pub created: bool,
    /// What the human said about files that are behind. With `Show` nothing may be written: see [`House::survey`].
    pub rollback: Rollback,
    /// Who handed over the keys, where the kernel says.
    pub starter: Option<Peer>,
    /// Keys lie in memory that isn't locked, as the human allowed.
    pub weak_memory: bool,
    /// The store's folder.
    pub dir: StoreDir,
    /// The disk it is on.
    pub disk: Arc<dyn seal::Disk>,
    /// How to look at processes.
    pub watch: Arc<Watch>,
    /// The clocks, the lock, the ring.
    pub life: Rc<Life>,
}

/// What the daemon does between unlock and lock.
pub trait House: Sized + 'static {
    /// Opens the rest: the trail first. Everything that `unlock` tells comes from here.
    ///
    /// # Errors
    /// The store stays shut, and the parent is told why.
    fn open(opened: Opened) -> Result<(Rc<Self>, UnlockReport), Refusal>;

    /// With [`Rollback::Show`]: every file that is behind, those of the vaults and of the trail. With what accepts them. Writes
    /// nothing.
    ///
    /// # Errors
    /// What can't be gone back to either.
    fn survey(opened: Opened) -> Result<(Vec<RollbackFile>, Seen), Refusal>;

    /// Serves a connection until it ends.
    fn connection(self: Rc<Self>, connected: Connected) -> impl Future<Output = ()>;

    /// Once a second: what must be synced, what has expired.
    fn tick(self: Rc<Self>) -> impl Future<Output = ()>;

    /// The last words: the trail's last entry, a checkpoint, the heads. Nobody connects any more.
    fn lock(self: Rc<Self>, why: Why) -> impl Future<Output = ()>;
}

/// The running daemon, as its parts see it.
pub struct Life {
    timer: RefCell<LockTimer>,
    why: Cell<Option<Why>>,
    end: Notify,
    ring: Option<Ring>,
    since: jiff::Timestamp,
    protection: Vec<Protection>,
    /// Held as long as anything of the house lives.
    lock: StoreLock,
}

impl Life {
    fn new(ring: Option<Ring>, protection: Vec<Protection>, lock: StoreLock) -> Rc<Self> {
        let timer = RefCell::new(LockTimer::new(Limits::default(), Ticks::now()));
        let since = jiff::Timestamp::now();
        Rc::new(Self { timer, why: Cell::new(None), end: Notify::new(), ring, since, protection, lock })
    }

    /// A human has proved presence, or done an act with it: the only thing that moves the idle clock.
    pub fn human_act(&self) {
        self.timer.borrow_mut().human_act(Ticks::now());
    }

    /// Other limits: call it after opening and whenever policy changes.
    pub fn set_limits(&self, limits: Limits) {
        self.timer.borrow_mut().set_limits(limits);
    }

    /// Whether the store may still be used. Ask before each message and each release: after a sleep the first request
    /// can come before the second's tick, and a store that was moved away has another one in its place, whose trail
    /// would not have what this one releases.
    #[must_use]
    pub fn unlocked(&self) -> bool {
        let due = self.timer.borrow_mut().due(Ticks::now());
        if let Some(why) = due {
            self.lock(why);
        }
        if !self.lock.still_ours() {
            self.lock(Why::NotOurs);
        }
        self.why.get().is_none()
    }

    /// Locks: the daemon says its last words and ends.
    pub fn lock(&self, why: Why) {
        if self.why.get().is_none() {
            self.why.set(Some(why));
        }
        self.end.notify_one();
    }

    /// How long until it locks by itself.
    #[must_use]
    pub fn locks_in(&self) -> Duration {
        self.timer.borrow().left(Ticks::now())
    }

    /// When it was unlocked.
    #[must_use]
    pub fn since(&self) -> jiff::Timestamp {
        self.since
    }

    /// What protects the daemon, and whether it does.
    #[must_use]
    pub fn protection(&self) -> &[Protection] {
        &self.protection
    }

    /// Tells a human that a request waits.
    pub fn ring(&self, id: Id, caller: Option<&CallerName>) {
        if let Some(ring) = &self.ring {
            ring.ring(id, caller);
        }
    }

    /// The user's own program to tell, from the store's settings: an absolute path, or none.
    pub fn notify_with(&self, program: Option<&str>) {
        if let Some(ring) = &self.ring {
            ring.notify_with(program);
        }
    }
}

impl From<policy::Lock> for Limits {
    fn from(lock: policy::Lock) -> Self {
        Self { idle: Duration::from_millis(lock.idle_ms), hard: Duration::from_millis(lock.hard_ms) }
    }
}

/// Runs the daemon until the store is locked again. Standard input is the pair, standard output the terminal to ring on.
///
/// # Errors
/// What the parent was told as well.
pub fn run<H: House>(how: &Run) -> Result<(), Failure> {
    let mut protection = harden::process();
    // Already the leader: started by hand. The pair decides whether that goes anywhere.
    let _ = rustix::process::setsid();
    let handover::Inherited { mut pair, bell } = handover::inherit()?;
    let (dir, lock) = match take(&how.store) {
        Ok(Taken::Ours(dir, lock)) => (dir, lock),
        Ok(Taken::Busy(pid)) => {
            pair.say(&FromChild::Busy { pid });
            return Err(failure::named("InUse", "another process holds the store"));
        }
        Err(failure) => return Err(told(&mut pair, failure)),
    };
    if let Err(why) = files::enough() {
        let failure = Failure::new(wire::code::MACHINE, exit::FAILED, why);
        return Err(told(
            &mut pair,
            failure.hint("raise the limit of open files, such as with 'ulimit -n 8192'"),
        ));
    }
    let ring = how.ring.as_ref().and_then(|start| Ring::start(start, bell).ok());
    protection.push(harden::system_calls());
    if secret::traced() {
        return Err(told(&mut pair, traced()));
    }
    let life = Life::new(ring, protection, lock);
    match serve::<H>(&mut pair, &dir, Rc::clone(&life)) {
        Ok(()) => Ok(()),
        Err(Refusal { files, failure, .. }) if files.is_empty() => Err(told(&mut pair, failure)),
        Err(Refusal { files, store, failure: error }) => {
            let seen = store.map(|store| Seen { store: Hex(*store), trail: None });
            pair.say(&FromChild::RolledBack { files, error: error.clone(), seen });
            Err(error)
        }
    }
}

/// Nobody can begin to trace a process that has closed itself; somebody was there before.
fn traced() -> Failure {
    Failure::new("traced", exit::FAILED, "another process traces svault's daemon, so it takes no keys")
        .hint("end the debugger or tracer, and look what else it has read")
}

fn told(pair: &mut Pair, failure: Failure) -> Failure {
    pair.say(&FromChild::Failed(failure.clone()));
    failure
}

enum Taken {
    Ours(StoreDir, StoreLock),
    Busy(Option<u32>),
}

/// The store's lock. Whoever listens at its socket's places without it is nobody: those are swept.
fn take(store: &std::path::Path) -> Result<Taken, Failure> {
    let dir = StoreDir::open(store).map_err(failure::of_path)?;
    let lock = match StoreLock::take(&dir.lock()) {
        Ok(lock) => lock,
        Err(seal::Error::InUse { pid, .. }) => return Ok(Taken::Busy(pid)),
        Err(e) => return Err(failure::of_seal(&e)),
    };
    for socket in dir.sockets() {
        if socket.check().is_ok_and(|there| there) {
            let _ = std::fs::remove_file(socket.path());
        }
    }
    Ok(Taken::Ours(dir, lock))
}

/// From the handover to the end.
fn serve<H: House>(pair: &mut Pair, dir: &StoreDir, life: Rc<Life>) -> Result<(), Refusal> {
    pair.say(&FromChild::Locked { header: handover::header(dir)? });
    let Some(handed) = pair.hear()? else { return Ok(()) };
    if let Some(ring) = &life.ring {
        ring.bell(handed.bell);
    }
    let machine = |e: String| Refusal::from(Failure::new(wire::code::MACHINE, exit::FAILED, e));
    let watch = Watch::new().map_err(|e| machine(e.to_string()))?;
    let show = matches!(&handed.task, handover::Task::Open { rollback: Rollback::Show, .. });
    let disk: Arc<dyn seal::Disk> = Arc::new(RealDisk);
    let mut opened = open::store(handed, dir.clone(), disk, Arc::clone(&watch), Rc::clone(&life))?;
    opened.starter = pair.parent(&watch);
    if show {
        let (files, seen) = H::survey(opened)?;
        let error = failure::named("RolledBack", "some files are not what they were");
        pair.say(&FromChild::RolledBack { files, error, seen: Some(seen) });
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .map_err(|e| machine(e.to_string()))?;
    let tasks = tokio::task::LocalSet::new();
    let lived = tasks.block_on(&runtime, live::<H>(pair, opened));
    // Dropping the tasks drops the last holders of the house, and with it every key.
    drop(tasks);
    runtime.shutdown_timeout(Duration::from_secs(2));
    lived
}

async fn live<H: House>(pair: &mut Pair, opened: Opened) -> Result<(), Refusal> {
    let (life, watch, dir) = (Rc::clone(&opened.life), Arc::clone(&opened.watch), opened.dir.clone());
    let signals = signals(&life).map_err(|e| failure::named("Failed", format!("signals: {e}")))?;
    let (house, report) = H::open(opened)?;
    let listener = match bind(&dir) {
        Ok(listener) => listener,
        Err(failure) => {
            // The unlock is in the trail by now, and so is its end.
            let _ = tokio::time::timeout(LAST_WORDS, house.lock(Why::Failed)).await;
            return Err(failure.into());
        }
    };
    pair.say(&FromChild::Ready(Box::new(report)));
    {
        let (here, alive) = (Rc::clone(&house), Rc::clone(&life));
        let accept = listener.serve(&watch, dir.id(), move |connected| {
            let (house, life) = (Rc::clone(&here), Rc::clone(&alive));
            async move {
                if life.unlocked() {
                    house.connection(connected).await;
                }
            }
        });
        tokio::select! {
            () = accept => {}
            () = life.end.notified() => {}
            () = ticks(&house, &life, &listener) => {}
            () = signals => {}
        }
    }
    drop(listener);
    let why = life.why.get().unwrap_or(Why::Failed);
    if why == Why::NotOurs {
        // Whoever has the store now writes to the same files.
        return Ok(());
    }
    let _ = tokio::time::timeout(LAST_WORDS, house.lock(why)).await;
    Ok(())
}

fn bind(dir: &StoreDir) -> Result<Listener, Failure> {
    let place = dir.listen_at().map_err(failure::of_path)?;
    Listener::bind(&place).map_err(|e| failure::named("Failed", e.to_string()))
}

/// Every second: is it time, is the lock still ours, does the socket still stand, and what the house has to do.
async fn ticks<H: House>(house: &Rc<H>, life: &Rc<Life>, listener: &Listener) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last: Option<tokio::task::JoinHandle<()>> = None;
    loop {
        seconds.tick().await;
        if !life.unlocked() {
            return;
        }
        if !listener.reachable() {
            life.lock(Why::Unreachable);
        } else if last.as_ref().is_none_or(|t| t.is_finished()) {
            let house = Rc::clone(house);
            last = Some(tokio::task::spawn_local(async move { house.tick().await }));
        }
    }
}

/// Ends when the system wants the process to end. The handlers are in place when this returns. That a file grows past a
/// limit of the system is an error of the write and no end.
fn signals(life: &Rc<Life>) -> std::io::Result<impl Future<Output = ()> + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut hup = signal(SignalKind::hangup())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut one = signal(SignalKind::user_defined1())?;
    let mut two = signal(SignalKind::user_defined2())?;
    let mut alarm = signal(SignalKind::alarm())?;
    // Once caught it stays so.
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    let life = Rc::clone(life);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {} _ = int.recv() => {} _ = hup.recv() => {} _ = quit.recv() => {}
            _ = one.recv() => {} _ = two.recv() => {} _ = alarm.recv() => {}
        }
        life.lock(Why::Signal);
    })
}
