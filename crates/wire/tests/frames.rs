//! Frames as a stranger would send them: cut anywhere, too long, of the wrong kind, in any pieces.

// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use std::io::Cursor;
use svault_wire as wire;
use wire::frame::{self, Accept, CONTROL_MAX, Decoder, Error, Frame, Kind, RAW_MAX, SEALED_MAX};
use wire::{FromDaemon, ToDaemon};

fn head(len: u32, kind: u8) -> Vec<u8> {
    let mut out = len.to_le_bytes().to_vec();
    out.push(kind);
    out
}

fn read(bytes: &[u8], accept: Accept) -> Result<Option<Frame>, Error> {
    frame::read(&mut Cursor::new(bytes), accept)
}

#[test]
fn messages_go_both_ways_and_unknown_ones_are_refused() {
    let bytes = frame::control(&ToDaemon::Status).unwrap();
    assert_eq!(bytes, [&head(18, 0)[..], br#"{"type":"status"}"#].concat());
    let back: ToDaemon = read(&bytes, Accept::CONTROL).unwrap().unwrap().message().unwrap();
    assert!(matches!(back, ToDaemon::Status));
    for text in
        [r#"{"type":"open_sesame"}"#, r#"{"type":"cancel","id":"7K2MQ9XA","all":true}"#, "{}", "", "[1"]
    {
        let frame = Frame::Control(text.as_bytes().to_vec());
        assert!(frame.message::<ToDaemon>().is_err(), "{text}");
    }
    // Nothing nests deep enough to exhaust a stack.
    let deep = Frame::Control([b"[".repeat(100_000), b"]".repeat(100_000)].concat());
    assert!(deep.message::<FromDaemon>().is_err());
}

#[test]
fn heads_are_refused_before_anything_is_allocated() {
    let lens = [(0, CONTROL_MAX), (1, RAW_MAX), (2, SEALED_MAX)];
    for (kind, max) in lens {
        let accept = [Accept::CONTROL, Accept::RAW, Accept::SEALED][usize::from(kind)];
        let over = read(&head(max as u32 + 2, kind), accept);
        assert!(matches!(over, Err(Error::TooLong { .. })), "{kind}");
        assert!(matches!(read(&head(u32::MAX, kind), accept), Err(Error::TooLong { .. })));
        assert!(matches!(read(&head(max as u32 + 1, kind), accept), Err(Error::Cut)), "{kind}: just fits");
    }
    assert!(matches!(read(&head(0, 0), Accept::CONTROL), Err(Error::Empty)));
    assert!(matches!(read(&head(5, 3), Accept::CONTROL), Err(Error::Kind(3))));
}

#[test]
fn only_what_is_due_is_accepted() {
    for (accept, good) in [
        (Accept::CONTROL, &[0][..]),
        (Accept::RAW, &[1]),
        (Accept::SEALED, &[2]),
        (Accept::SEALED_OR_CONTROL, &[0, 2]),
    ] {
        for kind in 0..3 {
            let mut bytes = head(2, kind);
            bytes.push(b'x');
            let got = read(&bytes, accept);
            if good.contains(&kind) {
                assert!(got.is_ok_and(|f| f.is_some()));
            } else {
                assert!(matches!(got, Err(Error::NotNow(_))), "{kind}");
            }
        }
    }
}

#[test]
fn an_end_between_frames_is_none_and_within_one_is_cut() {
    let mut whole = Vec::new();
    frame::write(&mut whole, Kind::Raw, b"sk-test-1").unwrap();
    assert!(read(&[], Accept::RAW).unwrap().is_none());
    for n in 1..whole.len() {
        assert!(matches!(read(&whole[..n], Accept::RAW), Err(Error::Cut)), "{n}");
    }
    let value = frame::read_raw(&mut Cursor::new(&whole)).unwrap();
    assert_eq!(value.expose(), b"sk-test-1");
    assert!(frame::write(&mut Vec::new(), Kind::Raw, &vec![0; RAW_MAX + 1]).is_err());
}

#[test]
fn an_empty_value_is_a_value() {
    let mut whole = Vec::new();
    frame::write(&mut whole, Kind::Raw, b"").unwrap();
    assert_eq!(whole, head(1, 1));
    assert_eq!(frame::read_raw(&mut Cursor::new(&whole)).unwrap().len(), 0);
}

proptest! {
    #[test]
    fn pieces_of_any_size_give_the_same_frames(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..6),
        cuts in prop::collection::vec(1_usize..9, 1..20),
    ) {
        let mut stream = Vec::new();
        for p in &payloads {
            frame::write(&mut stream, Kind::Raw, p).unwrap();
        }
        let (mut decoder, mut at, mut found) = (Decoder::new(), 0, Vec::new());
        for cut in cuts.iter().cycle() {
            if at == stream.len() {
                break;
            }
            let space = decoder.space();
            prop_assert!(!space.is_empty());
            let n = space.len().min(*cut).min(stream.len() - at);
            space[..n].copy_from_slice(&stream[at..at + n]);
            at += n;
            match decoder.filled(n, Accept::RAW).unwrap() {
                Some(Frame::Raw(value)) => found.push(value.expose().to_vec()),
                Some(_) => prop_assert!(false, "another kind"),
                None => {}
            }
        }
        prop_assert!(!decoder.is_inside());
        prop_assert_eq!(found, payloads);
    }

    #[test]
    fn garbage_is_an_error_and_never_more(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for accept in [Accept::CONTROL, Accept::RAW, Accept::SEALED_OR_CONTROL] {
            let _ = read(&bytes, accept);
        }
        let _ = wire::act::Act::decode(&bytes);
    }
}
