//! The daemon's life, with a real process and a house that does nothing: the handover, the lock, every way to end.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use seal::{Factor, FileId, OsRandom, SlotSpec};
use std::future::Future;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use svault_daemon::life::{self, House, Life, Limits, Opened, Refusal, Run, Why, failure};
use svault_daemon::listen::Connected;
use svault_daemon::ring;
use svault_tests::scratch::Scratch;
use wire::frame::{self, Kind};
use wire::paths::StoreDir;
use wire::{
    FromChild, FromDaemon, Hex, HexBytes, Rollback, RollbackFile, Seen, ToChild, ToDaemon, UnlockReport,
};
use words::Door;

/// A house that writes down why it was locked.
struct Nobody {
    life: Rc<Life>,
    store: vault::Store,
    said: std::path::PathBuf,
}

impl House for Nobody {
    fn open(opened: Opened) -> Result<(Rc<Self>, UnlockReport), Refusal> {
        let said = opened.dir.real().join("../said");
        let idle = std::env::var("SV_IDLE_MS").map_or(900_000, |ms| ms.parse().unwrap());
        opened.life.set_limits(Limits { idle: Duration::from_millis(idle), ..Limits::default() });
        opened.life.notify_with(opened.dir.real().join("../notify").to_str());
        let filtered = opened.life.protection().iter().any(|p| p.name == "system call filter" && p.holds);
        let notes = vec![format!("created {} filtered {filtered}", opened.created)];
        let report = UnlockReport {
            pid: std::process::id(),
            vaults: Vec::new(),
            refused: Vec::new(),
            since: None,
            uses: 0,
            denials: 0,
            last_lock: None,
            entries: 0,
            policy_date: String::new(),
            word_pair: String::new(),
            notes,
        };
        Ok((Rc::new(Self { life: opened.life, store: opened.store, said }), report))
    }

    fn survey(opened: Opened) -> Result<(Vec<RollbackFile>, Seen), Refusal> {
        let seen = Seen { store: Hex(opened.report.seen), trail: None };
        Ok((failure::rows(opened.report.files), seen))
    }

    async fn connection(self: Rc<Self>, mut connected: Connected) {
        use wire::frame::Accept;
        while let Ok(Some(frame)) = connected.conn.next(Accept::CONTROL).await {
            match frame.message() {
                Ok(ToDaemon::Lock) => self.life.lock(Why::Asked),
                Ok(ToDaemon::VerifyTrail) => self.life.human_act(),
                Ok(ToDaemon::Status) => self.life.ring(words::Id::from_bits(7), None),
                _ => return,
            }
            let _ = connected.conn.send(&FromDaemon::Done { id: None }).await;
        }
    }

    async fn tick(self: Rc<Self>) {
        assert!(self.store.epoch() > 0);
    }

    fn lock(self: Rc<Self>, why: Why) -> impl Future<Output = ()> {
        std::fs::write(&self.said, why.as_str()).unwrap();
        std::future::ready(())
    }
}

/// Not a test: the daemon.
#[test]
fn daemon() {
    if let Ok(store) = std::env::var("SV_DAEMON") {
        let args = ["--exact", "ringer", "--nocapture"].map(str::to_owned).to_vec();
        let ring = Some(ring::Start { program: "/proc/self/exe".into(), args });
        let ended = life::run::<Nobody>(&Run { store: store.into(), ring });
        std::process::exit(ended.map_or_else(|f| i32::from(f.exit), |()| 0));
    }
}

/// Not a test: its ring helper.
#[test]
fn ringer() {
    if std::env::var_os("SV_DAEMON").is_some() {
        std::process::exit(i32::from(ring::main().is_err()));
    }
}

struct Home {
    scratch: Scratch,
    dir: StoreDir,
}

impl Home {
    fn new() -> Self {
        let scratch = Scratch::new(rustix::process::geteuid().as_raw());
        let dir = StoreDir::create(&scratch.path().join("store")).unwrap();
        Self { scratch, dir }
    }

    fn start(&self) -> Daemon {
        self.start_with("900000")
    }

