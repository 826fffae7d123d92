//! Programs of somebody else who runs as the same user: what the product must stand. Used by the tests as a process of
//! its own, so that the kernel says of it what it would say of any other.

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use serde_json::{Value, json};
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::sync::{Arc, Mutex};
    use svault_tests::socket::Raw;

    pub fn main() {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match args.as_slice() {
            ["fake", socket, log] => fake(Path::new(socket), Path::new(log)),
            ["relay", listen, to, log] => relay(Path::new(listen), Path::new(to), Path::new(log)),
            ["lock", file] => lock(Path::new(file)),
            ["connect-exec", socket, program, rest @ ..] => connect_exec(Path::new(socket), program, rest),
            ["storm", socket] => svault_tests::storm::storm(Path::new(socket)),
            ["steady", socket, value] => svault_tests::storm::steady(Path::new(socket), value),
            ["status", socket] => println!("{}", status(&mut Raw::hello(Path::new(socket), None))),
            ["cancel", socket, caller, id] => {
                let mut raw = Raw::hello(Path::new(socket), Some(caller));
                raw.send(&json!({"type": "cancel", "id": id}));
                println!("{}", raw.control());
            }
            ["status-when", socket, go] => status_when(Path::new(socket), Path::new(go)),
            ["parent-exec", socket, go, program, rest @ ..] => parent_exec(socket, go, program, rest),
            other => panic!("stranger: {other:?}"),
        }
    }

    fn status(raw: &mut Raw) -> Value {
        raw.send(&json!({"type": "status"}));
        raw.control()
    }

    /// Listens where the daemon would; answers as well as it can without the key; writes down all that it is sent.
    fn fake(socket: &Path, log: &Path) {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).expect("bind");
        let log = Arc::new(Mutex::new(File::create(log).expect("log")));
        println!("ready");
        for stream in listener.incoming().flatten() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || answer(stream, &log));
        }
    }

    fn answer(mut stream: UnixStream, log: &Mutex<File>) {
        let zeros = "00".repeat(32);
        let peer = rustix::net::sockopt::socket_peercred(&stream).expect("peer");
        let pid = peer.pid.as_raw_nonzero().get();
        loop {
            let mut head = [0; 5];
            if stream.read_exact(&mut head).is_err() {
                return;
            }
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let mut payload = vec![0; length.saturating_sub(1).min(1 << 20)];
            if stream.read_exact(&mut payload).is_err() {
                return;
            }
            let text = String::from_utf8_lossy(&payload).into_owned();
            writeln!(log.lock().expect("lock"), "{} {text}", head[4]).expect("log");
            let message: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            let answer = match message["type"].as_str() {
                Some("hello") => {
                    json!({"type": "hello", "version": 1, "pid": std::process::id(), "store": "0".repeat(16)})
                }
                Some("prove_begin") => {
                    let (start, parent, tty) = stat(pid);
                    let peer = json!({"pid": pid, "start": start, "parent": parent, "tty": tty});
                    json!({"type": "prove_challenge", "nonce": zeros, "peer": peer, "mac": zeros})
                }
                Some("prove_end") => json!({"type": "proved"}),
                _ => json!({"type": "done"}),
            };
            let body = answer.to_string();
            let mut frame = u32::try_from(body.len() + 1).expect("length").to_le_bytes().to_vec();
            frame.push(0);
            frame.extend_from_slice(body.as_bytes());
            if stream.write_all(&frame).is_err() {
                return;
            }
        }
    }

    /// Start time, parent and terminal of a process, as the daemon would see them.
    fn stat(pid: i32) -> (u64, u32, u32) {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest: Vec<&str> = text.rsplit_once(") ").map_or("", |(_, r)| r).split(' ').collect();
        let number = |n: usize| rest.get(n).and_then(|w| w.parse::<u64>().ok()).unwrap_or(0);
        let small = |n: usize| u32::try_from(number(n)).unwrap_or(0);
        (number(19), small(1), small(4))
    }

    /// Listens where the daemon did and passes everything on, writing it down.
    fn relay(listen: &Path, to: &Path, log: &Path) {
        let listener = UnixListener::bind(listen).expect("bind");
        let log = Arc::new(Mutex::new(File::create(log).expect("log")));
        println!("ready");
        for client in listener.incoming().flatten() {
            let Ok(daemon) = UnixStream::connect(to) else { continue };
            for (from, to, mark) in [(&client, &daemon, '>'), (&daemon, &client, '<')] {
                let (from, to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
                let log = Arc::clone(&log);
                std::thread::spawn(move || pass(from, to, mark, &log));
            }
        }
    }

    fn pass(mut from: UnixStream, mut to: UnixStream, mark: char, log: &Mutex<File>) {
        let mut buffer = [0; 65536];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..n]).replace('\n', " ");
            let _ = writeln!(log.lock().expect("lock"), "{mark} {text}");
            if to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    }

    /// Holds the store's lock and does nothing else.
    fn lock(file: &Path) {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(file).expect("open");
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("flock");
        println!("ready");
        loop {
            std::thread::park();
        }
    }

    /// Connects and greets as itself, then becomes another program, which has the connection as `$FD`.
    fn connect_exec(socket: &Path, program: &str, rest: &[&str]) {
        let raw = Raw::hello(socket, None);
        rustix::io::fcntl_setfd(raw.stream(), rustix::io::FdFlags::empty()).expect("fcntl");
        let fd = raw.stream().as_raw_fd().to_string();
        panic!("{}", Command::new(program).args(rest).env("FD", fd).exec());
    }

    /// Greets, waits for a file, asks for the status.
    fn status_when(socket: &Path, go: &Path) {
        let mut raw = Raw::hello(socket, None);
        println!("greeted");
        while !go.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        println!("{}", status(&mut raw));
    }

    /// Lets a child greet, then becomes another program, which lets the child go on.
    fn parent_exec(socket: &str, go: &str, program: &str, rest: &[&str]) {
        let me = std::env::current_exe().expect("exe");
        // Never waited for: this process becomes another program, and the child outlives what it was.
        #[allow(clippy::zombie_processes)]
        let mut child =
            Command::new(me).args(["status-when", socket, go]).stdout(Stdio::piped()).spawn().expect("child");
        let mut from = child.stdout.take().expect("stdout");
        let mut line = [0; 8];
        from.read_exact(&mut line).expect("greeted");
        rustix::io::fcntl_setfd(&from, rustix::io::FdFlags::empty()).expect("fcntl");
        let fd = from.as_raw_fd().to_string();
        panic!("{}", Command::new(program).args(rest).env("FD", fd).exec());
    }
}
