//! The open trail: appending entries and syncing them in groups. Opening it is in `open.rs`, its next segment in
//! `rotate.rs`.

use crate::body::{self, ENTRY};
use crate::reserve::Reserve;
use crate::segments::{Known, Segment, Segments};
use crate::sync::{Done, Durable, SyncJob, Ticket};
use crate::{Entry, Error, Result, SEGMENT_BYTES, file};
use seal::{Disk, Log};
use std::path::PathBuf;
use std::sync::Arc;

/// The trail of an unlocked store. One writer; reading is a [`crate::Reader`]'s business.
pub struct Trail {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) store: PathBuf,
    /// The open segment: its number and file.
    pub(crate) open: Option<(u64, Log)>,
    /// A new segment must be begun before anything is appended.
    pub(crate) must_begin: bool,
    /// What the next segment settles besides closing the open one: files that a human has given up.
    pub(crate) settle: Vec<Segment>,
    /// The next segment has at least this number.
    pub(crate) floor: u64,
    /// The chain that the next segment follows where none is open.
    pub(crate) parent: [u8; 32],
    /// The last entry written.
    pub(crate) seq: u64,
    /// The last entry that is durable and named by the head.
    pub(crate) synced: u64,
    pub(crate) under_way: bool,
    pub(crate) poisoned: bool,
    pub(crate) reserve: Reserve,
    /// The last entry that had to be durable found no room, not even the reserve's.
    pub(crate) full: bool,
    pub(crate) unrecorded: u64,
}

impl Trail {
    /// Writes an entry and gives it the next number. It counts once its ticket is durable.
    ///
    /// When the disk is full, an entry that must be durable now gets the room of the reserve; any other is refused and
    /// counted in [`Trail::unrecorded`].
    ///
    /// # Errors
    /// Whatever keeps it from being written. Then nothing may be released.
    pub fn append(&mut self, entry: Entry, store: &dyn Known, durable: Durable) -> Result<Ticket> {
        self.append_all(vec![entry], store, durable)
    }

    /// The same for entries that belong together: all of them or, whatever happens, none.
    ///
    /// # Errors
    /// As [`Trail::append`]; for no entries at all too.
    pub fn append_all(
        &mut self,
        mut entries: Vec<Entry>,
        store: &dyn Known,
        durable: Durable,
    ) -> Result<Ticket> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let (_, log) = match &mut self.open {
            Some(open) if !self.must_begin => open,
            _ => return Err(Error::NotBegun),
        };
        if log.end().bytes() >= 2 * SEGMENT_BYTES {
            return Err(Error::Overfull);
        }
        let mark = store.mark().map_err(Error::Store)?;
        let mut bodies = Vec::with_capacity(entries.len());
        for (entry, seq) in entries.iter_mut().zip(self.seq + 1..) {
            entry.seq = seq;
            bodies.push((seq, body::encode(entry, &mark).map_err(Error::TooBig)?));
        }
        let seq = self.seq + entries.len() as u64;
        let new: Vec<_> = bodies.iter().map(|(seq, body)| file::frame(ENTRY, *seq, body)).collect();
        let mut written = if durable == Durable::Later && !self.reserve.spares_denials(self.unrecorded) {
            Err(seal::Error::Full { at: seal::At(log.path().to_path_buf()) })
        } else {
            log.append(&new)
        };
        if matches!(written, Err(seal::Error::Full { .. })) {
            match durable {
                Durable::Now if self.reserve.release() => written = log.append(&new),
                Durable::Now => {}
                Durable::Later => self.unrecorded += entries.len() as u64,
            }
        }
        self.poisoned |= log.is_poisoned();
        if durable != Durable::Later {
            self.full = matches!(written, Err(seal::Error::Full { .. }));
        }
        written?;
        self.seq = seq;
        Ok(Ticket { seq })
    }

    /// Whether an entry is durable and named by the head, so that its answer may go out.
    #[must_use]
    pub fn is_durable(&self, ticket: &Ticket) -> bool {
        ticket.seq <= self.synced
    }

    /// The sync for everything that was written; none while one is under way, or when all of it is durable.
    pub fn pending_sync(&mut self) -> Option<SyncJob> {
        let (segment, log) = self.open.as_ref()?;
        if self.under_way || self.poisoned || self.seq == self.synced {
            return None;
        }
        self.under_way = true;
        Some(SyncJob { job: log.sync_job(), segment: *segment, seq: self.seq })
    }

    /// Takes the result of a sync and writes the head: from now on its entries are durable.
    ///
    /// # Errors
    /// When the sync failed (the trail takes nothing more), or the head can't be written.
    pub fn synced(&mut self, done: Done, segments: &mut dyn Segments) -> Result<()> {
        self.under_way = false;
        let Some((number, log)) = &mut self.open else { return Err(Error::WrongJob) };
        if done.segment != *number {
            // The segment was closed meanwhile, and synced for that; a failure still says that the disk can't be trusted.
            self.poisoned |= done.done.is_some_and(|synced| synced.upto().is_none());
            return if self.poisoned { Err(Error::Poisoned) } else { Ok(()) };
        }
        if let Some(synced) = done.done
            && let Err(e) = log.note_synced(synced)
        {
            self.poisoned = true;
            return Err(e.into());
        }
        segments.head(log.head()).map_err(Error::Store)?;
        self.synced = self.synced.max(done.seq);
        Ok(())
    }

    /// Makes everything that was written durable, here and now.
    ///
    /// # Errors
    /// As [`Trail::synced`].
    pub fn commit(&mut self, segments: &mut dyn Segments) -> Result<()> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let Some((number, log)) = &mut self.open else { return Ok(()) };
        if self.seq == self.synced {
            return Ok(());
        }
        let job = SyncJob { job: log.sync_job(), segment: *number, seq: self.seq };
        let under_way = self.under_way;
        let result = self.synced(job.run(), segments);
        self.under_way = under_way;
        result
    }

    /// Whether the segment is to be closed: [`Trail::new_segment`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|(_, log)| log.end().bytes() >= SEGMENT_BYTES)
    }

    /// Whether a sync or a write has failed so that nothing more is taken.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Whether entries can be recorded: the open segment is where it belongs, and as long as it was.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        let stands = self.open.as_ref().is_some_and(|(_, log)| log.stands().is_ok());
        !self.poisoned && !self.must_begin && stands
    }

    /// Whether an entry that must be durable would find room, too, as far as is known: the last one did, or there is
    /// room for the reserve again.
    #[must_use]
    pub fn takes_records(&self) -> bool {
        self.is_ok() && !self.full
    }

    /// Entries in the trail.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.seq
    }

    /// Denials that could not be recorded because the disk was full.
    #[must_use]
    pub fn unrecorded(&self) -> u64 {
        self.unrecorded
    }

    /// Takes the reserve's room again, if it was used and there is enough. Writes 256 KiB: now and then, not often.
    pub fn refill_reserve(&mut self) {
        if self.reserve.refill() {
            self.full = false;
        }
    }
}
