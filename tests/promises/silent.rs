//! A daemon that says nothing: the human is told soon, and `lock` ends it without losing anything.

use rustix::process::Signal;
use svault_tests::sandbox::GOOD_REASON;
use svault_tests::{Sandbox, need, processes};

const VALUE: &str = "sk-test-silent-4b90";

#[test]
fn a_stopped_daemon_is_named_and_lock_ends_it() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
    assert_eq!(sandbox.get("LOW").text(), VALUE);
    let pid = sandbox.daemon().expect("a daemon");
    processes::signal(pid, Signal::STOP);
    let said = sandbox.run(&["lock", "--json"]).ok();
    assert_eq!(said.json()["killed"], pid, "{}", said.all());
    sandbox.wait_for("its end", || !processes::lives(pid));
    // Nothing acknowledged is lost: neither the secret nor the record of its release.
    let _ = sandbox.unlock();
    assert_eq!(sandbox.get("LOW").text(), VALUE);
    assert_eq!(sandbox.trail().iter().filter(|e| e["event"] == "allow").count(), 2);
    // The human hears about it before that, and what helps.
    let pid = sandbox.daemon().expect("a daemon");
    processes::signal(pid, Signal::STOP);
    let said = sandbox.human(&["unlock"]).exits(1);
    assert!(said.err.contains(&format!("(process {pid}) does not answer; it is stopped")), "{}", said.all());
    assert!(said.err.contains("'svault lock' ends it") && !said.err.contains("find out"), "{}", said.all());
    let said = sandbox.run(&["lock"]).ok();
    let note = format!("note: the daemon (process {pid}) does not answer; it is stopped");
    assert!(said.err.contains(&note) && said.err.contains(&format!("kill -CONT {pid}")), "{}", said.all());
    assert!(said.text().contains("nothing acknowledged is lost"), "{}", said.all());
}

#[test]
fn lock_waits_for_a_daemon_that_has_lost_its_socket() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let pid = sandbox.daemon().expect("a daemon");
    std::fs::remove_file(sandbox.socket()).expect("remove");
    let said = sandbox.run(&["lock", "--json"]).ok();
    assert_eq!(said.json()["was"], "unlocked", "{}", said.all());
    assert!(!processes::lives(pid), "it said that it is locked");
    assert_eq!(sandbox.run(&["lock", "--json"]).ok().json()["was"], "locked");
}

#[test]
fn lock_ends_a_daemon_that_speaks_another_version() {
    need!(Linux);
    const LISTENER: &str = "import os, socket, struct, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(sys.argv[1])\n\
        os.chmod(sys.argv[1], 0o600)\n\
        s.listen()\n\
        print('ready', flush=True)\n\
        m = b'{\"type\":\"error\",\"code\":\"version\",\"message\":\"another\",\"exit\":1}'\n\
        while True:\n    \
            c = s.accept()[0]\n    \
            c.recv(4096)\n    \
            c.sendall(struct.pack('<IB', len(m) + 1, 0) + m)\n    \
            c.close()\n";
    let sandbox = Sandbox::open_to_all("");
    let (pid, socket) = (sandbox.daemon().expect("a daemon"), sandbox.socket());
    let script = sandbox.script("listener.py", LISTENER);
    std::fs::rename(&socket, socket.with_extension("aside")).expect("move");
    let paths = [&script, &socket].map(|path| path.to_str().expect("path"));
    let listener = sandbox.program("python3", &paths).within(std::time::Duration::from_secs(60)).spawn();
    listener.waits_for("ready");
    let said = sandbox.run(&["lock"]).ok();
    processes::kill(listener.pid());
    let text = format!("process {pid}) speaks another version of the protocol and has ended");
    assert!(said.text().contains(&text), "{}", said.all());
    assert!(!processes::lives(pid), "it said that it is locked");
    let _ = listener.end();
    std::fs::remove_file(&socket).expect("remove");
    let _ = sandbox.unlock();
}

