//! Presence: the transcript, the three proofs over it, and the sealed channel. The same code for both ends.
//!
//! HMAC is RFC 2104 and HKDF RFC 5869, both with SHA-256; the channel is AES-256-GCM (NIST SP 800-38D).
//! `spec/wire-v1.md`, "Presence", has the bytes.

use crate::frame::{self, Kind};
use crate::message::Peer;
use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secret::{Bytes, Key};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use words::Id;
use zeroize::Zeroize;

/// How long each step of a proof may take, in milliseconds of boot time.
pub const STEP_MS: u64 = 60_000;
/// Bytes that sealing adds: the inner kind and the tag.
pub const SEALED_EXTRA: usize = 1 + TAG;
const TAG: usize = 16;

/// What both sides know before a proof.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The store file's id.
    pub store: [u8; 16],
    /// Its epoch.
    pub epoch: u64,
    /// The slot whose K_p is used.
    pub slot: [u8; 8],
    /// Random bytes of the client.
    pub nonce_c: [u8; 32],
    /// Random bytes of the daemon.
    pub nonce_d: [u8; 32],
    /// The client as the daemon sees it.
    pub peer: Peer,
}

/// T: a hash over everything in an [`Exchange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript([u8; 32]);

impl Exchange {
    /// T = SHA-256(store | epoch | slot | nonce_c | nonce_d | pid | start | parent | tty), integers little-endian.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        let mut hash = Sha256::new();
        hash.update(self.store);
        hash.update(self.epoch.to_le_bytes());
        hash.update(self.slot);
        hash.update(self.nonce_c);
        hash.update(self.nonce_d);
        hash.update(self.peer.pid.to_le_bytes());
        hash.update(self.peer.start.to_le_bytes());
        hash.update(self.peer.parent.to_le_bytes());
        hash.update(self.peer.tty.to_le_bytes());
        Transcript(hash.finalize().into())
    }
}

/// What is proved.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The daemon holds K_p.
    Daemon,
    /// The client holds K_p.
    Client,
    /// The human behind the client says yes to an act.
    Yes {
        /// The act's id.
        id: Id,
        /// Its canonical bytes, as shown.
        act: &'a [u8],
    },
}

fn mac(kp: &Key, t: &Transcript, what: Proof<'_>) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(kp.expose()).ok()?;
    match what {
        Proof::Daemon => mac.update(b"svault/1/d"),
        Proof::Client => mac.update(b"svault/1/c"),
        Proof::Yes { .. } => mac.update(b"svault/1/yes"),
    }
    mac.update(&t.0);
    if let Proof::Yes { id, act } = what {
        mac.update(id.as_str().as_bytes());
        mac.update(&Sha256::digest(act));
    }
    Some(mac)
}

/// The proof of something, to be sent.
///
/// # Errors
/// [`Error::Broken`], which HMAC with a key of 32 bytes never gives.
pub fn prove(kp: &Key, t: &Transcript, what: Proof<'_>) -> Result<[u8; 32], Error> {
    Ok(mac(kp, t, what).ok_or(Error::Broken)?.finalize().into_bytes().into())
}

/// Whether a proof holds, in constant time.
#[must_use]
pub fn holds(kp: &Key, t: &Transcript, what: Proof<'_>, proof: &[u8; 32]) -> bool {
    mac(kp, t, what).is_some_and(|m| m.verify_slice(proof).is_ok())
}

/// What can be wrong with a channel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A frame that was altered, left out, repeated, or is from another channel; or any use after that.
    #[error("the sealed channel is broken: a message was altered, lost or repeated")]
    Broken,
    /// A frame inside that is no frame.
    #[error(transparent)]
    Frame(#[from] frame::Error),
    /// No locked memory.
    #[error(transparent)]
    Memory(#[from] secret::Error),
}

/// Which end of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The one that asks.
    Client,
    /// The one that holds the store.
    Daemon,
}

/// A sealed channel: two directions, each with its own key and counter. It breaks at the first wrong frame.
pub struct Channel {
    out: Option<Direction>,
    into: Option<Direction>,
}

struct Direction {
    key: Key,
    counter: u64,
}

impl Direction {
    fn new(kp: &Key, t: &Transcript, info: &str) -> Result<Self, Error> {
        let mut key = Key::zeroed()?;
        Hkdf::<Sha256>::new(Some(&t.0), kp.expose())
            .expand(info.as_bytes(), key.expose_mut())
            .map_err(|_| Error::Broken)?;
        Ok(Self { key, counter: 0 })
    }

    /// The cipher and the nonce of the next frame: 4 zero bytes, then the counter, big-endian.
    fn step(&mut self) -> Result<(Aes256Gcm, [u8; 12]), Error> {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter = self.counter.checked_add(1).ok_or(Error::Broken)?;
        Ok((Aes256Gcm::new(self.key.expose().into()), nonce))
    }
}

