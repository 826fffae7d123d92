//! The daemon's end of the private pair over which its parent hands it the keys. Blocking: nothing else goes on yet.

use super::failure;
use crate::peer::{Peer, Watch};
use seal::{FileId, Header, SlotId, SlotKeys, SlotSpec};
use secret::{Bytes, Key};
use std::fs::File;
use std::io::Read;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use wire::frame::{self, Error as FrameError};
use wire::paths::StoreDir;
use wire::{Failure, FromChild, HexBytes, Rollback, ToChild, exit};

/// A human types a passphrase in this time; the lock is held meanwhile.
const TYPING: Duration = Duration::from_secs(10 * 60);
/// Once the message is there, the keys come in this time; and an answer is taken in this time.
const PROMPT: Duration = Duration::from_secs(10);

/// The pair.
pub struct Pair {
    stream: UnixStream,
}

/// What the parent wants.
pub enum Task {
    /// Open the store.
    Open {
        /// Whose keys these are.
        slot: SlotId,
        /// They.
        keys: SlotKeys,
        /// What to do with files that are behind.
        rollback: Rollback,
    },
    /// Make a store.
    Create {
        /// Its file's id.
        file_id: FileId,
        /// Its slots, with their keys.
        slots: Vec<(SlotSpec, SlotKeys)>,
        /// Its time zone.
        zone: String,
    },
}

/// A task, with what it says about the daemon itself.
pub struct Handed {
    /// What to do.
    pub task: Task,
    /// Without locked memory.
    pub weak_memory: bool,
    /// The bell may ring.
    pub bell: bool,
}

/// Standard input, output and error as they were; /dev/null stands in their place now, so that nothing prints there by
/// mistake and no later file gets their numbers.
pub struct Inherited {
    /// The pair, on standard input.
    pub pair: Pair,
    /// The terminal, on standard output; or whatever was there.
    pub bell: Option<OwnedFd>,
}

/// Takes the three.
///
/// # Errors
/// Where standard input is no pair of this user's: the daemon is started by `unlock` and by nothing else.
pub fn inherit() -> Result<Inherited, Failure> {
    let alone = || {
        Failure::new(
            "not_started_by_unlock",
            exit::USAGE,
            "'svault daemon run' is started by 'svault unlock'",
        )
        .hint("run 'svault unlock'")
    };
    let machine =
        |e: std::io::Error| Failure::new(wire::code::MACHINE, exit::FAILED, format!("/dev/null: {e}"));
    let stdin = secret::fd::take(0).map_err(|_| alone())?;
    let stream = UnixStream::from(stdin.try_clone().map_err(machine)?);
    let local = rustix::net::getsockname(&stream)
        .is_ok_and(|a| a.address_family() == rustix::net::AddressFamily::UNIX);
    if !local || !of_this_user(&stream) {
        let _ = stdin.into_raw_fd();
        return Err(alone());
    }
    let null = File::options().read(true).write(true).open("/dev/null").map_err(machine)?;
    let bell = secret::fd::take(1).and_then(|out| {
        let kept = out.try_clone();
        let _ = out.into_raw_fd();
        kept
    });
    rustix::stdio::dup2_stdin(&null).map_err(|e| machine(e.into()))?;
    rustix::stdio::dup2_stdout(&null).map_err(|e| machine(e.into()))?;
    rustix::stdio::dup2_stderr(&null).map_err(|e| machine(e.into()))?;
    // The number stays taken, by /dev/null.
    let _ = stdin.into_raw_fd();
    Ok(Inherited { pair: Pair { stream }, bell: bell.ok() })
}

#[cfg(target_os = "linux")]
fn of_this_user(stream: &UnixStream) -> bool {
    use nix::sys::socket::{getsockopt, sockopt};
    let peer = getsockopt(stream, sockopt::PeerCredentials);
    peer.is_ok_and(|p| p.uid() == rustix::process::geteuid().as_raw())
}

/// A pair has no name, so only a parent can have handed it down.
#[cfg(not(target_os = "linux"))]
fn of_this_user(_stream: &UnixStream) -> bool {
    true
}

