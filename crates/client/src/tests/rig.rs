//! For tests: a daemon of one thread, with the real state machine of presence and nothing behind it.

use daemon::presence::{Client, Presence, Shell, StoreIdent, WindowEvidence, Windows};
use secret::{Bytes, Key};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use wire::act::{Act, Facts, Resolved};
use wire::frame::{self, Accept, Frame, Kind};
use wire::{FromDaemon, Granted, Peer, ToDaemon, Want};
use words::{Id, SecretRef, Way};

pub(crate) const STORE: [u8; 16] = [1; 16];
pub(crate) const SLOT: [u8; 8] = [3; 8];
pub(crate) const VALUE: &[u8] = b"sk-test-value";

pub(crate) fn kp() -> Key {
    Key::copy_from(&[7; 32]).unwrap()
}

pub(crate) fn prover() -> crate::Prover {
    crate::Prover::from_parts(STORE, 1, SLOT, kp())
}

pub(crate) fn me() -> Peer {
    crate::os::me().unwrap()
}

pub(crate) fn show() -> Want {
    Want::Show { secret: "K".parse().unwrap() }
}

/// An act's word and the values that came with it.
pub(crate) type Done = (String, Vec<Vec<u8>>);

/// How a daemon is, and what it has done.
#[derive(Clone)]
pub(crate) struct Rig {
    /// Whom it sees on the other side.
    pub peer: Peer,
    pub store: StoreIdent,
    pub key: Arc<[u8; 32]>,
    pub slot: [u8; 8],
    pub clock: Arc<AtomicU64>,
    /// Acts that were done.
    pub done: Arc<Mutex<Vec<Done>>>,
    /// Failures that were answered.
    pub refused: Arc<Mutex<Vec<String>>>,
    pub windows: Arc<Mutex<Windows>>,
    /// The version of K; an act whose version has changed after it was shown is not done.
    pub version: Arc<AtomicU64>,
    /// Build the act from this want instead of the one that came.
    pub twist: Option<fn(Want) -> Want>,
}

impl Rig {
    pub fn new() -> Self {
        Self {
            peer: me(),
            store: StoreIdent { file_id: STORE, epoch: 1 },
            key: Arc::new([7; 32]),
            slot: SLOT,
            clock: Arc::default(),
            done: Arc::default(),
            refused: Arc::default(),
            windows: Arc::default(),
            version: Arc::new(AtomicU64::new(1)),
            twist: None,
        }
    }

    /// A connection to it.
    pub fn connect(&self) -> crate::Connection {
        crate::Connection::over(self.stream(), words::Door::Cli, None).unwrap()
    }

    /// A stream that leads to it.
    pub fn stream(&self) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let rig = self.clone();
        std::thread::spawn(move || rig.serve(theirs));
        ours
    }

    pub fn nothing_done(&self) {
        // The thread may be about to refuse: it is given the time to do wrong.
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert!(self.done.lock().unwrap().is_empty(), "something was done");
        assert_eq!(self.windows.lock().unwrap().shells().count(), 0, "a window is open");
    }

    pub fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap().clone()
    }

    /// As a login shell would look that has this process as its child.
    fn evidence(&self) -> WindowEvidence {
        let shell = Shell { pid: self.peer.parent, start: 1, tty: 34816, exe: (1, 1) };
        WindowEvidence { shell: Some(shell), foreground: true, own_job: true, agent: None }
    }

    fn act(&self, want: &Want) -> Act {
        let version = self.version.load(Ordering::SeqCst);
        let find = |s: SecretRef| Resolved {
            vault: s.vault.unwrap_or_else(|| "main".parse().unwrap()),
            name: s.name,
            version: Some(version),
        };
        let secrets = want.secrets().into_iter().map(find).collect();
        Act::build(want, &Facts { secrets, ..Facts::default() }).unwrap()
    }

    pub fn serve(self, mut stream: UnixStream) {
        let mut one = One { rig: &self, presence: Presence::new() };
        while let Ok(Some(frame)) = frame::read(&mut stream, one.presence.accept()) {
            let message = match frame {
                Frame::Control(_) => frame.message(),
                Frame::Sealed(payload) => match one.presence.open(payload) {
                    Ok(inner) => inner.message(),
                    Err(f) => return self.refused.lock().unwrap().push(f.code),
                },
                Frame::Raw(_) => return,
            };
            let Ok(message) = message else { return };
            match one.take(message, &mut stream) {
                Ok(answers) => {
                    for a in answers {
                        one.send(&mut stream, a);
                    }
                }
                Err(f) => {
                    self.refused.lock().unwrap().push(f.code.clone());
                    one.send(&mut stream, Out::Message(FromDaemon::Error(f)));
                    return;
                }
            }
        }
    }
}

