//! The socket under clients that are slow, silent, many, or wrong. Time is the runtime's: it passes when nobody can do
//! anything, so what must not wait for ever is seen at once.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use svault_daemon::conn::ConnError;
use svault_daemon::listen::{Connected, ListenError, Listener};
use svault_daemon::peer::Watch;
use svault_tests::scratch::Scratch;
use tokio::task::LocalSet;
use wire::frame::{self, Accept, Frame, Kind};
use wire::paths::StoreDir;
use wire::{FromDaemon, ToDaemon};
use words::Door;

struct House {
    scratch: Scratch,
    dir: StoreDir,
}

impl House {
    fn new() -> Self {
        let scratch = Scratch::new(rustix::process::geteuid().as_raw());
        let dir = StoreDir::create(&scratch.path().join("store")).unwrap();
        Self { scratch, dir }
    }

    /// In the store, wherever this machine would put it.
    fn place(&self) -> wire::paths::Socket {
        std::fs::create_dir_all(self.dir.state()).unwrap();
        std::fs::set_permissions(self.dir.state(), PermissionsExt::from_mode(0o700)).unwrap();
        self.dir.sockets().pop().unwrap()
    }

    fn path(&self) -> PathBuf {
        self.place().path()
    }

    /// Serves status requests with `Done` while `clients` runs on a thread of its own.
    fn serve<T: Send + 'static>(&self, clients: impl FnOnce(PathBuf) -> T + Send + 'static) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (place, path) = (self.place(), self.path());
        LocalSet::new().block_on(&runtime, async move {
            let listener = Listener::bind(&place).unwrap();
            let watch = Watch::new().unwrap();
            let work = tokio::task::spawn_blocking(move || clients(path));
            tokio::select! {
                () = listener.serve(&watch, "0123456789abcdef", answer) => panic!("it stopped"),
                done = work => done.unwrap(),
            }
        })
    }
}

async fn answer(mut connected: Connected) {
    while let Ok(Some(frame)) = connected.conn.next(Accept::CONTROL).await {
        match frame.message() {
            Ok(ToDaemon::Status) => connected.conn.send(&FromDaemon::Done { id: None }).await.unwrap(),
            _ => return,
        }
    }
}

fn hello() -> ToDaemon {
    ToDaemon::Hello { version: wire::VERSION, door: Door::Cli, caller: None }
}

/// A connection after its hello.
fn connect(path: &PathBuf) -> UnixStream {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    frame::write_control(&mut stream, &hello()).unwrap();
    let said: FromDaemon = frame::read_control(&mut stream).unwrap().unwrap();
    assert!(matches!(said, FromDaemon::Hello { pid, .. } if pid == std::process::id()));
    stream
}

fn status(stream: &mut UnixStream) -> Result<(), frame::Error> {
    frame::write_control(stream, &ToDaemon::Status)?;
    match frame::read_control(stream)? {
        Some(FromDaemon::Done { .. }) => Ok(()),
        _ => Err(frame::Error::Closed),
    }
}

fn refused(stream: &mut UnixStream) -> String {
    match frame::read_control(stream).unwrap() {
        Some(FromDaemon::Error(failure)) => failure.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_hello_of_another_version_or_none_is_refused() {
    House::new().serve(|path| {
        let mut stream = UnixStream::connect(&path).unwrap();
        let other = ToDaemon::Hello { version: 99, door: Door::Cli, caller: None };
        frame::write_control(&mut stream, &other).unwrap();
        assert_eq!(refused(&mut stream), "version");
        for first in [&b"\x08\0\0\0\0{\"x\":1}"[..], &b"\x02\0\0\0\x01x"[..], &b"\x02\0\0\0\x02x"[..]] {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(first).unwrap();
            assert_eq!(refused(&mut stream), "bad_message");
        }
        let mut stream = connect(&path);
        status(&mut stream).unwrap();
    });
}

#[test]
fn a_length_that_cannot_be_is_refused_before_anything_is_allocated() {
    House::new().serve(|path| {
        for head in [[255, 255, 255, 255, 0], [0, 0, 0, 0, 0], [9, 0, 0, 0, 77]] {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(&head).unwrap();
            let mut rest = Vec::new();
            // Closed or reset; nothing else.
            let _ = stream.read_to_end(&mut rest);
            assert!(rest.is_empty());
        }
    });
}

#[test]
fn a_thousand_idle_connections_are_in_nobodys_way() {
    House::new().serve(|path| {
        rlimit();
        let mut idle: Vec<UnixStream> = (0..1000).map(|_| connect(&path)).collect();
        for _ in 0..10 {
            status(&mut connect(&path)).unwrap();
        }
        // Many more: those that did nothing for longest make room, and nobody is turned away.
        for _ in 0..300 {
            idle.push(connect(&path));
        }
        status(&mut connect(&path)).unwrap();
        assert!(status(&mut idle[0]).is_err(), "the first was to make room");
        status(idle.last_mut().unwrap()).unwrap();
    });
}

fn rlimit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: now.maximum.map(|m| m.min(16384)).or(Some(16384)), ..now })
        .unwrap();
}

