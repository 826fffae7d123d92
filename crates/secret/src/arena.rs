//! Where secrets lie: locked mappings, cut into small blocks of a few sizes or given whole to a large one.
//! A block never moves and never grows, so no copy is left behind; it is wiped before its place is given back.

use crate::{Error, Result, os, os::Mapping};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroize;

/// Sizes of small blocks. What is longer than the last has a mapping of its own.
const SIZES: [usize; 6] = [32, 64, 128, 256, 512, 1024];
/// Bytes in a mapping that is cut into small blocks of one size.
const CHUNK: usize = 64 * 1024;

static WEAK: AtomicBool = AtomicBool::new(false);
static ARENA: Mutex<Arena> =
    Mutex::new(Arena { chunks: [const { Vec::new() }; SIZES.len()], bytes: 0, unlocked: 0, unseen: 0 });

/// Allows memory that is not locked (it may reach the swap), where the kernel gives no other. Off at start.
pub fn set_weak(weak: bool) {
    WEAK.store(weak, SeqCst);
}

/// What [`set_weak`] said last, for a process that starts others of its kind.
#[must_use]
pub fn is_weak() -> bool {
    WEAK.load(SeqCst)
}

/// What the memory of secrets is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Whether all of it is locked now.
    pub locked: bool,
    /// By which means: `memfd_secret` (keys and small values; large ones by `mlock`), `mlock`, or `none` where something
    /// lies in ordinary memory.
    pub kind: &'static str,
    /// Bytes that are held, whole mappings.
    pub bytes: usize,
}

/// What the memory of secrets is like now. Takes some for a moment, so that there is something to be asked about.
#[must_use]
pub fn memory() -> Memory {
    let probe = Block::zeroed(SIZES[0]);
    let arena = lock();
    let locked = probe.is_ok() && arena.unlocked == 0;
    let kind = match (locked, arena.unseen) {
        (false, _) => "none",
        (true, 0) => "mlock",
        (true, _) => "memfd_secret",
    };
    let found = Memory { locked, kind, bytes: arena.bytes };
    // The probe gives itself back under the same lock.
    drop(arena);
    found
}

/// A stretch of secret memory with one owner. Zeroed when made, wiped when dropped.
pub(crate) struct Block {
    start: NonNull<u8>,
    len: usize,
    home: Home,
}

enum Home {
    /// No bytes, no memory.
    Nowhere,
    /// A place in a chunk of blocks of `SIZES[class]`.
    Chunk { class: usize },
    /// A mapping of its own.
    Own(Mapping),
}

struct Arena {
    chunks: [Vec<Chunk>; SIZES.len()],
    bytes: usize,
    unlocked: usize,
    unseen: usize,
}

struct Chunk {
    map: Mapping,
    /// One bit a block; set = taken.
    taken: Vec<u64>,
    count: usize,
}

fn lock() -> MutexGuard<'static, Arena> {
    // The tables are changed in steps that can't panic half-way, so a poisoned lock guards whole tables.
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Arena {
    fn map(&mut self, len: usize, lasting: bool) -> Result<Mapping> {
        let map = os::map(len, lasting).map_err(|source| Error::NoMemory { wanted: len, source })?;
        if !map.locked() && !is_weak() {
            return Err(Error::NoLockedMemory { wanted: map.len(), limit: os::lock_limit() });
        }
        self.bytes += map.len();
        self.unlocked += usize::from(!map.locked());
        self.unseen += usize::from(map.unseen());
        Ok(map)
    }

    fn unmap(&mut self, map: Mapping) {
        self.bytes -= map.len();
        self.unlocked -= usize::from(!map.locked());
        self.unseen -= usize::from(map.unseen());
        drop(map);
    }

    fn take(&mut self, class: usize) -> Result<NonNull<u8>> {
        let size = SIZES[class];
        for chunk in &mut self.chunks[class] {
            if let Some(place) = chunk.take(size) {
                return Ok(place);
            }
        }
        let map = self.map(CHUNK, true)?;
        let mut chunk = Chunk { taken: vec![0; (map.len() / size).div_ceil(64)], map, count: 0 };
        let place = chunk.take(size);
        self.chunks[class].push(chunk);
        place.ok_or_else(|| Error::NoMemory { wanted: size, source: std::io::ErrorKind::OutOfMemory.into() })
    }

    fn give_back(&mut self, class: usize, start: NonNull<u8>) {
        let chunks = &mut self.chunks[class];
        let Some(at) = chunks.iter().position(|c| c.map.holds(start)) else { return };
        chunks[at].give_back(SIZES[class], start);
        // An empty chunk is kept while it is the only one: no map and unmap at each key.
        if chunks[at].count == 0 && chunks.len() > 1 {
            let chunk = chunks.swap_remove(at);
            self.unmap(chunk.map);
        }
    }
}

