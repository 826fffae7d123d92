//! See `svault_fuzz::dotenv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| svault_fuzz::dotenv(bytes));
