//! See `svault_fuzz::policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::policy(bytes));
