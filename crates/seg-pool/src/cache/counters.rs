//! What other threads may read and write of one thread's cache.

use crate::sync::{AtomicUsize, Ordering};

/// Bytes of one thread cache, its two magazines not counted.
pub(crate) const THREAD_CACHE_BYTES: usize = 128;

/// The counts of one thread's cache for one segment size, and how much it may keep.
///
/// The thread itself writes the counts; other threads read them. Other threads write the limit.
pub(crate) struct Counters {
    /// Segments in the loaded magazine.
    pub(crate) loaded: AtomicUsize,
    /// Segments in the previous magazine.
    pub(crate) previous: AtomicUsize,
    /// Segments taken through the cache so far.
    pub(crate) taken: AtomicUsize,
    /// Segments that the thread may keep in a magazine; 0 once the cache is recalled.
    limit: AtomicUsize,
}

impl Counters {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            loaded: AtomicUsize::new(0),
            previous: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
        }
    }

    /// Segments in both magazines.
    pub(crate) fn idle(&self) -> usize {
        self.loaded.load(Ordering::Relaxed) + self.previous.load(Ordering::Relaxed)
    }

    /// Segments taken through the cache so far.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Segments that the thread may keep in a magazine; 0 once the cache is recalled.
    #[inline]
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Asks the thread to give back all that it keeps, when it next drops a segment of this size or
    /// finds its loaded magazine empty.
    pub(crate) fn recall(&self) {
        self.limit.store(0, Ordering::Relaxed);
    }
}
