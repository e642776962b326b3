//! Where threads exchange whole magazines of one segment size.

use crate::{
    cache::magazine::{MAGAZINE_LEN_MAX, Magazine, MagazineBox},
    size::{SLAB_BYTES, SegmentSize},
    sync::{ArrayQueue, AtomicUsize, Ordering},
};

/// Full magazines that wait in one depot; more are returned to the central free list.
const FULL_MAGAZINES_MAX: usize = 64;

/// Payload bytes that one magazine holds at most.
const MAGAZINE_BYTES_MAX: usize = 512 << 10;

/// Slabs that a pool must be allowed for its threads to keep magazines.
const CACHED_SLABS_MIN: usize = 8;

/// The exchange for one segment size of one pool.
pub(crate) struct Depot {
    /// Segments that a thread may keep in a magazine now: `magazine_len`, or 0 while every segment
    /// has to return to the central free list.
    cache_limit: AtomicUsize,
    magazine_len: usize,
    full: ArrayQueue<MagazineBox>,
    empty: ArrayQueue<MagazineBox>,
}

impl Depot {
    /// Creates the depot for a pool of `bytes_max` whose threads keep `thread_cache_bytes_max` each.
    pub(crate) fn new(size: SegmentSize, bytes_max: usize, thread_cache_bytes_max: usize) -> Self {
        // A small pool's threads keep less from each other; a tiny one's keep nothing.
        let slabs = bytes_max / SLAB_BYTES;
        let share = if slabs < CACHED_SLABS_MIN { 0 } else { (slabs / 128).max(1) };
        let magazine_len =
            magazine_len(size, magazine_bytes_max(thread_cache_bytes_max)).min(share);
        Self {
            cache_limit: AtomicUsize::new(magazine_len),
            magazine_len,
            full: ArrayQueue::new(FULL_MAGAZINES_MAX),
            // All that were ever full at once find a place when they are empty.
            empty: ArrayQueue::new(2 * FULL_MAGAZINES_MAX),
        }
    }

    /// Segments that a thread may keep in a magazine now.
    #[inline]
    pub(crate) fn cache_limit(&self) -> usize {
        self.cache_limit.load(Ordering::Relaxed)
    }

    /// Lets no thread start to keep segments. Those that do are to be recalled.
    pub(crate) fn close(&self) {
        self.cache_limit.store(0, Ordering::SeqCst);
    }

    /// Lets threads keep segments again.
    pub(crate) fn open(&self) {
        self.cache_limit.store(self.magazine_len, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.cache_limit() < self.magazine_len
    }

    /// Segments in a full magazine; 0 when threads of this pool keep none.
    pub(crate) const fn magazine_len(&self) -> usize {
        self.magazine_len
    }

    /// Idle segments in the full magazines here.
    pub(crate) fn idle(&self) -> usize {
        self.full.len() * self.magazine_len
    }

    /// Bytes of the magazines here, full and empty, without the segments.
    pub(crate) fn metadata_bytes(&self) -> usize {
        (self.full.len() + self.empty.len()) * size_of::<Magazine>()
    }

    pub(crate) fn take_full(&self) -> Option<MagazineBox> {
        self.full.pop()
    }

    /// Gives the magazine back when there is no place for it.
    pub(crate) fn put_full(&self, magazine: MagazineBox) -> Result<(), MagazineBox> {
        self.full.push(magazine)
    }

    /// Takes an empty magazine, a new one where none waits; `None` when there is no memory.
    pub(crate) fn take_empty(&self) -> Option<MagazineBox> {
        self.empty.pop().or_else(Magazine::allocate)
    }

    pub(crate) fn put_empty(&self, magazine: MagazineBox) {
        // Where the queue is full, this one is freed.
        drop(self.empty.push(magazine));
    }

    /// Frees the empty magazines that wait here.
    pub(crate) fn free_empty(&self) {
        while let Some(magazine) = self.empty.pop() {
            drop(magazine);
        }
    }
}

/// Segments of `size` in a magazine of at most `bytes`.
const fn magazine_len(size: SegmentSize, bytes: usize) -> usize {
    let len = bytes / size.bytes();
    if len < MAGAZINE_LEN_MAX { len } else { MAGAZINE_LEN_MAX }
}

/// Bytes in a magazine with which a thread's cache, two magazines of each size, stays within
/// `thread_cache_bytes_max`.
fn magazine_bytes_max(thread_cache_bytes_max: usize) -> usize {
    let cache_bytes = |magazine_bytes: usize| -> usize {
        let bytes = |&size: &SegmentSize| 2 * magazine_len(size, magazine_bytes) * size.bytes();
        SegmentSize::ALL.iter().map(bytes).sum()
    };
    let mut bytes = MAGAZINE_BYTES_MAX;
    while cache_bytes(bytes) > thread_cache_bytes_max {
        bytes /= 2;
    }
    bytes
}

#[cfg(all(test, not(seg_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_no_more_than_it_may_and_at_least_a_quarter_of_it() {
        for (max, least) in
            [(0, 0), (1_000, 0), (4_096, 1_024), (1 << 20, 1 << 18), (4 << 20, 3 << 20)]
        {
            let bytes = |size: SegmentSize| {
                2 * Depot::new(size, usize::MAX, max).magazine_len() * size.bytes()
            };
            let sum: usize = SegmentSize::ALL.map(bytes).iter().sum();
            assert!(least <= sum && sum <= max, "{sum} of {max}");
        }
    }
}
