//! The canonical act: what is read is written the same, and what is shown has no control characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::act::Act;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(act) = Act::decode(bytes) {
        assert_eq!(act.encode().expect("its own fields"), bytes);
        let _ = act.card();
    }
    let shown = wire::card::visible(bytes);
    assert!(!shown.chars().any(|c| c.is_control()), "{shown:?}");
});
