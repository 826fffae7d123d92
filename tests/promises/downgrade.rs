//! Promise 7 of the ground floor: a weaker file is refused, before the KDF runs or before anything is released.

use svault_tests::sandbox::Sandbox;
use svault_tests::sealed::Sealed;
use svault_tests::{Output, bin};

fn locked() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.add("LOW", "sk-test-downgrade", &["--tier", "low"]);
    sandbox.lock();
    sandbox
}

fn unlock_with(sandbox: &Sandbox, bytes: &[u8]) -> Output {
    let path = sandbox.store().join("store.svault");
    let whole = std::fs::read(&path).expect("the store");
    std::fs::write(&path, bytes).expect("write");
    let said = sandbox.human(&["unlock", "--json"]);
    assert_ne!(said.code, 0, "{}", said.all());
    sandbox.wait_for("the end of the process that could not open it", || sandbox.daemon().is_none());
    std::fs::write(&path, whole).expect("write");
    said
}

fn code(said: &Output) -> String {
    said.json()["error"]["code"].as_str().unwrap_or("").to_owned()
}

/// Where the passphrase slot's Argon2id parameters are: m, t, p.
fn parameters(sealed: &Sealed) -> std::ops::Range<usize> {
    let slots = (0..16).map(|n| format!("slot{n}.factor0"));
    let passphrase = slots
        .filter(|name| sealed.fields.iter().any(|(n, r)| *n == format!("{name}.params") && r.len() == 12))
        .map(|name| sealed.field(&format!("{name}.params")));
    passphrase.into_iter().next().expect("a passphrase slot with three parameters of four bytes")
}

#[test]
fn the_ordinary_binary_refuses_cheap_parameters() {
    let sandbox = locked();
    let said =
        sandbox.program(bin::plain().to_str().expect("path"), &["unlock", "--json"]).human().run().exits(5);
    assert_eq!(code(&said), "kdf_bounds");
    sandbox.wait_for("the end of the process that could not open it", || sandbox.daemon().is_none());
    // And the test binary opens it: it is the parameters that are refused, nothing else.
    let _ = sandbox.unlock();
}

#[test]
fn parameters_out_of_bounds_are_refused_before_the_kdf_runs() {
    let sandbox = locked();
    let sealed = Sealed::read(&sandbox.store().join("store.svault"));
    let at = parameters(&sealed).start;
    // Run for real, these would take terabytes or years.
    for (what, offset, value) in [
        ("memory", 0, u32::MAX),
        ("memory", 0, (2 << 20) + 1),
        ("memory", 0, 0),
        ("passes", 4, u32::MAX),
        ("passes", 4, 17),
        ("passes", 4, 0),
        ("lanes", 8, u32::MAX),
        ("lanes", 8, 17),
        ("lanes", 8, 0),
    ] {
        let mut bytes = sealed.bytes.clone();
        bytes[at + offset..at + offset + 4].copy_from_slice(&value.to_le_bytes());
        let said = unlock_with(&sandbox, &bytes).exits(5);
        assert_eq!(code(&said), "kdf_bounds", "{what} {value}");
    }
}

#[test]
fn other_parameters_within_bounds_open_nothing() {
    let sandbox = locked();
    let sealed = Sealed::read(&sandbox.store().join("store.svault"));
    let at = parameters(&sealed).start;
    let mut bytes = sealed.bytes.clone();
    bytes[at + 4] += 1;
    let said = unlock_with(&sandbox, &bytes);
    assert!(said.code == 1 || said.code == 5, "{}", said.all());
}

#[test]
fn another_version_is_refused_by_name() {
    let sandbox = locked();
    let sealed = Sealed::read(&sandbox.store().join("store.svault"));
    for version in [0, 2, 255] {
        let mut bytes = sealed.bytes.clone();
        bytes[sealed.field("version").start] = version;
        let said = unlock_with(&sandbox, &bytes).exits(5);
        assert_eq!(code(&said), "version", "version {version}");
    }
}

#[test]
fn slots_removed_swapped_added_or_edited() {
    let sandbox = locked();
    let sealed = Sealed::read(&sandbox.store().join("store.svault"));
    let slot =
        |n: usize| sealed.field(&format!("slot{n}.id")).start..sealed.field(&format!("slot{n}.wrapped")).end;
    let (first, second) = (sealed.bytes[slot(0)].to_vec(), sealed.bytes[slot(1)].to_vec());
    let count = sealed.field("slot_count");
    assert_eq!(sealed.bytes[count.start], 2, "a passphrase and a recovery code");
    let with = |slots: &[&[u8]]| {
        let body = slots.concat();
        let mut bytes = sealed.bytes[..count.start].to_vec();
        bytes.push(u8::try_from(slots.len()).expect("count"));
        bytes.extend_from_slice(&body);
        let len = u32::try_from(bytes.len() - sealed.field("header_len").end).expect("length");
        bytes[sealed.field("header_len")].copy_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&sealed.bytes[slot(1).end..]);
        bytes
    };
    assert_eq!(with(&[&first, &second]), sealed.bytes, "taken apart and put together again it is the same");
    for (what, bytes) in [
        ("the recovery slot removed", with(&[&first])),
        ("the passphrase slot removed", with(&[&second])),
        ("swapped", with(&[&second, &first])),
        ("repeated", with(&[&first, &second, &first])),
        ("none", with(&[])),
        ("seventeen", with(&[first.as_slice(); 17])),
    ] {
        let said = unlock_with(&sandbox, &bytes);
        assert!(said.code == 5 || said.code == 1, "{what}: {}", said.all());
        let refused = said.code == 5 || matches!(code(&said).as_str(), "wrong_passphrase" | "no_slot");
        assert!(refused, "{what}: {}", said.all());
    }
    let mut edited = sealed.bytes.clone();
    edited[sealed.field("slot1.salt").start] ^= 1;
    let said = unlock_with(&sandbox, &edited).exits(5);
    assert_eq!(code(&said), "header_mac", "the slot that was not used was edited");
    for field in ["nonce", "wrapped"] {
        let mut edited = sealed.bytes.clone();
        edited[sealed.field(&format!("slot0.{field}")).start] ^= 1;
        let said = unlock_with(&sandbox, &edited).exits(5);
        assert_eq!(code(&said), "header_mac", "{field}: the passphrase is right, and the slot says so");
    }
}

#[test]
fn an_old_store_with_its_old_passphrase_opens_nothing_of_today() {
    let sandbox = locked();
    let old = std::fs::read(sandbox.store().join("store.svault")).expect("the store");
    let _ = sandbox.unlock();
    let change = sandbox.svault(&["passphrase", "change"]).human();
    let change = change.secret("--new-passphrase-fd", "nine quiet otters mend 17 umbrellas");
    let _ = change.writes_to("--recovery-out-fd", &sandbox.path("new-code")).run().ok();
    sandbox.lock();
    let said = unlock_with(&sandbox, &old).exits(5);
    assert!(code(&said) == "rolled_back", "{}", said.all());
    let _ = sandbox.human(&["unlock"]).exits(1);
    let new = sandbox.svault(&["unlock"]).secret("--passphrase-fd", "nine quiet otters mend 17 umbrellas");
    let _ = new.run().ok();
}