/// Associated data: the outer frame's kind and the length of its payload, little-endian.
fn bound(payload: usize) -> [u8; 5] {
    let len = u32::try_from(payload).unwrap_or(u32::MAX).to_le_bytes();
    [Kind::Sealed as u8, len[0], len[1], len[2], len[3]]
}

/// What a sealed frame held.
#[derive(Debug)]
pub enum Inner {
    /// The JSON of a control message.
    Control(Bytes),
    /// A value.
    Raw(Bytes),
}

impl Inner {
    /// The control message in it.
    ///
    /// # Errors
    /// Where it is a value, or not a message.
    pub fn message<T: DeserializeOwned>(&self) -> Result<T, frame::Error> {
        match self {
            Inner::Control(json) => Ok(serde_json::from_slice(json.expose())?),
            Inner::Raw(_) => Err(frame::Error::NotNow(Kind::Raw)),
        }
    }

    /// The value in it.
    ///
    /// # Errors
    /// Where it is a control message.
    pub fn value(self) -> Result<Bytes, frame::Error> {
        match self {
            Inner::Raw(value) => Ok(value),
            Inner::Control(_) => Err(frame::Error::NotNow(Kind::Control)),
        }
    }
}

impl Channel {
    /// The channel of a proof.
    ///
    /// # Errors
    /// Where there is no locked memory for its keys.
    pub fn new(end: End, kp: &Key, t: &Transcript) -> Result<Self, Error> {
        let c2d = Direction::new(kp, t, "svault/1/channel/c2d")?;
        let d2c = Direction::new(kp, t, "svault/1/channel/d2c")?;
        Ok(match end {
            End::Client => Self { out: Some(c2d), into: Some(d2c) },
            End::Daemon => Self { out: Some(d2c), into: Some(c2d) },
        })
    }

    /// A control message, sealed: the payload of a frame of kind 2.
    ///
    /// # Errors
    /// Where the message is too long, the channel broken, or there is no memory.
    pub fn seal_control(&mut self, message: &impl Serialize) -> Result<Bytes, Error> {
        let mut json = serde_json::to_vec(message).map_err(frame::Error::from)?;
        let sealed = self.seal(Kind::Control, &json);
        json.zeroize();
        sealed
    }

    /// A value, sealed: the payload of a frame of kind 2.
    ///
    /// # Errors
    /// Where the value is too long, the channel broken, or there is no memory.
    pub fn seal_raw(&mut self, value: &[u8]) -> Result<Bytes, Error> {
        self.seal(Kind::Raw, value)
    }

    fn seal(&mut self, kind: Kind, payload: &[u8]) -> Result<Bytes, Error> {
        if payload.len() > kind.max() {
            return Err(frame::Error::TooLong { len: payload.len(), max: kind.max() }.into());
        }
        // Before the counter moves: where there is no memory for this frame, another may be sent in its place.
        let mut out = Bytes::zeroed(payload.len() + SEALED_EXTRA)?;
        let (cipher, nonce) = self.out.as_mut().ok_or(Error::Broken)?.step()?;
        let bound = bound(out.len());
        let (text, tag) = out.expose_mut().split_at_mut(1 + payload.len());
        text[0] = kind as u8;
        text[1..].copy_from_slice(payload);
        let sum =
            cipher.encrypt_inout_detached(&nonce.into(), &bound, text.into()).map_err(|_| Error::Broken)?;
        tag.copy_from_slice(&sum);
        Ok(out)
    }

    /// Opens the payload of a frame of kind 2, in place.
    ///
    /// # Errors
    /// [`Error::Broken`] for anything but the next frame of the other side; the channel is of no use after that.
    pub fn open(&mut self, payload: Bytes) -> Result<Inner, Error> {
        let opened = self.open_next(payload);
        if opened.is_err() {
            self.close();
        }
        opened
    }

    fn open_next(&mut self, mut payload: Bytes) -> Result<Inner, Error> {
        let bound = bound(payload.len());
        let (cipher, nonce) = self.into.as_mut().ok_or(Error::Broken)?.step()?;
        let at = payload.len().checked_sub(TAG).filter(|n| *n > 0).ok_or(Error::Broken)?;
        let (text, tag) = payload.expose_mut().split_at_mut(at);
        let tag: [u8; TAG] = (&*tag).try_into().map_err(|_| Error::Broken)?;
        cipher
            .decrypt_inout_detached(&nonce.into(), &bound, text.into(), &tag.into())
            .map_err(|_| Error::Broken)?;
        let kind = Kind::of(text[0])?;
        let len = at - 1;
        if len > kind.max() {
            return Err(frame::Error::TooLong { len, max: kind.max() }.into());
        }
        text.copy_within(1.., 0);
        payload.truncate(len);
        match kind {
            Kind::Control => Ok(Inner::Control(payload)),
            Kind::Raw => Ok(Inner::Raw(payload)),
            Kind::Sealed => Err(frame::Error::NotNow(Kind::Sealed).into()),
        }
    }

    /// Wipes the keys; the channel is broken from here on.
    pub fn close(&mut self) {
        self.out = None;
        self.into = None;
    }
}
