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

#[test]
fn it_opens_a_store_that_the_ordinary_binary_has_just_made() {
    need!(Reader, Linux);
    let sandbox = Sandbox::with(bin::plain());
    let _ = sandbox.init();
    sandbox.lock();
    let store = sandbox.store().join("store.svault");
    let store = store.to_str().expect("a path");
    let said = python(&["reader.py", store, "--passphrase", PASSPHRASE]);
    assert!(said.status.success(), "{}", text(&said));
    assert!(text(&said).contains("burst_per_session"), "the policy is a record of it: {}", text(&said));
    let wrong = python(&["reader.py", store, "--passphrase", "another passphrase"]);
    assert!(!wrong.status.success() && text(&wrong).contains("WrongKey"), "{}", text(&wrong));
}
