//! See `svault_fuzz::sealed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::sealed(bytes));
