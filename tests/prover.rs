//! Presence from the text of the specifications alone: a second client, which also says what no client should.

use crate::sandbox::{PASSPHRASE, Sandbox};
use crate::sealed::Sealed;
use crate::socket::{CONTROL, Raw, SEALED};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a human has at hand: the passphrase slot's id, its K_p, and whose store it is.
#[derive(Clone)]
pub struct Prover {
    slot: [u8; 8],
    kp: [u8; 32],
    file_id: [u8; 16],
    epoch: [u8; 8],
}

/// HMAC-SHA-256.
#[must_use]
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any key");
    parts.iter().for_each(|p| mac.update(p));
    mac.finalize().into_bytes().into()
}

fn expand(hkdf: &Hkdf<Sha256>, info: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    hkdf.expand_multi_info(info, &mut out).expect("32 bytes");
    out
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("hex");
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect()
}

impl Prover {
    /// From the store's header and the sandbox's passphrase: sections 2 and 3 of the sealed file.
    ///
    /// # Panics
    /// When the commitment doesn't hold.
    #[must_use]
    pub fn new(sandbox: &Sandbox) -> Self {
        let file = Sealed::read(&sandbox.store().join("store.svault"));
        let get = |name: &str| file.bytes[file.field(name)].to_vec();
        let (slot, salt, params) = (get("slot0.id"), get("slot0.salt"), get("slot0.factor0.params"));
        let (file_id, epoch) = (get("file_id"), get("epoch"));
        let argon2_salt = expand(&Hkdf::new(Some(&salt), &slot), &[b"svault/1/argon2"]);
        let number = |i: usize| u32::from_le_bytes(params[4 * i..4 * i + 4].try_into().expect("four bytes"));
        let params = argon2::Params::new(number(0), number(1), number(2), Some(32)).expect("parameters");
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut output = [0; 32];
        argon2.hash_password_into(PASSPHRASE.as_bytes(), &argon2_salt, &mut output).expect("Argon2id");
        let hkdf = Hkdf::<Sha256>::new(Some(&salt), &[&[1, 32, 0], &output[..]].concat());
        let factors =
            file.bytes[file.field("slot0.factor_count").start..file.field("slot0.salt").start].to_vec();
        let mut keys = [0; 64];
        let info =
            [b"svault/1/slot", &get("kind")[..], &file_id, &epoch, &slot, &get("slot0.flags"), &factors];
        hkdf.expand_multi_info(&info, &mut keys).expect("64 bytes");
        assert_eq!(keys[32..], get("slot0.commit"), "the commitment");
        let kp = expand(&hkdf, &[b"svault/1/presence", &slot, &epoch]);
        let fixed = "a field of fixed length";
        Self {
            slot: slot.try_into().expect(fixed),
            kp,
            file_id: file_id.try_into().expect(fixed),
            epoch: epoch.try_into().expect(fixed),
        }
    }

    /// Steps 1 and 2: greets, asks to prove, and checks the daemon's own proof.
    #[must_use]
    pub fn begin(&self, sandbox: &Sandbox) -> Challenged {
        let mut raw = Raw::hello(&sandbox.socket(), None);
        // A nonce of the client need not be secret; that it differs from connection to connection is enough here.
        let nonce: [u8; 32] = Sha256::digest(format!("{:?}", std::time::Instant::now())).into();
        raw.send(&json!({"type": "prove_begin", "slot": hex(&self.slot), "nonce": hex(&nonce)}));
        let answer = raw.control();
        assert_eq!(answer["type"], "prove_challenge", "{answer}");
        let peer = &answer["peer"];
        let small =
            |key: &str| u32::try_from(peer[key].as_u64().expect("a number")).expect("u32").to_le_bytes();
        let mut hash = Sha256::new();
        for part in [&self.file_id[..], &self.epoch, &self.slot, &nonce, &unhex(&answer["nonce"])] {
            hash.update(part);
        }
        hash.update(small("pid"));
        hash.update(peer["start"].as_u64().expect("a number").to_le_bytes());
        hash.update(small("parent"));
        hash.update(small("tty"));
        let t: [u8; 32] = hash.finalize().into();
        assert_eq!(unhex(&answer["mac"]), mac(&self.kp, &[b"svault/1/d", &t]), "the daemon's proof");
        assert_eq!(peer["pid"].as_u64(), Some(u64::from(std::process::id())));
        Challenged { raw, t, kp: self.kp }
    }

    /// All steps up to the sealed channel.
    #[must_use]
    pub fn prove(&self, sandbox: &Sandbox) -> Proved {
        let challenged = self.begin(sandbox);
        let proof = challenged.proof();
        challenged.end(&proof).expect("the proof holds")
    }
}

