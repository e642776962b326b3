//! What a pool does when the global allocator has no memory: its segments do not come from there, where
//! the system has `mmap`.
//!
//! Not with the report, whose list of slabs is on the heap.
#![cfg(all(unix, not(any(seg_loom, seg_heap, miri, feature = "report"))))]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};
use std::{alloc::System, thread};

use seg_pool::{Pool, SLAB_BYTES, SegmentMut};

thread_local! {
    /// Requests of this thread that are still served; those of others always are.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Failing;

// SAFETY: the system's allocator, or nothing.
#[expect(unsafe_code, reason = "an allocator that fails")]
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let left = LEFT.get();
        if left == 0 {
            return core::ptr::null_mut();
        }
        LEFT.set(if left == usize::MAX { left } else { left - 1 });
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: all memory is the system's.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static HEAP: Failing = Failing;

/// Runs `action` with `left` more allocations for this thread.
fn with_allocations<T>(left: usize, action: impl FnOnce() -> T) -> T {
    LEFT.set(left);
    let outcome = action();
    LEFT.set(usize::MAX);
    outcome
}

#[test]
fn a_thread_without_heap_takes_nobodys_place() {
    // Magazines of one segment, and a quarter of the slabs may hide in them.
    let pool = Pool::builder().bytes_max(16 * SLAB_BYTES).build();
    for left in 0..6 {
        let pool = pool.clone();
        let taken = move || with_allocations(left, || pool.try_take(16_384).is_ok());
        assert!(thread::spawn(taken).join().expect("no allocation failed for good"));
    }
    let misses = || pool.stats().classes().iter().map(|class| class.misses()).sum::<usize>();
    let before = misses();
    for _ in 0..100 {
        drop(pool.take(16_384));
    }
    assert_eq!(misses() - before, 1);
}

#[test]
fn a_threads_first_take_needs_no_heap() {
    const SEGMENTS: usize = 200;
    // However far the thread comes in making its cache.
    for left in 0..6 {
        let pool = Pool::new();
        let mut kept: Vec<SegmentMut> = Vec::with_capacity(SEGMENTS);
        let pool = thread::spawn(move || {
            with_allocations(left, || {
                for round in 0..3 {
                    while kept.len() < SEGMENTS {
                        kept.push(pool.try_take(16_384).expect("slabs are not the heap's"));
                    }
                    assert_eq!(pool.stats().in_use_bytes(), SEGMENTS * 16_384, "round {round}");
                    kept.clear();
                    assert_eq!(pool.stats().in_use_bytes(), 0, "round {round}");
                }
            });
            pool
        })
        .join()
        .expect("no allocation failed for good");
        // What it kept was not lost, and neither was its place among the threads.
        pool.trim();
        assert_eq!(pool.stats().held_bytes(), 0, "{left}");
        drop(pool.take(16_384));
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}
