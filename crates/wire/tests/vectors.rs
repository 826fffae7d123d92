//! The vectors of `spec/vectors/wire-v1.json`, which were computed by another program from the text of the spec.

// Helpers of tests may unwrap like tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

use secret::{Bytes, Key};
use serde::Deserialize;
use svault_wire as wire;
use wire::act::{Act, Facts, Resolved};
use wire::frame::{self, Accept, Frame};
use wire::proof::{Channel, End, Exchange, Inner, Proof, holds, prove};
use wire::{Hex, HexBytes, Peer, Want};
use words::Id;

#[derive(Deserialize)]
struct Vectors {
    kp: Hex<32>,
    store: Hex<16>,
    epoch: u64,
    slot: Hex<8>,
    nonce_c: Hex<32>,
    nonce_d: Hex<32>,
    peer: Peer,
    proof_d: Hex<32>,
    proof_c: Hex<32>,
    act_id: Id,
    act: HexBytes,
    proof_yes: Hex<32>,
    c2d: Vec<Sealed>,
    d2c: Vec<Sealed>,
}

#[derive(Deserialize)]
struct Sealed {
    kind: u8,
    inner: String,
    frame: HexBytes,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../spec/vectors/wire-v1.json")).unwrap()
}

fn exchange(v: &Vectors) -> Exchange {
    let peer = v.peer.clone();
    let (nonce_c, nonce_d) = (v.nonce_c.0, v.nonce_d.0);
    Exchange { store: v.store.0, epoch: v.epoch, slot: v.slot.0, nonce_c, nonce_d, peer }
}

#[test]
fn proofs_are_as_the_spec_says() {
    let v = vectors();
    let (kp, t) = (Key::copy_from(&v.kp.0).unwrap(), exchange(&v).transcript());
    assert_eq!(prove(&kp, &t, Proof::Daemon).unwrap(), v.proof_d.0);
    assert_eq!(prove(&kp, &t, Proof::Client).unwrap(), v.proof_c.0);
    let yes = Proof::Yes { id: v.act_id, act: &v.act.0 };
    assert_eq!(prove(&kp, &t, yes).unwrap(), v.proof_yes.0);
    assert!(holds(&kp, &t, yes, &v.proof_yes.0));
}

#[test]
fn the_act_is_as_the_spec_says() {
    let v = vectors();
    let want = Want::Show { secret: "DB_URL".parse().unwrap() };
    let (vault, name) = ("main".parse().unwrap(), "DB_URL".parse().unwrap());
    let secrets = vec![Resolved { vault, name, version: Some(3) }];
    let facts = Facts { secrets, who: "unknown (claimed)".into(), ..Facts::default() };
    assert_eq!(Act::build(&want, &facts).unwrap().encode().unwrap(), v.act.0);
    assert!(Act::decode(&v.act.0).unwrap().agrees_with(&want).is_ok());
}

#[test]
fn sealed_frames_are_as_the_spec_says() {
    let v = vectors();
    let (kp, t) = (Key::copy_from(&v.kp.0).unwrap(), exchange(&v).transcript());
    let mut client = Channel::new(End::Client, &kp, &t).unwrap();
    let mut daemon = Channel::new(End::Daemon, &kp, &t).unwrap();
    for sealed in &v.c2d {
        same(sealed, &mut client, &mut daemon);
    }
    for sealed in &v.d2c {
        same(sealed, &mut daemon, &mut client);
    }
}

fn same(sealed: &Sealed, from: &mut Channel, to: &mut Channel) {
    let inner = sealed.inner.as_bytes();
    let made = match sealed.kind {
        0 => from.seal_control(&serde_json::from_slice::<serde_json::Value>(inner).unwrap()).unwrap(),
        _ => from.seal_raw(inner).unwrap(),
    };
    assert_eq!(made.expose(), &sealed.frame.0[frame::HEAD..]);
    let mut bytes = sealed.frame.0.as_slice();
    let Some(Frame::Sealed(payload)) = frame::read(&mut bytes, Accept::SEALED).unwrap() else {
        panic!("another kind")
    };
    let opened: Bytes = match to.open(payload).unwrap() {
        Inner::Control(b) | Inner::Raw(b) => b,
    };
    assert_eq!(opened.expose(), inner);
}