/// A connection whose daemon has proved itself.
pub struct Challenged {
    raw: Raw,
    t: [u8; 32],
    kp: [u8; 32],
}

impl Challenged {
    /// The client's proof.
    #[must_use]
    pub fn proof(&self) -> [u8; 32] {
        mac(&self.kp, &[b"svault/1/c", &self.t])
    }

    /// Step 3 with this proof.
    ///
    /// # Errors
    /// The daemon's answer in the open; the connection must be closed after it.
    pub fn end(mut self, proof: &[u8; 32]) -> Result<Proved, Value> {
        self.raw.send(&json!({"type": "prove_end", "mac": hex(proof)}));
        let (kind, payload) = self.raw.frame_in().expect("an answer");
        if kind == CONTROL {
            assert_eq!(self.raw.frame_in(), None, "the connection goes on after a proof that does not hold");
            return Err(serde_json::from_slice(&payload).expect("JSON"));
        }
        let hkdf = Hkdf::<Sha256>::new(Some(&self.t), &self.kp);
        let cipher = |info: &str| Aes256Gcm::new(&expand(&hkdf, &[info.as_bytes()]).into());
        let mut proved = Proved {
            raw: self.raw,
            t: self.t,
            kp: self.kp,
            out: (cipher("svault/1/channel/c2d"), 0),
            into: (cipher("svault/1/channel/d2c"), 0),
        };
        assert_eq!(proved.open(kind, &payload).map(|(_, text)| text), Some(br#"{"type":"proved"}"#.to_vec()));
        Ok(proved)
    }
}

/// A sealed channel.
pub struct Proved {
    raw: Raw,
    t: [u8; 32],
    kp: [u8; 32],
    out: (Aes256Gcm, u64),
    into: (Aes256Gcm, u64),
}

fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

fn associated(len: usize) -> [u8; 5] {
    let len = u32::try_from(len).expect("length").to_le_bytes();
    [SEALED, len[0], len[1], len[2], len[3]]
}

impl Proved {
    /// The next frame to the daemon, sealed but not sent.
    #[must_use]
    pub fn seal(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let inner = [&[kind], payload].concat();
        let aad = associated(inner.len() + 16);
        let (cipher, counter) = &mut self.out;
        let sealed = cipher.encrypt(&nonce(*counter).into(), Payload { msg: &inner, aad: &aad });
        *counter += 1;
        sealed.expect("sealed")
    }

    /// Sends bytes as a sealed frame.
    pub fn send_sealed(&mut self, payload: &[u8]) {
        self.raw.frame(SEALED, payload);
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        let sealed = self.seal(CONTROL, message.to_string().as_bytes());
        self.send_sealed(&sealed);
    }

    fn open(&mut self, kind: u8, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        assert_eq!(kind, SEALED, "something in the open: {}", String::from_utf8_lossy(payload));
        let aad = associated(payload.len());
        let (cipher, counter) = &mut self.into;
        let inner = cipher.decrypt(&nonce(*counter).into(), Payload { msg: payload, aad: &aad }).ok()?;
        *counter += 1;
        Some((inner[0], inner[1..].to_vec()))
    }

    /// The next frame in the channel. `None`: closed.
    pub fn frame_in(&mut self) -> Option<(u8, Vec<u8>)> {
        let (kind, payload) = self.raw.frame_in()?;
        Some(self.open(kind, &payload).expect("a frame that opens"))
    }

    /// The next message in the channel.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        let (kind, payload) = self.frame_in().expect("an answer");
        assert_eq!(kind, CONTROL);
        serde_json::from_slice(&payload).expect("JSON")
    }

    /// Wants something; the act's id and bytes as the daemon will do it.
    #[track_caller]
    pub fn want(&mut self, mut want: Value) -> (String, Vec<u8>) {
        want["type"] = "want".into();
        self.send(&want);
        let answer = self.message();
        assert_eq!(answer["type"], "act", "{answer}");
        (answer["id"].as_str().expect("an id").to_owned(), unhex(&answer["act"]))
    }

    /// The yes to an act.
    #[must_use]
    pub fn yes(&self, id: &str, act: &[u8]) -> Value {
        let digest = Sha256::digest(act);
        let mac = mac(&self.kp, &[b"svault/1/yes", &self.t, id.as_bytes(), &digest]);
        json!({"type": "yes", "act": id, "mac": hex(&mac)})
    }

    /// Everything that comes until the daemon closes, opened where it opens.
    #[must_use]
    pub fn rest(mut self) -> Vec<(u8, Vec<u8>)> {
        let frames = self.raw.rest();
        frames.into_iter().filter_map(|(kind, payload)| self.open(kind, &payload)).collect()
    }
}
