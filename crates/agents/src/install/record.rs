//! What was installed where, and what was there before: a folder of the user's alone, since it holds copies of other
//! programs' settings. It holds nothing of the vault.
//!
//! Programs of the same user can change it. It is there to put things back and to notice changes, and gives no rights.

use super::disk::Trouble;
use crate::Client;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "installed.json";
const FOLDER: &str = "files";

/// A file that install wrote to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// As the client names it.
    pub path: PathBuf,
    /// The project whose file it is; none for the user's.
    pub project: Option<PathBuf>,
    /// For which clients, by name.
    pub clients: Vec<String>,
    /// What was there before, by hash; nothing where there was no file.
    pub before: Option<String>,
    /// What install wrote, by hash.
    pub after: String,
}

/// A registered executable as the human last confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The caller in the policy.
    pub caller: String,
    /// The executable.
    pub path: PathBuf,
    /// Device and inode.
    pub file: (u64, u64),
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// The store whose policy it was registered in, by its id.
    #[serde(default)]
    pub store: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    version: u32,
    files: Vec<Known>,
    /// Folders that had to be made.
    #[serde(default)]
    folders: Vec<PathBuf>,
    #[serde(default)]
    executables: Vec<Seen>,
}

/// The record of all installs of this user.
#[derive(Debug)]
pub struct Record {
    folder: PathBuf,
    document: Document,
}

impl Record {
    /// The record in a folder, which need not exist.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn open(folder: &Path) -> Result<Self, Trouble> {
        let path = folder.join(FILE);
        let document = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                let what =
                    "this record of svault's is damaged; move it away: uninstall then goes by what it finds";
                let error = crate::config::Error::Broken {
                    line: e.line(),
                    column: e.column(),
                    what: what.to_owned(),
                };
                Trouble::Config { path, error }
            })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Document { version: 1, ..Document::default() },
            Err(e) => return Err(Trouble::io(&path)(e)),
        };
        Ok(Self { folder: folder.to_owned(), document })
    }

    /// What is known of a file.
    #[must_use]
    pub fn file(&self, path: &Path) -> Option<&Known> {
        self.document.files.iter().find(|k| k.path == path)
    }

    /// All files.
    #[must_use]
    pub fn files(&self) -> &[Known] {
        &self.document.files
    }

    /// Projects in which something is installed.
    #[must_use]
    pub fn projects(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = self.document.files.iter().filter_map(|k| k.project.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Whether install wrote a file for this client.
    #[must_use]
    pub fn has(&self, client: Client, project: Option<&Path>) -> bool {
        let name = client.as_str();
        let here = |k: &&Known| k.project.as_deref() == project && k.clients.iter().any(|c| c == name);
        self.document.files.iter().any(|k| here(&k))
    }

    /// Keeps bytes, until [`Record::sweep`]; the hash by which they are found again.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<String, Trouble> {
        let hash = hash(bytes);
        let folder = self.folder.join(FOLDER);
        private_folder(&folder).map_err(Trouble::io(&folder))?;
        let path = folder.join(&hash);
        if self.kept(&hash).is_none() {
            put(&path, bytes).map_err(Trouble::io(&path))?;
        }
        Ok(hash)
    }

    /// Kept bytes; none when they are gone or were changed.
    #[must_use]
    pub fn kept(&self, wanted: &str) -> Option<Vec<u8>> {
        let plain = wanted.len() == 64 && wanted.bytes().all(|b| b.is_ascii_hexdigit());
        let bytes = std::fs::read(self.folder.join(FOLDER).join(wanted)).ok().filter(|_| plain)?;
        (hash(&bytes) == wanted).then_some(bytes)
    }

    /// Notes a file, in place of what was known of it.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn note(&mut self, known: Known) -> Result<(), Trouble> {
        self.document.files.retain(|k| k.path != known.path);
        self.document.files.push(known);
        self.document.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.save()
    }

    /// Forgets a file.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn forget(&mut self, path: &Path) -> Result<(), Trouble> {
        self.document.files.retain(|k| k.path != path);
        self.save()
    }

    /// Notes folders that had to be made.
    ///
    /// # Errors
    /// When the record can't be written.
    pub(super) fn made(&mut self, folders: Vec<PathBuf>) -> Result<(), Trouble> {
        if folders.is_empty() {
            return Ok(());
        }
        self.document.folders.extend(folders);
        self.save()
    }

    /// Removes the folders that were made and have nothing in them any more, inner ones first.
    ///
    /// # Errors
    /// When the record can't be written.
    pub(super) fn tidy(&mut self) -> Result<(), Trouble> {
        let count = self.document.folders.len();
        self.document.folders.sort();
        for folder in self.document.folders.clone().iter().rev() {
            let _ = std::fs::remove_dir(folder); // fails where something is in it
        }
        self.document.folders.retain(|f| f.symlink_metadata().is_ok());
        if self.document.folders.len() == count { Ok(()) } else { self.save() }
    }

    /// Executables of a caller as a human last confirmed them for this store.
    pub fn executables_of(&self, caller: &str, store: &str) -> impl Iterator<Item = &Seen> {
        self.document.executables.iter().filter(move |s| s.caller == caller && s.store == store)
    }

    /// Notes executables of a caller, in place of what was known of it in this store.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn confirm(&mut self, caller: &str, store: &str, seen: Vec<Seen>) -> Result<(), Trouble> {
        self.document.executables.retain(|s| s.caller != caller || s.store != store);
        self.document.executables.extend(seen);
        self.save()
    }

    /// Writes the record.
    fn save(&self) -> Result<(), Trouble> {
        private_folder(&self.folder).map_err(Trouble::io(&self.folder))?;
        let path = self.folder.join(FILE);
        let text = serde_json::to_vec_pretty(&self.document).map_err(|e| Trouble::io(&path)(e.into()))?;
        put(&path, &text).map_err(Trouble::io(&path))
    }

    /// Lets go of kept bytes that nothing refers to. Only at the end: an entry may still go back to what it was.
    pub(super) fn sweep(&self) {
        let used = |name: &str| {
            let named = |k: &Known| k.after == name || k.before.as_deref() == Some(name);
            self.document.files.iter().any(named)
        };
        for entry in std::fs::read_dir(self.folder.join(FOLDER)).into_iter().flatten().flatten() {
            if !used(&entry.file_name().to_string_lossy()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// What tells one executable from another: device, inode, and SHA-256 in hex. Links are followed.
///
/// # Errors
/// When it can't be read.
pub fn fingerprint(path: &Path) -> io::Result<((u64, u64), String)> {
    let mut file = std::fs::File::open(path)?;
    let meta = file.metadata()?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => digest.update(&buffer[..n]),
        }
    }
    let sha256 = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok((inode(&meta), sha256))
}

#[cfg(unix)]
pub(super) fn inode(meta: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
pub(super) fn inode(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// SHA-256 in hex.
#[must_use]
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(folder)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    builder.create(folder)
}

/// Writes a file in one step; a temporary file is 0600 from the start.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    temp.write_all(bytes)?;
    temp.as_file().sync_all()?;
    temp.persist(path)?;
    Ok(())
}
