//! A file whose syncs run one after the other and which never syncs again once a sync has failed.
//!
//! After a failed fsync the kernel marks the lost pages clean and reports the error once. If two syncs ran side by side,
//! the second could report success for bytes that the first has lost.

use crate::disk::File;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

/// A file and whether all its syncs so far succeeded.
pub(crate) struct Guarded {
    pub(crate) file: Arc<dyn File>,
    failed: Mutex<bool>,
}

impl Guarded {
    pub(crate) fn new(file: Arc<dyn File>) -> Arc<Self> {
        Arc::new(Self { file, failed: Mutex::new(false) })
    }

    /// fdatasync.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.guarded(|file| file.sync_data())
    }

    /// fsync.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        self.guarded(|file| file.sync_all())
    }

    fn guarded(&self, sync: impl FnOnce(&dyn File) -> io::Result<()>) -> io::Result<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(io::Error::other("an earlier sync failed"));
        }
        // Until it has succeeded it has failed: also when the thread is torn down in between.
        *failed = true;
        sync(&*self.file)?;
        *failed = false;
        Ok(())
    }
}
