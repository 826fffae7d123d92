//! Where a store is and where its daemon listens: decided here, the same for every client and the daemon.
//!
//! Store: `$SVAULT_HOME`, else `svault` in the user's data folder. Socket: `/run/user/UID/svault/ID.sock` where that
//! folder is ours and 0700, else `state/ID.sock` in the store; ID is 16 hex digits of SHA-256 of the store's real path.
//! `XDG_RUNTIME_DIR` is not asked: agents start servers with a bare environment.

use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
#[path = "unix.rs"]
mod os;
#[cfg(windows)]
#[path = "windows.rs"]
mod os;

/// Why a path is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither `SVAULT_HOME` nor a home folder.
    #[error("no home folder, so no place for a store")]
    NoHome,
    /// `SVAULT_HOME` is relative, so it would mean something else in every folder.
    #[error("SVAULT_HOME must be an absolute path, not {}", .0.display())]
    Relative(PathBuf),
    /// There is no such folder.
    #[error("no store at {}", .0.display())]
    Missing(PathBuf),
    /// A folder or socket that belongs to somebody else.
    #[error("{} belongs to another user", .0.display())]
    NotOurs(PathBuf),
    /// A folder that others may enter.
    #[error("{} is open to others (mode {mode:04o})", .path.display())]
    Open {
        /// Which one.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else than the folder or socket that it should be.
    #[error("{} is not a {what}", .path.display())]
    Not {
        /// Which one.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// A folder for a store that can't be made.
    #[error("can't make the folder {}: {source}", .path.display())]
    CantMake {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        source: io::Error,
    },
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing(path),
        _ => Error::Io { path, source },
    }
}

/// The store's folder as the environment of this process says; it need not exist.
///
/// # Errors
/// [`Error::NoHome`] and [`Error::Relative`].
pub fn store_dir() -> Result<PathBuf, Error> {
    store_dir_from(|name| std::env::var_os(name), std::env::home_dir())
}

/// As [`store_dir`], with the environment and the home folder given.
///
/// # Errors
/// As [`store_dir`].
pub fn store_dir_from(
    env: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Result<PathBuf, Error> {
    if let Some(dir) = env("SVAULT_HOME").filter(|d| !d.is_empty()) {
        let dir = PathBuf::from(dir);
        return if dir.is_absolute() { Ok(dir) } else { Err(Error::Relative(dir)) };
    }
    os::data_dir(env, home).map(|d| d.join("svault")).ok_or(Error::NoHome)
}

/// A store's folder that is there and is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreDir {
    real: PathBuf,
    id: String,
}

impl StoreDir {
    /// The folder of an existing store.
    ///
    /// # Errors
    /// Where it is missing, another user's, or open to others.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let store = Self::open_to_lock(dir)?;
        os::check_folder(&store.real)?;
        Ok(store)
    }

    /// The same, and it may be open to others: enough to tell its daemon to lock.
    ///
    /// # Errors
    /// Where it is missing or another user's.
    pub fn open_to_lock(dir: &Path) -> Result<Self, Error> {
        let real = std::fs::canonicalize(dir).map_err(io_at(dir))?;
        os::check_owner(&real)?;
        let mut id = crate::hex::encode(&Sha256::digest(os::path_bytes(&real)));
        id.truncate(16);
        Ok(Self { real, id })
    }

    /// The folder of a store to be; made with mode 0700, with its parents, where it is missing.
    ///
    /// # Errors
    /// As [`StoreDir::open`], and where it can't be made.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        os::make_folders(dir).map_err(|source| Error::CantMake { path: dir.to_owned(), source })?;
        Self::open(dir)
    }

    /// The folder's real path.
    #[must_use]
    pub fn real(&self) -> &Path {
        &self.real
    }

    /// 16 hex digits that name this store on this machine.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The store file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.real.join("store.svault")
    }

    /// The lock file.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.real.join("store.lock")
    }

    /// The folder of heads and, where there is no better place, the socket.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.real.join("state")
    }

    /// Where a client looks for the daemon, in this order. The second place is for a daemon that was started while
    /// there was no `/run/user/UID`.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        let own = os::runtime_dir().map(|d| d.join("svault")).filter(|d| os::check_folder(d).is_ok());
        own.into_iter().chain([self.state()]).map(|folder| self.socket(folder)).collect()
    }

    /// Where the daemon listens; its folder is made with mode 0700 where it is missing.
    ///
    /// # Errors
    /// Where neither place can be had.
    pub fn listen_at(&self) -> Result<Socket, Error> {
        if let Some(folder) = os::runtime_dir().map(|d| d.join("svault"))
            && os::make_folder(&folder).is_ok()
            && os::check_folder(&folder).is_ok()
        {
            return Ok(self.socket(folder));
        }
        let state = self.state();
        os::make_folder(&state).map_err(io_at(&state))?;
        os::check_folder(&state)?;
        Ok(self.socket(state))
    }

    fn socket(&self, folder: PathBuf) -> Socket {
        Socket { folder, name: format!("{}.sock", self.id) }
    }
}

/// A socket's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    folder: PathBuf,
    name: String,
}

impl Socket {
    /// Its whole path, which may be too long for a socket address.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Whether there is a socket, in a folder that is ours and closed to others.
    ///
    /// # Errors
    /// Where something is there that must not be trusted.
    pub fn check(&self) -> Result<bool, Error> {
        if !os::exists(&self.folder).map_err(io_at(&self.folder))? {
            return Ok(false);
        }
        os::check_folder(&self.folder)?;
        os::check_socket(&self.path())
    }

    /// Calls `use_it` (bind, connect) with an address of this socket that is short enough: through a descriptor of the
    /// folder where the path is not.
    ///
    /// # Errors
    /// What `use_it` gives, or where the folder can't be opened.
    pub fn with_address<R>(&self, use_it: impl FnOnce(&Path) -> io::Result<R>) -> io::Result<R> {
        os::with_address(&self.folder, &self.name, use_it)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