/// Takes one connection, says that the store is locked, and goes without the last words.
fn says_that_it_is_locked(sandbox: &Sandbox, socket: &std::path::Path) -> svault_tests::command::Running {
    const LISTENER: &str = "import json, os, socket, struct, sys\n\
        def say(c, **m):\n    \
            m = json.dumps(m).encode()\n    \
            c.sendall(struct.pack('<IB', len(m) + 1, 0) + m)\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(sys.argv[1])\n\
        os.chmod(sys.argv[1], 0o600)\n\
        s.listen()\n\
        print('ready', flush=True)\n\
        c = s.accept()[0]\n\
        c.recv(4096)\n\
        say(c, type='hello', version=1, pid=1, store='0' * 16)\n\
        c.recv(4096)\n\
        say(c, type='done')\n";
    let script = sandbox.script("listener.py", LISTENER);
    let paths = [script.as_path(), socket].map(|path| path.to_str().expect("path"));
    let listener = sandbox.program("python3", &paths).within(std::time::Duration::from_secs(60)).spawn();
    listener.waits_for("ready");
    listener
}

/// Who locks hears how the store was left, or that this could not be written.
#[test]
fn a_lock_without_last_words_says_so() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let socket = sandbox.socket();
    sandbox.lock();
    let listener = says_that_it_is_locked(&sandbox, &socket);
    let said = sandbox.run(&["lock"]).ok();
    assert!(said.text().contains("locked; how it was left could not be written down"), "{}", said.all());
    let _ = listener.end().ok();
    std::fs::remove_file(&socket).expect("remove");
}

/// The daemon is who holds the store, and not whoever listens.
#[test]
fn lock_believes_nobody_else_that_it_is_locked() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let (pid, socket) = (sandbox.daemon().expect("a daemon"), sandbox.socket());
    std::fs::rename(&socket, socket.with_extension("aside")).expect("move");
    let listener = says_that_it_is_locked(&sandbox, &socket);
    let said = sandbox.run(&["lock"]).ok();
    assert!(!processes::lives(pid), "it said that it is locked: {}", said.all());
    let text = format!("the daemon (process {pid}) was not who answered at its socket, and has ended");
    assert!(said.text().contains(&text), "{}", said.all());
    let _ = listener.end().ok();
    std::fs::remove_file(&socket).expect("remove");
    let _ = sandbox.unlock();
}

/// Whatever a stranger at the socket says, or leaves unsaid, the store is locked afterwards.
#[test]
fn lock_ends_the_daemon_whatever_listens_in_its_place() {
    need!(Linux);
    const LISTENER: &str = "import os, socket, sys, time\n\
        how = sys.argv[2]\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(sys.argv[1])\n\
        os.chmod(sys.argv[1], 0o600)\n\
        s.listen(0 if how == 'full' else 8)\n\
        full = [socket.socket(socket.AF_UNIX) for _ in range(4)]\n\
        for c in full if how == 'full' else []:\n    \
            c.setblocking(False)\n    \
            c.connect_ex(sys.argv[1])\n\
        print('ready', flush=True)\n\
        while how == 'full':\n    \
            time.sleep(1)\n\
        while True:\n    \
            c = s.accept()[0]\n    \
            if how == 'garbage':\n        \
                c.sendall(b'\\x09\\0\\0\\0\\xffgarbage!')\n    \
            if how != 'mute':\n        \
                c.close()\n    \
            full.append(c)\n";
    let sandbox = Sandbox::open_to_all("");
    let script = sandbox.script("listener.py", LISTENER);
    for how in ["garbage", "close", "mute", "full"] {
        let (pid, socket) = (sandbox.daemon().expect("a daemon"), sandbox.socket());
        std::fs::rename(&socket, socket.with_extension("aside")).expect("move");
        let args = [script.to_str().expect("path"), socket.to_str().expect("path"), how];
        let listener = sandbox.program("python3", &args).within(std::time::Duration::from_secs(120)).spawn();
        listener.waits_for("ready");
        let said = sandbox.run(&["lock"]);
        processes::kill(listener.pid());
        let _ = listener.end();
        assert_eq!(said.code, 0, "{how}: {}", said.all());
        assert!(said.text().contains("and has ended"), "{how}: {}", said.all());
        assert!(!processes::lives(pid), "{how}: it said that it is locked");
        std::fs::remove_file(&socket).expect("remove");
        let _ = sandbox.unlock();
    }
}

