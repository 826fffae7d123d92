//! The store that attacks are tried on, and what it looked like before.

use super::header::{Header, Kind};
use serde_json::Value;
use std::path::PathBuf;
use svault_tests::sandbox::{GOOD_REASON, Sandbox};
use svault_tests::tmpfs::Tmpfs;

/// Every secret with its value and its class. `LOW` is what the caller `tester` may read; the rest is for nobody, for
/// those whom a human asked, or for callers that the attack is not.
pub const SECRETS: &[(&str, &str, &[&str])] = &[
    ("LOW", "sk-test-low-2f6c81aa09", &["--tier", "low", "--scope", "db"]),
    ("MEDIUM", "sk-test-medium-77d0b3e418", &["--tier", "medium", "--scope", "db"]),
    ("HIGH", "sk-test-high-c05a9be6d2", &["--tier", "high", "--scope", "db"]),
    ("OTHER", "sk-test-other-91ff2ac763", &["--tier", "low", "--scope", "payments"]),
    ("VIP", "sk-test-vip-5b8de00f1c", &["--tier", "low", "--scope", "vip"]),
    ("STARTED", "sk-test-started-e4417a92bb", &["--tier", "low", "--scope", "started"]),
];

/// A store, and how it was.
pub struct House {
    /// It.
    pub sandbox: Sandbox,
    /// The recovery code.
    pub recovery: String,
    /// The policy's text.
    pub policy: String,
    /// The secrets' rows.
    pub rows: Value,
    /// The trail's entries, newest first.
    pub trail: Vec<Value>,
    _disk: Option<Tmpfs>,
}

impl House {
    /// Builds it as the header wants it.
    pub fn build(header: &Header) -> Self {
        let sandbox = Sandbox::empty();
        let disk = (header.kind == Kind::Small).then(|| Tmpfs::mount(&sandbox.store(), 2048, sandbox.uid()));
        for folder in [work(&sandbox), work(&sandbox).join("loot"), work(&sandbox).join("answers")] {
            std::fs::create_dir(&folder).expect("a folder");
            svault_tests::scratch::own(&folder, sandbox.uid());
        }
        let recovery = sandbox.init();
        std::fs::remove_file(sandbox.path("recovery-code")).expect("remove");
        sandbox.set_policy(&policy(&sandbox, header.kind));
        for (name, value, options) in SECRETS {
            sandbox.add(name, value, options);
        }
        // A minute of the day that is not now, nor soon.
        let hour = (std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs() / 3600 + 12) % 24;
        sandbox.add(
            "NIGHT",
            NIGHT,
            &["--tier", "low", "--scope", "db", "--window", &format!("daily {hour:02}:00-{hour:02}:01")],
        );
        prepare(&sandbox, header.kind);
        let policy = sandbox.human(&["policy", "show"]).ok().text();
        let rows = sandbox.human(&["list", "--json"]).ok().json()["secrets"].clone();
        let trail = entries(&sandbox);
        Self { sandbox, recovery, policy, rows, trail, _disk: disk }
    }

    /// Every value with the name under which an attack may be given it.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<_> = SECRETS.iter().map(|(name, value, _)| (*name, (*value).to_owned())).collect();
        all.push(("NIGHT", NIGHT.to_owned()));
        all.push(("PASSPHRASE", svault_tests::sandbox::PASSPHRASE.to_owned()));
        all.push(("RECOVERY", self.recovery.clone()));
        all
    }
}

/// The value of the secret that is open for one minute of the day.
const NIGHT: &str = "sk-test-night-0a6e5d7730";

/// The attack's own folder.
pub fn work(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("work")
}

/// The whole trail, newest first.
pub fn entries(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.human(&["audit", "list", "--json", "--last", "1000000"]).ok().json();
    listed["entries"].as_array().expect("entries").clone()
}

fn policy(sandbox: &Sandbox, kind: Kind) -> String {
    let robot = svault_tests::Robot::executable(sandbox);
    let rate = if kind == Kind::Tight { "3/hour" } else { "1000/1s" };
    let seal = if kind == Kind::Sealed { "5 denials/5min" } else { "20 denials/1s" };
    format!(
        "[callers.tester]\nscopes = [\"db\"]\nrate = \"{rate}\"\n\
         [callers.robot]\nexe = [\"{}\"]\nscopes = [\"db\", \"vip\"]\nrate = \"1000/1s\"\n\
         [callers.started]\nscopes = [\"db\", \"started\"]\nverified = true\n\
         [limits]\nburst_per_session = \"1000/1s\"\nburst_per_secret = \"1000/1s\"\nseal_after = \"{seal}\"\n\
         [reason]\nmin_chars = 10\n[medium]\nask = true\n",
        robot.display()
    )
}

fn prepare(sandbox: &Sandbox, kind: Kind) {
    match kind {
        Kind::Tight => (0..3).for_each(|_| drop(sandbox.get("LOW").ok())),
        Kind::Sealed => {
            for _ in 0..5 {
                // At a pace at which denials are not folded into one record.
                std::thread::sleep(std::time::Duration::from_millis(220));
                let args = ["get", "LOW", "--scope", "wrong", "--reason", GOOD_REASON];
                let _ = sandbox.asks(&args).denied();
            }
        }
        Kind::Edited => {
            let edit = |tier: &str| drop(sandbox.human(&["edit", "HIGH", "--tier", tier]).ok());
            edit("low");
            let older = work(sandbox).join("older.svault");
            std::fs::copy(sandbox.store().join("vaults/main.svault"), &older).expect("a copy");
            svault_tests::scratch::own(&older, sandbox.uid());
            edit("high");
        }
        Kind::Open | Kind::Small => {}
    }
}