    fn start_with(&self, idle_ms: &str) -> Daemon {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "daemon", "--nocapture", "--test-threads=1"])
            .env("SV_DAEMON", self.dir.real())
            .env("SV_IDLE_MS", idle_ms)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Daemon { child, pair: Some(ours) }
    }

    /// A store with one slot, and its daemon, which is told to lock at once.
    fn with_store() -> (Self, SlotSpec) {
        let home = Self::new();
        let spec = SlotSpec::new(vec![Factor::Recovery], &mut OsRandom).unwrap();
        let mut daemon = home.start();
        assert!(matches!(daemon.hear(), FromChild::Locked { header: None }));
        daemon.say(&ToChild::Create {
            file_id: Hex(FileId::random(&mut OsRandom).unwrap().0),
            slots: vec![HexBytes(spec.encode())],
            zone: "UTC".into(),
            weak_memory: true,
            bell: false,
        });
        daemon.give_keys(1);
        let FromChild::Ready(report) = daemon.hear() else { panic!("not ready") };
        assert_eq!(report.notes, ["created true filtered true"]);
        home.connect().ask(&ToDaemon::Lock);
        daemon.ends(0);
        assert_eq!(home.said(), "asked");
        (home, spec)
    }

    fn open(&self, spec: &SlotSpec, idle_ms: &str) -> Daemon {
        let mut daemon = self.start_with(idle_ms);
        assert!(matches!(daemon.hear(), FromChild::Locked { header: Some(_) }));
        daemon.say(&open(spec, Rollback::Refuse));
        daemon.give_keys(1);
        match daemon.hear() {
            FromChild::Ready(report) => assert_eq!(report.notes, ["created false filtered true"]),
            other => panic!("not ready: {other:?}"),
        }
        daemon
    }

    fn said(&self) -> String {
        let path = self.scratch.path().join("said");
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        said
    }

    fn connect(&self) -> Client {
        let found = self.dir.sockets().into_iter().find(|s| s.check().unwrap()).expect("a socket");
        let mut stream = found.with_address(|at| UnixStream::connect(at)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let hello = ToDaemon::Hello { version: wire::VERSION, door: Door::Cli, caller: None };
        frame::write_control(&mut stream, &hello).unwrap();
        let said: FromDaemon = frame::read_control(&mut stream).unwrap().unwrap();
        assert!(matches!(said, FromDaemon::Hello { .. }));
        Client(stream)
    }
}

fn open(spec: &SlotSpec, rollback: Rollback) -> ToChild {
    ToChild::Open { slot: Hex(spec.id.0), rollback, weak_memory: true, bell: false }
}

struct Client(UnixStream);

impl Client {
    fn ask(&mut self, message: &ToDaemon) {
        frame::write_control(&mut self.0, message).unwrap();
        let _ = frame::read_control::<FromDaemon>(&mut self.0);
    }
}

struct Daemon {
    child: Child,
    pair: Option<UnixStream>,
}

impl Daemon {
    fn hear(&mut self) -> FromChild {
        frame::read_control(self.pair.as_mut().unwrap()).unwrap().expect("it has ended")
    }

    fn say(&mut self, message: &ToChild) {
        frame::write_control(self.pair.as_mut().unwrap(), message).unwrap();
    }

    fn give_keys(&mut self, first: u8) {
        for n in first..first + 3 {
            frame::write(self.pair.as_mut().unwrap(), Kind::Raw, &[n; 32]).unwrap();
        }
    }

    #[track_caller]
    fn ends(&mut self, code: i32) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return assert_eq!(status.code(), Some(code)),
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                None => panic!("it lives on"),
            }
        }
    }

    fn status(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(daemon: &Daemon, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(daemon.child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn a_store_is_made_locked_and_opened_again() {
    let (home, spec) = Home::with_store();
    let mut daemon = home.open(&spec, "900000");
    let status = daemon.status();
    assert!(status.lines().any(|l| l == "Seccomp:\t2"), "{status}");
    assert!(status.lines().any(|l| l == "NoNewPrivs:\t1"), "{status}");
    // A second one finds it busy and is told by whom.
    let mut second = home.start();
    assert!(matches!(second.hear(), FromChild::Busy { pid } if pid == Some(daemon.child.id())));
    second.ends(1);
    home.connect().ask(&ToDaemon::Lock);
    daemon.ends(0);
    assert_eq!(home.said(), "asked");
    assert!(home.dir.sockets().iter().all(|s| !s.check().unwrap()), "its socket is gone");
}

#[test]
fn the_end_of_the_parent_ends_nothing_that_was_opened_and_everything_that_was_not() {
    let (home, spec) = Home::with_store();
    let mut waiting = home.start();
    assert!(matches!(waiting.hear(), FromChild::Locked { .. }));
    waiting.pair = None;
    waiting.ends(0);
    assert_eq!(home.said(), "");
    let mut opened = home.open(&spec, "900000");
    opened.pair = None;
    std::thread::sleep(Duration::from_millis(1500));
    home.connect().ask(&ToDaemon::Lock);
    opened.ends(0);
}

#[test]
fn wrong_keys_a_strange_slot_and_rubbish_are_refused_each_by_name() {
    let (home, spec) = Home::with_store();
    let refused = |message: &ToChild, first: u8| {
        let mut daemon = home.start();
        assert!(matches!(daemon.hear(), FromChild::Locked { .. }));
        daemon.say(message);
        daemon.give_keys(first);
        let FromChild::Failed(failure) = daemon.hear() else { panic!("not refused") };
        daemon.ends(i32::from(failure.exit));
        (failure.code, failure.exit)
    };
    assert_eq!(refused(&open(&spec, Rollback::Refuse), 7), ("wrong_passphrase".into(), 1));
    let strange = SlotSpec::new(vec![Factor::Recovery], &mut OsRandom).unwrap();
    assert_eq!(refused(&open(&strange, Rollback::Refuse), 1).1, 5);
    // Making a store where there is one.
    let make = ToChild::Create {
        file_id: Hex([1; 16]),
        slots: vec![HexBytes(strange.encode())],
        zone: "UTC".into(),
        weak_memory: true,
        bell: false,
    };
    assert_eq!(refused(&make, 1), ("exists".into(), 1));
    assert_eq!(home.said(), "");
    // A header that can't be is refused before anybody is asked for anything.
    let whole = std::fs::read(home.dir.file()).unwrap();
    for (at, byte, code) in [(0, b'X', "bad_magic"), (7, 9, "version"), (8, 0xff, "bounds")] {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes[at + 3] = if code == "bounds" { 0xff } else { bytes[at + 3] };
        std::fs::write(home.dir.file(), &bytes).unwrap();
        let mut daemon = home.start();
        let FromChild::Failed(failure) = daemon.hear() else { panic!("not refused: {code}") };
        assert_eq!((failure.code.as_str(), failure.exit), (code, 5), "{failure}");
        daemon.ends(5);
    }
}

#[test]
fn a_vault_taken_back_is_surveyed_without_opening_anything() {
    let (home, spec) = Home::with_store();
    let show = |home: &Home| {
        let mut daemon = home.start();
        assert!(matches!(daemon.hear(), FromChild::Locked { .. }));
        daemon.say(&open(&spec, Rollback::Show));
        daemon.give_keys(1);
        let FromChild::RolledBack { files, .. } = daemon.hear() else { panic!("no survey") };
        daemon.ends(0);
        files
    };
    assert!(show(&home).is_empty());
    std::fs::remove_file(home.dir.real().join("vaults/main.svault")).unwrap();
    let files = show(&home);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].path.as_str(), files[0].state.as_str()), ("vaults/main.svault", "missing"));
    assert_eq!(home.said(), "", "nothing was opened, so nothing was locked");
}

