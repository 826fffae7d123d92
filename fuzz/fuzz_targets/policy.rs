//! The policy document: no panic, and an error that names a place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(e) = policy::Policy::parse(text) {
        assert!(e.line >= 1 && e.line <= text.lines().count() + 1, "{e}");
    }
    let _ = policy::parse_windows(&[text.to_owned()]);
});
