//! Promise 4 of the ground floor, for real: the daemon is killed while it writes, and nothing acknowledged is lost.
//! (The simulated disk, every cut point of random sequences, is in the tests of `vault` and `seal`.)

use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use svault_tests::ext4::Ext4;
use svault_tests::need;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::socket::{RAW, Raw, ask};
use svault_tests::tmpfs::Tmpfs;

/// How often the daemon is killed: 50 times, or as `cargo xtask soak` says.
fn rounds(usual: u64) -> u64 {
    std::env::var("SVAULT_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// What was acknowledged.
enum Acked {
    Proposed(String),
    Released(String),
    /// Neither: a finding.
    Denied(String),
}

/// Proposes and asks until the daemon is gone; says what was acknowledged.
fn writer(socket: PathBuf, round: u64, tell: mpsc::Sender<Acked>) {
    for n in 0.. {
        let Some(acked) = proposed(&socket, &format!("R{round}N{n}")) else { return };
        let _ = tell.send(acked);
        let Some(acked) = released(&socket) else { return };
        let _ = tell.send(acked);
    }
}

fn greeted(socket: &Path) -> Option<Raw> {
    let mut raw = Raw::try_connect(socket)?;
    raw.send(&json!({"type": "hello", "version": 1, "door": "cli", "caller": "tester"}));
    raw.frame_in()?;
    Some(raw)
}

fn answer(raw: &mut Raw) -> Option<Value> {
    serde_json::from_slice(&raw.frame_in()?.1).ok()
}

fn proposed(socket: &Path, name: &str) -> Option<Acked> {
    let mut raw = greeted(socket)?;
    let class = json!({"scope": "default", "tier": "medium"});
    raw.send(&json!({"type": "propose", "name": name, "vault": "main", "class": class}));
    raw.frame(RAW, format!("value of {name}").as_bytes());
    let done = answer(&mut raw)?;
    Some(acked(&done, "done", || Acked::Proposed(name.into())))
}

fn released(socket: &Path) -> Option<Acked> {
    let mut raw = greeted(socket)?;
    raw.send(&ask(json!({"vault": "main", "name": "LOW"}), Some("db"), Some(GOOD_REASON), "value"));
    let done = answer(&mut raw)?;
    Some(acked(&done, "released", || Acked::Released(done["id"].as_str().unwrap_or("").into())))
}

fn acked(answer: &Value, yes: &str, so: impl FnOnce() -> Acked) -> Acked {
    if answer["type"] == yes { so() } else { Acked::Denied(answer["id"].as_str().unwrap_or("none").into()) }
}

/// Every name that was taken is in the list, and every release in the trail.
#[track_caller]
fn kept(sandbox: &Sandbox, names: &[String], ids: &[String]) {
    let listed = sandbox.human(&["list", "--json"]).ok().json();
    let listed: Vec<&str> =
        listed["secrets"].as_array().expect("rows").iter().filter_map(|r| r["name"].as_str()).collect();
    let lost: Vec<&String> = names.iter().filter(|n| !listed.contains(&n.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let trail = sandbox.human(&["audit", "list", "--json", "--last", "1000000"]).ok().json();
    let recorded: Vec<&str> =
        trail["entries"].as_array().expect("rows").iter().filter_map(|e| e["id"].as_str()).collect();
    let lost: Vec<&String> = ids.iter().filter(|id| !recorded.contains(&id.as_str())).collect();
    assert!(lost.is_empty(), "released and not recorded: {lost:?}");
}

#[test]
fn fifty_kills_during_writes_lose_nothing_acknowledged() {
    need!(Linux);
    let sandbox = Sandbox::open_to_all("");
    sandbox.add("LOW", "sk-test-crash", &["--tier", "low", "--scope", "db"]);
    let (mut names, mut ids, mut denied) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds(50) {
        let (tell, told) = mpsc::channel();
        let writers: Vec<_> = (0..2)
            .map(|w| {
                let (socket, tell) = (sandbox.socket(), tell.clone());
                std::thread::spawn(move || writer(socket, round * 10 + w, tell))
            })
            .collect();
        drop(tell);
        // Between 1 and 60 ms, another moment in every round.
        std::thread::sleep(Duration::from_micros(1_000 + (round * 7_919) % 59 * 1_000));
        sandbox.kill_daemon();
        writers.into_iter().for_each(|w| w.join().expect("a writer"));
        for acked in told {
            match acked {
                Acked::Proposed(name) => names.push(name),
                Acked::Released(id) => ids.push(id),
                Acked::Denied(id) => denied.push(id),
            }
        }
        let said = sandbox.unlock();
        assert!(!said.err.contains("warning"), "round {round}: {}", said.all());
        assert!(denied.is_empty(), "round {round}: {:?}", denied.first().map(|id| sandbox.entry(id)));
    }
    assert!(
        names.len() > 50 && ids.len() > 50,
        "{} and {} are too few to prove anything",
        names.len(),
        ids.len()
    );
    kept(&sandbox, &names, &ids);
    for name in names.iter().rev().step_by(names.len() / 20 + 1) {
        // A proposal is confirmed by a human before anybody uses it.
        let _ = sandbox.human(&["edit", name, "--vault", "main", "--tier", "medium"]).ok();
        assert_eq!(sandbox.human(&["show", name, "--vault", "main"]).ok().text(), format!("value of {name}"));
    }
    let _ = sandbox.run(&["audit", "verify"]).ok();
}

/// What was acknowledged on disks that something happened to.
#[derive(Default)]
struct Told {
    names: Vec<String>,
    ids: Vec<String>,
}

impl Told {
    /// Load on a disk, something that happens to it in the middle, and the daemon's death a little after it was noticed.
    fn harmed(&mut self, sandbox: &Sandbox, round: u64, harm: impl FnOnce()) {
        let (tell, told) = mpsc::channel();
        let socket = sandbox.socket();
        let load = std::thread::spawn(move || writer(socket, 100_000 + round, tell));
        std::thread::sleep(Duration::from_micros(5_000 + (round * 7_919) % 59 * 1_000));
        harm();
        loop {
            match told.recv_timeout(Duration::from_secs(20)) {
                // What can't be recorded is denied, or the daemon is gone.
                Ok(Acked::Denied(_)) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(acked) => self.note(acked),
                Err(RecvTimeoutError::Timeout) => panic!("round {round}: no answer, and the daemon is there"),
            }
        }
        std::thread::sleep(Duration::from_millis(round % 40));
        ends_daemon(sandbox);
        load.join().expect("a writer");
        told.iter().for_each(|acked| self.note(acked));
    }

    fn note(&mut self, acked: Acked) {
        match acked {
            Acked::Proposed(name) => self.names.push(name),
            Acked::Released(id) => self.ids.push(id),
            Acked::Denied(_) => {}
        }
    }

    #[track_caller]
    fn check(&self, sandbox: &Sandbox) {
        assert!(!self.names.is_empty() && !self.ids.is_empty(), "nothing was acknowledged at all");
        kept(sandbox, &self.names, &self.ids);
        let _ = sandbox.run(&["audit", "verify"]).ok();
    }
}

/// A store for [`Told::harmed`], in a folder that has a disk of its own.
fn set_up(sandbox: &Sandbox) {
    let _ = sandbox.init();
    sandbox.set_policy(svault_tests::sandbox::OPEN_POLICY);
    sandbox.add("LOW", "sk-test-crash", &["--tier", "low", "--scope", "db"]);
}

#[test]
fn a_disk_that_fills_up_loses_nothing_acknowledged() {
    need!(Linux, Root);
    let sandbox = Sandbox::empty();
    let disk = Tmpfs::mount(&sandbox.store(), 64 * 1024, sandbox.uid());
    set_up(&sandbox);
    let mut told = Told::default();
    for round in 0..rounds(6) {
        told.harmed(&sandbox, round, || drop(disk.fill()));
        std::fs::remove_file(sandbox.store().join("filler")).expect("remove");
        let _ = sandbox.unlock();
    }
    told.check(&sandbox);
}

#[test]
fn a_disk_that_turns_read_only_loses_nothing_acknowledged() {
    need!(Linux, Root, Ext4);
    let sandbox = Sandbox::empty();
    let disk = Ext4::mount(&sandbox.store(), 64, sandbox.uid());
    set_up(&sandbox);
    let (mut told, rounds) = (Told::default(), rounds(6));
    for round in 0..rounds {
        told.harmed(&sandbox, round, || {
            // The kernel refuses somebody who had a file open for writing, as the daemon has. Linux 6.12 to 6.14 reads no
            // more from such a disk, too.
            let refused = disk.breaks();
            assert!(
                refused.kind() == ErrorKind::ReadOnlyFilesystem || refused.raw_os_error() == Some(5),
                "{refused}"
            );
        });
        let said = sandbox.human(&["unlock"]);
        assert!(said.code != 0, "round {round}, unlocked on a broken disk: {}", said.all());
        disk.anew();
        disk.only_read(true);
        let said = sandbox.human(&["unlock"]);
        assert!(said.code != 0 && said.err.to_lowercase().contains("read-only"), "{}", said.all());
        disk.only_read(false);
        let said = sandbox.unlock();
        assert!(!said.err.contains("warning"), "round {round}: {}", said.all());
    }
    told.check(&sandbox);
}

/// A passphrase, and the file that has the recovery code which belongs to it.
struct Keys(String, PathBuf);

impl Keys {
    /// Whether a human with this passphrase gets in and finds the value.
    fn open(&self, sandbox: &Sandbox) -> bool {
        let unlocked = sandbox.svault(&["unlock"]).secret("--passphrase-fd", &self.0).run();
        if unlocked.code != 0 {
            assert!(unlocked.err.contains("wrong passphrase"), "{}", unlocked.all());
            return false;
        }
        let shown = sandbox.svault(&["show", "LOW"]).secret("--passphrase-fd", &self.0).run();
        assert_eq!(shown.ok().text(), "sk-test-crash");
        true
    }
}

/// One that is there may be about to end by itself.
fn ends_daemon(sandbox: &Sandbox) {
    if let Some(pid) = sandbox.daemon() {
        svault_tests::processes::kill(pid);
        sandbox.wait_for("the daemon's death", || !svault_tests::processes::lives(pid));
    }
}

#[test]
fn a_recovery_that_is_killed_leaves_the_old_keys_or_the_new_ones() {
    need!(Linux);
    let sandbox = Sandbox::ready();
    sandbox.add("LOW", "sk-test-crash", &["--tier", "low", "--scope", "db"]);
    let mut now = Keys(svault_tests::sandbox::PASSPHRASE.into(), sandbox.path("recovery-code"));
    let recover = |now: &Keys, round: u64| {
        ends_daemon(&sandbox);
        let next =
            Keys(format!("nine quiet otters mend {round} umbrellas"), sandbox.path(&round.to_string()));
        let code = std::fs::read_to_string(&now.1).expect("a code");
        let recover = sandbox.svault(&["recover"]).secret("--code-fd", code.trim());
        let recover = recover.secret("--new-passphrase-fd", &next.0);
        (recover.writes_to("--recovery-out-fd", &next.1).spawn(), next)
    };
    // One that nobody stops, for how long it takes.
    let since = Instant::now();
    let (running, next) = recover(&now, 0);
    let _ = running.end().ok();
    let whole = since.elapsed();
    now = next;
    let (rounds, mut old) = (rounds(12), 0);
    for round in 1..=rounds {
        let (mut running, next) = recover(&now, round);
        std::thread::sleep(whole.mul_f64((round - 1) as f64 / rounds as f64));
        let _ = running.child.kill();
        ends_daemon(&sandbox);
        let _ = running.end();
        if now.open(&sandbox) {
            old += 1;
        } else {
            assert!(next.open(&sandbox), "round {round}: neither passphrase opens the store");
            now = next;
        }
    }
    assert!(old > 0, "each one had ended before it was killed");
    // The recovery code in force is the one that was written beside its passphrase.
    let _ = recover(&now, rounds + 1).0.end().ok();
    let _ = sandbox.run(&["audit", "verify"]).ok();
}
