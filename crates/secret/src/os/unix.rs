//! A mapping that is locked (`mlock`, or `memfd_secret` on Linux), between two pages that nothing may touch.
#![allow(unsafe_code)]

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mlock, mmap_anonymous, mprotect, munmap};
use rustix::process::{Resource, getrlimit};
use std::{io, ptr::NonNull, ptr::null_mut};

/// Zeroed memory of whole pages, unmapped on drop.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    kind: Kind,
}

/// What keeps a mapping out of the swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Open,
    /// `mlock`.
    Locked,
    /// `memfd_secret`: locked, and not mapped in the kernel either.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Unseen,
}

/// At least `len` bytes. Whether they are locked is for the caller to judge. `lasting`: it is worth a dearer mapping
/// that not even the kernel can read, where there is one.
pub(crate) fn map(len: usize, lasting: bool) -> io::Result<Mapping> {
    let page = rustix::param::page_size();
    let len = len.checked_next_multiple_of(page).ok_or(io::ErrorKind::OutOfMemory)?;
    let whole = len.checked_add(2 * page).ok_or(io::ErrorKind::OutOfMemory)?;
    #[cfg(target_os = "linux")]
    if lasting && let Some(outer) = super::linux::map_unseen(whole) {
        return guarded(outer, len, Kind::Unseen);
    }
    let _ = lasting;
    let (rights, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let outer = unsafe { mmap_anonymous(null_mut(), whole, rights, flags) }?;
    let mut map = guarded(outer.cast(), len, Kind::Open)?;
    // SAFETY: locking our own pages changes none of their bytes.
    if unsafe { mlock(map.start.as_ptr().cast(), len) }.is_ok() {
        map.kind = Kind::Locked;
    }
    Ok(map)
}

/// The inner `len` bytes of a fresh mapping that has one page more at each end: those two become untouchable.
fn guarded(outer: *mut u8, len: usize, kind: Kind) -> io::Result<Mapping> {
    let page = rustix::param::page_size();
    let start = NonNull::new(outer.wrapping_add(page)).ok_or(io::ErrorKind::OutOfMemory)?;
    // From here on a drop unmaps all of it, so an early return leaks nothing.
    let map = Mapping { start, len, kind };
    for guard in [outer, start.as_ptr().wrapping_add(len)] {
        // SAFETY: a page of our own mapping, to which no reference exists yet or ever will.
        unsafe { mprotect(guard.cast(), page, MprotectFlags::empty()) }?;
    }
    keep_private(&map)?;
    Ok(map)
}

/// Out of core files and out of forked children.
#[cfg(target_os = "linux")]
fn keep_private(map: &Mapping) -> io::Result<()> {
    use rustix::mm::{Advice, madvise};
    for advice in [Advice::LinuxDontDump, Advice::LinuxDontFork] {
        // SAFETY: neither advice changes what this process reads or writes in its own pages.
        unsafe { madvise(map.start.as_ptr().cast(), map.len, advice) }?;
    }
    Ok(())
}

/// There is no such advice here: core files are switched off for the whole process, and nothing here forks.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)]
fn keep_private(_: &Mapping) -> io::Result<()> {
    Ok(())
}

/// How much memory this process may lock, in bytes.
pub(crate) fn lock_limit() -> Option<u64> {
    getrlimit(Resource::Memlock).current
}

impl Mapping {
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn locked(&self) -> bool {
        self.kind != Kind::Open
    }

    /// Whether not even the kernel can read it.
    pub(crate) fn unseen(&self) -> bool {
        self.kind == Kind::Unseen
    }

    pub(crate) fn holds(&self, place: NonNull<u8>) -> bool {
        let (start, place) = (self.start.as_ptr() as usize, place.as_ptr() as usize);
        (start..start + self.len).contains(&place)
    }

    pub(crate) fn at(&self, offset: usize) -> Option<NonNull<u8>> {
        if offset >= self.len {
            return None;
        }
        // SAFETY: inside the mapping, as just checked.
        Some(unsafe { self.start.add(offset) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let page = rustix::param::page_size();
        // SAFETY: exactly the pages that `map` mapped; blocks in them are gone, as the arena counts them.
        unsafe {
            let outer = self.start.as_ptr().sub(page);
            // It can only fail for a range that is no mapping; then there is nothing to free.
            let _ = munmap(outer.cast(), self.len + 2 * page);
        }
    }
}

// SAFETY: a mapping is a range of addresses with one owner; its bytes are reached through blocks only.
unsafe impl Send for Mapping {}
// SAFETY: its shared methods only read its own fields.
unsafe impl Sync for Mapping {}
