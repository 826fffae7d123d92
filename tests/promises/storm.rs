//! A caller is served in the middle of a storm of bad peers, and nothing is left of the storm afterwards. Everyday this
//! counts what happened; `cargo xtask soak load` goes on for minutes, measures, and prints a table.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use svault_tests::need;
use svault_tests::processes;
use svault_tests::sandbox::Sandbox;

const VALUE: &str = "sk-test-storm-03ad";

/// How long the storm goes on, where time counts: `cargo xtask soak load` says so.
fn minutes() -> Option<f64> {
    std::env::var("SVAULT_MINUTES").ok()?.parse().ok()
}

/// A program of somebody else that says something in every line, until its stdin is closed.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    taken: usize,
}

impl Program {
    fn start(house: &House, args: &[&str], by: Option<&str>) -> Self {
        let stranger = house.stranger.to_str().expect("path");
        let command = match by {
            // The `exit` keeps the shell from becoming the command itself.
            Some(shell) => {
                house.sandbox.program(shell, &["--norc", "-c", "\"$0\" \"$@\"\nexit $?", stranger]).args(args)
            }
            None => house.sandbox.program(stranger, args),
        };
        let (child, stdin, stdout, stderr) = command.piped();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        std::thread::spawn(move || {
            let all = BufReader::new(stdout).lines().map_while(Result::ok);
            all.for_each(|line| into.lock().expect("lines").push(line));
        });
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| eprintln!("{line}"));
        });
        Self { child, stdin: Some(stdin), lines, taken: 0 }
    }

    /// What it has said since this was last called.
    fn take(&mut self) -> Vec<String> {
        let lines = std::mem::take(&mut *self.lines.lock().expect("lines"));
        self.taken += lines.len();
        lines
    }

    /// How many lines it has said at all.
    fn said(&self) -> usize {
        self.taken + self.lines.lock().expect("lines").len()
    }

    fn lives(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Lets it end by itself.
    fn ends(&mut self) -> bool {
        drop(self.stdin.take());
        self.child.wait().expect("wait").success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A store with a registered caller that may have `LOW`; whoever else comes is denied everything.
struct House {
    sandbox: Sandbox,
    stranger: PathBuf,
    shell: PathBuf,
    daemon: i32,
}

impl House {
    fn build() -> Self {
        let sandbox = Sandbox::ready();
        let shell = svault_tests::Robot::executable(&sandbox);
        let stranger = sandbox.path("stranger");
        std::fs::copy(env!("CARGO_BIN_EXE_stranger"), &stranger).expect("copy");
        svault_tests::scratch::own(&stranger, sandbox.uid());
        sandbox.set_policy(&format!(
            "[callers.steady]\nexe = [\"{}\"]\nscopes = [\"db\"]\nrate = \"1000/1s\"\n\
             [callers.tester]\nscopes = [\"db\"]\n\
             [limits]\nburst_per_session = \"1000/1s\"\nburst_per_secret = \"1000/1s\"\n[lock]\nidle = \"8h\"\n",
            shell.display()
        ));
        sandbox.add("LOW", VALUE, &["--tier", "low", "--scope", "db"]);
        let daemon = sandbox.daemon().expect("a daemon");
        Self { sandbox, stranger, shell, daemon }
    }

    fn steady(&self) -> Program {
        let socket = self.sandbox.socket();
        Program::start(self, &["steady", socket.to_str().expect("path"), VALUE], self.shell.to_str())
    }

    fn storm(&self) -> Program {
        Program::start(self, &["storm", self.sandbox.socket().to_str().expect("path")], None)
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.daemon)).expect("its descriptors").count()
    }

    fn rss_kib(&self) -> u64 {
        let line = processes::status_line(self.daemon, "VmRSS").expect("the daemon lives");
        line.trim_end_matches(" kB").trim().parse().expect("a number")
    }

    fn trail_bytes(&self) -> u64 {
        let folder = std::fs::read_dir(self.sandbox.store().join("trail")).expect("trail");
        folder.flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
    }
}

/// The daemon at one moment, and how a caller was served before it.
struct Moment {
    what: String,
    rss: u64,
    descriptors: usize,
    served: usize,
    median: u64,
    p99: u64,
    /// In each second of it.
    denied: u64,
}

impl Moment {
    fn now(what: &str, house: &House, lines: &[String]) -> Self {
        let mut times: Vec<u64> = lines.iter().map(|l| l.parse().expect("microseconds")).collect();
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0);
        let (rss, descriptors) = (house.rss_kib(), house.descriptors());
        Self {
            what: what.into(),
            rss,
            descriptors,
            served: times.len(),
            median: at(50),
            p99: at(99),
            denied: 0,
        }
    }

    fn print(&self) {
        let Self { what, rss, descriptors, served, median, p99, denied } = self;
        println!("{what:<22} {rss:>8} {descriptors:>6} {served:>8} {median:>9} {p99:>9} {denied:>9}");
    }
}

