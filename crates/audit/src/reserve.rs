//! A file that takes up room so that releases can still be recorded after denials have filled the disk.

use seal::{Disk, Open};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Room for two hundred entries.
const BYTES: usize = 256 << 10;

/// The reserve of a store.
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    there: bool,
}

impl Reserve {
    /// The reserve of this store; made where it is missing. A disk too full for it is no error.
    pub(crate) fn open(disk: Arc<dyn Disk>, store: &Path) -> Self {
        let path = store.join("state").join("reserve");
        let there = matches!(disk.stat(&path), Ok(Some(stat)) if stat.len == BYTES as u64);
        let mut reserve = Self { disk, path, there };
        reserve.refill();
        reserve
    }

    /// Gives the room back to the disk; `false` when there was none.
    pub(crate) fn release(&mut self) -> bool {
        if !self.there {
            return false;
        }
        self.there = false;
        // Cut, not only removed: a name's end frees nothing while something else still holds the file.
        self.disk.open(&self.path, Open::Write).and_then(|file| file.set_len(0)).is_ok()
    }

    /// Whether a denial may take room: once the reserve is in use, what it gave back is for releases only. Every 64th
    /// that is turned away looks whether there is room for the reserve again.
    pub(crate) fn spares_denials(&mut self, turned_away: u64) -> bool {
        if !self.there && turned_away.is_multiple_of(64) {
            self.refill();
        }
        self.there
    }

    /// Takes the room again, if there is enough; whether the reserve is there.
    pub(crate) fn refill(&mut self) -> bool {
        if !self.there {
            self.there = self.fill().is_ok();
            if !self.there {
                let _ = self.disk.remove(&self.path);
            }
        }
        self.there
    }

    fn fill(&self) -> io::Result<()> {
        match self.disk.remove(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        // Random: a disk that compresses or leaves out zeros would keep no room for it.
        let mut bytes = vec![0; BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let file = self.disk.open(&self.path, Open::CreateNew)?;
        file.write_at(&bytes, 0)?;
        file.sync_data()?;
        self.path.parent().map_or(Ok(()), |folder| self.disk.sync_dir(folder))
    }
}