#[test]
fn the_socket_is_private_and_sweeps_what_was_there() {
    let house = House::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = house.path();
        let _fake = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let listener = Listener::bind(&house.place()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(listener.reachable());
        // Somebody moves it away, and puts another one there.
        std::fs::rename(&path, house.scratch.path().join("moved")).unwrap();
        assert!(!listener.reachable());
        let _fake = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(!listener.reachable());
        drop(listener);
        assert!(path.exists(), "what is not its own it leaves alone");
        // A folder that others may enter is no place for it.
        std::fs::set_permissions(house.dir.state(), PermissionsExt::from_mode(0o755)).unwrap();
        let place = house.dir.sockets().pop().unwrap();
        assert!(matches!(Listener::bind(&place), Err(ListenError::Folder { .. })));
    });
}

#[test]
fn a_path_longer_than_an_address_works_all_the_same() {
    let scratch = Scratch::new(rustix::process::geteuid().as_raw());
    let deep = scratch.path().join("a-long-name-of-a-folder/".repeat(6));
    let dir = StoreDir::create(&deep.join("store")).unwrap();
    let house = House { scratch, dir };
    let place = house.place();
    assert!(place.path().as_os_str().len() > 108);
    house.serve(move |_| {
        let mut stream = place.with_address(|at| UnixStream::connect(at)).unwrap();
        frame::write_control(&mut stream, &hello()).unwrap();
        assert!(matches!(frame::read_control(&mut stream).unwrap(), Some(FromDaemon::Hello { .. })));
    });
    assert!(!house.path().exists(), "it goes with the listener");
}

/// What becomes of a connection that did `first` and then nothing, on a runtime whose time flies.
fn left_alone(first: &[u8], greeted: bool) -> (Result<Option<Kind>, ConnError>, Duration) {
    let house = House::new();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = Listener::bind(&house.place()).unwrap();
        let watch = Watch::new().unwrap();
        let mut stream = UnixStream::connect(house.path()).unwrap();
        if greeted {
            frame::write_control(&mut stream, &hello()).unwrap();
        }
        stream.write_all(first).unwrap();
        let begun = tokio::time::Instant::now();
        let (tell, told) = tokio::sync::oneshot::channel();
        let tell = Rc::new(std::cell::Cell::new(Some(tell)));
        let handler = move |mut c: Connected| {
            let tell = Rc::clone(&tell);
            async move {
                let got = c.conn.next(Accept::CONTROL).await;
                let got = got.map(|f| {
                    f.map(|f| if matches!(f, Frame::Control(_)) { Kind::Control } else { Kind::Raw })
                });
                tell.take().unwrap().send(got).unwrap();
            }
        };
        stream.set_nonblocking(true).unwrap();
        let closed = async {
            let mut rest = [0; 4096];
            loop {
                match stream.read(&mut rest) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = listener.serve(&watch, "0123456789abcdef", handler) => panic!("it stopped"),
            () = closed => {}
            () = tokio::time::sleep(Duration::from_secs(3600)) => return (Ok(None), begun.elapsed()),
        }
        (told.await.unwrap_or(Err(ConnError::Slow)), begun.elapsed())
    })
}

#[test]
fn who_says_no_hello_is_let_go() {
    let (end, after) = left_alone(b"", false);
    assert!(matches!(end, Err(ConnError::Slow)));
    assert!(after >= Duration::from_secs(4) && after < Duration::from_secs(7), "{after:?}");
    let (_, after) = left_alone(b"\x20\0\0\0\0{\"type", false);
    assert!(after < Duration::from_secs(7), "{after:?}");
}

#[test]
fn a_frame_that_stays_half_is_cut() {
    let (end, after) = left_alone(b"\x20\0\0\0\0{\"type", true);
    assert!(matches!(end, Err(ConnError::Slow)), "{end:?}");
    assert!(after >= Duration::from_secs(9) && after < Duration::from_secs(12), "{after:?}");
}

#[test]
fn who_is_only_idle_may_stay() {
    let (_, after) = left_alone(b"", true);
    assert!(after >= Duration::from_secs(3600), "{after:?}");
}

#[test]
fn an_answer_that_nobody_takes_ends_the_connection() {
    let house = House::new();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = Listener::bind(&house.place()).unwrap();
        let watch = Watch::new().unwrap();
        let mut stream = UnixStream::connect(house.path()).unwrap();
        frame::write_control(&mut stream, &hello()).unwrap();
        let (tell, told) = tokio::sync::oneshot::channel();
        let tell = Rc::new(std::cell::Cell::new(Some(tell)));
        let handler = move |mut c: Connected| {
            let tell = Rc::clone(&tell);
            async move {
                let big = vec![0; frame::RAW_MAX];
                let end = loop {
                    if let Err(e) = c.conn.write(Kind::Raw, &big).await {
                        break e;
                    }
                };
                tell.take().unwrap().send(end).unwrap();
            }
        };
        tokio::select! {
            () = listener.serve(&watch, "0123456789abcdef", handler) => panic!("it stopped"),
            end = told => assert!(matches!(end.unwrap(), ConnError::Slow)),
        }
    });
}
