//! Many bad peers at once, as one program of the same user: idle, slow, half-closed, deaf and broken connections, and a
//! flood of requests. And a steady caller beside it, which says how long each of its requests took.

use crate::sandbox::GOOD_REASON;
use crate::socket::{CONTROL, RAW, Raw, ask};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections that say hello and nothing more.
const IDLE: usize = 1_000;
/// Threads of the flood, and connections of each: a denial takes up to 20 ms, so this many make 10,000 a second.
const FLOODS: (u32, u32) = (8, 32);
/// Requests a second, of all of them together.
const PER_SECOND: u32 = 10_000;

/// What came of it so far.
#[derive(Debug, Default)]
struct Counts {
    idle: AtomicU64,
    denied: AtomicU64,
    given: AtomicU64,
    broken: AtomicU64,
    slow: AtomicU64,
    half: AtomicU64,
    deaf: AtomicU64,
}

impl Counts {
    fn line(&self) -> String {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        json!({
            "idle": of(&self.idle), "denied": of(&self.denied), "given": of(&self.given),
            "broken": of(&self.broken), "slow": of(&self.slow), "half": of(&self.half), "deaf": of(&self.deaf),
        })
        .to_string()
    }
}

/// What every part of the storm has.
#[derive(Clone)]
struct Storm {
    socket: PathBuf,
    counts: Arc<Counts>,
    over: Arc<AtomicBool>,
}

/// Storms until stdin ends; a line of counts ten times a second.
pub fn storm(socket: &Path) {
    more_descriptors();
    // A terminal session of its own, as a program has that was started elsewhere.
    let _ = rustix::process::setsid();
    let storm = Storm { socket: socket.to_owned(), counts: Arc::default(), over: Arc::default() };
    let mut parts: Vec<fn(&Storm)> = vec![idle, broken, slow, half_closed, deaf];
    parts.extend((0..FLOODS.0).map(|_| flood as fn(&Storm)));
    let threads: Vec<_> = parts
        .into_iter()
        .map(|part| {
            let storm = storm.clone();
            std::thread::spawn(move || part(&storm))
        })
        .collect();
    let (counts, over) = (Arc::clone(&storm.counts), Arc::clone(&storm.over));
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        over.store(true, Ordering::Relaxed);
    });
    while storm.goes_on() {
        let _ = writeln!(std::io::stdout(), "{}", counts.line());
        std::thread::sleep(Duration::from_millis(100));
    }
    threads.into_iter().for_each(|t| t.join().expect("a part of the storm"));
    let _ = writeln!(std::io::stdout(), "{}", counts.line());
}

fn more_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(16_384, |m| m.min(16_384));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..now }).expect("setrlimit");
}

impl Storm {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// A connection that has said hello.
    fn greeted(&self) -> Option<Raw> {
        let mut raw = Raw::try_connect(&self.socket)?;
        raw.send(&json!({"type": "hello", "version": 1, "door": "cli", "caller": "tester"}));
        raw.frame_in()?;
        Some(raw)
    }
}

fn count(n: &AtomicU64) {
    n.fetch_add(1, Ordering::Relaxed);
}

/// Whether the other side has closed.
fn is_closed(raw: &Raw) -> bool {
    let mut stream = raw.stream();
    stream.set_nonblocking(true).expect("nonblocking");
    let closed = loop {
        match stream.read(&mut [0; 256]) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(e) => break e.kind() != ErrorKind::WouldBlock,
        }
    };
    stream.set_nonblocking(false).expect("blocking");
    closed
}

