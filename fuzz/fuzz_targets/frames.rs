//! See `svault_fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::frames(bytes));