#[test]
fn every_signal_that_ends_processes_locks() {
    use rustix::process::Signal;
    let (home, spec) = Home::with_store();
    for end in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut daemon = home.open(&spec, "900000");
        signal(&daemon, end);
        daemon.ends(0);
        assert_eq!(home.said(), "signal");
    }
}

#[test]
fn it_locks_when_no_human_does_anything() {
    let (home, spec) = Home::with_store();
    let mut daemon = home.open(&spec, "3000");
    let begun = Instant::now();
    let mut client = home.connect();
    // A human now and then, then none.
    while begun.elapsed() < Duration::from_secs(5) {
        client.ask(&ToDaemon::VerifyTrail);
        std::thread::sleep(Duration::from_millis(100));
    }
    daemon.ends(0);
    assert!(begun.elapsed() >= Duration::from_secs(7) && begun.elapsed() < Duration::from_secs(15));
    assert_eq!(home.said(), "idle");
}

#[test]
fn it_locks_when_nobody_can_reach_it_or_the_lock_is_no_longer_its_own() {
    let (home, spec) = Home::with_store();
    let mut daemon = home.open(&spec, "900000");
    let socket = home.dir.sockets().into_iter().find(|s| s.check().unwrap()).unwrap();
    std::fs::remove_file(socket.path()).unwrap();
    daemon.ends(0);
    assert_eq!(home.said(), "unreachable");
    let mut daemon = home.open(&spec, "900000");
    std::fs::remove_file(home.dir.lock()).unwrap();
    daemon.ends(0);
    assert_eq!(home.said(), "", "whoever has the store now writes to the same files");
}

#[test]
fn what_listens_there_without_the_lock_is_swept_away() {
    let (home, spec) = Home::with_store();
    let fakes: Vec<_> = home
        .dir
        .sockets()
        .iter()
        .map(|s| s.with_address(|at| std::os::unix::net::UnixListener::bind(at)).unwrap())
        .collect();
    let mut daemon = home.open(&spec, "900000");
    let found = home.dir.sockets().iter().filter(|s| s.check().unwrap()).count();
    assert_eq!(found, 1, "only its own");
    home.connect().ask(&ToDaemon::Lock);
    daemon.ends(0);
    drop(fakes);
}

#[test]
fn the_users_program_is_told_of_a_request_though_the_daemon_starts_nothing() {
    let (home, spec) = Home::with_store();
    let (program, heard) = (home.scratch.path().join("notify"), home.scratch.path().join("heard"));
    let mut file = std::fs::File::create(&program).unwrap();
    writeln!(file, "#!/bin/sh\necho \"$@\" > {0}.new && mv {0}.new {0}", heard.display()).unwrap();
    drop(file);
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let _daemon = home.open(&spec, "900000");
    home.connect().ask(&ToDaemon::Status);
    let until = Instant::now() + Duration::from_secs(20);
    while !Path::new(&heard).exists() {
        assert!(Instant::now() < until, "it was not told");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(std::fs::read_to_string(&heard).unwrap(), "00000007 unknown\n");
}

#[test]
fn by_hand_it_does_not_start() {
    let home = Home::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "daemon", "--nocapture"])
        .env("SV_DAEMON", home.dir.real())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(!home.dir.lock().exists(), "it took no lock");
}