/// Holds connections that do nothing; where the daemon has closed some, a few new ones each round.
fn idle(storm: &Storm) {
    let mut held: Vec<Raw> = Vec::new();
    let mut at_most = IDLE;
    while storm.goes_on() {
        held.retain(|raw| !is_closed(raw));
        let missing = (IDLE - held.len()).min(at_most);
        held.extend((0..missing).filter_map(|_| storm.greeted()));
        storm.counts.idle.store(held.len() as u64, Ordering::Relaxed);
        at_most = 50;
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Lengths of 4 GiB, none, and noise, before the hello and after it; each must be the connection's end.
fn broken(storm: &Storm) {
    let huge = |kind| vec![0xff, 0xff, 0xff, 0xff, kind];
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let all = [huge(0), huge(1), huge(2), huge(9), vec![0; 5], b"GET / HTTP/1.1\r\n\r\n".to_vec(), noise];
    while storm.goes_on() {
        for bytes in &all {
            for raw in [Raw::try_connect(&storm.socket), storm.greeted()].into_iter().flatten() {
                let mut raw = raw;
                raw.bytes(bytes);
                while raw.frame_in().is_some() {}
                count(&storm.counts.broken);
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Messages of which a byte comes now and then, until the daemon has had enough.
fn slow(storm: &Storm) {
    let hello = json!({"type": "hello", "version": 1, "door": "cli", "caller": null}).to_string();
    let frame = [&[0xff, 0, 0, 0, CONTROL][..], hello.as_bytes()].concat();
    let open = || Raw::try_connect(&storm.socket).map(|raw| (raw, 0));
    let mut held: Vec<(Raw, usize)> = (0..50).filter_map(|_| open()).collect();
    while storm.goes_on() {
        for (raw, at) in &mut held {
            raw.bytes(&frame[*at..=*at]);
            *at = (*at + 1) % frame.len();
        }
        let before = held.len();
        held.retain(|(raw, _)| !is_closed(raw));
        storm.counts.slow.fetch_add((before - held.len()) as u64, Ordering::Relaxed);
        held.extend((held.len()..50).filter_map(|_| open()));
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Asks and ends its sending side at once.
fn half_closed(storm: &Storm) {
    while storm.goes_on() {
        if let Some(mut raw) = storm.greeted() {
            raw.send(&json!({"type": "status"}));
            raw.finish();
            while raw.frame_in().is_some() {}
            count(&storm.counts.half);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for much and reads none of it, until the daemon has had enough.
fn deaf(storm: &Storm) {
    let fill = || {
        let mut raw = storm.greeted()?;
        raw.stream().set_nonblocking(true).ok()?;
        (0..5_000).for_each(|_| raw.send(&json!({"type": "status"})));
        Some(raw)
    };
    while storm.goes_on() {
        let held: Vec<Raw> = (0..20).filter_map(|_| fill()).collect();
        // Longer than the daemon waits for an answer to be taken.
        let until = Instant::now() + Duration::from_secs(12);
        while storm.goes_on() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        storm.counts.deaf.fetch_add(held.len() as u64, Ordering::Relaxed);
    }
}

/// Requests that are denied, as many as one caller may send.
fn flood(storm: &Storm) {
    let (threads, connections) = FLOODS;
    let round = Duration::from_secs(1) * threads * connections / PER_SECOND;
    let request = ask(json!({"name": "LOW"}), Some("payments"), Some(GOOD_REASON), "value");
    let mut all: Vec<Raw> = Vec::new();
    while storm.goes_on() {
        let since = Instant::now();
        all.extend((all.len()..connections as usize).filter_map(|_| storm.greeted()));
        all.iter_mut().for_each(|raw| raw.send(&request));
        all.retain_mut(|raw| match raw.frame_in() {
            Some((CONTROL, answer)) => {
                let released = answer.starts_with(br#"{"type":"released""#);
                count(if released { &storm.counts.given } else { &storm.counts.denied });
                true
            }
            _ => false,
        });
        std::thread::sleep(round.saturating_sub(since.elapsed()));
    }
}

/// Asks for one secret, again and again with a pause, until stdin ends; a line with the microseconds of each release.
/// Anything but the value ends it.
pub fn steady(socket: &Path, value: &str) {
    let over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&over);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ends.store(true, Ordering::Relaxed);
    });
    let request = ask(json!({"vault": "main", "name": "LOW"}), Some("db"), Some(GOOD_REASON), "value");
    let mut raw = Raw::hello(socket, None);
    while !over.load(Ordering::Relaxed) {
        let since = Instant::now();
        raw.send(&request);
        let answer = raw.control();
        assert_eq!(answer["type"], "released", "{answer}");
        assert_eq!(raw.frame_in(), Some((RAW, value.as_bytes().to_vec())));
        let _ = writeln!(std::io::stdout(), "{}", since.elapsed().as_micros());
        std::thread::sleep(Duration::from_millis(10));
    }
}
