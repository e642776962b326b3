//! An allocator that counts, by thread; for the tests of every layer.
#![expect(unsafe_code, reason = "counts what the allocator hands out")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};
use std::alloc::System;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    /// Bytes that this thread allocated and did not free; they wrap where it frees what others allocated.
    pub(crate) static LIVE: Cell<usize> = const { Cell::new(0) };
}

fn count(size: usize) {
    LIVE.set(LIVE.get().wrapping_add(size));
    COUNT.set(COUNT.get() + 1);
    LARGEST.set(LARGEST.get().max(size));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Allocations of this thread during `action`: how many, and the size of the largest.
pub(crate) fn allocations(action: impl FnOnce()) -> (usize, usize) {
    let before = COUNT.get();
    LARGEST.set(0);
    action();
    (COUNT.get() - before, LARGEST.get())
}
