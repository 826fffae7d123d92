//! The proofs and the sealed channel, attacked: everything altered, lost, repeated, swapped or taken elsewhere breaks.

// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used)]

use secret::{Bytes, Key};
use svault_wire as wire;
use wire::proof::{Channel, End, Error, Exchange, Inner, Proof, Transcript, holds, prove};
use wire::{FromDaemon, Peer, ToDaemon};
use words::Id;

fn exchange() -> Exchange {
    Exchange {
        store: [1; 16],
        epoch: 2,
        slot: [3; 8],
        nonce_c: [4; 32],
        nonce_d: [5; 32],
        peer: Peer { pid: 6, start: 7, parent: 8, tty: 9 },
    }
}

fn key(byte: u8) -> Key {
    Key::copy_from(&[byte; 32]).unwrap()
}

fn pair() -> (Channel, Channel) {
    let (kp, t) = (key(7), exchange().transcript());
    (Channel::new(End::Client, &kp, &t).unwrap(), Channel::new(End::Daemon, &kp, &t).unwrap())
}

fn copy(b: &Bytes) -> Bytes {
    Bytes::copy_from(b.expose()).unwrap()
}

#[test]
fn the_transcript_covers_every_field() {
    let base = exchange().transcript();
    let twists: [fn(&mut Exchange); 9] = [
        |e| e.store[15] ^= 1,
        |e| e.epoch ^= 1,
        |e| e.slot[0] ^= 1,
        |e| e.nonce_c[31] ^= 1,
        |e| e.nonce_d[0] ^= 1,
        |e| e.peer.pid ^= 1,
        |e| e.peer.start ^= 1 << 40,
        |e| e.peer.parent ^= 1,
        |e| e.peer.tty ^= 1,
    ];
    for (i, twist) in twists.iter().enumerate() {
        let mut other = exchange();
        twist(&mut other);
        assert_ne!(other.transcript(), base, "{i}");
    }
}

#[test]
fn no_proof_stands_in_for_another() {
    let (kp, t) = (key(7), exchange().transcript());
    let id: Id = "7K2MQ9XA".parse().unwrap();
    let all = [
        Proof::Daemon,
        Proof::Client,
        Proof::Yes { id, act: b"a" },
        Proof::Yes { id, act: b"b" },
        Proof::Yes { id: "7K2MQ9XB".parse().unwrap(), act: b"a" },
    ];
    for (i, what) in all.iter().enumerate() {
        let mac = prove(&kp, &t, *what).unwrap();
        for (j, other) in all.iter().enumerate() {
            assert_eq!(holds(&kp, &t, *other, &mac), i == j, "{i} as {j}");
        }
        assert!(!holds(&key(8), &t, *what, &mac), "another key");
        let mut other = exchange();
        other.nonce_d = [6; 32];
        assert!(!holds(&kp, &other.transcript(), *what, &mac), "another exchange");
        for bit in 0..256 {
            let mut altered = mac;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(!holds(&kp, &t, *what, &altered));
        }
    }
}

#[test]
fn both_directions_work_and_values_come_out_whole() {
    let (mut client, mut daemon) = pair();
    for round in 0..3 {
        let sealed = client.seal_control(&ToDaemon::Status).unwrap();
        let inner = daemon.open(sealed).unwrap();
        assert!(matches!(inner.message().unwrap(), ToDaemon::Status), "{round}");
        let sealed = daemon.seal_raw(b"sk-test-value").unwrap();
        assert!(!sealed.expose().windows(7).any(|w| w == b"sk-test"), "in the clear");
        assert_eq!(client.open(sealed).unwrap().value().unwrap().expose(), b"sk-test-value");
        let sealed = daemon.seal_raw(b"").unwrap();
        assert_eq!(client.open(sealed).unwrap().value().unwrap().len(), 0);
    }
    let most = vec![7; wire::frame::RAW_MAX];
    let sealed = client.seal_raw(&most).unwrap();
    assert_eq!(daemon.open(sealed).unwrap().value().unwrap().expose(), most);
    assert!(client.seal_raw(&vec![7; wire::frame::RAW_MAX + 1]).is_err());
}

/// `attack` gets three sealed frames of the client and says what the daemon is given.
fn breaks(attack: impl FnOnce([Bytes; 3]) -> Vec<Bytes>) {
    let (mut client, mut daemon) = pair();
    let frames = [b"one", b"two", b"six"].map(|v| client.seal_raw(v).unwrap());
    let results: Vec<_> = attack(frames).into_iter().map(|f| daemon.open(f)).collect();
    assert!(results.iter().any(|r| matches!(r, Err(Error::Broken))));
    let first = results.iter().position(Result::is_err).unwrap();
    assert!(results[first..].iter().all(Result::is_err), "open again after it broke");
    assert!(daemon.seal_control(&FromDaemon::Proved).is_err(), "still sends");
}

#[test]
fn a_gap_a_repeat_a_swap_an_altered_or_a_foreign_frame_breaks_it() {
    breaks(|[_, b, c]| vec![b, c]);
    breaks(|[a, _, c]| vec![a, c]);
    breaks(|[a, b, c]| vec![copy(&a), a, b, c]);
    breaks(|[a, b, c]| vec![b, a, c]);
    breaks(|[a, b, c]| vec![copy(&a), b, a, c]);
    breaks(|_| vec![Bytes::zeroed(0).unwrap()]);
    breaks(|_| vec![Bytes::zeroed(16).unwrap()]);
    breaks(|_| vec![Bytes::zeroed(40).unwrap()]);
    for i in 0..3 + wire::proof::SEALED_EXTRA {
        breaks(|[mut a, b, _]| {
            a.expose_mut()[i] ^= 0x80;
            vec![a, b]
        });
    }
    breaks(|[mut a, b, _]| {
        a.truncate(a.len() - 1);
        vec![a, b]
    });
    breaks(|[a, b, _]| {
        let mut longer = a.expose().to_vec();
        longer.push(0);
        vec![Bytes::from_vec(longer).unwrap(), b]
    });
}

#[test]
fn a_frame_of_the_other_direction_or_another_channel_breaks_it() {
    let (mut client, mut daemon) = pair();
    let own = daemon.seal_raw(b"x").unwrap();
    assert!(matches!(daemon.open(own), Err(Error::Broken)), "its own frame, sent back");

    let (kp, mut other) = (key(7), exchange());
    other.nonce_c = [9; 32];
    let t: Transcript = other.transcript();
    let mut elsewhere = Channel::new(End::Client, &kp, &t).unwrap();
    let (_, mut daemon) = pair();
    assert!(matches!(daemon.open(elsewhere.seal_raw(b"x").unwrap()), Err(Error::Broken)));

    client.close();
    assert!(client.seal_raw(b"x").is_err());
}

#[test]
fn a_sealed_frame_of_an_unknown_kind_is_no_message() {
    let (mut client, mut daemon) = pair();
    let inner = daemon.open(client.seal_raw(b"{}").unwrap()).unwrap();
    assert!(matches!(inner, Inner::Raw(_)));
    assert!(inner.message::<ToDaemon>().is_err(), "a value read as a message");
    let inner = daemon.open(client.seal_control(&ToDaemon::Status).unwrap()).unwrap();
    assert!(inner.value().is_err(), "a message taken as a value");
}
