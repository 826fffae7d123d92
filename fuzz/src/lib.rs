//! Everything that reads bytes of strangers, as one function each: given any bytes it must return, and what it says
//! must hold. The fuzz targets call these with a fuzzer's bytes, `tests/seeds.rs` with the kept seeds and changes of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod policy;
mod sealed;

pub use self::policy::policy;
pub use self::sealed::sealed;

use std::sync::Arc;
use wire::act::Act;
use wire::frame::{Accept, Decoder};

/// A name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("header", header),
    ("sealed", sealed),
    ("frames", frames),
    ("act", act),
    ("policy", policy),
    ("dotenv", dotenv),
    ("audit_filter", audit_filter),
    ("redact", redact),
];

/// The header of a sealed file and its slots: no work before the bounds hold, and slots come back as they were.
pub fn header(bytes: &[u8]) {
    if let Ok((header, len)) = seal::Header::parse(bytes) {
        assert!(len <= bytes.len());
        for slot in &header.slots {
            let coded = slot.spec.encode();
            assert_eq!(seal::SlotSpec::decode(&coded).expect("its own bytes").encode(), coded);
        }
    }
    if let Ok(spec) = seal::SlotSpec::decode(bytes) {
        assert_eq!(spec.encode(), bytes);
    }
}

/// Frames of the wire, whole and in pieces, and the messages in them, of either side. The first byte says how they come.
pub fn frames(input: &[u8]) {
    let Some((&step, mut bytes)) = input.split_first() else { return };
    let all = [Accept::CONTROL, Accept::RAW, Accept::SEALED, Accept::SEALED_OR_CONTROL];
    let mut decoder = Decoder::new();
    while !bytes.is_empty() {
        let space = decoder.space();
        let n = space.len().min(bytes.len()).min(1 + usize::from(step >> 2));
        space[..n].copy_from_slice(&bytes[..n]);
        bytes = &bytes[n..];
        match decoder.filled(n, all[usize::from(step & 3)]) {
            Ok(Some(frame)) => {
                comes_back::<wire::ToDaemon>(&frame);
                comes_back::<wire::FromDaemon>(&frame);
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// A message that is read is written as one that says the same.
fn comes_back<T: serde::Serialize + serde::de::DeserializeOwned>(frame: &wire::frame::Frame) {
    let Ok(message) = frame.message::<T>() else { return };
    let json = serde_json::to_vec(&message).expect("JSON");
    let again: T = serde_json::from_slice(&json).expect("its own JSON");
    assert_eq!(serde_json::to_vec(&again).expect("JSON"), json);
}

/// The canonical act: what is read is written the same, and no line of what a human is shown has control characters in it,
/// or such as change the direction of others.
pub fn act(bytes: &[u8]) {
    if let Ok(act) = Act::decode(bytes) {
        assert_eq!(act.encode().expect("its own fields"), bytes);
        let card = act.card();
        is_plain(&card.act);
        card.lines.iter().for_each(|line| is_plain(&line.text));
        assert!(card.lines.iter().all(|line| line.label.is_ascii()));
    }
    is_plain(&wire::card::visible(bytes));
}

fn is_plain(text: &str) {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.chars().any(|c| c.is_control() || turns(c)), "{text:?}");
}

/// A `.env` file: errors inside the text, every byte kept, and what is written is read back.
pub fn dotenv(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let file = match ::dotenv::parse(text) {
        Ok(file) => file,
        Err(e) => {
            assert!(e.line >= 1 && e.column >= 1 && e.line <= text.split(['\n', '\r']).count(), "{e}");
            return;
        }
    };
    assert_eq!(*file.replace(&[]), *text);
    let Ok(values) = file.values(|_| None) else { return };
    let news: Vec<(usize, &str)> = values.iter().enumerate().map(|(i, v)| (i, v.text.as_str())).collect();
    let again = file.replace(&news);
    let reread = ::dotenv::parse(&again).expect("what was written");
    let same = reread.values(|_| None).expect("no expansion is left");
    assert!(values.len() == same.len() && values.iter().zip(&same).all(|(a, b)| *a.text == *b.text));
}

/// What `audit list` is asked for, and entries against it.
pub fn audit_filter(bytes: &[u8]) {
    let Ok(filter) = serde_json::from_slice::<audit::Filter>(bytes) else { return };
    let again = serde_json::to_vec(&filter).expect("JSON");
    assert_eq!(serde_json::from_slice::<audit::Filter>(&again).expect("its own JSON"), filter);
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mut entry = audit::Entry::new(words::Id::from_bits(7), at, audit::Event::Deny);
    let everything = audit::Filter::default();
    assert!(everything.matches(&entry));
    if let Some(secret) = &filter.secret {
        entry.secret = secret.clone();
        let only = audit::Filter { secret: Some(secret.clone()), ..everything };
        assert!(only.matches(&entry));
    }
    let _ = filter.matches(&entry);
}

/// Streaming redaction: however the text is cut, the same comes out, and a known value never does. The first byte says
/// how it is cut.
pub fn redact(input: &[u8]) {
    const VALUE: &[u8] = b"sk-test-0123456789abcdef";
    const LINES: &[u8] = b"test-one\ntest-two\n\ntest-three";
    let Some((&step, text)) = input.split_first() else { return };
    let needles = || {
        let mut needles = scan::Needles::new();
        let _ = needles.add(1, "NAME", VALUE).expect("locked memory");
        let _ = needles.add(2, "LINES", LINES).expect("locked memory");
        Arc::new(needles)
    };
    let run = |piece: usize| {
        let mut redactor = scan::Redactor::new(Some(scan::Rules::built_in()), Some(needles()));
        let mut out = Vec::new();
        text.chunks(piece.max(1)).for_each(|part| redactor.feed(part, &mut out));
        redactor.finish(&mut out);
        out
    };
    let whole = run(text.len());
    assert_eq!(run(1 + usize::from(step)), whole, "how it is cut makes a difference");
    assert!(!whole.windows(VALUE.len()).any(|w| w == VALUE), "a value came through");
    // As an eye sees it: with plain line ends. Three returns and a line feed are none.
    let seen = String::from_utf8_lossy(&whole).replace("\r\r\r\n", "\u{fffd}");
    let seen = seen.replace("\r\r\n", "\n").replace("\r\n", "\n");
    assert!(
        !seen.as_bytes().windows(LINES.len()).any(|w| w == LINES),
        "a value of several lines came through"
    );
    assert!(scan::find(text, Some(scan::Rules::built_in()), None).iter().all(|h| h.range.end <= text.len()));
}
