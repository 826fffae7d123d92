//! See `svault_fuzz::audit_filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::audit_filter(bytes));