impl Pair {
    /// Both ends in one process, for tests.
    #[cfg(test)]
    pub fn of(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// Who is at the parent's end, where the kernel says.
    pub fn parent(&self, watch: &Arc<Watch>) -> Option<Peer> {
        Peer::of(&self.stream, watch).ok()
    }

    /// Says something to the parent. That it is gone is no matter: the daemon ends, or goes on and locks itself.
    pub fn say(&mut self, message: &FromChild) {
        let _ = self.stream.set_write_timeout(Some(PROMPT));
        let _ = frame::write_control(&mut self.stream, message);
    }

    /// What to do, and the keys for it. `None`: the parent has gone.
    ///
    /// # Errors
    /// A message that can't be, or no locked memory for the keys.
    pub fn hear(&mut self) -> Result<Option<Handed>, Failure> {
        let slow = |s: &UnixStream, t| s.set_read_timeout(Some(t)).map_err(|e| bad(&e.into()));
        slow(&self.stream, TYPING)?;
        let message = frame::read_control(&mut self.stream).map_err(|e| bad(&e))?;
        slow(&self.stream, PROMPT)?;
        Ok(match message {
            None => None,
            Some(ToChild::Open { slot, rollback, weak_memory, bell }) => {
                secret::set_weak(weak_memory);
                let task = Task::Open { slot: SlotId(slot.0), keys: self.keys()?, rollback };
                Some(Handed { task, weak_memory, bell })
            }
            Some(ToChild::Create { file_id, slots, zone, weak_memory, bell }) => {
                secret::set_weak(weak_memory);
                let slots = self.slots(&slots)?;
                let task = Task::Create { file_id: FileId(file_id.0), slots, zone };
                Some(Handed { task, weak_memory, bell })
            }
        })
    }

    fn slots(&mut self, specs: &[HexBytes]) -> Result<Vec<(SlotSpec, SlotKeys)>, Failure> {
        if specs.len() > seal::MAX_SLOTS {
            return Err(Failure::new(wire::code::BAD_MESSAGE, exit::FAILED, "too many key slots"));
        }
        let mut slots = Vec::with_capacity(specs.len());
        for spec in specs {
            let spec = SlotSpec::decode(&spec.0).map_err(|e| failure::of_seal(&e))?;
            slots.push((spec, self.keys()?));
        }
        Ok(slots)
    }

    fn keys(&mut self) -> Result<SlotKeys, Failure> {
        Ok(SlotKeys { wrap: self.key()?, commit: self.key()?, presence: self.key()? })
    }

    fn key(&mut self) -> Result<Key, Failure> {
        let bytes: Bytes = frame::read_raw(&mut self.stream).map_err(|e| bad(&e))?;
        let array: &[u8; Key::LEN] = bytes
            .expose()
            .try_into()
            .map_err(|_| Failure::new(wire::code::BAD_MESSAGE, exit::FAILED, "a key of another length"))?;
        Key::copy_from(array).map_err(|e| bad(&e.into()))
    }
}

fn bad(e: &FrameError) -> Failure {
    match e {
        FrameError::Memory(e) => failure::named("Memory", e.to_string()),
        e => Failure::new(wire::code::BAD_MESSAGE, exit::FAILED, format!("the handover of keys failed: {e}")),
    }
}

/// The store's header as it is now, checked as far as that goes without a key: bounds, version, slots, the cost of the
/// key derivation. `None`: there is no store.
///
/// # Errors
/// Each rule that is broken has its own word; nothing is derived from such a header.
pub fn header(dir: &StoreDir) -> Result<Option<HexBytes>, Failure> {
    let path = dir.file();
    let mut bytes = Vec::new();
    let file = match open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failure::of_io(&path, "open", e)),
    };
    let most = u64::try_from(seal::MAX_HEAD).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(|e| failure::of_io(&path, "read", e))?;
    let (header, len) = Header::parse(&bytes).map_err(|e| failure::of_seal(&e.at(&path)))?;
    if header.kind != seal::FileKind::Store {
        return Err(failure::named("BadMagic", format!("{}: a sealed file, but no store", path.display())));
    }
    bytes.truncate(len);
    Ok(Some(HexBytes(bytes)))
}

fn open(path: &std::path::Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Hex;

    fn pair() -> (UnixStream, Pair) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (ours, Pair::of(theirs))
    }

    fn open_message() -> ToChild {
        let slot = Hex([7; 8]);
        ToChild::Open { slot, rollback: Rollback::Refuse, weak_memory: true, bell: true }
    }

    #[test]
    fn keys_come_after_the_message_in_their_order() {
        let (mut parent, mut pair) = pair();
        frame::write_control(&mut parent, &open_message()).unwrap();
        for n in 1..=3 {
            frame::write(&mut parent, frame::Kind::Raw, &[n; 32]).unwrap();
        }
        let handed = pair.hear().unwrap().unwrap();
        let Task::Open { slot, keys, .. } = handed.task else { panic!("another task") };
        assert_eq!(slot.0, [7; 8]);
        assert_eq!((keys.wrap.expose()[0], keys.commit.expose()[0], keys.presence.expose()[0]), (1, 2, 3));
        assert!(handed.bell && handed.weak_memory);
    }

    #[test]
    fn a_parent_that_goes_away_is_no_error() {
        let (parent, mut pair) = pair();
        drop(parent);
        assert!(pair.hear().unwrap().is_none());
    }

    #[test]
    fn a_key_of_another_length_or_too_few_keys_open_nothing() {
        let (mut parent, mut pair) = pair();
        frame::write_control(&mut parent, &open_message()).unwrap();
        frame::write(&mut parent, frame::Kind::Raw, &[1; 31]).unwrap();
        assert_eq!(pair.hear().err().unwrap().code, wire::code::BAD_MESSAGE);

        let (mut parent, mut pair) = self::pair();
        frame::write_control(&mut parent, &open_message()).unwrap();
        frame::write(&mut parent, frame::Kind::Raw, &[1; 32]).unwrap();
        drop(parent);
        assert_eq!(pair.hear().err().unwrap().code, wire::code::BAD_MESSAGE);
    }

    #[test]
    fn a_folder_without_a_store_has_no_header_and_rubbish_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StoreDir::create(&folder.path().join("store")).unwrap();
        assert!(header(&dir).unwrap().is_none());
        std::fs::write(dir.file(), b"not a store at all, but long enough").unwrap();
        let refused = header(&dir).unwrap_err();
        assert_eq!((refused.code.as_str(), refused.exit), ("bad_magic", exit::DAMAGED));
        std::fs::write(dir.file(), b"SVAULT\0\x09and then something else").unwrap();
        assert_eq!(header(&dir).unwrap_err().code, "version");
    }
}
