//! Large stores in seconds: filled below the daemon, by the libraries that it uses, and locked as it locks.

use audit::{Durable, Entry, Event, Start, Trail};
use seal::{Disk, Header, RealDisk, SlotId, SlotKeys};
use secret::Bytes;
use std::path::Path;
use std::sync::Arc;
use svault_daemon::state::segments::Lent;
use svault_tests::Sandbox;
use svault_tests::sandbox::{GOOD_REASON, PASSPHRASE};
use vault::{Change, NewSecret, Rollback, Store};
use words::{Class, Door, Evidence, Exposure, Id, Tier};

/// What a store shall have.
#[derive(Default)]
pub struct Fill {
    /// Secrets, beside those that are there.
    pub secrets: usize,
    /// Bytes of each value; 0: forty.
    pub bytes: usize,
    /// Entries of the trail, beside those that are there.
    pub entries: usize,
}

/// Fills a store; it is unlocked before and after.
pub fn fill(sandbox: &Sandbox, what: &Fill) {
    sandbox.lock();
    fill_locked(&sandbox.store(), what);
    let _ = sandbox.unlock();
}

fn fill_locked(dir: &Path, what: &Fill) {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let (slot, keys) = keys(dir);
    let now = jiff::Timestamp::now();
    let opened = Store::open(Arc::clone(&disk), dir, &slot, &keys, &Rollback::Refuse, now);
    let (mut store, _) = opened.expect("the store");
    secrets(&mut store, what, now);
    let opened = Trail::open(disk, dir, &Lent(&mut store), Start::Verify);
    let (mut trail, _) = opened.expect("the trail");
    let snapshot = svault_daemon::limits::Limits::default().snapshot();
    // Long ago, so that no limit remembers them.
    let long_ago = now - jiff::SignedDuration::from_hours(48);
    for n in 0..what.entries {
        if trail.is_full() {
            trail.new_segment(&mut Lent(&mut store), &snapshot, None, long_ago).expect("a segment");
        }
        let _ = trail.append(entry(n, long_ago), &Lent(&mut store), Durable::Later).expect("an entry");
    }
    trail.commit(&mut Lent(&mut store)).expect("a sync");
    store.lock(trail.total(), now).expect("the lock");
}

fn keys(dir: &Path) -> (SlotId, SlotKeys) {
    let bytes = std::fs::read(Store::path(dir)).expect("the store's file");
    let (header, _) = Header::parse(&bytes[..bytes.len().min(seal::MAX_HEAD)]).expect("a header");
    let passphrase = Bytes::copy_from(PASSPHRASE.as_bytes()).expect("memory");
    for slot in &header.slots {
        let Ok(output) = seal::passphrase_output(&slot.spec, &passphrase) else { continue };
        let keys = seal::derive(header.kind, &header.file_id, header.epoch, &slot.spec, &[output]);
        return (slot.spec.id, keys.expect("keys"));
    }
    panic!("no slot takes a passphrase");
}

/// All of them wait for the disk once.
fn secrets(store: &mut Store, what: &Fill, now: jiff::Timestamp) {
    let value = vec![b'v'; if what.bytes == 0 { 40 } else { what.bytes }];
    let value = Bytes::copy_from(&value).expect("memory");
    let mut last = None;
    for n in 0..what.secrets {
        let new = NewSecret {
            vault: "main".parse().expect("a name"),
            name: format!("FILLED_{n:06}").parse().expect("a name"),
            class: Class::new("db".parse().expect("a scope"), Tier::Medium),
            created_by: None,
        };
        last = Some(store.write(Change::Add(new, &value), now).expect("a secret"));
    }
    if let Some(write) = last {
        store.written(write.run()).expect("a sync");
    }
}

/// As a release of a low secret to an agent's client leaves it.
fn entry(n: usize, at: jiff::Timestamp) -> Entry {
    let mut e =
        Entry::new(Id::from_bits(n as u64), at + jiff::SignedDuration::from_millis(n as i64), Event::Allow);
    e.caller = "claude-code".into();
    e.evidence = Some(Evidence::Matched);
    e.session = "matched:claude-code".into();
    e.door = Some(Door::Cli);
    e.secret = format!("main/FILLED_{:06}", n % 1000);
    (e.version, e.scope, e.reason) = (Some(1), "db".into(), GOOD_REASON.into());
    (e.exposure, e.rule) = (Some(Exposure::Value), "tier low".into());
    e.cwd = "/home/someone/projects/shop".into();
    e.process =
        ["4242 /usr/bin/svault", "4241 /usr/bin/bash", "4200 /usr/local/bin/claude"].map(Into::into).into();
    e
}
