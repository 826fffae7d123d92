//! The speed of the whole product beside its floor: what the machine needs at least for the same sizes. All of it is
//! measured in one run, so the ratios hold on a slow machine too. `cargo xtask bench`.

#[cfg(unix)]
fn main() {
    bench::main();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod bench {
    use serde_json::json;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::time::{Duration, Instant};
    use svault_tests::Sandbox;
    use svault_tests::sandbox::GOOD_REASON;
    use svault_tests::socket::{RAW, Raw, ask};

    /// Secrets in the store.
    const SIZES: [usize; 3] = [10, 1_000, 10_000];
    const ROUNDS: usize = 300;
    /// About what a request, its answer and its record have in bytes.
    const QUESTION: usize = 300;
    const ANSWER: usize = 250;
    const RECORD: usize = 700;

    pub fn main() {
        println!("{:<34} {:>11} {:>11} {:>7}", "what", "median", "floor", "ratio");
        let sandbox = Sandbox::open_to_all("");
        sandbox.add("LOW", "sk-test-bench-value-of-forty-bytes-0123456", &["--tier", "low", "--scope", "db"]);
        let mut there = 1;
        for size in SIZES {
            for n in there..size {
                propose(&sandbox, &format!("SECRET_{n}"));
                std::thread::sleep(Duration::from_millis(1));
            }
            there = size;
            // Floor and product in turns, so that neither has the better moments.
            let (mut floor, mut request, mut add) = (Vec::new(), Vec::new(), Vec::new());
            let echo = Echo::start(&sandbox.path("echo.sock"));
            let mut log = File::create(sandbox.store().join("floor")).expect("create");
            for n in 0..ROUNDS {
                floor.push(timed(|| {
                    echo.ask();
                    append(&mut log);
                }));
                request.push(timed(|| get(&sandbox)));
                add.push(timed(|| propose(&sandbox, &format!("ADDED_{size}_{n}"))));
                // The policy's widest rate is 1,000 requests a second.
                std::thread::sleep(Duration::from_millis(2));
            }
            std::fs::remove_file(sandbox.store().join("floor")).expect("remove");
            there += ROUNDS;
            row(&format!("request, {size} secrets"), &mut request, &mut floor);
            row(&format!("add, {size} secrets"), &mut add, &mut floor);
            unlock(&sandbox, there);
        }
        println!();
        println!(
            "floor of request and add: a new connection, {QUESTION} bytes there and {ANSWER} back, then {RECORD} bytes"
        );
        println!(
            "appended and fdatasync. Floor of unlock: two starts of the same binary, and every file read once. The KDF is"
        );
        println!("cheap here: a user waits another half second for it, by design.");
    }

    fn unlock(sandbox: &Sandbox, secrets: usize) {
        let (mut unlock, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..15 {
            sandbox.lock();
            floor.push(timed(|| {
                let _ = (sandbox.run(&["--version"]), sandbox.run(&["--version"]));
                read_all(&sandbox.store());
            }));
            unlock.push(timed(|| drop(sandbox.unlock())));
        }
        row(&format!("unlock, {secrets} secrets"), &mut unlock, &mut floor);
    }

    fn row(what: &str, times: &mut [Duration], floor: &mut [Duration]) {
        let (took, least) = (median(times), median(floor));
        let ratio = took.as_secs_f64() / least.as_secs_f64();
        println!("{what:<34} {:>8} µs {:>8} µs {ratio:>7.2}", took.as_micros(), least.as_micros());
    }

    fn median(times: &mut [Duration]) -> Duration {
        times.sort();
        times[times.len() / 2]
    }

    fn timed(run: impl FnOnce()) -> Duration {
        let since = Instant::now();
        run();
        since.elapsed()
    }

    fn get(sandbox: &Sandbox) {
        let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
        raw.send(&ask(json!({"vault": "main", "name": "LOW"}), Some("db"), Some(GOOD_REASON), "value"));
        let answer = raw.control();
        assert_eq!(answer["type"], "released", "{answer}");
        assert!(matches!(raw.frame_in(), Some((RAW, _))));
    }

    fn propose(sandbox: &Sandbox, name: &str) {
        let mut raw = Raw::hello(&sandbox.socket(), Some("tester"));
        let class = json!({"scope": "default", "tier": "medium"});
        raw.send(&json!({"type": "propose", "name": name, "vault": "main", "class": class}));
        raw.frame(RAW, &[b'x'; 40]);
        let answer = raw.control();
        assert_eq!(answer["type"], "done", "{answer}");
    }

    fn append(log: &mut File) {
        log.write_all(&[7; RECORD]).expect("write");
        rustix::fs::fdatasync(log).expect("fdatasync");
    }

    fn read_all(folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                read_all(&entry.path());
            } else {
                let _ = std::fs::read(entry.path());
            }
        }
    }

    /// A server that does nothing but answer.
    struct Echo {
        socket: std::path::PathBuf,
    }

    impl Echo {
        fn start(socket: &Path) -> Self {
            let _ = std::fs::remove_file(socket);
            let listener = UnixListener::bind(socket).expect("bind");
            std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666)).expect("chmod");
            std::thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    let mut question = [0; QUESTION];
                    if stream.read_exact(&mut question).is_ok() {
                        let _ = stream.write_all(&[7; ANSWER]);
                    }
                }
            });
            Self { socket: socket.to_owned() }
        }

        fn ask(&self) {
            // Connected as the product is, which costs a thread where the tests run as root.
            let raw = Raw::connect(&self.socket);
            let mut stream = raw.stream();
            stream.write_all(&[7; QUESTION]).expect("write");
            stream.read_exact(&mut [0; ANSWER]).expect("read");
        }
    }
}
