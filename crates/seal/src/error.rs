//! What can go wrong with a sealed file, each its own error, each with the file's path once it is known.

use crate::kdf::KdfParams;
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// The file an error is about; parsers that see only bytes leave it empty and [`Error::at`] fills it in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct At(pub PathBuf);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_os_str().is_empty() { f.write_str("sealed file") } else { self.0.display().fmt(f) }
    }
}

/// A place in a file: what a head names and what was found instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which rewrite of the file.
    pub generation: u64,
    /// How many frames it has.
    pub frames: u64,
    /// Length in bytes, header included.
    pub bytes: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {}, {} entries, {} bytes", self.generation, self.frames, self.bytes)
    }
}

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a sealed file at all.
    #[error("{at}: not an svault file")]
    BadMagic {
        /// The file.
        at: At,
    },
    /// Written by another version of the format.
    #[error("{at}: format version {found}, this svault reads version 1")]
    Version {
        /// The file.
        at: At,
        /// The version byte.
        found: u8,
    },
    /// A length or count that the format does not allow.
    #[error("{at}: malformed: {what}")]
    Bounds {
        /// The file.
        at: At,
        /// Which rule is broken.
        what: &'static str,
    },
    /// Argon2id parameters outside the allowed range; the KDF was not run.
    #[error("{at}: refused Argon2id parameters {found}: {what}")]
    Kdf {
        /// The file.
        at: At,
        /// What the file asks for.
        found: KdfParams,
        /// Which rule is broken.
        what: &'static str,
    },
    /// Not enough memory to run Argon2id.
    #[error("not enough memory for Argon2id ({m_kib} KiB); free some and try again")]
    KdfMemory {
        /// What it needs.
        m_kib: u32,
    },
    /// A slot that the format does not allow, or that this build can't use.
    #[error("{at}: key slot: {what}")]
    Slot {
        /// The file.
        at: At,
        /// Which rule is broken.
        what: &'static str,
    },
    /// The passphrase, recovery code or key is not this slot's.
    #[error("{at}: its key slot does not open: not its passphrase or key, or the slot was altered")]
    WrongKey {
        /// The file.
        at: At,
    },
    /// A recovery code that can't be one.
    #[error("not a recovery code: {what}")]
    Recovery {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The header was changed by someone without the key.
    #[error("{at}: the header has been altered; restore this file from a backup")]
    HeaderMac {
        /// The file.
        at: At,
    },
    /// A frame that was written and synced no longer holds.
    #[error("{at}: damaged at byte {offset} ({what}); restore it from a backup")]
    Damaged {
        /// The file.
        at: At,
        /// Where the bad frame begins.
        offset: u64,
        /// What does not hold.
        what: &'static str,
    },
    /// The file is older than what was acknowledged.
    #[error("{at}: older than it was: has {found}, should have {expected}")]
    RolledBack {
        /// The file.
        at: At,
        /// What is there.
        found: Place,
        /// What the head names.
        expected: Place,
    },
    /// The file is not a continuation of the one that was there.
    #[error("{at}: not the file that was here: {what}")]
    Beside {
        /// The file.
        at: At,
        /// What differs.
        what: &'static str,
    },
    /// A file that must exist does not.
    #[error("{at}: missing")]
    Missing {
        /// The file.
        at: At,
    },
    /// A sync failed before; nothing is written or read until the file has been opened and checked again.
    #[error("{at}: a write could not be made safe; lock and unlock again")]
    Poisoned {
        /// The file.
        at: At,
    },
    /// No space left.
    #[error("{at}: the disk is full; free some space and try again")]
    Full {
        /// The file.
        at: At,
    },
    /// More than one frame, or one file, may hold.
    #[error("{at}: too big: {what}")]
    TooBig {
        /// The file.
        at: At,
        /// The limit.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("{at}: {doing}: {source}")]
    Io {
        /// The file.
        at: At,
        /// What was being done, such as "write".
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Another process holds the store.
    #[error("{at}: in use{}", pid.map(|p| format!(" by process {p}")).unwrap_or_default())]
    InUse {
        /// The lock file.
        at: At,
        /// Who holds it, where the kernel says.
        pid: Option<u32>,
    },
    /// The heads file does not hold.
    #[error("{at}: {what}")]
    Heads {
        /// The file.
        at: At,
        /// What does not hold.
        what: &'static str,
    },
    /// Records that break the rules of versions.
    #[error("{at}: record at byte {offset}: {what}")]
    Record {
        /// The file.
        at: At,
        /// Where its frame begins; 0 when not yet written.
        offset: u64,
        /// Which rule is broken.
        what: &'static str,
    },
    /// No locked memory.
    #[error(transparent)]
    Memory(#[from] secret::Error),
    /// The kernel gave no randomness.
    #[error("no randomness from the system: {0}")]
    Random(getrandom::Error),
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A stable name for tests, vectors and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadMagic { .. } => "BadMagic",
            Self::Version { .. } => "Version",
            Self::Bounds { .. } => "Bounds",
            Self::Kdf { .. } => "Kdf",
            Self::KdfMemory { .. } => "KdfMemory",
            Self::Slot { .. } => "Slot",
            Self::WrongKey { .. } => "WrongKey",
            Self::Recovery { .. } => "Recovery",
            Self::HeaderMac { .. } => "HeaderMac",
            Self::Damaged { .. } => "Damaged",
            Self::RolledBack { .. } => "RolledBack",
            Self::Beside { .. } => "Beside",
            Self::Missing { .. } => "Missing",
            Self::Poisoned { .. } => "Poisoned",
            Self::Full { .. } => "Full",
            Self::TooBig { .. } => "TooBig",
            Self::Io { .. } => "Io",
            Self::InUse { .. } => "InUse",
            Self::Heads { .. } => "Heads",
            Self::Record { .. } => "Record",
            Self::Memory(_) => "Memory",
            Self::Random(_) => "Random",
        }
    }

    /// The same error, with the file's path where it had none.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        if let Some(at) = self.place_mut()
            && at.0.as_os_str().is_empty()
        {
            at.0 = path.to_path_buf();
        }
        self
    }

    /// An error of the operating system about `path`; "disk full" and "not there" get their own names.
    #[must_use]
    pub fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let at = At(path.to_path_buf());
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { at },
            io::ErrorKind::NotFound => Self::Missing { at },
            _ => Self::Io { at, doing, source },
        }
    }

    pub(crate) fn bounds(what: &'static str) -> Self {
        Self::Bounds { at: At::default(), what }
    }

    pub(crate) fn slot(what: &'static str) -> Self {
        Self::Slot { at: At::default(), what }
    }

    fn place_mut(&mut self) -> Option<&mut At> {
        match self {
            Self::BadMagic { at }
            | Self::Version { at, .. }
            | Self::Bounds { at, .. }
            | Self::Kdf { at, .. }
            | Self::Slot { at, .. }
            | Self::WrongKey { at }
            | Self::HeaderMac { at }
            | Self::Damaged { at, .. }
            | Self::RolledBack { at, .. }
            | Self::Beside { at, .. }
            | Self::Missing { at }
            | Self::Poisoned { at }
            | Self::Full { at }
            | Self::TooBig { at, .. }
            | Self::Io { at, .. }
            | Self::InUse { at, .. }
            | Self::Heads { at, .. }
            | Self::Record { at, .. } => Some(at),
            Self::KdfMemory { .. } | Self::Recovery { .. } | Self::Memory(_) | Self::Random(_) => None,
        }
    }
}
