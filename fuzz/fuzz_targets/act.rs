//! See `svault_fuzz::act`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::act(bytes));
