//! A mapping by `mmap`, locked by `mlock`, between two pages that nothing may touch.
#![allow(unsafe_code)]

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mlock, mmap_anonymous, mprotect, munmap};
use rustix::process::{Resource, getrlimit};
use std::{io, ptr::NonNull, ptr::null_mut};

/// Zeroed memory of whole pages, unmapped on drop.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    locked: bool,
}

/// At least `len` bytes. Whether they are locked is for the caller to judge.
pub(crate) fn map(len: usize) -> io::Result<Mapping> {
    let page = rustix::param::page_size();
    let len = len.checked_next_multiple_of(page).ok_or(io::ErrorKind::OutOfMemory)?;
    let whole = len.checked_add(2 * page).ok_or(io::ErrorKind::OutOfMemory)?;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let outer = unsafe { mmap_anonymous(null_mut(), whole, ProtFlags::empty(), MapFlags::PRIVATE) }?;
    // SAFETY: one page into a mapping of three or more.
    let start = unsafe { outer.cast::<u8>().add(page) };
    let Some(start) = NonNull::new(start) else { return Err(io::ErrorKind::OutOfMemory.into()) };
    // From here on a drop unmaps all of it, so an early return leaks nothing.
    let mut map = Mapping { start, len, locked: false };
    // SAFETY: the inner pages of our own mapping, to which no reference exists yet.
    unsafe { mprotect(start.as_ptr().cast(), len, MprotectFlags::READ | MprotectFlags::WRITE) }?;
    keep_private(&map)?;
    // SAFETY: locking our own pages changes none of their bytes.
    map.locked = unsafe { mlock(start.as_ptr().cast(), len) }.is_ok();
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
        self.locked
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
