//! The header of a sealed file and its slots: no panic, no work before the bounds hold, slots come back as they were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::{Header, SlotSpec};

fuzz_target!(|bytes: &[u8]| {
    if let Ok((header, len)) = Header::parse(bytes) {
        assert!(len <= bytes.len());
        for slot in &header.slots {
            let coded = slot.spec.encode();
            assert_eq!(SlotSpec::decode(&coded).expect("its own bytes").encode(), coded);
        }
    }
    if let Ok(spec) = SlotSpec::decode(bytes) {
        assert_eq!(spec.encode(), bytes);
    }
});