#[test]
fn an_unlock_that_can_not_listen_is_a_lock_in_the_trail() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let socket = sandbox.socket();
    sandbox.lock();
    std::fs::create_dir(&socket).expect("a folder");
    svault_tests::scratch::own(&socket, sandbox.uid());
    let said = sandbox.human(&["unlock"]);
    assert_ne!(said.code, 0, "{}", said.all());
    sandbox.wait_for("its end", || sandbox.daemon().is_none());
    std::fs::remove_dir(&socket).expect("remove");
    let said = sandbox.unlock();
    assert!(!said.all().contains("was not locked last time"), "{}", said.all());
    let events: Vec<_> = sandbox.trail().iter().map(|e| e["event"].clone()).collect();
    let unlocks = events.iter().filter(|e| *e == "unlock").count();
    let locks = events.iter().filter(|e| *e == "lock").count();
    assert_eq!(unlocks, locks + 1, "{events:?}");
}

#[test]
fn lock_works_whatever_has_become_of_the_socket_and_the_store() {
    use std::os::unix::fs::PermissionsExt;
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    let (socket, file) = (sandbox.socket(), sandbox.store().join("store.svault"));
    let aside = |path: &std::path::Path| path.with_extension("aside");
    let mode = |path: &std::path::Path, m| std::fs::set_permissions(path, std::fs::Permissions::from_mode(m));
    type Step<'a> = &'a dyn Fn();
    let moved = || std::fs::rename(&file, aside(&file)).expect("move");
    let moved_back = || std::fs::rename(aside(&file), &file).expect("move");
    let exchanged = || {
        std::fs::rename(&socket, aside(&socket)).expect("move");
        std::fs::write(&socket, "").expect("write");
    };
    let folder = socket.parent().expect("a folder");
    let steps: [(&str, Step, Step); 4] = [
        ("store.svault moved", &moved, &moved_back),
        ("a file in the socket's place", &exchanged, &|| drop(std::fs::remove_file(&socket))),
        ("the socket's folder open", &|| mode(folder, 0o755).expect("mode"), &|| {
            mode(folder, 0o700).expect("mode")
        }),
        ("the socket's folder shut", &|| mode(folder, 0o000).expect("mode"), &|| {
            mode(folder, 0o700).expect("mode")
        }),
    ];
    for (what, breaks, mends) in steps {
        let pid = sandbox.daemon().expect("a daemon");
        breaks();
        let said = sandbox.run(&["lock", "--json"]);
        mends();
        assert_eq!((said.code, &said.json()["was"]), (0, &"unlocked".into()), "{what}: {}", said.all());
        sandbox.wait_for("its end", || !processes::lives(pid));
        let _ = sandbox.unlock();
    }
    // Who merely holds the lock is no daemon, and is left alone.
    sandbox.lock();
    let lock = std::fs::File::open(sandbox.store().join("store.lock")).expect("open");
    lock.lock().expect("lock");
    let said = sandbox.run(&["lock"]);
    assert!(said.code != 0, "this process holds it, and lives: {}", said.all());
}

#[test]
fn a_store_whose_folder_is_open_to_others_can_be_locked() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::open_to_all("");
    let pid = sandbox.daemon().expect("a daemon");
    let mode =
        |m| std::fs::set_permissions(sandbox.store(), std::fs::Permissions::from_mode(m)).expect("mode");
    mode(0o755);
    let _ = sandbox.run(&["list"]).exits(1).says("chmod 700");
    let _ = sandbox.run(&["lock"]).ok();
    sandbox.wait_for("its end", || !processes::lives(pid));
    mode(0o700);
    let _ = sandbox.unlock();
}

#[test]
fn who_waits_while_it_is_locked_is_told_that_it_is_locked() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    sandbox.set_policy("[callers.tester]\nscopes = [\"db\"]\n[medium]\nask = true\n");
    sandbox.add("MEDIUM", VALUE, &["--tier", "medium", "--scope", "db"]);
    let ask = ["--scope", "db", "--reason", GOOD_REASON, "--wait", "60", "--caller", "tester"];
    let run = [&["run", "--env", "V=MEDIUM"], &ask[..], &["--", "true"]].concat();
    let waiting = sandbox.svault(&run).spawn();
    sandbox.wait_for("a request", || {
        let rows = sandbox.human(&["pending", "--json"]).ok().json()["pending"].clone();
        rows.as_array().is_some_and(|all| !all.is_empty())
    });
    sandbox.lock();
    let said = waiting.end();
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(said.err.contains("locked: a human must run 'svault unlock'"), "{}", said.all());
}
