//! The format is what its specification says: `spec/reader.py`, written from that text alone, reads what svault wrote.

use std::path::Path;
use std::process::{Command, Output};
use svault_tests::sandbox::{PASSPHRASE, Sandbox};
use svault_tests::{bin, need};

fn python(args: &[&str]) -> Output {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("spec");
    Command::new("python3").args(args).current_dir(spec).output().expect("python3")
}

fn text(said: &Output) -> String {
    String::from_utf8_lossy(&[said.stdout.as_slice(), &said.stderr].concat()).into_owned()
}

#[test]
fn it_opens_every_good_vector_and_refuses_every_malformed_one() {
    need!(Reader);
    let said = python(&["check_vectors.py"]);
    assert!(said.status.success(), "{}", text(&said));
    assert!(text(&said).contains(" files, 0 wrong"), "{}", text(&said));
}

/// Opens the store with the passphrase, tries every 32-byte value in it on the vault, and prints what the vault holds.
const READ: &str = r#"
import pathlib, sys, reader
store, vault, passphrase = sys.argv[1:]
_, frames = reader.read(pathlib.Path(store).read_bytes(), 0, {1: passphrase.encode()})
keys = [f["value"] for f in frames if f["value"] and len(f["value"]) == 32]
opened = []
for key in keys:
    try:
        opened.append(reader.read(pathlib.Path(vault).read_bytes(), 0, {8: key})[1])
    except reader.Bad:
        pass
assert len(opened) == 1, f"{len(opened)} of {len(keys)} keys open the vault"
print([f["value"].decode() for f in opened[0] if f["value"]])
"#;

#[test]
fn it_opens_a_store_that_the_ordinary_binary_has_just_made() {
    need!(Reader, Linux);
    let sandbox = Sandbox::with(bin::plain());
    let _ = sandbox.init();
    for n in 1..=3 {
        sandbox.add(&format!("SECRET_{n}"), &format!("sk-test-read-{n}"), &["--tier", "low"]);
    }
    let _ = sandbox.svault(&["replace", "SECRET_2"]).human().stdin("sk-test-read-again").run().ok();
    sandbox.lock();
    let (store, vault) = (sandbox.store().join("store.svault"), sandbox.store().join("vaults/main.svault"));
    let (store, vault) = (store.to_str().expect("a path"), vault.to_str().expect("a path"));
    let said = python(&["-c", READ, store, vault, PASSPHRASE]);
    let all = "['sk-test-read-1', 'sk-test-read-2', 'sk-test-read-3', 'sk-test-read-again']";
    assert_eq!(text(&said).trim_end(), all);
    let said = python(&["reader.py", store, "--passphrase", PASSPHRASE]);
    assert!(said.status.success(), "{}", text(&said));
    assert!(text(&said).contains("burst_per_session"), "the policy is a record of it: {}", text(&said));
    let wrong = python(&["reader.py", store, "--passphrase", "another passphrase"]);
    assert!(!wrong.status.success() && text(&wrong).contains("WrongKey"), "{}", text(&wrong));
}
