//! Slabs of pages, from the system and back.
//!
//! Straight from the system where it has `mmap`: general allocators put a header before a
//! page-aligned block, so that each costs a page more, and often keep what is freed between blocks
//! in use. `--cfg seg_heap` takes slabs from the global allocator instead, where sanitizers and
//! Miri watch them.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::alloc::Layout;

use crate::size::SLAB_BYTES;

/// The alignment of slabs: the smallest page size in use.
pub(crate) const PAGE_BYTES: usize = 4096;

/// The size and alignment of a slab.
pub(crate) const SLAB: Layout = match Layout::from_size_align(SLAB_BYTES, PAGE_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("a slab is a whole number of pages"),
};

pub(crate) use self::source::{allocate, free};

#[cfg(all(unix, not(miri), not(seg_heap)))]
mod source {
    use core::ptr::{self, NonNull};

    use super::SLAB;

    /// Takes a slab from the system; `None` when it has no memory.
    pub(crate) fn allocate() -> Option<NonNull<u8>> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new anonymous mapping, at an address that the system chooses, touches no other memory.
        let data = unsafe { libc::mmap(ptr::null_mut(), SLAB.size(), access, kind, -1, 0) };
        if data == libc::MAP_FAILED { None } else { NonNull::new(data.cast()) }
    }

    /// Gives a slab back.
    ///
    /// # Safety
    ///
    /// `data` came from [`allocate`], and nobody uses the slab any more.
    pub(crate) unsafe fn free(data: NonNull<u8>) {
        // SAFETY: the whole of one mapping that the caller gives up.
        if unsafe { libc::munmap(data.as_ptr().cast(), SLAB.size()) } != 0 {
            // The hole would be one mapping more than the system allows a process. Then the
            // address range stays, and the memory goes.
            // SAFETY: as above.
            unsafe { libc::madvise(data.as_ptr().cast(), SLAB.size(), libc::MADV_DONTNEED) };
        }
    }
}

#[cfg(not(all(unix, not(miri), not(seg_heap))))]
mod source {
    use core::ptr::NonNull;
    use std::alloc::{alloc, dealloc};

    use super::SLAB;

    /// Takes a slab from the global allocator; `None` when it has no memory.
    pub(crate) fn allocate() -> Option<NonNull<u8>> {
        // SAFETY: the layout's size is not zero.
        NonNull::new(unsafe { alloc(SLAB) })
    }

    /// Gives a slab back.
    ///
    /// # Safety
    ///
    /// `data` came from [`allocate`], and nobody uses the slab any more.
    pub(crate) unsafe fn free(data: NonNull<u8>) {
        // SAFETY: it came from `alloc` with this layout.
        unsafe { dealloc(data.as_ptr(), SLAB) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slab_is_aligned_writable_and_can_be_given_back() {
        let slab = allocate().expect("the system has memory");
        assert_eq!(slab.as_ptr().addr() % PAGE_BYTES, 0);
        // SAFETY: a slab has that many bytes.
        unsafe { slab.write_bytes(7, SLAB_BYTES) };
        // SAFETY: the last of them.
        let last = unsafe { slab.add(SLAB_BYTES - 1) };
        // SAFETY: written above.
        assert_eq!(unsafe { last.read() }, 7);
        // SAFETY: from `allocate`, and used no more.
        unsafe { free(slab) };
    }
}