impl Chunk {
    fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let blocks = self.map.len() / size;
        let (word, bits) = self.taken.iter_mut().enumerate().find(|(_, bits)| **bits != u64::MAX)?;
        let bit = bits.trailing_ones() as usize;
        let index = word * 64 + bit;
        if index >= blocks {
            return None;
        }
        *bits |= 1 << bit;
        self.count += 1;
        self.map.at(index * size)
    }

    fn give_back(&mut self, size: usize, start: NonNull<u8>) {
        let index = (start.as_ptr() as usize - self.map.start().as_ptr() as usize) / size;
        if let Some(bits) = self.taken.get_mut(index / 64) {
            *bits &= !(1 << (index % 64));
            self.count -= 1;
        }
    }
}

impl Block {
    /// `len` zero bytes.
    pub(crate) fn zeroed(len: usize) -> Result<Self> {
        if len == 0 {
            return Ok(Self { start: NonNull::dangling(), len, home: Home::Nowhere });
        }
        let mut arena = lock();
        if let Some(class) = SIZES.iter().position(|size| len <= *size) {
            return Ok(Self { start: arena.take(class)?, len, home: Home::Chunk { class } });
        }
        // Large ones are values in flight: here for a moment, and too many pages for the dearer kind.
        let map = arena.map(len, false)?;
        Ok(Self { start: map.start(), len, home: Home::Own(map) })
    }

    /// Forgets all but the first `len` bytes; the rest is the caller's to wipe, and is wiped again on drop.
    pub(crate) fn shorten(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    fn room(&self) -> usize {
        match &self.home {
            Home::Nowhere => 0,
            Home::Chunk { class } => SIZES[*class],
            Home::Own(map) => map.len(),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.whole_mut().zeroize();
        match std::mem::replace(&mut self.home, Home::Nowhere) {
            Home::Nowhere => {}
            Home::Chunk { class } => lock().give_back(class, self.start),
            Home::Own(map) => lock().unmap(map),
        }
    }
}

#[allow(unsafe_code)]
mod access {
    //! The one place where a block's pointer becomes a reference.
    use super::Block;
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    // SAFETY: a block is the only owner of its bytes, as a `Box<[u8]>` is; the tables behind it are under a lock.
    unsafe impl Send for Block {}
    // SAFETY: as above; a shared block is only read.
    unsafe impl Sync for Block {}

    impl Block {
        pub(crate) fn bytes(&self) -> &[u8] {
            // SAFETY: `start` is the start of `room() >= len` readable, initialised (zeroed) bytes that this block
            // alone owns until it is dropped, or dangling with `len` 0.
            unsafe { from_raw_parts(self.start.as_ptr(), self.len) }
        }

        pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
            // SAFETY: as in `bytes`, and `&mut self` makes this the only reference.
            unsafe { from_raw_parts_mut(self.start.as_ptr(), self.len) }
        }

        /// All bytes of the place, also those behind `len`.
        pub(super) fn whole_mut(&mut self) -> &mut [u8] {
            // SAFETY: as in `bytes_mut`; the place has `room()` bytes (0 when dangling).
            unsafe { from_raw_parts_mut(self.start.as_ptr(), self.room()) }
        }

        #[cfg(test)]
        pub(crate) fn whole(&self) -> &[u8] {
            // SAFETY: as in `bytes`.
            unsafe { from_raw_parts(self.start.as_ptr(), self.room()) }
        }

        pub(crate) fn array<const N: usize>(&self) -> &[u8; N] {
            assert_eq!(self.len, N, "a block of another length");
            // SAFETY: as in `bytes`, with `len` equal to N; an array of bytes needs no alignment.
            unsafe { self.start.cast::<[u8; N]>().as_ref() }
        }

        pub(crate) fn array_mut<const N: usize>(&mut self) -> &mut [u8; N] {
            assert_eq!(self.len, N, "a block of another length");
            // SAFETY: as in `bytes_mut`, with `len` equal to N.
            unsafe { self.start.cast::<[u8; N]>().as_mut() }
        }
    }

    #[cfg(test)]
    pub(super) fn peek(start: std::ptr::NonNull<u8>, len: usize) -> Vec<u8> {
        // SAFETY: tests call this only for a place inside a chunk that another live block keeps mapped.
        unsafe { from_raw_parts(start.as_ptr(), len) }.to_vec()
    }
}

#[cfg(test)]
mod tests;