/// Waits until so many more requests of the steady caller were served.
#[track_caller]
fn served(house: &House, steady: &mut Program, many: usize) {
    let before = steady.lines.lock().expect("lines").len();
    house.sandbox.wait_for("the steady caller's values", || {
        steady.lines.lock().expect("lines").len() >= before + many
    });
    assert!(steady.lives(), "the steady caller was refused");
}

fn counted(storm: &Program) -> Value {
    let last = storm.lines.lock().expect("lines").last().cloned();
    last.map(|line| serde_json::from_str(&line).expect("counts")).unwrap_or_default()
}

/// The storm at its height for as long as it is asked to last, a line of the table every tenth of it.
fn blow(house: &House, steady: &mut Program, storm: &mut Program) -> Vec<Moment> {
    let enough = || {
        let counts = counted(storm);
        let many = |what: &str, n| counts[what].as_u64() >= Some(n);
        many("denied", 2_000) && many("idle", 500) && many("broken", 14) && many("half", 5)
    };
    // Whatever else the machine has to do.
    let begun = Instant::now();
    while !enough() {
        assert!(begun.elapsed() < Duration::from_secs(180), "no height of the storm: {}", counted(storm));
        std::thread::sleep(Duration::from_millis(50));
    }
    served(house, steady, 20);
    let Some(minutes) = minutes() else { return Vec::new() };
    let (begun, all) = (Instant::now(), Duration::from_secs_f64(minutes * 60.0));
    let mut moments = Vec::new();
    let _ = steady.take();
    let denied = |storm: &Program| counted(storm)["denied"].as_u64().unwrap_or(0);
    let (mut since, mut before) = (Instant::now(), denied(storm));
    for part in 1..=10 {
        while begun.elapsed() < all * part / 10 {
            assert!(steady.lives() && storm.lives(), "one of them has ended: {}", counted(storm));
            std::thread::sleep(Duration::from_millis(200));
        }
        let what = format!("storm, {} s", begun.elapsed().as_secs());
        let (now, seconds) = (denied(storm), since.elapsed().as_secs_f64());
        let mut moment = Moment::now(&what, house, &steady.take());
        moment.denied = ((now - before) as f64 / seconds) as u64;
        (since, before) = (Instant::now(), now);
        moment.print();
        moments.push(moment);
        println!("  {}", counted(storm));
    }
    moments
}

#[test]
fn a_caller_is_served_in_the_middle_of_a_storm_of_bad_peers() {
    need!(Linux, Root);
    let house = House::build();
    let mut steady = house.steady();
    let head = ["RSS KiB", "fds", "served", "median us", "p99 us", "denied/s"];
    let [rss, fds, given, median, p99, denied] = head;
    println!("{:<22} {rss:>8} {fds:>6} {given:>8} {median:>9} {p99:>9} {denied:>9}", "");
    let while_calm = if minutes().is_some() { 2_000 } else { 10 };
    served(&house, &mut steady, while_calm);
    let calm = Moment::now("calm", &house, &steady.take());
    calm.print();
    let (trail, given) = (house.trail_bytes(), steady.said());
    let mut storm = house.storm();
    let moments = blow(&house, &mut steady, &mut storm);
    assert!(storm.ends(), "the storm broke off");
    let counts = counted(&storm);
    assert_eq!(counts["given"], 0, "the storm was given something: {counts}");
    house.sandbox.wait_for("their descriptors", || house.descriptors() <= calm.descriptors + 8);
    let _ = steady.take();
    served(&house, &mut steady, while_calm);
    let denied = counts["denied"].as_u64().expect("denials");
    let grown = house.trail_bytes() - trail;
    // What was recorded by then was given by then, but for the one request that is on its way.
    let releases = (steady.said() - given + 1) as u64;
    let after = Moment::now("after", &house, &steady.take());
    after.print();
    println!("{denied} denials and {releases} releases made the trail grow by {grown} bytes");
    // A release has some 1,300 bytes; denials fold, but for the first ones of each minute.
    let most = releases * 2_048 + denied * 16 + 128 * 1_024;
    assert!(grown < most, "{grown} bytes for {denied} denials and {releases} releases");
    assert!(steady.ends(), "the steady caller was refused");
    let _ = house.sandbox.run(&["audit", "verify"]).ok();
    hold(&calm, &moments, &after);
}

/// Memory stays as it was, and a caller waits at most twice as long as when it is calm, in the storm and after it: half of
/// its requests do.
#[track_caller]
fn hold(calm: &Moment, moments: &[Moment], after: &Moment) {
    // The first tenth lets buffers and tables grow to what a storm needs.
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return };
    let flat = last.rss * 10 <= first.rss * 11;
    assert!(flat, "memory grew from {} to {} KiB", first.rss, last.rss);
    let mut medians: Vec<u64> = moments.iter().map(|m| m.median).collect();
    medians.sort_unstable();
    let (stormy, after, usual) = (medians[medians.len() / 2], after.median, calm.median);
    println!(
        "half of the requests within {stormy} us, and {after} us after it, against {usual} us when calm"
    );
    assert!(stormy <= usual * 2, "others wait for the storm: {stormy} us, against {usual} us when calm");
    assert!(after <= usual * 2, "others wait when it is over: {after} us, against {usual} us when calm");
}
