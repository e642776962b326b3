//! A global allocator that counts what the measuring thread asks for.
//!
//! Only the thread that holds a [`Scope`] is counted, so a progress bar or a peer on another thread
//! changes no figure. Outside a scope an allocation costs one look at a thread-local flag; inside
//! one it costs a few additions to thread-local cells: no atomics, no locks.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    marker::PhantomData,
};
use std::alloc::System;

/// The system's allocator, with a count.
///
/// # Examples
///
/// ```
/// use seg_bench::alloc_count::{CountingAlloc, Scope};
///
/// #[global_allocator]
/// static ALLOC: CountingAlloc = CountingAlloc;
///
/// let scope = Scope::start();
/// let kept = vec![0_u8; 4096];
/// drop(vec![0_u8; 100]);
/// let counts = scope.finish();
/// assert_eq!(counts.allocs, 2);
/// assert_eq!(counts.largest_bytes, 4096);
/// assert_eq!(counts.live_bytes, 4096);
/// assert_eq!(counts.peak_live_bytes, 4196);
/// # drop(kept);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAlloc;

/// What one thread asked of the allocator while a [`Scope`] was open.
///
/// A `realloc` counts as one allocation of its new size; live bytes move by the difference. Whether
/// the old and the new block exist at the same time is the system's choice, so the peak leaves that
/// moment out: for a buffer that grows it is a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Successful calls of `alloc`, `alloc_zeroed` and `realloc`.
    pub allocs: u64,
    /// Bytes that those calls asked for.
    pub allocated_bytes: u64,
    /// Bytes of the largest of those calls.
    pub largest_bytes: u64,
    /// Bytes allocated less bytes freed: negative where more was freed.
    pub live_bytes: i64,
    /// The highest value that `live_bytes` had; at least 0.
    pub peak_live_bytes: i64,
}

impl Counts {
    const ZERO: Self =
        Self { allocs: 0, allocated_bytes: 0, largest_bytes: 0, live_bytes: 0, peak_live_bytes: 0 };

    /// Returns the counts of a period that `self` begins and `next` continues.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            allocs: self.allocs + next.allocs,
            allocated_bytes: self.allocated_bytes + next.allocated_bytes,
            largest_bytes: self.largest_bytes.max(next.largest_bytes),
            live_bytes: self.live_bytes + next.live_bytes,
            peak_live_bytes: self.peak_live_bytes.max(self.live_bytes + next.peak_live_bytes),
        }
    }

    fn allocated(&mut self, size: usize) {
        let size = size as u64;
        self.allocs += 1;
        self.allocated_bytes += size;
        self.largest_bytes = self.largest_bytes.max(size);
    }

    fn moved(&mut self, freed: usize, taken: usize) {
        // A `Layout` holds at most `isize::MAX` bytes.
        self.live_bytes += taken.cast_signed() as i64 - freed.cast_signed() as i64;
        self.peak_live_bytes = self.peak_live_bytes.max(self.live_bytes);
    }
}

thread_local! {
    /// The counts of the innermost open scope, if one is open. Needs no destructor, so reading it
    /// never allocates.
    static OPEN: Cell<Option<Counts>> = const { Cell::new(None) };
}

/// A stretch of one thread's work whose allocations are counted.
///
/// Scopes nest: what the inner one counts, the outer one counts, too. Dropping a scope ends it.
#[derive(Debug)]
pub struct Scope {
    outer: Option<Counts>,
    finished: bool,
    /// A scope ends on the thread that it started on.
    _not_send: PhantomData<*const ()>,
}

impl Scope {
    /// Starts to count the calling thread's allocations. Allocates nothing itself.
    #[must_use]
    pub fn start() -> Self {
        Self { outer: OPEN.replace(Some(Counts::ZERO)), finished: false, _not_send: PhantomData }
    }

    /// Ends the scope and returns what it counted.
    #[must_use]
    pub fn finish(mut self) -> Counts {
        self.close()
    }

    fn close(&mut self) -> Counts {
        self.finished = true;
        let counts = OPEN.get().unwrap_or(Counts::ZERO);
        OPEN.set(self.outer.map(|outer| outer.then(counts)));
        counts
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.finished {
            self.close();
        }
    }
}

/// Returns what the calling thread's innermost open [`Scope`] counted so far; `None` without one.
///
/// Allocates nothing and ends nothing.
#[must_use]
pub fn so_far() -> Option<Counts> {
    OPEN.get()
}

/// Returns whether [`CountingAlloc`] is this program's global allocator.
///
/// Without it every count is 0, which proves nothing.
#[must_use]
pub fn is_installed() -> bool {
    let scope = Scope::start();
    drop(core::hint::black_box(Box::new(0_u64)));
    scope.finish().allocs == 1
}

fn count(change: impl FnOnce(&mut Counts)) {
    // The slot has no destructor, so it is there until the thread is gone; where a platform still
    // takes it away earlier, what comes after stays uncounted.
    let _ = OPEN.try_with(|open| {
        if let Some(mut counts) = open.get() {
            change(&mut counts);
            open.set(Some(counts));
        }
    });
}

// SAFETY:
// - each method hands its arguments to the same method of `System`, which upholds the contract of
//   `GlobalAlloc`, and returns that method's result unchanged.
// - counting reads and writes one thread-local cell: it allocates nothing, and it does not unwind,
//   because sums of live sizes stay below 2^63 and the counters of past sizes below 2^64.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the contract of `alloc`: the size of `layout` is not 0.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            count(|counts| {
                counts.allocated(layout.size());
                counts.moved(0, layout.size());
            });
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the contract of `alloc_zeroed`: the size is not 0.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            count(|counts| {
                counts.allocated(layout.size());
                counts.moved(0, layout.size());
            });
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps to the contract of `realloc`: `block` came from this allocator,
        // so from `System`, with `layout`; `new_size` is not 0 and does not overflow a layout.
        let moved = unsafe { System.realloc(block, layout, new_size) };
        if !moved.is_null() {
            count(|counts| {
                counts.allocated(new_size);
                counts.moved(layout.size(), new_size);
            });
        }
        moved
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the contract of `dealloc`: `block` came from this allocator,
        // so from `System`, with `layout`, and was not given back before.
        unsafe { System.dealloc(block, layout) };
        count(|counts| counts.moved(layout.size(), 0));
    }
}
