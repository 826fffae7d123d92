//! Windows: a process that others may not open. Memory is not locked here: it counts as weak, and says so.
#![allow(unsafe_code)]

use crate::Protection;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::{io, ptr::NonNull};

const PAGE: usize = 4096;

/// Zeroed memory of whole pages, freed on drop.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    layout: Layout,
}

/// At least `len` bytes, not locked.
pub(crate) fn map(len: usize, _lasting: bool) -> io::Result<Mapping> {
    let len = len.max(1).checked_next_multiple_of(PAGE).ok_or(io::ErrorKind::OutOfMemory)?;
    let layout = Layout::from_size_align(len, PAGE).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // SAFETY: the layout has a size above zero.
    let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(io::ErrorKind::OutOfMemory)?;
    Ok(Mapping { start, layout })
}

/// Not known here.
pub(crate) fn lock_limit() -> Option<u64> {
    None
}

/// There is no way back from closing the process to others, so only `false` does something.
pub(crate) fn set_dumpable(on: bool) -> bool {
    on || secmem_proc::harden_process().is_ok()
}

/// Switches on what there is and says what holds.
pub(crate) fn harden() -> Vec<Protection> {
    vec![Protection {
        name: "not readable by other processes of the user",
        holds: set_dumpable(false),
        fix: Some("stop the debugger that is attached"),
    }]
}

impl Mapping {
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.layout.size()
    }

    pub(crate) fn locked(&self) -> bool {
        false
    }

    pub(crate) fn unseen(&self) -> bool {
        false
    }

    pub(crate) fn holds(&self, place: NonNull<u8>) -> bool {
        let (start, place) = (self.start.as_ptr() as usize, place.as_ptr() as usize);
        (start..start + self.len()).contains(&place)
    }

    pub(crate) fn at(&self, offset: usize) -> Option<NonNull<u8>> {
        if offset >= self.len() {
            return None;
        }
        // SAFETY: inside the allocation, as just checked.
        Some(unsafe { self.start.add(offset) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: allocated in `map` with this layout; blocks in it are gone, as the arena counts them.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

// SAFETY: a mapping is a range of addresses with one owner; its bytes are reached through blocks only.
unsafe impl Send for Mapping {}
// SAFETY: its shared methods only read its own fields.
unsafe impl Sync for Mapping {}
