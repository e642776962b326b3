//! Allocators used directly, whether they are the global one or not.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    alloc::{GlobalAlloc, Layout},
    ptr::NonNull,
};

/// Uninitialised memory from one allocator.
pub(super) struct Block<A: GlobalAlloc> {
    allocator: A,
    layout: Layout,
    data: NonNull<u8>,
}

// SAFETY: a block owns its memory, and global allocators take memory back on any thread.
unsafe impl<A: GlobalAlloc + Send> Send for Block<A> {}

impl<A: GlobalAlloc> Block<A> {
    /// Allocates. Panics when there is no memory, or when the layout is empty.
    pub(super) fn new(allocator: A, layout: Layout) -> Self {
        assert!(layout.size() > 0, "an empty block");
        // SAFETY: the size is not 0.
        let data = unsafe { allocator.alloc(layout) };
        let data = NonNull::new(data).expect("the system has memory");
        Self { allocator, layout, data }
    }

    /// Writes one byte in each page.
    pub(super) fn touch(&mut self) {
        for offset in (0..self.layout.size()).step_by(4096) {
            // SAFETY: `offset` is below the block's size.
            let byte = unsafe { self.data.add(offset) };
            // SAFETY: the block owns that byte.
            unsafe { byte.write_volatile(1) };
        }
    }
}

impl<A: GlobalAlloc> Drop for Block<A> {
    fn drop(&mut self) {
        // SAFETY: the block came from this allocator with this layout.
        unsafe { self.allocator.dealloc(self.data.as_ptr(), self.layout) }
    }
}

/// Gives the heap's free memory back to the system, so that the next use faults it in again.
pub(super) fn make_heap_cold() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            safe fn malloc_trim(pad: usize) -> core::ffi::c_int;
        }
        malloc_trim(0);
    }
}