enum Out {
    Message(FromDaemon),
    Value(&'static [u8]),
}

struct One<'a> {
    rig: &'a Rig,
    presence: Presence,
}

impl One<'_> {
    fn send(&mut self, stream: &mut UnixStream, out: Out) {
        let sealed = self.presence.is_sealed();
        let sent = match out {
            Out::Message(m) if sealed => {
                // On a broken channel nothing can be said.
                let Ok(payload) = self.presence.seal_control(&m) else { return };
                frame::write(stream, Kind::Sealed, payload.expose())
            }
            Out::Value(v) if sealed => {
                let payload = self.presence.seal_raw(v).unwrap();
                frame::write(stream, Kind::Sealed, payload.expose())
            }
            Out::Message(m) => frame::write_control(stream, &m),
            Out::Value(v) => frame::write(stream, Kind::Raw, v),
        };
        // The other side may be gone.
        drop(sent);
    }

    fn take(&mut self, message: ToDaemon, stream: &mut UnixStream) -> Result<Vec<Out>, wire::Failure> {
        let rig = self.rig;
        let now = rig.clock.load(Ordering::SeqCst);
        let client = Client { peer: rig.peer.clone(), foreign: false, agent: None };
        let message = match message {
            ToDaemon::Hello { .. } => {
                FromDaemon::Hello { version: wire::VERSION, pid: std::process::id(), store: "0".repeat(16) }
            }
            ToDaemon::ProveBegin { slot, nonce } => {
                let kp = (slot.0 == rig.slot).then(|| Key::copy_from(&rig.key).unwrap());
                self.presence.begin(rig.store, slot, nonce, kp.as_ref(), &client, now)?
            }
            ToDaemon::ProveEnd { mac } => self.presence.prove(mac, &client, now)?,
            ToDaemon::Want(want) if !self.presence.is_sealed() => {
                if !rig.windows.lock().unwrap().serves(&rig.evidence(), &want, now) {
                    return Ok(vec![Out::Message(FromDaemon::Error(Want::presence_needed()))]);
                }
                FromDaemon::Report(Box::new(wire::Report::Secrets(Vec::new())))
            }
            ToDaemon::Want(want) => {
                self.presence.wants(now)?;
                let want = rig.twist.map_or_else(|| *want.clone(), |twist| twist(*want.clone()));
                let act = rig.act(&want);
                self.presence.show(want, act, now)?
            }
            ToDaemon::Yes { act, mac } => {
                let agreed = self.presence.yes(act, mac, &client, now)?;
                agreed.still(&rig.act(agreed.want()))?;
                let values =
                    (0..agreed.want().values()).map(|_| self.value(stream)).collect::<Option<Vec<_>>>();
                let broken = || wire::Failure::new(wire::code::BAD_MESSAGE, 1, "no value");
                let values = values.ok_or_else(broken)?;
                return Ok(self.done(agreed.into_want(), values, now));
            }
            _ => FromDaemon::Done { id: None },
        };
        Ok(vec![Out::Message(message)])
    }

    fn value(&mut self, stream: &mut UnixStream) -> Option<Bytes> {
        match frame::read(stream, Accept::SEALED) {
            Ok(Some(Frame::Sealed(payload))) => self.presence.open(payload).ok()?.value().ok(),
            _ => None,
        }
    }

    fn done(&mut self, want: Want, values: Vec<Bytes>, now: u64) -> Vec<Out> {
        let values = values.iter().map(|v| v.expose().to_vec()).collect();
        self.rig.done.lock().unwrap().push((want.word().to_owned(), values));
        let _ = self.rig.windows.lock().unwrap().open(&self.rig.evidence(), now);
        match want {
            Want::Show { secret } => {
                let items = vec![Granted { secret, way: Way::Value }];
                vec![Out::Message(FromDaemon::Released { id: Id::from_bits(1), items }), Out::Value(VALUE)]
            }
            _ => vec![Out::Message(FromDaemon::Done { id: Some(Id::from_bits(2)) })],
        }
    }
}
