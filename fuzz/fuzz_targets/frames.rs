//! Frames of the wire, whole and in pieces, and the messages in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::frame::{Accept, Decoder};

fuzz_target!(|input: (u8, &[u8])| {
    let (step, mut bytes) = input;
    let accept = [Accept::CONTROL, Accept::RAW, Accept::SEALED, Accept::SEALED_OR_CONTROL][usize::from(step & 3)];
    let mut decoder = Decoder::new();
    while !bytes.is_empty() {
        let space = decoder.space();
        let n = space.len().min(bytes.len()).min(1 + usize::from(step >> 2));
        space[..n].copy_from_slice(&bytes[..n]);
        bytes = &bytes[n..];
        match decoder.filled(n, accept) {
            Ok(Some(frame)) => drop(frame.message::<wire::ToDaemon>()),
            Ok(None) => {}
            Err(_) => return,
        }
    }
});
