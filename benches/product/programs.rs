//! Whole programs: `svault get` as an agent runs it, Argon2id beside another implementation, the size of the binary.

use crate::floor::{self, Log};
use crate::requests::{pause, store};
use crate::table::{Bar, Run, against, note, row, timed};
use std::process::{Command, Stdio};
use svault_tests::sandbox::GOOD_REASON;

/// `svault get` from its start to its end.
pub fn get(run: &Run) {
    let sandbox = store();
    let mut log = Log::create(&sandbox);
    let (mut took, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..run.of(300, 60) {
        floor.push(timed(|| {
            floor::process();
            log.append();
        }));
        let mut command = Command::new(sandbox.binary());
        command.args(["get", "LOW", "--caller", "tester", "--scope", "db", "--reason", GOOD_REASON]);
        command.env_clear().envs(sandbox.env()).stdin(Stdio::null()).stdout(Stdio::null());
        took.push(timed(|| assert!(command.status().expect("svault").success())));
        pause();
    }
    row("svault get, whole process", &mut took, &mut floor, Bar::AtMost(4.0));
}

/// Our Argon2id beside Debian's `argon2`.
pub fn kdf(run: &Run) {
    let (m_log2, passes) = (18, 3);
    let params = seal::KdfParams { m_kib: 1 << m_log2, t: passes, p: 1 };
    let spec =
        seal::SlotSpec::new(vec![seal::Factor::Passphrase(params)], &mut seal::OsRandom).expect("slot");
    let passphrase = secret::Bytes::copy_from(b"a passphrase of some length").expect("memory");
    if Command::new("argon2").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        note("argon2id: the program argon2 is not here (Debian: apt-get install argon2)");
        return;
    }
    let (mut took, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..run.of(9, 3) {
        floor.push(timed(argon2(m_log2, passes)));
        took.push(timed(|| drop(seal::passphrase_output(&spec, &passphrase).expect("a key"))));
    }
    row("Argon2id, 256 MiB, 3 passes", &mut took, &mut floor, Bar::AtMost(1.1));
}

fn argon2(m_log2: u32, passes: u32) -> impl FnOnce() {
    let mut command = Command::new("argon2");
    command.args(["saltsaltsaltsaltsaltsaltsaltsalt", "-id", "-p", "1", "-l", "32", "-r"]);
    command.args(["-m", &m_log2.to_string(), "-t", &passes.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    move || {
        use std::io::Write;
        let mut child = command.spawn().expect("argon2");
        child.stdin.take().expect("a pipe").write_all(b"a passphrase of some length").expect("write");
        assert!(child.wait().expect("its end").success());
    }
}

/// The size of the binary that is handed out, and of the one that `cargo build --release` makes. `cargo xtask bench` builds
/// them and says: an ordinary user can't look where they are.
pub fn binary(_run: &Run) {
    let binaries = [
        ("release binary, static, stripped", "SVAULT_RELEASE_BYTES"),
        ("the same, not static: cargo build --release", "SVAULT_PLAIN_BYTES"),
    ];
    for (what, bytes) in binaries {
        match std::env::var(bytes).ok().and_then(|bytes| bytes.parse::<f64>().ok()) {
            Some(bytes) => against(what, bytes / 1e6, 8.0, "MB", true),
            None => note(&format!("{what}: not built here; cargo xtask bench --only binary")),
        }
    }
}
