//! See `svault_fuzz::redact`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::redact(bytes));
