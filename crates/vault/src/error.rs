//! What can go wrong with the store and its vaults.

use std::path::PathBuf;
use words::VaultName;

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that is not what the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Relative to the store's folder.
    pub path: String,
    /// What is wrong.
    pub state: RowState,
    /// For people: what was found and what was expected.
    pub detail: String,
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// Behind its head.
    Older,
    /// Further than the store knows.
    Newer,
    /// Not there.
    Missing,
    /// Another history.
    Beside,
    /// Doesn't hold.
    Damaged,
}

impl RowState {
    /// The word as people and scripts see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RowState::Older => "older",
            RowState::Newer => "newer",
            RowState::Missing => "missing",
            RowState::Beside => "beside",
            RowState::Damaged => "damaged",
        }
    }
}

/// Why a vault stays shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut {
    /// The error's stable name, as [`Error::name`] gives it.
    pub name: &'static str,
    /// What does not hold.
    pub why: String,
    /// Whether a human can accept it as it is: it opens with its key, and is only not the latest.
    pub acceptable: bool,
}

/// Errors of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sealed file does not hold, or can't be read or written.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// The store or its heads are not what they were; nothing is opened.
    #[error("{source}; `svault unlock --accept-rollback` goes on from what is there")]
    Refused {
        /// The first that was found.
        source: Box<Error>,
        /// Every file of the store and its vaults that is older, newer or missing.
        files: Vec<FileState>,
        /// What to accept them with.
        seen: [u8; 32],
    },
    /// There is no store in this folder.
    #[error("{}: no store here; `svault init` makes one", .0.display())]
    NoStore(PathBuf),
    /// There is a store already.
    #[error("{}: there is a store already", .0.display())]
    StoreExists(PathBuf),
    /// Files of a store without the store itself: they must not be swept away.
    #[error("{}: there is no store.svault, but here are files of one; restore it from a backup, or move them away", .0.display())]
    Leftovers(PathBuf),
    /// `state/heads` is missing or was altered.
    #[error("{source}: it can't be told whether files were taken back")]
    NoHeads {
        /// What does not hold.
        source: seal::Error,
    },
    /// Another file of this store was written when the store was further than it is now.
    #[error("{}: older than it was: {witness} was written after more was in it", .path.display())]
    StoreBehind {
        /// The store's file.
        path: PathBuf,
        /// The file that shows it.
        witness: String,
    },
    /// A human accepted other files than are there now.
    #[error("the files have changed since they were shown")]
    NotAsShown,
    /// A record of the store or of a vault that can't be read.
    #[error("{}: a record can't be read ({what}); a newer svault may have written it", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Which kind of record, or what is wrong with it.
        what: &'static str,
    },
    /// No such vault.
    #[error("there is no vault '{0}'")]
    NoVault(VaultName),
    /// A vault of that name exists, or its file does.
    #[error("{}: there is a vault or a file of that name already", .0.display())]
    VaultExists(PathBuf),
    /// The vault was refused when the store was opened.
    #[error("vault '{name}' is shut: {why}")]
    VaultShut {
        /// Which one.
        name: VaultName,
        /// Why.
        why: String,
    },
    /// No more vaults than this.
    #[error("a store has at most 1,000 vaults")]
    TooManyVaults,
    /// No such secret, or it is gone.
    #[error("there is no such secret")]
    NotFound,
    /// A secret of that name exists in that vault.
    #[error("there is a secret of that name in that vault already")]
    Exists,
    /// The secret has another version than was asked for.
    #[error("the secret has changed: it is at version {found}, not {wanted}")]
    Changed {
        /// Asked for.
        wanted: u64,
        /// As it is.
        found: u64,
    },
    /// A value, a classification or a policy that is too long.
    #[error("too long: {what}")]
    TooBig {
        /// The limit.
        what: &'static str,
    },
    /// No such segment of the trail, or not one that this can be done with.
    #[error("segment {number} of the trail: {what}")]
    Segment {
        /// Which one.
        number: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The slots that were asked for can't be a store's.
    #[error("key slots: {what}")]
    Slots {
        /// Which rule is broken.
        what: &'static str,
    },
}

impl Error {
    /// A stable name for tests and logs; that of the cause where there is one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Error::Seal(e) => e.name(),
            Error::Refused { source, .. } => source.name(),
            Error::NoStore(_) => "NoStore",
            Error::StoreExists(_) => "StoreExists",
            Error::Leftovers(_) => "Leftovers",
            Error::NoHeads { .. } => "NoHeads",
            Error::StoreBehind { .. } => "StoreBehind",
            Error::NotAsShown => "NotAsShown",
            Error::Record { .. } => "Record",
            Error::NoVault(_) => "NoVault",
            Error::VaultExists(_) => "VaultExists",
            Error::VaultShut { .. } => "VaultShut",
            Error::TooManyVaults => "TooManyVaults",
            Error::NotFound => "NotFound",
            Error::Exists => "Exists",
            Error::Changed { .. } => "Changed",
            Error::TooBig { .. } => "TooBig",
            Error::Segment { .. } => "Segment",
            Error::Slots { .. } => "Slots",
        }
    }

    /// Whether the machine is the cause and not the file: no rollback explains it, and accepting one can't help.
    pub(crate) fn is_machine(&self) -> bool {
        use seal::Error as E;
        matches!(
            self,
            Error::Seal(E::Io { .. } | E::Memory(_) | E::Random(_) | E::Full { .. } | E::Poisoned { .. })
        )
    }

    /// What this says of the file it is about.
    pub(crate) fn state(&self) -> RowState {
        match self.name() {
            "Missing" => RowState::Missing,
            "RolledBack" | "StoreBehind" => RowState::Older,
            "Beside" | "WrongKey" => RowState::Beside,
            _ => RowState::Damaged,
        }
    }
}

impl From<secret::Error> for Error {
    fn from(e: secret::Error) -> Self {
        Error::Seal(e.into())
    }
}
