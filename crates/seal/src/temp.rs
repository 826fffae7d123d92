//! A file under a temporary name: complete and synced before it gets its own.

use crate::{
    disk::{Disk, File, Open},
    error::{At, Error, Result},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file under its temporary name, removed unless it is put into place.
pub(crate) struct Temp {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    target: PathBuf,
    file: Arc<dyn File>,
    placed: bool,
}

impl Temp {
    /// The name of the temporary file beside `target`.
    pub(crate) fn name(target: &Path) -> PathBuf {
        let mut name = target.as_os_str().to_os_string();
        name.push(".new");
        name.into()
    }

    /// Removes a stray one, if there is one.
    pub(crate) fn sweep(disk: &dyn Disk, target: &Path) -> Result<()> {
        let path = Self::name(target);
        match disk.remove(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(&path, "remove", e)),
            _ => Ok(()),
        }
    }

    pub(crate) fn create(disk: &Arc<dyn Disk>, target: &Path) -> Result<Self> {
        Self::sweep(&**disk, target)?;
        let path = Self::name(target);
        let file = disk.open(&path, Open::CreateNew).map_err(|e| Error::io(&path, "create", e))?;
        Ok(Self { disk: disk.clone(), path, target: target.to_path_buf(), file, placed: false })
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_at(bytes, offset).map_err(|e| Error::io(&self.path, "write", e))
    }

    /// Synced and renamed; the folder is not yet synced.
    pub(crate) fn into_place(mut self) -> Result<Arc<dyn File>> {
        self.file.sync_all().map_err(|e| Error::io(&self.path, "sync", e))?;
        self.disk.rename(&self.path, &self.target).map_err(|e| Error::io(&self.target, "rename", e))?;
        self.placed = true;
        Ok(self.file.clone())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.placed {
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// Makes the name of `path` durable.
pub(crate) fn sync_folder(disk: &dyn Disk, path: &Path) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.sync_dir(folder).map_err(|e| Error::Io { at: At(folder.to_path_buf()), doing: "sync", source: e })
}
