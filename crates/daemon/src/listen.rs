//! The socket: who may connect, how many, and for how long they may say nothing.
//! Not here: what they say (`serve`).

use crate::conn::{Conn, ConnError};
use crate::files;
use crate::peer::{Peer, PeerError, Watch};
use crate::seats::{Pace, Room, Seat};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use wire::frame::Accept;
use wire::paths::Socket;
use wire::{Failure, FromDaemon, ToDaemon, code, exit};
use words::{CallerName, Door};

/// The most connections at a time.
const MOST: usize = 1_100;
/// A hello comes within this time.
const HELLO: Duration = Duration::from_secs(5);

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The folder is somebody else's, or others may enter it.
    #[error("{path}: not a folder of this user alone (0700)")]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// Folder or socket.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// A connection after its hello.
pub struct Connected {
    /// The connection.
    pub conn: Conn,
    /// Who made it.
    pub peer: Rc<Peer>,
    /// Where it came in, as it says.
    pub door: Door,
    /// Who it says it is.
    pub claim: Option<CallerName>,
}

/// The bound socket. Its file goes with it.
pub struct Listener {
    socket: UnixListener,
    folder: OwnedFd,
    path: PathBuf,
    name: String,
    inode: Inode,
}

impl Listener {
    /// Binds the socket, 0600 in a folder that is this user's alone. Whatever listens there is swept away: call it only
    /// while holding the store's lock. Needs a running tokio loop.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn bind(place: &Socket) -> Result<Self, ListenError> {
        let path = place.path();
        let io = |source: io::Error| ListenError::Io { path: path.clone(), source };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
            return Err(ListenError::Folder { path });
        };
        let folder = own_folder(parent)?;
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(e) => return Err(io(e.into())),
        }
        let socket = place.with_address(|address| UnixListener::bind(address)).map_err(io)?;
        rustix::fs::chmodat(&folder, name, Mode::from_raw_mode(0o600), AtFlags::empty())
            .map_err(|e| io(e.into()))?;
        let inode = inode(&folder, name).ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
        Ok(Self { socket, folder, name: name.to_owned(), inode, path })
    }

    /// Whether clients still find this socket where they look for it. It isn't there any more after a logout, or when
    /// somebody has put another one in its place.
    #[must_use]
    pub fn reachable(&self) -> bool {
        inode(CWD, &self.path) == Some(self.inode)
    }

    /// Takes connections until the future is dropped: hello, then a task for each. `store` is the 16 digits of the
    /// answer to a hello. Needs a `LocalSet`.
    pub async fn serve<H, F>(&self, watch: &Arc<Watch>, store: &str, handler: H)
    where
        H: Fn(Connected) -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        let room = Room::new(files::share(MOST));
        let shared = Rc::new((handler, Arc::clone(watch), store.to_owned()));
        loop {
            let stream = match self.socket.accept().await {
                Ok((stream, _)) => stream,
                // No descriptors left, or the like: others must end first.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(seat) = room.seat().await else { continue };
            let shared = Rc::clone(&shared);
            tokio::task::spawn_local(async move {
                let (handler, watch, store) = &*shared;
                if let Some(connected) = hello(stream, seat, watch, store).await {
                    handler(connected).await;
                }
            });
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if inode(&self.folder, &*self.name) == Some(self.inode) {
            let _ = rustix::fs::unlinkat(&self.folder, &*self.name, AtFlags::empty());
        }
    }
}

/// A file: device and inode.
type Inode = (rustix::fs::Dev, u64);

/// Which file a name in a folder is.
fn inode(folder: impl AsFd, name: impl rustix::path::Arg) -> Option<Inode> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

/// The folder of the socket, held; this user's alone.
fn own_folder(path: &Path) -> Result<OwnedFd, ListenError> {
    let io = |e: rustix::io::Errno| ListenError::Io { path: path.to_owned(), source: e.into() };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(io)?;
    let stat = rustix::fs::fstat(&folder).map_err(io)?;
    if stat.st_uid != rustix::process::geteuid().as_raw() || stat.st_mode & 0o077 != 0 {
        return Err(ListenError::Folder { path: path.to_owned() });
    }
    Ok(folder)
}

/// Reads the hello, looks at the process, answers. The process is looked at after the hello: one that is gone by then,
/// or somebody else's, gets nothing.
async fn hello(stream: UnixStream, seat: Rc<Seat>, watch: &Arc<Watch>, store: &str) -> Option<Connected> {
    let mut conn = Conn::new(stream, Rc::clone(&seat));
    let frame = match conn.first(Accept::CONTROL, HELLO).await {
        Ok(frame) => frame,
        Err(ConnError::Frame(wire::frame::Error::NotNow(_))) => return refuse(conn, no_hello()).await,
        Err(_) => return None,
    };
    let (door, claim) = match frame.message() {
        // Nobody says of himself that he is the human, or nobody.
        Ok(ToDaemon::Hello { version: wire::VERSION, door, caller }) => {
            (door, caller.filter(|name| !policy::is_reserved(name)))
        }
        Ok(ToDaemon::Hello { version, .. }) => return refuse(conn, other_version(version)).await,
        _ => return refuse(conn, no_hello()).await,
    };
    let peer = match Peer::of(conn.stream(), watch) {
        Ok(peer) => peer,
        Err(PeerError::Gone) => return None,
        Err(e) => return refuse(conn, Failure::new(code::MACHINE, exit::FAILED, e.to_string())).await,
    };
    peer.saw_hello();
    conn.paced(Pace::Free);
    seat.belongs_to(peer.process().session);
    let answer =
        FromDaemon::Hello { version: wire::VERSION, pid: std::process::id(), store: store.to_owned() };
    conn.send(&answer).await.ok()?;
    Some(Connected { conn, peer: Rc::new(peer), door, claim })
}

async fn refuse(mut conn: Conn, why: Failure) -> Option<Connected> {
    let _ = conn.send(&FromDaemon::Error(why)).await;
    None
}

fn no_hello() -> Failure {
    Failure::new(code::BAD_MESSAGE, exit::FAILED, "the first message must be a hello")
}

fn other_version(theirs: u32) -> Failure {
    let line = format!("the daemon speaks version {} of its protocol, not {theirs}", wire::VERSION);
    Failure::new(code::VERSION, exit::FAILED, line)
        .hint("run 'svault lock', then 'svault unlock' with this svault")
}
