//! Who is at the other end, with real processes of an ordinary user: as root everything is readable and nothing is
//! proved, so there each test runs itself again as somebody else.
//!
//! The processes are this very program in a role (`role` below), started from shells that are, or are not, the
//! registered executable.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use svault_daemon::peer::{Changed, NoShell, Peer, PeerError, Watch};
use svault_daemon::session::{Callers, Session, Sessions, Who};
use svault_tests::need;
use svault_tests::scratch::{ORDINARY, Scratch, own};
use words::{CallerName, Evidence};

/// Runs a test as an ordinary user.
fn ordinary(name: &str, test: impl FnOnce(&mut House)) {
    if !rustix::process::geteuid().is_root() {
        return test(&mut House::new());
    }
    let scratch = Scratch::new(ORDINARY);
    let program = scratch.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    own(&program, ORDINARY);
    let user = ORDINARY.to_string();
    let status = Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups", "--no-new-privs"])
        .arg(&program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .current_dir("/")
        .status()
        .unwrap();
    assert!(status.success(), "{name} as an ordinary user: {status}");
}

/// A daemon's eyes, and an executable that is registered as `robot`.
struct House {
    scratch: Scratch,
    listener: UnixListener,
    watch: Arc<Watch>,
    sessions: Sessions,
    callers: Callers,
    robot: PathBuf,
}

impl House {
    fn new() -> Self {
        // As the daemon: unreadable to its own user, and reading others all the same.
        assert!(secret::set_dumpable(false));
        let scratch = Scratch::new(rustix::process::geteuid().as_raw());
        let listener = UnixListener::bind(scratch.path().join("s")).unwrap();
        let robot = scratch.path().join("robot");
        std::fs::copy("/bin/bash", &robot).unwrap();
        let mut house = Self {
            watch: Watch::new().unwrap(),
            sessions: Sessions::new(),
            callers: Callers::new(),
            scratch,
            listener,
            robot: robot.clone(),
        };
        house.register("robot", &robot);
        house
    }

    fn register(&mut self, name: &str, exe: &Path) {
        let exe = vec![exe.to_str().unwrap().to_owned()];
        let caller = policy::Caller { exe, scopes: Vec::new(), rate: None, verified: false };
        self.callers.insert(name.parse().unwrap(), caller);
    }

    fn copy(&self, name: &str) -> PathBuf {
        let to = self.scratch.path().join(name);
        std::fs::copy("/bin/bash", &to).unwrap();
        to
    }

    /// A line in a shell that is this program. The `:` at its end keeps the shell from becoming the last command.
    fn start(&self, shell: &Path, line: &str) -> Running {
        let mut command = Command::new(shell);
        command.args(["--norc", "-c", &format!("{line}\n:")]);
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Running {
        let me = std::env::current_exe().unwrap();
        let child = command
            .env("ME", format!("{} --exact role --nocapture --test-threads=1", me.display()))
            .env("SOCKET", self.scratch.path().join("s"))
            .env("ROBOT", &self.robot)
            .env("DIR", self.scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Running(child)
    }

    /// The next connection, after its hello.
    fn accept(&self) -> Caller {
        let mut stream = self.accept_stream();
        stream.read_exact(&mut [0]).unwrap();
        let peer = Peer::of(&stream, &self.watch).unwrap();
        Caller { stream, peer }
    }

    fn accept_stream(&self) -> UnixStream {
        self.listener.set_nonblocking(true).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                Err(e) => panic!("nobody connects: {e}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn who(&self, peer: &Peer) -> Who {
        self.sessions.who(peer, &self.callers, None)
    }

    fn claiming(&self, peer: &Peer, claim: &str) -> Who {
        self.sessions.who(peer, &self.callers, Some(&name(claim)))
    }
}

/// A connection and who made it.
struct Caller {
    stream: UnixStream,
    peer: Peer,
}

impl Caller {
    /// Lets the process go on with its role, and waits for its next sign.
    fn go_on(&mut self) {
        self.stream.write_all(b".").unwrap();
        self.stream.read_exact(&mut [0]).unwrap();
    }

    /// The same, where the process will give no sign.
    fn go(&mut self) {
        self.stream.write_all(b".").unwrap();
    }

    /// Waits until looking again finds a difference.
    fn changed(&self) -> Changed {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            match self.peer.recheck() {
                Err(changed) => return changed,
                Ok(()) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                Ok(()) => panic!("nothing has changed"),
            }
        }
    }
}

/// A process and all that it started in its group; ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

fn name(text: &str) -> CallerName {
    text.parse().unwrap()
}

fn named(who: &Who) -> Vec<(&str, Evidence)> {
    who.named.iter().map(|n| (n.name.as_str(), n.evidence)).collect()
}

#[track_caller]
fn is_robot(who: &Who) {
    assert_eq!(named(who), [("robot", Evidence::Matched)], "{:?}", who.process);
    assert_eq!(who.session.key(), "matched:robot");
    assert!(who.anchor.is_some());
}

#[track_caller]
fn is_nobody(who: &Who) {
    assert_eq!(named(who), [], "{:?}", who.process);
    assert_eq!(
        (who.session.key(), who.caller(), who.evidence()),
        ("unknown".into(), "unknown", Evidence::Claimed)
    );
    assert!(who.anchor.is_none());
}

/// Not a test: what the started processes do. `SV_ROLE` says which role.
#[test]
fn role() {
    let Ok(role) = std::env::var("SV_ROLE") else { return };
    let mut stream = UnixStream::connect(std::env::var("SOCKET").unwrap()).unwrap();
    let mut wait = {
        let mut stream = stream.try_clone().unwrap();
        move || stream.read(&mut [0]).unwrap_or(0)
    };
    let robot = std::env::var("ROBOT").unwrap();
    match role.as_str() {
        "connect" => {
            stream.write_all(b"h").unwrap();
            wait();
        }
        // Says hello, becomes unreadable as clients do, says so, starts another client.
        "hide" => {
            stream.write_all(b"h").unwrap();
            wait();
            assert!(secret::set_dumpable(false));
            stream.write_all(b"x").unwrap();
            wait();
            let line = format!("SV_ROLE=connect {}", std::env::var("ME").unwrap());
            let _ = Command::new("/bin/sh").args(["-c", &line]).status();
        }
        // Hides, starts a client below it, and shows itself again when it is told to.
        "veil" => {
            assert!(secret::set_dumpable(false));
            let line = format!("SV_ROLE=connect {}", std::env::var("ME").unwrap());
            let mut child = Command::new("/bin/sh").args(["-c", &line]).spawn().unwrap();
            let go = PathBuf::from(std::env::var("DIR").unwrap()).join("go");
            while !go.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(secret::set_dumpable(true));
            let _ = child.wait();
        }
        // Becomes the registered program, and keeps the connection.
        "exec" => {
            stream.write_all(b"h").unwrap();
            wait();
            rustix::io::fcntl_setfd(&stream, rustix::io::FdFlags::empty()).unwrap();
            panic!("{}", Command::new(robot).args(["--norc", "-c", "sleep 20\n:"]).exec());
        }
        // Connects; a child of its own keeps the connection; it ends.
        "leave" => {
            rustix::io::fcntl_setfd(&stream, rustix::io::FdFlags::empty()).unwrap();
            stream.write_all(b"h").unwrap();
            let _child = Command::new("sleep").arg("20").spawn().unwrap();
            wait();
            std::process::exit(0);
        }
        // As `svault agent start` does: a subreaper, and what it starts.
        "launch" => {
            stream.write_all(b"h").unwrap();
            wait();
            rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1)).unwrap();
            assert!(secret::set_dumpable(false));
            let line = format!("setsid -f /bin/sh -c 'SV_ROLE=connect {}\n:'", std::env::var("ME").unwrap());
            let _ = Command::new("/bin/sh").args(["-c", &line]).status();
            stream.write_all(b"x").unwrap();
            wait();
            std::process::exit(0);
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn the_registered_executable_is_matched_by_inode() {
    ordinary("the_registered_executable_is_matched_by_inode", |house| {
        for line in ["SV_ROLE=connect $ME", "/bin/sh -c 'SV_ROLE=connect $ME\n:'"] {
            let _running = house.start(&house.robot, line);
            let caller = house.accept();
            is_robot(&house.who(&caller.peer));
            caller.peer.recheck().unwrap();
        }
        // A link is another path to the same file.
        let link = house.scratch.path().join("link");
        std::os::unix::fs::symlink(&house.robot, &link).unwrap();
        let _running = house.start(&link, "SV_ROLE=connect $ME");
        is_robot(&house.who(&house.accept().peer));
    });
}

#[test]
fn a_name_that_is_only_said_stays_claimed_and_adds_no_right() {
    ordinary("a_name_that_is_only_said_stays_claimed_and_adds_no_right", |house| {
        let _running = house.start("/bin/bash".as_ref(), "SV_ROLE=connect $ME");
        let caller = house.accept();
        is_nobody(&house.who(&caller.peer));
        let who = house.claiming(&caller.peer, "robot");
        assert_eq!(named(&who), [("robot", Evidence::Claimed)]);
        assert_eq!(who.session, Session::Unknown, "a claim makes no session of its own");

        let _running = house.start(&house.robot, "SV_ROLE=connect $ME");
        let caller = house.accept();
        let who = house.claiming(&caller.peer, "other");
        assert_eq!(named(&who), [("robot", Evidence::Matched), ("other", Evidence::Claimed)]);
        assert_eq!(who.session.key(), "matched:robot");
        is_robot(&house.claiming(&caller.peer, "robot"));
    });
}

#[test]
fn a_copy_or_a_name_of_its_own_choosing_is_not_matched() {
    ordinary("a_copy_or_a_name_of_its_own_choosing_is_not_matched", |house| {
        let copy = house.copy("copy");
        let _running = house.start(&copy, "SV_ROLE=connect $ME");
        is_nobody(&house.who(&house.accept().peer));
        let _running = house.start(&copy, "exec -a \"$ROBOT\" /bin/sh -c 'SV_ROLE=connect $ME\n:'");
        is_nobody(&house.who(&house.accept().peer));
        // The file itself was replaced while it ran: what runs is no longer what is registered.
        let running = house.start(&house.robot, "SV_ROLE=connect $ME");
        let caller = house.accept();
        std::fs::rename(&copy, &house.robot).unwrap();
        is_nobody(&house.who(&caller.peer));
        drop(running);
    });
}

#[test]
fn the_svault_process_itself_is_no_evidence() {
    ordinary("the_svault_process_itself_is_no_evidence", |house| {
        house.register("robot", &std::env::current_exe().unwrap());
        // Not this test's child either: it runs that very file too.
        let line =
            "setsid -f /bin/sh -c 'while [ ! -e $DIR/go ]; do sleep 0.01; done; SV_ROLE=connect exec $ME'";
        let mut running = house.start("/bin/bash".as_ref(), line);
        running.0.wait().unwrap();
        std::fs::write(house.scratch.path().join("go"), "").unwrap();
        let caller = house.accept();
        let mine: Vec<_> = caller.peer.parents().iter().map(|p| p.pid).collect();
        assert!(!mine.contains(&std::process::id()), "{mine:?}");
        is_nobody(&house.who(&caller.peer));
    });
}

#[test]
fn a_bind_mount_in_a_user_namespace_is_not_matched() {
    need!(Linux, UserNamespaces);
    ordinary("a_bind_mount_in_a_user_namespace_is_not_matched", |house| {
        let copy = house.copy("copy");
        let mounted = format!(
            "unshare -Ur -m /bin/sh -c 'mount --bind {} \"$ROBOT\" && \"$ROBOT\" --norc -c \"SV_ROLE=connect \\$ME\n:\"'",
            copy.display()
        );
        let _running = house.start("/bin/bash".as_ref(), &mounted);
        let caller = house.accept();
        let parent = &caller.peer.parents()[0];
        assert_eq!(
            parent.exe.as_ref().unwrap().path,
            house.robot.to_str().unwrap(),
            "it prints the registered path"
        );
        is_nobody(&house.who(&caller.peer));
        // The real file is not seen as ours there either: what it loads may be anything.
        let real = "unshare -Ur -m \"$ROBOT\" --norc -c 'SV_ROLE=connect $ME\n:'";
        let _running = house.start("/bin/bash".as_ref(), real);
        let caller = house.accept();
        assert!(caller.peer.foreign());
        is_nobody(&house.who(&caller.peer));
        // Nor is a child that an honest one has put there.
        let _running = house.start(&house.robot, "unshare -Ur -m /bin/sh -c 'SV_ROLE=connect $ME\n:'");
        is_nobody(&house.who(&house.accept().peer));
    });
}

#[test]
fn another_pid_namespace_is_not_matched_and_is_known_for_what_it_is() {
    need!(Linux, UserNamespaces);
    ordinary("another_pid_namespace_is_not_matched_and_is_known_for_what_it_is", |house| {
        let line = "unshare -Ur -p -f --mount-proc \"$ROBOT\" --norc -c 'SV_ROLE=hide $ME\n:'";
        let _running = house.start(&house.robot, line);
        let mut caller = house.accept();
        assert!(caller.peer.foreign());
        is_nobody(&house.who(&caller.peer));
        assert!(matches!(caller.peer.shell(), Err(NoShell::Foreign)));
        caller.go_on();
        assert!(Peer::of(&caller.stream, &house.watch).unwrap().foreign());
    });
}

#[test]
fn a_container_that_hides_its_namespaces_is_foreign_all_the_same() {
    if std::env::var_os("SV_MEET").is_none() {
        need!(Linux, Root);
    }
    let name = "a_container_that_hides_its_namespaces_is_foreign_all_the_same";
    if let Some(meet) = std::env::var_os("SV_MEET").map(PathBuf::from) {
        // As an ordinary user: says where it listens, and looks at who comes from the container.
        let house = House::new();
        std::fs::write(meet.join("new"), house.scratch.path().to_str().unwrap()).unwrap();
        std::fs::rename(meet.join("new"), meet.join("socket")).unwrap();
        let mut caller = house.accept();
        caller.go_on();
        let hidden = Peer::of(&caller.stream, &house.watch).unwrap();
        assert!(hidden.process().namespaces.is_none(), "it can't be read");
        assert!(hidden.foreign());
        return;
    }
    let meet = Scratch::new(ORDINARY);
    let program = meet.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    own(&program, ORDINARY);
    let user = ORDINARY.to_string();
    let drop_to = ["--reuid", &user, "--regid", &user, "--clear-groups"];
    let mut looks = Command::new("setpriv");
    looks.args(drop_to).arg(&program).args(["--exact", name, "--nocapture"]).env("SV_MEET", meet.path());
    let mut looks = looks.current_dir("/").spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let folder = loop {
        match std::fs::read_to_string(meet.path().join("socket")) {
            Ok(folder) => break PathBuf::from(folder),
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Err(e) => panic!("{e}"),
        }
    };
    // Processes of the same user, in a pid namespace that root has made.
    let mut command = Command::new("unshare");
    command.args(["-p", "-f", "setpriv"]).args(drop_to).arg(&program).args([
        "--exact",
        "role",
        "--nocapture",
    ]);
    command.env("SV_ROLE", "hide").env("SOCKET", folder.join("s")).env("ROBOT", "").env("ME", "true");
    let running = Running(command.current_dir("/").process_group(0).spawn().unwrap());
    assert!(looks.wait().unwrap().success());
    drop(running);
}

#[test]
fn becoming_the_executable_after_connecting_is_not_matched() {
    ordinary("becoming_the_executable_after_connecting_is_not_matched", |house| {
        let _running = house.start("/bin/bash".as_ref(), "SV_ROLE=exec $ME");
        let mut caller = house.accept();
        caller.peer.recheck().unwrap();
        caller.go();
        assert_eq!(caller.changed(), Changed::Program);
        let again = Peer::of(&caller.stream, &house.watch).unwrap();
        assert_eq!(again.process().exe.as_ref().unwrap().path, house.robot.to_str().unwrap());
        is_nobody(&house.who(&again));
    });
}

#[test]
fn a_parent_that_becomes_the_executable_is_noticed() {
    ordinary("a_parent_that_becomes_the_executable_is_noticed", |house| {
        let line = "(SV_ROLE=connect $ME) & while [ ! -e $DIR/go ]; do sleep 0.01; done; exec $ROBOT --norc -c 'sleep 20\n:'";
        let _running = house.start("/bin/bash".as_ref(), line);
        let caller = house.accept();
        is_nobody(&house.who(&caller.peer));
        std::fs::write(house.scratch.path().join("go"), "").unwrap();
        assert_eq!(caller.changed(), Changed::Parents);
        is_nobody(&house.who(&caller.peer));
    });
}

#[test]
fn a_parent_that_shows_itself_later_is_noticed() {
    ordinary("a_parent_that_shows_itself_later_is_noticed", |house| {
        let _running = house.start(&house.robot, "SV_ROLE=veil $ME");
        let _veil = house.accept_stream();
        let caller = house.accept();
        is_nobody(&house.who(&caller.peer));
        assert!(caller.peer.line_ends_at().is_some());
        caller.peer.recheck().unwrap();
        std::fs::write(house.scratch.path().join("go"), "").unwrap();
        assert_eq!(caller.changed(), Changed::Parents);
    });
}

#[test]
fn a_parent_that_leaves_for_another_namespace_is_noticed() {
    need!(Linux, UserNamespaces);
    ordinary("a_parent_that_leaves_for_another_namespace_is_noticed", |house| {
        // The same program at both ends of the exec: only its namespaces are others.
        let line = "(SV_ROLE=connect $ME) & while [ ! -e $DIR/go ]; do sleep 0.01; done; \
                    exec unshare -Ur $ROBOT --norc -c 'sleep 20\n:'";
        let running = house.start(&house.robot, line);
        let caller = house.accept();
        is_robot(&house.who(&caller.peer));
        caller.peer.recheck().unwrap();
        std::fs::write(house.scratch.path().join("go"), "").unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let parent = running.0.id();
        let namespace = || std::fs::read_link(format!("/proc/{parent}/ns/user")).unwrap();
        let exe = || std::fs::read_link(format!("/proc/{parent}/exe")).unwrap();
        let ours = std::fs::read_link("/proc/self/ns/user").unwrap();
        while namespace() == ours || exe() != house.robot {
            assert!(Instant::now() < until, "it stays");
            std::thread::sleep(Duration::from_millis(5));
        }
        // Before the record programs are enough; nothing is released without the whole of it.
        caller.peer.recheck_programs().unwrap();
        assert_eq!(caller.peer.recheck(), Err(Changed::Parents));
    });
}

/// Two clients, one after the other, of a shell whose parent is `robot`; the second one when `$DIR/again` is there.
const TWICE: &str = "/bin/sh -c 'SV_ROLE=connect $ME; while [ ! -e $DIR/again ]; do sleep 0.01; done; \
                     SV_ROLE=connect $ME; :' & ";

#[test]
fn what_was_seen_of_a_parent_is_not_believed_later() {
    ordinary("what_was_seen_of_a_parent_is_not_believed_later", |house| {
        let copy = house.copy("copy");
        let line = format!(
            "{TWICE} while [ ! -e $DIR/go ]; do sleep 0.01; done; exec {} --norc -c 'sleep 20\n:'",
            copy.display()
        );
        let running = house.start(&house.robot, &line);
        let mut first = house.accept();
        is_robot(&house.who(&first.peer));
        std::fs::write(house.scratch.path().join("go"), "").unwrap();
        assert_eq!(first.changed(), Changed::Parents);
        let exe = || std::fs::read_link(format!("/proc/{}/exe", running.0.id())).unwrap();
        assert_eq!(exe(), copy);
        first.go();
        std::fs::write(house.scratch.path().join("again"), "").unwrap();
        is_nobody(&house.who(&house.accept().peer));
    });
}

#[test]
fn a_grandparent_that_ended_vouches_for_nobody_later() {
    ordinary("a_grandparent_that_ended_vouches_for_nobody_later", |house| {
        let mut running = house.start(&house.robot, &format!("{TWICE} sleep 20"));
        let mut first = house.accept();
        is_robot(&house.who(&first.peer));
        // While all is as it was, the next one is known just as well.
        is_robot(&house.who(&Peer::of(&first.stream, &house.watch).unwrap()));
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        assert_eq!(first.changed(), Changed::Parents);
        first.go();
        std::fs::write(house.scratch.path().join("again"), "").unwrap();
        is_nobody(&house.who(&house.accept().peer));
    });
}

#[test]
fn a_double_fork_is_not_matched() {
    ordinary("a_double_fork_is_not_matched", |house| {
        let line =
            "setsid -f /bin/sh -c 'while [ ! -e $DIR/go ]; do sleep 0.01; done; SV_ROLE=connect $ME\n:'";
        let mut running = house.start(&house.robot, line);
        running.0.wait().unwrap();
        std::fs::write(house.scratch.path().join("go"), "").unwrap();
        let caller = house.accept();
        is_nobody(&house.who(&caller.peer));
    });
}

#[test]
fn a_parent_that_ends_is_noticed_and_the_match_ends_with_it() {
    ordinary("a_parent_that_ends_is_noticed_and_the_match_ends_with_it", |house| {
        let mut running = house.start(&house.robot, "(SV_ROLE=connect setsid $ME) & sleep 20");
        let caller = house.accept();
        let who = house.who(&caller.peer);
        is_robot(&who);
        assert!(who.anchor.as_ref().unwrap().alive());
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        assert_eq!(caller.changed(), Changed::Parents);
        assert!(!who.anchor.unwrap().alive());
        is_nobody(&house.who(&Peer::of(&caller.stream, &house.watch).unwrap()));
    });
}

#[test]
fn a_dead_peer_is_noticed_though_its_connection_lives_on() {
    ordinary("a_dead_peer_is_noticed_though_its_connection_lives_on", |house| {
        let _running = house.start(&house.robot, "SV_ROLE=leave $ME");
        let mut caller = house.accept();
        caller.peer.recheck().unwrap();
        caller.go();
        assert_eq!(caller.changed(), Changed::Ended);
        assert!(matches!(Peer::of(&caller.stream, &house.watch), Err(PeerError::Gone)));
        assert!(!caller.peer.held().alive());
    });
}

#[test]
fn a_client_that_hides_itself_stays_who_it_was() {
    ordinary("a_client_that_hides_itself_stays_who_it_was", |house| {
        let _running = house.start(&house.robot, "SV_ROLE=hide $ME");
        let mut first = house.accept();
        first.go_on();
        first.peer.recheck().unwrap();
        let again = Peer::of(&first.stream, &house.watch).unwrap();
        assert!(again.process().exe.is_none(), "it can't be read any more");
        is_robot(&house.who(&again));
        // The line of its children goes through it only because its hello was seen.
        first.go();
        let second = house.accept();
        is_nobody(&house.who(&second.peer));
        assert_eq!(second.peer.line_ends_at(), Some(first.peer.held().key()));
        first.peer.saw_hello();
        is_robot(&house.who(&Peer::of(&second.stream, &house.watch).unwrap()));
    });
}

#[test]
fn what_a_launcher_started_is_launched_however_it_forks() {
    ordinary("what_a_launcher_started_is_launched_however_it_forks", |house| {
        let _running = house.start(&house.robot, "SV_ROLE=launch $ME");
        let mut launcher = house.accept();
        let id = words::Id::random().unwrap();
        let launch = house.sessions.launch(&launcher.peer, name("agent"), id).unwrap();
        assert!(
            house.sessions.launch(&launcher.peer, name("agent"), id).is_err(),
            "one process is one launch"
        );
        launcher.go_on();
        let child = house.accept();
        let who = house.who(&child.peer);
        // What stands above the launcher was there when the human vouched for it.
        assert_eq!(named(&who), [("agent", Evidence::Launched)]);
        assert_eq!(who.session, Session::Launched(launch.id));
        assert_eq!(who.anchor.as_ref().unwrap().key(), launcher.peer.held().key());
        assert_eq!(house.sessions.agents_above(&child.peer, &house.callers), ["agent"]);
        // A claim beside it is one more name.
        assert_eq!(named(&house.claiming(&child.peer, "robot")).len(), 2);
        // Others are not launched, and the launcher itself isn't either.
        is_robot(&house.who(&launcher.peer));
        // It ends with the launcher.
        launcher.go();
        assert_eq!(child.changed(), Changed::Parents);
        assert!(house.sessions.running().is_empty());
        is_nobody(&house.who(&Peer::of(&child.stream, &house.watch).unwrap()));
    });
}

#[test]
fn several_matches_all_count_and_the_outermost_gives_the_session() {
    ordinary("several_matches_all_count_and_the_outermost_gives_the_session", |house| {
        let inner = house.copy("inner");
        house.register("inner", &inner);
        let line = format!("{} --norc -c 'SV_ROLE=connect $ME\n:'", inner.display());
        let _running = house.start(&house.robot, &line);
        let who = house.who(&house.accept().peer);
        let mut names = named(&who);
        names.sort();
        assert_eq!(names, [("inner", Evidence::Matched), ("robot", Evidence::Matched)]);
        assert_eq!(who.session.key(), "matched:robot");
    });
}

#[test]
fn another_user_is_refused() {
    need!(Linux, Root);
    let house = House::new();
    std::fs::set_permissions(house.scratch.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let socket = house.scratch.path().join("s");
    std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let program = house.scratch.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let user = ORDINARY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]).arg(&program);
    command.args(["--exact", "role", "--nocapture"]).env("SV_ROLE", "connect").current_dir("/");
    let _running = house.run(command);
    let (stream, _) = house.listener.accept().unwrap();
    assert!(matches!(Peer::of(&stream, &house.watch), Err(PeerError::OtherUser { uid: ORDINARY })));
}

/// A line in the first process of a new terminal.
fn terminal(house: &House, shell: &Path, line: &str) -> Running {
    let mut command = Command::new("script");
    let line = format!("{} --norc -c '{line}\n:'", shell.display());
    command.args(["-q", "-c", &format!("exec {line}"), "/dev/null"]).env("SHELL", "/bin/sh");
    house.run(command)
}

#[test]
fn a_window_hangs_on_a_login_shell_and_on_nothing_else() {
    need!(Linux, Script);
    ordinary("a_window_hangs_on_a_login_shell_and_on_nothing_else", |house| {
        let bash: &Path = "/bin/bash".as_ref();
        // With job control, as in a human's shell: a job of its own, in the foreground.
        let first = terminal(house, bash, "set -m; SV_ROLE=connect $ME; SV_ROLE=connect $ME & sleep 20");
        let mut caller = house.accept();
        let shell = caller.peer.shell().unwrap();
        assert_eq!(shell.key(), caller.peer.parents()[0].key());
        assert!(caller.peer.in_foreground() && caller.peer.own_job());
        assert!(shell.serves(&caller.peer));
        assert_ne!(caller.peer.wire().tty, 0);
        // In the background it is the same shell, which does not serve it.
        caller.go();
        let caller = house.accept();
        assert_eq!(caller.peer.shell().unwrap().key(), shell.key());
        assert!(!caller.peer.in_foreground() && !shell.serves(&caller.peer));
        // `$(…)` runs in the shell's own group.
        let _second = terminal(house, bash, "set -m; x=$(SV_ROLE=connect $ME); sleep 20");
        let caller = house.accept();
        assert!(!caller.peer.own_job());
        assert!(!shell.serves(&caller.peer), "another shell's child");
        // A script or make between, a shell that anybody may write, no terminal at all.
        let _third = terminal(house, bash, "set -m; /bin/sh -c \"SV_ROLE=connect $ME; :\"; sleep 20");
        assert!(matches!(house.accept().peer.shell(), Err(NoShell::NotTheLeader)));
        let _fourth = terminal(house, &house.robot, "SV_ROLE=connect $ME; sleep 20");
        assert!(matches!(house.accept().peer.shell(), Err(NoShell::NotAShell)));
        let _fifth = house.start(bash, "SV_ROLE=connect setsid -w $ME");
        assert!(matches!(house.accept().peer.shell(), Err(NoShell::NoTerminal)));
        // The shell ends, and the window with it.
        drop(first);
        let until = Instant::now() + Duration::from_secs(20);
        while shell.alive() {
            assert!(Instant::now() < until, "the shell lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}
